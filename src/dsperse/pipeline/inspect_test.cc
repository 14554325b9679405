// What inspect finds in models that cannot be proved whole.
#include "dsperse/pipeline/inspect.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dsperse/ops/lower.h"
#include "dsperse/ops/registry.h"

namespace dsperse::pipeline {
namespace {

using model::DType;
using model::Graph;
using model::Port;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// x -> dense -> [one operator] -> dense -> y, and a second way around it.
Graph around(const std::string& op) {
  Graph g;
  g.opset = 17;
  g.inputs = {{"x", DType::f32, {1, 2}}};
  g.constants["w"] = model::float_tensor({2, 2}, {1, 2, 3, 4});
  g.nodes = {{"first", "Gemm", {"x", "w"}, {"a"}, {}},
             {"act", "Relu", {"a"}, {"b"}, {}},
             {"odd", op, {"b"}, {"c"}, {}},
             {"second", "Gemm", {"c", "w"}, {"d"}, {}},
             {"last", "Relu", {"d"}, {"y"}, {}}};
  g.outputs = {{"y", DType::f32, {}}};
  return g;
}

Inspection inspect(Graph g) {
  quantize::LowerSet lowerings = ops::lowerings();
  lowerings.erase("Sigmoid");  // an operator without integer form
  return inspect_graph(std::move(g), ops::float_operators(), lowerings);
}

std::vector<std::string> names(const std::vector<Port>& ports) {
  std::vector<std::string> out;
  for (const Port& p : ports) out.push_back(p.name);
  return out;
}

TEST(Inspect, FindsNothingWhereEverythingWorks) {
  const Inspection found = inspect(around("Relu"));
  EXPECT_THAT(found.obstacles, IsEmpty());
  EXPECT_THAT(found.parts, IsEmpty());
}

TEST(Inspect, UnknownOperatorsCutTheModelInTwoWhereTheFileStatesShapes) {
  Graph g = around("own::Strange");
  g.values["c"] = {"c", DType::f32, {1, 2}};
  const Inspection found = inspect(g);
  ASSERT_EQ(found.obstacles.size(), 1U);
  EXPECT_EQ(found.obstacles[0].node, "odd");
  EXPECT_EQ(found.obstacles[0].op, "own::Strange");
  EXPECT_EQ(found.obstacles[0].why, "the operator is not known");
  EXPECT_THAT(found.unexamined, IsEmpty());
  ASSERT_EQ(found.parts.size(), 2U);
  EXPECT_THAT(names(found.parts[0].inputs), ElementsAre("x"));
  EXPECT_THAT(names(found.parts[0].outputs), ElementsAre("b"));
  EXPECT_THAT(names(found.parts[1].inputs), ElementsAre("c"));
  EXPECT_THAT(names(found.parts[1].outputs), ElementsAre("y"));
  EXPECT_EQ(found.parts[1].operators.at("Gemm"), 1U);
}

TEST(Inspect, WithoutAShapeWhatFollowsIsNotExamined) {
  const Inspection found = inspect(around("own::Strange"));
  EXPECT_EQ(found.obstacles.size(), 1U);
  EXPECT_THAT(found.unexamined, ElementsAre("second", "last"));
  ASSERT_EQ(found.parts.size(), 1U);
  EXPECT_THAT(names(found.parts[0].outputs), ElementsAre("b"));
}

TEST(Inspect, AllObstaclesAreFoundWhateverStageRefusesThem) {
  Graph g = around("own::Strange");
  g.values["c"] = {"c", DType::f32, {1, 2}};
  g.nodes[1].op = "Sigmoid";
  g.nodes[4].op = "Concat";  // an attribute is missing: no shape
  g.outputs.push_back({"d", DType::f32, {}});
  const Inspection found = inspect(g);
  ASSERT_EQ(found.obstacles.size(), 3U);
  EXPECT_EQ(found.obstacles[0].node, "act");
  EXPECT_THAT(found.obstacles[0].why, HasSubstr("no integer form"));
  EXPECT_EQ(found.obstacles[1].node, "odd");
  EXPECT_EQ(found.obstacles[2].node, "last");
  EXPECT_THAT(found.obstacles[2].why, HasSubstr("attribute is missing"));
  ASSERT_EQ(found.parts.size(), 2U);
  EXPECT_THAT(names(found.parts[0].outputs), ElementsAre("a"));
  EXPECT_THAT(names(found.parts[1].outputs), ElementsAre("d"));
}

TEST(Inspect, ConstantOutputsAreAnObstacleWhereThereIsNothingElse) {
  Graph g = around("Relu");
  g.nodes.push_back({"k", "Relu", {"w"}, {"z"}, {}});
  g.outputs.push_back({"z", DType::f32, {}});
  EXPECT_THAT(inspect(g).obstacles, IsEmpty()) << "beside an output that is none";
  g.outputs.erase(g.outputs.begin(), g.outputs.end() - 1);
  const Inspection found = inspect(g);
  ASSERT_EQ(found.obstacles.size(), 1U);
  EXPECT_EQ(found.obstacles[0].node, "z");
  EXPECT_EQ(found.obstacles[0].op, "");
}

}  // namespace
}  // namespace dsperse::pipeline
