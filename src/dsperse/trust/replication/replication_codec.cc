// Bytes of a replication's state: magic, k, distinct, deadlines, phase, outcome, replicas in order of assignment. Digests that a
// status does not have yet are zeros. decode() checks every replica as step() would and that outcome and phase fit the openings.
#include "dsperse/trust/receipt/job.h"
#include "dsperse/trust/replication/replication.h"

namespace dsperse::trust::replication {
namespace {

constexpr std::uint32_t kMagic = 0x31504552;  // "REP1"
constexpr std::size_t kLeastReplicaBytes = 5 * 32 + 3 * 4 + 2;

bool replica_is_sound(const State& s, const Replica& r) {
  const bool has_commitment = r.status != Status::assigned && r.status != Status::lost;
  const bool has_opening = r.status == Status::opened || r.status == Status::invalid;
  if (!has_commitment && (r.commitment != Digest{} || r.after_decision)) return false;
  if (!has_opening && (r.h_out != Digest{} || r.salt != Digest{})) return false;
  if (r.status == Status::opened && trust::commitment(r.job, r.worker.key, {r.h_out, r.salt}) != r.commitment) return false;
  if (r.status == Status::assigned && s.phase != Phase::committing) return false;
  return !r.after_decision || s.outcome == Outcome::agreed || s.outcome == Outcome::mismatch;
}

bool sound(const State& s) {
  for (const Replica& r : s.replicas)
    if (!replica_is_sound(s, r)) return false;
  return s.phase == Phase::settled ? s.outcome == judge(s) : s.outcome == Outcome::open;
}

}  // namespace

Bytes encode(const State& s) {
  ByteWriter w;
  w.u32(kMagic);
  w.u32(s.k);
  w.u8(s.distinct);
  w.u64(s.commit_deadline_ms);
  w.u64(s.open_deadline_ms);
  w.u8(static_cast<std::uint8_t>(s.phase));
  w.u8(static_cast<std::uint8_t>(s.outcome));
  w.u32(static_cast<std::uint32_t>(s.replicas.size()));
  for (const Replica& r : s.replicas) {
    w.raw(r.job);
    w.raw(r.worker.key);
    for (const std::string* label : {&r.worker.operator_name, &r.worker.region, &r.worker.engine}) w.text(*label);
    w.u8(static_cast<std::uint8_t>(r.status));
    w.u8(r.after_decision ? 1 : 0);
    for (const Digest* d : {&r.commitment, &r.h_out, &r.salt}) w.raw(*d);
  }
  return w.take();
}

Result<State> decode(ByteView bytes) {
  const auto bad = [] { return fail(ErrorKind::bad_input, "these bytes are no state of a replication", "replication"); };
  ByteReader in(bytes);
  if (in.u32() != kMagic) return bad();
  const std::uint32_t k = in.u32();
  const std::uint8_t distinct = in.u8();
  const std::uint64_t commit_deadline_ms = in.u64(), open_deadline_ms = in.u64();
  auto s = begin(k, distinct, commit_deadline_ms, open_deadline_ms);
  if (!s) return bad();
  const std::uint8_t phase = in.u8(), outcome = in.u8();
  if (phase > 2 || outcome > 3) return bad();
  s->phase = static_cast<Phase>(phase);
  s->outcome = static_cast<Outcome>(outcome);
  const std::size_t n = in.count(kMaxReplicas, kLeastReplicaBytes);
  for (std::size_t i = 0; i < n; ++i) {
    Replica r;
    r.job = in.digest();
    r.worker.key = in.digest();
    for (std::string* label : {&r.worker.operator_name, &r.worker.region, &r.worker.engine}) *label = in.text(kMaxLabelBytes);
    const std::uint8_t status = in.u8(), after = in.u8();
    for (Digest* d : {&r.commitment, &r.h_out, &r.salt}) *d = in.digest();
    if (!in.ok() || status > 5 || after > 1 || !may_join(*s, r.job, r.worker)) return bad();
    r.status = static_cast<Status>(status);
    r.after_decision = after == 1;
    s->replicas.push_back(std::move(r));
  }
  if (!in.finished() || !sound(*s)) return bad();
  return *s;
}

}  // namespace dsperse::trust::replication
