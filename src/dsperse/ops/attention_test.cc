// Attention and RotaryEmbedding against plain loops over ONNX's equations; masks before a Softmax.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <optional>
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
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Attributes = std::map<std::string, model::Attribute>;

Tensor random(std::mt19937& rng, const Shape& shape) {
  std::uniform_real_distribution<float> draw(-1, 1);
  std::vector<float> values(static_cast<std::size_t>(model::element_count(shape).value()));
  for (float& v : values) v = draw(rng);
  return float_tensor(shape, std::move(values));
}

struct Case {
  std::int64_t batch = 2, query_heads = 4, heads = 2, queries = 3, keys = 5, depth = 4, value_depth = 2, past = 0;
  bool flat = false, causal = false;
  float softcap = 0;
  std::optional<float> scale = {};
  std::int64_t left = -1, right = -1;
  std::optional<Tensor> mask = {};
  bool computed_mask = false;
  std::vector<std::int64_t> lengths = {};
  std::int64_t mode = 0;
};

/// Y, present key, present value, qk: one number at a time, (batch, heads, steps, features).
struct Expected {
  std::vector<double> y, qk;
};
Expected plain(const Case& c, const std::map<std::string, Tensor>& in) {
  const std::int64_t all = c.past + c.keys;
  const auto at = [&](const std::string& name, std::int64_t heads, std::int64_t steps, std::int64_t depth, std::int64_t b,
                      std::int64_t h, std::int64_t t, std::int64_t k) {
    const auto i = c.flat ? ((b * steps + t) * heads + h) * depth + k : ((b * heads + h) * steps + t) * depth + k;
    return static_cast<double>(in.at(name).f[static_cast<std::size_t>(i)]);
  };
  const auto cached = [&](const std::string& now, const std::string& past, std::int64_t depth, std::int64_t b, std::int64_t h,
                          std::int64_t t, std::int64_t k) {
    if (t >= c.past) return at(now, c.heads, c.keys, depth, b, h, t - c.past, k);
    return static_cast<double>(in.at(past).f[static_cast<std::size_t>(((b * c.heads + h) * c.past + t) * depth + k)]);
  };
  Expected out;
  out.y.resize(static_cast<std::size_t>(c.batch * c.query_heads * c.queries * c.value_depth));
  for (std::int64_t b = 0; b < c.batch; ++b)
    for (std::int64_t h = 0; h < c.query_heads; ++h)
      for (std::int64_t i = 0; i < c.queries; ++i) {
        const std::int64_t kv = h / (c.query_heads / c.heads);
        const double scale = c.scale ? static_cast<double>(*c.scale) : 1 / std::sqrt(static_cast<double>(c.depth));
        std::vector<double> score, raw;
        for (std::int64_t j = 0; j < all; ++j) {
          double s = 0;
          for (std::int64_t k = 0; k < c.depth; ++k)
            s += at("q", c.query_heads, c.queries, c.depth, b, h, i, k) * cached("k", "past_k", c.depth, b, kv, j, k);
          s *= scale;
          if (c.softcap > 0) s = static_cast<double>(c.softcap) * std::tanh(s / static_cast<double>(c.softcap));
          raw.push_back(s);
          double bias = 0;
          constexpr double kNever = -std::numeric_limits<double>::infinity();
          if (c.mask) {
            const Shape& m = c.mask->shape;  // (1 or batch, 1 or heads, queries, keys) or (queries, keys)
            const std::int64_t width = m.back();
            if (j >= width) {
              bias = kNever;
            } else {
              std::int64_t index = i * width + j;
              if (m.size() == 4) index += ((m[0] == 1 ? 0 : b) * m[1] + (m[1] == 1 ? 0 : h)) * c.queries * width;
              const auto u = static_cast<std::size_t>(index);
              bias = c.mask->dtype == DType::f32 ? static_cast<double>(c.mask->f[u]) : c.mask->i[u] != 0 ? 0 : kNever;
            }
          }
          const std::int64_t length = c.lengths.empty() ? all : c.lengths[static_cast<std::size_t>(b)];
          const std::int64_t position = i + (c.lengths.empty() ? c.past : length - c.queries);
          if (j >= length || (c.causal && j > position) || (c.left >= 0 && j < position - c.left) ||
              (c.right >= 0 && j > position + c.right))
            bias = kNever;
          score.push_back(s + bias);
        }
        const double top = *std::ranges::max_element(score);
        double sum = 0;
        for (double& s : score) s = std::isinf(top) ? 0 : std::exp(s - top), sum += s;
        for (std::int64_t j = 0; j < all; ++j) {
          double& p = score[static_cast<std::size_t>(j)];
          p = sum > 0 ? p / sum : 0;
          out.qk.push_back(c.mode == 3 ? p : raw[static_cast<std::size_t>(j)]);
          for (std::int64_t k = 0; k < c.value_depth; ++k) {
            const auto y = c.flat ? ((b * c.queries + i) * c.query_heads + h) * c.value_depth + k
                                  : ((b * c.query_heads + h) * c.queries + i) * c.value_depth + k;
            out.y[static_cast<std::size_t>(y)] += p * cached("v", "past_v", c.value_depth, b, kv, j, k);
          }
        }
      }
  return out;
}

struct Built {
  Graph graph;
  std::map<std::string, Tensor> all;
};
Built build(const Case& c) {
  std::mt19937 rng(3);
  Built out;
  out.graph.opset = 25;
  const auto add = [&](const std::string& name, Tensor t, bool constant = false) {
    if (constant)
      out.graph.constants[name] = t;
    else
      out.graph.inputs.push_back({name, t.dtype, t.shape});
    out.all[name] = std::move(t);
    return name;
  };
  const auto tensor = [&](const std::string& name, std::int64_t heads, std::int64_t steps, std::int64_t depth) {
    return add(name, random(rng, c.flat ? Shape{c.batch, steps, heads * depth} : Shape{c.batch, heads, steps, depth}));
  };
  model::Node node{"it", "Attention", {}, {"y", "present_k", "present_v", "qk"}, {}};
  node.inputs = {tensor("q", c.query_heads, c.queries, c.depth), tensor("k", c.heads, c.keys, c.depth),
                 tensor("v", c.heads, c.keys, c.value_depth)};
  node.inputs.push_back(c.mask ? add("mask", *c.mask, !c.computed_mask) : "");
  node.inputs.push_back(c.past > 0 ? add("past_k", random(rng, {c.batch, c.heads, c.past, c.depth})) : "");
  node.inputs.push_back(c.past > 0 ? add("past_v", random(rng, {c.batch, c.heads, c.past, c.value_depth})) : "");
  if (!c.lengths.empty()) node.inputs.push_back(add("lengths", int_tensor({c.batch}, c.lengths), true));
  if (c.flat) node.attributes["q_num_heads"] = c.query_heads, node.attributes["kv_num_heads"] = c.heads;
  if (c.causal) node.attributes["is_causal"] = std::int64_t{1};
  if (c.softcap > 0) node.attributes["softcap"] = c.softcap;
  if (c.scale) node.attributes["scale"] = *c.scale;
  if (c.left >= 0) node.attributes["left_window_size"] = c.left;
  if (c.right >= 0) node.attributes["right_window_size"] = c.right;
  node.attributes["qk_matmul_output_mode"] = c.mode;
  out.graph.nodes = {std::move(node)};
  for (const char* name : {"y", "present_k", "present_v", "qk"}) out.graph.outputs.push_back({name, DType::f32, {}});
  return out;
}

void check(const Case& c, const std::string& what) {
  Built b = build(c);
  const Expected want = plain(c, b.all);
  const auto status = model::prepare(b.graph, float_operators());
  ASSERT_TRUE(status) << what << ": " << status.error().text();
  std::map<std::string, Tensor> inputs;
  for (const auto& port : b.graph.inputs) inputs[port.name] = b.all.at(port.name);
  const auto values = run::run_float(b.graph, float_operators(), inputs);
  ASSERT_TRUE(values) << what << ": " << values.error().text();
  const Tensor &y = values->at("y"), &qk = values->at("qk");
  ASSERT_EQ(y.f.size(), want.y.size()) << what;
  for (std::size_t i = 0; i < want.y.size(); ++i) EXPECT_NEAR(static_cast<double>(y.f[i]), want.y[i], 1e-5) << what << " " << i;
  EXPECT_EQ(qk.shape, (Shape{c.batch, c.query_heads, c.queries, c.past + c.keys})) << what;
  ASSERT_EQ(qk.f.size(), want.qk.size()) << what;
  for (std::size_t i = 0; i < want.qk.size(); ++i)
    EXPECT_NEAR(static_cast<double>(qk.f[i]), want.qk[i], 1e-5) << what << " qk " << i;
  EXPECT_EQ(values->at("present_k").shape, (Shape{c.batch, c.heads, c.past + c.keys, c.depth})) << what;
}

Tensor mask_of(const Shape& shape, bool boolean) {
  std::mt19937 rng(9);
  Tensor m = boolean ? int_tensor(shape, std::vector<std::int64_t>(static_cast<std::size_t>(model::element_count(shape).value())),
                                  DType::boolean)
                     : random(rng, shape);
  for (std::size_t i = 0; i < m.i.size(); ++i) m.i[i] = i % 3 != 1 ? 1 : 0;
  return m;
}

TEST(Attention, GivesTheValuesOfTheEquations) {
  for (const bool flat : {false, true}) {
    check({.flat = flat}, "plain");
    check({.query_heads = 2, .flat = flat}, "one head of keys for one of queries");
    check({.past = 2, .flat = flat, .causal = true, .scale = 0.7F}, "causal behind a past");
    check({.queries = 6, .flat = flat, .causal = true, .softcap = 2, .mode = 1}, "softcap");
    check({.flat = flat, .left = 1, .right = 1, .mode = 3}, "windows");
    check({.flat = flat, .mask = mask_of({3, 5}, true)}, "boolean mask");
    check({.flat = flat, .mask = mask_of({2, 4, 3, 5}, true), .mode = 3}, "boolean mask of every head");
    check({.flat = flat, .mask = mask_of({2, 1, 3, 5}, false)}, "float mask");
    check({.flat = flat, .causal = true, .mask = mask_of({3, 3}, false), .mode = 3}, "mask shorter than the keys");
    check({.flat = flat, .mask = mask_of({3, 5}, false), .computed_mask = true}, "computed float mask");
    check({.flat = flat, .mask = mask_of({3, 5}, true), .computed_mask = true, .mode = 3}, "computed boolean mask");
    check({.flat = flat, .causal = true, .lengths = {5, 3}}, "lengths");
    check({.flat = flat, .mask = mask_of({3, 3}, false), .computed_mask = true}, "computed float mask shorter than the keys");
    check({.flat = flat, .mask = mask_of({2, 1, 3, 4}, true), .computed_mask = true},
          "computed boolean mask shorter than the keys");
  }
  Tensor hides = mask_of({3, 5}, true);
  for (std::size_t i = 5; i < 10; ++i) hides.i[i] = 0;
  check({.mask = hides, .computed_mask = true, .mode = 3}, "a computed row without anything");
  check({.mask = hides, .mode = 3}, "a row without anything");
  Tensor low = mask_of({3, 5}, false);
  low.f[1] = -std::numeric_limits<float>::infinity(), low.f[7] = -3e38F;
  check({.mask = low, .mode = 3}, "minus infinity in a float mask");
}

TEST(Attention, RefusesWhatDoesNotFit) {
  const auto error = [](const Case& c, const std::function<void(model::Node&)>& change = {}) {
    Built b = build(c);
    if (change) change(b.graph.nodes[0]);
    const auto status = model::prepare(b.graph, float_operators());
    return status ? std::string("accepted") : status.error().text();
  };
  EXPECT_EQ(error({}), "accepted");
  EXPECT_THAT(error({.query_heads = 3}), HasSubstr("do not go together"));
  EXPECT_THAT(error({.mask = mask_of({4, 5}, true)}), HasSubstr("the mask's shape 4x5 does not fit 2x4x3x5"));
  EXPECT_THAT(error({.softcap = 1}), HasSubstr("the products before softcap"));
  EXPECT_THAT(error({.causal = true, .mode = 2}), HasSubstr("minus infinity"));
  EXPECT_THAT(error({.past = 1}, [](model::Node& n) { n.inputs[5].clear(); }), HasSubstr("past keys without past values"));
  EXPECT_THAT(error({.flat = true}, [](model::Node& n) { n.attributes.erase("q_num_heads"); }),
              HasSubstr("attribute 'q_num_heads'"));
}

/// Scores + constant mask -> Softmax, as exporters write it.
Graph masked(model::Node between, std::map<std::string, Tensor> constants) {
  Graph g;
  g.opset = 17;
  g.inputs = {{"x", DType::f32, {2, 2, 3}}};
  g.constants = std::move(constants);
  g.nodes = {std::move(between), {"soft", "Softmax", {"m"}, {"y"}, {{"axis", std::int64_t{-1}}}}};
  g.outputs = {{"y", DType::f32, {}}};
  return g;
}

TEST(Masks, MaskedSoftmaxIsFoundInWhatExportersWrite) {
  const std::vector<float> x{1, 2, 3, 4, 5, 6, 0, 0, 0, 1, 1, 1};
  const float low = -std::numeric_limits<float>::infinity();
  const auto run = [&](Graph g, std::size_t nodes) {
    const auto status = model::prepare(g, float_operators());
    EXPECT_TRUE(status) << status.error().text();
    EXPECT_EQ(g.nodes.size(), nodes);
    EXPECT_EQ(g.nodes.back().op, "MaskedSoftmax");
    const auto values = run::run_float(g, float_operators(), {{"x", float_tensor({2, 2, 3}, x)}});
    EXPECT_TRUE(values) << values.error().text();
    return values->at("y").f;
  };
  const float a = 1 / (1 + std::exp(1.0F)), b = 1 - a;
  const auto expected = ElementsAre(::testing::FloatEq(a), ::testing::FloatEq(b), 0, 0, 0, 1, 0.5F, 0.5F, 0, 0, 0, 1);
  EXPECT_THAT(run(masked({"add", "Add", {"x", "c"}, {"m"}, {}}, {{"c", float_tensor({2, 3}, {0, 0, low, -1e9F, low, 0})}}), 1),
              expected);
  EXPECT_THAT(run(masked({"add", "Add", {"c", "x"}, {"m"}, {}}, {{"c", float_tensor({2, 3}, {1, 1, low, -1e9F, low, 0})}}), 2),
              expected)
      << "what the mask adds where it hides nothing stays";
  EXPECT_THAT(run(masked({"where", "Where", {"k", "x", "c"}, {"m"}, {}},
                         {{"k", int_tensor({2, 3}, {1, 1, 0, 0, 0, 1}, DType::boolean)}, {"c", float_tensor({}, {low})}}),
                  1),
              expected);
  EXPECT_THAT(run(masked({"where", "Where", {"k", "c", "x"}, {"m"}, {}},
                         {{"k", int_tensor({2, 3}, {0, 0, 1, 1, 1, 0}, DType::boolean)}, {"c", float_tensor({1}, {-1e30F})}}),
                  1),
              expected);
}

TEST(Masks, OthersStay) {
  const auto ops = [](Graph g) {
    const auto status = model::prepare(g, float_operators());
    EXPECT_TRUE(status) << status.error().text();
    std::vector<std::string> out;
    for (const auto& node : g.nodes) out.push_back(node.op);
    return out;
  };
  const std::map<std::string, Tensor> plain{{"c", float_tensor({3}, {0, -5, -9})}}, row{{"c", float_tensor({2, 1}, {0, -1e9F})}},
      mask{{"c", float_tensor({3}, {0, 0, -1e9F})}};
  EXPECT_THAT(ops(masked({"add", "Add", {"x", "c"}, {"m"}, {}}, plain)), ElementsAre("Add", "Softmax"));
  EXPECT_THAT(ops(masked({"add", "Add", {"x", "c"}, {"m"}, {}}, row)), ElementsAre("Softmax")) << "a row hides everything";
  Graph rounded = masked({"add", "Add", {"x", "c"}, {"a"}, {}}, mask);
  rounded.nodes.insert(rounded.nodes.begin() + 1, {"half", "Cast", {"a"}, {"m"}, {{"to", std::int64_t{10}}}});
  EXPECT_THAT(ops(rounded), ElementsAre("Cast", "MaskedSoftmax"));
  Graph other = masked({"add", "Add", {"x", "c"}, {"m"}, {}}, mask);
  other.outputs.push_back({"m", DType::f32, {}});
  EXPECT_THAT(ops(other), ElementsAre("Add", "Softmax")) << "the sum is an output";
  Graph axis = masked({"add", "Add", {"x", "c"}, {"m"}, {}}, mask);
  axis.nodes[1].attributes["axis"] = std::int64_t{1};
  EXPECT_THAT(ops(axis), ElementsAre("Add", "Softmax"));
}

TEST(RotaryEmbedding, RotatesHalvesAndPairs) {
  std::mt19937 rng(4);
  for (const bool flat : {false, true})
    for (const std::int64_t interleaved : {0, 1})
      for (const std::int64_t rotated : {0, 4})
        for (const bool positions : {false, true}) {
          const std::int64_t batch = 2, heads = 3, steps = 4, depth = 6, r = rotated == 0 ? depth : rotated;
          Graph g;
          g.opset = 23;
          const Shape shape = flat ? Shape{batch, steps, heads * depth} : Shape{batch, heads, steps, depth};
          const Tensor x = random(rng, shape), c = random(rng, positions ? Shape{9, r / 2} : Shape{batch, steps, r / 2}),
                       s = random(rng, c.shape);
          std::vector<std::int64_t> ids;
          for (std::int64_t i = 0; i < batch * steps; ++i) ids.push_back(i * 5 % 9);
          g.inputs = {{"x", DType::f32, shape}};
          g.constants = {{"c", c}, {"s", s}};
          model::Node node{
              "it", "RotaryEmbedding", {"x", "c", "s"}, {"y"}, {{"interleaved", interleaved}, {"rotary_embedding_dim", rotated}}};
          if (positions) {
            g.constants["ids"] = int_tensor({batch, steps}, ids);
            node.inputs.push_back("ids");
          }
          if (flat) node.attributes["num_heads"] = heads;
          g.nodes = {node};
          g.outputs = {{"y", DType::f32, {}}};
          const auto status = model::prepare(g, float_operators());
          ASSERT_TRUE(status) << status.error().text();
          const auto values = run::run_float(g, float_operators(), {{"x", x}});
          ASSERT_TRUE(values) << values.error().text();
          const Tensor& y = values->at("y");
          ASSERT_EQ(y.shape, shape);
          const auto index = [&](std::int64_t b, std::int64_t h, std::int64_t t, std::int64_t k) {
            return static_cast<std::size_t>(flat ? ((b * steps + t) * heads + h) * depth + k
                                                 : ((b * heads + h) * steps + t) * depth + k);
          };
          for (std::int64_t b = 0; b < batch; ++b)
            for (std::int64_t h = 0; h < heads; ++h)
              for (std::int64_t t = 0; t < steps; ++t) {
                const std::int64_t row = positions ? ids[static_cast<std::size_t>(b * steps + t)] : b * steps + t;
                for (std::int64_t k = 0; k < r / 2; ++k) {
                  const std::int64_t first = interleaved ? 2 * k : k, second = interleaved ? 2 * k + 1 : k + r / 2;
                  const float cv = c.f[static_cast<std::size_t>(row * r / 2 + k)],
                              sv = s.f[static_cast<std::size_t>(row * r / 2 + k)];
                  const float u = x.f[index(b, h, t, first)], v = x.f[index(b, h, t, second)];
                  EXPECT_NEAR(y.f[index(b, h, t, first)], cv * u - sv * v, 1e-6);
                  EXPECT_NEAR(y.f[index(b, h, t, second)], sv * u + cv * v, 1e-6);
                }
                for (std::int64_t k = r; k < depth; ++k) EXPECT_EQ(y.f[index(b, h, t, k)], x.f[index(b, h, t, k)]);
              }
        }
}

}  // namespace
}  // namespace dsperse::ops
