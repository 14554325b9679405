#include <algorithm>
#include <cmath>

#include "dsperse/ops/quantized/quantized.h"

namespace dsperse::ops {

using model::DType;
using model::EvaluateCall;
using model::Tensor;

namespace {

using Int = std::int64_t;

double element(const Tensor& t, std::size_t i) {
  return t.dtype == DType::f32 ? static_cast<double>(t.f[i]) : static_cast<double>(t.i[i]);
}

/// body(i, k): element i of x reads scale k.
template <class Body>
Status each_scaled(const EvaluateCall& call, Body body) {
  const Tensor &x = *call.inputs[0], &scale = *call.inputs[1];
  std::size_t step = 1, n = 1;
  if (scale.f.size() > 1) {
    DSPERSE_TRY(const Int given, call.node.int_or("axis", 1));
    DSPERSE_TRY(const std::size_t axis, normal_axis(given, x.shape.size(), "attribute 'axis'"));
    n = static_cast<std::size_t>(x.shape[axis]);
    for (std::size_t k = axis + 1; k < x.shape.size(); ++k) step *= static_cast<std::size_t>(x.shape[k]);
  }
  for (std::size_t i = 0; i < x.f.size() + x.i.size(); ++i) body(i, i / step % n);
  return {};
}

double zero_point(const EvaluateCall& call, std::size_t k) {
  return has_input(call, 2) ? static_cast<double>(element(*call.inputs[2], k)) : 0;
}

}  // namespace

Evaluated evaluate_quantize_linear(const EvaluateCall& call) {
  DSPERSE_TRY(const auto infos, infer_outputs(call, infer_quantize_linear));
  const KnownInputs known(call);
  DSPERSE_TRY(const IntegerRange range, quantized_range(known.call()));
  std::vector<Tensor> out{zeros(infos[0])};
  bool bad = false;
  DSPERSE_CHECK_OK(each_scaled(call, [&](std::size_t i, std::size_t k) {
    const double y =
        quantize_number(element(*call.inputs[0], i), static_cast<double>(call.inputs[1]->f[k]), zero_point(call, k), range);
    bad = bad || std::isnan(y);
    out[0].i[i] = std::isnan(y) ? 0 : static_cast<Int>(y);
  }));
  if (bad) return fail(ErrorKind::bad_input, "a scale of 0, or a value that is not finite", input_text(call.node, 1));
  return out;
}

Evaluated evaluate_dequantize_linear(const EvaluateCall& call) {
  DSPERSE_TRY(const auto infos, infer_outputs(call, infer_dequantize_linear));
  std::vector<Tensor> out{zeros(infos[0])};
  DSPERSE_CHECK_OK(each_scaled(call, [&](std::size_t i, std::size_t k) {
    out[0].f[i] =
        static_cast<float>((element(*call.inputs[0], i) - zero_point(call, k)) * static_cast<double>(call.inputs[1]->f[k]));
  }));
  return out;
}

Evaluated evaluate_dynamic_quantize(const EvaluateCall& call) {
  DSPERSE_TRY(const auto infos, infer_outputs(call, infer_dynamic_quantize));
  const Tensor& x = *call.inputs[0];
  float low = 0, high = 0;
  for (const float v : x.f) low = std::min(low, v), high = std::max(high, v);
  const float scale = high > low ? (high - low) / 255.0F : 1.0F;
  const IntegerRange range{0, 255};
  const double zero = quantize_number(static_cast<double>(-low), static_cast<double>(scale), 0, range);
  std::vector<Tensor> out{zeros(infos[0]), zeros(infos[1]), zeros(infos[2])};
  for (std::size_t i = 0; i < x.f.size(); ++i)
    out[0].i[i] = static_cast<Int>(quantize_number(static_cast<double>(x.f[i]), static_cast<double>(scale), zero, range));
  out[1].f[0] = scale;
  out[2].i[0] = static_cast<Int>(zero);
  for (auto* t : {&out[0], &out[2]}) t->element = 2;
  return out;
}

Evaluated evaluate_matmul_integer(const EvaluateCall& call) {
  DSPERSE_TRY(const auto infos, infer_outputs(call, infer_matmul_integer));
  const Tensor &a = *call.inputs[0], &b = *call.inputs[1];
  std::vector<Tensor> out{zeros(infos[0])};
  const model::Shape batch(infos[0].shape.begin(), infos[0].shape.end() - 2);
  const auto rows = static_cast<std::size_t>(a.shape[a.shape.size() - 2]), inner = static_cast<std::size_t>(a.shape.back()),
             columns = static_cast<std::size_t>(b.shape.back());
  const auto zero = [&](std::size_t input, std::size_t k) {
    if (!has_input(call, input)) return 0.0;
    const Tensor& t = *call.inputs[input];
    return element(t, t.f.size() + t.i.size() == 1 ? 0 : k);
  };
  const auto starts = [&](const Tensor& t, std::size_t size) {
    std::vector<std::size_t> at;
    const model::Shape own(t.shape.begin(), t.shape.end() - 2);
    walk(batch, broadcast_strides(own, batch), 0, [&](Int, Int i) { at.push_back(static_cast<std::size_t>(i) * size); });
    return at;
  };
  const auto at_a = starts(a, rows * inner), at_b = starts(b, inner * columns);
  for (std::size_t m = 0; m < at_a.size(); ++m)
    for (std::size_t r = 0; r < rows; ++r)
      for (std::size_t c = 0; c < columns; ++c) {
        double sum = 0;  // products of integers of 16 bits: exact
        for (std::size_t k = 0; k < inner; ++k)
          sum += (element(a, at_a[m] + r * inner + k) - zero(2, r)) * (element(b, at_b[m] + k * columns + c) - zero(3, c));
        const std::size_t to = (m * rows + r) * columns + c;
        if (out[0].dtype == DType::f32)
          out[0].f[to] = static_cast<float>(sum);
        else if (std::fabs(sum) < 0x1p53)
          out[0].i[to] = static_cast<Int>(sum);
        else
          return fail(ErrorKind::unsupported, "a product of integers is beyond 2^53");
      }
  return out;
}

}  // namespace dsperse::ops
