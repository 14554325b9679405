#include <algorithm>
#include <array>
#include <cmath>

#include "dsperse/base/parallel.h"
#include "dsperse/ops/common/window.h"
#include "dsperse/ops/linear/gemm_kernel.h"
#include "dsperse/ops/linear/linear.h"

namespace dsperse::ops {

using model::EvaluateCall;
using model::Shape;
using model::Tensor;

namespace {

/// One group of a convolution as two axes; a 1-D one has H = 1.
struct ConvGeometry {
  std::int64_t channels, height, width;  ///< of the group's input
  std::int64_t kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w, pad_h, pad_w, out_h, out_w;
};

ConvGeometry geometry(const SpatialWindow& w, const Shape& x, std::int64_t channels) {
  if (w.out.size() == 1)
    return {channels, 1, x[2], 1, w.kernel[0], 1, w.stride[0], 1, w.dilation[0], 0, w.pad_begin[0], 1, w.out[0]};
  return {channels,      x[2],          x[3],           w.kernel[0],    w.kernel[1], w.stride[0], w.stride[1],
          w.dilation[0], w.dilation[1], w.pad_begin[0], w.pad_begin[1], w.out[0],    w.out[1]};
}

/// Output positions of one row, side by side in a panel: where they begin in it, how many, and where their windows begin.
struct Segment {
  std::int64_t at, count, top, left;
};

/// The taps of `columns` output positions from j0, one column each, zero where the padding is.
void pack_taps(const ConvGeometry& g, const float* x, std::int64_t j0, std::int64_t columns, float* panel) {
  std::array<Segment, kPanel> segments{};
  std::size_t n = 0;
  for (std::int64_t t = 0; t < columns;) {
    const std::int64_t row = (j0 + t) / g.out_w, column = (j0 + t) % g.out_w, count = std::min(columns - t, g.out_w - column);
    segments[n++] = {t, count, row * g.stride_h - g.pad_h, column * g.stride_w - g.pad_w};
    t += count;
  }
  for (std::int64_t c = 0; c < g.channels; ++c)
    for (std::int64_t u = 0; u < g.kernel_h; ++u)
      for (std::int64_t v = 0; v < g.kernel_w; ++v, panel += kPanel)
        for (std::size_t s = 0; s < n; ++s) {
          const Segment& segment = segments[s];
          const std::int64_t h = segment.top + u * g.dilation_h, w = segment.left + v * g.dilation_w;
          float* const out = panel + segment.at;
          if (h < 0 || h >= g.height) {
            std::fill_n(out, segment.count, 0.0F);
            continue;
          }
          const float* const from = x + (c * g.height + h) * g.width;
          // Positions whose tap lies inside the row.
          const std::int64_t first = std::clamp<std::int64_t>(w >= 0 ? 0 : (-w + g.stride_w - 1) / g.stride_w, 0, segment.count);
          const std::int64_t inside = g.width > w ? (g.width - w + g.stride_w - 1) / g.stride_w : 0;
          const std::int64_t last = std::clamp(inside, first, segment.count);
          for (std::int64_t t = 0; t < first; ++t) out[t] = 0.0F;
          if (g.stride_w == 1)
            for (std::int64_t t = first; t < last; ++t) out[t] = from[w + t];
          else
            for (std::int64_t t = first; t < last; ++t) out[t] = from[w + t * g.stride_w];
          for (std::int64_t t = last; t < segment.count; ++t) out[t] = 0.0F;
        }
}

/// One output channel of a group with few: row by row, the packing would not pay.
void conv_rows(const ConvGeometry& g, const float* x, const float* weights, float* y) {
  std::fill_n(y, g.out_h * g.out_w, 0.0F);
  for (std::int64_t c = 0; c < g.channels; ++c)
    for (std::int64_t u = 0; u < g.kernel_h; ++u)
      for (std::int64_t v = 0; v < g.kernel_w; ++v) {
        const float weight = *weights++;
        const std::int64_t shift = v * g.dilation_w - g.pad_w;
        const std::int64_t first = shift >= 0 ? 0 : (-shift + g.stride_w - 1) / g.stride_w;
        const std::int64_t last = g.width > shift ? std::min(g.out_w, (g.width - shift + g.stride_w - 1) / g.stride_w) : 0;
        for (std::int64_t i = 0; i < g.out_h; ++i) {
          const std::int64_t h = i * g.stride_h + u * g.dilation_h - g.pad_h;
          if (h < 0 || h >= g.height) continue;
          const float* source = x + (c * g.height + h) * g.width + shift;
          float* target = y + i * g.out_w;
          if (g.stride_w == 1)
            for (std::int64_t j = first; j < last; ++j) target[j] += weight * source[j];
          else
            for (std::int64_t j = first; j < last; ++j) target[j] += weight * source[j * g.stride_w];
        }
      }
}

Tensor transposed(const Tensor& t) {
  const std::int64_t rows = t.shape[0], columns = t.shape[1];
  Tensor out = model::float_tensor({columns, rows}, std::vector<float>(t.f.size()));
  for (std::int64_t i = 0; i < rows; ++i)
    for (std::int64_t j = 0; j < columns; ++j)
      out.f[static_cast<std::size_t>(j * rows + i)] = t.f[static_cast<std::size_t>(i * columns + j)];
  return out;
}

/// Three spatial axes: a plain sum over the taps inside.
Tensor conv_volume(const SpatialWindow& p, const Tensor& x, const Tensor& w, const Tensor* bias, std::int64_t groups,
                   const model::ValueInfo& info) {
  Tensor y = zeros(info);
  const std::int64_t outputs = w.shape[0], inner = w.shape[1];
  const Shape in(x.shape.begin() + 2, x.shape.end());
  const std::int64_t volume = in[0] * in[1] * in[2], positions = p.out[0] * p.out[1] * p.out[2];
  const auto inside = [&](std::size_t a, std::int64_t o, std::int64_t k) {
    const std::int64_t i = o * p.stride[a] + k * p.dilation[a] - p.pad_begin[a];
    return i < in[a] ? i : -1;
  };
  parallel_for(static_cast<std::size_t>(x.shape[0] * outputs), 1, [&](std::size_t begin, std::size_t end) {
    for (std::size_t plane = begin; plane < end; ++plane) {
      const std::int64_t n = static_cast<std::int64_t>(plane) / outputs, o = static_cast<std::int64_t>(plane) % outputs;
      const std::int64_t first = o / (outputs / groups) * inner;
      float* to = y.f.data() + static_cast<std::int64_t>(plane) * positions;
      for (std::int64_t d = 0; d < p.out[0]; ++d)
        for (std::int64_t h = 0; h < p.out[1]; ++h)
          for (std::int64_t v = 0; v < p.out[2]; ++v) {
            double sum = bias == nullptr ? 0 : static_cast<double>(bias->f[static_cast<std::size_t>(o)]);
            const float* by = w.f.data() + o * inner * p.kernel[0] * p.kernel[1] * p.kernel[2];
            for (std::int64_t c = 0; c < inner; ++c) {
              const float* from = x.f.data() + (n * x.shape[1] + first + c) * volume;
              for (std::int64_t a = 0; a < p.kernel[0]; ++a)
                for (std::int64_t b = 0; b < p.kernel[1]; ++b)
                  for (std::int64_t e = 0; e < p.kernel[2]; ++e, ++by) {
                    const std::int64_t i = inside(0, d, a), j = inside(1, h, b), k = inside(2, v, e);
                    if (i < 0 || j < 0 || k < 0) continue;
                    sum += static_cast<double>(*by) * static_cast<double>(from[(i * in[1] + j) * in[2] + k]);
                  }
            }
            *to++ = static_cast<float>(sum);
          }
    }
  });
  return y;
}

}  // namespace

Evaluated evaluate_conv(const EvaluateCall& call) {
  DSPERSE_TRY(const auto infos, infer_outputs(call, infer_conv));
  const Tensor &x = *call.inputs[0], &w = *call.inputs[1];
  DSPERSE_TRY(const SpatialWindow window, conv_window(call.node, x.shape, {w.shape.begin() + 2, w.shape.end()}));
  DSPERSE_TRY(const std::int64_t groups, call.node.int_or("group", 1));
  if (x.shape.size() == 5)
    return std::vector<Tensor>{conv_volume(window, x, w, has_input(call, 2) ? call.inputs[2] : nullptr, groups, infos[0])};
  const ConvGeometry g = geometry(window, x.shape, w.shape[1]);
  const std::int64_t outputs = w.shape[0] / groups, taps = w.shape[1] * g.kernel_h * g.kernel_w;
  const std::int64_t in_plane = g.height * g.width, out_plane = g.out_h * g.out_w;
  std::vector<Tensor> out{zeros(infos[0])};
  const auto run_group = [&](std::int64_t n, std::int64_t group) {
    const float* source = x.f.data() + (n * x.shape[1] + group * g.channels) * in_plane;
    const float* weights = w.f.data() + group * outputs * taps;
    float* target = out[0].f.data() + (n * w.shape[0] + group * outputs) * out_plane;
    if (outputs < 4)
      for (std::int64_t o = 0; o < outputs; ++o) conv_rows(g, source, weights + o * taps, target + o * out_plane);
    else
      gemm_packed(outputs, out_plane, taps, weights, target, out_plane,
                  [&](std::int64_t j0, std::int64_t columns, float* panel) { pack_taps(g, source, j0, columns, panel); });
  };
  // A single group of a single image runs here, so that its products use the threads.
  parallel_for(static_cast<std::size_t>(x.shape[0] * groups), 1, [&](std::size_t begin, std::size_t end) {
    for (auto i = static_cast<std::int64_t>(begin); i < static_cast<std::int64_t>(end); ++i) run_group(i / groups, i % groups);
  });
  if (has_input(call, 2)) {
    float* y = out[0].f.data();
    for (std::int64_t n = 0; n < x.shape[0]; ++n)
      for (const float bias : call.inputs[2]->f)
        for (std::int64_t i = 0; i < out_plane; ++i) *y++ += bias;
  }
  return out;
}

Evaluated evaluate_gemm(const EvaluateCall& call) {
  DSPERSE_TRY(const auto infos, infer_outputs(call, infer_gemm));
  DSPERSE_TRY(const std::int64_t trans_a, call.node.int_or("transA", 0));
  DSPERSE_TRY(const std::int64_t trans_b, call.node.int_or("transB", 0));
  DSPERSE_TRY(const float alpha, call.node.float_or("alpha", 1));
  DSPERSE_TRY(const float beta, call.node.float_or("beta", 1));
  const Tensor a = trans_a != 0 ? transposed(*call.inputs[0]) : Tensor{};
  const Tensor &left = trans_a != 0 ? a : *call.inputs[0], &right = *call.inputs[1];
  std::vector<Tensor> out{zeros(infos[0])};
  Tensor& y = out[0];
  const std::int64_t n = right.shape[trans_b != 0 ? 0 : 1], k = right.shape[trans_b != 0 ? 1 : 0];
  const std::int64_t m = n == 0 ? 0 : static_cast<std::int64_t>(y.f.size()) / n;
  (trans_b != 0 ? gemm_transposed : gemm)(m, n, k, left.f.data(), right.f.data(), y.f.data());
  if (alpha != 1.0F)
    for (float& v : y.f) v *= alpha;
  if (has_input(call, 2)) {
    const Tensor& c = *call.inputs[2];
    walk(y.shape, broadcast_strides(c.shape, y.shape), 0,
         [&](std::int64_t o, std::int64_t i) { y.f[static_cast<std::size_t>(o)] += beta * c.f[static_cast<std::size_t>(i)]; });
  }
  return out;
}

Evaluated evaluate_matmul(const EvaluateCall& call) {
  DSPERSE_TRY(const auto infos, infer_outputs(call, infer_matmul));
  const Tensor &ta = *call.inputs[0], &tb = *call.inputs[1];
  Shape a = ta.shape, b = tb.shape;
  if (a.size() == 1) a.insert(a.begin(), 1);
  if (b.size() == 1) b.push_back(1);
  const std::int64_t m = a[a.size() - 2], k = a.back(), n = b.back();
  std::vector<Tensor> out{zeros(infos[0])};
  float* y = out[0].f.data();
  if (b.size() == 2) {  // one matrix for all rows
    std::int64_t rows = 1;
    for (std::size_t i = 0; i + 1 < a.size(); ++i) rows *= a[i];
    gemm(rows, n, k, ta.f.data(), tb.f.data(), y);
    return out;
  }
  const Shape batch_a(a.begin(), a.end() - 2), batch_b(b.begin(), b.end() - 2);
  DSPERSE_TRY(const Shape batch, broadcast(batch_a, batch_b));
  std::vector<std::int64_t> left;
  walk(batch, broadcast_strides(batch_a, batch), 0, [&](std::int64_t, std::int64_t i) { left.push_back(i); });
  walk(batch, broadcast_strides(batch_b, batch), 0, [&](std::int64_t o, std::int64_t i) {
    gemm(m, n, k, ta.f.data() + left[static_cast<std::size_t>(o)] * m * k, tb.f.data() + i * k * n, y + o * m * n);
  });
  return out;
}

Evaluated evaluate_batch_normalization(const EvaluateCall& call) {
  DSPERSE_TRY(const auto infos, infer_outputs(call, infer_batch_normalization));
  DSPERSE_TRY(const float epsilon, call.node.float_or("epsilon", 1e-5F));
  const Tensor &x = *call.inputs[0], &scale = *call.inputs[1], &bias = *call.inputs[2], &mean = *call.inputs[3],
               &variance = *call.inputs[4];
  std::vector<Tensor> out{zeros(infos[0])};
  const std::size_t channels = scale.f.size();
  if (x.f.empty()) return out;
  std::size_t inner = 1;
  for (std::size_t i = 2; i < x.shape.size(); ++i) inner *= static_cast<std::size_t>(x.shape[i]);
  for (std::size_t c = 0; c < channels; ++c) {
    const double factor = scale.f[c] / std::sqrt(static_cast<double>(variance.f[c]) + static_cast<double>(epsilon));
    if (!std::isfinite(factor))
      return fail(ErrorKind::bad_input, "variance of channel " + std::to_string(c) + " is not positive",
                  input_text(call.node, 4));
    for (std::size_t start = c * inner; start < x.f.size(); start += channels * inner)
      for (std::size_t i = start; i < start + inner; ++i)
        out[0].f[i] = static_cast<float>((static_cast<double>(x.f[i]) - static_cast<double>(mean.f[c])) * factor +
                                         static_cast<double>(bias.f[c]));
  }
  return out;
}

}  // namespace dsperse::ops
