// One option of each group, least total cost, total weight within a capacity: the multiple-choice knapsack under planner and
// strategies.
//
// Method: groups are merged one by one into the frontier of partial choices that no other beats in both weight and cost. A
// partial choice is dropped if the Lagrangian bound of what it can become is above the best whole choice known. While a frontier
// stays under `most_states` the result is exact; beyond, the frontier is thinned to the states
// that look best, spread over all weights: every kept state is still a real partial
// choice with its true weight, so the capacity always holds, and `bound` (the relaxation's) says how far the optimum can be.
// Deterministic. Knows no slices, no money. Source: [Kellerer-Pferschy-Pisinger04], chapter 11. Tested by policy/choice_test.cc.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace dsperse::trust {

struct Option {
  double weight = 0;  ///< >= 0; may be infinite: never taken
  double cost = 0;    ///< >= 0, finite
};

struct Chosen {
  std::vector<std::uint32_t> option;  ///< of each group
  double weight = 0, cost = 0;
  double bound = 0;  ///< no choice costs less; equal to cost if exact
  bool exact = false;
};

/// Sums of weights may exceed the capacity by this part of it: that much may be the rounding of doubles.
inline constexpr double kCapacitySlack = 1e-12;
inline constexpr std::size_t kMostStates = 8192;

/// Nothing if no choice fits or a group is empty. capacity >= 0, finite; most_states >= 2. Time and memory: groups * most_states
/// * options at most.
[[nodiscard]] std::optional<Chosen> choose_least_cost(std::span<const std::vector<Option>> groups, double capacity,
                                                      std::size_t most_states = kMostStates);

}  // namespace dsperse::trust
