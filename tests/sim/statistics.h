// What is measured over many seeds, beside what the equations say: detection, collusion, sampling, and whether lying pays.
//
// The numbers come from the real machines and real slice runs; the expected ones from docs/trust/economics.md. Seeds are fixed,
// so a cell is within three sigma or it is not: nothing is drawn again. Tested by tests/sim/sim_test.cc.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "judge.h"

namespace dsperse::sim {

/// Of n trials; z = (measured - expected) / sigma of the mean.
struct Cell {
  std::string name;
  std::uint64_t n = 0;
  double expected = 0, measured = 0, sigma = 0;
  /// Some cells also say on which side of 0 they must be: -1, +1; 0: no matter.
  int side = 0;
  [[nodiscard]] double z() const;
  /// Beyond three sigma, or not surely on its side.
  [[nodiscard]] bool outside() const;
};

/// A share: sigma of the binomial distribution.
Cell share_cell(std::string name, std::uint64_t n, std::uint64_t hits, double expected);
/// A mean: sigma from the sample.
Cell mean_cell(std::string name, const std::vector<double>& sample, double expected, int side);

/// Runs f(0) .. f(n - 1), several at a time, each alone in its thread.
using Parallel = std::function<void(std::size_t n, const std::function<void(std::size_t)>& f)>;

/// scale: of the numbers of trials; 1 is what `make sim` runs. found: judged towns are added.
std::vector<Cell> challenge_cells(double scale);
std::vector<Cell> audit_cells(double scale, const Parallel& parallel, Findings& found);
std::vector<Cell> replication_cells(double scale, const Parallel& parallel, Findings& found);
/// What the cells' towns are like, for a look at one: "audit", "economics". warm: made if it is empty.
TownSpec cell_spec(const std::string& name, std::uint64_t seed, Snapshot& warm);
std::vector<Cell> economics_cells(double scale, const Parallel& parallel, Findings& found);

}  // namespace dsperse::sim
