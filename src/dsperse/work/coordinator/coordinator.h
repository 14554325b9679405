// The coordinator: carries runs from inputs to a result that is answered for, over an engine, whatever stops in between.
//
// step() is one pass: it looks at what came in, moves the machines, saves the state, and makes the engine's jobs what the state
// wishes. Every call may be repeated after an error; after a crash, open() goes on from the saved state. Nothing here runs a
// slice to find an answer: `own` is used for proofs in disputes and for canaries. Single thread. Source: docs/design/0010,
// R1-R12. Tested by work/coordinator/coordinator_test.cc and tests/sim.
#pragma once

#include <map>
#include <memory>

#include "dsperse/engine/engine.h"
#include "dsperse/trust/audit/book.h"
#include "dsperse/trust/incentive/points_contract.h"
#include "dsperse/trust/incentive/reputation.h"
#include "dsperse/trust/record/record.h"
#include "dsperse/work/coordinator/ports.h"

namespace dsperse::work {

/// What a coordinator knows of a compiled model. Chunks of a slice ascending; ended: read by nobody after the slice, and no
/// output of the model.
struct ModelFacts {
  struct Slice {
    Digest key{}, package{}, weights{};  ///< key digest; blobs (weights: zero if the key shows them)
    std::vector<std::uint32_t> inputs, outputs, ended;
    std::uint64_t run_bytes = 0, prove_bytes = 0;        ///< memory of running and of proving it, predicted
    engine::TimeMs run_ms = 60'000, prove_ms = 600'000;  ///< longest life of a lease
  };
  Digest model{};
  std::vector<Slice> slices;          ///< topological order
  std::vector<bool> committed;        ///< by chunk; the others are public
  std::vector<std::uint32_t> inputs;  ///< chunks that the user gives, ascending
};

struct RunRequest {
  /// values: blob. seed and root: of a committed input.
  struct Input {
    std::uint32_t chunk = 0;
    Digest values{}, root{};
    std::optional<Digest> seed;
  };
  std::vector<Input> inputs;                 ///< ascending; root is public_root for public ones
  std::vector<trust::Treatment> treatments;  ///< by slice
  Bytes nonce;                               ///< the user's
  trust::lottery::Late late = trust::lottery::Late::none;
};

struct Settings {
  engine::TimeMs beat_ms = 10'000;      ///< leases of the coordinator's jobs live so long without a heartbeat
  engine::TimeMs commit_ms = 120'000;   ///< for all replicas of a slice to commit, then as long to open
  engine::TimeMs dispute_ms = 600'000;  ///< for claimants to prove
  engine::TimeMs wait_ms = 0;           ///< a new identity waits so long
  engine::TimeMs absent_ms = 0;         ///< who was not seen for so long gets no jobs; 0: everybody enrolled does
  std::uint32_t most_attempts = 16;
  trust::Probability canaries;  ///< phi
  trust::incentive::ReputationRules reputation;
  bool points = false;                ///< escrow, bonds, slashing; else reputation alone
  std::uint64_t wage = 0, slash = 0;  ///< points per receipt; taken per lost dispute
  trust::incentive::Share reporter_share;
  engine::TimeMs window_ms = 0;  ///< escrow stays for challenges
};

enum class RunPhase : std::uint8_t { running, sealing, waiting, auditing, finished, failed };

/// A finished run: everything a certificate and a run folder are made of.
struct FinishedRun {
  struct Tensor {
    std::uint32_t chunk = 0;
    Digest values{}, root{};  ///< blob; root is public_root for public chunks
    std::optional<Digest> seed;
  };
  struct Proof {
    std::uint32_t slice = 0;
    Digest proof{};  ///< blob
    std::optional<WeightOpening> opening;
  };
  Digest run{}, salt{};
  Bytes nonce;
  std::vector<Tensor> tensors;  ///< every chunk, ascending
  std::vector<Proof> proofs;    ///< ascending
  trust::RunRecord record;
  std::vector<Bytes> verdicts;  ///< verdict files (trust/dispute) of all attempts
  std::uint32_t attempts = 1;
};

struct RunView {
  RunPhase phase = RunPhase::running;
  std::uint32_t attempt = 0, slices_settled = 0, audits_drawn = 0, audits_passed = 0, disputes = 0;
  std::string waits_for;      ///< in words, if nothing can go on
  std::optional<Bytes> seal;  ///< text of the checkpoint, once sealed: what the late part is given after
  std::string failure;        ///< of a failed run
};

/// Who pays for runs when there are points.
Digest payer_account();

/// What a worker stands at.
struct Standing {
  std::uint64_t confidence = 0;  ///< CV on its engine
  std::array<std::uint64_t, trust::kStrikeKinds> strikes{};
  bool excluded = false;
};

class Coordinator {
 public:
  struct Ports {
    engine::Engine& engine;
    engine::Clock& clock;
    engine::Rng& rng;
    StateStore& state;
    Ledger& ledger;
    const trust::Signer& signer;  ///< the keeper's
    const trust::SignatureCheck& check;
    ProofDesk& proofs;
    Computer* own = nullptr;  ///< proves in disputes and makes canaries; without it claimants must prove
  };
  [[nodiscard]] static Result<std::unique_ptr<Coordinator>> open(Ports ports, ModelFacts model, const Settings& settings);
  virtual ~Coordinator() = default;

  /// Takes a run on, durably. id: the caller's, fresh; the same id again is the same run. Errors (usage): a request that does not
  /// fit the model.
  [[nodiscard]] virtual Status submit(const Digest& id, const RunRequest& request) = 0;
  /// The late part of the run's draw. Errors (usage): not sealed, or none was announced.
  [[nodiscard]] virtual Status give_late_part(const Digest& id, const Digest& value) = 0;
  /// One pass. What stops a single run (a blob that cannot be read, say) is said by its view, and the others go on; it is tried
  /// again in the next pass. Errors say what stopped them all; what was saved stays.
  [[nodiscard]] virtual Status step() = 0;

  [[nodiscard]] virtual Result<RunView> view(const Digest& id) = 0;
  /// Errors (usage): not finished.
  [[nodiscard]] virtual Result<FinishedRun> finished(const Digest& id) = 0;
  /// Runs that are neither finished nor failed.
  [[nodiscard]] virtual std::vector<Digest> active() const = 0;
  /// Of a worker by its key, on the engine that it enrolled with.
  [[nodiscard]] virtual Result<Standing> standing(const Digest& worker) = 0;
  /// With points: balances and bonds (funded by fund()); the history is kept with the state.
  [[nodiscard]] virtual const trust::incentive::PointsContract* points() const = 0;
  /// Mints for a worker's bond, or for the payer of runs.
  [[nodiscard]] virtual Status fund(const Digest& account, std::uint64_t balance, std::uint64_t bond) = 0;
  /// Evidence of equivocations that were found (trust/receipt/evidence.h).
  [[nodiscard]] virtual Result<std::vector<Bytes>> evidence() = 0;
};

}  // namespace dsperse::work
