// One simulation: a world, an engine, a coordinator that is killed and comes back, workers of all kinds, and runs to carry.
//
// All in one thread; everything follows from the spec and its seed. What must hold afterwards is in judge.h.
// Tested by tests/sim/sim_test.cc.
#pragma once

#include "dsperse/engine/simulated/simulated.h"
#include "worker_process.h"

namespace dsperse::sim {

/// A town at rest, all runs ended: others can begin where it stopped, with the same people and other dice.
struct Snapshot {
  std::uint64_t people = 0;  ///< seed of keys and secrets
  MemoryState::Content state;
  MemoryLedger::Content ledger;
  Desk::Counters desk;
  std::vector<MemoryBook::Content> books;
  engine::simulated::Memory engine{0};
  TimeMs now = 0;
};

struct TownSpec {
  std::uint64_t seed = 1;
  const Snapshot* from = nullptr;  ///< must outlive the town; as many workers, with the same labels
  bool real = false;               ///< the product's proof system and Ed25519, else their ideals
  bool private_input = false;
  work::Settings settings;
  std::vector<WorkerSpec> workers;
  std::vector<trust::Treatment> policy;  ///< by slice: what the user asked for
  std::uint32_t runs = 1;
  trust::lottery::Late late = trust::lottery::Late::none;
  bool own = true;                    ///< the coordinator can prove and run slices itself
  std::uint64_t bond = 0, purse = 0;  ///< with points: of each worker, of the payer

  engine::simulated::Faults faults;  ///< of messages and the engine, while they last
  DiskFaults disk;                   ///< of everybody's disk
  double keeper_killed = 0, worker_killed = 0;
  std::optional<std::uint64_t> keeper_killed_at;  ///< at this place (fuse.h)
  std::optional<std::pair<std::size_t, std::uint64_t>> worker_killed_at;
  TimeMs keeper_offset_ms = 0;
  std::int64_t keeper_drift_ppm = 0;
  TimeMs keeper_jumps_ms = 0;  ///< its clock, by so much, once
  TimeMs jump_after_ms = 10'000;
  TimeMs faults_last_ms = 600'000;  ///< then everything works
  TimeMs bound_ms = 3'600'000;      ///< by which every run must have ended after that

  /// Hooks: each breaks something outside of the product, to show that the judges notice.
  std::vector<trust::Treatment> asked;  ///< what the coordinator is told instead of the policy
  bool desk_reserves_twice = false, desk_judges_wrongly = false, desk_shows_nothing = false;
  bool mints_twice = false;
  std::string ledger_forgets;

  bool log = false;  ///< tell every step on stdout
};

/// Deadlines that fit the tempo of the simulated workers.
work::Settings quick_settings();

class Town {
 public:
  explicit Town(TownSpec spec);

  /// Until all runs have ended or the bound is reached. Errors: what a call said that must not fail.
  void live();

  struct Run {
    Digest id{};
    Bytes input;
    work::RunView view;
    std::optional<work::FinishedRun> finished;
    TimeMs ended_at = 0;
  };
  [[nodiscard]] const TownSpec& spec() const { return spec_; }
  [[nodiscard]] World& world() { return world_; }
  [[nodiscard]] Truth& truth() { return *truth_; }
  [[nodiscard]] Grapevine& grapevine() { return grapevine_; }
  [[nodiscard]] Signatures& signatures() { return signatures_; }
  [[nodiscard]] MemoryLedger& ledger() { return *ledger_; }
  [[nodiscard]] engine::simulated::SimulatedEngine& engine() { return engine_; }
  [[nodiscard]] const trust::Signer& keeper() const { return *keeper_; }
  [[nodiscard]] std::vector<std::unique_ptr<WorkerProcess>>& workers() { return workers_; }
  [[nodiscard]] const std::vector<Run>& runs() const { return runs_; }
  [[nodiscard]] Fuse& fuse() { return fuse_; }
  /// Alive and open, for judges: faults are over. Null if it does not even open.
  [[nodiscard]] work::Coordinator* coordinator();
  [[nodiscard]] TimeMs began_at() const { return began_at_; }
  [[nodiscard]] const std::string& last_error() const { return last_error_; }
  [[nodiscard]] WorkerProcess* worker_of(const Digest& key);
  /// After live().
  [[nodiscard]] Snapshot snapshot();

 private:
  void end_faults();
  void act_keeper();
  void serve();
  [[nodiscard]] Status open();
  void tell(const std::string& text);
  [[nodiscard]] bool over() const;
  /// Errors are remembered; they end a pass and nothing else.
  bool noted(const Status& status, std::string_view what);

  TownSpec spec_;
  Digest seed_, people_;
  World world_;
  engine::simulated::SimulatedEngine engine_;
  Dice dice_;
  Grapevine grapevine_;
  Signatures signatures_;
  std::unique_ptr<Truth> truth_;
  Fuse fuse_;
  Tap tap_;
  SkewedClock clock_;
  Dice keeper_dice_;
  std::unique_ptr<trust::Signer> keeper_;
  std::unique_ptr<MemoryState> state_;
  std::unique_ptr<MemoryLedger> ledger_;
  std::unique_ptr<Desk> desk_;
  std::unique_ptr<Hand> own_;
  std::unique_ptr<work::Coordinator> coordinator_;
  std::vector<std::unique_ptr<WorkerProcess>> workers_;
  std::vector<Run> runs_;
  std::vector<work::RunRequest> requests_;
  std::vector<bool> submitted_;
  TimeMs keeper_next_at_ = 0, began_at_ = 0;
  std::string last_error_;
  bool faulty_ = true;
  DiskFaults disk_;  ///< while faults last
};

}  // namespace dsperse::sim
