// Plays the stated model with dice and holds the printed figures against it: residual risk, expected cost, the deterrence of E1,
// sampling and majorities. Seeded; a figure must lie within three standard deviations of its mean.
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <random>

#include "dsperse/trust/policy/economics.h"
#include "dsperse/trust/policy/planner.h"

namespace dsperse::trust {
namespace {

constexpr int kDraws = 1'000'000;

class Dice {
 public:
  explicit Dice(std::uint64_t seed) : random_(seed) {}
  bool hit(double p) { return static_cast<double>(random_() >> 11) * 0x1p-53 < p; }

 private:
  std::mt19937_64 random_;
};

class Mean {
 public:
  void add(double x) {
    ++n_;
    sum_ += x;
    squares_ += x * x;
  }
  [[nodiscard]] double value() const { return sum_ / n_; }
  [[nodiscard]] double sigma() const { return std::sqrt(std::max(0.0, squares_ / n_ - value() * value()) / n_); }

 private:
  double n_ = 0, sum_ = 0, squares_ = 0;
};

void expect_figure(const Mean& seen, double printed, const std::string& what) {
  EXPECT_NEAR(seen.value(), printed, 3 * seen.sigma() + 1e-12) << what;
}

struct Outcome {
  bool wrong = false;
  double cost = 0;
};

/// One result of one slice: who lies, who notices, who pays. A liar of the rational part gives up where E1 holds.
Outcome play(const Treatment& t, const SliceCost& cost, double colluding, const Assumptions& a, bool deterred, Dice& dice) {
  if (t.proof) return {false, cost.proof};
  const std::uint32_t k = t.replicate ? t.replicate->k : 1;
  std::uint32_t liars = 0;
  for (std::uint32_t i = 0; i < k; ++i)
    if (dice.hit(colluding) && (!(t.audit && deterred) || dice.hit(a.irrational))) ++liars;
  Outcome out{.wrong = liars == k, .cost = k * cost.native};
  if (liars != 0 && liars != k) {
    out.cost += cost.proof;
  } else if (t.audit && dice.hit(t.audit->p)) {
    const bool by_proof = t.audit->by == AuditBy::proof;
    out.cost += by_proof ? cost.proof : cost.native;
    if (out.wrong && dice.hit(by_proof ? 1 : a.detection)) out.wrong = false;
  }
  return out;
}

TEST(Simulation, TreatmentsLeaveAndCostWhatIsPrinted) {
  Dice dice(11);
  const Assumptions a{
      .colluding_operators = 0.2, .colluding_regions = 0.35, .colluding_engines = 0.1, .irrational = 0.4, .detection = 0.8};
  const SliceCost cost{.native = 2, .proof = 50};
  for (const char* text : {"trust", "audit(0.3)", "audit(0.3, by=proof)", "replicate(2)", "replicate(3, distinct=region)",
                           "replicate(2)+audit(0.25)", "replicate(2, distinct=region)+audit(0.5, by=proof)"})
    for (const bool deterred : {false, true}) {
      const Treatment t = parse_treatment(text).value();
      const double colluding = t.replicate && t.replicate->distinct == Distinct::regions ? 0.35 : 0.2;
      Mean wrong, paid;
      for (int i = 0; i < kDraws; ++i) {
        const Outcome o = play(t, cost, colluding, a, deterred, dice);
        wrong.add(o.wrong ? 1 : 0);
        paid.add(o.cost);
      }
      expect_figure(wrong, failure(t, a, deterred).value(), std::string(text) + " failure");
      expect_figure(paid, expected_cost(t, cost, a, deterred).value(), std::string(text) + " cost");
    }
}

TEST(Simulation, PlansLeaveAndCostWhatIsPrinted) {
  PlanRequest r;
  r.slices = {{1, 20}, {2, 60}, {1, 5}, {4, 200}, {0.5, 90}};
  for (const char* text : {"proof", "replicate(2)", "audit(0.05)", "replicate(2)+audit(0.1)", "trust"})
    r.allowed.push_back(parse_treatment(text).value());
  r.fixed.resize(5);
  r.fixed[4] = parse_treatment("replicate(2)+audit(0.2)").value();
  r.edges = {{0, 1}, {0, 2}, {1, 3}};
  r.outputs = {3, 2};
  r.assumptions = {.colluding_operators = 0.2, .irrational = 0.3};
  r.money = {.gain = 10, .bond = 100};
  r.budget = 0.1;
  const TrustPlan plan = plan_trust(r).value();
  Dice dice(12);
  Mean wrong, paid, first, second;
  for (int i = 0; i < kDraws; ++i) {
    std::array<bool, 5> bad{};
    double cost = 0;
    for (std::size_t s = 0; s < 5; ++s) {
      const Outcome o = play(plan.slices[s].treatment, r.slices[s], 0.2, r.assumptions, true, dice);
      bad[s] = o.wrong;
      cost += o.cost;
    }
    paid.add(cost);
    wrong.add(bad[0] || bad[1] || bad[2] || bad[3] || bad[4] ? 1 : 0);
    first.add(bad[0] || bad[1] || bad[3] ? 1 : 0);
    second.add(bad[0] || bad[2] ? 1 : 0);
  }
  expect_figure(wrong, plan.residual, "residual");
  expect_figure(paid, plan.cost, "cost");
  expect_figure(first, plan.outputs[0].residual, "output of slice 3");
  expect_figure(second, plan.outputs[1].residual, "output of slice 2");
  EXPECT_LE(plan.residual, r.budget * (1 + 1e-11));
}

TEST(Simulation, GivenTreatmentsLeaveAndCostWhatIsPrinted) {
  PlanRequest r;
  r.slices = {{1, 20}, {2, 60}, {1, 5}};
  for (const char* text : {"audit(0.05)", "replicate(2)+audit(0.3)", "audit(0.9)"})
    r.fixed.push_back(parse_treatment(text).value());
  r.edges = {{0, 1}, {1, 2}};
  r.outputs = {2};
  r.assumptions = {.colluding_operators = 0.2, .irrational = 0.3};
  r.money = {.gain = 1, .bond = 2};
  const TrustPlan plan = price_treatments(r).value();
  EXPECT_FALSE(plan.slices[0].deterrence->holds);
  EXPECT_TRUE(plan.slices[2].deterrence->holds);
  Dice dice(15);
  Mean wrong, paid;
  for (int i = 0; i < kDraws; ++i) {
    bool bad = false;
    double cost = 0;
    for (std::size_t s = 0; s < 3; ++s) {
      const bool deterred = cheating_surplus(plan.slices[s].deterrence->stakes, plan.slices[s].treatment.audit->p).value() <= 0;
      const Outcome o = play(plan.slices[s].treatment, r.slices[s], 0.2, r.assumptions, deterred, dice);
      bad = bad || o.wrong;
      cost += o.cost;
    }
    wrong.add(bad ? 1 : 0);
    paid.add(cost);
  }
  expect_figure(wrong, plan.residual, "residual");
  expect_figure(paid, plan.cost, "cost");
}

/// What a worker has after one job. A wrong result that passes earns the gain on top; a slash costs reward and bond.
double purse(const Stakes& s, double p, bool cheats, Dice& dice) {
  const bool right = !cheats || dice.hit(s.lucky_guess);
  const bool audited = dice.hit(p);
  const bool slashed = audited && dice.hit(right ? s.false_alarm : s.detection);
  const double cost = cheats ? s.cheat_cost : s.honest_cost;
  if (slashed) return -cost - (1 - s.reporter_share) * s.bond;
  return s.reward - cost + (right ? 0 : s.gain);
}

TEST(Simulation, CheatingPaysBelowE1AndNotAbove) {
  const Stakes s{.reward = 2,
                 .honest_cost = 1,
                 .cheat_cost = 0.2,
                 .gain = 3,
                 .bond = 20,
                 .detection = 0.9,
                 .false_alarm = 0.02,
                 .lucky_guess = 0.1,
                 .reporter_share = 0.4};
  const double least = least_audit_rate(s).value();
  Dice dice(13);
  for (const double factor : {0.7, 1.0, 1.5}) {
    const double p = least * factor;
    Mean surplus;
    for (int i = 0; i < kDraws; ++i) surplus.add(purse(s, p, true, dice) - purse(s, p, false, dice));
    expect_figure(surplus, cheating_surplus(s, p).value(), "surplus");
    if (factor < 1) {
      EXPECT_GT(surplus.value(), 3 * surplus.sigma());
    }
    if (factor > 1) {
      EXPECT_LT(surplus.value(), -3 * surplus.sigma());
    }
  }
}

TEST(Simulation, SamplingAndMajorities) {
  Dice dice(14);
  Mean miss, majority, unlike;
  for (int i = 0; i < kDraws; ++i) {
    bool found = false;
    for (int unit = 0, k = 4; unit < 20 && k > 0; ++unit) {  // draws 4 of 20, 3 bad: units 0 to 2
      if (!dice.hit(k / (20.0 - unit))) continue;
      --k;
      found = found || unit < 3;
    }
    miss.add(found ? 0 : 1);
    int liars = 0;
    for (int replica = 0; replica < 5; ++replica) liars += dice.hit(0.3) ? 1 : 0;
    majority.add(liars > 2 ? 1 : 0);
    unlike.add(liars > 0 && liars < 5 ? 1 : 0);
  }
  expect_figure(miss, sampling_miss(20, 3, 4).value(), "miss");
  EXPECT_LT(miss.value(), sampling_bound(3.0 / 20, 4).value());
  expect_figure(majority, majority_collusion(0.3, 5).value(), "majority");
  expect_figure(unlike, mismatch(0.3, 5).value(), "mismatch");
}

}  // namespace
}  // namespace dsperse::trust
