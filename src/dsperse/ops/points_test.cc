// Element-wise operators, reductions, rows and quantized tensors in float: random shapes and attributes against formulas written
// here from ONNX's text, value by value. ONNX's own vectors are in tests/conformance.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <random>

#include "dsperse/model/execute.h"
#include "dsperse/ops/registry.h"

namespace dsperse::ops {
namespace {

using model::Attribute;
using model::DType;
using model::float_tensor;
using model::int_tensor;
using model::Shape;
using model::Tensor;
using ::testing::HasSubstr;
using Ints = std::vector<std::int64_t>;
using Floats = std::vector<float>;
using Attributes = std::map<std::string, Attribute>;
using Rng = std::mt19937_64;

constexpr std::int64_t kOne = 1, kZero = 0;

std::size_t count_of(const Shape& shape) { return static_cast<std::size_t>(*model::element_count(shape)); }

Tensor random_floats(Rng& rng, const Shape& shape, double low, double high) {
  std::uniform_real_distribution<float> draw(static_cast<float>(low), static_cast<float>(high));
  Floats v(count_of(shape));
  for (float& x : v) x = draw(rng);
  return float_tensor(shape, v);
}
Tensor random_ints(Rng& rng, const Shape& shape, std::int64_t low, std::int64_t high, DType dtype = DType::i64) {
  std::uniform_int_distribution<std::int64_t> draw(low, high);
  Ints v(count_of(shape));
  for (auto& x : v) x = draw(rng);
  return int_tensor(shape, v, dtype);
}
Shape random_shape(Rng& rng, std::size_t min_rank = 0) {
  Shape s(min_rank + rng() % 3);
  for (auto& d : s) d = 1 + static_cast<std::int64_t>(rng() % 4);
  return s;
}

Result<std::vector<Tensor>> run(const std::string& op, const std::vector<const Tensor*>& inputs,
                                const Attributes& attributes = {}, std::int64_t opset = 18, std::size_t outputs = 1) {
  model::Node node{"node", op, {}, {}, attributes};
  std::vector<model::ValueInfo> infos(inputs.size());
  std::vector<const model::ValueInfo*> views(inputs.size(), nullptr);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    node.inputs.push_back(inputs[i] != nullptr ? "in" + std::to_string(i) : "");
    if (inputs[i] == nullptr) continue;
    infos[i] = {inputs[i]->dtype, inputs[i]->shape, inputs[i]};
    views[i] = &infos[i];
  }
  for (std::size_t i = 0; i < outputs; ++i) node.outputs.push_back("out" + std::to_string(i));
  const auto shapes = model::infer_node(node, opset, float_operators(), views);
  if (!shapes) return std::unexpected(shapes.error());
  auto values = model::evaluate_node(node, opset, float_operators(), inputs);
  for (std::size_t i = 0; values && i < outputs; ++i) {
    EXPECT_EQ((*shapes)[i].shape, (*values)[i].shape) << op;
    EXPECT_EQ((*shapes)[i].dtype, (*values)[i].dtype) << op;
    EXPECT_TRUE(model::check_tensor((*values)[i])) << op;
  }
  return values;
}

Tensor value(const std::string& op, const std::vector<const Tensor*>& inputs, const Attributes& attributes = {},
             std::int64_t opset = 18) {
  auto out = run(op, inputs, attributes, opset);
  EXPECT_TRUE(out) << op << ": " << out.error().text();
  return out ? (*out)[0] : Tensor{};
}

std::string error(const std::string& op, const std::vector<const Tensor*>& inputs, const Attributes& attributes = {},
                  std::int64_t opset = 18) {
  const auto out = run(op, inputs, attributes, opset);
  return out ? "no error" : out.error().text();
}

void expect_near(const Tensor& got, const Tensor& want, double tolerance, const std::string& what) {
  ASSERT_EQ(got.shape, want.shape) << what;
  EXPECT_EQ(got.i, want.i) << what;
  ASSERT_EQ(got.f.size(), want.f.size()) << what;
  for (std::size_t k = 0; k < got.f.size(); ++k) {
    const auto w = static_cast<double>(want.f[k]);
    EXPECT_NEAR(static_cast<double>(got.f[k]), w, tolerance * (1 + std::fabs(w))) << what << " element " << k;
  }
}

/// Element of t that broadcasting puts at a position of `out`.
double at(const Tensor& t, const Shape& out, std::size_t index) {
  std::size_t from = 0, block = 1;
  for (std::size_t k = 0; k < out.size(); ++k) {
    const std::size_t axis = out.size() - 1 - k, d = static_cast<std::size_t>(out[axis]), digit = index % d;
    index /= d;
    if (k >= t.shape.size()) continue;
    const auto own = static_cast<std::size_t>(t.shape[t.shape.size() - 1 - k]);
    if (own != 1) from += digit * block;
    block *= own;
  }
  return t.dtype == DType::f32 ? static_cast<double>(t.f[from]) : static_cast<double>(t.i[from]);
}

TEST(PointFunctions, OfOneNumber) {
  struct Case {
    std::string op;
    double low, high;
    std::function<double(double)> f;
    Attributes attributes = {};
  };
  const auto sigmoid = [](double x) { return 1 / (1 + std::exp(-x)); };
  const double c = std::sqrt(2 / std::acos(-1.0));
  const std::vector<Case> cases{
      {"Abs", -3, 3, [](double x) { return x < 0 ? -x : x; }},
      {"Acos", -1, 1, [](double x) { return std::acos(x); }},
      {"Acosh", 1, 9, [](double x) { return std::log(x + std::sqrt(x * x - 1)); }},
      {"Asin", -1, 1, [](double x) { return std::asin(x); }},
      {"Asinh", -3, 3, [](double x) { return std::asinh(x); }},
      {"Atan", -9, 9, [](double x) { return std::atan(x); }},
      {"Atanh", -0.9, 0.9, [](double x) { return std::log((1 + x) / (1 - x)) / 2; }},
      {"Ceil", -3, 3, [](double x) { return -std::floor(-x); }},
      {"Celu", -4, 4, [](double x) { return std::max(0.0, x) + std::min(0.0, 2 * (std::exp(x / 2) - 1)); }, {{"alpha", 2.0F}}},
      {"Cos", -9, 9, [](double x) { return std::cos(x); }},
      {"Cosh", -3, 3, [](double x) { return (std::exp(x) + std::exp(-x)) / 2; }},
      {"Elu", -4, 4, [](double x) { return x < 0 ? 0.5 * (std::exp(x) - 1) : x; }, {{"alpha", 0.5F}}},
      {"Erf", -3, 3, [](double x) { return std::erf(x); }},
      {"Exp", -5, 5, [](double x) { return std::exp(x); }},
      {"Floor", -3, 3, [](double x) { return std::floor(x); }},
      {"Gelu", -6, 6, [](double x) { return 0.5 * x * (1 + std::erf(x / std::sqrt(2.0))); }},
      {"Gelu",
       -6,
       6,
       [c](double x) { return 0.5 * x * (1 + std::tanh(c * (x + 0.044715 * x * x * x))); },
       {{"approximate", std::string("tanh")}}},
      {"HardSigmoid",
       -9,
       9,
       [](double x) { return std::max(0.0, std::min(1.0, 0.25 * x + 0.4)); },
       {{"alpha", 0.25F}, {"beta", 0.4F}}},
      {"HardSwish", -5, 5, [](double x) { return x * std::max(0.0, std::min(1.0, x / 6 + 0.5)); }},
      {"LeakyRelu", -5, 5, [](double x) { return x < 0 ? -0.5 * x : x; }, {{"alpha", -0.5F}}},
      {"Log", 0.1, 9, [](double x) { return std::log(x); }},
      {"Mish", -5, 5, [](double x) { return x * std::tanh(std::log(1 + std::exp(x))); }},
      {"Neg", -5, 5, [](double x) { return -x; }},
      {"Reciprocal", 0.2, 5, [](double x) { return 1 / x; }},
      {"Selu", -4, 4, [](double x) { return x > 0 ? 1.05070102 * x : 1.05070102 * 1.67326319 * (std::exp(x) - 1); }},
      {"Shrink",
       -2,
       2,
       [](double x) { return x < -0.7  ? x + 0.25
                             : x > 0.7 ? x - 0.25
                                       : 0; },
       {{"lambd", 0.7F}, {"bias", 0.25F}}},
      {"Sigmoid", -9, 9, sigmoid},
      {"Sign", -2, 2, [](double x) { return x > 0 ? 1 : -1; }},
      {"Sin", -9, 9, [](double x) { return std::sin(x); }},
      {"Sinh", -3, 3, [](double x) { return (std::exp(x) - std::exp(-x)) / 2; }},
      {"Softplus", -9, 9, [](double x) { return std::log(1 + std::exp(x)); }},
      {"Softsign", -9, 9, [](double x) { return x / (1 + std::fabs(x)); }},
      {"Sqrt", 0, 9, [](double x) { return std::sqrt(x); }},
      {"Swish", -9, 9, [sigmoid](double x) { return x * sigmoid(1.5 * x); }, {{"alpha", 1.5F}}},
      {"Tan", -1.4, 1.4, [](double x) { return std::sin(x) / std::cos(x); }},
      {"ThresholdedRelu", -3, 3, [](double x) { return x > 0.5 ? x : 0; }, {{"alpha", 0.5F}}},
  };
  Rng rng(1);
  for (const Case& t : cases)
    for (int round = 0; round < 3; ++round) {
      const Tensor x = random_floats(rng, random_shape(rng), t.low, t.high);
      Tensor want = x;
      for (float& v : want.f) v = static_cast<float>(t.f(static_cast<double>(v)));
      expect_near(value(t.op, {&x}, t.attributes), want, 2e-6, t.op);
    }
}

TEST(PointFunctions, EdgesAndExactIntegers) {
  const Tensor halves = float_tensor({6}, {-2.5F, -1.5F, -0.5F, 0.5F, 1.5F, 2.5F});
  EXPECT_EQ(value("Round", {&halves}).f, (Floats{-2, -2, 0, 0, 2, 2}));
  const Tensor large = int_tensor({3}, {-(std::int64_t{1} << 60), 0, (std::int64_t{1} << 60) + 1});
  EXPECT_EQ(value("Abs", {&large}).i, (Ints{std::int64_t{1} << 60, 0, (std::int64_t{1} << 60) + 1}));
  EXPECT_EQ(value("Sign", {&large}).i, (Ints{-1, 0, 1}));
  EXPECT_EQ(value("Neg", {&large}).i[2], -(std::int64_t{1} << 60) - 1);
  const Tensor one_less = int_tensor({}, {std::int64_t{1} << 60});
  EXPECT_EQ(value("Greater", {&large, &one_less}).i, (Ints{0, 0, 1})) << "not by way of doubles";
  const Tensor odd = float_tensor({3}, {INFINITY, -INFINITY, NAN});
  EXPECT_EQ((run("IsInf", {&odd}))->at(0).i, (Ints{1, 1, 0}));
  EXPECT_EQ((run("IsInf", {&odd}, {{"detect_negative", kZero}}))->at(0).i, (Ints{1, 0, 0}));
  EXPECT_EQ((run("IsNaN", {&odd}))->at(0).i, (Ints{0, 0, 1}));
  const Tensor x = float_tensor({1}, {1});
  EXPECT_THAT(error("Gelu", {&x}, {{"approximate", std::string("odd")}}), HasSubstr("odd"));
  EXPECT_THAT(error("Erf", {&large}), HasSubstr("integer tensor"));
  EXPECT_THAT(error("Elu", {&x}, {{"alpha", std::int64_t{1}}}), HasSubstr("alpha"));
}

TEST(PointFunctions, SeveralOperandsBroadcast) {
  struct Case {
    std::string op;
    std::function<double(double, double)> f;
    bool floats, integers;
    Attributes attributes = {};
  };
  const auto floored = [](double x, double y) { return x - y * std::floor(x / y); };
  const std::vector<Case> cases{
      {"Add", [](double x, double y) { return x + y; }, true, true},
      {"Sub", [](double x, double y) { return x - y; }, true, true},
      {"Mul", [](double x, double y) { return x * y; }, true, true},
      {"Div", [](double x, double y) { return x / y; }, true, false},
      {"Div", [](double x, double y) { return std::trunc(x / y); }, false, true},
      {"Mod", floored, false, true},
      {"Mod", [](double x, double y) { return std::fmod(x, y); }, true, true, {{"fmod", kOne}}},
      {"Max", [](double x, double y) { return x > y ? x : y; }, true, true},
      {"Min", [](double x, double y) { return x > y ? y : x; }, true, true},
      {"Sum", [](double x, double y) { return x + y; }, true, false},
      {"Mean", [](double x, double y) { return (x + y) / 2; }, true, false},
      {"Equal", [](double x, double y) { return x == y; }, true, true},
      {"Greater", [](double x, double y) { return x > y; }, true, true},
      {"GreaterOrEqual", [](double x, double y) { return x >= y; }, true, true},
      {"Less", [](double x, double y) { return x < y; }, true, true},
      {"LessOrEqual", [](double x, double y) { return x <= y; }, true, true},
  };
  Rng rng(2);
  for (const Case& c : cases)
    for (const bool integers : {false, true})
      for (int round = 0; round < 6; ++round) {
        if (!(integers ? c.integers : c.floats)) continue;
        Shape a = random_shape(rng, 1), b = a;
        for (auto* s : {&a, &b})
          for (auto& d : *s)
            if (rng() % 3 == 0) d = 1;
        if (rng() % 2 == 0) b.erase(b.begin());
        Tensor x = integers ? random_ints(rng, a, -5, 5) : random_floats(rng, a, -2, 2);
        Tensor y = integers ? random_ints(rng, b, 1, 5) : random_floats(rng, b, 0.5, 2);
        if (!integers && rng() % 2 == 0) y.f[0] = x.f[0] == 0 ? 1 : x.f[0];
        if (integers)
          for (auto& v : y.i) v = rng() % 2 == 0 ? v : -v;
        const Tensor got = value(c.op, {&x, &y}, c.attributes);
        Tensor want = got;
        for (std::size_t k = 0; k < count_of(got.shape); ++k) {
          const double v = c.f(at(x, got.shape, k), at(y, got.shape, k));
          if (got.dtype == DType::f32)
            want.f[k] = static_cast<float>(v);
          else
            want.i[k] = static_cast<std::int64_t>(v);
        }
        expect_near(got, want, 1e-6, c.op);
      }
}

TEST(PointFunctions, PowWhereLogicAndBits) {
  Rng rng(3);
  const Tensor base = random_floats(rng, {3, 4}, 0.1, 3), exponent = random_floats(rng, {4}, -2, 2);
  const Tensor power = value("Pow", {&base, &exponent});
  for (std::size_t k = 0; k < 12; ++k)
    EXPECT_NEAR(power.f[k], std::pow(static_cast<double>(base.f[k]), static_cast<double>(exponent.f[k % 4])), 1e-5);
  const Tensor whole = int_tensor({3}, {2, -3, 4}), two = float_tensor({}, {2});
  EXPECT_EQ(value("Pow", {&whole, &two}).i, (Ints{4, 9, 16}));

  const Tensor p = random_ints(rng, {2, 1, 3}, 0, 1, DType::boolean), q = random_ints(rng, {2, 3}, 0, 1, DType::boolean);
  for (const std::string op : {"And", "Or", "Xor"}) {
    const Tensor got = value(op, {&p, &q});
    ASSERT_EQ(got.shape, (Shape{2, 2, 3}));
    for (std::size_t k = 0; k < 12; ++k) {
      const bool a = at(p, got.shape, k) != 0, b = at(q, got.shape, k) != 0;
      EXPECT_EQ(got.i[k] != 0, op == "And" ? a && b : op == "Or" ? a || b : a != b) << op;
    }
  }
  EXPECT_EQ(value("Not", {&q}).i[0], 1 - q.i[0]);
  const Tensor yes = random_floats(rng, {3}, 0, 1), no = random_floats(rng, {2, 2, 1}, 0, 1);
  const Tensor chosen = value("Where", {&p, &yes, &no});
  for (std::size_t k = 0; k < 12; ++k)
    EXPECT_EQ(static_cast<double>(chosen.f[k]), at(p, {2, 2, 3}, k) != 0 ? at(yes, {2, 2, 3}, k) : at(no, {2, 2, 3}, k));

  const Tensor bits = int_tensor({3}, {12, 5, 1}), by = int_tensor({3}, {1, 2, 64});
  EXPECT_EQ(value("BitShift", {&bits, &by}, {{"direction", std::string("LEFT")}}).i, (Ints{24, 20, 0}));
  EXPECT_EQ(value("BitShift", {&bits, &by}, {{"direction", std::string("RIGHT")}}).i, (Ints{6, 1, 0}));
  const Tensor negative = int_tensor({3}, {-8, -1, 4}), far = int_tensor({3}, {1, 64, -1});
  EXPECT_EQ(value("BitShift", {&negative, &far}, {{"direction", std::string("RIGHT")}}).i, (Ints{-4, -1, 0}));
  EXPECT_EQ(value("BitwiseAnd", {&bits, &by}).i, (Ints{0, 0, 0}));
  EXPECT_EQ(value("BitwiseXor", {&bits, &by}).i, (Ints{13, 7, 65}));
  EXPECT_THAT(error("BitShift", {&bits, &by}), HasSubstr("direction"));
  EXPECT_THAT(error("Mod", {&yes, &yes}), HasSubstr("fmod"));
  EXPECT_THAT(error("Where", {&yes, &yes, &no}), HasSubstr("booleans"));
  EXPECT_THAT(error("And", {&yes, &yes}), HasSubstr("booleans"));
  EXPECT_THAT(error("Less", {&p, &q}), HasSubstr("numbers"));
  EXPECT_THAT(error("PRelu", {&yes, &no}), HasSubstr("does not broadcast"));
  const Tensor x = float_tensor({2, 2}, {-1, 2, -3, 4}), slope = float_tensor({2}, {0.5F, 2});
  EXPECT_EQ(value("PRelu", {&x, &slope}).f, (Floats{-0.5F, 2, -1.5F, 4}));
  EXPECT_EQ(value("CastLike", {&x, &whole}).i, (Ints{-1, 2, -3, 4}));
}

TEST(Reductions, OverAnyAxes) {
  Rng rng(4);
  for (const std::string name : {"Sum", "Mean", "Max", "Min", "Prod", "L1", "L2", "LogSum", "LogSumExp", "SumSquare"})
    for (int round = 0; round < 12; ++round) {
      const std::string op = "Reduce" + name;
      const Shape shape = random_shape(rng, 1);
      const Tensor x = random_floats(rng, shape, 0.2, 2);
      std::vector<bool> gone(shape.size());
      Ints axes;
      for (std::size_t k = 0; k < shape.size(); ++k) {
        gone[k] = rng() % 2 == 0;
        if (gone[k])
          axes.push_back(static_cast<std::int64_t>(k) - (rng() % 2 == 0 ? static_cast<std::int64_t>(shape.size()) : 0));
      }
      if (axes.empty()) gone.assign(shape.size(), true);
      const std::int64_t keep = static_cast<std::int64_t>(rng() % 2);
      const bool input = rng() % 2 == 0;
      const Tensor list = int_tensor({static_cast<std::int64_t>(axes.size())}, axes);
      Attributes attributes{{"keepdims", keep}};
      std::vector<const Tensor*> inputs{&x};
      if (input)
        inputs.push_back(&list);
      else if (!axes.empty())
        attributes["axes"] = axes;
      const Tensor got = value(op, inputs, attributes, input ? 18 : name == "Sum" ? 11 : 13);

      Shape out, kept_as_ones;
      for (std::size_t k = 0; k < shape.size(); ++k) {
        kept_as_ones.push_back(gone[k] ? 1 : shape[k]);
        if (!gone[k] || keep != 0) out.push_back(kept_as_ones.back());
      }
      ASSERT_EQ(got.shape, out) << op;
      for (std::size_t o = 0; o < got.f.size(); ++o) {
        double sum = 0, product = 1, top = -1e9, low = 1e9, magnitude = 0, squares = 0, exponentials = 0, n = 0;
        for (std::size_t k = 0; k < x.f.size(); ++k) {
          std::size_t rest = k, to = 0, block = 1;
          for (std::size_t axis = shape.size(); axis-- > 0; rest /= static_cast<std::size_t>(shape[axis])) {
            if (!gone[axis]) to += rest % static_cast<std::size_t>(shape[axis]) * block;
            block *= static_cast<std::size_t>(kept_as_ones[axis]);
          }
          if (to != o) continue;
          const auto v = static_cast<double>(x.f[k]);
          sum += v, product *= v, top = std::max(top, v), low = std::min(low, v), magnitude += std::fabs(v), squares += v * v;
          exponentials += std::exp(v), n += 1;
        }
        const std::map<std::string, double> want{{"Sum", sum},
                                                 {"Mean", sum / n},
                                                 {"Max", top},
                                                 {"Min", low},
                                                 {"Prod", product},
                                                 {"L1", magnitude},
                                                 {"L2", std::sqrt(squares)},
                                                 {"LogSum", std::log(sum)},
                                                 {"LogSumExp", std::log(exponentials)},
                                                 {"SumSquare", squares}};
        EXPECT_NEAR(static_cast<double>(got.f[o]), want.at(name), 1e-5 * (1 + std::fabs(want.at(name)))) << op;
      }
    }
  const Tensor x = random_floats(rng, {2, 3}, 0, 1), none = int_tensor({0}, {});
  EXPECT_EQ(value("ReduceSum", {&x, &none}, {{"noop_with_empty_axes", kOne}}).f, x.f);
  EXPECT_EQ(value("ReduceSum", {&x, &none}).shape, (Shape{1, 1}));
  const Tensor n = int_tensor({4}, {7, -2, 3, 1});
  EXPECT_EQ(value("ReduceMax", {&n}, {}, 12).i, (Ints{7}));
  EXPECT_EQ(value("ReduceProd", {&n}, {}, 12).i, (Ints{-42}));
  EXPECT_THAT(error("ReduceMean", {&x}, {{"axes", Ints{2}}}, 13), HasSubstr("axes"));
  EXPECT_THAT(error("ReduceL2", {&n}, {}, 13), HasSubstr("only float"));
}

TEST(Reductions, PositionsAndOrder) {
  const Tensor x = float_tensor({2, 4}, {1, 5, 5, 2, -1, -3, -3, 0});
  EXPECT_EQ(value("ArgMax", {&x}, {{"axis", kOne}}).i, (Ints{1, 3}));
  EXPECT_EQ(value("ArgMax", {&x}, {{"axis", kOne}, {"select_last_index", kOne}}).i, (Ints{2, 3}));
  EXPECT_EQ(value("ArgMin", {&x}, {{"axis", std::int64_t{-1}}, {"keepdims", kZero}}).i, (Ints{0, 1}));
  EXPECT_EQ(value("ArgMin", {&x}, {{"axis", std::int64_t{-1}}, {"keepdims", kZero}}).shape, (Shape{2}));
  EXPECT_EQ(value("ArgMin", {&x}).i, (Ints{1, 1, 1, 1}));
  const Tensor axis = int_tensor({}, {1});
  EXPECT_EQ(value("CumSum", {&x, &axis}).f, (Floats{1, 6, 11, 13, -1, -4, -7, -7}));
  EXPECT_EQ(value("CumSum", {&x, &axis}, {{"exclusive", kOne}}).f, (Floats{0, 1, 6, 11, 0, -1, -4, -7}));
  EXPECT_EQ(value("CumSum", {&x, &axis}, {{"reverse", kOne}}).f, (Floats{13, 12, 7, 2, -7, -6, -3, 0}));
  EXPECT_EQ(value("CumSum", {&x, &axis}, {{"reverse", kOne}, {"exclusive", kOne}}).f, (Floats{12, 7, 2, 0, -6, -3, 0, 0}));
  const Tensor k = int_tensor({1}, {2});
  const auto top = run("TopK", {&x, &k}, {}, 18, 2);
  ASSERT_TRUE(top) << top.error().text();
  EXPECT_EQ((*top)[0].f, (Floats{5, 5, 0, -1}));
  EXPECT_EQ((*top)[1].i, (Ints{1, 2, 3, 0}));
  EXPECT_EQ(run("TopK", {&x, &k}, {{"largest", kZero}}, 18, 2)->at(1).i, (Ints{0, 3, 1, 2}));
  EXPECT_EQ(run("TopK", {&x}, {{"k", kOne}}, 9, 2)->at(1).i, (Ints{1, 3}));
  EXPECT_THAT(error("TopK", {&x}, {{"k", std::int64_t{5}}}, 9), HasSubstr("5 of 4"));
  const Tensor indices = int_tensor({3}, {1, -1, 7}), depth = int_tensor({}, {3}), values = float_tensor({2}, {-1, 2});
  EXPECT_EQ(value("OneHot", {&indices, &depth, &values}).f, (Floats{-1, 2, -1, -1, -1, 2, -1, -1, -1}));
  EXPECT_EQ(value("OneHot", {&indices, &depth, &values}, {{"axis", kZero}}).f, (Floats{-1, -1, -1, 2, -1, -1, -1, 2, -1}));
}

TEST(Rows, SoftmaxOfBothMeanings) {
  Rng rng(5);
  const Shape shape{2, 3, 4};
  const Tensor x = random_floats(rng, shape, -3, 3);
  for (const std::int64_t opset : {11, 13})
    for (std::int64_t axis = 0; axis < 3; ++axis) {
      const Tensor y = value("Softmax", {&x}, {{"axis", axis}}, opset);
      for (std::size_t k = 0; k < 24; ++k) {
        double sum = 0;
        for (std::size_t j = 0; j < 24; ++j) {
          bool together = true;
          std::size_t a = k, b = j;
          for (std::int64_t d = 2; d >= 0; --d) {
            const auto size = static_cast<std::size_t>(shape[static_cast<std::size_t>(d)]);
            const bool inside = opset < 13 ? d >= axis : d == axis;
            together = together && (inside || a % size == b % size);
            a /= size, b /= size;
          }
          if (together) sum += std::exp(static_cast<double>(x.f[j]));
        }
        EXPECT_NEAR(y.f[k], std::exp(static_cast<double>(x.f[k])) / sum, 1e-6) << opset << " " << axis;
      }
    }
  const Tensor far = float_tensor({1, 3}, {-1e30F, 1e30F, 1e30F});
  EXPECT_EQ(value("Softmax", {&far}).f, (Floats{0, 0.5F, 0.5F}));
}

TEST(Rows, LayerAndRootMeanSquareNormalization) {
  Rng rng(6);
  for (const std::string op : {"LayerNormalization", "RMSNormalization"})
    for (std::int64_t axis = -3; axis < 0; ++axis) {
      const Shape shape{2, 3, 4}, rows(shape.begin() + (3 + axis), shape.end());
      const Tensor x = random_floats(rng, shape, -3, 3), scale = random_floats(rng, rows, 0.5, 2),
                   bias = random_floats(rng, rows, -1, 1);
      std::vector<const Tensor*> inputs{&x, &scale};
      const bool layer = op == "LayerNormalization";
      if (layer) inputs.push_back(&bias);
      const Tensor y = value(op, inputs, {{"axis", axis}, {"epsilon", 0.01F}});
      const std::size_t n = count_of(rows);
      for (std::size_t k = 0; k < 24; ++k) {
        double mean = 0, square = 0;
        for (std::size_t j = k / n * n; j < k / n * n + n; ++j) mean += static_cast<double>(x.f[j]) / static_cast<double>(n);
        if (!layer) mean = 0;
        for (std::size_t j = k / n * n; j < k / n * n + n; ++j)
          square += std::pow(static_cast<double>(x.f[j]) - mean, 2) / static_cast<double>(n);
        const double want =
            (static_cast<double>(x.f[k]) - mean) / std::sqrt(square + 0.01) * static_cast<double>(scale.f[k % n]) +
            (layer ? static_cast<double>(bias.f[k % n]) : 0);
        EXPECT_NEAR(y.f[k], want, 1e-5) << op << axis;
      }
    }
  const Tensor x = float_tensor({2, 2}, {1, 3, 5, 5}), scale = float_tensor({2}, {1, 1});
  const auto all = run("LayerNormalization", {&x, &scale}, {{"epsilon", 0.0F}}, 17, 3);
  EXPECT_EQ((*all)[1].f, (Floats{2, 5}));
  EXPECT_EQ((*all)[2].f[0], 1);
  const Tensor wide = float_tensor({3}, {1, 1, 1});
  EXPECT_THAT(error("LayerNormalization", {&x, &wide}), HasSubstr("does not broadcast"));
  EXPECT_THAT(error("RMSNormalization", {&x, &scale}, {{"epsilon", -1.0F}}), HasSubstr("epsilon"));
}

Tensor typed(Tensor t, std::int32_t element) {
  t.element = element;
  return t;
}

TEST(Quantized, LinearFormsPerTensorAndPerAxis) {
  const Tensor x = float_tensor({2, 3}, {-1.3F, 0.25F, 0.75F, 100, -300, 0.5F});
  const Tensor scale = float_tensor({}, {0.5F});
  const Tensor unsigned8 = typed(int_tensor({}, {128}), 2), signed8 = typed(int_tensor({}, {0}), 3);
  EXPECT_EQ(value("QuantizeLinear", {&x, &scale, &unsigned8}).i, (Ints{125, 128, 130, 255, 0, 129})) << "halves to even";
  EXPECT_EQ(value("QuantizeLinear", {&x, &scale, &signed8}).i, (Ints{-3, 0, 2, 127, -128, 1}));
  EXPECT_EQ(value("QuantizeLinear", {&x, &scale}).i, (Ints{0, 0, 2, 200, 0, 1})) << "unsigned 8 bits where nothing is said";
  EXPECT_EQ(value("QuantizeLinear", {&x, &scale}, {{"output_dtype", std::int64_t{5}}}, 21).i, (Ints{-3, 0, 2, 200, -600, 1}));
  const Tensor scales = float_tensor({3}, {1, 0.5F, 0.25F}), zeros = typed(int_tensor({3}, {0, 1, 2}), 3);
  const Tensor q = value("QuantizeLinear", {&x, &scales, &zeros});
  EXPECT_EQ(q.i, (Ints{-1, 1, 5, 100, -128, 4}));
  EXPECT_EQ(value("DequantizeLinear", {&q, &scales, &zeros}).f, (Floats{-1, 0, 0.75F, 100, -64.5F, 0.5F}));
  EXPECT_EQ(value("DequantizeLinear", {&q, &scale}).f, (Floats{-0.5F, 0.5F, 2.5F, 50, -64, 2}));
  EXPECT_THAT(error("QuantizeLinear", {&x, &scales, &unsigned8}), HasSubstr("is not the scale's"));
  EXPECT_THAT(error("QuantizeLinear", {&x, &scale}, {{"block_size", std::int64_t{2}}}), HasSubstr("block"));
  EXPECT_THAT(error("QuantizeLinear", {&x, &scale}, {{"output_dtype", std::int64_t{17}}}), HasSubstr("data type 17"));
  const Tensor nothing = float_tensor({}, {0});
  const Tensor zero = float_tensor({1}, {0});
  EXPECT_THAT(error("QuantizeLinear", {&zero, &nothing}), HasSubstr("scale of 0"));
}

TEST(Quantized, ProductsOfIntegers) {
  const Tensor a = int_tensor({2, 3}, {11, 7, 3, 10, 6, 2}), b = int_tensor({3, 2}, {1, 4, 2, 5, 3, 6});
  const Tensor a_zero = int_tensor({}, {12}), b_zero = int_tensor({2}, {0, 1});
  EXPECT_EQ(value("MatMulInteger", {&a, &b, &a_zero, &b_zero}).i, (Ints{-38, -68, -44, -80}));
  EXPECT_EQ(value("MatMulInteger", {&a, &b}).i, (Ints{34, 97, 28, 82}));
  const Tensor x = int_tensor({1, 1, 3, 3}, {2, 3, 4, 5, 6, 7, 8, 9, 10}), w = int_tensor({1, 1, 2, 2}, {1, 1, 1, 1});
  const Tensor one = typed(int_tensor({}, {1}), 2);
  EXPECT_EQ(value("ConvInteger", {&x, &w, &one}, {}, 10).i, (Ints{12, 16, 24, 28}));
  const Tensor half = float_tensor({}, {0.5F}), quarter = float_tensor({}, {0.25F});
  EXPECT_EQ(value("QLinearMatMul", {&a, &half, &one, &b, &half, &one, &quarter, &one}).i,
            (Ints{11, 65, 8, 53}));  // (10 6 2; 9 5 1) (0 3; 1 4; 2 5) / 4 / (1 / 4) + 1
  const Tensor d = float_tensor({6}, {0, 2, -3, -2.5F, 1.34F, 0.5F});
  const auto dynamic = run("DynamicQuantizeLinear", {&d}, {}, 11, 3);
  ASSERT_TRUE(dynamic) << dynamic.error().text();
  EXPECT_EQ((*dynamic)[0].i, (Ints{153, 255, 0, 26, 221, 179}));
  EXPECT_EQ((*dynamic)[2].i, (Ints{153}));
  EXPECT_FLOAT_EQ((*dynamic)[1].f[0], 5.0F / 255);
}

}  // namespace
}  // namespace dsperse::ops
