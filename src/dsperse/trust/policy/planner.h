// Which slice gets which treatment: least expected cost, residual risk within a budget, every audit deterring.
//
//   minimise sum cost_i   subject to   1 - prod(1 - failure_i) <= budget   and E1 for every audited slice
//
// An allowed audit rate is a floor: it is raised to E1's least rate for that slice, and left out where no rate deters. A fixed
// treatment is taken as it is written or refused. The choice is exact or says how far from the optimum it may be (choice.h).
// Pure: costs and assumptions are given. Source: docs/trust/economics.md. Tested by policy/planner_test.cc (brute force) and
// policy/simulation_test.cc.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "dsperse/slice/plan.h"
#include "dsperse/trust/policy/economics.h"
#include "dsperse/trust/policy/paths.h"
#include "dsperse/trust/policy/risk.h"
#include "dsperse/trust/treatment/treatment.h"

namespace dsperse::trust {

/// What native runs cost, to put beside the predictions of slice::Cost; measured by the caller.
struct NativeRate {
  double seconds_fixed = 0;
  double seconds_per_mac = 0;
};
/// Seconds: native by the rate, proof as predicted plus the native run that makes its witness.
[[nodiscard]] SliceCost slice_cost(const slice::Cost& predicted, const NativeRate& rate);

/// What the money equations need, in the unit of the costs. A slice's honest cost c is its native cost, R = reward_factor * c,
/// c' = cheat_factor * c.
struct Money {
  double reward_factor = 1.2;
  double cheat_factor = 0;  ///< 0 to 1
  double gain = 0;          ///< G of one wrong result that is accepted
  double bond = 0;          ///< S; effective_bond() where there is no money
  double false_alarm = 0, lucky_guess = 0, reporter_share = 0;
};
/// Of a slice with this native cost.
[[nodiscard]] Stakes stakes_of(const Money& money, double native, double detection);

/// Slices are numbered in topological order.
struct PlanRequest {
  std::vector<SliceCost> slices;
  std::vector<Treatment> allowed;                              ///< for slices that are not fixed
  std::vector<std::optional<Treatment>> fixed;                 ///< by slice; empty: none is
  std::vector<std::pair<std::uint32_t, std::uint32_t>> edges;  ///< (from, to): `to` reads a result of `from`; from < to
  std::vector<std::uint32_t> outputs;                          ///< slices that make an output of the model
  Assumptions assumptions;
  Money money;
  double budget = 0.01;  ///< residual risk, above 0 and below 1
};

/// E1 of one audited slice: enough to recompute it.
struct Deterrence {
  Stakes stakes;
  double least_rate = 0;  ///< at these stakes; infinite: no rate deters
  double least_bond = 0;  ///< at the treatment's rate; infinite: no bond deters
  bool holds = true;      ///< the treatment's rate is not below the least; always so in a plan that was chosen
};
struct SlicePlan {
  Treatment treatment = {};
  bool fixed = false;
  double cost = 0, failure = 0;
  std::string assumed = {};
  std::optional<Deterrence> deterrence = {};  ///< where audited
};
struct TrustPlan {
  bool chosen = true;  ///< by plan_trust; false: given and only priced
  std::vector<SlicePlan> slices;
  double cost = 0, residual = 0;
  std::uint32_t weakest = 0;  ///< slice with the greatest failure, the first of them
  std::vector<OutputRisk> outputs;
  bool exact = false;
  double least_cost = 0;              ///< no plan within the budget costs less; equal to cost if exact
  std::vector<std::string> left_out;  ///< allowed treatments that some slice could not get, and why
};

/// The budget holds up to the rounding of doubles (choice.h, kCapacitySlack). Deterministic.
/// Errors: usage (a number out of its domain; a fixed treatment whose audit does not deter), resource (no allowed treatments keep
/// the budget: says the least residual and the slice that makes most of it).
[[nodiscard]] Result<TrustPlan> plan_trust(const PlanRequest& request);

/// The figures of treatments that are all fixed; budget and allowed are not looked at. Where an audit does not deter, it is
/// priced so and `holds` is false. Errors (usage): a slice without a treatment, a number out of its domain.
[[nodiscard]] Result<TrustPlan> price_treatments(const PlanRequest& request);

/// Lines for people: one per slice, then totals, outputs, what was left out.
[[nodiscard]] std::string to_text(const TrustPlan& plan);

}  // namespace dsperse::trust
