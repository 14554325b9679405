// Who answers for one slice: receipts against the facts, and what they amount to.
#include <algorithm>
#include <set>

#include "dsperse/trust/record/reading.h"

namespace dsperse::trust {
namespace {

Verdict reject(const char* reason, std::string where = {}) { return Verdict::reject(reason, std::move(where)); }

const NodeLabels* find_node(const RunOpening& opening, const PublicKey& key) {
  const auto at = std::ranges::lower_bound(opening.nodes, key, {}, &NodeLabels::key);
  return at != opening.nodes.end() && at->key == key ? &*at : nullptr;
}

/// A valid receipt by a worker of the opening, that claims the facts of this slice and is in the log.
Verdict check_result(const Reading& r, const SignedResult& result, std::uint32_t slice, Receipt& receipt) {
  const RunFacts::Slice& facts = r.facts.slices[slice];
  if (Verdict v = verify_receipt(result.receipt, r.check, receipt); !v) return v;
  if (find_node(r.opening, receipt.worker) == nullptr)
    return reject("record: a worker whom the opening does not name", to_hex(receipt.worker));
  if (receipt.run != r.facts.run) return reject("record: receipt of another run");
  if (receipt.model != r.facts.model) return reject("record: receipt of another model");
  if (receipt.slice_key != facts.key) return reject("record: receipt of another slice");
  if (receipt.roots_in != facts.in) return reject("record: receipt of other roots in");
  if (receipt.h_in != r.facts.trace[slice]) return reject("record: receipt of another h_in");
  if (receipt.roots_out != facts.out) return reject("record: receipt of other roots out");
  if (receipt.h_out != r.facts.trace[slice + 1]) return reject("record: receipt of another h_out");
  if (Verdict v = verify_receipt_opening(receipt, result.salt); !v) return v;
  return check_place(r, result.receipt, result.place, "");
}

Verdict check_audit(const Reading& r, const Reading::Answer& answer, const SignedResult& audit, std::uint32_t slice) {
  Receipt receipt;
  if (Verdict v = check_result(r, audit, slice, receipt); !v) return v;
  if (audit.place.index < r.seal.size) return reject("record: an audit from before the seal");
  const NodeLabels* auditor = find_node(r.opening, receipt.worker);
  for (const NodeLabels* node : answer.nodes) {
    if (node->key == auditor->key) return reject("record: the auditor made a result that it audits");
    if (auditor->operated_by.empty() || node->operated_by == auditor->operated_by)
      return reject("record: the auditor shares its operator with a result", to_hex(node->key));
  }
  return Verdict::accept();
}

const std::string& label(const NodeLabels& node, Distinct distinct) {
  return distinct == Distinct::operators ? node.operated_by : distinct == Distinct::regions ? node.region : node.engine;
}

/// Results that count: as many as there are different labels.
std::uint32_t independent(const Reading::Answer& answer, Distinct distinct) {
  std::set<std::string_view> labels;
  for (const NodeLabels* node : answer.nodes)
    if (!label(*node, distinct).empty()) labels.insert(label(*node, distinct));
  return static_cast<std::uint32_t>(labels.size());
}

/// promised: the opening's treatment. Only what was found counts.
Held found_for(const Reading& r, std::size_t i, const Treatment& promised) {
  const SliceAnswer& answer = r.record.slices[i];
  Held held;
  held.slice = answer.slice;
  for (const NodeLabels* node : r.answers[i].nodes) held.workers.push_back(node->key);
  held.drawn = is_drawn(r, i);
  held.by.proof = r.facts.slices[answer.slice].proved;
  if (held.by.proof) return held;
  const Distinct distinct = promised.replicate ? promised.replicate->distinct : Distinct::operators;
  if (const std::uint32_t k = independent(r.answers[i], distinct); k >= 2) held.by.replicate = Replicate{k, distinct};
  if (!answer.probability) return held;
  // The opening's own number if it is that one, so that it reads as it was written.
  const bool as_promised = promised.audit && *answer.probability == probability_of(promised.audit->p);
  const Audit audit{as_promised ? promised.audit->p : rate_of(*answer.probability),
                    promised.audit && !held.drawn ? promised.audit->by : AuditBy::reexec};
  if (audit.p < kLeastAuditRate) return held;
  held.by.audit = audit;
  held.pending = !r.record.secret;
  return held;
}

}  // namespace

Verdict check_place(const Reading& r, const Envelope& envelope, const Place& place, const std::string& what) {
  Verdict v = verify_entry(encode_envelope(envelope), {place.index, r.checkpoint.size, place.path}, r.checkpoint);
  if (v && &envelope != &r.record.opening && place.index <= r.record.opening_place.index)
    v = reject("record: opening is not the run's first entry");
  return v || what.empty() ? v : within(std::move(v), what);
}

Verdict check_answer(Reading& r, const SliceAnswer& answer) {
  Reading::Answer out;
  if (answer.results.empty()) return reject("record: no result");
  for (std::size_t i = 0; i < answer.results.size(); ++i) {
    const std::string what = "result " + std::to_string(i);
    Receipt receipt;
    if (Verdict v = check_result(r, answer.results[i], answer.slice, receipt); !v) return within(std::move(v), what);
    if (answer.results[i].place.index >= r.seal.size) return reject("record: a receipt that is not under the seal", what);
    if (!out.jobs.empty() && receipt.job <= out.jobs.back()) return reject("record: results do not ascend by job", what);
    for (const NodeLabels* node : out.nodes)
      if (node->key == receipt.worker) return reject("record: a worker answers twice", what);
    out.jobs.push_back(receipt.job);
    out.nodes.push_back(find_node(r.opening, receipt.worker));
  }
  if (answer.audit)
    if (Verdict v = check_audit(r, out, *answer.audit, answer.slice); !v) return within(std::move(v), "audit");
  r.answers.push_back(std::move(out));
  return Verdict::accept();
}

bool is_drawn(const Reading& r, std::size_t i) {
  return r.record.slices[i].probability && std::ranges::find(r.drawn, r.answers[i].jobs[0]) != r.drawn.end();
}

std::vector<Held> found(const Reading& r) {
  std::vector<Held> out = held_without_record(r.facts);
  for (std::size_t i = 0; i < r.record.slices.size(); ++i) {
    const std::uint32_t slice = r.record.slices[i].slice;
    out[slice] = found_for(r, i, r.opening.treatments[slice]);
  }
  return out;
}

std::vector<std::string> notes(const Reading& r, const RecordVerdict& verdict) {
  std::vector<std::string> out;
  if (!verdict.keeper_pinned) out.emplace_back("the coordinator's key is taken as given: whoever holds it wrote this record");
  const bool labels = std::ranges::any_of(verdict.slices, [](const Held& h) { return h.by.replicate || h.by.audit; });
  if (labels)
    out.emplace_back("that workers have different operators, regions or engines, and who audits, is the coordinator's word");
  if (!r.entries.empty() && !r.record.secret) out.emplace_back("audits are not drawn yet: until then they hold nothing");
  if (!r.entries.empty() && r.record.secret) {
    if (verdict.late || r.opening.late == lottery::Late::none)
      out.emplace_back(lottery::assumption(r.opening.late));
    else
      out.emplace_back(
          "the draw assumes that the coordinator does not collude with workers: its late part was not compared with your own, "
          "given after a seal that you were shown");
  }
  if (!r.record.verdicts.empty())
    out.emplace_back("disputes: " + std::to_string(r.record.verdicts.size()) +
                     "; who wins one is decided by a proof, or, where nobody proves, is the coordinator's word");
  return out;
}

}  // namespace dsperse::trust
