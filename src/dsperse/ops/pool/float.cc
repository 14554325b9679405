#include <algorithm>
#include <limits>

#include "dsperse/ops/common/window.h"
#include "dsperse/ops/pool/pool.h"

namespace dsperse::ops {

using model::EvaluateCall;
using model::Tensor;

namespace {

/// Taps [first, last) of the window at output o whose positions start + t * dilation lie in [low, high).
struct TapRange {
  std::int64_t start, first, last;
  [[nodiscard]] std::int64_t count() const { return std::max<std::int64_t>(0, last - first); }
};

struct Axis {
  std::int64_t in, out, kernel, stride, dilation, pad_begin, pad_end;
  [[nodiscard]] TapRange taps(std::int64_t o, std::int64_t low, std::int64_t high) const {
    const std::int64_t start = o * stride - pad_begin;
    const std::int64_t first = start >= low ? 0 : (low - start + dilation - 1) / dilation;
    const std::int64_t last = start >= high ? 0 : std::min(kernel, (high - start + dilation - 1) / dilation);
    return {start, first, last};
  }
};

/// Three axes; a pool of fewer has first axes of extent 1.
struct Axes3 {
  Axis d{1, 1, 1, 1, 1, 0, 0}, h{1, 1, 1, 1, 1, 0, 0}, w{1, 1, 1, 1, 1, 0, 0};
};

Axes3 axes_of_window(const SpatialWindow& p, const model::Shape& x) {
  const auto axis = [&](std::size_t i) {
    return Axis{x[i + 2], p.out[i], p.kernel[i], p.stride[i], p.dilation[i], p.pad_begin[i], p.pad_end[i]};
  };
  const std::size_t n = p.out.size();
  Axes3 axes;
  if (n == 3) axes.d = axis(0);
  if (n >= 2) axes.h = axis(n - 2);
  axes.w = axis(n - 1);
  return axes;
}

/// combine(accumulator, value) over the taps inside the image from `start`; finish(accumulator, output positions d, h, w).
template <class Combine, class Finish>
void pool(const Axes3& a, const Tensor& x, Tensor& y, float start, Combine combine, Finish finish) {
  const std::int64_t planes = x.shape[0] * x.shape[1];
  float* target = y.f.data();
  for (std::int64_t p = 0; p < planes; ++p) {
    const float* volume = x.f.data() + p * a.d.in * a.h.in * a.w.in;
    for (std::int64_t o = 0; o < a.d.out; ++o) {
      const TapRange layers = a.d.taps(o, 0, a.d.in);
      for (std::int64_t i = 0; i < a.h.out; ++i) {
        const TapRange rows = a.h.taps(i, 0, a.h.in);
        for (std::int64_t j = 0; j < a.w.out; ++j) {
          const TapRange columns = a.w.taps(j, 0, a.w.in);
          float acc = start;
          for (std::int64_t t = layers.first; t < layers.last; ++t)
            for (std::int64_t u = rows.first; u < rows.last; ++u)
              for (std::int64_t v = columns.first; v < columns.last; ++v)
                acc = combine(acc, volume[((layers.start + t * a.d.dilation) * a.h.in + rows.start + u * a.h.dilation) * a.w.in +
                                          columns.start + v * a.w.dilation]);
          *target++ = finish(acc, o, i, j);
        }
      }
    }
  }
}

}  // namespace

Evaluated evaluate_max_pool(const EvaluateCall& call) {
  DSPERSE_TRY(const auto infos, infer_outputs(call, infer_max_pool));
  DSPERSE_TRY(const SpatialWindow window, pool_window(call.node, call.inputs[0]->shape));
  std::vector<Tensor> out{zeros(infos[0])};
  pool(
      axes_of_window(window, call.inputs[0]->shape), *call.inputs[0], out[0], -std::numeric_limits<float>::infinity(),
      [](float acc, float v) { return v > acc ? v : acc; },
      [](float acc, std::int64_t, std::int64_t, std::int64_t) { return acc; });
  return out;
}

Evaluated evaluate_average_pool(const EvaluateCall& call) {
  DSPERSE_TRY(const auto infos, infer_outputs(call, infer_average_pool));
  DSPERSE_TRY(const SpatialWindow window, pool_window(call.node, call.inputs[0]->shape));
  DSPERSE_TRY(const std::int64_t include_pad, call.node.int_or("count_include_pad", 0));
  std::vector<Tensor> out{zeros(infos[0])};
  const Axes3 a = axes_of_window(window, call.inputs[0]->shape);
  const auto counted = [&](const Axis& axis, std::int64_t o) {
    return include_pad != 0 ? axis.taps(o, -axis.pad_begin, axis.in + axis.pad_end).count() : axis.taps(o, 0, axis.in).count();
  };
  pool(
      a, *call.inputs[0], out[0], 0.0F, [](float acc, float v) { return acc + v; },
      [&](float acc, std::int64_t o, std::int64_t i, std::int64_t j) {
        return acc / static_cast<float>(counted(a.d, o) * counted(a.h, i) * counted(a.w, j));
      });
  return out;
}

Evaluated evaluate_global_average_pool(const EvaluateCall& call) {
  DSPERSE_TRY(const auto infos, infer_outputs(call, infer_global_average_pool));
  std::vector<Tensor> out{zeros(infos[0])};
  const Tensor& x = *call.inputs[0];
  const std::size_t plane = x.f.size() / out[0].f.size();
  for (std::size_t p = 0; p < out[0].f.size(); ++p) {
    double sum = 0;
    for (std::size_t i = 0; i < plane; ++i) sum += static_cast<double>(x.f[p * plane + i]);
    out[0].f[p] = static_cast<float>(sum / static_cast<double>(plane));
  }
  return out;
}

}  // namespace dsperse::ops
