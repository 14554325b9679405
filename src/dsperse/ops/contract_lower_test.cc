// Contractions, element-wise products, reductions and tables of any function, lowered and run on integers against floats. Whole
// numbers must agree exactly, which pins layouts and letters; reals within what docs/semantics.md says.
#include <gtest/gtest.h>

#include <cmath>

#include "dsperse/ops/lower.h"
#include "dsperse/ops/registry.h"
#include "dsperse/ops/testing/graphs.h"
#include "dsperse/quantize/lowering.h"
#include "dsperse/quantize/quantize.h"
#include "dsperse/run/float.h"
#include "dsperse/run/testing/slow_run.h"

namespace dsperse::ops {
namespace {

using model::Graph;
using model::Node;
using model::Shape;
using quantize::Function;
using quantize::Lowering;
using quantize::QuantizedModel;
using quantize::RealActivation;
using quantize::Sample;
using testing::GraphBuilder;
using testing::normal_numbers;
using testing::Rng;
using testing::whole_numbers;
using Ints = std::vector<std::int64_t>;

/// The lowerings, some operators replaced by what is tested here: Mul by multiply(), GlobalAveragePool by a mean over the last
/// two axes, Tanh by a table.
const quantize::LowerSet& replaced() {
  static const quantize::LowerSet set = [] {
    quantize::LowerSet out = lowerings();
    out.insert_or_assign("Mul", quantize::Lower{[](Lowering& l, const Node& node) -> Status {
                           std::array<quantize::RealTerm, 2> terms;
                           for (std::size_t i = 0; i < 2; ++i) {
                             if (const model::Tensor* c = l.constant(node, i)) {
                               terms[i].shape = c->shape, terms[i].values = c->f;
                             } else {
                               DSPERSE_TRY(terms[i].tensor, l.tensor(node, i));
                             }
                           }
                           return l.multiply(node, terms[0], terms[1]);
                         }});
    out.insert_or_assign("GlobalAveragePool", quantize::Lower{[](Lowering& l, const Node& node) -> Status {
                           DSPERSE_TRY(const quantize::Value x, l.tensor(node, 0));
                           return l.reduce(node, x, {2, 3}, true);
                         }});
    out.insert_or_assign("Tanh", quantize::Lower{[](Lowering& l, const Node& node) {
                           return l.activation(
                               node, {.f = Function::table, .label = "tanh", .of = [](double x) { return std::tanh(x); }});
                         }});
    return out;
  }();
  return set;
}

quantize::Interpreters interpreters(const Graph& graph) {
  return {[&graph](const Sample& sample) { return run::run_float(graph, float_operators(), sample); },
          [](const quantize::Program& p, const quantize::WeightStore& w) -> Result<quantize::RunInteger> {
            return [&p, &w](quantize::TensorStore& trace) { return run::testing::slow_run(p, w, trace); };
          }};
}

std::vector<Sample> samples(const Graph& graph, bool whole) {
  Rng rng(5);
  std::vector<Sample> out(3);
  for (auto& s : out)
    for (const auto& port : graph.inputs)
      s[port.name] =
          model::float_tensor(port.shape, whole ? whole_numbers(rng, port.shape, 2) : normal_numbers(rng, port.shape, 1));
  return out;
}

QuantizedModel quantized(const Graph& graph, bool whole) {
  auto model = quantize::quantize_model(graph, replaced(), interpreters(graph), samples(graph, whole), {});
  if (!model) {
    ADD_FAILURE() << model.error().text();
    return {};
  }
  return std::move(*model);
}

/// Kinds of the program's ops: C(onv) G(emm) S(um) A(verage) M(ax) R(earrange) c(ontract) r(educe).
std::string kinds(const QuantizedModel& m) {
  std::string s;
  for (const auto& op : m.program.ops) s += "CGSAMRcr"[op.body.index()];
  return s;
}

std::string exact(const Graph& graph) {
  const QuantizedModel m = quantized(graph, true);
  for (const auto& o : m.fidelity.outputs) EXPECT_EQ(o.max_abs_error, 0) << o.name;
  return kinds(m);
}

TEST(LowerMatMul, OfActivations) {
  for (const auto& [a, b] : std::vector<std::pair<Shape, Shape>>{{{3, 4}, {4, 5}},
                                                                 {{2, 3, 4}, {2, 4, 5}},
                                                                 {{2, 3, 4}, {4, 5}},
                                                                 {{3, 4}, {2, 4, 5}},
                                                                 {{2, 1, 3, 4}, {5, 4, 2}},
                                                                 {{1, 4}, {4, 1}},
                                                                 {{4}, {4, 5}},
                                                                 {{3, 4}, {4}},
                                                                 {{4}, {4}},
                                                                 {{2, 1, 4}, {2, 4, 1}}}) {
    SCOPED_TRACE(model::shape_text(a) + " times " + model::shape_text(b));
    GraphBuilder g;
    const auto x = g.input(a), y = g.input(b);
    g.output(g.node("MatMul", {x, y}));
    EXPECT_EQ(exact(g.graph), "c");
    for (const bool left : {true, false}) {
      Rng rng(3);
      GraphBuilder c;
      const auto in = c.input(left ? b : a);
      const auto w = c.constant(left ? a : b, whole_numbers(rng, left ? a : b, 2));
      c.output(c.node("MatMul", {left ? w : in, left ? in : w}));
      EXPECT_EQ(exact(c.graph), left || b.size() > 2 ? "c" : "G");
    }
  }
}

/// Heads are split and joined by views; what has to lie otherwise for a Gemm is moved once.
TEST(LowerMatMul, AttentionMovesNothingButTheContext) {
  GraphBuilder g;
  const auto x = g.input({2, 5, 6});
  const auto heads = [&](const std::string& t, Ints perm) {
    return g.node("Transpose", {g.node("Reshape", {t, g.integers({2, 5, 2, 3})})}, {{"perm", std::move(perm)}});
  };
  const auto scores = g.node("MatMul", {heads(x, {0, 2, 1, 3}), heads(x, {0, 2, 3, 1})});
  const auto context = g.node("MatMul", {scores, heads(x, {0, 2, 1, 3})});
  g.output(g.node("Reshape", {g.node("Transpose", {context}, {{"perm", Ints{0, 2, 1, 3}}}), g.integers({2, 5, 6})}));
  EXPECT_EQ(exact(g.graph), "ccR");
}

TEST(LowerMul, Layouts) {
  Rng rng(9);
  const auto conv = [&](GraphBuilder& g, const std::string& x) {
    return g.node("Conv", {x, g.constant({3, 2, 1, 1}, whole_numbers(rng, {3, 2, 1, 1}, 2))});
  };
  {
    GraphBuilder g;  // channels-last with channels-last
    const auto x = g.input({1, 2, 4, 5});
    g.output(g.node("Mul", {conv(g, x), conv(g, x)}));
    EXPECT_EQ(exact(g.graph), "CCc");
  }
  {
    GraphBuilder g;  // a gate per channel, on either side
    const auto x = g.input({2, 2, 4, 4}), gate = g.input({2, 3, 1, 1});
    g.output(g.node("Mul", {gate, conv(g, x)}));
    EXPECT_EQ(exact(g.graph), "Cc");
  }
  {
    GraphBuilder g;  // an image with what lies row by row
    const auto x = g.input({1, 2, 4, 5}), y = g.input({1, 60});
    g.output(g.node("Mul", {conv(g, x), g.node("Reshape", {y, g.integers({1, 3, 4, 5})})}));
    EXPECT_EQ(exact(g.graph), "Cc");
  }
  {
    GraphBuilder g;  // the square of an image that was flattened
    const auto x = g.node("Flatten", {conv(g, g.input({1, 2, 4, 5}))});
    g.output(g.node("Mul", {x, x}));
    EXPECT_EQ(exact(g.graph).substr(0, 2), "Cc");
  }
  for (const auto& [a, b] : std::vector<std::pair<Shape, Shape>>{
           {{2, 3}, {3}}, {{3}, {2, 3}}, {{2, 1}, {1, 3}}, {{1}, {4}}, {{}, {2, 2}}, {{1, 1}, {1}}}) {
    GraphBuilder g;
    const auto x = g.input(a), y = g.input(b);
    g.output(g.node("Mul", {x, y}));
    EXPECT_EQ(exact(g.graph), "c") << model::shape_text(a) << " " << model::shape_text(b);
  }
}

TEST(LowerMul, ConstantsJoinWhatIsThere) {
  Rng rng(10);
  const auto of = [&](const std::string& op, const Shape& shape, std::vector<float> values) {
    GraphBuilder g;
    std::string x;
    if (op == "Conv")
      x = g.node("Conv", {g.input({1, 2, 3, 3}), g.constant({4, 2, 1, 1}, whole_numbers(rng, {4, 2, 1, 1}, 2)),
                          g.constant({4}, {1, 2, 3, 4})});
    if (op == "MatMul") x = g.node("MatMul", {g.input({2, 3}), g.input({3, 4})});
    if (op == "Input") x = g.input({2, 4});
    g.output(g.node("Mul", {g.constant(shape, std::move(values)), x}));
    return exact(g.graph);
  };
  EXPECT_EQ(of("Conv", {4, 1, 1}, {1, 2, -1, 3}), "C");
  EXPECT_EQ(of("Conv", {}, {3}), "C");
  EXPECT_EQ(of("Conv", {3, 1}, {1, 2, 3}), "Cc");
  EXPECT_EQ(of("MatMul", {1}, {0.25F}), "c");
  EXPECT_EQ(of("MatMul", {1}, {3}), "cc");
  EXPECT_EQ(of("MatMul", {4}, {1, 2, 3, 4}), "cc");
  EXPECT_EQ(of("Input", {1}, {-0.5F}), "S");
  EXPECT_EQ(of("Input", {}, {8}), "S");
  EXPECT_EQ(of("Input", {2, 1}, {3, -5}), "c");
}

TEST(LowerReduce, MeansOfAnyLayout) {
  for (const bool after_conv : {false, true}) {
    GraphBuilder g;
    Rng rng(4);
    auto x = g.input({2, 2, 4, 4});
    if (after_conv) x = g.node("Conv", {x, g.constant({3, 2, 1, 1}, whole_numbers(rng, {3, 2, 1, 1}, 2))});
    g.output(g.node("GlobalAveragePool", {x}));
    EXPECT_EQ(exact(g.graph), after_conv ? "Cr" : "r");  // 16 taps: the multiplier is exact
  }
  GraphBuilder g;
  g.output(g.node("GlobalAveragePool", {g.input({1, 3, 9, 11})}));
  const QuantizedModel m = quantized(g.graph, false);
  EXPECT_LT(m.fidelity.outputs.at(0).max_abs_error, 1e-3);
}

TEST(LowerTable, JoinsTheOpBeforeIt) {
  GraphBuilder g;
  Rng rng(6);
  const auto x = g.input({4, 8});
  g.output(g.node("Tanh", {g.node("MatMul", {x, g.constant({8, 6}, normal_numbers(rng, {8, 6}, 0.7))})}));
  const QuantizedModel m = quantized(g.graph, false);
  EXPECT_EQ(kinds(m), "G");
  EXPECT_LT(m.fidelity.outputs.at(0).max_abs_error, 4e-3);
  const auto& a = std::get<quantize::Gemm>(m.program.ops[0].body).requant.activation;
  EXPECT_EQ(a.f, Function::table);
  EXPECT_EQ(a.label, "tanh");
  EXPECT_GT(a.hi, 1000);
}

TEST(LowerTable, DoesNotPassAMaximum) {
  GraphBuilder g;
  const auto x = g.node("MaxPool", {g.input({1, 2, 4, 4})}, {{"kernel_shape", Ints{2, 2}}});
  g.output(g.node("Tanh", {x}));
  EXPECT_EQ(kinds(quantized(g.graph, false)), "MS");
}

/// Steps, poles and overflow: whatever the function gives, the Program is valid and the values are clamped.
TEST(LowerTable, AnyFunction) {
  const auto run = [](std::function<double(double)> of) {
    GraphBuilder g;
    g.output(g.node("Tanh", {g.input({40, 5})}));
    quantize::LowerSet set = replaced();
    set.insert_or_assign("Tanh", quantize::Lower{[&](Lowering& l, const Node& node) {
                           return l.activation(node, {.f = Function::table, .label = "odd", .of = of});
                         }});
    return quantize::quantize_model(g.graph, set, interpreters(g.graph), samples(g.graph, false), {});
  };
  const auto values = [&](std::function<double(double)> of) {
    const auto m = run(std::move(of));
    EXPECT_TRUE(m) << m.error().text();
    return std::get<quantize::Sum>(m->program.ops.at(0).body).requant.activation;
  };
  const auto step = values([](double x) { return x < 0 ? -1.0 : 0.5; });
  EXPECT_LT(step.lo, 0);
  EXPECT_EQ(step.lo, -2 * step.hi);
  const auto pole = values([](double x) { return 0.5 / x; });
  EXPECT_EQ(pole.values.at(pole.values.size() / 2), pole.hi) << "infinity is the end of the range";
  const auto root = values([](double x) { return 0.5 * std::sqrt(x); });
  EXPECT_EQ(root.values.at(0), 0) << "NaN";
}

}  // namespace
}  // namespace dsperse::ops
