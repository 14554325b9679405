#include "dsperse/pipeline/native.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dsperse/pipeline/costing.h"
#include "dsperse/pipeline/testing/small_model.h"

namespace dsperse::pipeline {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

RunInputs inputs_of(const quantize::QuantizedModel& model) {
  RunInputs inputs(model.program.tensors.size());
  for (const quantize::TensorId id : model.program.inputs)
    inputs[id].assign(static_cast<std::size_t>(quantize::elements(model.program.tensors[id].shape)), 1);
  return inputs;
}

TEST(Native, SlicesSumToTheRun) {
  const store::PlanFile file = testing::small_plan();
  slice::Plan plan = slice::plan_at(file.model.program, file.cuts).value();
  slice::price(plan, file.model.program, costing());
  const trust::NativeRate rate = native_rate(0.5, file.model.program, 3);
  const trust::PlanFacts facts = plan_facts(plan, rate);
  double sum = 0;
  for (const trust::SliceCost& c : facts.costs) sum += c.native;
  EXPECT_NEAR(sum, 0.5, 1e-12);
  EXPECT_GT(facts.costs[0].native, facts.costs[2].native) << "48 multiply-adds against 15";
  EXPECT_NEAR(facts.costs[1].proof, facts.costs[1].native + plan.slices[1].cost.prove_seconds, 1e-12);
}

TEST(Native, IsMeasured) {
  const store::PlanFile file = testing::small_plan();
  const auto rate = measure_native(file.model, inputs_of(file.model), 3);
  ASSERT_TRUE(rate) << rate.error().text();
  EXPECT_GT(rate->seconds_per_mac, 0);
  EXPECT_LT(rate->seconds_per_mac, 1e-3);
  EXPECT_EQ(rate->seconds_fixed, 0) << "every op has multiply-adds";
  EXPECT_FALSE(measure_native(file.model, RunInputs(file.model.program.tensors.size()), 3)) << "no input";
}

TEST(Native, EdgesAndOutputsOfASkip) {
  namespace qt = quantize::testing;
  qt::Builder b;
  const auto x = b.input({1, 4});
  const auto h = b.gemm(x, 4, 4, qt::simple_requant(12));
  const auto m = b.gemm(h, 4, 4, qt::simple_requant(12));
  b.sum({{false, h, 1}, {false, m, 1}}, {1, 4}, qt::simple_requant(1));
  const quantize::Program program = b.done();
  const slice::Plan plan = slice::plan_at(program, {0, 1}).value();
  const trust::PlanFacts facts = plan_facts(plan, {});
  EXPECT_THAT(facts.edges, ElementsAre(Pair(0, 1), Pair(0, 2), Pair(1, 2)));
  EXPECT_THAT(facts.outputs, ElementsAre(2));
  EXPECT_EQ(facts.programs.size(), 3U);
}

}  // namespace
}  // namespace dsperse::pipeline
