// Every operator of the registry: shapes, values and errors, in the old and the new forms of its attributes.
//
// tests/conformance runs ONNX's own vectors; here is what they leave out.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>
#include <random>
#include <set>

#include "dsperse/base/cpu.h"
#include "dsperse/base/parallel.h"
#include "dsperse/model/execute.h"
#include "dsperse/ops/common/window.h"
#include "dsperse/ops/elementwise/elementwise.h"
#include "dsperse/ops/movement/movement.h"
#include "dsperse/ops/registry.h"

namespace dsperse::ops {
namespace {

using model::Attribute;
using model::DType;
using model::float_tensor;
using model::int_tensor;
using model::Shape;
using model::Tensor;
using ::testing::ElementsAre;
using ::testing::FloatNear;
using ::testing::HasSubstr;
using ::testing::Pointwise;
using Ints = std::vector<std::int64_t>;
using Floats = std::vector<float>;
using Attributes = std::map<std::string, Attribute>;

/// Input: absent, or a value; `live` ones are not constants for shape inference.
struct In {
  std::optional<Tensor> value;
  bool live = false;
};
const In kNone{};
In live(Shape shape, Floats values) { return {float_tensor(std::move(shape), std::move(values)), true}; }
In live(const Shape& shape) {
  std::int64_t n = 1;
  for (const std::int64_t d : shape) n *= d;
  Floats values(static_cast<std::size_t>(n));
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i);
  return live(shape, std::move(values));
}
In live_ints(Shape shape, Ints values) { return {int_tensor(std::move(shape), std::move(values)), true}; }
In floats(Shape shape, Floats values) { return {float_tensor(std::move(shape), std::move(values)), false}; }
In ints(Ints values) {
  const auto n = static_cast<std::int64_t>(values.size());
  return {int_tensor({n}, std::move(values)), false};
}
In scalar(float value) { return floats({}, {value}); }

/// One node of an operator.
struct Call {
  std::string op;
  std::int64_t opset;
  std::vector<In> inputs;
  Attributes attributes;
  std::size_t outputs = 1;

  [[nodiscard]] model::Node node() const {
    model::Node n{"node", op, {}, {}, attributes};
    for (std::size_t i = 0; i < inputs.size(); ++i) n.inputs.push_back(inputs[i].value ? "in" + std::to_string(i) : "");
    for (std::size_t i = 0; i < outputs; ++i) n.outputs.push_back("out" + std::to_string(i));
    return n;
  }
  [[nodiscard]] Result<std::vector<model::ValueInfo>> infer() const {
    std::vector<model::ValueInfo> infos(inputs.size());
    std::vector<const model::ValueInfo*> views(inputs.size(), nullptr);
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      if (!inputs[i].value) continue;
      infos[i] = {inputs[i].value->dtype, inputs[i].value->shape, inputs[i].live ? nullptr : &*inputs[i].value};
      views[i] = &infos[i];
    }
    const model::Node n = node();
    return model::infer_node(n, opset, float_operators(), views);
  }
  [[nodiscard]] Result<std::vector<Tensor>> evaluate() const {
    std::vector<const Tensor*> views;
    for (const In& in : inputs) views.push_back(in.value ? &*in.value : nullptr);
    const model::Node n = node();
    return model::evaluate_node(n, opset, float_operators(), views);
  }
};

/// Shape inference and evaluation agree; returns the first output.
Tensor value(const Call& call) {
  const auto shapes = call.infer();
  const auto values = call.evaluate();
  EXPECT_TRUE(shapes) << call.op << ": " << shapes.error().text();
  EXPECT_TRUE(values) << call.op << ": " << values.error().text();
  if (!shapes || !values) return {};
  EXPECT_EQ(shapes->size(), values->size()) << call.op;
  for (std::size_t i = 0; i < values->size(); ++i) {
    EXPECT_EQ((*shapes)[i].shape, (*values)[i].shape) << call.op;
    EXPECT_EQ((*shapes)[i].dtype, (*values)[i].dtype) << call.op;
    EXPECT_TRUE(model::check_tensor((*values)[i])) << call.op;
  }
  return (*values)[0];
}

void expect_error(const Call& call, ErrorKind kind, const std::string& word) {
  const auto shapes = call.infer();
  ASSERT_FALSE(shapes) << call.op << " should say: " << word;
  EXPECT_EQ(shapes.error().kind, kind) << shapes.error().text();
  EXPECT_THAT(shapes.error().text(), HasSubstr(word));
}

TEST(Registry, EveryOperatorHasItsNameAndBothFacets) {
  for (const auto& [name, schema] : float_operators()) {
    EXPECT_EQ(name, schema.name);
    EXPECT_TRUE((schema.infer && schema.evaluate) || schema.expand) << name;
    EXPECT_TRUE(!schema.split || schema.elementwise) << name;
  }
}

TEST(Registry, NoOperatorAcceptsTooFewOrTooManyInputs) {
  for (const auto& [name, schema] : float_operators()) {
    const bool few = (Call{name, 13, {}, {}}).infer().has_value(),
               many = (Call{name, 13, std::vector<In>(9, ints({1})), {}}).infer().has_value();
    EXPECT_FALSE(few && name != "Constant") << name;
    EXPECT_FALSE(many && name != "Concat" && name != "Max" && name != "Min") << name;
  }
}

// ---- linear

/// Convolution by its definition, in double.
Tensor plain_conv(const Tensor& x, const Tensor& w, const Tensor* bias, std::int64_t groups, const Ints& stride,
                  const Ints& dilation, const Ints& pads, const Shape& out) {
  Tensor y = float_tensor(out, Floats(static_cast<std::size_t>(out[0] * out[1] * out[2] * out[3])));
  const auto at = [](const Tensor& t, std::int64_t a, std::int64_t b, std::int64_t c, std::int64_t d) {
    return static_cast<std::size_t>(((a * t.shape[1] + b) * t.shape[2] + c) * t.shape[3] + d);
  };
  for (std::int64_t n = 0; n < out[0]; ++n)
    for (std::int64_t o = 0; o < out[1]; ++o)
      for (std::int64_t i = 0; i < out[2]; ++i)
        for (std::int64_t j = 0; j < out[3]; ++j) {
          double sum = bias != nullptr ? static_cast<double>(bias->f[static_cast<std::size_t>(o)]) : 0;
          for (std::int64_t c = 0; c < w.shape[1]; ++c)
            for (std::int64_t u = 0; u < w.shape[2]; ++u)
              for (std::int64_t v = 0; v < w.shape[3]; ++v) {
                const std::int64_t h = i * stride[0] + u * dilation[0] - pads[0], k = j * stride[1] + v * dilation[1] - pads[1];
                if (h < 0 || k < 0 || h >= x.shape[2] || k >= x.shape[3]) continue;
                const std::int64_t channel = o / (out[1] / groups) * w.shape[1] + c;
                sum += static_cast<double>(w.f[at(w, o, c, u, v)]) * static_cast<double>(x.f[at(x, n, channel, h, k)]);
              }
          y.f[at(y, n, o, i, j)] = static_cast<float>(sum);
        }
  return y;
}

In random(const Shape& shape, std::uint32_t seed) {
  In in = live(shape);
  std::mt19937 rng(seed);
  std::uniform_real_distribution<float> draw(-1, 1);
  for (float& v : in.value->f) v = draw(rng);
  return in;
}

TEST(Linear, ConvIsItsDefinition) {
  struct Case {
    Shape x, w;
    std::int64_t groups;
    Ints stride, dilation, pads;
  };
  const std::vector<Case> cases = {
      {{1, 3, 7, 9}, {5, 3, 3, 3}, 1, {1, 1}, {1, 1}, {0, 0, 0, 0}},
      {{2, 4, 8, 8}, {8, 2, 3, 3}, 2, {2, 1}, {1, 2}, {1, 2, 0, 1}},
      {{1, 6, 9, 5}, {6, 1, 3, 3}, 6, {2, 2}, {1, 1}, {1, 1, 1, 1}},
      {{1, 6, 5, 5}, {12, 1, 3, 3}, 6, {1, 1}, {2, 2}, {2, 2, 2, 2}},
      {{1, 16, 4, 4}, {9, 16, 1, 1}, 1, {1, 1}, {1, 1}, {0, 0, 0, 0}},
      {{1, 2, 5, 4}, {3, 2, 5, 2}, 1, {3, 3}, {1, 1}, {4, 0, 0, 5}},
  };
  for (const Case& c : cases)
    for (const bool with_bias : {false, true}) {
      Call call{"Conv",
                11,
                {random(c.x, 1), random(c.w, 2)},
                {{"group", c.groups}, {"strides", c.stride}, {"dilations", c.dilation}, {"pads", c.pads}}};
      if (with_bias) call.inputs.push_back(random({c.w[0]}, 3));
      const Tensor y = value(call);
      const Tensor want = plain_conv(*call.inputs[0].value, *call.inputs[1].value, with_bias ? &*call.inputs[2].value : nullptr,
                                     c.groups, c.stride, c.dilation, c.pads, y.shape);
      EXPECT_THAT(y.f, Pointwise(FloatNear(1e-4F), want.f)) << model::shape_text(c.w);
    }
}

TEST(Linear, ConvGivesTheSameBitsOnAnyNumberOfThreads) {
  const Call call{"Conv", 11, {random({1, 8, 20, 20}, 1), random({16, 8, 3, 3}, 2)}, {}};
  const std::size_t before = threads();
  set_threads(1);
  const Tensor one = value(call);
  set_threads(3);
  EXPECT_EQ(one.f, value(call).f);
  set_threads(before);
}

TEST(Linear, ConvShapesAndErrors) {
  EXPECT_EQ(value({"Conv", 7, {live({1, 2, 10}), live({3, 2, 4})}, {{"strides", Ints{2}}, {"pads", Ints{1, 0}}}}).shape,
            (Shape{1, 3, 4}));
  EXPECT_EQ(value({"Conv",
                   7,
                   {live({1, 1, 5, 6}), live({1, 1, 3, 3})},
                   {{"auto_pad", std::string("SAME_UPPER")}, {"strides", Ints{2, 2}}}})
                .shape,
            (Shape{1, 1, 3, 3}));
  using enum ErrorKind;
  const In x = live({1, 4, 8, 8}), w = live({6, 4, 3, 3});
  expect_error({"Conv", 13, {x, live({6, 3, 3, 3})}, {}}, bad_input, "4 input channels");
  expect_error({"Conv", 13, {x, w}, {{"group", std::int64_t{3}}}}, bad_input, "3 groups");
  expect_error({"Conv", 13, {x, w}, {{"group", std::int64_t{0}}}}, bad_input, "0 groups");
  expect_error({"Conv", 13, {x, w, live({5})}, {}}, bad_input, "expected 6");
  expect_error({"Conv", 13, {x, w}, {{"strides", Ints{0, 1}}}}, bad_input, "attribute 'strides'");
  expect_error({"Conv", 13, {x, w}, {{"strides", Ints{1}}}}, bad_input, "expected 2");
  expect_error({"Conv", 13, {x, w}, {{"pads", Ints{-1, 0, 0, 0}}}}, bad_input, "attribute 'pads'");
  expect_error({"Conv", 13, {x, w}, {{"dilations", Ints{4, 4}}}}, bad_input, "larger than the padded input");
  expect_error({"Conv", 13, {x, w}, {{"dilations", Ints{std::int64_t{1} << 60, 1}}}}, bad_input, "out of range");
  expect_error({"Conv", 13, {x, w}, {{"kernel_shape", Ints{2, 2}}}}, bad_input, "does not fit");
  expect_error({"Conv", 13, {x, w}, {{"auto_pad", std::string("ODD")}}}, bad_input, "unknown value 'ODD'");
  expect_error({"Conv", 13, {x, w}, {{"auto_pad", std::int64_t{1}}}}, bad_input, "attribute is not a string");
  expect_error({"Conv", 13, {x, live_ints({1}, {1})}, {}}, unsupported, "integer tensor");
}

TEST(Linear, GemmInAllItsForms) {
  const In a = live({2, 3}, {1, 2, 3, 4, 5, 6}), at = live({3, 2}, {1, 4, 2, 5, 3, 6}), b = live({3, 2}, {1, 0, 0, 1, 1, 1}),
           bt = live({2, 3}, {1, 0, 1, 0, 1, 1});
  const Floats plain{4, 5, 10, 11};
  for (const std::int64_t ta : {0, 1})
    for (const std::int64_t tb : {0, 1})
      EXPECT_EQ(value({"Gemm", 13, {ta != 0 ? at : a, tb != 0 ? bt : b}, {{"transA", ta}, {"transB", tb}}}).f, plain);
  EXPECT_EQ(value({"Gemm", 7, {a, b, live({2}, {1, 2})}, {{"alpha", 2.0F}, {"beta", 10.0F}}}).f, (Floats{18, 30, 30, 42}));
  EXPECT_EQ(value({"Gemm", 7, {a, b, live({2, 1}, {1, 2})}, {}}).f, (Floats{5, 6, 12, 13}));
  EXPECT_EQ(value({"Gemm", 11, {a, b, scalar(1)}, {}}).f, (Floats{5, 6, 11, 12}));
  EXPECT_EQ(value({"Gemm", 13, {live({2, 2, 3}), b}, {}}).shape, (Shape{2, 2, 2})) << "the form that fusion makes";
  expect_error({"Gemm", 9, {a, b}, {}}, ErrorKind::bad_input, "input is missing");
  expect_error({"Gemm", 13, {a, bt}, {}}, ErrorKind::bad_input, "inner dimensions 3 and 2");
  expect_error({"Gemm", 13, {a, b, live({3})}, {}}, ErrorKind::bad_input, "does not broadcast");
  expect_error({"Gemm", 13, {live({2, 2, 3}), b}, {{"transA", std::int64_t{1}}}}, ErrorKind::bad_input, "rank 3");
}

// Sums in the order of k, each product rounded: the bits of a plain loop, on every instruction set and thread count.
TEST(Linear, ProductsAreThoseOfAPlainLoopToTheBit) {
  const std::size_t before = threads();
  for (const auto& [m, n, k] : std::vector<std::array<std::int64_t, 3>>{
           {1, 1, 1}, {1, 130, 77}, {3, 70, 20}, {4, 64, 33}, {13, 49, 40}, {50, 17, 9}, {101, 200, 31}, {7, 33, 0}}) {
    SCOPED_TRACE(std::to_string(m) + " x " + std::to_string(n) + " x " + std::to_string(k));
    const Tensor a = *random({m, k}, 1).value, b = *random({k, n}, 2).value;
    Tensor turned = float_tensor({n, k}, Floats(b.f.size()));
    Floats expected(static_cast<std::size_t>(m * n));
    for (std::int64_t j = 0; j < n; ++j)
      for (std::int64_t t = 0; t < k; ++t)
        turned.f[static_cast<std::size_t>(j * k + t)] = b.f[static_cast<std::size_t>(t * n + j)];
    for (std::int64_t i = 0; i < m; ++i)
      for (std::int64_t j = 0; j < n; ++j) {
        volatile float sum = 0;  // kept from being contracted
        for (std::int64_t t = 0; t < k; ++t) {
          const volatile float product = a.f[static_cast<std::size_t>(i * k + t)] * b.f[static_cast<std::size_t>(t * n + j)];
          sum = sum + product;
        }
        expected[static_cast<std::size_t>(i * n + j)] = sum;
      }
    for (const Kernel level : {Kernel::scalar, Kernel::avx2, Kernel::avx512}) {
      if (level > best_kernel()) continue;
      for (const std::size_t count : {1U, 2U}) {
        force_kernel(level);
        set_threads(count);
        EXPECT_EQ(value({"MatMul", 13, {{a, false}, {b, true}}, {}}).f, expected) << kernel_name(level);
        EXPECT_EQ(value({"Gemm", 13, {{a, true}, {turned, false}}, {{"transB", std::int64_t{1}}}}).f, expected)
            << kernel_name(level);
      }
    }
  }
  force_kernel(best_kernel());
  set_threads(before);
}

TEST(Linear, MatMulBroadcastsLikeNumPy) {
  for (const auto& [a, b, out] : {std::tuple<Shape, Shape, Shape>{{3}, {3}, {}},
                                  {{3}, {3, 2}, {2}},
                                  {{2, 3}, {3}, {2}},
                                  {{5, 1, 2, 3}, {4, 3, 2}, {5, 4, 2, 2}},
                                  {{2, 3}, {4, 3, 2}, {4, 2, 2}},
                                  {{7, 9}, {9, 11}, {7, 11}}}) {
    const Call call{"MatMul", 13, {random(a, 1), random(b, 2)}, {}};
    EXPECT_EQ(value(call).shape, out);
  }
  // Batches against one product each.
  const Call call{"MatMul", 9, {random({2, 1, 5, 3}, 1), random({4, 3, 6}, 2)}, {}};
  const Tensor y = value(call);
  for (std::size_t i = 0; i < 2; ++i)
    for (std::size_t j = 0; j < 4; ++j)
      for (std::size_t r = 0; r < 5; ++r)
        for (std::size_t c = 0; c < 6; ++c) {
          double sum = 0;
          for (std::size_t k = 0; k < 3; ++k)
            sum += static_cast<double>(call.inputs[0].value->f[(i * 5 + r) * 3 + k]) *
                   static_cast<double>(call.inputs[1].value->f[(j * 3 + k) * 6 + c]);
          EXPECT_NEAR(y.f[((i * 4 + j) * 5 + r) * 6 + c], sum, 1e-5);
        }
  expect_error({"MatMul", 13, {live({2, 3}), live({2, 3})}, {}}, ErrorKind::bad_input, "inner dimensions");
  expect_error({"MatMul", 13, {live({2, 2, 3}), live({3, 3, 3})}, {}}, ErrorKind::bad_input, "do not broadcast");
  expect_error({"MatMul", 13, {live({}, {1}), live({1})}, {}}, ErrorKind::bad_input, "rank 0");
}

TEST(Linear, BatchNormalizationOfEveryOpset) {
  const std::vector<In> inputs{live({1, 2, 1, 2}, {1, 3, 10, 20}), floats({2}, {2, 1}), floats({2}, {1, 0}), floats({2}, {1, 10}),
                               floats({2}, {4, 25})};
  for (const std::int64_t opset : {7, 9, 14, 15, 22})
    EXPECT_THAT(value({"BatchNormalization", opset, inputs, {{"epsilon", 0.0F}}}).f, ElementsAre(1, 3, 0, 2));
  expect_error({"BatchNormalization", 15, inputs, {{"training_mode", std::int64_t{1}}}}, ErrorKind::unsupported, "training mode");
  expect_error({"BatchNormalization", 7, inputs, {{"spatial", std::int64_t{0}}}}, ErrorKind::unsupported, "per activation");
  std::vector<In> wrong = inputs;
  wrong[3] = floats({3}, {1, 2, 3});
  expect_error({"BatchNormalization", 15, wrong, {}}, ErrorKind::bad_input, "expected 2");
  std::vector<In> negative = inputs;
  negative[4] = floats({2}, {4, -1});
  EXPECT_THAT((Call{"BatchNormalization", 15, negative, {}}.evaluate().error().text()), HasSubstr("variance of channel 1"));
}

// ---- element-wise

TEST(Elementwise, BinaryOperatorsBroadcast) {
  const In a = live({2, 3}, {1, 2, 3, 4, 5, 6}), row = live({3}, {10, 20, 30}), column = live({2, 1}, {1, 2});
  EXPECT_EQ(value({"Add", 7, {a, row}, {}}).f, (Floats{11, 22, 33, 14, 25, 36}));
  EXPECT_EQ(value({"Sub", 7, {column, a}, {}}).f, (Floats{0, -1, -2, -2, -3, -4}));
  EXPECT_EQ(value({"Mul", 13, {a, a}, {}}).f, (Floats{1, 4, 9, 16, 25, 36}));
  EXPECT_EQ(value({"Div", 14, {row, column}, {}}).f, (Floats{10, 20, 30, 5, 10, 15}));
  EXPECT_EQ(value({"Div", 14, {ints({-7, 7}), ints({2, -2})}, {}}).i, (Ints{-3, -3}));
  const std::int64_t low = std::numeric_limits<std::int64_t>::min();
  EXPECT_EQ(value({"Div", 14, {ints({low}), ints({-1})}, {}}).i, (Ints{low})) << "wraps, no trap";
  EXPECT_EQ(value({"Add", 14, {ints({std::numeric_limits<std::int64_t>::max()}), ints({1})}, {}}).i, (Ints{low}));
  EXPECT_THAT((Call{"Div", 14, {ints({1}), ints({0})}, {}}.evaluate().error().text()), HasSubstr("division by zero"));
  expect_error({"Add", 13, {a, live({2})}, {}}, ErrorKind::bad_input, "do not broadcast");
  expect_error({"Add", 13, {a, ints({1})}, {}}, ErrorKind::bad_input, "float and integer");
}

TEST(Elementwise, Activations) {
  const In x = live({4}, {-2, -0.5F, 0, 3});
  EXPECT_EQ(value({"Relu", 6, {x}, {}}).f, (Floats{0, 0, 0, 3}));
  EXPECT_EQ(value({"LeakyRelu", 16, {x}, {{"alpha", 0.5F}}}).f, (Floats{-1, -0.25F, 0, 3}));
  EXPECT_FLOAT_EQ(value({"LeakyRelu", 6, {x}, {}}).f[0], -0.02F);
  EXPECT_FLOAT_EQ(value({"Sigmoid", 13, {x}, {}}).f[3], 1 / (1 + std::exp(-3.0F)));
  EXPECT_FLOAT_EQ(value({"Tanh", 13, {x}, {}}).f[0], std::tanh(-2.0F));
  EXPECT_EQ(value({"Sigmoid", 13, {live({2}, {-1e30F, 1e30F})}, {}}).f, (Floats{0, 1}));
  for (const char* op : {"Relu", "LeakyRelu", "Sigmoid", "Tanh"})
    expect_error({op, 13, {ints({1})}, {}}, ErrorKind::unsupported, "integer tensor");
}

TEST(Elementwise, ClipByAttributesAndByInputs) {
  const In x = live({3}, {-5, 0, 5});
  EXPECT_EQ(value({"Clip", 6, {x}, {{"min", -1.0F}, {"max", 2.0F}}}).f, (Floats{-1, 0, 2}));
  EXPECT_EQ(value({"Clip", 10, {x}, {{"max", 2.0F}}}).f, (Floats{-5, 0, 2}));
  EXPECT_EQ(value({"Clip", 11, {x, scalar(-1), scalar(2)}, {}}).f, (Floats{-1, 0, 2}));
  EXPECT_EQ(value({"Clip", 13, {x, kNone, scalar(2)}, {}}).f, (Floats{-5, 0, 2}));
  EXPECT_EQ(value({"Clip", 13, {x}, {}}).f, (Floats{-5, 0, 5}));
  EXPECT_EQ(value({"Clip", 13, {x, scalar(3), scalar(1)}, {}}).f, (Floats{1, 1, 1})) << "min above max: max";
  EXPECT_EQ(value({"Clip", 12, {ints({1, 9}), {int_tensor({}, {2}), false}, kNone}, {}}).i, (Ints{2, 9}));
  expect_error({"Clip", 10, {x, scalar(1)}, {}}, ErrorKind::bad_input, "at most 1");
  expect_error({"Clip", 13, {x, floats({2}, {1, 2})}, {}}, ErrorKind::bad_input, "a scalar is expected");
  expect_error({"Clip", 13, {x, ints({1})}, {}}, ErrorKind::bad_input, "another type");
}

TEST(Elementwise, ClipBoundsAreKnownOrUnsupported) {
  const Tensor low = float_tensor({}, {-1});
  const model::ValueInfo x{DType::f32, {3}, nullptr}, known{DType::f32, {}, &low}, unknown{DType::f32, {}, nullptr};
  const model::Node node{"clip", "Clip", {"x", "low"}, {"y"}, {}};
  const std::vector<const model::ValueInfo*> constant{&x, &known}, dynamic{&x, &unknown};
  const auto bounds = clip_bounds({node, 13, constant});
  ASSERT_TRUE(bounds);
  EXPECT_EQ(bounds->low, -1);
  EXPECT_EQ(bounds->high, std::numeric_limits<float>::infinity());
  EXPECT_EQ(clip_bounds({node, 13, dynamic}).error().kind, ErrorKind::unsupported);
}

TEST(Elementwise, DropoutIsTheIdentityOfInference) {
  const In x = live({2}, {1, 2}), yes{int_tensor({}, {1}, DType::boolean), false}, no{int_tensor({}, {0}, DType::boolean), false};
  EXPECT_EQ(value({"Dropout", 7, {x}, {{"ratio", 0.5F}}}).f, (Floats{1, 2}));
  EXPECT_EQ(value({"Dropout", 13, {x, scalar(0.5F)}, {}}).f, (Floats{1, 2}));
  EXPECT_EQ(value({"Dropout", 13, {x, scalar(0.5F), no}, {}, 2}).f, (Floats{1, 2}));
  EXPECT_EQ(value({"Dropout", 13, {x, scalar(0), yes}, {}}).f, (Floats{1, 2}));
  EXPECT_EQ((Call{"Dropout", 10, {x}, {}, 2}.evaluate()->at(1).i), (Ints{1, 1}));
  expect_error({"Dropout", 13, {x, scalar(0.5F), yes}, {}}, ErrorKind::unsupported, "random");
  expect_error({"Dropout", 13, {x, scalar(0.5F), {int_tensor({}, {1}, DType::boolean), true}}, {}}, ErrorKind::unsupported,
               "depends on the model's input");
}

TEST(Elementwise, CastBetweenAllKinds) {
  const auto to = [](std::int64_t type) { return Attributes{{"to", type}}; };
  EXPECT_EQ(value({"Cast", 9, {live({3}, {-1.7F, 0, 2.9F})}, to(7)}).i, (Ints{-1, 0, 2}));
  EXPECT_EQ(value({"Cast", 9, {live({3}, {-1.7F, 0, 2.9F})}, to(9)}).i, (Ints{1, 0, 1}));
  EXPECT_EQ(value({"Cast", 9, {ints({3, -4})}, to(1)}).f, (Floats{3, -4}));
  EXPECT_EQ(value({"Cast", 13, {live({4}, {0.1F, 65504, -6e-8F, 2049})}, to(10)}).f,
            (Floats{0.0999755859375F, 65504, -5.9604644775390625e-8F, 2048}));
  EXPECT_EQ(value({"Cast", 13, {live({2}, {1.00390625F, -3.14159265F})}, to(16)}).f, (Floats{1.0F, -3.140625F}));
  EXPECT_THAT((Call{"Cast", 13, {ints({256})}, to(2)}.evaluate().error().text()), HasSubstr("does not fit"));
  EXPECT_THAT((Call{"Cast", 13, {live({1}, {1e30F})}, to(7)}.evaluate().error().text()), HasSubstr("does not fit"));
  expect_error({"Cast", 13, {ints({1})}, to(8)}, ErrorKind::unsupported, "data type 8");
  expect_error({"Cast", 13, {ints({1})}, {}}, ErrorKind::unsupported, "data type 0");
}

// ---- pools

TEST(Pool, MaxAndAverageInOneAndTwoDimensions) {
  const In x = live({1, 1, 4, 4}), line = live({1, 2, 5});
  EXPECT_EQ(value({"MaxPool", 8, {x}, {{"kernel_shape", Ints{2, 2}}, {"strides", Ints{2, 2}}}}).f, (Floats{5, 7, 13, 15}));
  EXPECT_EQ(value({"MaxPool", 12, {line}, {{"kernel_shape", Ints{3}}, {"dilations", Ints{2}}}}).f, (Floats{4, 9}));
  EXPECT_EQ(value({"AveragePool", 7, {x}, {{"kernel_shape", Ints{2, 2}}, {"strides", Ints{2, 2}}}}).f,
            (Floats{2.5F, 4.5F, 10.5F, 12.5F}));
  EXPECT_EQ(value({"AveragePool", 19, {line}, {{"kernel_shape", Ints{2}}, {"dilations", Ints{3}}}}).f,
            (Floats{1.5F, 2.5F, 6.5F, 7.5F}));
  EXPECT_EQ(value({"GlobalAveragePool", 1, {live({1, 2, 2, 2})}, {}}).f, (Floats{1.5F, 5.5F}));
  EXPECT_EQ(value({"GlobalAveragePool", 22, {line}, {}}).shape, (Shape{1, 2, 1}));
  EXPECT_EQ(
      value({"MaxPool", 22, {live({1, 1, 2, 2}, {-5, -6, -7, -8})}, {{"kernel_shape", Ints{2, 2}}, {"pads", Ints{1, 1, 1, 1}}}})
          .f,
      (Floats{-5, -5, -6, -5, -5, -6, -7, -7, -8}))
      << "padding never wins";
}

TEST(Pool, PaddingCountsOnlyIfAskedAndTheCeilModeOverhangNever) {
  // Width 5, kernel 3, stride 2, pads 1 and 0: windows at -1, 1 and, with ceil_mode, 3 (over the end).
  const In x = live({1, 1, 5}, {1, 2, 3, 4, 5});
  Attributes a{{"kernel_shape", Ints{3}}, {"strides", Ints{2}}, {"pads", Ints{1, 0}}};
  EXPECT_EQ(value({"AveragePool", 10, {x}, a}).f, (Floats{1.5F, 3}));
  a["ceil_mode"] = std::int64_t{1};
  EXPECT_EQ(value({"AveragePool", 10, {x}, a}).f, (Floats{1.5F, 3, 4.5F}));
  a["count_include_pad"] = std::int64_t{1};
  EXPECT_EQ(value({"AveragePool", 10, {x}, a}).f, (Floats{1, 3, 4.5F}));
  EXPECT_EQ(value({"MaxPool",
                   10,
                   {x},
                   {{"kernel_shape", Ints{3}}, {"strides", Ints{2}}, {"pads", Ints{1, 0}}, {"ceil_mode", std::int64_t{1}}}})
                .f,
            (Floats{2, 4, 5}));
  // A last window that would start in the padding is left out.
  EXPECT_EQ(value({"MaxPool",
                   10,
                   {live({1, 1, 4})},
                   {{"kernel_shape", Ints{1}}, {"strides", Ints{4}}, {"pads", Ints{0, 0}}, {"ceil_mode", std::int64_t{1}}}})
                .shape,
            (Shape{1, 1, 1}));
}

TEST(Pool, WindowsAsNumbers) {
  model::Node node{
      "pool",
      "AveragePool",
      {},
      {},
      {{"kernel_shape", Ints{3, 2}}, {"strides", Ints{2, 3}}, {"ceil_mode", std::int64_t{1}}, {"pads", Ints{1, 0, 0, 0}}}};
  const auto w = pool_window(node, {1, 1, 5, 6});
  ASSERT_TRUE(w);
  EXPECT_THAT(w->out, ElementsAre(3, 2));
  EXPECT_THAT(w->overhang, ElementsAre(1, 0));
  for (const auto& [mode, begin, end] : {std::tuple{"SAME_UPPER", 0, 1}, {"SAME_LOWER", 1, 0}}) {
    node.attributes = {{"kernel_shape", Ints{2}}, {"auto_pad", std::string(mode)}};
    const auto same = pool_window(node, {1, 1, 5});
    ASSERT_TRUE(same);
    EXPECT_THAT(same->out, ElementsAre(5));
    EXPECT_THAT(same->pad_begin, ElementsAre(begin));
    EXPECT_THAT(same->pad_end, ElementsAre(end));
  }
}

TEST(Pool, Errors) {
  using enum ErrorKind;
  const In x = live({1, 1, 4, 4});
  expect_error({"MaxPool", 12, {x}, {}}, bad_input, "attribute 'kernel_shape'");
  expect_error({"MaxPool", 12, {x}, {{"kernel_shape", Ints{2, 2}}}, 2}, unsupported, "Indices");
  expect_error({"MaxPool", 12, {x}, {{"kernel_shape", Ints{2, 2}}, {"pads", Ints{2, 0, 0, 0}}}}, unsupported,
               "wholly in the padding");
  expect_error({"MaxPool", 12, {x}, {{"kernel_shape", Ints{2, 2}}, {"pads", Ints{0, 0, 0, 2}}}}, unsupported,
               "wholly in the padding");
  expect_error({"MaxPool", 12, {live({1, 1, 1})}, {{"kernel_shape", Ints{2}}, {"dilations", Ints{2}}, {"pads", Ints{1, 1}}}},
               unsupported, "wholly in the padding");
  expect_error({"MaxPool", 12, {x}, {{"kernel_shape", Ints{5, 5}}}}, bad_input, "larger than the padded input");
  expect_error({"GlobalAveragePool", 12, {live({2, 3})}, {}}, bad_input, "rank 2");
}

// ---- movement

TEST(Movement, FlattenAndReshape) {
  const In x = live({2, 3, 4});
  for (const auto& [axis, shape] : {std::pair<std::int64_t, Shape>{0, {1, 24}}, {1, {2, 12}}, {3, {24, 1}}, {-1, {6, 4}}})
    EXPECT_EQ(value({"Flatten", 13, {x}, {{"axis", axis}}}).shape, shape);
  EXPECT_EQ(value({"Flatten", 9, {x}, {}}).shape, (Shape{2, 12}));
  expect_error({"Flatten", 13, {x}, {{"axis", std::int64_t{4}}}}, ErrorKind::bad_input, "axis 4");
  EXPECT_EQ(value({"Reshape", 5, {x, ints({0, -1})}, {}}).shape, (Shape{2, 12}));
  EXPECT_EQ(value({"Reshape", 14, {x, ints({4, 6})}, {{"allowzero", std::int64_t{1}}}}).shape, (Shape{4, 6}));
  expect_error({"Reshape", 13, {x, ints({-1, -1})}, {}}, ErrorKind::bad_input, "more than one -1");
  expect_error({"Reshape", 13, {x, ints({5, -1})}, {}}, ErrorKind::bad_input, "no whole value");
  expect_error({"Reshape", 13, {x, ints({5, 5})}, {}}, ErrorKind::bad_input, "element counts differ");
  expect_error({"Reshape", 13, {x, ints({2, 3, 4, 0})}, {}}, ErrorKind::bad_input, "copies no dimension");
  expect_error({"Reshape", 13, {x, ints({-2, -12})}, {}}, ErrorKind::bad_input, "element counts differ");
  expect_error({"Reshape", 13, {x, live_ints({1}, {24})}, {}}, ErrorKind::unsupported, "depends on the model's input");
  expect_error({"Reshape", 13, {x, scalar(24)}, {}}, ErrorKind::bad_input, "integers expected");
}

TEST(Movement, SqueezeAndUnsqueezeByAttributeAndByInput) {
  const In x = live({1, 3, 1});
  EXPECT_EQ(value({"Squeeze", 11, {x}, {{"axes", Ints{0}}}}).shape, (Shape{3, 1}));
  EXPECT_EQ(value({"Squeeze", 13, {x, ints({-1})}, {}}).shape, (Shape{1, 3}));
  EXPECT_EQ(value({"Squeeze", 13, {x}, {}}).shape, (Shape{3}));
  EXPECT_EQ(value({"Squeeze", 7, {x}, {}}).shape, (Shape{3}));
  EXPECT_EQ(value({"Unsqueeze", 11, {x}, {{"axes", Ints{0, 4}}}}).shape, (Shape{1, 1, 3, 1, 1}));
  EXPECT_EQ(value({"Unsqueeze", 21, {x, ints({-1, 1})}, {}}).shape, (Shape{1, 1, 3, 1, 1}));
  expect_error({"Squeeze", 13, {x, ints({1})}, {}}, ErrorKind::bad_input, "is not 1");
  expect_error({"Squeeze", 13, {x, ints({3})}, {}}, ErrorKind::bad_input, "axis 3");
  expect_error({"Squeeze", 13, {x, live_ints({1}, {0})}, {}}, ErrorKind::unsupported, "depends on");
  expect_error({"Unsqueeze", 11, {x}, {}}, ErrorKind::bad_input, "axes are missing");
  expect_error({"Unsqueeze", 13, {x, ints({0, 0})}, {}}, ErrorKind::bad_input, "given twice");
  expect_error({"Unsqueeze", 13, {x, ints(Ints(20, 0))}, {}}, ErrorKind::bad_input, "more axes");
}

TEST(Movement, TransposeAndConcat) {
  const In x = live({2, 3});
  EXPECT_EQ(value({"Transpose", 13, {x}, {}}).f, (Floats{0, 3, 1, 4, 2, 5}));
  EXPECT_EQ(value({"Transpose", 13, {live({2, 1, 3})}, {{"perm", Ints{1, 2, 0}}}}).f, (Floats{0, 3, 1, 4, 2, 5}));
  EXPECT_EQ(value({"Transpose", 13, {live({}, {7})}, {}}).f, (Floats{7}));
  expect_error({"Transpose", 13, {x}, {{"perm", Ints{0, 0}}}}, ErrorKind::bad_input, "not a permutation");
  expect_error({"Transpose", 13, {x}, {{"perm", Ints{0}}}}, ErrorKind::bad_input, "not a permutation");
  EXPECT_EQ(value({"Concat", 4, {x, live({2, 1}, {8, 9})}, {{"axis", std::int64_t{1}}}}).f, (Floats{0, 1, 2, 8, 3, 4, 5, 9}));
  EXPECT_EQ(value({"Concat", 13, {x, x, x}, {{"axis", std::int64_t{-2}}}}).shape, (Shape{6, 3}));
  expect_error({"Concat", 13, {x, live({2, 1})}, {{"axis", std::int64_t{0}}}}, ErrorKind::bad_input, "does not fit");
  expect_error({"Concat", 13, {x, x}, {}}, ErrorKind::bad_input, "attribute 'axis'");
  expect_error({"Concat", 13, {x, ints({1})}, {{"axis", std::int64_t{0}}}}, ErrorKind::bad_input, "type differs");
}

TEST(Movement, PadInEveryForm) {
  const In x = live({2, 3});
  const Floats want{9, 9, 9, 9, 0, 1, 2, 9, 3, 4, 5, 9};
  EXPECT_EQ(value({"Pad", 10, {x}, {{"pads", Ints{1, 0, 0, 1}}, {"value", 9.0F}}}).f, want);
  EXPECT_EQ(value({"Pad", 11, {x, ints({1, 0, 0, 1}), scalar(9)}, {}}).f, want);
  EXPECT_EQ(value({"Pad", 18, {x, ints({1, 0, 0, 1}), scalar(9), ints({0, 1})}, {}}).f, want);
  EXPECT_EQ(value({"Pad", 18, {x, ints({1, 0}), kNone, ints({-1})}, {}}).f, (Floats{0, 0, 1, 2, 0, 3, 4, 5}));
  EXPECT_EQ(value({"Pad", 11, {x, ints({0, -1, -1, 1})}, {}}).f, (Floats{1, 2, 0})) << "negative amounts crop";
  EXPECT_EQ(value({"Pad", 11, {ints({4}), ints({1, 1}), {int_tensor({}, {7}), false}}, {}}).i, (Ints{7, 4, 7}));
  const In line = live({3});
  EXPECT_EQ(value({"Pad", 11, {line, ints({2, 2})}, {{"mode", std::string("reflect")}}}).f, (Floats{2, 1, 0, 1, 2, 1, 0}));
  EXPECT_EQ(value({"Pad", 11, {line, ints({2, 1})}, {{"mode", std::string("edge")}}}).f, (Floats{0, 0, 0, 1, 2, 2}));
  EXPECT_EQ(value({"Pad", 19, {line, ints({2, 4})}, {{"mode", std::string("wrap")}}}).f, (Floats{1, 2, 0, 1, 2, 0, 1, 2, 0}));
  expect_error({"Pad", 10, {x}, {{"pads", Ints{1}}}}, ErrorKind::bad_input, "1 amounts, expected 4");
  expect_error({"Pad", 13, {x, ints({0, -4, 0, 0})}, {}}, ErrorKind::bad_input, "cropped");
  expect_error({"Pad", 13, {line, ints({3, 0})}, {{"mode", std::string("reflect")}}}, ErrorKind::bad_input, "reaches beyond");
  expect_error({"Pad", 13, {line, ints({1, 0})}, {{"mode", std::string("mirror")}}}, ErrorKind::unsupported, "mode 'mirror'");
  expect_error({"Pad", 13, {line, live_ints({2}, {1, 0})}, {}}, ErrorKind::unsupported, "depends on");
  expect_error({"Pad", 13, {line, ints({std::int64_t{1} << 62, 0})}, {}}, ErrorKind::bad_input, "out of range");
  expect_error({"Pad", 13, {line, ints({0, 1}), floats({2}, {1, 2})}, {}}, ErrorKind::bad_input, "not one value");
}

TEST(Movement, ConstantInEveryForm) {
  EXPECT_EQ(value({"Constant", 7, {}, {{"value", float_tensor({2}, {1, 2})}}}).f, (Floats{1, 2}));
  EXPECT_EQ(value({"Constant", 12, {}, {{"value_float", 3.0F}}}).shape, Shape{});
  EXPECT_EQ(value({"Constant", 12, {}, {{"value_floats", Floats{3, 4}}}}).f, (Floats{3, 4}));
  EXPECT_EQ(value({"Constant", 12, {}, {{"value_int", std::int64_t{5}}}}).i, (Ints{5}));
  EXPECT_EQ(value({"Constant", 12, {}, {{"value_ints", Ints{5, 6}}}}).i, (Ints{5, 6}));
  expect_error({"Constant", 12, {}, {{"value_string", std::string("s")}}}, ErrorKind::unsupported, "value_string");
  expect_error({"Constant", 12, {}, {}}, ErrorKind::bad_input, "exactly one attribute");
}

TEST(Movement, ShapeGatherSliceAndConstantOfShape) {
  const In x = live({2, 3, 4});
  EXPECT_EQ(value({"Shape", 1, {x}, {}}).i, (Ints{2, 3, 4}));
  EXPECT_EQ(value({"Shape", 15, {x}, {{"start", std::int64_t{-2}}, {"end", std::int64_t{-1}}}}).i, (Ints{3}));
  EXPECT_EQ(value({"Gather", 13, {ints({7, 8, 9}), {int_tensor({}, {-1}), false}}, {}}).i, (Ints{9}));
  EXPECT_EQ(value({"Gather", 11, {live({2, 2}), ints({1, 0, 1})}, {{"axis", std::int64_t{1}}}}).f, (Floats{1, 0, 1, 3, 2, 3}));
  EXPECT_THAT((Call{"Gather", 11, {ints({7}), ints({1})}, {}}.evaluate().error().text()), HasSubstr("index 1 is outside"));
  const In line = ints({0, 1, 2, 3, 4});
  const std::int64_t far = std::numeric_limits<std::int64_t>::max(), low = std::numeric_limits<std::int64_t>::min();
  EXPECT_EQ(value({"Slice", 9, {line}, {{"starts", Ints{1}}, {"ends", Ints{-1}}}}).i, (Ints{1, 2, 3}));
  EXPECT_EQ(value({"Slice", 10, {line, ints({-1}), ints({low + 1}), ints({0}), ints({-2})}, {}}).i, (Ints{4, 2, 0}));
  EXPECT_EQ(value({"Slice", 13, {line, ints({1}), ints({far}), ints({-1}), ints({3})}, {}}).i, (Ints{1, 4}));
  EXPECT_EQ(value({"Slice", 13, {line, ints({0}), ints({far}), ints({0}), ints({far})}, {}}).i, (Ints{0}));
  EXPECT_EQ(value({"Slice", 13, {line, ints({3}), ints({2})}, {}}).i, Ints{});
  EXPECT_EQ(value({"Slice", 13, {line, ints({9}), ints({99})}, {}}).i, Ints{});
  expect_error({"Slice", 13, {line, ints({0}), ints({1}), ints({0}), ints({0})}, {}}, ErrorKind::bad_input, "step 0");
  expect_error({"Slice", 13, {line, ints({0, 0}), ints({1, 1}), ints({0, 0})}, {}}, ErrorKind::bad_input, "given twice");
  expect_error({"Slice", 13, {line, ints({0, 0}), ints({1})}, {}}, ErrorKind::bad_input, "differ in length");
  EXPECT_EQ(value({"ConstantOfShape", 9, {ints({2})}, {}}).f, (Floats{0, 0}));
  EXPECT_EQ(value({"ConstantOfShape", 9, {ints({2})}, {{"value", int_tensor({1}, {4})}}}).i, (Ints{4, 4}));
  expect_error({"ConstantOfShape", 9, {ints({-1})}, {}}, ErrorKind::bad_input, "negative dimension");
}

TEST(Movement, EmptyTensorsGoThroughWithoutAnAccess) {
  const In x = live({0, 3}, {});
  EXPECT_EQ(value({"Transpose", 13, {x}, {}}).shape, (Shape{3, 0}));
  EXPECT_EQ(value({"Concat", 13, {x, live({2, 3})}, {{"axis", std::int64_t{0}}}}).shape, (Shape{2, 3}));
  EXPECT_EQ(value({"Pad", 13, {x, ints({1, 0, 0, 0})}, {}}).f, (Floats{0, 0, 0}));
  EXPECT_EQ(value({"Add", 13, {x, live({3})}, {}}).shape, (Shape{0, 3}));
  EXPECT_EQ(value({"MatMul", 13, {x, live({3, 2})}, {}}).shape, (Shape{0, 2}));
  EXPECT_EQ(value({"MatMul", 13, {live({2, 0}, {}), live({0, 2}, {})}, {}}).f, (Floats{0, 0, 0, 0}));
}

}  // namespace
}  // namespace dsperse::ops
