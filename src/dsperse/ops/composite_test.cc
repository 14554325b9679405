// Normalizations and losses that are written out, against plain loops over ONNX's definitions.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <random>

#include "dsperse/model/passes.h"
#include "dsperse/ops/registry.h"
#include "dsperse/run/float.h"

namespace dsperse::ops {
namespace {

using model::DType;
using model::float_tensor;
using model::Graph;
using model::int_tensor;
using model::Shape;
using model::Tensor;
using ::testing::HasSubstr;
using Attributes = std::map<std::string, model::Attribute>;

Tensor random(const Shape& shape, unsigned seed = 1) {
  std::mt19937 rng(seed);
  std::uniform_real_distribution<float> draw(-2, 2);
  std::vector<float> values(static_cast<std::size_t>(model::element_count(shape).value()));
  for (float& v : values) v = draw(rng);
  return float_tensor(shape, std::move(values));
}

Graph single(const std::string& op, const Tensor& x, const std::vector<Tensor>& constants, Attributes attributes,
             std::int64_t opset, std::size_t outputs = 1) {
  Graph g;
  g.opset = opset;
  g.inputs = {{"x", x.dtype, x.shape}};
  model::Node node{"it", op, {"x"}, {}, std::move(attributes)};
  for (const Tensor& t : constants) {
    node.inputs.push_back("c" + std::to_string(node.inputs.size()));
    g.constants[node.inputs.back()] = t;
  }
  for (std::size_t i = 0; i < outputs; ++i) {
    node.outputs.push_back("y" + std::to_string(i));
    g.outputs.push_back({node.outputs[i], DType::f32, {}});
  }
  g.nodes = {std::move(node)};
  return g;
}

/// Outputs after prepare(); none of the nodes is still `op`.
std::vector<Tensor> run(Graph g, const Tensor& x) {
  const std::string op = g.nodes[0].op;
  const auto status = model::prepare(g, float_operators());
  EXPECT_TRUE(status) << op << ": " << status.error().text();
  if (!status) return {};
  for (const auto& node : g.nodes) EXPECT_NE(node.op, op);
  const auto values = run::run_float(g, float_operators(), {{"x", x}});
  EXPECT_TRUE(values) << op << ": " << values.error().text();
  std::vector<Tensor> out;
  if (values)
    for (const auto& port : g.outputs) out.push_back(values->at(port.name));
  return out;
}

std::string error(Graph g) {
  const auto status = model::prepare(g, float_operators());
  return status ? "accepted" : status.error().text();
}

/// want(i): element i of output 0.
void expect(const std::vector<Tensor>& got, const Shape& shape, const std::function<double(std::size_t)>& want,
            const std::string& what, std::size_t output = 0) {
  ASSERT_GT(got.size(), output) << what;
  ASSERT_EQ(got[output].shape, shape) << what;
  for (std::size_t i = 0; i < got[output].f.size(); ++i)
    EXPECT_NEAR(static_cast<double>(got[output].f[i]), want(i), 2e-5) << what << " element " << i;
}

/// (x - mean) / sqrt(variance + epsilon) among the elements that `same` puts together with i.
double standardized(const Tensor& x, std::size_t i, double epsilon, const std::function<std::size_t(std::size_t)>& group) {
  double sum = 0, squares = 0, n = 0;
  for (std::size_t k = 0; k < x.f.size(); ++k) {
    if (group(k) != group(i)) continue;
    const auto v = static_cast<double>(x.f[k]);
    sum += v, squares += v * v, n += 1;
  }
  const double mean = sum / n;
  return (static_cast<double>(x.f[i]) - mean) / std::sqrt(squares / n - mean * mean + epsilon);
}

TEST(Composite, GroupAndInstanceNormalization) {
  for (const Shape& shape : {Shape{2, 6, 3, 2}, Shape{2, 6, 5}, Shape{1, 6, 2, 2, 2}}) {
    const Tensor x = random(shape), channels = random({6}, 2), shift = random({6}, 3), groups = random({3}, 4),
                 group_shift = random({3}, 5);
    const std::size_t inner = x.f.size() / static_cast<std::size_t>(shape[0] * 6);
    const auto channel = [&](std::size_t i) { return i / inner % 6; };
    const auto group = [&](std::size_t i) { return i / (2 * inner); };
    const auto v = [](const Tensor& t, std::size_t i) { return static_cast<double>(t.f[i]); };
    const Attributes three{{"num_groups", std::int64_t{3}}, {"epsilon", 0.01F}};
    expect(
        run(single("GroupNormalization", x, {channels, shift}, three, 21), x), shape,
        [&](std::size_t i) { return standardized(x, i, 0.01, group) * v(channels, channel(i)) + v(shift, channel(i)); }, "21");
    expect(
        run(single("GroupNormalization", x, {groups, group_shift}, three, 18), x), shape,
        [&](std::size_t i) {
          return standardized(x, i, 0.01, group) * v(groups, channel(i) / 2) + v(group_shift, channel(i) / 2);
        },
        "18");
    expect(
        run(single("InstanceNormalization", x, {channels, shift}, {}, 17), x), shape,
        [&](std::size_t i) {
          return standardized(x, i, 1e-5, [&](std::size_t k) { return k / inner; }) * v(channels, channel(i)) +
                 v(shift, channel(i));
        },
        "instance");
  }
  const Tensor x = random({1, 4, 2});
  EXPECT_THAT(error(single("GroupNormalization", x, {random({4}), random({4})}, {{"num_groups", std::int64_t{3}}}, 21)),
              HasSubstr("3 groups do not divide 4 channels"));
  EXPECT_THAT(error(single("InstanceNormalization", x, {random({3}), random({4})}, {}, 17)), HasSubstr("shape 3, expected 4"));
}

TEST(Composite, MeanVarianceAndLpNormalization) {
  const Tensor x = random({2, 3, 2, 2});
  expect(
      run(single("MeanVarianceNormalization", x, {}, {}, 13), x), x.shape,
      [&](std::size_t i) { return standardized(x, i, 0, [](std::size_t k) { return k / 4 % 3; }); }, "mean and variance");
  for (const std::int64_t p : {1, 2}) {
    const auto norm = [&](std::size_t i) {
      double sum = 0;
      for (std::size_t k = 0; k < 3; ++k) {
        const double v = std::fabs(static_cast<double>(x.f[i / 12 * 12 + k * 4 + i % 4]));
        sum += p == 1 ? v : v * v;
      }
      return p == 1 ? sum : std::sqrt(sum);
    };
    expect(
        run(single("LpNormalization", x, {}, {{"p", p}, {"axis", std::int64_t{1}}}, 13), x), x.shape,
        [&](std::size_t i) { return static_cast<double>(x.f[i]) / norm(i); }, "norm " + std::to_string(p));
  }
  const Tensor zero = float_tensor({1, 2}, {0, 0});
  expect(run(single("LpNormalization", zero, {}, {}, 13), zero), {1, 2}, [](std::size_t) { return 0; }, "zeros");
}

TEST(Composite, Lrn) {
  const Tensor x = random({1, 5, 2, 3});
  for (const std::int64_t size : {1, 3, 4})
    expect(
        run(single("LRN", x, {}, {{"size", size}, {"alpha", 0.5F}, {"beta", 0.6F}, {"bias", 2.0F}}, 13), x), x.shape,
        [&](std::size_t i) {
          const auto c = static_cast<std::int64_t>(i / 6);
          double sum = 0;
          for (std::int64_t k = std::max<std::int64_t>(0, c - (size - 1) / 2); k <= std::min<std::int64_t>(4, c + size / 2);
               ++k) {
            const auto v = static_cast<double>(x.f[static_cast<std::size_t>(k) * 6 + i % 6]);
            sum += v * v;
          }
          return static_cast<double>(x.f[i]) / std::pow(2 + 0.5 / static_cast<double>(size) * sum, 0.6);
        },
        "size " + std::to_string(size));
}

TEST(Composite, LogSoftmaxAndHardmax) {
  const Tensor x = random({2, 3, 4});
  for (const auto& [opset, axis, length, stride] : {std::tuple<std::int64_t, std::int64_t, std::size_t, std::size_t>{13, 1, 3, 4},
                                                    {13, -1, 4, 1},
                                                    {11, 1, 12, 1},
                                                    {11, 2, 4, 1}}) {
    const auto member = [&](std::size_t i, std::size_t k) {
      return i / (length * stride) * length * stride + k * stride + i % stride;
    };
    const std::string what = "opset " + std::to_string(opset) + " axis " + std::to_string(axis);
    expect(
        run(single("LogSoftmax", x, {}, {{"axis", axis}}, opset), x), x.shape,
        [&](std::size_t i) {
          double sum = 0;
          for (std::size_t k = 0; k < length; ++k) sum += std::exp(static_cast<double>(x.f[member(i, k)]));
          return static_cast<double>(x.f[i]) - std::log(sum);
        },
        what);
    expect(
        run(single("Hardmax", x, {}, {{"axis", axis}}, opset), x), x.shape,
        [&](std::size_t i) {
          std::size_t best = 0;
          for (std::size_t k = 1; k < length; ++k)
            if (x.f[member(i, k)] > x.f[member(i, best)]) best = k;
          return member(i, best) == i ? 1.0 : 0.0;
        },
        what);
  }
}

TEST(Composite, Losses) {
  const Tensor x = random({2, 3, 2}), weights = float_tensor({3}, {0.5F, 1, 2});
  const Tensor labels = int_tensor({2, 2}, {2, 0, 1, 1});
  const auto log_probability = [&](std::size_t n, std::size_t c, std::size_t k) {
    double sum = 0;
    for (std::size_t j = 0; j < 3; ++j) sum += std::exp(static_cast<double>(x.f[n * 6 + j * 2 + k]));
    return static_cast<double>(x.f[n * 6 + c * 2 + k]) - std::log(sum);
  };
  for (const bool softmax : {false, true})
    for (const std::string reduction : {"none", "sum", "mean"})
      for (const bool ignore : {false, true}) {
        std::vector<double> parts;
        double total = 0;
        for (std::size_t n = 0; n < 2; ++n)
          for (std::size_t k = 0; k < 2; ++k) {
            const auto label = static_cast<std::size_t>(labels.i[n * 2 + k]);
            const double w = ignore && label == 0 ? 0 : static_cast<double>(weights.f[label]);
            const double value = softmax ? log_probability(n, label, k) : static_cast<double>(x.f[n * 6 + label * 2 + k]);
            parts.push_back(-w * value);
            total += w;
          }
        double sum = 0;
        for (const double v : parts) sum += v;
        Attributes attributes{{"reduction", reduction}};
        if (ignore) attributes["ignore_index"] = std::int64_t{0};
        const std::string op = softmax ? "SoftmaxCrossEntropyLoss" : "NegativeLogLikelihoodLoss";
        const auto got = run(single(op, x, {labels, weights}, attributes, 13, softmax ? 2 : 1), x);
        const bool all = reduction == "none";
        expect(
            got, all ? Shape{2, 2} : Shape{},
            [&](std::size_t i) { return all                  ? parts[i]
                                        : reduction == "sum" ? sum
                                                             : sum / total; }, op + " " + reduction);
        if (softmax)
          expect(got, x.shape, [&](std::size_t i) { return log_probability(i / 6, i / 2 % 3, i % 2); }, "log probabilities", 1);
      }
  EXPECT_THAT(error(single("NegativeLogLikelihoodLoss", x, {int_tensor({2, 2}, {0, 1, 2, 3})}, {}, 13)), HasSubstr("label 3"));
}

}  // namespace
}  // namespace dsperse::ops
