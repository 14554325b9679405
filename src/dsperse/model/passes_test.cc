// The passes with the real operators: what they remove, what they keep, and that values stay.
#include "dsperse/model/passes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "dsperse/model/order.h"
#include "dsperse/ops/registry.h"
#include "dsperse/run/float.h"

namespace dsperse::model {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

const OperatorSet& operators() { return ops::float_operators(); }

/// A graph built line by line; constants are random but for those given.
class Builder {
 public:
  explicit Builder(std::int64_t opset = 13) { graph.opset = opset; }

  Builder& input(const std::string& name, Shape shape) {
    graph.inputs.push_back({name, DType::f32, std::move(shape)});
    return *this;
  }
  Builder& random(const std::string& name, Shape shape) {
    std::vector<float> values(static_cast<std::size_t>(element_count(shape).value()));
    std::uniform_real_distribution<float> draw(0.5F, 1.5F);
    for (float& v : values) v = draw(rng_) * (rng_() % 2 == 0 || name.starts_with("var") ? 1.0F : -1.0F);
    graph.constants[name] = float_tensor(std::move(shape), std::move(values));
    return *this;
  }
  Builder& ints(const std::string& name, std::vector<std::int64_t> values) {
    const auto n = static_cast<std::int64_t>(values.size());
    graph.constants[name] = int_tensor({n}, std::move(values));
    return *this;
  }
  Builder& node(const std::string& op, std::vector<std::string> inputs, const std::string& output,
                std::map<std::string, Attribute> attributes = {}) {
    graph.nodes.push_back({op + "_" + output, op, std::move(inputs), {output}, std::move(attributes)});
    return *this;
  }
  Builder& output(const std::string& name) {
    graph.outputs.push_back({name, DType::f32, {}});
    return *this;
  }
  Graph graph;

 private:
  std::mt19937 rng_{7};
};

std::vector<std::string> op_names(const Graph& graph) {
  std::vector<std::string> out;
  for (const Node& node : graph.nodes) out.push_back(node.op);
  return out;
}

std::map<std::string, Tensor> random_inputs(const Graph& graph) {
  std::mt19937 rng(11);
  std::uniform_real_distribution<float> draw(-2, 2);
  std::map<std::string, Tensor> out;
  for (const Port& port : graph.inputs) {
    std::vector<float> values(static_cast<std::size_t>(element_count(port.shape).value()));
    for (float& v : values) v = draw(rng);
    out[port.name] = float_tensor(port.shape, std::move(values));
  }
  return out;
}

/// prepare() and the same outputs as before, up to rounding; returns what is left.
Graph prepared(const Graph& source) {
  Graph plain = source, graph = source;
  EXPECT_TRUE(sort_nodes(plain));
  const auto shapes = infer_shapes(plain, operators());
  EXPECT_TRUE(shapes) << shapes.error().text();
  const auto status = prepare(graph, operators());
  EXPECT_TRUE(status) << status.error().text();
  if (!shapes || !status) return graph;
  EXPECT_TRUE(sort_nodes(graph)) << "names and order are still sound";
  const auto inputs = random_inputs(source);
  const auto before = run::run_float(plain, operators(), inputs), after = run::run_float(graph, operators(), inputs);
  EXPECT_TRUE(before) << before.error().text();
  EXPECT_TRUE(after) << after.error().text();
  for (std::size_t i = 0; before && after && i < source.outputs.size(); ++i) {
    const Tensor &a = before->at(plain.outputs[i].name), &b = after->at(graph.outputs[i].name);
    EXPECT_EQ(a.shape, b.shape);
    EXPECT_THAT(b.f, ::testing::Pointwise(::testing::FloatNear(1e-4F), a.f));
    EXPECT_EQ(graph.values.at(graph.outputs[i].name).shape, a.shape);
  }
  return graph;
}

Builder conv_net(const std::map<std::string, Attribute>& conv = {}) {
  Builder b;
  b.input("x", {1, 3, 6, 6}).random("w", {4, 3, 3, 3}).random("bias", {4});
  b.node("Conv", {"x", "w", "bias"}, "c", conv);
  return b;
}

TEST(Passes, ConvAbsorbsNormalizationScaleAndShift) {
  Builder b = conv_net();
  b.random("scale", {4})
      .random("shift", {4})
      .random("mean", {4})
      .random("variance", {4})
      .random("s", {1, 4, 1, 1})
      .random("t", {4, 1, 1});
  b.node("BatchNormalization", {"c", "scale", "shift", "mean", "variance"}, "n")
      .node("Mul", {"s", "n"}, "m")
      .node("Sub", {"t", "m"}, "d");
  b.node("Relu", {"d"}, "y").output("y");
  const Graph graph = prepared(b.graph);
  EXPECT_THAT(op_names(graph), ElementsAre("Conv", "Relu"));
  EXPECT_EQ(graph.nodes[0].name, "Conv_c+BatchNormalization_n+Mul_m+Sub_d");
  EXPECT_EQ(graph.constants.size(), 2U) << "old weights are dropped";
}

TEST(Passes, SharedWeightsAreNotChangedForTheOtherUser) {
  Builder b = conv_net();
  b.random("s", {4, 1, 1}).node("Mul", {"c", "s"}, "y").node("Conv", {"x", "w"}, "z").output("y").output("z");
  EXPECT_THAT(op_names(prepared(b.graph)), ElementsAre("Conv", "Conv"));
}

TEST(Passes, NothingIsFusedAcrossASecondUserOrAnOutput) {
  Builder b = conv_net();
  b.random("t", {4, 1, 1}).node("Add", {"c", "t"}, "d").node("Add", {"d", "c"}, "y").output("y");
  EXPECT_THAT(op_names(prepared(b.graph)), ElementsAre("Conv", "Add", "Add"));
  Builder o = conv_net();
  o.random("t", {4, 1, 1}).node("Add", {"c", "t"}, "y").output("y").output("c");
  EXPECT_THAT(op_names(prepared(o.graph)), ElementsAre("Conv", "Add"));
  Builder twice = conv_net();
  twice.node("Add", {"c", "c"}, "y").output("y");
  EXPECT_THAT(op_names(prepared(twice.graph)), ElementsAre("Conv", "Add"));
}

TEST(Passes, AShiftThatIsNotPerChannelStays) {
  Builder b = conv_net();
  b.random("t", {1, 1, 4, 4}).node("Add", {"c", "t"}, "y").output("y");
  EXPECT_THAT(op_names(prepared(b.graph)), ElementsAre("Conv", "Add"));
  Builder last = conv_net();  // 4 values along W, not along the 4 channels
  last.random("t", {4}).node("Add", {"c", "t"}, "y").output("y");
  EXPECT_THAT(op_names(prepared(last.graph)), ElementsAre("Conv", "Add"));
  Builder larger = conv_net();  // the sum has more axes than the convolution
  larger.random("t", {1, 1, 4, 1, 1}).node("Add", {"c", "t"}, "y").output("y");
  EXPECT_THAT(op_names(prepared(larger.graph)), ElementsAre("Conv", "Add"));
}

TEST(Passes, MatMulWithAConstantVectorBecomesGemm) {
  Builder b;
  b.input("x", {2, 5})
      .random("w", {5, 3})
      .random("t", {3})
      .node("MatMul", {"x", "w"}, "m")
      .node("Add", {"t", "m"}, "y")
      .output("y");
  EXPECT_THAT(op_names(prepared(b.graph)), ElementsAre("Gemm"));
  Builder high;
  high.input("x", {2, 4, 5})
      .random("w", {5, 3})
      .random("t", {3})
      .node("MatMul", {"x", "w"}, "m")
      .node("Add", {"m", "t"}, "y")
      .output("y");
  EXPECT_THAT(op_names(prepared(high.graph)), ElementsAre("Gemm"));
  Builder rows;  // one value per row is no bias
  rows.input("x", {2, 5})
      .random("w", {5, 2})
      .random("t", {2, 1})
      .node("MatMul", {"x", "w"}, "m")
      .node("Add", {"m", "t"}, "y")
      .output("y");
  EXPECT_THAT(op_names(prepared(rows.graph)), ElementsAre("MatMul", "Add"));
  Builder dynamic;
  dynamic.input("x", {2, 5})
      .input("w", {5, 3})
      .random("t", {3})
      .node("MatMul", {"x", "w"}, "m")
      .node("Add", {"m", "t"}, "y")
      .output("y");
  EXPECT_THAT(op_names(prepared(dynamic.graph)), ElementsAre("MatMul", "Add"));
}

TEST(Passes, GemmAbsorbsNormalizationInAllItsForms) {
  for (const std::int64_t trans : {0, 1})
    for (const float alpha : {1.0F, 0.5F}) {
      Builder b;
      b.input("x", {2, 5}).random("w", trans != 0 ? Shape{3, 5} : Shape{5, 3}).random("c", {1, 3});
      b.node("Gemm", {"x", "w", "c"}, "g", {{"transB", trans}, {"alpha", alpha}, {"beta", 2.0F}});
      b.random("scale", {3}).random("shift", {3}).random("mean", {3}).random("variance", {3});
      b.node("BatchNormalization", {"g", "scale", "shift", "mean", "variance"}, "y").output("y");
      EXPECT_THAT(op_names(prepared(b.graph)), ElementsAre("Gemm"));
    }
  // (B, T, N): the normalization's channels are the rows, not Gemm's columns.
  Builder b;
  b.input("x", {2, 3, 5}).random("w", {5, 3}).node("MatMul", {"x", "w"}, "g");
  b.random("scale", {3}).random("shift", {3}).random("mean", {3}).random("variance", {3});
  b.node("BatchNormalization", {"g", "scale", "shift", "mean", "variance"}, "y").output("y");
  EXPECT_THAT(op_names(prepared(b.graph)), ElementsAre("MatMul", "BatchNormalization"));
}

TEST(Passes, ZeroPaddingMovesIntoConv) {
  using Ints = std::vector<std::int64_t>;
  Builder b;
  b.input("x", {1, 3, 6, 6}).ints("pads", {0, 0, 1, 2, 0, 0, 3, 0}).node("Pad", {"x", "pads"}, "p");
  b.random("w", {2, 3, 3, 3}).node("Conv", {"p", "w"}, "y", {{"pads", Ints{0, 1, 0, 0}}}).output("y");
  const Graph graph = prepared(b.graph);
  EXPECT_THAT(op_names(graph), ElementsAre("Conv"));
  EXPECT_EQ(graph.nodes[0].ints_or("pads", {}).value(), (Ints{1, 3, 3, 0}));

  Builder axes(18);
  axes.input("x", {1, 3, 6, 6}).ints("pads", {1, 2}).ints("axes", {-1}).node("Pad", {"x", "pads", "", "axes"}, "p");
  axes.random("w", {2, 3, 3, 3}).node("Conv", {"p", "w"}, "y", {{"auto_pad", std::string("VALID")}}).output("y");
  EXPECT_EQ(prepared(axes.graph).nodes[0].ints_or("pads", {}).value(), (Ints{0, 1, 0, 2}));

  Builder old(10);
  old.input("x", {1, 3, 6, 6}).node("Pad", {"x"}, "p", {{"pads", Ints{0, 0, 1, 1, 0, 0, 1, 1}}});
  old.random("w", {2, 3, 3, 3}).node("Conv", {"p", "w"}, "y").output("y");
  EXPECT_THAT(op_names(prepared(old.graph)), ElementsAre("Conv"));

  for (const auto& [pads, value, mode] : {std::tuple<Ints, float, std::string>{{0, 1, 0, 0, 0, 0, 0, 0}, 0, "constant"},
                                          {{0, 0, 1, 0, 0, 0, 0, 0}, 1, "constant"},
                                          {{0, 0, -1, 0, 0, 0, 0, 0}, 0, "constant"},
                                          {{0, 0, 1, 0, 0, 0, 0, 0}, 0, "edge"}}) {
    Builder kept(10);
    kept.input("x", {1, 3, 6, 6}).node("Pad", {"x"}, "p", {{"pads", pads}, {"value", value}, {"mode", mode}});
    kept.random("w", {2, pads[1] == 0 ? 3 : 4, 3, 3}).node("Conv", {"p", "w"}, "y").output("y");
    EXPECT_THAT(op_names(prepared(kept.graph)), ElementsAre("Pad", "Conv")) << mode;
  }
}

TEST(Passes, APadByNothingAndCopiesDisappear) {
  Builder b;
  b.input("x", {1, 3})
      .ints("pads", {0, 0, 0, 0})
      .node("Pad", {"x", "pads"}, "p")
      .node("Identity", {"p"}, "i")
      .node("Dropout", {"i"}, "d");
  b.node("Cast", {"d"}, "f", {{"to", std::int64_t{1}}}).node("Relu", {"f"}, "r").node("Identity", {"r"}, "y").output("y");
  const Graph graph = prepared(b.graph);
  EXPECT_THAT(op_names(graph), ElementsAre("Relu"));
  EXPECT_THAT(graph.nodes[0].inputs, ElementsAre("x"));
  EXPECT_THAT(graph.nodes[0].outputs, ElementsAre("y"));
}

TEST(Passes, CopiesBetweenInputAndOutputStay) {
  Builder b;
  b.input("x", {3})
      .node("Identity", {"x"}, "y")
      .node("Identity", {"x"}, "z")
      .node("Relu", {"z"}, "r")
      .node("Identity", {"r"}, "s");
  b.output("y").output("z").output("r").output("s");
  EXPECT_THAT(op_names(prepared(b.graph)), ElementsAre("Identity", "Identity", "Relu", "Identity"));
}

TEST(Passes, ShapeArithmeticOfExportersFolds) {
  // x.view(x.size(0), -1) as PyTorch writes it.
  Builder b;
  b.input("x", {2, 3, 4}).node("Shape", {"x"}, "s").node("Constant", {}, "zero", {{"value", int_tensor({}, {0})}});
  b.node("Gather", {"s", "zero"}, "n", {{"axis", std::int64_t{0}}}).ints("axes", {0}).node("Unsqueeze", {"n", "axes"}, "n1");
  b.node("Constant", {}, "rest", {{"value_ints", std::vector<std::int64_t>{-1}}})
      .node("Concat", {"n1", "rest"}, "to", {{"axis", std::int64_t{0}}});
  b.node("Reshape", {"x", "to"}, "y").output("y");
  const Graph graph = prepared(b.graph);
  EXPECT_THAT(op_names(graph), ElementsAre("Reshape"));
  EXPECT_EQ(graph.outputs[0].shape, (Shape{2, 12}));
  EXPECT_EQ(graph.constants.at("to").i, (std::vector<std::int64_t>{2, -1}));
}

TEST(Passes, DeadNodesAndConstantsDisappear) {
  Builder b;
  b.input("x", {3})
      .random("unused", {3})
      .node("Relu", {"x"}, "y")
      .node("Tanh", {"x"}, "dead")
      .node("Relu", {"dead"}, "dead2")
      .output("y");
  const Graph graph = prepared(b.graph);
  EXPECT_THAT(op_names(graph), ElementsAre("Relu"));
  EXPECT_TRUE(graph.constants.empty());
  EXPECT_EQ(graph.values.size(), 2U);
}

TEST(Passes, FoldOnlyOperatorsThatRemainAreNamed) {
  Builder b;
  b.graph.inputs = {{"x", DType::i64, {3}}, {"z", DType::i64, {3}}};
  b.node("BitwiseAnd", {"x", "z"}, "y").output("y");
  const auto status = prepare(b.graph, operators());
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().kind, ErrorKind::unsupported);
  EXPECT_THAT(status.error().text(),
              HasSubstr("BitwiseAnd of values that depend on the model's input (node 'BitwiseAnd_y' (BitwiseAnd))"));
}

TEST(Passes, FoldingThatMakesNaNOrTooMuchIsRefused) {
  Builder zero;
  zero.input("x", {1})
      .node("Constant", {}, "a", {{"value_float", 0.0F}})
      .node("Div", {"a", "a"}, "q")
      .node("Add", {"x", "q"}, "y")
      .output("y");
  EXPECT_THAT(prepare(zero.graph, operators()).error().text(), HasSubstr("NaN"));
  Builder big;
  big.input("x", {1}).ints("n", {1 << 30}).node("ConstantOfShape", {"n"}, "c").node("Add", {"x", "c"}, "y").output("y");
  const auto status = prepare(big.graph, operators());
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().kind, ErrorKind::resource);
  Builder bn;
  bn.input("x", {1, 2, 3, 3}).random("w", {2, 2, 1, 1}).node("Conv", {"x", "w"}, "c");
  for (const char* name : {"scale", "shift", "mean"}) bn.random(name, {2});
  bn.graph.constants["variance"] = float_tensor({2}, {1, -1});
  bn.node("BatchNormalization", {"c", "scale", "shift", "mean", "variance"}, "y").output("y");
  EXPECT_THAT(prepare(bn.graph, operators()).error().text(), HasSubstr("NaN or infinite weights (node 'Conv_c' (Conv))"));
}

TEST(Passes, ShapeErrorsNameNodeAndInput) {
  Builder b;
  b.input("x", {2, 5}).random("w", {4, 3}).node("MatMul", {"x", "w"}, "y").output("y");
  const auto status = infer_shapes(b.graph, operators());
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().where, "node 'MatMul_y' (MatMul) > input 1 'w'");
}

/// Operators that are expansions: Twice (x + x), Often (x + ... + x, `times` of them, one Twice or Add at a time), Endless.
OperatorSet with_expansions() {
  OperatorSet set = operators();
  const auto one = [](const Node& node, std::vector<Node> nodes) {
    Expansion out;
    out.nodes = std::move(nodes);
    out.nodes.back().outputs = node.outputs;
    return out;
  };
  set["Twice"] = {"Twice", Folding::ordinary, {}, {}, [one](const InferCall& call) -> Result<Expansion> {
                    const std::string& x = call.node.inputs[0];
                    return one(call.node, {{call.node.name + ".sum", "Add", {x, x}, {}, {}}});
                  }};
  set["Often"] = {"Often", Folding::ordinary, {}, {}, [one](const InferCall& call) -> Result<Expansion> {
                    if (call.inputs[1]->constant == nullptr) return fail(ErrorKind::unsupported, "times is not constant");
                    const std::int64_t times = call.inputs[1]->constant->i[0];
                    const std::string &x = call.node.inputs[0], name = call.node.name;
                    if (times == 2) return one(call.node, {{name + ".twice", "Twice", {x}, {}, {}}});
                    Expansion out = one(call.node, {{name + ".less", "Often", {x, name + ".n"}, {name + ".less"}, {}},
                                                    {name + ".sum", "Add", {x, name + ".less"}, {}, {}}});
                    out.constants.emplace(name + ".n", int_tensor({1}, {times - 1}));
                    return out;
                  }};
  set["Endless"] = {"Endless", Folding::ordinary, {}, {}, [one](const InferCall& call) -> Result<Expansion> {
                      return one(call.node, {{call.node.name + "'", "Endless", call.node.inputs, {}, {}}});
                    }};
  return set;
}

TEST(Passes, ExpansionsReplaceNodesUntilNothingExpands) {
  const OperatorSet set = with_expansions();
  Builder b;
  b.input("x", {2}).ints("one", {1}).ints("three", {3}).node("Add", {"one", "three"}, "n");
  b.node("Often", {"x", "n"}, "y").node("Relu", {"y"}, "z").output("z").output("y");
  Graph plain = b.graph;  // shapes and values without the rewriting
  ASSERT_TRUE(infer_shapes(plain, set));
  EXPECT_EQ(plain.values.at("y").shape, Shape{2});
  EXPECT_FALSE(plain.values.contains("Often_y.less")) << "inner values are not the graph's";
  EXPECT_THAT(run::run_float(plain, set, {{"x", float_tensor({2}, {1, -2})}})->at("y").f, ElementsAre(4, -8));

  ASSERT_TRUE(fold_constants(b.graph, set));
  remove_dead(b.graph);
  EXPECT_THAT(op_names(b.graph), ElementsAre("Add", "Add", "Add", "Relu"));
  EXPECT_EQ(b.graph.nodes[0].name, "Often_y.less.less.twice.sum");
  EXPECT_TRUE(b.graph.constants.empty()) << "the counts are used up";
  EXPECT_THAT(run::run_float(b.graph, set, {{"x", float_tensor({2}, {1, -2})}})->at("z").f, ElementsAre(4, 0));
}

TEST(Passes, ExpansionsOfConstantsFold) {
  Builder b;
  b.input("x", {2}).random("c", {2}).node("Twice", {"c"}, "d").node("Add", {"x", "d"}, "y").output("y");
  const std::vector<float> c = b.graph.constants.at("c").f;
  ASSERT_TRUE(prepare(b.graph, with_expansions()));
  EXPECT_THAT(op_names(b.graph), ElementsAre("Add"));
  EXPECT_THAT(b.graph.constants.at("d").f, ElementsAre(2 * c[0], 2 * c[1]));
}

TEST(Passes, ErrorsOfExpansionsNameTheModelsNode) {
  const OperatorSet set = with_expansions();
  const auto error = [&](Builder b) {
    const auto status = prepare(b.graph, set);
    return status ? std::string("accepted") : status.error().text();
  };
  Builder open;
  open.input("x", {2}).input("n", {1}).node("Often", {"x", "n"}, "y").output("y");
  EXPECT_EQ(error(open), "times is not constant (node 'Often_y' (Often))");
  Builder endless;
  endless.input("x", {2}).node("Endless", {"x"}, "y").output("y");
  EXPECT_THAT(error(endless), HasSubstr("more than 65536 nodes (node 'Endless_y' (Endless) > node 'Endless_y'"));
  Builder inner;  // the expansion itself is at fault: Add of integers and floats
  inner.input("x", {2}).ints("n", {2}).node("Often", {"x", "n"}, "y");
  inner.graph.inputs[0].dtype = DType::boolean;
  inner.output("y");
  EXPECT_THAT(error(inner), HasSubstr("(node 'Often_y' (Often) > node 'Often_y.twice.sum' (Add))"));
  Builder clash;
  clash.input("x", {2}).input("Often_y.n", {1}).ints("n", {3}).node("Often", {"x", "n"}, "y").output("y");
  EXPECT_THAT(error(clash), HasSubstr("two tensors are called 'Often_y.n'"));
}

}  // namespace
}  // namespace dsperse::model
