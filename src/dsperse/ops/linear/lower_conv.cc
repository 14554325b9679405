// Conv in one to three dimensions and ConvTranspose with constant weights.
#include "dsperse/ops/common/lower.h"
#include "dsperse/ops/linear/conv_transpose.h"
#include "dsperse/ops/lower.h"
#include "dsperse/ops/movement/pick.h"

namespace dsperse::ops {

using model::Node;
using model::Shape;
using model::Tensor;
using quantize::Inner;
using quantize::Lowering;
using quantize::Value;

namespace {

/// What is known of the output: the graph's tensor `source` and the element of it that each element is (empty: in order).
struct Made {
  std::string source;
  std::vector<std::int64_t> index;
};

/// (O, C / g, spatial) to (O, spatial, C / g)
std::vector<float> channels_inside(const Tensor& w) {
  const std::int64_t outputs = w.shape[0], channels = w.shape[1], taps = quantize::elements(w.shape) / (outputs * channels);
  std::vector<float> moved(w.f.size());
  for (std::int64_t o = 0; o < outputs; ++o)
    for (std::int64_t c = 0; c < channels; ++c)
      for (std::int64_t t = 0; t < taps; ++t)
        moved[static_cast<std::size_t>((o * taps + t) * channels + c)] =
            w.f[static_cast<std::size_t>((o * channels + c) * taps + t)];
  return moved;
}

/// Depth windows as channels, (N D', C KD, H, W): element of x (N, C, D, H, W), or -1 in the padding.
std::vector<std::int64_t> depth_windows(const Shape& x, const SpatialWindow& w) {
  const auto s = strides_of(x);
  std::vector<std::int64_t> index;
  for (std::int64_t n = 0; n < x[0]; ++n)
    for (std::int64_t o = 0; o < w.out[0]; ++o)
      for (std::int64_t c = 0; c < x[1]; ++c)
        for (std::int64_t k = 0; k < w.kernel[0]; ++k) {
          const std::int64_t d = o * w.stride[0] + k * w.dilation[0] - w.pad_begin[0];
          const bool in = d >= 0 && d < x[2];
          const std::int64_t first = n * s[0] + c * s[1] + d * s[2];
          for (std::int64_t i = 0; i < s[2]; ++i) index.push_back(in ? first + i : -1);
        }
  return index;
}

/// x (N, C, D, H, W): a convolution over H and W of its depth windows.
Status conv_volume(Lowering& l, const Node& node, const Value& x, const SpatialWindow& window, std::int64_t groups,
                   const Tensor& w, std::vector<float> bias, const Made& made) {
  const Shape in = x.view.shape, out = l.shape(node.outputs[0]);
  const Node windows = l.inner(
      node, "windows", {{in[0] * out[2], in[1] * window.kernel[0], in[3], in[4]}, x.name, depth_windows(in, window), true});
  DSPERSE_CHECK_OK(l.move(windows, {x}, depth_windows(in, window)));
  // Planes (N D', O, H', W') of the output.
  const Shape planes{out[0] * out[2], out[1], out[3], out[4]};
  std::vector<std::int64_t> index;
  const std::int64_t plane = out[3] * out[4];
  for (std::int64_t n = 0; n < out[0]; ++n)
    for (std::int64_t d = 0; d < out[2]; ++d)
      for (std::int64_t o = 0; o < out[1]; ++o)
        for (std::int64_t i = 0; i < plane; ++i) {
          const std::int64_t at = ((n * out[1] + o) * out[2] + d) * plane + i;
          index.push_back(made.index.empty() ? at : made.index[static_cast<std::size_t>(at)]);
        }
  const Node flat = l.inner(node, "planes", {planes, made.source, std::move(index), false});
  SpatialWindow inside;
  for (const auto& [to, from] : {std::pair(&inside.kernel, &window.kernel),
                                 {&inside.stride, &window.stride},
                                 {&inside.dilation, &window.dilation},
                                 {&inside.pad_begin, &window.pad_begin},
                                 {&inside.pad_end, &window.pad_end},
                                 {&inside.overhang, &window.overhang},
                                 {&inside.out, &window.out}})
    to->assign(from->begin() + 1, from->end());
  Tensor weights = w;  // (O, C / g, KD, KH, KW): channels and depth are one
  weights.shape = {w.shape[0], w.shape[1] * w.shape[2], w.shape[3], w.shape[4]};
  DSPERSE_CHECK_OK(l.conv(flat, l.value_of(windows), program_window(inside), groups, channels_inside(weights), std::move(bias)));
  const Value& y = l.value_of(flat);
  const auto view = quantize::reshaped(y.view, {out[0], out[2], out[1], out[3], out[4]});
  if (!view) return fail(ErrorKind::internal, "planes are no volume");
  l.alias(node, y, quantize::transposed(*view, {0, 2, 1, 3, 4}));
  return {};
}

Status conv(Lowering& l, const Node& node, const Value& x, const SpatialWindow& window, std::int64_t groups, const Tensor& w,
            std::vector<float> bias, const Made& made) {
  if (window.kernel.size() == 3) return conv_volume(l, node, x, window, groups, w, std::move(bias), made);
  return l.conv(node, x, program_window(window), groups, channels_inside(w), std::move(bias));
}

Result<std::vector<float>> bias_of(const Lowering& l, const Node& node) {
  if (!Lowering::has_input(node, 2)) return std::vector<float>{};
  DSPERSE_TRY(const Tensor* b, l.float_constant(node, 2, "the bias"));
  return b->f;
}

}  // namespace

Status lower_conv(Lowering& l, const Node& node) {
  DSPERSE_TRY(const Value x, l.tensor(node, 0));
  DSPERSE_TRY(const Tensor* w, l.float_constant(node, 1, "the weights"));
  DSPERSE_TRY(std::vector<float> bias, bias_of(l, node));
  DSPERSE_TRY(const std::int64_t groups, node.int_or("group", 1));
  DSPERSE_TRY(const SpatialWindow window, conv_window(node, x.view.shape, Shape(w->shape.begin() + 2, w->shape.end())));
  return conv(l, node, x, window, groups, *w, std::move(bias), {node.outputs[0], {}});
}

Status lower_conv_transpose(Lowering& l, const Node& node) {
  DSPERSE_TRY(const Value x, l.tensor(node, 0));
  DSPERSE_TRY(const Tensor* w, l.float_constant(node, 1, "the weights"));
  DSPERSE_TRY(const std::vector<float> bias, bias_of(l, node));
  DSPERSE_TRY(const std::int64_t group, node.int_or("group", 1));
  const NodeInputs inputs(l, node);
  DSPERSE_TRY(const TransposedWindow t, conv_transpose_window(inputs.call()));
  const PhasedConv p = phased_conv(t, x.view.shape, *w, group);
  const Shape& out = l.shape(node.outputs[0]);
  if (p.phases == 1 && p.window.out == t.out && p.cut == std::vector<std::int64_t>(p.cut.size(), 0))
    return conv(l, node, x, p.window, group, p.weights, bias, {node.outputs[0], {}});
  std::vector<float> repeated;
  const auto each = static_cast<std::size_t>(w->shape[1]);
  for (std::size_t o = 0; o < static_cast<std::size_t>(p.weights.shape[0]) && !bias.empty(); ++o)
    repeated.push_back(bias[o / (each * static_cast<std::size_t>(p.phases)) * each + o % each]);
  const auto from = phased_index(t, p, out, group);
  Inner phases{{out[0], p.weights.shape[0]}, node.outputs[0], {}, false};
  phases.shape.insert(phases.shape.end(), p.window.out.begin(), p.window.out.end());
  phases.index.assign(static_cast<std::size_t>(quantize::elements(phases.shape)), -1);
  for (std::size_t i = 0; i < from.size(); ++i) phases.index[static_cast<std::size_t>(from[i])] = static_cast<std::int64_t>(i);
  const Made made{node.outputs[0], phases.index};
  const Node flat = l.inner(node, "phases", std::move(phases));
  DSPERSE_CHECK_OK(conv(l, flat, x, p.window, group, p.weights, std::move(repeated), made));
  return l.move(node, {l.value_of(flat)}, from);
}

}  // namespace dsperse::ops
