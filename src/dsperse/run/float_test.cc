// The float interpreter as a whole; its operators are tested by ops/schema_test.cc and tests/conformance (ONNX's own vectors).
#include "dsperse/run/float.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dsperse/model/passes.h"
#include "dsperse/ops/registry.h"

namespace dsperse::run {
namespace {

using model::DType;
using model::float_tensor;
using model::Graph;
using model::Tensor;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// h = x w + b, y = relu(h); the constant w is an output too.
Graph small() {
  Graph graph;
  graph.opset = 13;
  graph.inputs = {{"x", DType::f32, {1, 2}}};
  graph.constants["w"] = float_tensor({2, 2}, {1, 2, 3, 4});
  graph.constants["b"] = float_tensor({2}, {0.5F, -20});
  graph.nodes = {{"dense", "Gemm", {"x", "w", "b"}, {"h"}, {}}, {"act", "Relu", {"h"}, {"y"}, {}}};
  graph.outputs = {{"y", DType::f32, {}}, {"w", DType::f32, {}}};
  return graph;
}

Result<std::map<std::string, Tensor>> run(const std::map<std::string, Tensor>& inputs) {
  Graph graph = small();
  EXPECT_TRUE(model::infer_shapes(graph, ops::float_operators()));
  return run_float(graph, ops::float_operators(), inputs);
}

TEST(RunFloat, GivesInputsNodeOutputsAndConstantOutputs) {
  const auto values = run({{"x", float_tensor({1, 2}, {1, 2})}});
  ASSERT_TRUE(values) << values.error().text();
  EXPECT_THAT(values->at("h").f, ElementsAre(7.5F, -10));
  EXPECT_THAT(values->at("y").f, ElementsAre(7.5F, 0));
  EXPECT_EQ(values->at("x").f.size(), 2U);
  EXPECT_EQ(values->at("w").f.size(), 4U);
  EXPECT_FALSE(values->contains("b"));
}

TEST(RunFloat, RefusesInputsThatAreNotTheModels) {
  const auto error = [](const std::map<std::string, Tensor>& inputs) {
    const auto values = run(inputs);
    return values ? std::string("accepted") : values.error().text();
  };
  EXPECT_EQ(error({}), "no value given (input 'x')");
  EXPECT_THAT(error({{"x", float_tensor({2, 1}, {1, 2})}}), HasSubstr("float 2x1 given, the model takes float 1x2"));
  EXPECT_THAT(error({{"x", float_tensor({1, 2}, {1})}}), HasSubstr("holds 1 values, not 2"));
  EXPECT_THAT(error({{"x", model::int_tensor({1, 2}, {1, 2})}}), HasSubstr("integer 1x2 given"));
  EXPECT_THAT(error({{"x", float_tensor({1, 2}, {1, 2})}, {"z", float_tensor({}, {1})}}), HasSubstr("no such input (input 'z')"));
}

TEST(RunFloat, ErrorsOfOperatorsNameTheNode) {
  Graph graph;
  graph.opset = 13;
  graph.inputs = {{"i", DType::i64, {1}}};
  graph.constants["table"] = float_tensor({3}, {1, 2, 3});
  graph.nodes = {{"pick", "Gather", {"table", "i"}, {"y"}, {}}};
  graph.outputs = {{"y", DType::f32, {1}}};
  const auto right = run_float(graph, ops::float_operators(), {{"i", model::int_tensor({1}, {2})}});
  ASSERT_TRUE(right);
  EXPECT_THAT(right->at("y").f, ElementsAre(3));
  const auto wrong = run_float(graph, ops::float_operators(), {{"i", model::int_tensor({1}, {3})}});
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().where, "node 'pick' (Gather) > input 1 'i'");
}

}  // namespace
}  // namespace dsperse::run
