#include <algorithm>
#include <cmath>
#include <optional>

#include "dsperse/ops/resize/resize.h"

namespace dsperse::ops {
namespace {

/// Position in the input of output position x; nothing outside of the crop.
std::optional<double> source_of(const ResizeRule& rule, std::int64_t x, std::int64_t in, std::int64_t out, double scale,
                                double roi_begin, double roi_end) {
  const double width = scale * static_cast<double>(in), at = static_cast<double>(x), last = static_cast<double>(in - 1);
  if (rule.coordinates == "align_corners") return width == 1 ? 0 : at * last / (width - 1);
  if (rule.coordinates == "asymmetric") return at / scale;
  if (rule.coordinates == "tf_half_pixel_for_nn") return (at + 0.5) / scale;
  if (rule.coordinates == "tf_crop_and_resize") {  // of the whole length, as the text says; align_corners by ONNX's own cases
    const double span = (roi_end - roi_begin) * last;
    const double from = roi_begin * last + (out == 1 ? span / 2 : at * span / static_cast<double>(out - 1));
    return from < 0 || from > last ? std::nullopt : std::optional(from);
  }
  const double half = (at + 0.5) / scale - 0.5;
  if (rule.coordinates == "pytorch_half_pixel") return width == 1 ? -0.5 : half;
  if (rule.coordinates == "half_pixel_symmetric")
    return static_cast<double>(in) / 2 * (1 - static_cast<double>(out) / width) + half;
  return half;
}

/// The cubic kernel at distance x.
double cubic(double x, double a) {
  x = std::fabs(x);
  if (x <= 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  return x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : 0;
}

/// Weights of the positions base + 1 - n / 2, ..., base + n / 2 for a source at base + ratio, 0 < ratio <= 1.
std::vector<double> weights_of(const ResizeRule& rule, double ratio, double scale) {
  if (rule.mode == "nearest") {
    const bool down = ratio < 1 && (rule.nearest == "floor" || (rule.nearest == "round_prefer_floor" && ratio <= 0.5) ||
                                    (rule.nearest == "round_prefer_ceil" && ratio < 0.5));
    return down ? std::vector<double>{1, 0} : std::vector<double>{0, 1};
  }
  const bool linear = rule.mode == "linear";
  const double narrow = rule.antialias ? std::min(scale, 1.0) : 1, reach = linear ? 1 : 2;
  const auto first = static_cast<std::int64_t>(std::floor(-reach / narrow)) + 1;
  std::vector<double> w;
  double sum = 0;
  for (std::int64_t i = first; i <= 1 - first; ++i) {
    const double d = narrow * (static_cast<double>(i) - ratio);
    w.push_back(linear ? std::max(0.0, 1 - std::fabs(d)) : cubic(d, rule.cubic_a));
    sum += w.back();
  }
  if (rule.antialias)
    for (double& v : w) v /= sum;
  return w;
}

}  // namespace

std::vector<Taps> taps_of(const ResizeRule& rule, std::int64_t in, std::int64_t out, double scale, double roi_begin,
                          double roi_end) {
  std::vector<Taps> all;
  for (std::int64_t x = 0; x < out; ++x) {
    Taps taps;
    if (const auto at = source_of(rule, x, in, out, scale, roi_begin, roi_end)) {
      const double clamped = std::clamp(*at, -1.0 - static_cast<double>(in), 2.0 * static_cast<double>(in) + 1);
      const double base = std::ceil(clamped) - 1, ratio = clamped - base;  // a whole position is base + 1
      const auto w = weights_of(rule, ratio, scale);
      const std::int64_t first = static_cast<std::int64_t>(base) + 1 - static_cast<std::int64_t>(w.size() / 2);
      double sum = 0;
      for (std::size_t k = 0; k < w.size(); ++k) {
        const std::int64_t i = first + static_cast<std::int64_t>(k), inside = std::clamp<std::int64_t>(i, 0, in - 1);
        if (w[k] == 0 || (rule.exclude_outside && i != inside)) continue;
        if (!taps.empty() && taps.back().first == inside)
          taps.back().second += w[k];
        else
          taps.emplace_back(inside, w[k]);
        sum += w[k];
      }
      if (rule.exclude_outside && sum != 0)
        for (auto& tap : taps) tap.second /= sum;
    }
    all.push_back(std::move(taps));
  }
  return all;
}

bool Resizing::has_outside() const {
  return std::ranges::any_of(axes, [](const auto& axis) { return std::ranges::any_of(axis, &Taps::empty); });
}

}  // namespace dsperse::ops
