// Which slices to prove when not all are: by name, operator, position, cost or influence.
//
//   name:layer3*   operator:Conv   slices:0,2-4   first:2   last:2   cost:120   influence:120
//
// Names, operators and numbers select as policy rules do (policy.h). `cost:B` proves as many slices as a proof cost of B
// allows: the cheapest first, which is optimal. `influence:B` proves the slices of greatest total influence within a proof cost
// of B: a knapsack, exact or with a bound of what it may miss (choice.h). Influences are numbers given by the caller (how far the
// output moves when a slice's result is perturbed) and are taken to add up. Pure.
// Source: docs/trust/economics.md. Tested by policy/strategy_test.cc.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "dsperse/quantize/program.h"

namespace dsperse::trust {

struct Strategy {
  enum class Kind : std::uint8_t { name, op, slices, first, last, cost, influence };
  Kind kind = Kind::first;
  std::string selector = {};  ///< of name, op and slices
  std::uint32_t count = 0;    ///< of first and last; at least 1
  double budget = 0;          ///< of cost and influence, in the unit of the proof costs; above 0
};

/// Errors (usage): an unknown word, a value that is none.
[[nodiscard]] Result<Strategy> parse_strategy(std::string_view text);
/// Parses back to the same strategy.
[[nodiscard]] std::string to_text(const Strategy& strategy);

struct SliceFacts {
  const quantize::Program* program = nullptr;  ///< read by name and operator; never null
  double proof_cost = 0;                       ///< >= 0
  double influence = 0;                        ///< >= 0; 0 where it was not measured
};

/// The slices to prove, and what that leaves.
struct Selection {
  Strategy strategy;
  std::vector<std::uint32_t> proved;  ///< ascending
  std::size_t slices = 0;             ///< of all
  double cost = 0, cost_left = 0;     ///< of proofs that are made, and of those that are not
  double influence = 0, influence_left = 0;
  bool exact = true;                ///< no other selection is better by the strategy's own measure
  double least_influence_left = 0;  ///< of the influence strategy: no selection leaves less
};

/// Errors (usage): a selector that matches nothing, more slices than there are, a number out of its domain, no slice at all;
/// (resource): the budget pays for no proof.
[[nodiscard]] Result<Selection> select_slices(const Strategy& strategy, std::span<const SliceFacts> slices);

/// One line: which strategy, what is proved, what is left.
[[nodiscard]] std::string to_text(const Selection& selection);

}  // namespace dsperse::trust
