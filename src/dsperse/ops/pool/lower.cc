// MaxPool, AveragePool, GlobalAveragePool.
#include "dsperse/ops/common/lower.h"

#include <cmath>

#include "dsperse/ops/lower.h"
#include "dsperse/quantize/table.h"

namespace dsperse::ops {

using model::Node;
using quantize::Lowering;
using quantize::Value;
using quantize::Window;

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

}  // namespace

Status lower_max_pool(Lowering& l, const Node& node) {
  DSPERSE_TRY(const Value x, l.tensor(node, 0));
  DSPERSE_TRY(const SpatialWindow w, pool_window(node, x.view.shape));
  return l.maximum(node, x, program_window(w));
}

Status lower_average_pool(Lowering& l, const Node& node) {
  DSPERSE_TRY(const Value x, l.tensor(node, 0));
  DSPERSE_TRY(const SpatialWindow w, pool_window(node, x.view.shape));
  DSPERSE_TRY(const std::int64_t include, node.int_or("count_include_pad", 0));
  std::array<std::int64_t, 2> counted{0, 0};
  for (std::size_t i = 0; i < w.kernel.size(); ++i) counted[2 - w.kernel.size() + i] = w.pad_end[i];
  return average(l, node, x, program_window(w), include != 0, counted);
}

Status lower_global_average_pool(Lowering& l, const Node& node) {
  DSPERSE_TRY(const Value x, l.tensor(node, 0));
  const model::Shape& s = x.view.shape;
  if (s.size() != 3 && s.size() != 4)
    return fail(ErrorKind::unsupported, "only 1-D and 2-D pools have an integer form", "input 0");
  Window window;
  window.kernel = {s.size() == 4 ? s[2] : 1, s.back()};
  return average(l, node, x, window, false, {0, 0});
}

}  // namespace dsperse::ops
