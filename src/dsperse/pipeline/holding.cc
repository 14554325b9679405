#include "dsperse/pipeline/holding.h"

#include <fmt/format.h>

#include <algorithm>

#include "dsperse/trust/verdict/boundaries.h"

namespace dsperse::pipeline {
namespace {

static_assert(trust::kMaxRecordBytes == proof::kMaxRecord);

trust::BoundaryRoots roots_of(const std::vector<proof::Port>& ports, const std::vector<Digest>& digests) {
  trust::BoundaryRoots out;
  for (const proof::Port& p : ports) out.push_back({p.chunk, digests[p.chunk]});
  std::ranges::sort(out, {}, &trust::BoundaryRoot::chunk);
  return out;
}

/// "0, 2-4" of ascending numbers.
std::string ranges_text(const std::vector<std::uint32_t>& slices) {
  std::string out;
  for (std::size_t i = 0; i < slices.size();) {
    std::size_t last = i;
    while (last + 1 < slices.size() && slices[last + 1] == slices[last] + 1) ++last;
    if (!out.empty()) out += ", ";
    out += last == i ? std::to_string(slices[i]) : fmt::format("{}-{}", slices[i], slices[last]);
    i = last + 1;
  }
  return out;
}

/// Empty for an integer slice.
std::string float_of(const Holding& holding, std::size_t slice) {
  return slice < holding.in_float.size() ? holding.in_float[slice] : std::string();
}

std::string found_text(const Holding& holding, std::size_t slice) {
  const trust::Held& held = holding.slices[slice];
  const std::string in_float = float_of(holding, slice);
  return trust::to_text(held.by) +
         (held.pending                   ? " (audit not drawn yet)"
          : held.drawn && !held.by.proof ? " (drawn, passed)"
                                         : "") +
         (in_float.empty() ? "" : ", " + in_float);
}

std::vector<std::string> float_texts(const proof::ModelKey& key) {
  std::vector<std::string> out;
  for (const proof::SliceKey& s : key.slices) {
    std::string& text = out.emplace_back();
    if (s.in_float) text = fmt::format("run in float by {} ({})", s.in_float->engine_text(), counted_text(s.in_float->operators));
  }
  return out;
}

/// Nothing but trust is asked for slices in float, and nothing else is claimed for them.
Verdict judge_floats(const Holding& holding, const std::vector<trust::Treatment>& wanted) {
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (holding.in_float[i].empty()) continue;
    const std::string where = fmt::format("slice {}, {}", i, holding.in_float[i]);
    if (!wanted[i].is_trust())
      return Verdict::reject(
          "the policy asks " + trust::to_text(wanted[i]) + " of a slice that runs in float: nothing but trust can hold it",
          where);
    if (const trust::Held& h = holding.slices[i]; !h.by.is_trust() || h.pending || h.drawn)
      return Verdict::reject("more than trust is claimed for a slice that runs in float", where);
  }
  return Verdict::accept();
}

/// What is known of this slice, not of its treatment: an audit that is not drawn holds nothing, one that passed has its auditor.
trust::Guarantee guarantee_of(const trust::Held& held, bool receipts, bool in_float) {
  if (in_float)
    return {"the operator lies, or the engine errs; " + std::string(receipts ? "" : "no receipt says who, and ") +
                "nobody can compare floats bit for bit",
            "the operator", "everything"};
  const bool passed = held.by.audit && held.drawn;
  trust::Treatment without = held.by;
  if (passed || held.pending) without.audit.reset();
  trust::Guarantee g = trust::guarantee(without);
  if (without.is_trust() && !receipts) g.wrong_only_if = "the operator lies; no receipt says who";
  if (!passed) return g;
  if (without.is_trust())
    return {"worker and auditor lied alike", "they do not collude; the auditor was chosen at random and is really another",
            "Sybil identities"};
  g.wrong_only_if += ", and the auditor lied alike";
  return g;
}

}  // namespace

trust::RunFacts record_facts(const proof::ModelKey& key, const proof::Certificate& certificate,
                             const std::set<std::uint32_t>& proved) {
  const std::vector<Digest> digests = trust::boundary_digests(certificate.table);
  trust::RunFacts out;
  out.model = key.id();
  out.run = proof::run_id(out.model, certificate.nonce, certificate.salt);
  out.trace = trust::trace_of(key, trust::lives_of(key), digests);
  for (std::uint32_t i = 0; i < key.slices.size(); ++i) {
    const proof::SliceKey& s = key.slices[i];
    out.slices.push_back({s.digest(), roots_of(s.inputs, digests), roots_of(s.outputs, digests), proved.contains(i)});
  }
  return out;
}

Result<Verdict> judge_holding(const proof::ModelKey& key, const proof::Certificate& certificate,
                              const std::set<std::uint32_t>& proved, const std::vector<trust::Treatment>& wanted,
                              const trust::RecordExpectation& user, const trust::SignatureCheck* check, Holding& out) {
  const trust::RunFacts facts = record_facts(key, certificate, proved);
  if (wanted.size() != facts.slices.size()) return fail(ErrorKind::internal, "a policy of another number of slices");
  Holding holding;
  if (certificate.record.empty()) {
    holding.slices = trust::held_without_record(facts);
    holding.weakest = trust::weakest_of(holding.slices);
    if (user.keeper || user.late_part || user.seal)
      holding.notes.emplace_back(
          "the certificate has no record of receipts: nothing was compared with a coordinator, late nonce or seal");
  } else {
    if (check == nullptr) return fail(ErrorKind::internal, "a record, and nobody to check its signatures");
    DSPERSE_TRY(const trust::RunRecord record, trust::decode_record(certificate.record));
    trust::RecordVerdict v = trust::verify_record(record, facts, user, *check);
    if (!v.verdict) return std::move(v.verdict);
    holding = {record.keeper, v.keeper_pinned, v.late, std::move(v.slices), {}, v.weakest, std::move(v.notes)};
  }
  holding.in_float = float_texts(key);
  if (Verdict v = judge_floats(holding, wanted); !v) return v;
  const auto first = std::ranges::find_if(holding.in_float, [](const std::string& text) { return !text.empty(); });
  if (first != holding.in_float.end()) holding.weakest = static_cast<std::uint32_t>(first - holding.in_float.begin());
  for (std::size_t i = 0; i < wanted.size(); ++i)
    if (Verdict v = trust::covers(holding.slices[i], wanted[i], user.allow_pending); !v) return v;
  out = std::move(holding);
  return Verdict::accept();
}

std::string counted_text(const std::vector<std::string>& names) {
  std::vector<std::pair<std::string, std::size_t>> counts;
  for (const std::string& name : names) {
    auto it = std::ranges::find(counts, name, &std::pair<std::string, std::size_t>::first);
    if (it == counts.end()) it = counts.insert(it, {name, 0});
    ++it->second;
  }
  std::string out;
  for (const auto& [name, count] : counts)
    out += (out.empty() ? "" : ", ") + (count == 1 ? name : std::to_string(count) + " " + name);
  return out;
}

std::string holding_text(const Holding& holding) {
  std::size_t proved = 0, replicated = 0, audited = 0, pending = 0, trusted = 0;
  for (const trust::Held& h : holding.slices)
    ++(h.by.proof ? proved : h.by.replicate ? replicated : h.pending ? pending : h.by.audit ? audited : trusted);
  std::string out = fmt::format("{} slice{} proved", proved, proved == 1 ? "" : "s");
  if (replicated != 0) out += fmt::format(", {} replicated", replicated);
  if (audited != 0) out += fmt::format(", {} audited", audited);
  if (pending != 0) out += fmt::format(", {} with an audit that is not drawn yet", pending);
  if (trusted != 0) out += fmt::format(", {} trusted", trusted);
  if (proved != holding.slices.size())
    out += fmt::format("; weakest: slice {}, {}", holding.weakest, found_text(holding, holding.weakest));
  return out;
}

std::vector<std::string> guarantee_texts(const Holding& holding) {
  std::vector<std::string> out;
  std::vector<bool> said(holding.slices.size(), false);
  for (std::size_t i = 0; i < holding.slices.size(); ++i) {
    if (said[i]) continue;
    const std::string found = found_text(holding, i);
    std::vector<std::uint32_t> alike;
    for (std::size_t j = i; j < holding.slices.size(); ++j)
      if (!said[j] && found_text(holding, j) == found) {
        alike.push_back(static_cast<std::uint32_t>(j));
        said[j] = true;
      }
    const trust::Guarantee g = guarantee_of(holding.slices[i], holding.keeper.has_value(), !float_of(holding, i).empty());
    out.push_back(fmt::format("{} {}: {}: wrong only if {}; assumes {}; fails against {}", alike.size() == 1 ? "slice" : "slices",
                              ranges_text(alike), found, g.wrong_only_if, g.assumes, g.fails_against));
  }
  return out;
}

Result<trust::Checkpoint> read_checkpoint(ByteView envelope) {
  DSPERSE_TRY(const trust::Envelope signed_text, trust::decode_envelope(envelope));
  if (signed_text.payload_type != trust::kCheckpointType)
    return fail(ErrorKind::bad_input, "not a checkpoint but " + signed_text.payload_type, {},
                "give the seal that the coordinator showed");
  return trust::decode_checkpoint(signed_text.payload);
}

}  // namespace dsperse::pipeline
