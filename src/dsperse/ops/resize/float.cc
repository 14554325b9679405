#include "dsperse/ops/movement/pick.h"
#include "dsperse/ops/resize/resize.h"

namespace dsperse::ops {

using model::DType;
using model::EvaluateCall;
using model::Tensor;

namespace {

/// The axis of x as the taps say; positions outside of the crop are zero.
Tensor along(const Tensor& x, std::size_t axis, const std::vector<Taps>& taps) {
  const AxisSplit s = split_at(x.shape, axis);
  Tensor y{x.dtype, x.shape, {}, {}};
  y.shape[axis] = static_cast<std::int64_t>(taps.size());
  y = zeros({y.dtype, y.shape, nullptr});
  std::int64_t o = 0;
  for (std::int64_t outer = 0; outer < s.outer; ++outer)
    for (const Taps& t : taps)
      for (std::int64_t k = 0; k < s.inner; ++k, ++o) {
        const auto from = [&](std::int64_t i) { return (outer * s.extent + i) * s.inner + k; };
        if (t.empty()) continue;
        if (t.size() == 1 && t[0].second == 1) {
          set(y, o, x, from(t[0].first));
          continue;
        }
        double sum = 0;
        for (const auto& [i, w] : t) sum += w * static_cast<double>(x.f[static_cast<std::size_t>(from(i))]);
        y.f[static_cast<std::size_t>(o)] = static_cast<float>(sum);
      }
  return y;
}

}  // namespace

Evaluated evaluate_resize(const EvaluateCall& call) {
  const KnownInputs known(call);
  DSPERSE_CHECK_OK(infer_resize(known.call()));
  DSPERSE_TRY(const Resizing r, resolve_resize(known.call()));
  std::vector<Tensor> out{*call.inputs[0]};
  Tensor& y = out[0];
  for (std::size_t k = 0; k < r.axes.size(); ++k)
    if (!r.axes[k].empty()) y = along(y, k, r.axes[k]);
  if (!r.has_outside() || y.dtype != DType::f32 || r.extrapolation == 0) return out;
  const auto strides = strides_of(y.shape);
  for (std::size_t i = 0; i < y.f.size(); ++i)
    for (std::size_t k = 0; k < r.axes.size(); ++k) {
      const auto at = static_cast<std::size_t>(static_cast<std::int64_t>(i) / strides[k] % y.shape[k]);
      if (!r.axes[k].empty() && r.axes[k][at].empty()) y.f[i] = r.extrapolation;
    }
  return out;
}

}  // namespace dsperse::ops
