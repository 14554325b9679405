// All that `make sim` runs, and what comes of it. Tested by tests/sim/sim_test.cc.
#pragma once

#include "keeper_attacks.h"
#include "statistics.h"

namespace dsperse::sim {

struct Campaign {
  struct Row {
    std::string adversary, policy;
    Findings found;
  };
  struct Killed {
    std::string schedule, who;
    std::uint64_t places = 0;
    Findings found;
  };
  std::vector<Row> matrix;
  std::vector<Killed> killed;
  std::vector<Cell> cells;
  std::vector<KeeperAttack> keeper;
  Findings total;
  [[nodiscard]] std::uint64_t outside() const;
  [[nodiscard]] std::uint64_t keeper_survived() const;
  [[nodiscard]] bool clean() const { return total.clean() && outside() == 0 && keeper_survived() == 0; }
};

/// What is run of it. seeds: of each cell of the matrix. every: of the places of a schedule where a process is killed, one in so
/// many. scale: of the statistics.
struct Extent {
  std::uint64_t seeds = 20, real_seeds = 2, every = 1;
  double scale = 1;
  bool matrix = true, killed = true, statistics = true, keeper = true;
};

/// said: lines about how far it is.
Campaign run_campaign(const Extent& extent, unsigned threads, const std::function<void(const std::string&)>& said);
/// `threads` at a time.
Parallel on_threads(unsigned threads);

/// The town of a scenario by name, "ADVERSARY/POLICY" (calm), "ADVERSARY/POLICY/bad", ".../real", or a schedule's name
/// (seed 0: its own); nothing if there is none. storage: keeps what the spec refers to.
std::optional<TownSpec> scenario(const std::string& name, std::uint64_t seed, std::vector<std::unique_ptr<Snapshot>>& storage);

/// The JSON text of build/sim.json.
std::string to_json(const Campaign& campaign, const Extent& extent, double seconds);

}  // namespace dsperse::sim
