#include "dsperse/quantize/statistics.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace dsperse::quantize {
namespace {

/// floor(log2(m)) of a normal number; below -1000 for smaller ones.
int exponent_of(double m) { return static_cast<int>(std::bit_cast<std::uint64_t>(m) >> 52) - 1023; }

}  // namespace

void TensorStatistics::add(double x) {
  count_ += 1;
  const double m = std::fabs(x);
  if (m == 0) return;
  largest_ = std::max(largest_, m), lowest_ = std::min(lowest_, x);
  auto& c = classes_[static_cast<std::size_t>(std::clamp(exponent_of(m) - kLowest, 0, kClasses - 1))];
  c.count += 1, c.sum += m, c.squares += m * m;
}

double TensorStatistics::mean_square() const {
  double total = 0;
  for (const auto& c : classes_) total += c.squares;
  return count_ == 0 ? 0 : total / count_;
}

void TensorStatistics::merge(const TensorStatistics& other) {
  largest_ = std::max(largest_, other.largest_), lowest_ = std::min(lowest_, other.lowest_), count_ += other.count_;
  for (std::size_t i = 0; i < classes_.size(); ++i) {
    classes_[i].count += other.classes_[i].count;
    classes_[i].sum += other.classes_[i].sum;
    classes_[i].squares += other.classes_[i].squares;
  }
}

double TensorStatistics::squared_error(std::int32_t e, unsigned bits) const {
  const double step = std::ldexp(1.0, -e), top = (std::ldexp(1.0, static_cast<int>(bits) - 1) - 1) * step;
  double error = 0;
  for (int i = 0; i < kClasses; ++i) {
    const auto& c = classes_[static_cast<std::size_t>(i)];
    if (c.count == 0) continue;
    const int power = i + kLowest;  // values in [2^power, 2^(power + 1))
    if (power >= static_cast<int>(bits) - 1 - e)
      error += std::max(0.0, c.squares - 2 * top * c.sum + c.count * top * top);
    else if (power + 1 <= -e - 1)
      error += c.squares;  // rounds to 0
    else
      error += c.count * step * step / 12;
  }
  return error;
}

std::int32_t fitting_exponent(double largest, double top, std::int32_t fallback) {
  if (largest == 0) return fallback;
  auto e = static_cast<std::int32_t>(std::floor(std::log2(top / largest))) + 1;
  while (std::round(std::ldexp(largest, e)) > top) --e;
  return e;
}

std::int32_t best_exponent(const TensorStatistics& statistics, unsigned bits, const Unseen& unseen) {
  const double top = std::ldexp(1.0, static_cast<int>(bits) - 1) - 1;
  const double end = std::max(statistics.largest(), std::min(statistics.largest() * unseen.tail, unseen.limit));
  const auto fits = fitting_exponent(end, top, static_cast<std::int32_t>(bits) - 1);
  if (!unseen.may_clip) return fits;
  std::int32_t best = fits;
  double least = statistics.squared_error(fits, bits);
  for (const std::int32_t e : {fits + 1, fits + 2, fits + 3}) {
    const double beyond = std::max(0.0, end - std::ldexp(top, -e));
    if (const double error = statistics.squared_error(e, bits) + beyond * beyond; error < least) least = error, best = e;
  }
  return best;
}

}  // namespace dsperse::quantize
