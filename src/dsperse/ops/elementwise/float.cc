#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "dsperse/ops/elementwise/elementwise.h"

namespace dsperse::ops {

using model::DType;
using model::EvaluateCall;
using model::Tensor;

namespace {

template <class T, class F>
void apply(const Tensor& a, const Tensor& b, const std::vector<T>& av, const std::vector<T>& bv, const model::Shape& out,
           std::vector<T>& ov, F f) {
  if (a.shape == b.shape) {
    for (std::size_t i = 0; i < ov.size(); ++i) ov[i] = f(av[i], bv[i]);
    return;
  }
  // First a spread over the output, then b on top.
  walk(out, broadcast_strides(a.shape, out), 0,
       [&](std::int64_t o, std::int64_t i) { ov[static_cast<std::size_t>(o)] = av[static_cast<std::size_t>(i)]; });
  walk(out, broadcast_strides(b.shape, out), 0, [&](std::int64_t o, std::int64_t i) {
    T& y = ov[static_cast<std::size_t>(o)];
    y = f(y, bv[static_cast<std::size_t>(i)]);
  });
}

template <class FloatF, class IntF>
Evaluated binary(const EvaluateCall& call, FloatF float_f, IntF int_f) {
  DSPERSE_TRY(const auto infos, infer_outputs(call, infer_binary));
  const Tensor &a = *call.inputs[0], &b = *call.inputs[1];
  std::vector<Tensor> out{zeros(infos[0])};
  if (infos[0].dtype == DType::f32)
    apply(a, b, a.f, b.f, infos[0].shape, out[0].f, float_f);
  else
    apply(a, b, a.i, b.i, infos[0].shape, out[0].i, int_f);
  return out;
}

template <class F>
Evaluated unary(const EvaluateCall& call, F f) {
  DSPERSE_TRY(const auto infos, infer_outputs(call, infer_unary));
  std::vector<Tensor> out{zeros(infos[0])};
  std::transform(call.inputs[0]->f.begin(), call.inputs[0]->f.end(), out[0].f.begin(), f);
  return out;
}

// 64-bit integers wrap.
std::int64_t wrap(std::uint64_t x) { return static_cast<std::int64_t>(x); }
std::uint64_t bits(std::int64_t x) { return static_cast<std::uint64_t>(x); }

}  // namespace

Evaluated evaluate_add(const EvaluateCall& call) {
  return binary(
      call, [](float x, float y) { return x + y; }, [](std::int64_t x, std::int64_t y) { return wrap(bits(x) + bits(y)); });
}
Evaluated evaluate_sub(const EvaluateCall& call) {
  return binary(
      call, [](float x, float y) { return x - y; }, [](std::int64_t x, std::int64_t y) { return wrap(bits(x) - bits(y)); });
}
Evaluated evaluate_mul(const EvaluateCall& call) {
  return binary(
      call, [](float x, float y) { return x * y; }, [](std::int64_t x, std::int64_t y) { return wrap(bits(x) * bits(y)); });
}
Evaluated evaluate_div(const EvaluateCall& call) {
  if (has_input(call, 1) && std::ranges::count(call.inputs[1]->i, 0) != 0)
    return fail(ErrorKind::bad_input, "integer division by zero", input_text(call.node, 1));
  return binary(
      call, [](float x, float y) { return x / y; },
      [](std::int64_t x, std::int64_t y) { return y == -1 ? wrap(0 - bits(x)) : x / y; });
}

Evaluated evaluate_relu(const EvaluateCall& call) {
  return unary(call, [](float x) { return x > 0.0F ? x : 0.0F; });
}
Evaluated evaluate_leaky_relu(const EvaluateCall& call) {
  DSPERSE_TRY(const float alpha, call.node.float_or("alpha", 0.01F));
  return unary(call, [alpha](float x) { return x < 0.0F ? alpha * x : x; });
}
Evaluated evaluate_sigmoid(const EvaluateCall& call) {
  return unary(call, [](float x) { return static_cast<float>(1.0 / (1.0 + std::exp(-static_cast<double>(x)))); });
}
Evaluated evaluate_tanh(const EvaluateCall& call) {
  return unary(call, [](float x) { return static_cast<float>(std::tanh(static_cast<double>(x))); });
}

Evaluated evaluate_clip(const EvaluateCall& call) {
  DSPERSE_TRY(const auto infos, infer_outputs(call, infer_clip));
  std::vector<Tensor> out{*call.inputs[0]};
  if (infos[0].dtype == DType::f32) {
    float low = -std::numeric_limits<float>::infinity(), high = std::numeric_limits<float>::infinity();
    if (call.opset < 11) {
      DSPERSE_TRY(low, call.node.float_or("min", low));
      DSPERSE_TRY(high, call.node.float_or("max", high));
    }
    if (has_input(call, 1)) low = call.inputs[1]->f[0];
    if (has_input(call, 2)) high = call.inputs[2]->f[0];
    for (float& x : out[0].f) x = std::min(std::max(x, low), high);
  } else {
    const std::int64_t low = has_input(call, 1) ? call.inputs[1]->i[0] : std::numeric_limits<std::int64_t>::min();
    const std::int64_t high = has_input(call, 2) ? call.inputs[2]->i[0] : std::numeric_limits<std::int64_t>::max();
    for (std::int64_t& x : out[0].i) x = std::min(std::max(x, low), high);
  }
  return out;
}

Evaluated evaluate_identity(const EvaluateCall& call) {
  DSPERSE_CHECK_OK(infer_outputs(call, infer_identity));
  return std::vector<Tensor>{*call.inputs[0]};
}

Evaluated evaluate_dropout(const EvaluateCall& call) {
  DSPERSE_TRY(const auto infos, infer_outputs(call, infer_dropout));
  std::vector<Tensor> out{*call.inputs[0], zeros(infos[1])};
  std::ranges::fill(out[1].i, 1);
  return out;
}

namespace {

struct IntRange {
  std::int64_t low, high;
};

/// Values of an integer TensorProto.DataType that fit into int64.
IntRange range_of(std::int64_t to) {
  constexpr std::int64_t max64 = std::numeric_limits<std::int64_t>::max(), min64 = std::numeric_limits<std::int64_t>::min();
  switch (to) {
    case 2:
      return {0, 255};
    case 3:
      return {-128, 127};
    case 4:
      return {0, 65535};
    case 5:
      return {-32768, 32767};
    case 6:
      return {std::numeric_limits<std::int32_t>::min(), std::numeric_limits<std::int32_t>::max()};
    case 12:
      return {0, std::numeric_limits<std::uint32_t>::max()};
    case 13:
      return {0, max64};
    default:
      return {min64, max64};
  }
}

/// Round to nearest even at the precision of float16; beyond its range to infinity.
float to_half(float x) {
  if (x == 0.0F || !std::isfinite(x)) return x;
  const int exponent = std::max(std::ilogb(x), -14);  // below: subnormal, one fixed step
  const float step = std::ldexp(1.0F, exponent - 10);
  const float rounded = std::nearbyint(x / step) * step;
  return std::fabs(rounded) > 65504.0F ? std::copysign(std::numeric_limits<float>::infinity(), x) : rounded;
}

float to_bfloat(float x) {
  if (!std::isfinite(x)) return x;
  auto word = std::bit_cast<std::uint32_t>(x);
  word += 0x7FFF + ((word >> 16) & 1);
  return std::bit_cast<float>(word & 0xFFFF0000);
}

}  // namespace

Evaluated evaluate_cast(const EvaluateCall& call) {
  DSPERSE_TRY(const auto infos, infer_outputs(call, infer_cast));
  DSPERSE_TRY(const std::int64_t to, call.node.int_or("to", 0));
  const Tensor& x = *call.inputs[0];
  std::vector<Tensor> out{zeros(infos[0])};
  Tensor& y = out[0];
  const bool from_float = x.dtype == DType::f32;
  if (y.dtype == DType::f32) {
    if (from_float)
      y.f = x.f;
    else
      std::transform(x.i.begin(), x.i.end(), y.f.begin(), [](std::int64_t v) { return static_cast<float>(v); });
    if (to == 10) std::ranges::transform(y.f, y.f.begin(), to_half);
    if (to == 16) std::ranges::transform(y.f, y.f.begin(), to_bfloat);
    return out;
  }
  const IntRange range = range_of(to);
  for (std::size_t i = 0; i < y.i.size(); ++i) {
    if (y.dtype == DType::boolean) {
      y.i[i] = (from_float ? x.f[i] != 0.0F : x.i[i] != 0) ? 1 : 0;
      continue;
    }
    if (from_float) {
      const float v = std::trunc(x.f[i]);
      if (!(v >= -9223372036854775808.0F && v < 9223372036854775808.0F))
        return fail(ErrorKind::bad_input, "float does not fit into an integer", input_text(call.node, 0));
      y.i[i] = static_cast<std::int64_t>(v);
    } else {
      y.i[i] = x.i[i];
    }
    if (y.i[i] < range.low || y.i[i] > range.high)
      return fail(ErrorKind::unsupported, "value " + std::to_string(y.i[i]) + " does not fit into the type of the cast",
                  input_text(call.node, 0));
  }
  return out;
}

}  // namespace dsperse::ops
