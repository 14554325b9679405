// Unlike results: who is right is a matter of proof.
#include <algorithm>

#include "dsperse/crypto/hash/hash.h"
#include "dsperse/trust/dispute/verdict_file.h"
#include "dsperse/work/coordinator/pass.h"

namespace dsperse::work {
namespace {

namespace dispute = trust::dispute;

dispute::Claim claim_of(const Errand& e) { return {e.worker, e.job, e.shown->receipt_digest, e.shown->opening.h_out}; }

const char* word(dispute::Outcome outcome) {
  using enum dispute::Outcome;
  switch (outcome) {
    case open:
      return "open";
    case a:
      return "a";
    case b:
      return "b";
    case neither:
      return "neither";
    case unproved:
      return "unproved";
    case contradiction:
      return "contradiction";
  }
  return "";
}

}  // namespace

std::vector<const Errand*> Pass::claims(std::uint32_t slice) const {
  std::vector<const Errand*> out;
  for (const std::uint32_t number : a_.slices[slice].errands) {
    const Errand& e = errand(number);
    if (e.state == ErrandState::opened && e.purpose != Purpose::claim) out.push_back(&e);
  }
  return out;
}

bool Pass::disputed(std::uint32_t slice) const {
  const auto all = claims(slice);
  if (all.empty()) return false;
  const auto& settled = a_.slices[slice].settled;
  const Digest first = settled ? settled->h_out : all.front()->shown->opening.h_out;
  return std::ranges::any_of(all, [&](const Errand* e) { return e->shown->opening.h_out != first; });
}

TimeMs Pass::time_to_claim(std::uint32_t slice) const {
  return std::max(c_.settings.dispute_ms, c_.model.slices[slice].prove_ms + c_.settings.commit_ms);
}

Status Pass::advance_dispute(std::uint32_t slice) {
  SliceState& s = a_.slices[slice];
  if (s.settled && s.settled->proof) return resolve(slice, *s.settled);
  // Who came with a proof is judged by it first: it decides, or the claim counts for nothing and nobody has to answer it.
  for (const std::uint32_t number : std::vector<std::uint32_t>(s.errands)) {
    Errand& e = errand(number);
    if (e.purpose != Purpose::prove || e.state != ErrandState::opened) continue;
    DSPERSE_TRY(const std::optional<Settled> proved, accepted_proof(e));
    if (proved) return resolve(slice, *proved);
    e.state = ErrandState::dead;
  }
  if (!s.dispute && !disputed(slice)) return {};
  if (!s.dispute) {
    DSPERSE_TRY(const std::optional<Settled> mine, prove_myself(slice));
    if (mine) return resolve(slice, *mine);
    if (!used_up_.empty()) return {};
    // The claimants have to prove what they claimed: the first two that differ; the proof then decides about all.
    const auto all = claims(slice);
    const auto other = std::ranges::find_if(all, [&](const Errand* e) {
      return e->shown->opening.h_out != all.front()->shown->opening.h_out && e->worker != all.front()->worker;
    });
    if (other == all.end()) return fail(ErrorKind::internal, "a dispute without two sides", "slice " + std::to_string(slice));
    const std::vector<Digest> trace = trace_before(c_.model, run_, slice);
    const dispute::Subject subject{a_.run, c_.model.model, c_.model.slices[slice].key, slice, trace.back()};
    std::optional<WeightOpening> weights[2];
    for (auto& w : weights) {
      DSPERSE_TRY(const bool reserved, reserve(slice, w));
      if (!reserved) return {};
    }
    DSPERSE_TRY(s.dispute, dispute::begin(subject, claim_of(*all.front()), claim_of(**other),
                                          now_ms() + static_cast<std::uint64_t>(time_to_claim(slice))));
    const Digest sides[2] = {all.front()->worker, (*other)->worker};
    for (std::size_t i = 0; i < 2; ++i) give(Purpose::claim, slice, sides[i], weights[i]);
    ++run_.disputes;
    return {};
  }
  for (const std::uint32_t number : std::vector<std::uint32_t>(s.errands)) {
    Errand& e = errand(number);
    if (e.purpose != Purpose::claim || e.state != ErrandState::opened) continue;
    DSPERSE_TRY(const std::optional<Settled> proved, accepted_proof(e));
    if (proved) {
      s.dispute.reset();
      return resolve(slice, *proved);
    }
    e.state = ErrandState::dead;
  }
  if (now_ms() < s.dispute->deadline_ms) {
    run_.waits_for = "proofs of the two claims about slice " + std::to_string(slice);
    return {};
  }
  DSPERSE_TRY(const dispute::Effects effects, dispute::step(*s.dispute, dispute::Deadline{now_ms()}));
  Digest verdict{};
  DSPERSE_CHECK_OK(publish_verdict(*s.dispute, {}, &verdict));
  DSPERSE_CHECK_OK(carry(effects));
  // Neither result can be used, neither is shown to be wrong: no wage, no slash, and others do the slice.
  for (const dispute::Claim& c : s.dispute->claims) {
    DSPERSE_CHECK_OK(keeper_.refund(c.receipt));
    a_.silent.push_back(c.worker);
    if (Errand* e = errand_of(c.job)) e->state = ErrandState::dead;
  }
  if (s.settled) return restart("nobody proved a disputed slice");
  return forget_replication(slice);
}

Result<std::optional<Settled>> Pass::prove_myself(std::uint32_t slice) {
  if (c_.ports.own == nullptr) return std::nullopt;
  const auto cannot = [](const Error& e) { return e.kind == ErrorKind::unsupported || e.kind == ErrorKind::resource; };
  const auto weights = c_.ports.proofs.reserve(slice);
  if (!weights && cannot(weights.error())) return std::nullopt;
  if (!weights) return std::unexpected(weights.error());
  const SliceTask task = own_task(c_.model, run_, slice, run_.disputes, *weights);
  const auto computed = c_.ports.own->compute(task, c_.ports.engine.blobs());
  if (!computed && cannot(computed.error())) return std::nullopt;
  if (!computed) return std::unexpected(computed.error());
  if (!computed->proof) return std::nullopt;
  Settled out;
  for (const Computed::Output& o : computed->outputs) {
    DSPERSE_TRY(const Digest blob, c_.ports.engine.blobs().put(o.values));
    out.values.emplace_back(o.chunk, blob);
    out.roots.push_back({o.chunk, o.root});
  }
  DSPERSE_TRY(const trust::BoundaryRoots live, live_after(task, out.roots));
  out.h_out = trust::trace_digest(live);
  const auto verdict = c_.ports.proofs.take(task, out.roots, out.values, *computed->proof, c_.ports.engine.blobs());
  if (!verdict && verdict.error().kind == ErrorKind::resource) {
    used_up_ = verdict.error().text();
    return std::nullopt;
  }
  if (!verdict) return std::unexpected(verdict.error());
  if (!*verdict)
    return fail(ErrorKind::internal, "the coordinator's own proof is refused: " + verdict->reason,
                "slice " + std::to_string(slice));
  DSPERSE_TRY(const Digest blob, c_.ports.engine.blobs().put(*computed->proof));
  out.proof = Proof{blob, *weights};
  ++run_.disputes;
  return out;
}

Result<Bytes> Pass::evidence_of(std::uint32_t slice, const Settled& truth) {
  DSPERSE_TRY(const Bytes proof, c_.ports.engine.blobs().get(truth.proof->blob, dispute::kMaxProofBytes));
  const SliceTask task = own_task(c_.model, run_, slice, 0, truth.proof->weights);
  return c_.ports.proofs.evidence(task, truth.roots, truth.values, proof, c_.ports.engine.blobs());
}

Status Pass::resolve(std::uint32_t slice, const Settled& truth) {
  SliceState& s = a_.slices[slice];
  std::vector<const Errand*> right, wrong;
  for (const Errand* e : claims(slice)) (e->shown->opening.h_out == truth.h_out ? right : wrong).push_back(e);
  DSPERSE_CHECK_OK(judge(slice, right, wrong, truth));
  for (const Errand* e : wrong) errand(e->number).state = ErrandState::dead;
  a_.moved = c_.now;
  const bool fresh = !s.settled, accepted_wrong = s.settled && s.settled->h_out != truth.h_out;
  s.settled = truth;
  if (accepted_wrong) return restart("an accepted result of slice " + std::to_string(slice) + " was wrong");
  s.phase = SlicePhase::settled;
  s.dispute.reset();
  if (fresh) DSPERSE_CHECK_OK(leave_lottery(slice));
  return {};
}

Status Pass::judge(std::uint32_t slice, const std::vector<const Errand*>& right, const std::vector<const Errand*>& wrong,
                   const Settled& truth) {
  DSPERSE_TRY(const Bytes evidence, evidence_of(slice, truth));
  const std::vector<Digest> trace = trace_before(c_.model, run_, slice);
  const dispute::Subject subject{a_.run, c_.model.model, c_.model.slices[slice].key, slice, trace.back()};
  for (const Errand* e : wrong) {
    // Without another claimant who is right the coordinator is the other side: it proved the slice, or the worker contradicts
    // itself.
    const auto other = std::ranges::find_if(right, [&](const Errand* r) { return r->worker != e->worker; });
    const dispute::Claim against =
        other != right.end() ? claim_of(**other) : dispute::Claim{c_.ports.signer.key(), {}, {}, truth.h_out};
    DSPERSE_TRY(dispute::State state, dispute::begin(subject, against, claim_of(*e), 0));
    DSPERSE_TRY(const dispute::Effects effects,
                dispute::step(state, dispute::OwnProof{truth.h_out, dispute::proof_digest(evidence)}));
    Digest verdict{};
    DSPERSE_CHECK_OK(publish_verdict(state, {evidence}, &verdict));
    DSPERSE_CHECK_OK(carry(effects));
    DSPERSE_CHECK_OK(keeper_.slash(e->shown->receipt_digest, against.worker, verdict));
  }
  return {};
}

Status Pass::carry(const dispute::Effects& effects) {
  for (const dispute::Effect& effect : effects) {
    if (const auto* strike = std::get_if<trust::Strike>(&effect)) DSPERSE_CHECK_OK(keeper_.strike(*strike));
    if (const auto* pardon = std::get_if<dispute::Pardon>(&effect)) DSPERSE_CHECK_OK(keeper_.pardon(pardon->worker, pardon->job));
  }
  return {};
}

Status Pass::publish_verdict(const dispute::State& state, const std::vector<Bytes>& proofs, Digest* digest) {
  const std::vector<Digest> prefix = trace_before(c_.model, run_, state.subject.slice);
  DSPERSE_TRY(const dispute::VerdictFile file, dispute::make_verdict(state, prefix, proofs));
  DSPERSE_TRY(*digest, c_.ports.engine.blobs().put(dispute::encode(file)));
  if (std::ranges::find(run_.verdicts, *digest) != run_.verdicts.end()) return {};
  run_.verdicts.push_back(*digest);
  DSPERSE_TRY(Bytes note, keeper_.sign(trust::kVerdictType,
                                       trust::encode_verdict_note({a_.run, *digest, state.subject.slice, word(state.outcome)})));
  run_.notes.push_back(note);
  c_.standings.outbox.push_back(std::move(note));
  return {};
}

}  // namespace dsperse::work
