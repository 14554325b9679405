// Chains of element-wise nodes become one function, and what several tensors feed becomes sums and products; normalizations
// written out are found; factors of scores go into weights. Values stay.
#include "dsperse/model/points.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "dsperse/model/passes.h"
#include "dsperse/ops/registry.h"
#include "dsperse/ops/testing/graphs.h"
#include "dsperse/run/float.h"

namespace dsperse::model {
namespace {

using ops::testing::GraphBuilder;
using ops::testing::normal_numbers;
using ops::testing::Rng;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Ints = std::vector<std::int64_t>;

std::vector<std::string> op_names(const Graph& graph) {
  std::vector<std::string> out;
  for (const Node& node : graph.nodes) out.push_back(node.op);
  return out;
}

std::map<std::string, Tensor> values_of(const Graph& graph, const std::map<std::string, Tensor>& inputs) {
  const auto out = run::run_float(graph, ops::float_operators(), inputs);
  EXPECT_TRUE(out) << out.error().text();
  return out ? *out : std::map<std::string, Tensor>{};
}

/// prepare() keeps every output; returns the operators that remain.
std::vector<std::string> prepared(Graph graph, double tolerance = 1e-5) {
  Rng rng(9);
  std::map<std::string, Tensor> inputs;
  for (const Port& port : graph.inputs) {
    Tensor t = float_tensor(port.shape, normal_numbers(rng, port.shape, 2));
    if (port.dtype != DType::f32) {
      t = int_tensor(port.shape, std::vector<std::int64_t>(t.f.size()), port.dtype);
      for (auto& v : t.i) v = static_cast<std::int64_t>(rng() % (port.dtype == DType::boolean ? 2 : 7));
    }
    inputs[port.name] = std::move(t);
  }
  const auto before = values_of(graph, inputs);
  const auto status = prepare(graph, ops::float_operators());
  EXPECT_TRUE(status) << status.error().text();
  const auto after = values_of(graph, inputs);
  for (const Port& port : graph.outputs) {
    const Tensor &a = before.at(port.name), &b = after.at(port.name);
    EXPECT_EQ(a.shape, b.shape);
    EXPECT_EQ(a.i, b.i) << port.name;
    for (std::size_t k = 0; k < std::min(a.f.size(), b.f.size()); ++k)
      EXPECT_NEAR(static_cast<double>(a.f[k]), static_cast<double>(b.f[k]),
                  tolerance * (1 + std::fabs(static_cast<double>(a.f[k]))));
  }
  return op_names(graph);
}

class Points : public ::testing::Test {
 protected:
  std::string number(float v) { return g.constant({}, {v}); }
  std::string op(const std::string& type, std::vector<std::string> inputs, std::map<std::string, Attribute> attributes = {}) {
    return g.node(type, std::move(inputs), std::move(attributes));
  }
  GraphBuilder g{17};
  std::string x = g.input({2, 3});
};

TEST_F(Points, GeluWithErfIsOneFunction) {
  const auto inner = op("Add", {op("Erf", {op("Div", {x, number(1.41421356F)})}), number(1)});
  g.output(op("Mul", {op("Mul", {x, inner}), number(0.5F)}));
  EXPECT_THAT(prepared(g.graph), ElementsAre("Points"));
}

TEST_F(Points, OtherFunctionsWrittenOut) {
  const auto tanh_inner =
      op("Mul", {op("Add", {x, op("Mul", {op("Pow", {x, number(3)}), number(0.044715F)})}), number(0.797885F)});
  g.output(op("Mul", {op("Mul", {number(0.5F), x}), op("Add", {number(1), op("Tanh", {tanh_inner})})}));
  g.output(op("Mul", {x, op("Sigmoid", {op("Mul", {x, number(1.702F)})})}));
  g.output(op("Mul", {x, op("Div", {op("Clip", {op("Add", {x, number(3)}), number(0), number(6)}), number(6)})}));
  g.output(op("Mul", {x, op("Tanh", {op("Softplus", {x})})}));
  g.output(op("Where", {op("Less", {x, number(0)}), op("Mul", {x, number(0.1F)}), x}));
  g.output(op("Max", {op("Min", {x, number(1)}), op("Neg", {x}), number(-0.25F)}));
  EXPECT_THAT(prepared(g.graph), ElementsAre("Points", "Points", "Points", "Points", "Points", "Points"));
}

TEST_F(Points, WhatOthersReadStaysATensor) {
  const auto e = op("Exp", {x});
  const auto half = op("Mul", {e, number(0.5F)});
  g.output(op("Neg", {op("Sqrt", {half})}));
  g.output(op("ReduceSum", {e, g.integers({1})}));
  EXPECT_THAT(prepared(g.graph), ElementsAre("Exp", "Points", "ReduceSum"));
  GraphBuilder h;  // an output
  const auto y = h.input({4}), s = h.node("Softplus", {y});
  h.output(s);
  h.output(h.node("Mul", {h.node("Tanh", {s}), y}));
  EXPECT_THAT(prepared(h.graph), ElementsAre("Softplus", "Points")) << "a function of the input, not a product";
}

TEST_F(Points, TwoTensorsAndLongerShapesDoNotJoin) {
  const auto y = g.input({2, 3}), column = g.constant({3}, {1, 2, 3});
  g.output(op("Mul", {op("Exp", {x}), op("Exp", {y})}));
  g.output(op("Add", {op("Exp", {x}), column}));
  g.output(op("Add", {op("Sin", {x}), g.constant({2, 1, 1}, {4, 4})}));
  const auto names = prepared(g.graph);
  EXPECT_EQ(std::ranges::count(names, "Points"), 0);
  GraphBuilder h;  // equal elements of a full constant are one number
  h.output(h.node("Exp", {h.node("Add", {h.input({2, 2}), h.constant({2, 2}, {1, 1, 1, 1})})}));
  EXPECT_THAT(prepared(h.graph), ElementsAre("Points"));
}

TEST_F(Points, LongChainsAreCut) {
  std::string v = x;
  for (std::size_t k = 0; k < kMaxPoints + 10; ++k) v = op("Sin", {v});
  g.output(v);
  Graph once = g.graph;
  ASSERT_TRUE(join_points(once, ops::float_operators()));
  EXPECT_THAT(op_names(once), ElementsAre("Points", "Sin", "Points"));
  EXPECT_THAT(prepared(g.graph), ElementsAre("Points")) << "of a function and two others";
}

TEST_F(Points, QuantizationAndItsInverseAreOneFunction) {
  g.graph.constants["zero"] = int_tensor({}, {3});
  g.graph.constants["zero"].element = 3;
  g.graph.values["zero"] = {"zero", DType::i64, {}};
  g.output(op("DequantizeLinear", {op("QuantizeLinear", {x, number(0.05F), "zero"}), number(0.05F), "zero"}));
  EXPECT_THAT(prepared(g.graph), ElementsAre("Points"));
}

TEST_F(Points, SeveralTensorsAreSplit) {
  const auto y = g.input({2, 3}), z = g.input({3});
  g.output(op("Max", {x, y, z}));
  g.output(op("Min", {x, z}));
  g.output(op("Mean", {x, y, z}));
  g.output(op("PRelu", {x, g.constant({3}, {0.5F, -1, 2})}));
  g.output(op("Div", {g.constant({3}, {1, 2, 3}), op("Add", {op("Abs", {y}), number(1)})}));
  for (const char* compare : {"Less", "LessOrEqual", "Greater", "GreaterOrEqual", "Equal"}) g.output(op(compare, {x, z}));
  const auto p = op("Less", {x, y}), q = op("Greater", {x, z});
  for (const char* logic : {"And", "Or", "Xor", "Equal"}) g.output(op(logic, {p, q}));
  g.output(op("Where", {p, x, y}));
  g.output(op("Where", {p, x, number(0)}));
  g.output(op("Where", {p, q, p}));
  const auto names = prepared(g.graph);
  for (const char* gone : {"Max", "Mean", "PRelu", "And", "Or", "Xor", "Where", "Div"})
    EXPECT_EQ(std::ranges::count(names, gone), 0) << gone;
}

TEST_F(Points, ConstantConditions) {
  const auto y = g.input({2, 3});
  g.graph.constants["mask"] = int_tensor({3}, {1, 0, 1}, DType::boolean);
  g.graph.values["mask"] = {"mask", DType::boolean, {3}};
  g.output(op("Where", {"mask", x, y}));
  g.output(op("Where", {"mask", x, number(-2)}));
  g.output(op("Where", {"mask", number(7), y}));
  const auto names = prepared(g.graph);
  EXPECT_EQ(std::ranges::count(names, "Where"), 0);
  EXPECT_EQ(std::ranges::count(names, "Cast"), 0) << "masks are constants";
}

TEST_F(Points, IntegersAndBooleans) {
  const auto n = g.input({2, 3}, DType::i64), m = g.input({2, 3}, DType::i64), b = g.input({2, 3}, DType::boolean);
  g.graph.constants["two"] = int_tensor({}, {2});
  g.graph.values["two"] = {"two", DType::i64, {}};
  g.output(op("Mod", {op("Add", {n, "two"}), "two"}));
  g.output(op("Max", {n, m}));
  g.output(op("Where", {op("And", {b, op("Equal", {n, m})}), n, m}));
  g.output(op("Not", {op("Or", {b, op("Less", {n, "two"})})}));
  EXPECT_EQ(prepared(g.graph)[0], "Points");
}

TEST_F(Points, BodiesThatAreNoFunctionAreRefused) {
  Graph body;
  body.opset = 17;
  body.inputs = {{"a", DType::f32, {2, 3}}};
  body.outputs = {{"b", DType::f32, {2, 3}}};
  body.values = {{"a", body.inputs[0]}, {"b", body.outputs[0]}};
  const auto why = [&] {
    Graph graph = g.graph;
    graph.nodes = {{"p", "Points", {x}, {"y"}, {{kPointsBody, std::make_shared<const Graph>(body)}}}};
    graph.outputs = {{"y", DType::f32, {}}};
    const auto status = infer_shapes(graph, ops::float_operators());
    return status ? "" : status.error().text();
  };
  EXPECT_THAT(why(), HasSubstr("does not make its output"));
  body.nodes = {{"n", "Softmax", {"a"}, {"b"}, {}}};
  EXPECT_THAT(why(), HasSubstr("not element-wise: Softmax"));
  body.nodes = {{"n", "Add", {"a", "c"}, {"b"}, {}}};
  EXPECT_THAT(why(), HasSubstr("reads 'c'"));
  body.constants["c"] = float_tensor({2}, {1, 2});
  EXPECT_THAT(why(), HasSubstr("not one number"));
  body.constants["c"] = float_tensor({}, {1});
  EXPECT_EQ(why(), "");
  body.inputs.clear();
  EXPECT_THAT(why(), HasSubstr("one number"));
}

// ---- normalizations and scales

struct Norm {
  bool centered = true, mul_square = false, affine = true;
  int root = 0;  ///< 0 Div by Sqrt, 1 Mul by Reciprocal, 2 Pow -0.5, 3 one over Sqrt, 4 Div by Pow 0.5
};

Graph written_out(const Norm& n) {
  Rng rng(3);
  GraphBuilder g(13);
  const auto x = g.input({2, 4, 6});
  const auto mean = [&](const std::string& v) { return g.node("ReduceMean", {v}, {{"axes", Ints{-1}}}); };
  const std::string d = n.centered ? g.node("Sub", {x, mean(x)}) : x;
  const std::string square = n.mul_square ? g.node("Mul", {d, d}) : g.node("Pow", {d, g.constant({}, {2})});
  const std::string variance = g.node("Add", {g.constant({}, {1e-3F}), mean(square)});
  std::string y;
  if (n.root == 0) y = g.node("Div", {d, g.node("Sqrt", {variance})});
  if (n.root == 1) y = g.node("Mul", {d, g.node("Reciprocal", {g.node("Sqrt", {variance})})});
  if (n.root == 2) y = g.node("Mul", {g.node("Pow", {variance, g.constant({}, {-0.5F})}), d});
  if (n.root == 3) y = g.node("Mul", {d, g.node("Div", {g.constant({}, {1}), g.node("Sqrt", {variance})})});
  if (n.root == 4) y = g.node("Div", {d, g.node("Pow", {variance, g.constant({}, {0.5F})})});
  if (n.affine) {
    y = g.node("Mul", {g.constant({6}, normal_numbers(rng, {6}, 1)), y});
    if (n.centered) y = g.node("Add", {y, g.constant({1, 1, 6}, normal_numbers(rng, {6}, 1))});
  }
  g.output(y);
  return g.graph;
}

TEST(Norms, EveryWayOfWritingThem) {
  for (const bool centered : {true, false})
    for (const bool mul_square : {true, false})
      for (const bool affine : {true, false})
        for (int root = 0; root < 5; ++root)
          EXPECT_THAT(prepared(written_out({centered, mul_square, affine, root})),
                      ElementsAre(centered ? "LayerNormalization" : "RMSNormalization"))
              << centered << mul_square << affine << root;
}

TEST(Norms, WhatOnlyLooksAlikeStays) {
  const auto changed = [](auto change) {
    Graph graph = written_out({});
    change(graph);
    const auto names = prepared(graph);
    return std::ranges::count(names, "LayerNormalization");
  };
  const auto find = [](Graph& g, const std::string& op, int k) -> Node& {
    for (Node& n : g.nodes)
      if (n.op == op && k-- == 0) return n;
    return g.nodes[0];
  };
  EXPECT_EQ(changed([](Graph&) {}), 1);
  EXPECT_EQ(changed([&](Graph& g) { find(g, "ReduceMean", 1).attributes["axes"] = Ints{1}; }), 0) << "the other axis";
  EXPECT_EQ(changed([&](Graph& g) { g.constants.at(find(g, "Pow", 0).inputs[1]).f[0] = 4; }), 0) << "the fourth power";
  // The mean of the normalization is of another tensor: no centering, but a division by the root of a mean square all the same.
  EXPECT_EQ(changed([&](Graph& g) { find(g, "ReduceMean", 0).attributes["axes"] = Ints{1}; }), 0);
}

TEST(LogSums, OfExponentialsTakeTheMaximumOff) {
  for (const std::int64_t opset : {13, 18}) {
    for (const bool keep : {false, true}) {
      GraphBuilder g(opset);
      const auto x = g.input({3, 5});
      const auto sum = g.node("ReduceSum", {g.node("Exp", {x}), g.integers({1})}, {{"keepdims", std::int64_t{keep}}});
      g.output(g.node("Log", {sum}));
      const std::vector<std::string> ops = prepared(g.graph);
      EXPECT_EQ(std::ranges::count(ops, "ReduceMax"), 1) << opset;
    }
  }
  GraphBuilder g;  // as a LogSoftmax is written out: nothing to take off
  const auto x = g.input({3, 5});
  const auto d = g.node("Sub", {x, g.node("ReduceMax", {x}, {{"axes", Ints{1}}})});
  g.output(g.node("Sub", {d, g.node("Log", {g.node("ReduceSum", {g.node("Exp", {d}), g.integers({1})})})}));
  const std::vector<std::string> ops = prepared(g.graph);
  EXPECT_EQ(std::ranges::count(ops, "ReduceMax"), 1);
}

TEST(Scales, OfScoresGoIntoTheWeights) {
  Rng rng(4);
  for (const bool divide : {false, true}) {
    GraphBuilder g;
    const auto x = g.input({1, 5, 8});
    const auto heads = [&](Ints perm) {
      const auto y = g.node("Add", {g.node("MatMul", {x, g.constant({8, 8}, normal_numbers(rng, {8, 8}, 0.3))}),
                                    g.constant({8}, normal_numbers(rng, {8}, 1))});
      return g.node("Transpose", {g.node("Reshape", {y, g.integers({1, 5, 2, 4})})}, {{"perm", std::move(perm)}});
    };
    const auto scores = g.node("MatMul", {heads({0, 2, 1, 3}), heads({0, 2, 3, 1})});
    g.output(g.node("Softmax",
                    {divide ? g.node("Div", {scores, g.constant({}, {2})}) : g.node("Mul", {g.constant({1}, {0.3F}), scores})}));
    const auto names = prepared(g.graph);
    EXPECT_EQ(std::ranges::count(names, "Mul") + std::ranges::count(names, "Div"), 0);
  }
  GraphBuilder h;  // the layer's output is read elsewhere: it keeps its scale
  const auto y = h.node("MatMul", {h.input({3, 4}), h.constant({4, 4}, normal_numbers(rng, {4, 4}, 1))});
  const auto t = h.node("Transpose", {y});
  h.output(h.node("Softmax", {h.node("Mul", {t, h.constant({}, {0.3F})})}));
  h.output(h.node("Softmax", {t}));
  const auto names = prepared(h.graph);
  EXPECT_EQ(std::ranges::count(names, "Mul"), 1);
}

}  // namespace
}  // namespace dsperse::model
