// Every operator lowered and run on integers, against its float evaluation. With whole numbers both must agree exactly, which
// pins layouts, windows and weights; with real ones the error must stay within the bound of docs/semantics.md.
#include "dsperse/ops/lower.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "dsperse/ops/registry.h"
#include "dsperse/ops/testing/graphs.h"
#include "dsperse/quantize/quantize.h"
#include "dsperse/run/float.h"
#include "dsperse/run/testing/slow_run.h"

namespace dsperse::ops {
namespace {

using model::Graph;
using model::Shape;
using quantize::QuantizedModel;
using quantize::Sample;
using testing::GraphBuilder;
using testing::Names;
using testing::normal_numbers;
using testing::Rng;
using testing::whole_numbers;
using Ints = std::vector<std::int64_t>;
using Attributes = std::map<std::string, model::Attribute>;

quantize::Interpreters interpreters(const Graph& graph) {
  return {[&graph](const Sample& sample) { return run::run_float(graph, float_operators(), sample); },
          [](const quantize::Program& p, const quantize::WeightStore& w) -> Result<quantize::RunInteger> {
            return [&p, &w](quantize::TensorStore& trace) { return run::testing::slow_run(p, w, trace); };
          }};
}

std::vector<Sample> samples(const Graph& graph, Rng& rng, bool whole, std::size_t count = 3) {
  std::vector<Sample> out(count);
  for (auto& s : out)
    for (const auto& port : graph.inputs)
      s[port.name] = {
          model::DType::f32, port.shape, whole ? whole_numbers(rng, port.shape, 3) : normal_numbers(rng, port.shape, 1), {}};
  return out;
}

Result<QuantizedModel> quantized(const Graph& graph, const std::vector<Sample>& data,
                                 const quantize::QuantizeOptions& options = {}) {
  return quantize::quantize_model(graph, lowerings(), interpreters(graph), data, options);
}

/// Quantizes for whole numbers and expects equal outputs.
QuantizedModel expect_exact(const Graph& graph, const std::string& what = {}) {
  Rng rng(7);
  const auto model = quantized(graph, samples(graph, rng, true));
  if (!model) {
    ADD_FAILURE() << what << ": " << model.error().text();
    return {};
  }
  for (const auto& o : model->fidelity.outputs) EXPECT_EQ(o.max_abs_error, 0) << what << " " << o.name;
  return *model;
}

/// Kinds of the program's ops: C(onv) G(emm) S(um) A(verage) M(ax) R(earrange).
std::string kinds(const QuantizedModel& m) {
  std::string s;
  for (const auto& op : m.program.ops) s += "CGSAMR"[op.body.index()];
  return s;
}

std::string problem(const Graph& graph) {
  Rng rng(1);
  const auto model = quantized(graph, samples(graph, rng, true));
  return model ? "" : model.error().text();
}

/// One node on inputs of these shapes; whole-number constants for `constants`.
Graph one_node(const std::string& op, const std::vector<Shape>& inputs, const std::vector<Shape>& constants,
               const Attributes& attributes) {
  Rng rng(11);
  GraphBuilder g;
  Names names;
  for (const auto& s : inputs) names.push_back(g.input(s));
  for (const auto& s : constants) names.push_back(g.constant(s, whole_numbers(rng, s, 2)));
  g.output(g.node(op, names, attributes));
  return g.graph;
}

TEST(LowerConv, WholeNumbersAreExact) {
  struct Case {
    Shape x, w;
    bool bias;
    Attributes attributes;
  };
  const std::vector<Case> cases{
      {{1, 3, 6, 5}, {4, 3, 3, 2}, true, {}},
      {{2, 4, 7, 6}, {6, 2, 3, 3}, true, {{"group", std::int64_t{2}}, {"pads", Ints{1, 0, 2, 1}}, {"strides", Ints{2, 1}}}},
      {{1, 5, 9, 9}, {5, 1, 3, 3}, false, {{"group", std::int64_t{5}}, {"dilations", Ints{2, 3}}}},
      {{1, 2, 7, 8}, {3, 2, 3, 4}, true, {{"auto_pad", std::string("SAME_UPPER")}, {"strides", Ints{2, 2}}}},
      {{1, 2, 7, 8}, {3, 2, 2, 4}, false, {{"auto_pad", std::string("SAME_LOWER")}}},
      {{1, 1, 4, 4}, {1, 1, 1, 1}, true, {}},
      {{2, 3, 11}, {4, 3, 5}, true, {{"pads", Ints{2, 1}}, {"strides", Ints{2}}}},
      {{1, 4, 11}, {8, 1, 3}, false, {{"group", std::int64_t{4}}, {"dilations", Ints{2}}}},
  };
  for (const auto& c : cases) {
    std::vector<Shape> constants{c.w};
    if (c.bias) constants.push_back({c.w[0]});
    const auto m = expect_exact(one_node("Conv", {c.x}, constants, c.attributes), model::shape_text(c.w));
    EXPECT_EQ(kinds(m), "C");
  }
}

TEST(LowerGemm, WholeNumbersAreExact) {
  const std::int64_t one = 1;
  EXPECT_EQ(kinds(expect_exact(one_node("Gemm", {{3, 5}}, {{5, 4}, {4}}, {}))), "G");
  EXPECT_EQ(
      kinds(expect_exact(one_node("Gemm", {{3, 5}}, {{4, 5}, {1, 4}}, {{"transB", one}, {"alpha", 2.0F}, {"beta", -3.0F}}))),
      "G");
  EXPECT_EQ(kinds(expect_exact(one_node("Gemm", {{3, 5}}, {{5, 4}, {}}, {}))), "G");
  EXPECT_EQ(kinds(expect_exact(one_node("Gemm", {{5, 3}}, {{5, 4}}, {{"transA", one}}))), "RG");
  EXPECT_NE(problem(one_node("Gemm", {{3, 5}}, {{5, 4}, {3, 1}}, {})).find("row to row"), std::string::npos);
}

TEST(LowerMatMul, AnyRankOfTheLeft) {
  for (const Shape& x : {Shape{5}, {3, 5}, {2, 3, 5}, {2, 1, 3, 5}})
    EXPECT_EQ(kinds(expect_exact(one_node("MatMul", {x}, {{5, 4}}, {}), model::shape_text(x))), "G");
  EXPECT_EQ(kinds(expect_exact(one_node("MatMul", {{3, 5}}, {{5}}, {}))), "G");
  EXPECT_EQ(kinds(expect_exact(one_node("MatMul", {{2, 3, 5}}, {{1, 5, 4}}, {}))), "G");
}

TEST(LowerBatchNormalization, Alone) {
  for (const Shape& x : {Shape{2, 4}, {1, 4, 5}, {2, 4, 3, 5}}) {
    GraphBuilder g;
    g.output(g.node("BatchNormalization",
                    {g.input(x), g.constant({4}, {1, -2, 3, 4}), g.constant({4}, {0, 1, -2, 5}), g.constant({4}, {1, 2, 0, -1}),
                     g.constant({4}, {1, 4, 0.25F, 16})},
                    {{"epsilon", 0.0F}}));
    EXPECT_EQ(kinds(expect_exact(g.graph, model::shape_text(x))), "C");
  }
}

TEST(LowerSum, Broadcasting) {
  const auto two = [](const std::string& op, const Shape& a, const Shape& b) {
    return kinds(expect_exact(one_node(op, {a, b}, {}, {}), model::shape_text(a) + " " + model::shape_text(b)));
  };
  EXPECT_EQ(two("Add", {2, 3, 4, 5}, {2, 3, 4, 5}), "S");
  EXPECT_EQ(two("Sub", {2, 3}, {2, 3}), "S");
  EXPECT_EQ(two("Sub", {3}, {2, 3}), "S");
  EXPECT_EQ(two("Add", {4, 1}, {1, 5}), "S");
  EXPECT_EQ(two("Sub", {2, 1, 4}, {3, 1}), "S");
  EXPECT_EQ(two("Add", {}, {2, 2}), "S");
  for (const Shape& c : {Shape{}, {1}, {5}, {4, 1}, {3, 1, 1}, {2, 3, 4, 5}, {2, 1, 4, 1}}) {
    EXPECT_EQ(kinds(expect_exact(one_node("Sub", {{2, 3, 4, 5}}, {c}, {}), model::shape_text(c))), "S");
    // Behind a convolution the image lies channels-last; one value per channel joins the bias.
    Rng rng(5);
    GraphBuilder g;
    const auto x = g.node("Conv", {g.input({2, 2, 4, 5}), g.constant({3, 2, 1, 1}, whole_numbers(rng, {3, 2, 1, 1}, 2)),
                                   g.constant({3}, {3, -1, 2})});
    g.output(g.node("Relu", {g.node("Add", {g.constant(c, whole_numbers(rng, c, 3)), x})}));
    const bool per_channel = c == Shape{} || c == Shape{1} || c == Shape{3, 1, 1};
    EXPECT_EQ(kinds(expect_exact(g.graph, model::shape_text(c))), per_channel ? "C" : "CS");
  }
}

TEST(LowerSum, ConstantsJoinTheBias) {
  Rng rng(5);
  const auto product = [&](GraphBuilder& g, std::int64_t outputs) {
    return g.node("MatMul", {g.input({2, 3, 4}), g.constant({4, outputs}, whole_numbers(rng, {4, outputs}, 2))});
  };
  GraphBuilder g;
  g.output(
      g.node("Sub", {g.node("Add", {product(g, 5), g.constant({5}, {1, 2, 3, 4, 5})}), g.constant({1, 1, 5}, {5, 6, 7, 8, 9})}));
  EXPECT_EQ(kinds(expect_exact(g.graph)), "G");
  GraphBuilder h;  // one feature: the last axis of storage has one element
  h.output(h.node("Add", {product(h, 1), h.constant({3, 1}, {1, 2, 3})}));
  EXPECT_EQ(kinds(expect_exact(h.graph)), "GS");
  GraphBuilder i;  // constant minus data
  i.output(i.node("Sub", {i.constant({5}, {1, 2, 3, 4, 5}), product(i, 5)}));
  EXPECT_EQ(kinds(expect_exact(i.graph)), "GS");
  GraphBuilder j;  // read by others, too
  const auto x = product(j, 5);
  j.output(j.node("Sub", {j.node("Add", {x, j.constant({5}, {1, 2, 3, 4, 5})}), x}));
  EXPECT_EQ(kinds(expect_exact(j.graph)), "GSS");
}

TEST(LowerSum, SmallTensorOverAnImage) {
  Rng rng(5);
  GraphBuilder g;
  const auto x = g.node("Conv", {g.input({2, 2, 4, 4}), g.constant({3, 2, 1, 1}, whole_numbers(rng, {3, 2, 1, 1}, 2))});
  const auto mean = g.node("GlobalAveragePool", {x});
  const auto y = g.node("Sub", {x, mean});
  g.output(g.node("Add", {y, g.input({1, 1, 4})}));
  EXPECT_EQ(kinds(expect_exact(g.graph)), "CASRS");  // the vector of W moves to where W lies
}

TEST(LowerActivation, JoinedToTheProducer) {
  for (const auto& [op, attributes] : std::vector<std::pair<std::string, Attributes>>{
           {"Relu", {}}, {"LeakyRelu", {{"alpha", 0.5F}}}, {"Sigmoid", {}}, {"Tanh", {}}}) {
    Rng rng(3);
    GraphBuilder g;
    const auto c = g.node("Conv", {g.input({1, 2, 6, 6}), g.constant({2, 2, 3, 3}, whole_numbers(rng, {2, 2, 3, 3}, 2))});
    g.output(g.node("Flatten", {g.node(op, {g.node("MaxPool", {c}, {{"kernel_shape", Ints{2, 2}}})}, attributes)}));
    const auto data = samples(g.graph, rng, false);
    const auto m = quantized(g.graph, data);
    ASSERT_TRUE(m) << m.error().text();
    EXPECT_EQ(kinds(*m), "CMR") << op;  // the flattened output is the model's: it moves
    EXPECT_EQ(m->program.ops[0].name, "Conv0+" + op + "2");
    EXPECT_LT(m->fidelity.outputs[0].max_abs_error, op == "Sigmoid" || op == "Tanh" ? 2.5e-3 : 0.05) << op;
    for (const auto& t : m->fidelity.tensors) EXPECT_GT(t.sqnr_db, 45) << op << " " << t.name;
  }
}

TEST(LowerActivation, AloneWhereTheProducerIsRead) {
  Rng rng(3);
  GraphBuilder g;
  const auto c = g.node("Conv", {g.input({1, 2, 6, 6}), g.constant({2, 2, 3, 3}, whole_numbers(rng, {2, 2, 3, 3}, 2))});
  const auto r = g.node("Relu", {c});
  g.output(g.node("Sub", {r, c}));
  EXPECT_EQ(kinds(expect_exact(g.graph)), "CSS");
  GraphBuilder h;  // an output keeps its value
  const auto d = h.node("Add", {h.input({4}), h.input({4})});
  h.output(d);
  h.output(h.node("Relu", {d}));
  EXPECT_EQ(kinds(expect_exact(h.graph)), "SS");
  GraphBuilder i;  // on an input; two in a row
  i.output(i.node("LeakyRelu", {i.node("Relu", {i.input({2, 3})})}));
  EXPECT_EQ(kinds(expect_exact(i.graph)), "SS");
}

TEST(LowerActivation, ClipAndRelu6) {
  for (const auto& [low, high] : std::vector<std::pair<float, float>>{{0, 2}, {-1, 1}, {1, 2}, {-10, 10}}) {
    GraphBuilder g;
    g.output(g.node("Clip", {g.input({3, 7}), g.constant({}, {low}), g.constant({}, {high})}));
    const auto m = expect_exact(g.graph);
    EXPECT_EQ(m.program.tensors[1].lo,
              std::max<std::int64_t>(-2047, std::llround(std::ldexp(low, m.program.tensors[1].exponent))));
  }
  GraphBuilder g;
  g.output(g.node("Clip", {g.input({3, 7}), g.constant({}, {0})}));
  EXPECT_EQ(std::get<quantize::Sum>(expect_exact(g.graph).program.ops[0].body).requant.activation.f, quantize::Function::relu);
  GraphBuilder h(6);
  h.output(h.node("Clip", {h.input({3, 7})}, {{"max", 1.0F}}));
  expect_exact(h.graph);
}

TEST(LowerActivation, GridsAreSharedBetweenSites) {
  Rng rng(9);
  GraphBuilder g;
  const auto x = g.input({1, 8});
  for (const double scale : {0.1, 3.0})
    g.output(g.node("Tanh", {g.node("Gemm", {x, g.constant({8, 8}, normal_numbers(rng, {8, 8}, scale))})}));
  const auto m = quantized(g.graph, samples(g.graph, rng, false));
  ASSERT_TRUE(m) << m.error().text();
  const auto &a = std::get<quantize::Gemm>(m->program.ops[0].body).requant,
             &b = std::get<quantize::Gemm>(m->program.ops[1].body).requant;
  EXPECT_EQ(a.activation, b.activation);
  EXPECT_EQ(a.clamp_bits, b.clamp_bits);
  EXPECT_EQ(a.activation.in_exponent, 9);
}

TEST(LowerPool, WholeNumbersAreExact) {
  const std::int64_t one = 1;
  const auto pool = [](const std::string& op, const Shape& x, const Attributes& a) {
    return kinds(expect_exact(one_node(op, {x}, {}, a), op + " " + model::shape_text(x)));
  };
  for (const std::string op : {"MaxPool", "AveragePool"}) {  // windows of 1, 2 or 4 taps: means are exact
    const std::string kind = op == "MaxPool" ? "M" : "A";
    EXPECT_EQ(pool(op, {1, 3, 6, 5}, {{"kernel_shape", Ints{2, 2}}, {"strides", Ints{2, 2}}}), kind);
    EXPECT_EQ(pool(op, {2, 3, 7, 7}, {{"kernel_shape", Ints{2, 2}}, {"strides", Ints{2, 2}}, {"ceil_mode", one}}), kind);
    EXPECT_EQ(pool(op, {2, 3, 7, 7},
                   {{"kernel_shape", Ints{2, 2}}, {"strides", Ints{2, 2}}, {"pads", Ints{1, 0, 1, 1}}, {"ceil_mode", one}}),
              kind);
    EXPECT_EQ(pool(op, {1, 2, 5, 4}, {{"kernel_shape", Ints{2, 2}}, {"auto_pad", std::string("SAME_LOWER")}}), kind);
    EXPECT_EQ(pool(op, {1, 2, 9}, {{"kernel_shape", Ints{4}}, {"strides", Ints{2}}}), kind);
  }
  EXPECT_EQ(
      pool("AveragePool", {1, 2, 5, 4}, {{"kernel_shape", Ints{2, 2}}, {"pads", Ints{1, 1, 0, 1}}, {"count_include_pad", one}}),
      "A");
  EXPECT_EQ(pool("AveragePool", {1, 2, 5, 4},
                 {{"kernel_shape", Ints{2, 2}},
                  {"strides", Ints{2, 2}},
                  {"pads", Ints{1, 1, 0, 1}},
                  {"count_include_pad", one},
                  {"ceil_mode", one}}),
            "A");
  EXPECT_EQ(pool("MaxPool", {1, 2, 9, 9}, {{"kernel_shape", Ints{3, 2}}, {"dilations", Ints{2, 3}}, {"pads", Ints{1, 1, 1, 0}}}),
            "M");
  EXPECT_EQ(pool("GlobalAveragePool", {2, 3, 4, 8}, {}), "A");
  EXPECT_EQ(pool("GlobalAveragePool", {2, 3, 16}, {}), "A");
}

TEST(LowerPool, LargeMeansStayPrecise) {
  Rng rng(2);
  for (const Shape& x : {Shape{1, 2, 7, 7}, {1, 2, 57, 53}}) {
    const Graph g = one_node("GlobalAveragePool", {x}, {}, {});
    Sample s{{"input0", {model::DType::f32, x, normal_numbers(rng, x, 0.1), {}}}};
    for (auto& v : s["input0"].f) v += 1;
    const auto m = quantized(g, {s});
    ASSERT_TRUE(m) << m.error().text();
    EXPECT_EQ(kinds(*m), x[2] == 7 ? "A" : "C");
    EXPECT_LT(m->fidelity.outputs[0].max_abs_error, 2e-3);
  }
}

TEST(LowerMovement, LayoutsAreTracked) {
  Rng rng(4);
  const Shape w{3, 2, 3, 3};
  // Flatten before Gemm permutes the weights; nothing moves.
  GraphBuilder g;
  const auto x = g.input({2, 2, 6, 5});
  const auto c = g.node("Conv", {x, g.constant(w, whole_numbers(rng, w, 1))});
  const auto flat = g.node("Flatten", {c});
  g.output(g.node("Gemm", {flat, g.constant({36, 4}, whole_numbers(rng, {36, 4}, 1))}));
  g.output(g.node("Gemm", {flat, g.constant({36, 3}, whole_numbers(rng, {36, 3}, 1))}));
  EXPECT_EQ(kinds(expect_exact(g.graph)), "CGG");
  // Channels-last in the model itself: no movement, neither at the border nor before MatMul.
  GraphBuilder h;
  const auto image = h.node("Transpose", {h.input({2, 6, 5, 2})}, {{"perm", Ints{0, 3, 1, 2}}});
  const auto d = h.node("Conv", {image, h.constant(w, whole_numbers(rng, w, 1))});
  const auto back = h.node("Transpose", {d}, {{"perm", Ints{0, 2, 3, 1}}});
  h.output(h.node("MatMul", {back, h.constant({3, 4}, whole_numbers(rng, {3, 4}, 1))}));
  h.output(back);
  EXPECT_EQ(kinds(expect_exact(h.graph)), "CG");
  // A product over W of a channels-last image has to move.
  GraphBuilder i;
  const auto e = i.node("Conv", {i.input({2, 2, 6, 5}), i.constant(w, whole_numbers(rng, w, 1))});
  i.output(i.node("MatMul", {e, i.constant({3, 4}, whole_numbers(rng, {3, 4}, 1))}));
  EXPECT_EQ(kinds(expect_exact(i.graph)), "CRG");
}

TEST(LowerMovement, ReshapesOfImages) {
  Rng rng(4);
  GraphBuilder g;
  const auto c = g.node("Conv", {g.input({1, 2, 4, 4}), g.constant({8, 2, 1, 1}, whole_numbers(rng, {8, 2, 1, 1}, 2))});
  // Channel shuffle: (N, 2, 4, H, W), transposed, back.
  const auto split = g.node("Reshape", {c, g.integers({1, 2, 4, 4, 4})});
  const auto turned = g.node("Transpose", {split}, {{"perm", Ints{0, 2, 1, 3, 4}}});
  const auto shuffled = g.node("Reshape", {turned, g.integers({1, 8, 4, 4})});
  g.output(g.node("Conv", {shuffled, g.constant({3, 8, 1, 1}, whole_numbers(rng, {3, 8, 1, 1}, 1))}));
  EXPECT_EQ(kinds(expect_exact(g.graph)), "CRC");
  GraphBuilder h;  // spatial positions as rows: a view
  const auto d = h.node("Conv", {h.input({1, 2, 4, 4}), h.constant({8, 2, 1, 1}, whole_numbers(rng, {8, 2, 1, 1}, 2))});
  const auto rows = h.node("Transpose", {h.node("Reshape", {d, h.integers({1, 8, 16})})}, {{"perm", Ints{0, 2, 1}}});
  h.output(h.node("MatMul", {rows, h.constant({8, 3}, whole_numbers(rng, {8, 3}, 2))}));
  EXPECT_EQ(kinds(expect_exact(h.graph)), "CG");
  GraphBuilder i;  // cuts a factor: moves to row major once
  const auto e = i.node("Conv", {i.input({1, 2, 4, 3}), i.constant({4, 2, 1, 1}, whole_numbers(rng, {4, 2, 1, 1}, 2))});
  i.output(i.node("Relu", {i.node("Reshape", {e, i.integers({6, 8})})}));
  EXPECT_EQ(kinds(expect_exact(i.graph)), "CRS");
  GraphBuilder j;  // unit axes come and go
  const auto v = j.node("Unsqueeze", {j.node("Squeeze", {j.input({1, 3, 1, 4}), j.integers({0, 2})}), j.integers({0, 3})});
  j.output(j.node("Add", {v, j.input({1, 3, 4, 1})}));
  expect_exact(j.graph);
}

TEST(LowerMovement, ConcatAndPad) {
  Rng rng(4);
  for (std::int64_t axis = 0; axis < 4; ++axis) {
    GraphBuilder g;
    const auto x = g.input({2, 2, 4, 4}), y = g.input({2, 2, 4, 4});
    const auto c = g.node("Conv", {x, g.constant({2, 2, 1, 1}, whole_numbers(rng, {2, 2, 1, 1}, 2))});
    const auto joined = g.node("Concat", {c, y, c}, {{"axis", axis - 4}});
    g.output(g.node("MaxPool", {joined}, {{"kernel_shape", Ints{2, 2}}}));
    EXPECT_EQ(kinds(expect_exact(g.graph)), "CRM") << axis;
  }
  GraphBuilder g;
  const auto x = g.input({1, 2, 5, 4});
  const auto p = g.node("Pad", {x, g.integers({0, 0, 1, -1, 0, 1, 0, 2}), g.constant({}, {2})});
  g.output(g.node("Conv", {p, g.constant({2, 3, 2, 2}, whole_numbers(rng, {2, 3, 2, 2}, 2))}));
  EXPECT_EQ(kinds(expect_exact(g.graph)), "RC");
  GraphBuilder h;  // vectors, and a flattened image among the pieces
  const auto image = h.node("Conv", {h.input({1, 2, 2, 2}), h.constant({3, 2, 1, 1}, whole_numbers(rng, {3, 2, 1, 1}, 2))});
  h.output(h.node("Concat", {h.node("Flatten", {image}), h.input({1, 5})}, {{"axis", std::int64_t{1}}}));
  EXPECT_EQ(kinds(expect_exact(h.graph)), "CRR");
}

TEST(LowerGraph, InputsAndOutputsInAnyRole) {
  GraphBuilder g;
  const auto x = g.input({2, 3}), y = g.input({2, 3});
  const auto s = g.node("Add", {x, y});
  g.output(x);                        // an input
  g.output(s);                        // read below, too
  g.output(g.node("Identity", {s}));  // the same data twice
  g.output(g.node("Sub", {s, x}));
  g.output(g.node("Transpose", {y}));
  const auto m = expect_exact(g.graph);
  EXPECT_EQ(kinds(m), "SSRRR");
  std::set<quantize::TensorId> distinct(m.program.outputs.begin(), m.program.outputs.end());
  distinct.insert(m.program.inputs.begin(), m.program.inputs.end());
  EXPECT_EQ(distinct.size(), 7U) << "every output is a tensor of its own";
}

TEST(LowerGraph, ConstantsMayBeOutputsToo) {
  GraphBuilder g;
  const auto x = g.input({2, 3}), k = g.constant({2, 2}, {1, -2, 3, 7}), one = g.constant({}, {5}), n = g.integers({-4, 300});
  g.output(k);
  g.output(g.node("Relu", {x}));
  g.output(one);
  g.output(n);
  const auto m = expect_exact(g.graph);
  const std::set<quantize::TensorId> distinct(m.program.outputs.begin(), m.program.outputs.end());
  EXPECT_EQ(distinct.size(), 4U);
  for (const auto& op : m.program.ops) {
    const auto* s = std::get_if<quantize::Sum>(&op.body);
    if (s == nullptr || s->terms.size() != 3) continue;
    EXPECT_EQ(s->terms[1].id, s->terms[2].id) << "an input's element less itself: nothing but the constant";
  }
}

TEST(LowerGraph, RealNumbersStayWithinOneAndAHalfSteps) {
  // Conv: rounding of the output (half a step) and of input and weights, each of at most half of its own step.
  Rng rng(12);
  GraphBuilder g;
  g.output(g.node("Conv", {g.input({1, 4, 8, 8}), g.constant({6, 4, 3, 3}, normal_numbers(rng, {6, 4, 3, 3}, 0.2)),
                           g.constant({6}, normal_numbers(rng, {6}, 0.5))}));
  const auto m = quantized(g.graph, samples(g.graph, rng, false));
  ASSERT_TRUE(m) << m.error().text();
  const auto& x = m->program.tensors[0];
  const auto& y = m->program.tensors[1];
  double gain = 0;
  const auto& w = g.graph.constants.at("constant0").f;
  for (std::size_t o = 0; o < 6; ++o) {
    double sum = 0;
    for (std::size_t k = 0; k < 36; ++k) sum += std::fabs(static_cast<double>(w[o * 36 + k]));
    gain = std::max(gain, sum);
  }
  const double bound = std::ldexp(0.5, -y.exponent) + gain * std::ldexp(0.5, -x.exponent) + 36 * 4.5 * std::ldexp(0.5, -10);
  EXPECT_LT(m->fidelity.outputs[0].max_abs_error, bound);
  EXPECT_GT(m->fidelity.tensors[1].sqnr_db, 58);
}

TEST(LowerGraph, Refusals) {
  EXPECT_NE(problem(one_node("Conv", {{1, 2, 4, 4}, {3, 2, 1, 1}}, {}, {})).find("the weights are computed"), std::string::npos);
  EXPECT_NE(problem(one_node("BatchNormalization", {{1, 2, 2, 2, 2}}, {{2}, {2}, {2}, {2}}, {{"epsilon", 9.0F}})).find("3-D"),
            std::string::npos);
  GraphBuilder g;
  g.output(g.node("Mod", {g.input({2}), g.input({2})}, {{"fmod", std::int64_t{1}}}));
  EXPECT_NE(problem(g.graph).find("Mod of several tensors has no integer form"), std::string::npos);
  const auto plain = one_node("Relu", {{2}}, {}, {});
  EXPECT_EQ(quantized(plain, {}).error().kind, ErrorKind::usage);
  EXPECT_EQ(quantized(plain, {{{"input0", model::float_tensor({2}, {1, INFINITY})}}}).error().where, "input0");
  Rng rng(1);
  quantize::QuantizeOptions options;
  options.weight_bits = 17;
  EXPECT_EQ(quantized(plain, samples(plain, rng, true), options).error().kind, ErrorKind::usage);
  options.weight_bits = 8;
  options.tensor_bits["nothing"] = 10;
  EXPECT_EQ(quantized(plain, samples(plain, rng, true), options).error().where, "nothing");
}

TEST(LowerGraph, ScalesThatDoNotMeetAreRefused) {
  const auto sum = one_node("Add", {{2}, {2}}, {}, {});
  const auto far =
      quantized(sum, {{{"input0", model::float_tensor({2}, {1e10F, 1})}, {"input1", model::float_tensor({2}, {1e-6F, 0})}}});
  ASSERT_FALSE(far);
  EXPECT_EQ(far.error().kind, ErrorKind::unsupported);
  EXPECT_EQ(far.error().where, "Add0 > input0");
  GraphBuilder g;  // calibration with zeros says nothing about an output that real data makes huge
  g.output(g.node("MatMul", {g.input({1, 2}), g.constant({2, 1}, {1e20F, -1e20F})}));
  const auto large = quantized(g.graph, {{{"input0", model::float_tensor({1, 2}, {0, 0})}}});
  ASSERT_FALSE(large);
  EXPECT_NE(large.error().what.find("too large for this output's range"), std::string::npos) << large.error().text();
}

TEST(LowerGraph, IntegerInputsAreUnscaled) {
  GraphBuilder g;
  const auto x = g.input({4}, model::DType::i64);
  g.output(g.node("Add", {x, x}));
  const auto m = quantized(g.graph, {{{"input0", model::int_tensor({4}, {1, -2, 3000, 7})}}});
  ASSERT_TRUE(m) << m.error().text();
  EXPECT_EQ(m->program.tensors[0].exponent, 0);
  EXPECT_EQ(m->program.tensors[0].hi, 32767);
  EXPECT_LT(m->fidelity.outputs[0].max_abs_error, 2.1);  // steps of 4
}

TEST(LowerGraph, WidthsAreKept) {
  Rng rng(6);
  GraphBuilder g;
  const auto c = g.node("Conv", {g.input({1, 2, 6, 6}), g.constant({4, 2, 3, 3}, normal_numbers(rng, {4, 2, 3, 3}, 0.3))});
  g.output(g.node("Relu", {c}));
  quantize::QuantizeOptions options;
  options.activation_bits = 9;
  options.weight_bits = 8;
  options.tensor_bits["input0"] = 14;
  options.per_channel = false;
  const auto m = quantized(g.graph, samples(g.graph, rng, false), options);
  ASSERT_TRUE(m) << m.error().text();
  EXPECT_EQ(m->program.tensors[0].hi, 8191);
  EXPECT_EQ(m->program.tensors[1].hi, 255);
  EXPECT_EQ(m->program.tensors[1].lo, 0);
  const auto& conv = std::get<quantize::Conv>(m->program.ops[0].body);
  EXPECT_EQ(conv.requant.clamp_bits, 8U);
  EXPECT_EQ(conv.requant.shift.size(), 1U);
  EXPECT_EQ(m->program.weights[conv.w].max_abs, 127);
}

}  // namespace
}  // namespace dsperse::ops
