#include "dsperse/trust/policy/planner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <iterator>
#include <random>

#include "dsperse/trust/policy/choice.h"
#include "dsperse/trust/policy/paths.h"

namespace dsperse::trust {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<Treatment> treatments(std::initializer_list<std::string_view> texts) {
  std::vector<Treatment> out;
  for (const auto text : texts) out.push_back(parse_treatment(text).value());
  return out;
}

std::string problem(const PlanRequest& request) {
  const auto plan = plan_trust(request);
  return plan ? "" : plan.error().text();
}

/// Four slices in a diamond, 0 -> {1, 2} -> 3.
PlanRequest diamond() {
  PlanRequest r;
  r.slices = {{1, 100}, {2, 300}, {1, 50}, {4, 900}};
  r.allowed = treatments({"proof", "replicate(2)", "audit(0.05)", "replicate(2)+audit(0.1)", "trust"});
  r.edges = {{0, 1}, {0, 2}, {1, 3}, {2, 3}};
  r.outputs = {3};
  r.assumptions = {.colluding_operators = 0.1, .irrational = 0.05};
  r.money = {.gain = 10, .bond = 200};
  r.budget = 0.02;
  return r;
}

/// Tries every assignment of allowed treatments, with E1's rates put in by hand.
double brute_force(const PlanRequest& r) {
  const std::size_t n = r.slices.size(), m = r.allowed.size();
  double best = HUGE_VAL;
  std::size_t all = 1;
  for (std::size_t i = 0; i < n; ++i) all *= m;
  for (std::size_t code = 0; code < all; ++code) {
    double ok = 1, cost = 0;
    bool possible = true;
    for (std::size_t i = 0, rest = code; i < n && possible; ++i, rest /= m) {
      Treatment t = r.allowed[rest % m];
      if (t.audit) {
        const double c = r.slices[i].native, reward = r.money.reward_factor * c;
        const double p = (c + r.money.gain) / (reward + r.money.gain + r.money.bond);
        possible = p <= 1;
        if (possible) t.audit->p = std::max(t.audit->p, p);
      }
      if (!possible) break;
      ok *= 1 - failure(t, r.assumptions, true).value();
      cost += expected_cost(t, r.slices[i], r.assumptions, true).value();
    }
    if (possible && 1 - ok <= r.budget) best = std::min(best, cost);
  }
  return best;
}

void expect_sound(const PlanRequest& r, const TrustPlan& plan) {
  double ok = 1, cost = 0, worst = 0;
  for (std::size_t i = 0; i < plan.slices.size(); ++i) {
    const SlicePlan& s = plan.slices[i];
    ok *= 1 - s.failure;
    cost += s.cost;
    worst = std::max(worst, s.failure);
    EXPECT_EQ(s.failure, failure(s.treatment, r.assumptions, true).value());
    EXPECT_EQ(s.assumed, assumed(s.treatment, r.assumptions, true));
    EXPECT_EQ(s.treatment.audit.has_value(), s.deterrence.has_value());
    if (s.treatment.audit) {
      EXPECT_GE(s.treatment.audit->p, s.deterrence->least_rate);
      EXPECT_EQ(s.deterrence->stakes.honest_cost, r.slices[i].native);
      EXPECT_LE(s.deterrence->least_bond, r.money.bond * (1 + 1e-9));
      EXPECT_LE(cheating_surplus(s.deterrence->stakes, s.treatment.audit->p).value(), 1e-9);
    }
  }
  EXPECT_NEAR(plan.residual, 1 - ok, 1e-12);
  EXPECT_NEAR(plan.cost, cost, 1e-9 * (1 + cost));
  EXPECT_LE(plan.residual, r.budget * (1 + 1e-11));
  EXPECT_EQ(plan.slices[plan.weakest].failure, worst);
  EXPECT_LE(plan.least_cost, plan.cost);
}

TEST(Planner, EqualsBruteForce) {
  std::mt19937_64 random(6);
  std::uniform_real_distribution<double> u(0, 1);
  int planned = 0, impossible = 0;
  for (int i = 0; i < 150; ++i) {
    PlanRequest r = diamond();
    for (SliceCost& cost : r.slices) cost = {0.1 + 5 * u(random), 10 + 1000 * u(random)};
    r.assumptions = {.colluding_operators = 0.3 * u(random), .irrational = u(random)};
    r.money.gain = 50 * u(random);
    r.money.bond = 100 * u(random) * u(random);
    r.budget = std::pow(10.0, -3 * u(random));
    if (i % 3 == 0) r.allowed.erase(r.allowed.begin());  // no proof
    const double best = brute_force(r);
    const auto plan = plan_trust(r);
    ASSERT_EQ(plan.has_value(), std::isfinite(best)) << problem(r);
    if (!plan) {
      EXPECT_EQ(plan.error().kind, ErrorKind::resource);
      ++impossible;
      continue;
    }
    ++planned;
    EXPECT_TRUE(plan->exact);
    // The planner's rates are rounded up at the sixth digit.
    EXPECT_NEAR(plan->cost, best, 1e-4 * best);
    EXPECT_GE(plan->cost, best * (1 - 1e-9));
    expect_sound(r, *plan);
  }
  EXPECT_GT(planned, 80);
  EXPECT_GT(impossible, 5);
}

TEST(Planner, FixedTreatmentsStay) {
  PlanRequest r = diamond();
  r.fixed.resize(4);
  r.fixed[3] = parse_treatment("proof").value();
  r.fixed[0] = parse_treatment("audit(0.5)").value();
  const auto plan = plan_trust(r);
  ASSERT_TRUE(plan) << plan.error().text();
  expect_sound(r, *plan);
  EXPECT_EQ(to_text(plan->slices[3].treatment), "proof");
  EXPECT_EQ(to_text(plan->slices[0].treatment), "audit(0.5)");
  EXPECT_TRUE(plan->slices[0].fixed);
  EXPECT_FALSE(plan->slices[1].fixed);

  r.fixed[0] = parse_treatment("audit(0.01)").value();  // E1: 11/211.2
  EXPECT_THAT(problem(r),
              HasSubstr("audit rate 0.01 does not deter: E1 asks for 0.05208 (slice 0 > audit(0.01)): raise the rate, or "
                        "ask for a bond of 1089"));
}

TEST(Planner, AuditsThatCannotDeterAreLeftOut) {
  PlanRequest r = diamond();
  r.money.bond = 0;
  const auto plan = plan_trust(r);
  ASSERT_TRUE(plan) << plan.error().text();
  for (const SlicePlan& s : plan->slices) EXPECT_TRUE(!s.treatment.audit || s.deterrence->least_rate <= 1);
  r.money.reward_factor = 0.5;
  const auto poor = plan_trust(r);
  ASSERT_TRUE(poor) << poor.error().text();
  EXPECT_EQ(poor->left_out.size(), 8U);
  EXPECT_THAT(poor->left_out[0], HasSubstr("no audit rate deters"));
  EXPECT_THAT(poor->left_out[0], HasSubstr("slice 0 > audit(0.05)"));
  EXPECT_THAT(poor->left_out[0], HasSubstr("a bond of 0.5 deters"));
  r.allowed = treatments({"audit(0.5)"});
  EXPECT_THAT(problem(r), HasSubstr("no allowed treatment is possible"));
}

TEST(Planner, SaysWhatKeepsTheBudgetFromBeingMet) {
  PlanRequest r = diamond();
  r.allowed = treatments({"trust", "replicate(2)"});
  r.budget = 1e-3;
  EXPECT_THAT(problem(r), HasSubstr("no choice of treatments keeps the residual risk within 0.001; the least is 0.0394"));
  EXPECT_THAT(problem(r), HasSubstr("slice 0 leaves most, 0.01"));
  r.assumptions.colluding_operators = 1;
  EXPECT_THAT(problem(r), HasSubstr("the least is 1 "));
}

TEST(Planner, ABudgetMetExactlyIsMet) {
  PlanRequest r;
  r.slices = {{1, 1000}};
  r.allowed = treatments({"proof", "replicate(2)"});
  r.assumptions.colluding_operators = 0.2;
  r.budget = 0.04;  // 0.2 * 0.2 rounds to a little more
  EXPECT_EQ(to_text(plan_trust(r).value().slices[0].treatment), "replicate(2)");
}

TEST(Planner, ManySlices) {
  std::mt19937_64 random(7);
  std::uniform_real_distribution<double> u(0, 1);
  PlanRequest r = diamond();
  r.slices.clear();
  r.edges.clear();
  for (std::uint32_t i = 0; i < 200; ++i) {
    r.slices.push_back({0.1 + 5 * u(random), 10 + 1000 * u(random)});
    if (i > 0) r.edges.emplace_back(i - 1, i);
  }
  r.outputs = {199};
  r.allowed = treatments({"proof", "replicate(2)", "replicate(3)", "replicate(3, distinct=region)", "audit(0.05)", "audit(0.3)",
                          "replicate(2)+audit(0.1)", "trust"});
  r.assumptions.colluding_regions = 0.05;
  const auto plan = plan_trust(r);
  ASSERT_TRUE(plan) << plan.error().text();
  expect_sound(r, *plan);
  EXPECT_LE(plan->cost - plan->least_cost, 1011);  // one step of one slice at most
  EXPECT_NEAR(plan->outputs[0].residual, plan->residual, 1e-12);
  EXPECT_NEAR(plan->outputs[0].path_residual, plan->residual, 1e-12);  // a chain has one path
}

TEST(Planner, OutputsAndPaths) {
  // 0 -> {1, 2} -> 3, 2 -> 4; 5 alone.
  const std::vector<std::pair<std::uint32_t, std::uint32_t>> edges{{0, 1}, {0, 2}, {1, 3}, {2, 3}, {2, 4}};
  const std::vector<std::uint32_t> outputs{3, 4, 5};
  const std::vector<double> failures{0.1, 0.3, 0.2, 0.05, 0, 0.01};
  ASSERT_TRUE(check_graph(6, edges, outputs));
  const auto risks = output_risks(failures, edges, outputs);
  EXPECT_THAT(risks[0].path, ElementsAre(0, 1, 3));
  EXPECT_NEAR(risks[0].path_residual, 1 - 0.9 * 0.7 * 0.95, 1e-12);
  EXPECT_NEAR(risks[0].residual, 1 - 0.9 * 0.7 * 0.8 * 0.95, 1e-12);
  EXPECT_EQ(risks[0].weakest, 1U);
  EXPECT_THAT(risks[1].path, ElementsAre(0, 2, 4));
  EXPECT_NEAR(risks[1].residual, 1 - 0.9 * 0.8, 1e-12);
  EXPECT_EQ(risks[1].weakest, 2U);
  EXPECT_THAT(risks[2].path, ElementsAre(5));
  EXPECT_NEAR(risks[2].residual, 0.01, 1e-12);
  const std::vector<double> certain{1, 0.5, 0, 0, 0, 0};
  EXPECT_EQ(output_risks(certain, edges, outputs)[0].residual, 1);
}

TEST(Planner, Text) {
  PlanRequest r = diamond();
  const std::string text = to_text(plan_trust(r).value());
  EXPECT_THAT(text,
              HasSubstr("slice 0: audit(0.0520834), cost 1.052, wrong with 0.00474; assumed: share 0.1 of operators lies; E1 "
                        "holds, 0.05 of them irrational; E1 with reward"));
  EXPECT_THAT(text, HasSubstr("E1 with reward 1.2, gain 10, bond 200 asks for rate 0.05208; at the rate taken, for bond 2"));
  EXPECT_THAT(text, HasSubstr("no allowed plan costs less\n"));
  EXPECT_THAT(text, HasSubstr("output of slice 3: residual"));
}

TEST(Planner, TheExampleOfTheDocsIsWhatComesOut) {
  std::ifstream file(std::string(DSPERSE_SOURCE_DIR) + "/docs/trust/economics.md");
  const std::string page{std::istreambuf_iterator<char>(file), {}};
  PlanRequest r = diamond();
  r.fixed.resize(4);
  r.fixed[2] = parse_treatment("proof").value();
  EXPECT_THAT(page, HasSubstr("```\n" + to_text(plan_trust(r).value()) + "```\n"));
}

TEST(Planner, CostsOfASlice) {
  slice::Cost predicted;
  predicted.macs = 2'000'000;
  predicted.prove_seconds = 1.5;
  const SliceCost cost = slice_cost(predicted, {.seconds_fixed = 0.001, .seconds_per_mac = 1e-9});
  EXPECT_DOUBLE_EQ(cost.native, 0.003);
  EXPECT_DOUBLE_EQ(cost.proof, 1.503);
}

TEST(Planner, ImpossibleInputsAreErrors) {
  const auto says = [](auto change, const std::string& what) {
    PlanRequest r = diamond();
    change(r);
    EXPECT_THAT(problem(r), HasSubstr(what));
  };
  says([](PlanRequest& r) { r.slices.clear(); }, "no slices");
  says([](PlanRequest& r) { r.fixed.resize(2); }, "given for 2 of 4 slices");
  says([](PlanRequest& r) { r.budget = 0; }, "the budget of residual risk is 0");
  says([](PlanRequest& r) { r.budget = 1; }, "the budget of residual risk is 1");
  says([](PlanRequest& r) { r.budget = std::nan(""); }, "the budget of residual risk is");
  says([](PlanRequest& r) { r.assumptions.colluding_operators = -1; }, "colluding share of operators");
  says([](PlanRequest& r) { r.slices[2].native = -1; }, "a slice costs -1 (slice 2)");
  says([](PlanRequest& r) { r.money.gain = -1; }, "gain G is -1 (money of slice 0)");
  says([](PlanRequest& r) { r.money.cheat_factor = 2; }, "cheating cost c'");
  says([](PlanRequest& r) { r.allowed[2].audit->p = 2; }, "an audit rate lies between");
  says([](PlanRequest& r) { r.allowed.clear(); }, "no allowed treatment is possible (slice 0)");
  says([](PlanRequest& r) { r.edges.emplace_back(3, 1); }, "an edge leads from slice 3 to 1");
  says([](PlanRequest& r) { r.edges.emplace_back(1, 1); }, "an edge leads from slice 1 to 1");
  says([](PlanRequest& r) { r.edges.emplace_back(1, 4); }, "slice 4 does not exist");
  says([](PlanRequest& r) { r.outputs = {7}; }, "slice 7 does not exist");
}

}  // namespace
}  // namespace dsperse::trust
