// Graphs cut around what has no integer form. The engine is a function that turns tensors around.
#include "dsperse/pipeline/float_cut.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "dsperse/model/onnx/write.h"
#include "dsperse/ops/lower.h"
#include "dsperse/store/testing/temporary_folder.h"

namespace dsperse::pipeline {
namespace {

using model::Tensor;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Names = std::vector<std::string>;

const model::Shape kShape{1, 4};

Result<std::vector<Tensor>> around(ByteView, const float_engine::Engine::Inputs& inputs) {
  Tensor t = *inputs.at(0).second;
  std::ranges::reverse(t.f);
  return std::vector<Tensor>{t};
}

class FloatCutTest : public ::testing::Test {
 protected:
  /// Nodes: operator, inputs, output. Input "x", output "y".
  struct Row {
    std::string op;
    Names inputs;
    std::string output;
  };
  Result<FloatCut> cut(const std::vector<Row>& rows, FloatRun engine = {"fake", "1.0", around}) {
    model::Graph g;
    g.opset = 13;
    g.inputs = {{"x", model::DType::f32, kShape}};
    g.outputs = {{"y", model::DType::f32, kShape}};
    g.constants["w"] = model::float_tensor({4, 4}, std::vector<float>(16, 0.25F));
    for (const Row& row : rows) g.nodes.push_back({"make " + row.output, row.op, row.inputs, {row.output}, {}});
    ImportRequest request;
    request.model_path = dir / "m.onnx";
    EXPECT_TRUE(model::write_onnx(g, request.model_path));
    return cut_floats(request, engine);
  }
  static Names names(const std::vector<model::Port>& ports) {
    Names out;
    for (const model::Port& p : ports) out.push_back(p.name);
    return out;
  }
  store::testing::TemporaryFolder dir;
};

TEST_F(FloatCutTest, WhatHasIntegersStaysWhole) {
  const auto c = cut({{"MatMul", {"x", "w"}, "a"}, {"Relu", {"a"}, "y"}});
  ASSERT_TRUE(c) << c.error().text();
  EXPECT_THAT(c->pieces, IsEmpty());
}

TEST_F(FloatCutTest, APieceInTheMiddle) {
  const auto c = cut({{"MatMul", {"x", "w"}, "a"}, {"Turn", {"a"}, "b"}, {"Again", {"b"}, "c"}, {"MatMul", {"c", "w"}, "y"}});
  ASSERT_TRUE(c) << c.error().text();
  ASSERT_EQ(c->pieces.size(), 1U);
  EXPECT_EQ(c->pieces[0].operators, (Names{"Turn", "Again"}));
  EXPECT_EQ(c->pieces[0].inputs, (Names{"a"}));
  EXPECT_EQ(c->pieces[0].outputs, (Names{"c"}));
  EXPECT_EQ(c->pieces[0].engine, "fake");
  EXPECT_EQ(c->inner, (Names{"a"}));
  EXPECT_THAT(names(c->rest.inputs), ElementsAre("x", "c"));
  EXPECT_THAT(names(c->rest.outputs), ElementsAre("y", "a"));
  EXPECT_TRUE(quantize::lower_graph(c->rest, ops::lowerings()));
}

TEST_F(FloatCutTest, NoIntegersLieInsideOfAPiece) {
  // Turn feeds Again directly and through integers: two pieces, or the second would have to run inside of the first.
  const auto c =
      cut({{"Turn", {"x"}, "a"}, {"MatMul", {"a", "w"}, "b"}, {"Again", {"a", "b"}, "c"}, {"MatMul", {"c", "w"}, "y"}});
  ASSERT_TRUE(c) << c.error().text();
  ASSERT_EQ(c->pieces.size(), 2U);
  EXPECT_EQ(c->pieces[0].inputs, (Names{"x"}));
  EXPECT_EQ(c->pieces[1].inputs, (Names{"a", "b"}));
  EXPECT_EQ(c->inner, (Names{"b"}));
}

TEST_F(FloatCutTest, AtTheEndsOfTheModel) {
  const auto c = cut({{"Turn", {"x"}, "a"}, {"MatMul", {"a", "w"}, "b"}, {"Turn", {"b"}, "y"}});
  ASSERT_TRUE(c) << c.error().text();
  ASSERT_EQ(c->pieces.size(), 2U);
  EXPECT_EQ(c->pieces[1].outputs, (Names{"y"}));
  EXPECT_THAT(names(c->rest.inputs), ElementsAre("x", "a", "y"));
  EXPECT_THAT(names(c->rest.outputs), ElementsAre("y", "b"));
  Calibration calibration;
  calibration.samples.push_back({{"x", model::float_tensor(kShape, {1, 2, 3, 4})}});
  ASSERT_TRUE(add_float_values(*c, calibration));
  EXPECT_THAT(calibration.samples[0].at("a").f, ElementsAre(4, 3, 2, 1));
  EXPECT_THAT(calibration.samples[0].at("y").f, ElementsAre(2.5F, 2.5F, 2.5F, 2.5F));
}

TEST_F(FloatCutTest, AKnownOperatorWithoutIntegerForm) {
  const auto c = cut({{"ArgMax", {"x"}, "i"}, {"Gather", {"x", "i"}, "a"}, {"MatMul", {"a", "w"}, "y"}});
  ASSERT_TRUE(c) << c.error().text();
  ASSERT_EQ(c->pieces.size(), 1U);
  EXPECT_EQ(c->pieces[0].operators, (Names{"Gather"}));
  EXPECT_EQ(c->pieces[0].inputs, (Names{"x", "i"}));
  EXPECT_EQ(c->inner, (Names{"i"}));
  EXPECT_THAT(std::string(c->pieces[0].network.begin(), c->pieces[0].network.end()), HasSubstr("Gather"));
}

TEST_F(FloatCutTest, ErrorsNameTheNodeAsTheModelDoes) {
  const FloatRun refuses{"fake", "1.0", [](ByteView, const auto&) -> Result<std::vector<Tensor>> {
                           return fail(ErrorKind::unsupported, "no such operator");
                         }};
  const auto refused = cut({{"Turn", {"x"}, "y"}}, refuses);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().where, HasSubstr("node 'make y' (Turn)"));
  int calls = 0;
  const FloatRun grows{"fake", "1.0", [&](ByteView network, const auto& inputs) -> Result<std::vector<Tensor>> {
                         auto out = around(network, inputs);
                         if (inputs.at(0).second->f[0] > 5) out->front().shape = {4, 1};
                         ++calls;
                         return out;
                       }};
  const auto c = cut({{"Turn", {"x"}, "a"}, {"MatMul", {"a", "w"}, "y"}}, grows);
  ASSERT_TRUE(c) << c.error().text();
  EXPECT_GT(calls, 0);
  Calibration calibration;
  calibration.samples.push_back({{"x", model::float_tensor(kShape, {9, 2, 3, 4})}});
  const Status s = add_float_values(*c, calibration);
  ASSERT_FALSE(s);
  EXPECT_THAT(s.error().what, HasSubstr("depends on values"));
}

}  // namespace
}  // namespace dsperse::pipeline
