// Lottery and audits: accepted results are bound, then drawn, then checked by somebody else.
#include <algorithm>

#include "dsperse/work/coordinator/pass.h"

namespace dsperse::work {
namespace {

namespace lottery = trust::lottery;

Status take_step(lottery::State& state, const lottery::Event& event) {
  DSPERSE_TRY(const lottery::Audits none, lottery::step(state, event));
  static_cast<void>(none);
  return {};
}

}  // namespace

Status Pass::enter_lottery(std::uint32_t slice) {
  SliceState& s = a_.slices[slice];
  if (!treatment(slice).audit) return {};
  // One result is drawn for the slice, however many agree: the smallest job.
  const Errand* accepted = nullptr;
  for (const Errand* e : claims(slice))
    if (e->shown->opening.h_out == s.settled->h_out && a_.lottery.jobs.contains(e->job) &&
        (accepted == nullptr || e->job < accepted->job))
      accepted = e;
  if (accepted == nullptr) return fail(ErrorKind::internal, "an audited slice has no result in the lottery");
  s.accepted = accepted->job;
  DSPERSE_CHECK_OK(take_step(a_.lottery, lottery::Receipt{accepted->job, accepted->shown->opening.salt}));
  return leave_lottery(slice);
}

Status Pass::leave_lottery(std::uint32_t slice) {
  for (const std::uint32_t number : a_.slices[slice].errands) {
    const auto at = a_.lottery.jobs.find(errand(number).job);
    if (at != a_.lottery.jobs.end() && !at->second.salt) DSPERSE_CHECK_OK(take_step(a_.lottery, lottery::Withdraw{at->first}));
  }
  return {};
}

Status Pass::draw() {
  DSPERSE_TRY(const lottery::Audits drawn, lottery::step(a_.lottery, lottery::Reveal{lottery_secret(a_)}));
  for (std::uint32_t i = 0; i < a_.slices.size(); ++i) {
    SliceState& s = a_.slices[i];
    if (s.accepted && std::ranges::binary_search(drawn, *s.accepted)) s.audit = AuditPhase::pending;
  }
  for (const Errand& e : a_.errands) {
    if (e.state != ErrandState::opened) continue;
    const SliceState& s = a_.slices[e.slice];
    DSPERSE_CHECK_OK(keeper_.drawn(e.shown->receipt_digest, s.audit == AuditPhase::pending && s.accepted == e.job));
  }
  a_.phase = RunPhase::auditing;
  a_.moved = c_.now;
  return keeper_.note(trust::kDrawType, trust::encode_draw({a_.run, lottery_secret(a_), a_.lottery.late_part, drawn}));
}

Status Pass::advance_audits() {
  bool open = false;
  for (std::uint32_t i = 0; i < a_.slices.size(); ++i) {
    if (a_.slices[i].audit == AuditPhase::pending) DSPERSE_CHECK_OK(advance_audit(i));
    if (a_.slices.empty()) return {};  // the attempt is over
    open |= a_.slices[i].audit == AuditPhase::pending;
  }
  return open ? Status{} : pay();
}

Status Pass::advance_audit(std::uint32_t slice) {
  SliceState& s = a_.slices[slice];
  if (s.settled->proof) return pass_audit(slice, nullptr);
  const bool by_proof = treatment(slice).audit->by == trust::AuditBy::proof;
  bool awaited = false;
  for (const std::uint32_t number : std::vector<std::uint32_t>(s.errands)) {
    Errand& e = errand(number);
    if (e.purpose != (by_proof ? Purpose::prove : Purpose::audit)) continue;
    awaited |= e.state != ErrandState::opened && e.state != ErrandState::dead && !e.lost;
    if (e.state != ErrandState::opened) continue;
    if (!by_proof) {
      // Another result than the accepted one is a dispute and seen as such before audits are looked at.
      return pass_audit(slice, &e);
    }
    DSPERSE_TRY(const std::optional<Settled> proved, accepted_proof(e));
    if (proved) return resolve(slice, *proved);
    e.state = ErrandState::dead;
  }
  if (awaited) return {};
  const ModelFacts::Slice& facts = c_.model.slices[slice];
  const auto taken = [&](const trust::NodeLabels& n) {
    return std::ranges::any_of(s.errands,
                               [&](std::uint32_t number) {
                                 const trust::NodeLabels* other = labels(errand(number).worker);
                                 return n.key == errand(number).worker ||
                                        (!by_proof && other != nullptr && n.operated_by == other->operated_by);
                               }) ||
           (!by_proof && n.operated_by.empty());
  };
  // h_in of a later slice's job is the h_out to be audited, or leads to it: whoever has one could echo it.
  const auto saw = [&](const trust::NodeLabels& n) {
    return !by_proof && std::ranges::any_of(a_.errands, [&](const Errand& e) {
      const trust::NodeLabels* other = labels(e.worker);
      return e.slice > slice && other != nullptr && n.operated_by == other->operated_by;
    });
  };
  const std::uint64_t memory = by_proof ? facts.prove_bytes : facts.run_bytes;
  DSPERSE_TRY(std::optional<Digest> worker, choose(memory, [&](const auto& n) { return !taken(n) && !saw(n); }));
  if (!worker) {
    DSPERSE_TRY(worker, choose(memory, [&](const auto& n) { return !taken(n); }));
  }
  if (!worker) {
    DSPERSE_TRY(const std::optional<Settled> mine, prove_myself(slice));
    if (mine) return resolve(slice, *mine);
    waits_for("an auditor of slice " + std::to_string(slice) + ": another operator's worker");
    return {};
  }
  std::optional<WeightOpening> weights;
  if (by_proof) {
    DSPERSE_TRY(const bool reserved, reserve(slice, weights));
    if (!reserved) return {};
  }
  give(by_proof ? Purpose::prove : Purpose::audit, slice, *worker, weights);
  return {};
}

Status Pass::pass_audit(std::uint32_t slice, const Errand* auditor) {
  SliceState& s = a_.slices[slice];
  s.audit = AuditPhase::passed;
  a_.moved = c_.now;
  const Errand* audited = errand_of(*s.accepted);
  DSPERSE_CHECK_OK(keeper_.valid(audited->worker));
  DSPERSE_CHECK_OK(keeper_.audit_passed(audited->shown->receipt_digest));
  if (auditor == nullptr) return {};
  DSPERSE_CHECK_OK(keeper_.drawn(auditor->shown->receipt_digest, false));
  return keeper_.valid(auditor->worker);
}

Status Pass::pay() {
  std::vector<bool> open;  // by slice: results differ, and nothing is proved
  for (std::uint32_t i = 0; i < a_.slices.size(); ++i) open.push_back(disputed(i));
  for (const Errand& e : a_.errands) {
    if (!e.shown) continue;
    // What was drawn and never checked is not paid, nor what nobody could use: back to the payer, and the bond is free. What was
    // slashed is settled. A claim that was proved has earned its wage.
    const SliceState& s = a_.slices[e.slice];
    const bool proved = s.settled && s.settled->proof && e.shown->proof == s.settled->proof->blob;
    const bool useless =
        e.state != ErrandState::opened || open[e.slice] || (s.audit == AuditPhase::pending && s.accepted == e.job);
    if (useless && !proved) {
      DSPERSE_CHECK_OK(keeper_.refund(e.shown->receipt_digest));
      continue;
    }
    DSPERSE_CHECK_OK(keeper_.drawn(e.shown->receipt_digest, false));
    DSPERSE_CHECK_OK(keeper_.release(e.shown->receipt_digest));
  }
  return {};
}

}  // namespace dsperse::work
