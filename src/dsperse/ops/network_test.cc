// Whole networks with random weights: float against integers, floors for top-1 agreement and signal to error; every slice proved.
#include <gtest/gtest.h>

#include <cmath>

#include "dsperse/backend/native/native.h"
#include "dsperse/ops/constrain.h"
#include "dsperse/ops/lower.h"
#include "dsperse/ops/registry.h"
#include "dsperse/ops/testing/graphs.h"
#include "dsperse/pipeline/benchmark.h"
#include "dsperse/quantize/calibrate/calibrate.h"
#include "dsperse/slice/plan.h"

namespace dsperse::ops {
namespace {

using quantize::QuantizedModel;
using quantize::Sample;
using testing::GraphBuilder;
using testing::normal_numbers;
using testing::Rng;
using Ints = std::vector<std::int64_t>;

/// Layers with weights of a deviation that keeps signals at their size.
struct Net : GraphBuilder {
  explicit Net(std::uint64_t seed) : rng(seed) {}
  Rng rng;

  std::string conv(const std::string& x, std::int64_t outputs, std::int64_t k, std::int64_t pad = 0, std::int64_t stride = 1,
                   bool depthwise = false) {
    const std::int64_t c = graph.values.at(x).shape[1], inner = depthwise ? 1 : c;
    const model::Shape w{outputs, inner, k, k};
    return node("Conv",
                {x, constant(w, normal_numbers(rng, w, std::sqrt(2.0 / static_cast<double>(inner * k * k)))),
                 constant({outputs}, normal_numbers(rng, {outputs}, 0.1))},
                {{"pads", Ints(4, pad)}, {"strides", Ints{stride, stride}}, {"group", depthwise ? c : 1}});
  }
  std::string dense(const std::string& x, std::int64_t outputs) {
    const std::int64_t k = graph.values.at(x).shape.back();
    return node("Gemm", {x, constant({k, outputs}, normal_numbers(rng, {k, outputs}, std::sqrt(2.0 / static_cast<double>(k)))),
                         constant({outputs}, normal_numbers(rng, {outputs}, 0.1))});
  }
  std::string relu(const std::string& x) { return node("Relu", {x}); }
  std::string pool(const std::string& x) { return node("MaxPool", {x}, {{"kernel_shape", Ints{2, 2}}, {"strides", Ints{2, 2}}}); }
};

model::Graph lenet() {
  Net n(1);
  auto x = n.input({1, 1, 28, 28});
  x = n.relu(n.pool(n.conv(x, 6, 5, 2)));
  x = n.pool(n.relu(n.conv(x, 16, 5)));
  x = n.relu(n.dense(n.node("Flatten", {x}), 120));
  x = n.relu(n.dense(x, 84));
  n.output(n.dense(x, 10));
  return n.graph;
}

model::Graph residual() {
  Net n(2);
  auto x = n.relu(n.conv(n.input({1, 3, 16, 16}), 16, 3, 1));
  for (const std::int64_t stride : {1, 2, 1}) {
    auto y = n.conv(n.relu(n.conv(x, 16, 3, 1, stride)), 16, 3, 1);
    x = n.relu(n.node("Add", {y, stride == 1 ? x : n.conv(x, 16, 1, 0, stride)}));
  }
  n.output(n.dense(n.node("Flatten", {n.node("GlobalAveragePool", {x})}), 10));
  return n.graph;
}

model::Graph mobile() {
  Net n(3);
  const auto six = [&](const std::string& x) { return n.node("Clip", {x, n.constant({}, {0}), n.constant({}, {6})}); };
  auto x = six(n.conv(n.input({1, 3, 16, 16}), 8, 3, 1, 2));
  for (const std::int64_t channels : {8, 16}) {
    auto y = six(n.conv(x, 24, 1));
    y = six(n.conv(y, 24, 3, 1, 1, true));
    y = n.conv(y, channels, 1);
    x = channels == 8 ? n.node("Add", {x, y}) : y;
  }
  const auto joined = n.node("Concat", {x, n.node("Sigmoid", {n.conv(x, 8, 1)})}, {{"axis", std::int64_t{1}}});
  const auto mean = n.node("AveragePool", {joined}, {{"kernel_shape", Ints{4, 4}}, {"strides", Ints{4, 4}}});
  n.output(n.dense(n.node("Flatten", {mean}), 10));
  return n.graph;
}

QuantizedModel quantized(const model::Graph& graph, const quantize::QuantizeOptions& options = {}) {
  auto m = quantize::calibrate(graph, float_operators(), lowerings(), quantize::default_samples(graph, 16), options);
  if (!m) {
    ADD_FAILURE() << m.error().text();
    return {};
  }
  return *std::move(m);
}

/// Samples that calibration has not seen: all but the first sixteen of the same stream.
std::vector<Sample> fresh(const model::Graph& graph, std::size_t count) {
  auto samples = quantize::default_samples(graph, 16 + count);
  return {samples.begin() + 16, samples.end()};
}

std::string shapes(const QuantizedModel& m) {
  std::string s;
  for (const auto& op : m.program.ops) s += "CGSAMR"[op.body.index()];
  return s;
}

void expect_faithful(const model::Graph& graph, const QuantizedModel& m, double least_sqnr, double least_top1) {
  const auto f = quantize::measure_fidelity(m, quantize::interpreters(graph, float_operators()), fresh(graph, 200));
  ASSERT_TRUE(f) << f.error().text();
  for (std::size_t t = 0; t < f->tensors.size(); ++t) {
    const auto& x = f->tensors[t];
    EXPECT_GT(x.sqnr_db, least_sqnr) << x.name;
    EXPECT_LT(x.clipped_share, 1e-3) << x.name;
  }
  EXPECT_GE(f->outputs[0].top1_agreement, least_top1);
  EXPECT_GT(f->outputs[0].cosine, 0.9999);
}

TEST(Network, LeNet) {
  const auto graph = lenet();
  const auto m = quantized(graph);
  EXPECT_EQ(shapes(m), "CMCMGGG");
  expect_faithful(graph, m, 45, 0.97);
}

TEST(Network, Residual) {
  const auto graph = residual();
  const auto m = quantized(graph);
  EXPECT_EQ(shapes(m), "CCCSCCCSCCSAG");
  // The block with a convolution on both paths: its sum has no remainder.
  EXPECT_EQ(m.program.ops[7].name.substr(0, 3), "Add");
  EXPECT_EQ(quantize::op_requant(m.program.ops[7])->shift, std::vector<std::int32_t>{0});
  expect_faithful(graph, m, 45, 0.97);
}

TEST(Network, DepthwiseClipSigmoidConcat) {
  const auto graph = mobile();
  const auto m = quantized(graph);
  EXPECT_EQ(shapes(m), "CCCCSCCCCRAG");
  expect_faithful(graph, m, 40, 0.97);
}

TEST(Network, CanBeProvedAndRemaindersTakeTwoLookups) {
  for (const auto& graph : {lenet(), residual(), mobile()}) {
    const auto m = quantized(graph);
    const auto relation = constrain(m.program, m.program.inputs, {});
    EXPECT_TRUE(relation.has_value()) << relation.error().text();
    for (const auto& op : m.program.ops) {
      const auto* r = quantize::op_requant(op);
      if (r == nullptr) continue;
      for (const auto s : r->shift) EXPECT_LE(s, 16) << op.name;
    }
  }
}

/// A one-dimensional net of odd sizes: asymmetric padding, dilation, stride, a branch, and an end of one pixel.
model::Graph audio() {
  Net n(4);
  const auto conv = [&](const std::string& x, std::int64_t outputs, std::int64_t k, Ints pads, std::int64_t dilation,
                        std::int64_t stride) {
    const model::Shape w{outputs, n.graph.values.at(x).shape[1], k};
    return n.node("Conv", {x, n.constant(w, normal_numbers(n.rng, w, std::sqrt(2.0 / static_cast<double>(w[1] * k))))},
                  {{"pads", std::move(pads)}, {"dilations", Ints{dilation}}, {"strides", Ints{stride}}});
  };
  auto x = n.node("Tanh", {conv(n.input({1, 1, 97}), 5, 7, {3, 2}, 1, 2)});
  x = n.node("Add", {conv(x, 5, 3, {2, 2}, 2, 1), x});
  x = n.node("MaxPool", {n.node("LeakyRelu", {conv(x, 3, 3, {0, 1}, 3, 3)})}, {{"kernel_shape", Ints{3}}, {"strides", Ints{2}}});
  n.output(n.dense(n.node("Flatten", {conv(x, 4, n.graph.values.at(x).shape[2], {0, 0}, 1, 1)}), 3));
  return n.graph;
}

/// Cut by layers, every slice proved and its proof accepted, weight ranges too.
TEST(Network, EverySliceIsProvedAndVerified) {
  for (const auto& graph : {lenet(), residual(), mobile(), audio()}) {
    store::PlanFile plan;
    plan.name = "network";
    plan.calibration = "default";
    plan.model = quantized(graph);
    const auto cut = slice::make_plan(plan.model.program, {}, slice::Costing());
    ASSERT_TRUE(cut) << cut.error().text();
    EXPECT_GT(cut->slices.size(), 1U);
    for (const slice::Slice& s : cut->slices) {
      if (s.last_op < plan.model.program.ops.size()) plan.cuts.push_back(s.last_op - 1);
      plan.treatments.push_back({.proof = true});
      plan.predicted.push_back(s.cost);
    }
    quantize::TensorStore inputs(plan.model.program.tensors.size());
    const quantize::TensorId x = plan.model.program.inputs[0];
    const Sample sample = fresh(graph, 1)[0];
    auto q =
        quantize::quantize_input(plan.model.inputs[0], plan.model.program.tensors[x], sample.at(plan.model.inputs[0].name).f);
    ASSERT_TRUE(q) << q.error().text();
    inputs[x] = std::move(q->values);
    for (const auto profile : {proof::Profile::bits100, proof::Profile::bits128}) {
      const auto done = pipeline::benchmark_plan(plan, inputs, backend::Native(), {1, {1}, profile}, {});
      EXPECT_TRUE(done) << done.error().text();
    }
  }
}

TEST(Network, SameBytesEveryTime) {
  const auto graph = residual();
  const auto a = quantized(graph), b = quantized(graph);
  EXPECT_EQ(quantize::encode_program(a.program), quantize::encode_program(b.program));
  for (std::size_t i = 0; i < a.weights.size(); ++i) {
    EXPECT_EQ(a.weights[i].narrow, b.weights[i].narrow);
    EXPECT_EQ(a.weights[i].wide, b.weights[i].wide);
  }
}

TEST(Network, FewerBitsCostSignal) {
  const auto graph = lenet();
  double last = 1000;
  for (const unsigned bits : {16U, 12U, 8U}) {
    quantize::QuantizeOptions options;
    options.activation_bits = options.weight_bits = bits;
    const auto m = quantized(graph, options);
    const double now = m.fidelity.tensors.back().sqnr_db;
    EXPECT_LT(now, last - 10) << bits;
    last = now;
  }
  EXPECT_GT(last, 15);
}

}  // namespace
}  // namespace dsperse::ops
