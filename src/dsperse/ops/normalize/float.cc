#include <algorithm>
#include <cmath>

#include "dsperse/ops/normalize/normalize.h"

namespace dsperse::ops {

using model::EvaluateCall;
using model::Shape;
using model::Tensor;

namespace {

using Int = std::int64_t;

std::size_t size_of(const Shape& shape, std::size_t first, std::size_t end) {
  std::size_t n = 1;
  for (std::size_t k = first; k < end; ++k) n *= static_cast<std::size_t>(shape[k]);
  return n;
}

struct Moments {
  double mean = 0, square = 0;  ///< of the values; of their distance from the mean, squared
};
/// Over the indices base + step k.
Moments moments(const std::vector<float>& x, std::size_t base, std::size_t n, std::size_t step = 1) {
  Moments m;
  for (std::size_t k = 0; k < n; ++k) m.mean += static_cast<double>(x[base + k * step]);
  m.mean /= static_cast<double>(n);
  for (std::size_t k = 0; k < n; ++k) {
    const double d = static_cast<double>(x[base + k * step]) - m.mean;
    m.square += d * d;
  }
  m.square /= static_cast<double>(n);
  return m;
}

double mean_square(const std::vector<float>& x, std::size_t base, std::size_t n) {
  double sum = 0;
  for (std::size_t k = 0; k < n; ++k) sum += static_cast<double>(x[base + k]) * static_cast<double>(x[base + k]);
  return sum / static_cast<double>(n);
}

}  // namespace

Evaluated evaluate_softmax(const EvaluateCall& call) {
  DSPERSE_TRY(const auto infos, infer_outputs(call, infer_softmax));
  const KnownInputs known(call);
  DSPERSE_TRY(const SoftmaxAxes axes, softmax_axes(known.call()));
  const Tensor& x = *call.inputs[0];
  std::vector<Tensor> out{zeros(infos[0])};
  const std::size_t n = size_of(x.shape, axes.first, axes.end), step = size_of(x.shape, axes.end, x.shape.size());
  for (std::size_t row = 0; n != 0 && row < x.f.size() / n; ++row) {
    const std::size_t base = row / step * step * n + row % step;
    std::size_t best = base;
    for (std::size_t k = 1; k < n; ++k)
      if (x.f[base + k * step] > x.f[best]) best = base + k * step;
    const auto top = static_cast<double>(x.f[best]);
    double sum = 0;
    for (std::size_t k = 0; k < n; ++k) sum += std::exp(static_cast<double>(x.f[base + k * step]) - top);
    for (std::size_t k = 0; k < n; ++k) {
      const double z = static_cast<double>(x.f[base + k * step]) - top;
      out[0].f[base + k * step] = static_cast<float>(std::exp(z) / sum);
    }
  }
  return out;
}

Evaluated evaluate_layer_normalization(const EvaluateCall& call) {
  DSPERSE_TRY(const auto infos, infer_outputs(call, infer_layer_normalization));
  const Tensor &x = *call.inputs[0], &scale = *call.inputs[1];
  const Tensor* bias = has_input(call, 2) ? call.inputs[2] : nullptr;
  DSPERSE_TRY(const Int given, call.node.int_or("axis", -1));
  DSPERSE_TRY(const std::size_t axis, normal_axis(given, x.shape.size(), "attribute 'axis'"));
  DSPERSE_TRY(const float epsilon, call.node.float_or("epsilon", 1e-5F));
  const bool centered = call.node.op == "LayerNormalization";
  std::vector<Tensor> out;
  for (const auto& info : infos) out.push_back(zeros(info));
  const std::size_t n = size_of(x.shape, axis, x.shape.size());
  for (std::size_t base = 0; n != 0 && base < x.f.size(); base += n) {
    const Moments m = centered ? moments(x.f, base, n) : Moments{0, mean_square(x.f, base, n)};
    const double inverse = 1 / std::sqrt(m.square + static_cast<double>(epsilon));
    for (std::size_t k = base; k < base + n; ++k)
      out[0].f[k] = static_cast<float>((static_cast<double>(x.f[k]) - m.mean) * inverse);
    out.back().f[base / n] = static_cast<float>(inverse);
    if (centered) out[1].f[base / n] = static_cast<float>(m.mean);
  }
  const auto apply = [&](const Tensor& t, auto f) {
    walk(x.shape, broadcast_strides(t.shape, x.shape), 0, [&](Int o, Int i) {
      float& y = out[0].f[static_cast<std::size_t>(o)];
      y = f(y, t.f[static_cast<std::size_t>(i)]);
    });
  };
  apply(scale, [](float y, float c) { return y * c; });
  if (bias != nullptr) apply(*bias, [](float y, float c) { return y + c; });
  return out;
}

}  // namespace dsperse::ops
