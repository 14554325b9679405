#include "judge.h"

#include <algorithm>

#include "dsperse/proof/verify.h"
#include "dsperse/trust/dispute/verdict_file.h"

namespace dsperse::sim {
namespace {

constexpr std::uint64_t kMostBytes = std::uint64_t{1} << 26;

class Judge {
 public:
  Judge(Town& town, bool may_fail) : town_(town), may_fail_(may_fail) {}

  Findings decide() {
    f_.seeds = 1;
    f_.steps = town_.world().steps();
    f_.trace = town_.world().trace();
    f_.keeper_kills = town_.fuse().killed();
    f_.engine_crashes = town_.engine().server().crashes();
    f_.lies = town_.grapevine().lies.size();
    for (const auto& w : town_.workers()) f_.worker_kills += w->killed();
    read_log();
    for (const Town::Run& run : town_.runs()) judge_run(run);
    judge_strikes();
    judge_money();
    judge_evidence();
    f_.proofs_published = town_.truth().openings.proofs_published();
    if (const std::uint64_t over = town_.truth().openings.beyond_budget(); over > 0)
      find(f_.openings_beyond_budget, "openings beyond budget: " + std::to_string(over));
    return std::move(f_);
  }

 private:
  void find(std::uint64_t& count, std::string text) {
    ++count;
    f_.texts.push_back("seed " + std::to_string(town_.spec().seed) + ": " + std::move(text));
  }

  void read_log() {
    for (std::size_t i = 0; i < town_.ledger().entries().size(); ++i) {
      auto envelope = trust::decode_envelope(town_.ledger().entries()[i]);
      if (!envelope) continue;
      if (envelope->payload_type == trust::kReceiptType) {
        if (auto receipt = trust::decode_receipt(envelope->payload)) receipts_[trust::receipt_digest(*receipt)] = i;
      } else if (envelope->payload_type == trust::kPayoutType) {
        if (auto note = trust::decode_payout(envelope->payload)) payouts_.emplace_back(*note, i);
      } else if (envelope->payload_type == trust::kStrikeType) {
        if (auto note = trust::decode_strike(envelope->payload)) strikes_.push_back(*note);
      }
    }
  }

  void judge_run(const Town::Run& run) {
    ++f_.runs;
    f_.attempts += run.view.attempt;
    if (run.ended_at == 0)
      return find(f_.lost, "a run did not end: phase " + std::to_string(static_cast<int>(run.view.phase)) + ", waits for '" +
                               run.view.waits_for + "', last error '" + town_.last_error() + "'");
    f_.longest_ms = std::max(f_.longest_ms, run.ended_at - town_.began_at());
    if (run.view.phase == work::RunPhase::failed) {
      ++f_.failed;
      ++f_.reasons[run.view.failure];
      if (run.view.failure.empty()) find(f_.lost, "a run failed without a reason");
      if (!may_fail_) find(f_.lost, "a run failed that should not: " + run.view.failure);
      return;
    }
    ++f_.finished;
    judge_result(run, *run.finished);
    judge_record(run, *run.finished);
  }

  /// Every slice's outputs against the reference on the inputs that the run has for it: the slice where a lie came in.
  void judge_result(const Town::Run& run, const work::FinishedRun& finished) {
    const Model& m = town_.truth().model();
    const auto values = values_of(town_, finished);
    if (!values) return find(f_.wrong_final_unexplained, "a final value can't be had: " + values.error().text());
    for (const std::uint32_t input : m.facts.inputs)
      if (values->at(input) != run.input) return find(f_.wrong_final_unexplained, "the run has another input");
    const auto reference = town_.truth().reference(run.input);
    // Each committed value is what its root says.
    for (const work::FinishedRun::Tensor& t : finished.tensors) {
      const auto root = t.seed ? town_.truth().root(t.chunk, values->at(t.chunk), *t.seed)
                               : Result<Digest>(trust::public_root(values->at(t.chunk)));
      if (m.facts.committed[t.chunk] != t.seed.has_value() || !root || *root != t.root)
        find(f_.wrong_final_unexplained, "chunk " + std::to_string(t.chunk) + " has another root than its values");
    }
    if (reference && *reference == *values) return;
    ++f_.wrong_finals;
    for (std::uint32_t s = 0; s < m.facts.slices.size(); ++s) {
      const auto right = town_.truth().outputs(s, *values);
      const bool wrong = !right || std::ranges::any_of(*right, [&](const auto& v) { return values->at(v.first) != v.second; });
      if (!wrong) continue;
      const std::string why = explanation(finished, s);
      if (why.empty())
        find(f_.wrong_final_unexplained,
             "slice " + std::to_string(s) + " is wrong, policy " + trust::to_text(town_.spec().policy[s]));
      else
        ++f_.explained[why];
    }
  }

  /// The assumption of the slice's treatment that was broken, or nothing.
  std::string explanation(const work::FinishedRun& finished, std::uint32_t slice) const {
    const trust::Treatment& policy = town_.spec().policy[slice];
    const auto answer = std::ranges::find(finished.record.slices, slice, &trust::SliceAnswer::slice);
    if (policy.proof || answer == finished.record.slices.end()) return {};
    std::set<Digest> liars;
    for (const trust::SignedResult& r : answer->results) {
      const auto who = liar(r);
      if (!who) return {};  // an honest worker is said to have claimed it
      liars.insert(*who);
    }
    if (policy.replicate && liars.size() < policy.replicate->k) return {};
    std::string why = policy.replicate ? "all replicas collude" : policy.audit ? "" : "the operator lies (trust)";
    if (policy.audit) {
      const bool by_replicas = liars.size() > 1 && !policy.replicate;
      if (by_replicas && !answer->probability) return "all replicas collude (while a record is short)";
      if (answer->audit && !liar(*answer->audit)) return {};
      why += why.empty() ? "" : ", ";
      why += answer->audit ? "the auditor colludes" : "the audit was not drawn";
      if (!answer->audit && !answer->probability) return {};
    }
    return why;
  }
  /// The dishonest worker that signed this.
  std::optional<Digest> liar(const trust::SignedResult& r) const {
    const auto receipt = trust::decode_receipt(r.receipt.payload);
    if (!receipt) return std::nullopt;
    const bool lied = std::ranges::any_of(town_.grapevine().lies, [&](const Grapevine::Lie& lie) {
      return lie.worker == receipt->worker && lie.job == receipt->job;
    });
    return lied ? std::optional<Digest>(receipt->worker) : std::nullopt;
  }

  void judge_record(const Town::Run& run, const work::FinishedRun& finished) {
    ++f_.records;
    const Model& m = town_.truth().model();
    const trust::RunFacts facts = facts_of(m, finished);
    if (const Digest id =
            proof::run_id(m.facts.model, Bytes{'n', static_cast<std::uint8_t>(&run - town_.runs().data())}, finished.salt);
        id != finished.run)
      find(f_.record_refused, "the run's id is not made of model, nonce and salt");
    trust::RecordExpectation user;
    user.keeper = town_.keeper().key();
    if (town_.spec().late != trust::lottery::Late::none)
      user.late_part = crypto::hash_tagged("dsperse simulation: late part", {run.id});
    const auto decoded = trust::decode_record(trust::encode_record(finished.record));
    if (!decoded || *decoded != finished.record) return find(f_.record_refused, "the record does not survive its bytes");
    const trust::RecordVerdict verdict = trust::verify_record(*decoded, facts, user, town_.signatures());
    if (!verdict.verdict)
      return find(f_.record_refused,
                  verdict.verdict.reason + (verdict.verdict.where.empty() ? "" : " (" + verdict.verdict.where + ")"));
    for (std::size_t s = 0; s < town_.spec().policy.size(); ++s)
      if (const Verdict held = trust::covers(verdict.slices[s], town_.spec().policy[s], false); !held)
        find(f_.record_refused, held.reason + " (" + held.where + ")");
    judge_proofs(finished);
    judge_verdicts(finished);
  }

  /// Proofs of the run, by the verifier that a stranger would use: all of a real certificate, or each ideal proof.
  void judge_proofs(const work::FinishedRun& finished) {
    const Model& m = town_.truth().model();
    auto values = values_of(town_, finished);
    if (!values) return;
    for (const work::FinishedRun::Proof& p : finished.proofs) {
      Said said{p.slice, finished.run, p.opening, *values, {}, {}};
      for (const work::FinishedRun::Tensor& t : finished.tensors)
        if (m.facts.committed[t.chunk]) said.roots[t.chunk] = t.root;
      town_.truth().openings.published(p.proof);
      const auto bytes = blob(p.proof);
      if (!bytes)
        find(f_.record_refused, "a proof of the run can't be had");
      else if (const Verdict ok = town_.truth().verify(said, *bytes); !ok)
        find(f_.record_refused, "a proof of the run is refused: " + ok.reason);
    }
  }

  void judge_verdicts(const work::FinishedRun& finished) {
    for (const Bytes& text : finished.verdicts) {
      ++f_.verdicts;
      const auto file = trust::dispute::decode_verdict(text);
      if (!file) {
        find(f_.false_evidence, "a verdict file is not canonical");
        continue;
      }
      for (const trust::dispute::Evidence& e : file->evidence) town_.truth().openings.published(proof_in(e.proof));
      const auto check = [&](const trust::dispute::Subject& subject, const Digest& h_out, ByteView evidence) {
        return check_evidence(town_.truth(), subject, h_out, evidence);
      };
      if (const Verdict v = trust::dispute::verify_verdict(*file, check); !v) {
        find(f_.false_evidence, "a verdict file is refused: " + v.reason + " (" + v.where + ")");
        continue;
      }
      // Whoever the verdict blames must have lied; who is right must not.
      for (std::size_t side = 0; side < 2; ++side) {
        const trust::dispute::Claim& claim = file->claims[side];
        const bool lied = std::ranges::any_of(town_.grapevine().lies, [&](const Grapevine::Lie& lie) {
          return lie.worker == claim.worker && lie.job == claim.job;
        });
        using enum trust::dispute::Outcome;
        const bool wins = file->outcome == (side == 0 ? a : b);
        const bool loses = file->outcome == (side == 0 ? b : a) || file->outcome == neither;
        if (file->outcome == contradiction) find(f_.false_evidence, "two outputs of one slice are proved");
        if (wins && lied) find(f_.false_evidence, "a liar won a dispute");
        if (loses && !lied) find(f_.false_evidence, "an honest claim lost a dispute");
      }
    }
  }

  void judge_strikes() {
    using trust::StrikeKind;
    work::Coordinator* coordinator = town_.coordinator();
    if (coordinator == nullptr) return find(f_.lost, "the coordinator does not open: " + town_.last_error());
    for (const auto& w : town_.workers()) {
      if (!w->honest()) continue;
      const auto standing = coordinator->standing(w->key());
      if (!standing) continue;
      for (const StrikeKind kind : {StrikeKind::commitment, StrikeKind::correctness})
        if (standing->strikes[static_cast<std::size_t>(kind)] > 0)
          find(f_.honest_slashed, kind == StrikeKind::correctness ? "an honest worker was struck for correctness"
                                                                  : "an honest worker was struck for its commitment");
      if (coordinator->points() != nullptr && town_.spec().bond != coordinator->points()->bond(w->key()))
        find(f_.honest_slashed, "an honest worker lost its bond");
    }
    std::map<std::pair<Digest, Digest>, int> blamed;  // by worker and job, pardons counted against
    for (const trust::StrikeNote& note : strikes_) {
      const WorkerProcess* who = town_.worker_of(note.worker);
      if (who == nullptr || !who->honest()) continue;
      if (note.kind == "correctness" || note.kind == "commitment") ++blamed[{note.worker, note.job}];
      if (note.kind == "pardon correctness" || note.kind == "pardon commitment") --blamed[{note.worker, note.job}];
    }
    for (const auto& [place, times] : blamed)
      if (times > 0) find(f_.honest_slashed, "the log says that an honest worker was struck");
  }

  void judge_money() {
    using namespace trust::incentive;  // NOLINT
    work::Coordinator* coordinator = town_.coordinator();
    if (coordinator == nullptr || coordinator->points() == nullptr) return;
    const PointsContract& points = *coordinator->points();
    // Again from the history, beside the contract's own count: what was minted is somewhere.
    auto again = PointsContract::open(points.state().share);
    std::uint64_t minted = 0;
    std::vector<Payout> paid;
    for (const MoneyEvent& event : points.history().events()) {
      if (const auto* mint = std::get_if<Mint>(&event)) minted += mint->amount;
      auto payouts = again->submit(event);
      if (!payouts) return find(f_.money_not_conserved, "the history does not replay");
      paid.insert(paid.end(), payouts->begin(), payouts->end());
    }
    const Totals t = points.totals();
    const std::uint64_t workers = spec_minted();
    if (minted != workers || t.minted != minted || t.balances + t.bonds + t.escrow + t.stakes + t.burned != minted)
      find(f_.money_not_conserved, "totals: minted " + std::to_string(minted) + ", there are " +
                                       std::to_string(t.balances + t.bonds + t.escrow + t.stakes + t.burned));
    if (t.escrow != 0 && std::ranges::all_of(town_.runs(), [](const auto& r) { return r.ended_at != 0; }))
      find(f_.money_not_conserved, "escrow is left after all runs ended: " + std::to_string(t.escrow));
    judge_payouts(paid);
  }
  std::uint64_t spec_minted() const { return town_.spec().purse + town_.spec().bond * town_.workers().size(); }

  /// Each payout of the contract has a note in the log with an inclusion proof under the head, and so has its receipt.
  void judge_payouts(const std::vector<trust::incentive::Payout>& paid) {
    static constexpr const char* words[] = {"wage", "refund", "stake", "share"};
    const auto head = town_.ledger().root();
    std::vector<bool> used(payouts_.size(), false);
    for (const auto& p : paid) {
      ++f_.payouts;
      bool proved = false;
      for (std::size_t i = 0; i < payouts_.size() && !proved; ++i) {
        const auto& [note, index] = payouts_[i];
        if (used[i] || note.receipt != p.receipt || note.to != p.to || note.amount != p.amount ||
            note.kind != words[static_cast<std::size_t>(p.kind)])
          continue;
        used[i] = true;
        proved = head && logged(index, *head);
        const auto receipt = receipts_.find(p.receipt);
        proved = proved && receipt != receipts_.end() && logged(receipt->second, *head);
      }
      if (!proved) find(f_.payout_without_proof, "a payout or its receipt is not in the log");
    }
  }
  bool logged(std::uint64_t index, const Digest& head) const {
    const auto proof = town_.ledger().prove(index);
    return proof && trust::verify_inclusion(trust::leaf_hash(town_.ledger().entries()[index]), *proof, head);
  }

  void judge_evidence() {
    work::Coordinator* coordinator = town_.coordinator();
    if (coordinator == nullptr) return;
    const auto evidence = coordinator->evidence();
    if (!evidence) return find(f_.false_evidence, "evidence can't be had: " + evidence.error().text());
    for (const Bytes& text : *evidence) {
      ++f_.evidence;
      trust::PublicKey worker{};
      if (const Verdict v = trust::verify_equivocation(text, town_.signatures(), worker); !v) {
        find(f_.false_evidence, "evidence that proves nothing: " + v.reason);
        continue;
      }
      const WorkerProcess* who = town_.worker_of(worker);
      if (who == nullptr || who->spec().kind != Kind::equivocating)
        find(f_.false_evidence, "evidence against a worker with one book");
    }
  }

  Result<Bytes> blob(const Digest& digest) const { return town_.engine().blobs().get(digest, kMostBytes); }

  Town& town_;
  bool may_fail_;
  Findings f_;
  std::map<Digest, std::uint64_t> receipts_;  ///< index in the log by digest
  std::vector<std::pair<trust::PayoutNote, std::uint64_t>> payouts_;
  std::vector<trust::StrikeNote> strikes_;
};

}  // namespace

void Findings::add(const Findings& o) {
  for (std::uint64_t Findings::* n : {&Findings::seeds,
                                      &Findings::steps,
                                      &Findings::runs,
                                      &Findings::finished,
                                      &Findings::failed,
                                      &Findings::attempts,
                                      &Findings::keeper_kills,
                                      &Findings::worker_kills,
                                      &Findings::engine_crashes,
                                      &Findings::payouts,
                                      &Findings::verdicts,
                                      &Findings::evidence,
                                      &Findings::proofs_published,
                                      &Findings::records,
                                      &Findings::lies,
                                      &Findings::wrong_finals,
                                      &Findings::wrong_final_unexplained,
                                      &Findings::honest_slashed,
                                      &Findings::lost,
                                      &Findings::payout_without_proof,
                                      &Findings::openings_beyond_budget,
                                      &Findings::record_refused,
                                      &Findings::money_not_conserved,
                                      &Findings::false_evidence})
    this->*n += o.*n;
  for (const auto& [why, n] : o.explained) explained[why] += n;
  for (const auto& [why, n] : o.reasons) reasons[why] += n;
  longest_ms = std::max(longest_ms, o.longest_ms);
  for (std::size_t i = 0; i < trace.size(); ++i) trace[i] ^= o.trace[i];
  texts.insert(texts.end(), o.texts.begin(), o.texts.end());
}

bool Findings::clean() const {
  return wrong_final_unexplained + honest_slashed + lost + payout_without_proof + openings_beyond_budget + record_refused +
             money_not_conserved + false_evidence ==
         0;
}

Findings judge(Town& town, bool may_fail) { return Judge(town, may_fail).decide(); }

trust::RunFacts facts_of(const Model& m, const work::FinishedRun& run) {
  trust::RunFacts out;
  out.run = run.run;
  out.model = m.facts.model;
  std::map<std::uint32_t, Digest> roots;
  for (const work::FinishedRun::Tensor& t : run.tensors) roots[t.chunk] = t.root;
  trust::BoundaryRoots live;
  for (const std::uint32_t c : m.facts.inputs) live.push_back({c, roots[c]});
  std::vector<trust::TraceStep> steps;
  for (const auto& s : m.facts.slices) {
    trust::RunFacts::Slice slice;
    slice.key = s.key;
    for (const std::uint32_t c : s.inputs) slice.in.push_back({c, roots[c]});
    for (const std::uint32_t c : s.outputs) slice.out.push_back({c, roots[c]});
    slice.proved = std::ranges::any_of(run.proofs, [&](const auto& p) { return p.slice == out.slices.size(); });
    steps.push_back({slice.out, s.ended});
    out.slices.push_back(std::move(slice));
  }
  if (auto trace = trust::canonical_trace(std::move(live), steps)) out.trace = std::move(*trace);
  return out;
}

Result<Values> values_of(Town& town, const work::FinishedRun& run) {
  Values out;
  for (const work::FinishedRun::Tensor& t : run.tensors) {
    DSPERSE_TRY(out[t.chunk], town.engine().blobs().get(t.values, kMostBytes));
  }
  return out;
}

}  // namespace dsperse::sim
