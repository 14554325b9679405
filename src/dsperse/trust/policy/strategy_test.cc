#include "dsperse/trust/policy/strategy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

namespace dsperse::trust {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// Four slices: two with Conv, one Gemm, one Softmax.
struct Model {
  std::vector<quantize::Program> programs{4};
  std::vector<SliceFacts> facts;
  Model() {
    const char* const names[] = {"layer1/conv+layer1/relu", "layer2/conv", "head", "end"};
    const char* const types[] = {"Conv", "Conv", "Gemm", "Softmax"};
    const double costs[] = {10, 4, 6, 1}, influences[] = {5, 4, 5.5, 0.5};
    for (std::size_t i = 0; i < 4; ++i) {
      quantize::Op op;
      op.name = names[i];
      op.onnx_type = types[i];
      programs[i].ops = {op};
      facts.push_back({&programs[i], costs[i], influences[i]});
    }
  }
};

Result<Selection> selected(std::string_view text) {
  const Model model;
  DSPERSE_TRY(const Strategy strategy, parse_strategy(text));
  return select_slices(strategy, model.facts);
}
std::vector<std::uint32_t> proved(std::string_view text) { return selected(text).value().proved; }
std::string problem(std::string_view text) {
  const auto s = selected(text);
  return s ? "" : s.error().text();
}

TEST(Strategy, Selects) {
  EXPECT_THAT(proved("name:layer*"), ElementsAre(0, 1));
  EXPECT_THAT(proved("name:layer1/relu"), ElementsAre(0));
  EXPECT_THAT(proved("operator:Conv"), ElementsAre(0, 1));
  EXPECT_THAT(proved("slices:0,2-3"), ElementsAre(0, 2, 3));
  EXPECT_THAT(proved("first:1"), ElementsAre(0));
  EXPECT_THAT(proved("last:2"), ElementsAre(2, 3));
  EXPECT_THAT(proved("last:4"), ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(proved("cost:11"), ElementsAre(1, 2, 3));
  EXPECT_THAT(proved("cost:10.9"), ElementsAre(1, 3));
  EXPECT_THAT(proved("influence:10"), ElementsAre(1, 2));
  EXPECT_THAT(proved("influence:1e3"), ElementsAre(0, 1, 2, 3));
}

TEST(Strategy, SaysWhatItLeaves) {
  const Selection s = selected("influence:10").value();
  EXPECT_TRUE(s.exact);
  EXPECT_EQ(s.cost, 10);
  EXPECT_EQ(s.cost_left, 11);
  EXPECT_EQ(s.influence, 9.5);
  EXPECT_EQ(s.influence_left, 5.5);
  EXPECT_EQ(
      to_text(s),
      "strategy influence:10: 2 of 4 slices proved for 10; left without proof: 2 slices, 11 of proof cost, 36.67 % of influence");
}

TEST(Strategy, TextAndBack) {
  for (const char* text : {"name:a*:b", "operator:Conv", "slices:0,2-4", "first:2", "last:7", "cost:0.25", "influence:120"})
    EXPECT_EQ(to_text(parse_strategy(text).value()), text);
}

TEST(Strategy, InfluenceEqualsBruteForce) {
  std::mt19937_64 random(8);
  for (int i = 0; i < 300; ++i) {
    std::vector<SliceFacts> facts(1 + random() % 9);
    for (SliceFacts& f : facts) {
      f.proof_cost = static_cast<double>(1 + random() % 50);
      f.influence = static_cast<double>(1 + random() % 1000) * 1e-3;
    }
    const double budget = static_cast<double>(50 + random() % 100);
    double best = 0;
    for (std::uint32_t set = 0; set < 1U << facts.size(); ++set) {
      double cost = 0, influence = 0;
      for (std::size_t s = 0; s < facts.size(); ++s)
        if ((set >> s & 1U) != 0) {
          cost += facts[s].proof_cost;
          influence += facts[s].influence;
        }
      if (cost <= budget) best = std::max(best, influence);
    }
    const auto selection = select_slices({.kind = Strategy::Kind::influence, .budget = budget}, facts);
    ASSERT_TRUE(selection);
    EXPECT_TRUE(selection->exact);
    EXPECT_NEAR(selection->influence, best, 1e-9);
    EXPECT_LE(selection->cost, budget);
    EXPECT_NEAR(selection->least_influence_left, selection->influence_left, 1e-9);
  }
}

TEST(Strategy, ErrorsSayWhatIsWrong) {
  for (const char* text : {"", "first", "random:3", "Conv"}) EXPECT_THAT(problem(text), HasSubstr("is no strategy")) << text;
  for (const char* text :
       {"first:0", "first:x", "last:-1", "name:", "operator:", "cost:0", "cost:-3", "influence:nan", "cost:inf", "cost:"})
    EXPECT_THAT(problem(text), HasSubstr("does not fit the strategy")) << text;
  EXPECT_THAT(problem("slices:2-1"), HasSubstr("is no slice number or range"));
  EXPECT_THAT(problem("slices:9"), HasSubstr("slice 9 does not exist; there are 4 (strategy slices:9)"));
  EXPECT_THAT(problem("name:none*"), HasSubstr("matches no slice (strategy name:none*)"));
  EXPECT_THAT(problem("first:5"), HasSubstr("there are 4 slices"));
  EXPECT_THAT(problem("cost:0.5"), HasSubstr("the budget pays for no proof (strategy cost:0.5)"));
  EXPECT_THAT(problem("influence:0.5"), HasSubstr("the budget pays for no proof of influence"));
  EXPECT_FALSE(select_slices({}, {}));
  const Model model;
  auto facts = model.facts;
  facts[1].influence = -1;
  EXPECT_EQ(select_slices(parse_strategy("first:1").value(), facts).error().where, "slice 1");
}

}  // namespace
}  // namespace dsperse::trust
