#include "dsperse/trust/policy/risk.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace dsperse::trust {
namespace {

using ::testing::HasSubstr;

Treatment treatment(std::string_view text) { return parse_treatment(text).value(); }

const Assumptions kFifth{.colluding_operators = 0.2, .colluding_regions = 0.3, .colluding_engines = 0.1, .irrational = 0.5};

double fails(std::string_view text, bool deterred = false) { return failure(treatment(text), kFifth, deterred).value(); }
double costs(std::string_view text, bool deterred = false) {
  return expected_cost(treatment(text), {.native = 2, .proof = 1000}, kFifth, deterred).value();
}

TEST(Risk, Failure) {
  EXPECT_EQ(fails("proof"), std::exp2(-100));
  EXPECT_DOUBLE_EQ(fails("trust"), 0.2);
  EXPECT_DOUBLE_EQ(fails("replicate(2)"), 0.04);
  EXPECT_DOUBLE_EQ(fails("replicate(2, distinct=region)"), 0.09);
  EXPECT_DOUBLE_EQ(fails("replicate(3, distinct=engine)"), 0.001);
  EXPECT_DOUBLE_EQ(fails("audit(0.25)"), 0.2 * 0.75);
  EXPECT_DOUBLE_EQ(fails("audit(0.25)", true), 0.1 * 0.75);
  EXPECT_DOUBLE_EQ(fails("replicate(2)+audit(0.25)"), 0.04 * 0.75);
  EXPECT_DOUBLE_EQ(fails("replicate(2)+audit(0.25)", true), 0.01 * 0.75);
  EXPECT_DOUBLE_EQ(fails("replicate(2)", true), 0.04);  // E1 is about audits
  Assumptions blind = kFifth;
  blind.detection = 0.5;
  EXPECT_DOUBLE_EQ(failure(treatment("audit(0.5)"), blind, false).value(), 0.2 * 0.75);
  EXPECT_DOUBLE_EQ(failure(treatment("audit(0.5, by=proof)"), blind, false).value(), 0.2 * 0.5);  // a proof finds everything
}

TEST(Risk, NothingIsBelievedByDefault) {
  EXPECT_EQ(failure(treatment("trust"), {}, true).value(), 1);
  EXPECT_EQ(failure(treatment("replicate(64)"), {}, true).value(), 1);
  EXPECT_EQ(failure(treatment("audit(0.25)"), {}, true).value(), 0.75);
}

TEST(Risk, Cost) {
  EXPECT_DOUBLE_EQ(costs("proof"), 1000);
  EXPECT_DOUBLE_EQ(costs("trust"), 2);
  EXPECT_DOUBLE_EQ(costs("audit(0.25)"), 2.5);
  EXPECT_DOUBLE_EQ(costs("audit(0.25, by=proof)"), 252);
  EXPECT_DOUBLE_EQ(costs("replicate(2)"), 4 + 0.32 * 1000);
  EXPECT_DOUBLE_EQ(costs("replicate(2)+audit(0.25)"), 4 + 0.32 * 1000 + 0.25 * 0.68 * 2);
  EXPECT_DOUBLE_EQ(costs("replicate(2)+audit(0.25)", true), 4 + 0.18 * 1000 + 0.25 * 0.82 * 2);
}

TEST(Risk, MoreEffortNeverLeavesMore) {
  for (double r = 0; r <= 1; r += 0.125) {
    const Assumptions a{.colluding_operators = r, .proof_bits = 128};
    const auto of = [&](const Treatment& t) { return failure(t, a, false).value(); };
    for (double p = 0.125; p <= 1; p += 0.125) {
      EXPECT_LE(of({.audit = Audit{p}}), of({}));
      EXPECT_LE(of({.audit = Audit{p}}), of({.audit = Audit{p / 2}}));
      for (std::uint32_t k = 2; k < 8; ++k) {
        EXPECT_LE(of({.replicate = Replicate{k}, .audit = Audit{p}}), of({.replicate = Replicate{k}}));
        EXPECT_LE(of({.replicate = Replicate{k + 1}}), of({.replicate = Replicate{k}}) + std::exp2(-127));
      }
    }
  }
}

TEST(Risk, SaysWhatIsAssumed) {
  EXPECT_EQ(assumed(treatment("proof"), kFifth, false), "proofs of 100 bits hold");
  EXPECT_EQ(assumed(treatment("trust"), kFifth, false), "share 0.2 of operators lies");
  EXPECT_EQ(assumed(treatment("replicate(2, distinct=region)"), kFifth, false), "share 0.3 of regions colludes");
  EXPECT_EQ(assumed(treatment("audit(0.1)"), kFifth, true), "share 0.2 of operators lies; E1 holds, 0.5 of them irrational");
  EXPECT_EQ(assumed(treatment("audit(0.1)"), kFifth, false), "share 0.2 of operators lies; E1 does not hold");
}

TEST(Risk, ImpossibleInputsAreErrors) {
  const auto says = [](const Assumptions& a, const std::string& what) {
    const auto p = failure(treatment("trust"), a, false);
    ASSERT_FALSE(p);
    EXPECT_THAT(p.error().what, HasSubstr(what));
    EXPECT_FALSE(expected_cost(treatment("trust"), {}, a, false));
  };
  says({.colluding_operators = 1.5}, "share of operators is 1.5");
  says({.colluding_regions = -1}, "share of regions");
  says({.colluding_engines = std::nan("")}, "share of engines");
  says({.irrational = 2}, "irrational");
  says({.detection = -0.5}, "detection");
  says({.proof_bits = 0}, "proofs of 0 bits");
  says({.proof_bits = 257}, "proofs of 257 bits");
  EXPECT_FALSE(failure({.audit = Audit{2}}, {}, false));
  EXPECT_FALSE(expected_cost({}, {.native = -1}, {}, false));
  EXPECT_FALSE(expected_cost({}, {.proof = HUGE_VAL}, {}, false));
}

}  // namespace
}  // namespace dsperse::trust
