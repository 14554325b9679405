// From a policy to every slice's treatment with its figures: what a plan says about trust.
//
// Default, then strategy, then rules decide; what they leave open the planner chooses within the budget. Treatments that are all
// given are priced as they are. Pure: costs and influences are the caller's numbers. Source: docs/trust/economics.md. Tested by
// policy/assign_test.cc, tests/e2e/plan_test.py.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "dsperse/trust/policy/policy.h"

namespace dsperse::trust {

/// Of the slices, in their order.
struct PlanFacts {
  std::vector<const quantize::Program*> programs;  ///< none is null
  std::vector<SliceCost> costs;                    ///< in seconds
  std::vector<double> influences;                  ///< empty: not measured; the influence strategy needs them
  std::vector<std::pair<std::uint32_t, std::uint32_t>> edges;
  std::vector<std::uint32_t> outputs;  ///< edges and outputs as in PlanRequest
};

struct Treatments {
  Terms terms = {};
  std::optional<Planning> planning = {};
  std::optional<Selection> selection = {};  ///< where a strategy was given
  std::vector<SliceCost> costs = {};
  std::vector<double> influences = {};
  TrustPlan plan = {};

  [[nodiscard]] std::vector<Treatment> treatments() const;
};

/// Errors (usage): of the rules and the strategy; a fixed audit that does not deter, in a policy that plans. (resource): no
/// choice keeps the budget.
[[nodiscard]] Result<Treatments> assign(const Policy& policy, const PlanFacts& facts);

/// Whether assign() needs influences.
[[nodiscard]] bool needs_influences(const Policy& policy);

/// Lines for people: to_text of the plan, the strategy, and what the figures rest on.
[[nodiscard]] std::string to_text(const Treatments& assignment);

}  // namespace dsperse::trust
