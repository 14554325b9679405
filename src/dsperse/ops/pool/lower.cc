// MaxPool, AveragePool, GlobalAveragePool.
#include "dsperse/ops/common/lower.h"

#include <array>
#include <cmath>
#include <numeric>

#include "dsperse/ops/lower.h"
#include "dsperse/quantize/table.h"

namespace dsperse::ops {

using model::Node;
using model::Shape;
using quantize::Lowering;
using quantize::Value;
using quantize::Window;

using Ints = std::vector<std::int64_t>;

namespace {

/// The integer mean multiplies by round(2^16 / n). Where that is off by more than this part, the window is a depthwise
/// convolution with weights 1 / n instead, whose exponent fits them.
constexpr double kMultiplierError = 1e-3;

bool mean_is_precise(std::int64_t n) {
  const double exact = std::ldexp(1.0, quantize::AveragePool::kAverageBits) / static_cast<double>(n);
  return std::fabs(static_cast<double>(quantize::average_multiplier(n)) / exact - 1) <= kMultiplierError;
}

Status average(Lowering& l, const Node& node, const Value& x, const Window& window, bool count_include_pad,
               std::array<std::int64_t, 2> counted_pad_end) {
  const std::int64_t n = window.kernel[0] * window.kernel[1];
  const bool overhang = counted_pad_end != window.pad_end,
             padded = window.pad_begin != std::array<std::int64_t, 2>{} || window.pad_end != window.pad_begin;
  if (mean_is_precise(n) || overhang || (padded && !count_include_pad))
    return l.average(node, x, window, count_include_pad, counted_pad_end);
  const std::int64_t channels = x.view.shape[1];
  return l.conv(node, x, window, channels,
                std::vector<float>(static_cast<std::size_t>(channels * n), 1.0F / static_cast<float>(n)), {});
}

/// A pool of a volume, plane by plane and then along the depth: `plane` and `depth` make the node's output from the images that
/// they are given. Both images lie where the volume does.
template <class Plane, class Depth>
Status by_planes(Lowering& l, const Node& node, const Value& x, const Shape& out, Plane plane, Depth depth) {
  const Shape& s = x.view.shape;  // (N, C, D, H, W) as (N D, C, H, W)
  const auto planes = quantize::reshaped(quantize::transposed(x.view, {0, 2, 1, 3, 4}), {s[0] * s[2], s[1], s[3], s[4]});
  Value image = x;
  if (planes) {
    image.view = *planes;
  } else {
    return fail(ErrorKind::unsupported, "a volume lies in an order that has no planes", x.name);
  }
  const Shape small{s[0] * s[2], s[1], out[3], out[4]};
  const std::vector<std::int64_t> none(static_cast<std::size_t>(quantize::elements(small)), -1);
  const Node first = l.inner(node, "planes", {small, x.name, none, true});
  DSPERSE_CHECK_OK(plane(first, image));
  Value column = l.value_of(first);  // (N, C, D, H' W')
  const auto volume = quantize::reshaped(column.view, {s[0], s[2], s[1], out[3] * out[4]});
  if (!volume) return fail(ErrorKind::internal, "planes are no volume");
  column.view = quantize::transposed(*volume, {0, 2, 1, 3});
  std::vector<std::int64_t> order(static_cast<std::size_t>(quantize::elements(out)));
  std::iota(order.begin(), order.end(), std::int64_t{0});
  const Node second = l.inner(node, "depth", {{out[0], out[1], out[2], out[3] * out[4]}, node.outputs[0], order, true});
  DSPERSE_CHECK_OK(depth(second, column));
  const Value& y = l.value_of(second);
  const auto view = quantize::reshaped(y.view, out);
  if (!view) return fail(ErrorKind::internal, "a column is no volume");
  l.alias(node, y, *view);
  return {};
}

/// The window's axes from `first` on, as many as `count`; along the first axis of an image if it is one.
SpatialWindow axes_from(const SpatialWindow& w, std::size_t first, std::size_t count) {
  SpatialWindow out;
  const auto take = [&](const Ints& from, std::int64_t unit) {
    Ints to(from.begin() + static_cast<std::ptrdiff_t>(first), from.begin() + static_cast<std::ptrdiff_t>(first + count));
    if (count == 1) to.push_back(unit);
    return to;
  };
  out.kernel = take(w.kernel, 1), out.stride = take(w.stride, 1), out.dilation = take(w.dilation, 1);
  out.pad_begin = take(w.pad_begin, 0), out.pad_end = take(w.pad_end, 0), out.overhang = take(w.overhang, 0);
  out.out = take(w.out, 1);
  return out;
}

std::array<std::int64_t, 2> counted_end(const SpatialWindow& w) {
  std::array<std::int64_t, 2> counted{0, 0};
  for (std::size_t i = 0; i < w.kernel.size(); ++i) counted[2 - w.kernel.size() + i] = w.pad_end[i];
  return counted;
}

}  // namespace

Status lower_max_pool(Lowering& l, const Node& node) {
  DSPERSE_TRY(const Value x, l.tensor(node, 0));
  DSPERSE_TRY(const SpatialWindow w, pool_window(node, x.view.shape));
  if (w.kernel.size() < 3) return l.maximum(node, x, program_window(w));
  const auto pool = [&](std::size_t first, std::size_t count) {
    return [&l, window = program_window(axes_from(w, first, count))](const Node& n, const Value& image) {
      return l.maximum(n, image, window);
    };
  };
  return by_planes(l, node, x, l.shape(node.outputs[0]), pool(1, 2), pool(0, 1));
}

Status lower_average_pool(Lowering& l, const Node& node) {
  DSPERSE_TRY(const Value x, l.tensor(node, 0));
  DSPERSE_TRY(const SpatialWindow w, pool_window(node, x.view.shape));
  DSPERSE_TRY(const std::int64_t include, node.int_or("count_include_pad", 0));
  if (w.kernel.size() < 3) return average(l, node, x, program_window(w), include != 0, counted_end(w));
  const auto pool = [&](std::size_t first, std::size_t count) {
    return [&l, include, part = axes_from(w, first, count)](const Node& n, const Value& image) {
      return average(l, n, image, program_window(part), include != 0, counted_end(part));
    };
  };
  return by_planes(l, node, x, l.shape(node.outputs[0]), pool(1, 2), pool(0, 1));
}

// One axis of all positions where there are more than two.
Status lower_global_average_pool(Lowering& l, const Node& node) {
  DSPERSE_TRY(Value x, l.tensor(node, 0));
  const Shape s = x.view.shape;
  Window window;
  window.kernel = {s.size() == 4 ? s[2] : 1, s.back()};
  if (s.size() < 5) return average(l, node, x, window, false, {0, 0});
  window.kernel = {1, quantize::elements(Shape(s.begin() + 2, s.end()))};
  const auto flat = quantize::reshaped(x.view, {s[0], s[1], window.kernel[1]});
  if (!flat) return fail(ErrorKind::unsupported, "a volume lies in an order that is no row", x.name);
  x.view = *flat;
  std::vector<std::int64_t> order(static_cast<std::size_t>(s[0] * s[1]));
  std::iota(order.begin(), order.end(), std::int64_t{0});
  const Node mean = l.inner(node, "mean", {{s[0], s[1], 1}, node.outputs[0], order, true});
  DSPERSE_CHECK_OK(average(l, mean, x, window, false, {0, 0}));
  const Value& y = l.value_of(mean);
  l.alias(node, y, *quantize::reshaped(y.view, l.shape(node.outputs[0])));
  return {};
}

}  // namespace dsperse::ops
