#include "dsperse/trust/treatment/treatment.h"
#include "dsperse/work/coordinator/archive.h"
#include "dsperse/work/coordinator/state.h"

namespace dsperse::work {
namespace {

using trust::BoundaryRoot;

constexpr std::uint32_t kRunMagic = 0x314E5552;        // "RUN1"
constexpr std::uint32_t kStandingsMagic = 0x31444E53;  // "SND1"

/// A value that has bytes of its own.
template <class A, class T, class Encode, class Decode>
void field_bytes(A& a, T& x, Encode&& encode, Decode&& decode) {
  Bytes bytes;
  if constexpr (!A::reads()) bytes = encode(x);
  a.bytes(bytes);
  if constexpr (A::reads()) {
    auto value = decode(ByteView(bytes));
    if (value)
      x = std::move(*value);
    else
      a.set_bad();
  }
}

template <class A>
void field(A& a, WeightOpening& x) {
  field(a, x.root);
  field(a, x.seed);
  field(a, x.opening);
}
template <class A>
void field(A& a, trust::BoundaryRoots& x) {
  field_list(a, x, [](A& ar, BoundaryRoot& r) {
    field(ar, r.chunk);
    field(ar, r.root);
  });
}
template <class A>
void field(A& a, OutputBlobs& x) {
  field_list(a, x, [](A& ar, std::pair<std::uint32_t, Digest>& o) {
    field(ar, o.first);
    field(ar, o.second);
  });
}
template <class A>
void field(A& a, Shown& x) {
  field(a, x.opening.h_out);
  field(a, x.opening.salt);
  field(a, x.receipt);
  field(a, x.receipt_digest);
  field(a, x.roots_out);
  field(a, x.outputs);
  field(a, x.proof);
}
template <class A>
void field(A& a, Errand& x) {
  field(a, x.number);
  field(a, x.slice);
  field_enum(a, x.purpose, Purpose::canary);
  field_enum(a, x.state, ErrandState::dead);
  field(a, x.lost);
  field(a, x.job);
  field(a, x.worker);
  field(a, x.since);
  field(a, x.deadline);
  field(a, x.commitment);
  field_optional(a, x.weights, [](A& ar, WeightOpening& w) { field(ar, w); });
  field_optional(a, x.shown, [](A& ar, Shown& s) { field(ar, s); });
}
template <class A>
void field(A& a, Settled& x) {
  field(a, x.h_out);
  field(a, x.roots);
  field(a, x.values);
  field_optional(a, x.proof, [](A& ar, Proof& p) {
    field(ar, p.blob);
    field_optional(ar, p.weights, [](A& ar2, WeightOpening& w) { field(ar2, w); });
  });
}
template <class A>
void field(A& a, SliceState& x) {
  field_enum(a, x.phase, SlicePhase::settled);
  field_optional(a, x.replication, [](A& ar, trust::replication::State& s) {
    field_bytes(ar, s, [](const auto& v) { return trust::replication::encode(v); }, trust::replication::decode);
  });
  field_list(a, x.errands, [](A& ar, std::uint32_t& n) { field(ar, n); });
  field_optional(a, x.dispute, [](A& ar, trust::dispute::State& s) {
    field_bytes(ar, s, [](const auto& v) { return trust::dispute::encode(v); }, trust::dispute::decode);
  });
  field_optional(a, x.settled, [](A& ar, Settled& s) { field(ar, s); });
  field(a, x.accepted);
  field_enum(a, x.audit, AuditPhase::passed);
}
template <class A>
void field(A& a, trust::NodeLabels& x) {
  field(a, x.key);
  field(a, x.operated_by);
  field(a, x.region);
  field(a, x.engine);
}
template <class A>
void field(A& a, Attempt& x) {
  field(a, x.number);
  for (Digest* d : {&x.secret, &x.salt, &x.run}) field(a, *d);
  field(a, x.since);
  field(a, x.moved);
  field_list(a, x.nodes, [](A& ar, trust::NodeLabels& n) { field(ar, n); });
  field(a, x.opening);
  field_list(a, x.silent, [](A& ar, Digest& d) { field(ar, d); });
  field_list(a, x.errands, [](A& ar, Errand& e) { field(ar, e); });
  field_list(a, x.slices, [](A& ar, SliceState& s) { field(ar, s); });
  field_bytes(a, x.lottery, [](const auto& v) { return trust::lottery::encode(v); }, trust::lottery::decode);
  field(a, x.closing);
  field(a, x.seal);
  field_enum(a, x.phase, RunPhase::failed);
}
template <class A>
void field(A& a, trust::Treatment& x) {
  std::string text;
  if constexpr (!A::reads()) text = trust::to_text(x);
  field(a, text);
  if constexpr (A::reads()) {
    auto value = trust::parse_treatment(text);
    if (value)
      x = *value;
    else
      a.set_bad();
  }
}
template <class A>
void field(A& a, RunRequest& x) {
  field_list(a, x.inputs, [](A& ar, RunRequest::Input& i) {
    field(ar, i.chunk);
    field(ar, i.values);
    field(ar, i.root);
    field(ar, i.seed);
  });
  field_list(a, x.treatments, [](A& ar, trust::Treatment& t) { field(ar, t); });
  field(a, x.nonce);
  field_enum(a, x.late, trust::lottery::Late::beacon);
}
template <class A>
void fields(A& a, Run& x) {
  field(a, x.id);
  field(a, x.model);
  field(a, x.request);
  field(a, x.attempt);
  field(a, x.disputes);
  field_list(a, x.verdicts, [](A& ar, Digest& d) { field(ar, d); });
  field_list(a, x.notes, [](A& ar, Bytes& b) { field(ar, b); });
  field_list(a, x.stale, [](A& ar, Digest& d) { field(ar, d); });
  field(a, x.failure);
  field(a, x.waits_for);
  field_optional(a, x.record, [](A& ar, trust::RunRecord& r) {
    field_bytes(ar, r, [](const auto& v) { return trust::encode_record(v); }, trust::decode_record);
  });
}
template <class A>
void fields(A& a, Standings& x) {
  field(a, x.secret);
  field(a, x.last_ms);
  field_bytes(a, x.book, [](const auto& v) { return trust::audit::encode(v); }, trust::audit::decode);
  field_bytes(a, x.reputation, [](const auto& v) { return v.encode(); }, trust::incentive::Reputation::decode);
  Bytes points;
  if constexpr (!A::reads())
    if (x.points) points = x.points->encode();
  field(a, points);
  if constexpr (A::reads()) {
    x.points.reset();
    if (!points.empty()) {
      auto value = trust::incentive::PointsContract::decode(points);
      if (value)
        x.points.emplace(std::move(*value));
      else
        a.set_bad();
    }
  }
  std::vector<std::pair<Digest, std::string>> engines(x.engines.begin(), x.engines.end());
  field_list(a, engines, [](A& ar, std::pair<Digest, std::string>& e) {
    field(ar, e.first);
    field(ar, e.second);
  });
  if constexpr (A::reads()) x.engines = {engines.begin(), engines.end()};
  field_bytes(a, x.canaries, [](const auto& v) { return trust::audit::encode(v); }, trust::audit::decode_pool);
  std::vector<std::pair<Digest, Run>> fakes(x.fakes.begin(), x.fakes.end());
  field_list(a, fakes, [](A& ar, std::pair<Digest, Run>& f) {
    field(ar, f.first);
    fields(ar, f.second);
  });
  if constexpr (A::reads()) x.fakes = {fakes.begin(), fakes.end()};
  field_list(a, x.out, [](A& ar, CanaryErrand& c) {
    field(ar, c.errand);
    field(ar, c.task);
  });
  field(a, x.slots);
  field(a, x.next_canary);
  field_list(a, x.outbox, [](A& ar, Bytes& b) { field(ar, b); });
  field_list(a, x.to_release, [](A& ar, Digest& d) { field(ar, d); });
  field_list(a, x.evidence, [](A& ar, Digest& d) { field(ar, d); });
}

template <class T>
Bytes write(const T& value, std::uint32_t magic) {
  Writing a;
  field(a, magic);
  T copy = value;  // one description for both directions takes a value that may change
  fields(a, copy);
  return a.take();
}

template <class T>
Result<T> read(ByteView bytes, std::uint32_t magic) {
  Reading a(bytes);
  std::uint32_t got = 0;
  field(a, got);
  T out;
  if (got == magic) fields(a, out);
  if (got != magic || !a.finished())
    return fail(ErrorKind::bad_input, "a saved state of the coordinator is damaged or of another version", {},
                "go on with the version that wrote it, or begin with a new state folder");
  return out;
}

}  // namespace

Bytes encode(const Run& run) { return write(run, kRunMagic); }
Result<Run> decode_run(ByteView bytes) { return read<Run>(bytes, kRunMagic); }
Bytes encode(const Standings& standings) { return write(standings, kStandingsMagic); }
Result<Standings> decode_standings(ByteView bytes) { return read<Standings>(bytes, kStandingsMagic); }

}  // namespace dsperse::work
