#include "dsperse/trust/policy/assign.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace dsperse::trust {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// A chain of four slices: Conv, Conv, Gemm, Softmax.
struct Model {
  std::vector<quantize::Program> programs{4};
  PlanFacts facts;
  Model() {
    const char* const types[] = {"Conv", "Conv", "Gemm", "Softmax"};
    const double native[] = {1, 2, 1, 0.5}, proof[] = {100, 300, 50, 20};
    for (std::size_t i = 0; i < 4; ++i) {
      quantize::Op op;
      op.name = "op" + std::to_string(i);
      op.onnx_type = types[i];
      programs[i].ops = {op};
      facts.programs.push_back(&programs[i]);
      facts.costs.push_back({native[i], proof[i]});
      if (i > 0) facts.edges.emplace_back(i - 1, i);
    }
    facts.influences = {5, 4, 5.5, 0.5};
    facts.outputs = {3};
  }
};

Result<Treatments> assigned(std::string_view text) {
  const Model model;
  DSPERSE_TRY(const Policy policy, parse_policy(text));
  return assign(policy, model.facts);
}

std::vector<std::string> texts(const Result<Treatments>& a) {
  if (!a) return {a.error().text()};
  std::vector<std::string> out;
  for (const Treatment& t : a->treatments()) out.push_back(to_text(t));
  return out;
}

TEST(Assign, WithoutAssumptionsNothingIsBelieved) {
  const auto a = assigned("[[rule]]\nslices = \"1\"\nmode = \"trust\"\n[[rule]]\nslices = \"2\"\nmode = \"replicate(3)\"\n");
  EXPECT_THAT(texts(a), ElementsAre("proof", "trust", "replicate(3)", "proof"));
  EXPECT_EQ(a->plan.slices[1].failure, 1);
  EXPECT_EQ(a->plan.slices[2].failure, 1) << "all three collude";
  EXPECT_EQ(a->plan.residual, 1);
  EXPECT_EQ(a->plan.cost, 100 + 2 + 3 + 20);
  EXPECT_FALSE(a->plan.chosen);
  EXPECT_THAT(to_text(*a), HasSubstr("nothing is believed: a slice without a proof counts as wrong"));
  EXPECT_THAT(to_text(*a), HasSubstr("stakes: none are stated"));
  EXPECT_THAT(to_text(*a), Not(HasSubstr("no allowed plan")));
}

TEST(Assign, AGivenAuditIsPricedAsItIsAndSaysWhetherItDeters) {
  const char* const assumptions = "[assumptions]\ncolluding_operators = 0.1\nirrational = 0.05\n";
  const auto below = assigned(std::string("default = \"audit(0.05)\"\n[stakes]\ngain = 10\nbond = 20\n") + assumptions);
  ASSERT_TRUE(below) << below.error().text();
  const SlicePlan& weak = below->plan.slices[0];
  EXPECT_FALSE(weak.deterrence->holds);
  EXPECT_NEAR(weak.deterrence->least_rate, 11 / 31.2, 1e-12);
  EXPECT_NEAR(weak.failure, 0.1 * 0.95, 1e-12) << "whoever colludes lies";
  EXPECT_THAT(weak.assumed, HasSubstr("E1 does not hold"));
  const auto above = assigned(std::string("default = \"audit(0.1)\"\n[stakes]\ngain = 10\nbond = 2000\n") + assumptions);
  const SlicePlan& strong = above->plan.slices[0];
  EXPECT_TRUE(strong.deterrence->holds);
  EXPECT_NEAR(strong.failure, 0.005 * 0.9, 1e-12);
  EXPECT_THAT(to_text(*above), HasSubstr("stakes, in seconds of native work: gain 10, bond 2000"));
  const auto hopeless = assigned("default = \"audit(1)\"\n[stakes]\ngain = 1e6\n[assumptions]\ndetection = 0.1\n");
  EXPECT_EQ(hopeless->plan.slices[0].deterrence->least_rate, HUGE_VAL);
  EXPECT_THAT(to_text(*hopeless), HasSubstr("is met by no rate"));
}

TEST(Assign, APlanChoosesWhatRulesAndStrategyLeaveOpen) {
  const std::string plan =
      "default = \"plan\"\nbudget = 0.02\nallowed = [\"proof\", \"replicate(2)\", \"audit(0.05)\", \"trust\"]\n";
  const std::string terms = "[stakes]\ngain = 10\nbond = 2000\n[assumptions]\ncolluding_operators = 0.1\nirrational = 0.05\n";
  const auto free = assigned(plan + terms);
  ASSERT_TRUE(free) << free.error().text();
  EXPECT_LE(free->plan.residual, 0.02);
  EXPECT_TRUE(free->plan.chosen && free->plan.exact);
  for (const SlicePlan& s : free->plan.slices) EXPECT_FALSE(s.fixed);
  const auto some =
      assigned(plan + "strategy = \"operator:Gemm\"\n" + terms + "[[rule]]\nslices = \"0\"\nmode = \"replicate(2)\"\n");
  ASSERT_TRUE(some) << some.error().text();
  EXPECT_EQ(texts(some)[0], "replicate(2)");
  EXPECT_EQ(texts(some)[2], "proof");
  EXPECT_FALSE(some->plan.slices[1].fixed);
  EXPECT_GE(some->plan.cost, free->plan.cost);
  EXPECT_THAT(to_text(*some), HasSubstr("budget: residual risk 0.02\nstrategy operator:Gemm: 1 of 4 slices proved"));
  EXPECT_THAT(texts(assigned(plan + terms + "[[rule]]\nslices = \"0\"\nmode = \"audit(1e-6)\"\n"))[0],
              HasSubstr("does not deter"));
  EXPECT_THAT(texts(assigned("default = \"plan\"\nbudget = 0.02\nallowed = [\"trust\"]\n"))[0],
              HasSubstr("no choice of treatments"));
}

TEST(Assign, StrategiesProveWhatTheySelectAndRulesWin) {
  EXPECT_THAT(texts(assigned("default = \"trust\"\nstrategy = \"influence:160\"\n")),
              ElementsAre("proof", "trust", "proof", "trust"));
  EXPECT_THAT(
      texts(assigned("default = \"audit(0.1)\"\nstrategy = \"last:2\"\n[[rule]]\nslices = \"3\"\nmode = \"replicate(2)\"\n")),
      ElementsAre("audit(0.1)", "audit(0.1)", "proof", "replicate(2)"));
  EXPECT_THAT(texts(assigned("default = \"trust\"\nstrategy = \"first:9\"\n"))[0], HasSubstr("there are 4 slices"));
}

TEST(Assign, ErrorsSayWhatIsMissing) {
  Model model;
  Policy policy = parse_policy("default = \"trust\"\nstrategy = \"influence:160\"\n").value();
  EXPECT_TRUE(needs_influences(policy));
  model.facts.influences.clear();
  EXPECT_THAT(assign(policy, model.facts).error().what, HasSubstr("influences were not measured"));
  policy.strategy = parse_strategy("first:1").value();
  EXPECT_FALSE(needs_influences(policy));
  EXPECT_TRUE(assign(policy, model.facts));
  policy.fallback = {.proof = true};
  EXPECT_THAT(assign(policy, model.facts).error().text(), HasSubstr("by default everything is (strategy first:1)"));
  model.facts.costs.pop_back();
  EXPECT_FALSE(assign(policy, model.facts));
}

}  // namespace
}  // namespace dsperse::trust
