// One pass over one run: what came in, what follows from it, what is wished next.
//
// Level-triggered: each function looks at the state and does what is missing, so a pass can be made again at any time. Nothing
// here acts on the engine but reading; act.cc makes its jobs what the state wishes. Files: errands.cc (answers), slices.cc (from
// waiting to settled), disputes.cc, audits.cc (seal, draw, audits), act.cc (jobs, log, record).
#pragma once

#include <functional>
#include <set>

#include "dsperse/work/coordinator/standings.h"
#include "dsperse/work/coordinator/tasks.h"

namespace dsperse::work {

class Pass {
 public:
  struct Context {
    Coordinator::Ports& ports;
    const ModelFacts& model;
    const Settings& settings;
    Standings& standings;
    const std::vector<engine::Node>& nodes;  ///< of the registry, active ones that are there, by key
    TimeMs now = 0;
    std::set<Digest>& done;  ///< effects that this process knows to have happened: jobs submitted, openings logged
  };
  Pass(const Context& context, Run& run)
      : c_(context), keeper_(context.standings, context.settings, context.ports.signer), run_(run), a_(run.attempt) {}

  /// Everything that the state and the answers allow.
  [[nodiscard]] Status go();
  /// Makes the engine's jobs and the log what the (saved) state wishes. True: the state changed and must be saved again.
  [[nodiscard]] Result<bool> act();

 private:
  // An attempt.
  [[nodiscard]] Status move_on();
  [[nodiscard]] Status begin_attempt();
  /// The accepted result of some slice was wrong, or nobody is left: all again.
  [[nodiscard]] Status restart(const std::string& why);
  [[nodiscard]] Status fail_run(const std::string& why);
  /// Pays, and takes back the jobs that are out.
  [[nodiscard]] Status end_attempt();
  [[nodiscard]] bool under_way() const;
  /// Another attempt could begin, and with somebody who is not in this one's opening.
  [[nodiscard]] bool others() const;
  /// Workers that may get work now.
  [[nodiscard]] std::vector<trust::NodeLabels> present() const;

  // Errands (errands.cc).
  Errand& give(Purpose purpose, std::uint32_t slice, const Digest& worker, const std::optional<WeightOpening>& weights = {});
  [[nodiscard]] Status collect();
  [[nodiscard]] Status collect_result(Errand& e);
  [[nodiscard]] Status collect_opening(Errand& e);
  [[nodiscard]] Status on_committed(Errand& e);
  [[nodiscard]] Status lost_if_over(Errand& e, bool over);
  [[nodiscard]] Status on_lost(Errand& e);
  /// Checks what was shown; its receipt goes to the log, the worker's wage into escrow.
  [[nodiscard]] Status on_shown(Errand& e, const trust::Opening& opening, Bytes receipt, OutputBlobs outputs,
                                const std::optional<Digest>& proof);
  [[nodiscard]] Status misbehaved(Errand& e, const char* reason);
  /// Feeds the slice's replication and carries its effects on.
  [[nodiscard]] Status replicate(SliceState& s, const trust::replication::Event& event);

  // Workers.
  [[nodiscard]] const trust::NodeLabels* labels(const Digest& worker) const;
  [[nodiscard]] bool eligible(const trust::NodeLabels& node, std::uint64_t memory_bytes) const;
  /// Uniformly one of those that pass, or nothing.
  [[nodiscard]] Result<std::optional<Digest>> choose(std::uint64_t memory_bytes,
                                                     const std::function<bool(const trust::NodeLabels&)>& also);
  [[nodiscard]] Status maybe_canary(std::uint32_t slice);
  [[nodiscard]] Status begin_fake(Run& fake);
  /// False: the slice can't be run here.
  [[nodiscard]] Result<bool> settle_fake(Run& fake, std::uint32_t slice, const SliceTask& task);
  [[nodiscard]] bool has_record(const Digest& worker) const;
  void waits_for(const std::string& what);

  // Slices (slices.cc).
  [[nodiscard]] Status advance_slices();
  [[nodiscard]] Status advance(std::uint32_t slice);
  [[nodiscard]] Status start_proof(std::uint32_t slice);
  [[nodiscard]] Status advance_proof(std::uint32_t slice);
  [[nodiscard]] Status start_replication(std::uint32_t slice);
  [[nodiscard]] Status fill_replication(std::uint32_t slice);
  [[nodiscard]] Status advance_replication(std::uint32_t slice);
  [[nodiscard]] Status settle_agreed(std::uint32_t slice);
  /// Output blobs of an errand that showed its result. gone: missing or damaged, which may be the store's doing; unlike: whole,
  /// and not what the receipt's roots say.
  enum class Blobs : std::uint8_t { fit, unlike, gone };
  [[nodiscard]] Result<Blobs> look_at_blobs(const Errand& e);
  [[nodiscard]] Status blame_for(const Errand& e, Blobs blobs);
  [[nodiscard]] Status forget_replication(std::uint32_t slice);
  /// False: no opening is left, and the run has failed.
  [[nodiscard]] Result<bool> reserve(std::uint32_t slice, std::optional<WeightOpening>& weights);
  /// The verifier's answer to what a prove or claim errand showed, as a settled result.
  [[nodiscard]] Result<std::optional<Settled>> accepted_proof(const Errand& e);

  // Disputes (disputes.cc).
  /// Errands of the slice that showed a result.
  [[nodiscard]] std::vector<const Errand*> claims(std::uint32_t slice) const;
  [[nodiscard]] bool disputed(std::uint32_t slice) const;
  [[nodiscard]] Status advance_dispute(std::uint32_t slice);
  /// For a claimant to prove: never less than the proof may take.
  [[nodiscard]] TimeMs time_to_claim(std::uint32_t slice) const;
  /// The coordinator's own proof, or nothing if it can't make one.
  [[nodiscard]] Result<std::optional<Settled>> prove_myself(std::uint32_t slice);
  /// `truth` is proved: verdicts and strikes for all that claim another output. The slice ends proved, or the attempt restarts.
  [[nodiscard]] Status resolve(std::uint32_t slice, const Settled& truth);
  [[nodiscard]] Status judge(std::uint32_t slice, const std::vector<const Errand*>& right,
                             const std::vector<const Errand*>& wrong, const Settled& truth);
  [[nodiscard]] Status carry(const trust::dispute::Effects& effects);
  [[nodiscard]] Status publish_verdict(const trust::dispute::State& state, const std::vector<Bytes>& proofs, Digest* digest);
  [[nodiscard]] Result<Bytes> evidence_of(std::uint32_t slice, const Settled& truth);

  // Seal, draw, audits (audits.cc).
  [[nodiscard]] Status enter_lottery(std::uint32_t slice);
  [[nodiscard]] Status leave_lottery(std::uint32_t slice);
  [[nodiscard]] Status draw();
  [[nodiscard]] Status advance_audits();
  [[nodiscard]] Status advance_audit(std::uint32_t slice);
  [[nodiscard]] Status pass_audit(std::uint32_t slice, const Errand* auditor);
  [[nodiscard]] Status pay();

  // Effects (act.cc).
  [[nodiscard]] Status submit_jobs();
  [[nodiscard]] Result<bool> seal();
  [[nodiscard]] Result<bool> finish();
  [[nodiscard]] Result<trust::RunRecord> make_record();

  [[nodiscard]] const trust::Treatment& treatment(std::uint32_t slice) const { return run_.request.treatments[slice]; }
  Errand& errand(std::uint32_t number) { return a_.errands[number]; }
  [[nodiscard]] const Errand& errand(std::uint32_t number) const { return a_.errands[number]; }
  Errand* errand_of(const Digest& job);
  [[nodiscard]] std::uint64_t now_ms() const { return static_cast<std::uint64_t>(c_.now); }

  Context c_;
  Keeper keeper_;
  Run& run_;
  Attempt& a_;
  std::string used_up_;  ///< why no proof of this attempt can be taken any more
};

/// The same over the canaries, which belong to no run (canaries.cc).
class CanaryPass {
 public:
  explicit CanaryPass(const Pass::Context& context)
      : c_(context), keeper_(context.standings, context.settings, context.ports.signer) {}
  [[nodiscard]] Status collect();
  [[nodiscard]] Status act();

 private:
  [[nodiscard]] Status collect(Errand& e);
  [[nodiscard]] Status end(const trust::audit::CanaryEvent& event);
  [[nodiscard]] Status misbehaved(Errand& e, const char* reason);
  Pass::Context c_;
  Keeper keeper_;
};

}  // namespace dsperse::work
