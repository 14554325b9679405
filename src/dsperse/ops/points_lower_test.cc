// Element-wise operators, reductions, rows and quantized tensors prepared, lowered and run on integers, against their float
// evaluation: exactly on whole numbers, else within the bound that docs/operators.md states.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "dsperse/model/passes.h"
#include "dsperse/ops/lower.h"
#include "dsperse/ops/registry.h"
#include "dsperse/ops/testing/graphs.h"
#include "dsperse/quantize/quantize.h"
#include "dsperse/run/float.h"
#include "dsperse/run/testing/slow_run.h"

namespace dsperse::ops {
namespace {

using model::DType;
using model::Graph;
using model::Shape;
using model::Tensor;
using quantize::QuantizedModel;
using quantize::Sample;
using testing::GraphBuilder;
using ::testing::HasSubstr;
using testing::Names;
using testing::Rng;
using Ints = std::vector<std::int64_t>;
using Attributes = std::map<std::string, model::Attribute>;

/// Values of an input: low + k step, up to high.
struct Draw {
  double low = -3, high = 3, step = 1;
};

std::vector<Sample> samples(const Graph& graph, const Draw& draw, std::size_t count = 3) {
  Rng rng(17);
  std::vector<Sample> out(count);
  const auto most = static_cast<std::int64_t>(std::floor((draw.high - draw.low) / draw.step));
  for (auto& s : out)
    for (const auto& port : graph.inputs) {
      Tensor t{port.dtype, port.shape, {}, {}, 0};
      for (std::int64_t k = 0; k < quantize::elements(port.shape); ++k) {
        const double v = draw.low + draw.step * static_cast<double>(std::uniform_int_distribution<std::int64_t>(0, most)(rng));
        if (port.dtype == DType::f32)
          t.f.push_back(static_cast<float>(v));
        else
          t.i.push_back(port.dtype == DType::i64 ? static_cast<std::int64_t>(v) : static_cast<std::int64_t>(rng() % 2));
      }
      s[port.name] = std::move(t);
    }
  return out;
}

Result<QuantizedModel> quantized(Graph graph, const Draw& draw) {
  DSPERSE_CHECK_OK(model::prepare(graph, float_operators()));
  const quantize::Interpreters interpreters{
      [&graph](const Sample& sample) { return run::run_float(graph, float_operators(), sample); },
      [](const quantize::Program& p, const quantize::WeightStore& w) -> Result<quantize::RunInteger> {
        return [&p, &w](quantize::TensorStore& trace) { return run::testing::slow_run(p, w, trace); };
      }};
  return quantize::quantize_model(graph, lowerings(), interpreters, samples(graph, draw), {});
}

QuantizedModel expect_within(const Graph& graph, double bound, const Draw& draw, const std::string& what) {
  auto model = quantized(graph, draw);
  if (!model) {
    ADD_FAILURE() << what << ": " << model.error().text();
    return {};
  }
  for (const auto& o : model->fidelity.outputs) EXPECT_LE(o.max_abs_error, bound) << what << " " << o.name;
  return std::move(*model);
}
QuantizedModel expect_exact(const Graph& graph, const std::string& what, const Draw& draw = {}) {
  return expect_within(graph, 0, draw, what);
}

std::string problem(const Graph& graph, const Draw& draw = {}) {
  const auto model = quantized(graph, draw);
  return model ? "" : model.error().text();
}

Graph one_node(const std::string& op, const std::vector<Shape>& inputs, const Attributes& attributes = {},
               std::int64_t opset = 17, DType dtype = DType::f32) {
  GraphBuilder g(opset);
  Names names;
  for (const auto& s : inputs) names.push_back(g.input(s, dtype));
  g.output(g.node(op, names, attributes));
  return g.graph;
}

double step_of(const QuantizedModel& m, quantize::TensorId t) { return std::ldexp(1.0, -m.program.tensors[t].exponent); }

// A table: half a step of the output, and the input's rounding and the grid's (half a step each) times the slope.
TEST(LowerPoints, TablesStayWithinTheirBound) {
  struct Case {
    std::string op;
    double low, high, slope;
    Attributes attributes = {};
  };
  const std::vector<Case> cases{
      {"Abs", -3, 3, 1},           {"Acos", -0.9, 0.9, 2.3},  {"Acosh", 1.5, 6, 0.9},
      {"Asin", -0.9, 0.9, 2.3},    {"Asinh", -3, 3, 1},       {"Atan", -3, 3, 1},
      {"Atanh", -0.9, 0.9, 5.3},   {"Celu", -3, 3, 1},        {"Cos", -3, 3, 1},
      {"Cosh", -2, 2, 3.7},        {"Elu", -3, 3, 1},         {"Erf", -3, 3, 1.13},
      {"Exp", -4, 2, 7.4},         {"Gelu", -4, 4, 1.13},     {"Gelu", -4, 4, 1.13, {{"approximate", std::string("tanh")}}},
      {"HardSigmoid", -5, 5, 0.2}, {"HardSwish", -5, 5, 1.5}, {"LeakyRelu", -3, 3, 2, {{"alpha", -2.0F}}},
      {"Log", 0.5, 6, 2},          {"Mish", -4, 4, 1.1},      {"Neg", -3, 3, 1},
      {"Reciprocal", 0.5, 4, 4},   {"Selu", -3, 3, 1.76},     {"Sin", -3, 3, 1},
      {"Sinh", -2, 2, 3.7},        {"Softplus", -4, 4, 1},    {"Softsign", -4, 4, 1},
      {"Sqrt", 0.25, 6, 1},        {"Swish", -4, 4, 1.1},     {"Tan", -1, 1, 3.5},
  };
  for (const Case& c : cases) {
    const auto m = expect_within(one_node(c.op, {{3, 7}}, c.attributes), 1e9, {c.low, c.high, 0.01}, c.op);
    ASSERT_EQ(m.program.ops.size(), 1U) << c.op;
    const auto& requant = std::get<quantize::Sum>(m.program.ops[0].body).requant;
    const double grid = std::ldexp(1.0, -requant.activation.in_exponent);
    EXPECT_LE(m.fidelity.outputs[0].max_abs_error,
              0.5 * step_of(m, m.program.outputs[0]) + 0.5 * c.slope * (grid + step_of(m, m.program.inputs[0])) + 1e-6)
        << c.op;
    EXPECT_EQ(requant.activation.f, quantize::Function::table) << c.op;
  }
}

TEST(LowerPoints, StepsAreExactWhereTheirInputsAre) {
  const Draw quarters{-3, 3, 0.25};
  for (const char* op : {"Ceil", "Floor", "Round", "Sign", "Abs", "Neg"}) expect_exact(one_node(op, {{4, 5}}), op, quarters);
  expect_exact(one_node("ThresholdedRelu", {{4, 5}}, {{"alpha", 0.5F}}), "ThresholdedRelu", quarters);
  expect_exact(one_node("Shrink", {{4, 5}}, {{"lambd", 0.5F}, {"bias", 0.25F}}), "Shrink", quarters);
  expect_exact(one_node("Cast", {{4, 5}}, {{"to", std::int64_t{6}}}), "Cast to integers", quarters);
  expect_exact(one_node("Cast", {{4, 5}}, {{"to", std::int64_t{9}}}), "Cast to booleans", quarters);
  expect_exact(one_node("IsNaN", {{4, 5}}), "IsNaN", quarters);
}

TEST(LowerPoints, AChainIsOneTableOfTheLayerBeforeIt) {
  Rng rng(3);
  GraphBuilder g;
  const auto number = [&](float v) { return g.constant({}, {v}); };
  const auto x = g.node("Gemm", {g.input({4, 6}), g.constant({6, 5}, testing::normal_numbers(rng, {6, 5}, 0.5))});
  const auto inner = g.node("Add", {g.node("Erf", {g.node("Div", {x, number(1.41421356F)})}), number(1)});
  g.output(g.node("Mul", {g.node("Mul", {x, inner}), number(0.5F)}));
  const auto m = expect_within(g.graph, 0.01, {-1, 1, 0.01}, "Gelu");
  ASSERT_EQ(m.program.ops.size(), 1U);
  const auto& a = std::get<quantize::Gemm>(m.program.ops[0].body).requant.activation;
  EXPECT_EQ(a.f, quantize::Function::table);
  EXPECT_EQ(a.label, "Div+Erf+Add+Mul+Mul");
}

TEST(LowerPoints, SeveralTensors) {
  for (const auto& [a, b] : std::vector<std::pair<Shape, Shape>>{{{2, 3}, {2, 3}}, {{2, 3, 4}, {3, 1}}, {{4}, {2, 4}}}) {
    for (const char* op :
         {"Max", "Min", "Sum", "Mul", "Sub", "Equal", "Less", "LessOrEqual", "Greater", "GreaterOrEqual", "Mean"})
      expect_exact(one_node(op, {a, b}), op);
    for (const char* op : {"Max", "Min", "Equal", "Less", "Greater", "Add", "Mul"})
      expect_exact(one_node(op, {a, b}, {}, 17, DType::i64), std::string("integer ") + op);
    for (const char* op : {"And", "Or", "Xor", "Equal"})
      expect_exact(one_node(op, {a, b}, {}, 17, DType::boolean), std::string("boolean ") + op);
    GraphBuilder g;
    const auto x = g.input(a), y = g.input(b), c = g.input(b, DType::boolean);
    g.output(g.node("Where", {c, x, y}));
    g.output(g.node("Where", {c, x, g.constant({}, {0})}));
    g.output(g.node("Not", {c}));
    expect_exact(g.graph, "Where");
  }
  GraphBuilder q;  // a divisor that is never negative: a quotient, elsewhere a product with the reciprocal
  const auto dividend = q.input({3, 4}), size = q.node("Abs", {q.input({3, 1})});
  q.output(q.node("Div", {dividend, size}));
  const Graph quotient = q.graph;
  const auto m = expect_within(quotient, 1e9, {0.5, 3, 0.01}, "Div");
  ASSERT_FALSE(m.program.ops.empty());
  // The operands' roundings: a / b by half a step of a over b, and of b times a / b^2.
  EXPECT_LE(m.fidelity.outputs[0].max_abs_error,
            0.5 * step_of(m, m.program.outputs[0]) + 0.5 * (2 * step_of(m, 0) + 12 * 2 * step_of(m, 1)));
  EXPECT_TRUE(std::holds_alternative<quantize::Divide>(m.program.ops.back().body));
  const auto n = expect_within(one_node("Div", {{3, 4}, {3, 1}}), 0.03, {-3, -0.5, 0.01}, "Div by what is negative");
  ASSERT_FALSE(n.program.ops.empty());
  EXPECT_TRUE(std::holds_alternative<quantize::Contract>(n.program.ops.back().body));
}

TEST(LowerPoints, ConstantOperands) {
  for (const Shape& c : {Shape{}, {1}, {3}, {2, 1}, {2, 3}}) {
    const auto n = static_cast<std::size_t>(quantize::elements(c));
    std::vector<float> values;
    for (std::size_t k = 0; k < n; ++k) values.push_back(std::vector<float>{2, -4, 0.5F, 1, -2, 8}[k]);
    for (const std::string op : {"Mul", "Div", "Sub", "Add", "Max", "Min", "Less", "Equal", "PRelu"})
      for (const bool first : {false, true}) {
        if (first && (op == "Div" || op == "PRelu")) continue;
        GraphBuilder g;
        const auto x = g.input({2, 3}), y = g.constant(c, values);
        g.output(g.node(op, first ? Names{y, x} : Names{x, y}));
        expect_exact(g.graph, op + " " + model::shape_text(c));
      }
  }
  GraphBuilder g;
  g.output(g.node("Div", {g.constant({3}, {1, 2, -4}), g.input({2, 3})}));
  expect_within(g.graph, 0.02, {1, 3, 0.01}, "constant over tensor");
  GraphBuilder h;
  h.output(h.node("Pow", {h.input({4}), h.constant({}, {2})}));
  h.output(h.node("Pow", {h.constant({}, {2}), h.input({4})}));
  expect_within(h.graph, 0.02, {-2, 2, 0.01}, "Pow");
}

TEST(LowerReductions, WholeNumbersAreExact) {
  for (const Shape& x : {Shape{2, 4}, {3, 4, 2}, {1, 4, 2, 2}})
    for (const std::string name : {"Sum", "Mean", "Max", "Min", "L1", "SumSquare", "Prod"})
      for (const Ints& axes : {Ints{1}, Ints{-1}, Ints{0, -1}}) {
        std::int64_t n = 1;
        for (const auto a : axes) n *= x[static_cast<std::size_t>(a < 0 ? a + static_cast<std::int64_t>(x.size()) : a)];
        if (name == "Mean" && (n & (n - 1)) != 0) continue;
        for (const std::int64_t keep : {0, 1})
          expect_exact(one_node("Reduce" + name, {x}, {{"axes", axes}, {"keepdims", keep}}, 11),
                       name + " of " + model::shape_text(x), {-2, 2, 1});
      }
  EXPECT_THAT(problem(one_node("ReduceProd", {{2, 16}}, {{"axes", Ints{1}}}, 11)), HasSubstr("more than 8"));
}

TEST(LowerReductions, RootsAndLogarithms) {
  for (const std::string name : {"L2", "LogSum", "LogSumExp"})
    expect_within(one_node("Reduce" + name, {{3, 8}}, {{"axes", Ints{1}}}, 11), 0.02, {0.25, 2, 0.01}, name);
}

TEST(LowerReductions, PositionsRunningSumsAndPools) {
  const std::int64_t one = 1;
  for (const char* op : {"ArgMax", "ArgMin"})
    for (const std::int64_t last : {0, 1})
      for (const std::int64_t axis : {0, 1, 2})
        expect_exact(one_node(op, {{2, 3, 4}}, {{"axis", axis}, {"select_last_index", last}, {"keepdims", last}}), op);
  for (const std::int64_t axis : {0, 1})
    for (const std::int64_t reverse : {0, 1}) {
      GraphBuilder g;
      g.graph.constants["axis"] = model::int_tensor({}, {axis});
      g.graph.values["axis"] = {"axis", DType::i64, {}};
      g.output(g.node("CumSum", {g.input({3, 5}), "axis"}, {{"reverse", reverse}, {"exclusive", reverse}}));
      expect_exact(g.graph, "CumSum");
    }
  for (const std::int64_t axis : {0, -1})
    for (const std::int64_t reverse : {0, 1})
      for (const std::int64_t exclusive : {0, 1}) {
        Graph g;
        g.opset = 26;
        g.inputs = {{"x", DType::f32, {3, 2, 4}}};
        g.constants["axis"] = model::int_tensor({}, {axis});
        g.nodes = {{"n", "CumProd", {"x", "axis"}, {"y"}, {{"reverse", reverse}, {"exclusive", exclusive}}}};
        g.outputs = {{"y", DType::f32, {}}};
        expect_exact(g, "CumProd", {-2, 2, 1});
      }
  expect_exact(one_node("Hardmax", {{3, 4}}), "Hardmax");
  expect_exact(one_node("Hardmax", {{2, 3, 4}}, {{"axis", one}}), "Hardmax");
  expect_exact(one_node("GlobalMaxPool", {{2, 3, 4, 5}}), "GlobalMaxPool");
  expect_within(one_node("GlobalLpPool", {{1, 3, 4, 5}}), 0.03, {-1, 1, 0.01}, "GlobalLpPool");
  expect_within(one_node("LpPool", {{1, 3, 6, 6}}, {{"kernel_shape", Ints{2, 2}}, {"p", std::int64_t{2}}}), 0.02, {-1, 1, 0.01},
                "LpPool");
  GraphBuilder g;
  const auto i = g.input({5}, DType::i64);
  g.graph.constants["depth"] = model::int_tensor({}, {4});
  g.graph.values["depth"] = {"depth", DType::i64, {}};
  g.output(g.node("OneHot", {i, "depth", g.constant({2}, {-1, 3})}));
  expect_exact(g.graph, "OneHot with indices that are negative or too large", {-5, 6, 1});
}

Graph top_k(const Shape& shape, std::int64_t k, const Attributes& attributes, DType dtype = DType::f32) {
  Graph g;
  g.opset = 17;
  g.inputs = {{"x", dtype, shape}};
  g.constants["k"] = model::int_tensor({1}, {k});
  g.nodes = {{"top", "TopK", {"x", "k"}, {"values", "indices"}, attributes}};
  g.outputs = {{"values", dtype, {}}, {"indices", DType::i64, {}}};
  return g;
}

TEST(LowerReductions, TheLargestFewAndTheirPositionsAreExact) {
  for (const std::int64_t largest : {0, 1})
    for (const std::int64_t axis : {0, 1, -1})
      for (const std::int64_t k : {1, 2, 3})
        for (const DType dtype : {DType::f32, DType::i64})  // among -2..2 most are equal to others
          expect_exact(top_k({3, 4, 5}, k, {{"axis", axis}, {"largest", largest}}, dtype), "TopK", {-2, 2, 1});
  expect_exact(top_k({2, 6}, 6, {}), "TopK of all", {-3, 3, 1});
  // Positions are those of the input's integers: here all differ by their step or more.
  expect_within(top_k({5}, 3, {}), 0.01, {-3, 3, 0.01}, "TopK");
  EXPECT_THAT(problem(top_k({1, 1025}, 2, {})), HasSubstr("compares more than 1048576 pairs"));
}

TEST(LowerPoints, ALeakyReluReachesFarBelowZero) {
  // The output alone would be held in steps of 2^-12, and its input would end at -1/2.
  expect_within(one_node("LeakyRelu", {{4, 8}}, {{"alpha", 0.01F}}), 0.003, {-3, 0.25, 0.01}, "LeakyRelu");
}

TEST(LowerRows, SoftmaxAndNormalizations) {
  for (const std::int64_t opset : {11, 17})
    for (const std::int64_t axis : {1, 2})
      expect_within(one_node("Softmax", {{2, 3, 4}}, {{"axis", axis}}, opset), 2e-3, {-3, 3, 0.01}, "Softmax");
  expect_within(one_node("LogSoftmax", {{3, 6}}), 0.02, {-3, 3, 0.01}, "LogSoftmax");
  for (const std::string op : {"LayerNormalization", "RMSNormalization"})
    for (const std::int64_t axis : {-1, -2}) {
      GraphBuilder g;
      const Shape rows = axis == -1 ? Shape{8} : Shape{3, 8};
      Rng rng(5);
      const auto n = quantize::elements(rows);
      Names inputs{g.input({2, 3, 8}), g.constant(rows, testing::normal_numbers(rng, {n}, 1))};
      if (op == "LayerNormalization") inputs.push_back(g.constant(rows, testing::normal_numbers(rng, {n}, 1)));
      g.output(g.node(op, inputs, {{"axis", axis}}));
      expect_within(g.graph, 0.03, {-3, 3, 0.01}, op);
    }
  GraphBuilder f;  // the mean and 1 / deviation of each row too
  const auto rows = f.input({2, 8});
  f.graph.nodes.push_back(
      {"n", "LayerNormalization", {rows, f.constant({8}, std::vector<float>(8, 1))}, {"y", "mean", "inverse"}, {}});
  f.graph.outputs = {{"y", DType::f32, {}}, {"mean", DType::f32, {}}, {"inverse", DType::f32, {}}};
  expect_within(f.graph, 0.03, {-2, 2, 0.01}, "LayerNormalization and its statistics");
  GraphBuilder g;  // a scale that is computed
  const auto x = g.input({2, 8}), s = g.input({8});
  g.output(g.node("LayerNormalization", {x, s}));
  expect_within(g.graph, 0.05, {-2, 2, 0.01}, "LayerNormalization with a computed scale");
}

TEST(LowerQuantized, QuantizationIsExactOnItsGrid) {
  const auto zero = [](GraphBuilder& g, const Ints& values, std::int32_t element) {
    const std::string name = "zero" + std::to_string(g.graph.constants.size());
    const Shape shape = values.size() == 1 ? Shape{} : Shape{static_cast<std::int64_t>(values.size())};
    g.graph.constants[name] = model::int_tensor(shape, values);
    g.graph.constants[name].element = element;
    g.graph.values[name] = {name, DType::i64, shape};
    return name;
  };
  for (const bool per_axis : {false, true}) {
    GraphBuilder g;
    const auto x = g.input({2, 3});
    const auto scale = per_axis ? g.constant({3}, {0.5F, 0.25F, 1}) : g.constant({}, {0.5F});
    const auto z = per_axis ? zero(g, {3, -4, 0}, 3) : zero(g, {7}, 3);
    const auto q = g.node("QuantizeLinear", {x, scale, z});
    g.output(q);
    g.output(g.node("DequantizeLinear", {q, scale, z}));
    expect_exact(g.graph, "QuantizeLinear", {-3, 3, 0.25});
  }
  Rng rng(8);
  GraphBuilder g;  // a quantized convolution between its input's and its output's scales
  const auto number = [&](float v) { return g.constant({}, {v}); };
  const auto q = g.node("QuantizeLinear", {g.input({1, 2, 5, 5}), number(0.25F), zero(g, {5}, 2)});
  g.graph.constants["w"] = model::int_tensor({3, 2, 3, 3}, {});
  for (int k = 0; k < 54; ++k) g.graph.constants["w"].i.push_back(static_cast<std::int64_t>(rng() % 9) - 4);
  g.graph.constants["w"].element = 3;
  g.graph.values["w"] = {"w", DType::i64, {3, 2, 3, 3}};
  const auto w_scale = g.constant({3}, {0.5F, 0.25F, 0.125F});
  const auto y = g.node(
      "QLinearConv", {q, number(0.25F), zero(g, {5}, 2), "w", w_scale, zero(g, {0, 0, 0}, 3), number(0.5F), zero(g, {100}, 2)});
  g.output(g.node("DequantizeLinear", {y, number(0.5F), zero(g, {100}, 2)}));
  expect_within(g.graph, 0.5, {-1, 2, 0.25}, "QLinearConv");  // one of its steps, where a rounding falls the other way
}

TEST(LowerQuantized, DynamicQuantizationIsLeftOut) {
  GraphBuilder g(13);
  model::Node node{"quantize", "DynamicQuantizeLinear", {g.input({2, 4})}, {"q", "s", "z"}, {}};
  g.graph.values["q"] = {"q", DType::i64, {2, 4}};
  g.graph.values["s"] = {"s", DType::f32, {}};
  g.graph.values["z"] = {"z", DType::i64, {}};
  g.graph.nodes.push_back(node);
  g.graph.constants["w"] = model::int_tensor({4, 2}, {1, -2, 3, 4, -5, 6, 7, 8});
  g.graph.values["w"] = {"w", DType::i64, {4, 2}};
  const auto product = g.node("MatMulInteger", {"q", "w", "z"});
  const auto real = g.node("Cast", {product}, {{"to", std::int64_t{1}}});
  g.output(g.node("Mul", {real, g.node("Mul", {"s", g.constant({}, {0.125F})})}));
  const auto m = expect_within(g.graph, 0.01, {-2, 2, 0.01}, "dynamic quantization");
  EXPECT_EQ(m.program.ops.size(), 1U) << "one product with real weights";
}

TEST(LowerPoints, Refusals) {
  EXPECT_THAT(problem(one_node("Pow", {{3}, {3}}), {0.5, 2, 0.25}), HasSubstr("Pow of several tensors"));
  EXPECT_THAT(problem(one_node("Mod", {{3}, {3}}, {}, 17, DType::i64), {1, 5, 1}), HasSubstr("Mod of several tensors"));
  EXPECT_THAT(problem(one_node("Div", {{3}, {3}}, {}, 17, DType::i64), {1, 5, 1}), HasSubstr("division of integers"));
}

}  // namespace
}  // namespace dsperse::ops
