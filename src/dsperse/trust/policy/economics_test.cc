#include "dsperse/trust/policy/economics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

namespace dsperse::trust {
namespace {

using ::testing::HasSubstr;

const double kNan = std::numeric_limits<double>::quiet_NaN();
const double kInf = std::numeric_limits<double>::infinity();

/// "" if the result has a value, else its error on one line.
std::string problem(const auto& result) { return result ? "" : result.error().text(); }

TEST(Economics, E1Examples) {
  const auto percent = [](double reward, double bond, double gain) {
    return 100 * least_audit_rate({.reward = reward, .honest_cost = 1, .gain = gain, .bond = bond}).value();
  };
  EXPECT_NEAR(percent(1.2, 0, 0), 83, 0.5);
  EXPECT_NEAR(percent(1.2, 5, 0), 16, 0.5);
  EXPECT_NEAR(percent(1.2, 20, 0), 4.7, 0.05);
  EXPECT_NEAR(percent(1.2, 100, 0), 1.0, 0.05);
  EXPECT_NEAR(percent(1.2, 20, 100), 83, 0.5);
  EXPECT_NEAR(percent(1.2, 2000, 100), 4.8, 0.05);
}

TEST(Economics, E1WithEveryTerm) {
  const Stakes s{.reward = 2,
                 .honest_cost = 1,
                 .cheat_cost = 0.25,
                 .gain = 3,
                 .bond = 40,
                 .detection = 0.9,
                 .false_alarm = 0.01,
                 .lucky_guess = 0.1,
                 .reporter_share = 0.5};
  // The bond counts 20: (0.75 + 0.9 * 3) / (0.9 * (0.9 * 25 - 0.01 * 22)).
  EXPECT_NEAR(least_audit_rate(s).value(), 3.45 / (0.9 * (22.5 - 0.22)), 1e-15);
  EXPECT_EQ(least_audit_rate({.reward = 1, .honest_cost = 1, .cheat_cost = 1}).value(), 0);  // nothing to gain
  EXPECT_EQ(least_audit_rate({.reward = 1, .honest_cost = 1}).value(), 1);                   // on the edge
}

TEST(Economics, E1SaysWhichBondWould) {
  const auto none = least_audit_rate({.reward = 0.5, .honest_cost = 1});
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().kind, ErrorKind::usage);
  EXPECT_THAT(none.error().what, HasSubstr("no audit rate deters"));
  EXPECT_EQ(none.error().hint, "a bond of 0.5 deters when every result is audited");
  EXPECT_EQ(least_audit_rate({.reward = 0.5, .honest_cost = 1, .bond = 0.5}).value(), 1);
  EXPECT_THAT(problem(least_audit_rate({.reward = 1, .honest_cost = 2, .detection = 0.5, .false_alarm = 0.5})),
              HasSubstr("no bond deters"));
}

TEST(Economics, RateBondAndSurplusAgree) {
  std::mt19937_64 random(2);
  std::uniform_real_distribution<double> u(0, 1);
  int deterred = 0;
  for (int i = 0; i < 20000; ++i) {
    Stakes s{.reward = 3 * u(random),
             .honest_cost = u(random),
             .gain = 5 * u(random),
             .bond = 20 * u(random),
             .detection = 0.5 + 0.5 * u(random),
             .false_alarm = 0.4 * u(random),
             .lucky_guess = 0.5 * u(random),
             .reporter_share = 0.5 * u(random)};
    s.cheat_cost = s.honest_cost * u(random);
    const auto p = least_audit_rate(s);
    if (!p) {
      EXPECT_GT(cheating_surplus(s, 1).value(), 0);
      s.bond = least_bond(s, 1).value();
      EXPECT_NEAR(cheating_surplus(s, 1).value(), 0, 1e-9);
      continue;
    }
    ++deterred;
    EXPECT_NEAR(cheating_surplus(s, *p).value(), 0, 1e-9);
    EXPECT_GT(cheating_surplus(s, *p * 0.99).value(), 0);
    const double bond = least_bond(s, *p).value();
    EXPECT_NEAR(bond, s.bond, 1e-9 * (1 + s.bond));
    EXPECT_LE(least_bond(s, 1).value(), bond + 1e-9);  // more audits, less bond
  }
  EXPECT_GT(deterred, 5000);
}

TEST(Economics, MoreBondLessAudit) {
  double before = 1;
  for (double bond = 0.5; bond < 1e6; bond *= 2) {
    const double p = least_audit_rate({.reward = 1.2, .honest_cost = 1, .bond = bond, .reporter_share = 0.5}).value();
    EXPECT_LT(p, before);
    EXPECT_GE(p, least_audit_rate({.reward = 1.2, .honest_cost = 1, .bond = bond}).value());  // self-reporting weakens a bond
    before = p;
  }
}

TEST(Economics, TheRateOfOneWorkerDetersACoalition) {
  std::mt19937_64 random(9);
  std::uniform_real_distribution<double> u(0, 1);
  int deterred = 0;
  for (int i = 0; i < 20000; ++i) {
    Stakes s{.reward = 3 * u(random),
             .honest_cost = u(random),
             .gain = 5 * u(random),
             .bond = 10 * u(random),
             .detection = 0.3 + 0.7 * u(random),
             .false_alarm = 0.3 * u(random),
             .lucky_guess = 0.5 * u(random),
             .reporter_share = 0.5 * u(random)};
    s.cheat_cost = s.honest_cost * u(random);
    const auto alone = least_audit_rate(s);
    if (!alone) continue;
    ++deterred;
    const double k = 2 + static_cast<double>(random() % 10);  // k stakes, one gain
    s.reward *= k, s.honest_cost *= k, s.cheat_cost *= k, s.bond *= k;
    EXPECT_LE(least_audit_rate(s).value(), *alone * (1 + 1e-12));
  }
  EXPECT_GT(deterred, 5000);
}

TEST(Economics, E2E3E4) {
  EXPECT_NEAR(least_audit_rate_lazy(1.2, 1, 20).value(), 1 / 21.2, 1e-15);
  EXPECT_EQ(effective_bond(5, 7, 3).value(), 8);
  EXPECT_EQ(effective_bond(0, 2, 3).value(), 2);
  EXPECT_EQ(least_canary_rate(1, 15, 5).value(), 0.05);
  EXPECT_EQ(least_canary_rate(0, 0, 0).value(), 0);
  EXPECT_EQ(least_canary_rate(2, 1, 1).value(), 1);
  EXPECT_EQ(least_canary_rate(3, 1, 1).error().hint, "a fine of 2 does when every job is a canary");
}

TEST(Economics, RateForARecord) {
  EXPECT_FALSE(audit_rate_for(0.02, 9).value().has_value());
  EXPECT_EQ(audit_rate_for(0.02, 10).value(), 0.1);
  EXPECT_EQ(audit_rate_for(0.02, 1000).value(), 0.02);
}

TEST(Economics, Sampling) {
  EXPECT_NEAR(sampling_bound(0.1, 22).value(), std::pow(0.9, 22), 1e-15);
  EXPECT_EQ(sampling_bound(0, 5).value(), 1);
  EXPECT_EQ(sampling_bound(1, 0).value(), 1);
  EXPECT_NEAR(sampling_miss(5, 2, 2).value(), 3.0 / 10, 1e-15);  // C(3,2)/C(5,2)
  EXPECT_EQ(sampling_miss(5, 2, 4).value(), 0);
  for (std::uint32_t n = 1; n <= 20; ++n)
    for (std::uint32_t bad = 0; bad <= n; ++bad)
      for (std::uint32_t k = 0; k <= n; ++k)
        EXPECT_LE(sampling_miss(n, bad, k).value(), sampling_bound(static_cast<double>(bad) / n, k).value() + 1e-15);
  EXPECT_EQ(draws_for(0.5, 0.125).value(), 3U);
  EXPECT_EQ(draws_for(1, 0.5).value(), 1U);
  for (const double f : {0.001, 0.1, 0.37, 0.9})
    for (const double miss : {0.5, 1e-2, 1e-9}) {
      const std::uint32_t k = draws_for(f, miss).value();
      EXPECT_LE(sampling_bound(f, k).value(), miss * (1 + 1e-9));
      if (k > 1) {
        EXPECT_GT(sampling_bound(f, k - 1).value(), miss * (1 - 1e-9));
      }
    }
}

TEST(Economics, Replication) {
  EXPECT_NEAR(unanimous_collusion(0.2, 2).value(), 0.04, 1e-15);
  EXPECT_NEAR(majority_collusion(0.2, 3).value(), 0.104, 1e-15);
  EXPECT_NEAR(mismatch(0.2, 2).value(), 0.32, 1e-15);
  EXPECT_EQ(mismatch(0, 3).value(), 0);
  EXPECT_EQ(mismatch(1, 3).value(), 0);
  EXPECT_NEAR(majority_collusion(0.5, 63).value(), 0.5, 1e-12);
  EXPECT_NEAR(majority_collusion(1, 64).value(), 1, 1e-12);
  for (std::uint32_t k = 1; k <= 64; ++k)
    for (const double r : {0.0, 0.01, 0.3, 0.7, 1.0}) {
      EXPECT_LE(unanimous_collusion(r, k).value(), majority_collusion(r, k).value() * (1 + 1e-12));
      // Honest and colluding majorities exclude each other; an even k can have neither.
      const double both = majority_collusion(r, k).value() + majority_collusion(1 - r, k).value();
      EXPECT_LE(both, 1 + 1e-12);
      if (k % 2 == 1) {
        EXPECT_NEAR(both, 1, 1e-12);
      }
    }
}

TEST(Economics, ImpossibleInputsAreErrors) {
  const auto says = [](const Stakes& s, const std::string& what) {
    EXPECT_THAT(problem(check(s)), HasSubstr(what));
    EXPECT_THAT(problem(least_audit_rate(s)), HasSubstr(what));
    EXPECT_THAT(problem(least_bond(s, 0.5)), HasSubstr(what));
    EXPECT_THAT(problem(cheating_surplus(s, 0.5)), HasSubstr(what));
  };
  says({.reward = -1}, "reward R");
  says({.reward = kNan}, "reward R");
  says({.reward = kInf}, "reward R");
  says({.honest_cost = -1}, "honest cost c is -1");
  says({.honest_cost = 1, .cheat_cost = 2}, "cheating cost c' is 2");
  says({.gain = -1}, "gain G");
  says({.bond = kNan}, "bond S");
  says({.detection = 0}, "eta is 0");
  says({.detection = 1.1}, "eta is 1.1");
  says({.false_alarm = -0.1}, "eps");
  says({.lucky_guess = 1}, "q is 1");
  says({.reporter_share = 0.6}, "rho is 0.6");
  for (const double p : {0.0, -1.0, 1.1, kNan}) EXPECT_THAT(problem(least_bond({.reward = 1}, p)), HasSubstr("audit rate p"));
  EXPECT_THAT(problem(cheating_surplus({.reward = 1}, 2)), HasSubstr("audit rate p"));
  EXPECT_THAT(problem(effective_bond(1, -1, 1)), HasSubstr("lost income"));
  EXPECT_THAT(problem(effective_bond(-1, 1, 1)), HasSubstr("bond"));
  EXPECT_THAT(problem(effective_bond(1, 1, -1)), HasSubstr("identity"));
  EXPECT_THAT(problem(least_canary_rate(-1, 1, 1)), HasSubstr("checking cost"));
  EXPECT_THAT(problem(least_canary_rate(1, -1, 1)), HasSubstr("reward for a catch"));
  EXPECT_THAT(problem(least_canary_rate(1, 1, -1)), HasSubstr("fine"));
  EXPECT_THAT(problem(audit_rate_for(1.5, 20)), HasSubstr("least audit rate"));
  EXPECT_THAT(problem(sampling_bound(1.5, 2)), HasSubstr("bad share f"));
  EXPECT_THAT(problem(sampling_miss(0, 0, 0)), HasSubstr("number of units"));
  EXPECT_THAT(problem(sampling_miss(3, 4, 1)), HasSubstr("of 3 units 4"));
  EXPECT_THAT(problem(sampling_miss(3, 1, 5)), HasSubstr("of 3 units 5"));
  EXPECT_THAT(problem(draws_for(0, 0.5)), HasSubstr("no number of draws"));
  EXPECT_THAT(problem(draws_for(0.5, 0)), HasSubstr("no number of draws"));
  EXPECT_THAT(problem(draws_for(1e-12, 1e-9)), HasSubstr("more than 4e9"));
  EXPECT_THAT(problem(unanimous_collusion(kNan, 2)), HasSubstr("colluding share r"));
  EXPECT_THAT(problem(unanimous_collusion(0.2, 0)), HasSubstr("replicas k is 0"));
  EXPECT_THAT(problem(majority_collusion(0.2, 65)), HasSubstr("replicas k is 65"));
  EXPECT_THAT(problem(mismatch(2, 2)), HasSubstr("colluding share r"));
}

}  // namespace
}  // namespace dsperse::trust
