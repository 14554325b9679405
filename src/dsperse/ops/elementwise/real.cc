#include "dsperse/ops/elementwise/real.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numbers>
#include <string>

#include "dsperse/ops/quantized/quantized.h"

namespace dsperse::ops {

using model::DType;
using model::InferCall;

namespace {

using Args = std::span<const double>;
using Maker = Result<Real> (*)(const InferCall&);

constexpr double kInfinity = std::numeric_limits<double>::infinity();

template <auto F>
Result<Real> unary(const InferCall&) {
  return Real{[](Args a) { return static_cast<double>(F(a[0])); }};
}

template <auto F>
Result<Real> binary(const InferCall&) {
  return Real{[](Args a) { return static_cast<double>(F(a[0], a[1])); }};
}

/// F folded over all inputs.
template <auto F>
Result<Real> variadic(const InferCall&) {
  return Real{[](Args a) {
    double sum = a[0];
    for (const double x : a.subspan(1)) sum = F(sum, x);
    return sum;
  }};
}

Result<double> number(const InferCall& call, const char* key, double fallback) {
  if (!call.node.attributes.contains(key)) return fallback;
  DSPERSE_TRY(const float v, call.node.float_or(key, 0));
  return static_cast<double>(v);
}

bool on_integers(const InferCall& call) {
  return !call.inputs.empty() && call.inputs[0] != nullptr && call.inputs[0]->dtype != DType::f32;
}

double relu(double x) { return std::max(x, 0.0); }
double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }
double softplus(double x) { return relu(x) + std::log1p(std::exp(-std::fabs(x))); }
double sign(double x) { return x > 0 ? 1 : x < 0 ? -1 : 0; }
/// To the nearest, halves to even, whatever the rounding mode.
double half_to_even(double x) {
  const double low = std::floor(x), rest = x - low;
  if (rest != 0.5) return rest < 0.5 ? low : low + 1;
  return std::fmod(low, 2) == 0 ? low : low + 1;
}
double elu(double x, double alpha) { return x < 0 ? alpha * std::expm1(x) : x; }
/// Remainder with the sign of the divisor.
double floored_remainder(double x, double y) {
  const double r = std::fmod(x, y);
  return r != 0 && (r < 0) != (y < 0) ? r + y : r;
}

/// One parameter.
template <auto F>
Result<Real> shaped(const InferCall& call, const char* key, double fallback) {
  DSPERSE_TRY(const double p, number(call, key, fallback));
  return Real{[p](Args a) { return static_cast<double>(F(a[0], p)); }};
}
/// Two parameters.
template <auto F>
Result<Real> shaped(const InferCall& call, const char* key, double fallback, const char* key2, double fallback2) {
  DSPERSE_TRY(const double p, number(call, key, fallback));
  DSPERSE_TRY(const double q, number(call, key2, fallback2));
  return Real{[p, q](Args a) { return static_cast<double>(F(a[0], p, q)); }};
}

Result<Real> gelu(const InferCall& call) {
  const auto form = call.node.string_or("approximate", "none");
  if (!form) return std::unexpected(form.error());
  if (*form == "none") return Real{[](Args a) { return a[0] / 2 * std::erfc(-a[0] / std::numbers::sqrt2); }};
  if (*form != "tanh") return fail(ErrorKind::bad_input, "unknown value '" + *form + "'", "attribute 'approximate'");
  const double scale = std::sqrt(2 / std::numbers::pi);
  return Real{[scale](Args a) { return a[0] / 2 * (1 + std::tanh(scale * (a[0] + 0.044715 * a[0] * a[0] * a[0]))); }};
}

Result<Real> clip(const InferCall& call) {
  double low = -kInfinity, high = kInfinity;
  if (call.opset < 11) {
    DSPERSE_TRY(low, number(call, "min", low));
    DSPERSE_TRY(high, number(call, "max", high));
  }
  const bool has_low = has_input(call, 1), has_high = has_input(call, 2);
  return Real{[=](Args a) { return std::min(std::max(a[0], has_low ? a[1] : low), has_high ? a[2] : high); }};
}

Result<Real> cast(const InferCall& call) {
  DSPERSE_TRY(const std::int64_t to, call.node.int_or("to", 0));
  if (to == 9) return unary<[](double x) { return x != 0; }>(call);
  if (to == 1 || to == 10 || to == 11 || to == 16) return unary<[](double x) { return x; }>(call);
  return unary<[](double x) { return std::trunc(x); }>(call);
}

Result<Real> is_inf(const InferCall& call) {
  DSPERSE_TRY(const std::int64_t negative, call.node.int_or("detect_negative", 1));
  DSPERSE_TRY(const std::int64_t positive, call.node.int_or("detect_positive", 1));
  return Real{[=](Args a) { return (a[0] == kInfinity && positive != 0) || (a[0] == -kInfinity && negative != 0) ? 1.0 : 0.0; }};
}

Result<Real> divide(const InferCall& call) {
  if (on_integers(call)) return binary<[](double x, double y) { return std::trunc(x / y); }>(call);
  return binary<[](double x, double y) { return x / y; }>(call);
}
Result<Real> mod(const InferCall& call) {
  DSPERSE_TRY(const std::int64_t fmod, call.node.int_or("fmod", 0));
  if (fmod != 0) return binary<[](double x, double y) { return std::fmod(x, y); }>(call);
  return binary<floored_remainder>(call);
}
Result<Real> power(const InferCall& call) {
  if (on_integers(call)) return binary<[](double x, double y) { return std::trunc(std::pow(x, y)); }>(call);
  return binary<[](double x, double y) { return std::pow(x, y); }>(call);
}
Result<Real> mean(const InferCall&) {
  return Real{[](Args a) {
    double sum = 0;
    for (const double x : a) sum += x;
    return sum / static_cast<double>(a.size());
  }};
}

Result<Real> quantize(const InferCall& call) {
  DSPERSE_TRY(const IntegerRange range, quantized_range(call));
  const bool has_zero = has_input(call, 2);
  return Real{[=](Args a) { return quantize_number(a[0], a[1], has_zero ? a[2] : 0, range); }};
}
Result<Real> dequantize(const InferCall& call) {
  const bool has_zero = has_input(call, 2);
  return Real{[=](Args a) { return (a[0] - (has_zero ? a[2] : 0)) * a[1]; }};
}

using Table = std::map<std::string_view, Maker>;

Table of_one() {
  return {
      {"Abs", unary<[](double x) { return std::fabs(x); }>},
      {"Acos", unary<[](double x) { return std::acos(x); }>},
      {"Acosh", unary<[](double x) { return std::acosh(x); }>},
      {"Asin", unary<[](double x) { return std::asin(x); }>},
      {"Asinh", unary<[](double x) { return std::asinh(x); }>},
      {"Atan", unary<[](double x) { return std::atan(x); }>},
      {"Atanh", unary<[](double x) { return std::atanh(x); }>},
      {"Cast", cast},
      {"Ceil", unary<[](double x) { return std::ceil(x); }>},
      {"Cos", unary<[](double x) { return std::cos(x); }>},
      {"Cosh", unary<[](double x) { return std::cosh(x); }>},
      {"Erf", unary<[](double x) { return std::erf(x); }>},
      {"Exp", unary<[](double x) { return std::exp(x); }>},
      {"Floor", unary<[](double x) { return std::floor(x); }>},
      {"Gelu", gelu},
      {"HardSwish", unary<[](double x) { return x * std::clamp(x / 6 + 0.5, 0.0, 1.0); }>},
      {"IsInf", is_inf},
      {"IsNaN", unary<[](double x) { return std::isnan(x); }>},
      {"Log", unary<[](double x) { return std::log(x); }>},
      {"Mish", unary<[](double x) { return x * std::tanh(softplus(x)); }>},
      {"Neg", unary<[](double x) { return -x; }>},
      {"Not", unary<[](double x) { return x == 0; }>},
      {"Reciprocal", unary<[](double x) { return 1 / x; }>},
      {"Relu", unary<relu>},
      {"Round", unary<half_to_even>},
      {"Sigmoid", unary<sigmoid>},
      {"Sign", unary<sign>},
      {"Sin", unary<[](double x) { return std::sin(x); }>},
      {"Sinh", unary<[](double x) { return std::sinh(x); }>},
      {"Softplus", unary<softplus>},
      {"Softsign", unary<[](double x) { return x / (1 + std::fabs(x)); }>},
      {"Sqrt", unary<[](double x) { return std::sqrt(x); }>},
      {"Tan", unary<[](double x) { return std::tan(x); }>},
      {"Tanh", unary<[](double x) { return std::tanh(x); }>},
  };
}

Table of_one_with_parameters() {
  return {
      {"Celu",
       [](const InferCall& c) {
         return shaped<[](double x, double p) { return relu(x) + std::min(0.0, p * std::expm1(x / p)); }>(c, "alpha", 1);
       }},
      {"Clip", clip},
      {"Elu", [](const InferCall& c) { return shaped<elu>(c, "alpha", 1); }},
      {"HardSigmoid",
       [](const InferCall& c) {
         return shaped<[](double x, double p, double q) { return std::clamp(p * x + q, 0.0, 1.0); }>(c, "alpha", 0.2, "beta",
                                                                                                     0.5);
       }},
      {"LeakyRelu",
       [](const InferCall& c) { return shaped<[](double x, double p) { return x < 0 ? p * x : x; }>(c, "alpha", 0.01); }},
      {"Selu",
       [](const InferCall& c) {
         return shaped<[](double x, double p, double q) { return q * elu(x, p); }>(c, "alpha", 1.67326319217681884765625, "gamma",
                                                                                   1.05070102214813232421875);
       }},
      {"Shrink",
       [](const InferCall& c) {
         return shaped<[](double x, double p, double q) { return x < -p  ? x + q
                                                                 : p < x ? x - q
                                                                         : 0; }>(c, "lambd", 0.5, "bias",
                                                                                                        0);
       }},
      {"Swish", [](const InferCall& c) { return shaped<[](double x, double p) { return x * sigmoid(p * x); }>(c, "alpha", 1); }},
      {"ThresholdedRelu",
       [](const InferCall& c) { return shaped<[](double x, double p) { return p < x ? x : 0; }>(c, "alpha", 1); }},
  };
}

Table of_several() {
  return {
      {"Add", binary<[](double x, double y) { return x + y; }>},
      {"And", binary<[](double x, double y) { return x != 0 && y != 0; }>},
      {"Div", divide},
      {"Equal", binary<[](double x, double y) { return x == y; }>},
      {"Greater", binary<[](double x, double y) { return y < x; }>},
      {"GreaterOrEqual", binary<[](double x, double y) { return x >= y; }>},
      {"Less", binary<[](double x, double y) { return x < y; }>},
      {"LessOrEqual", binary<[](double x, double y) { return x <= y; }>},
      {"Max", variadic<[](double x, double y) { return std::max(x, y); }>},
      {"Mean", mean},
      {"Min", variadic<[](double x, double y) { return std::min(x, y); }>},
      {"Mod", mod},
      {"Mul", binary<[](double x, double y) { return x * y; }>},
      {"Points", joined_function},
      {"Or", binary<[](double x, double y) { return x != 0 || y != 0; }>},
      {"PRelu", binary<[](double x, double y) { return x < 0 ? x * y : x; }>},
      {"Pow", power},
      {"QuantizeLinear", quantize},
      {"DequantizeLinear", dequantize},
      {"Sub", binary<[](double x, double y) { return x - y; }>},
      {"Sum", variadic<[](double x, double y) { return x + y; }>},
      {"Where", [](const InferCall&) -> Result<Real> { return Real{[](Args a) { return a[0] != 0 ? a[1] : a[2]; }}; }},
      {"Xor", binary<[](double x, double y) { return (x != 0) != (y != 0); }>},
  };
}

const Table& makers() {
  static const Table table = [] {
    Table all = of_one();
    all.merge(of_one_with_parameters());
    all.merge(of_several());
    return all;
  }();
  return table;
}

}  // namespace

bool is_elementwise(std::string_view op) { return makers().contains(op); }

Result<std::optional<Real>> real_function(const InferCall& call) {
  const auto it = makers().find(call.node.op);
  if (it == makers().end()) return std::optional<Real>{};
  DSPERSE_TRY(Real f, it->second(call));
  return std::optional<Real>{std::move(f)};
}

}  // namespace dsperse::ops
