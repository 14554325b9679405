#include "dsperse/quantize/finish_table.h"

#include <algorithm>
#include <cmath>

#include "dsperse/quantize/limits.h"
#include "dsperse/quantize/rounding.h"

namespace dsperse::quantize {
namespace {

/// A grid is at most this much finer than its input's reach asks for.
constexpr int kMostHalvings = 8;
/// Bits that a steep function may have beyond its output's, and steps of the output that are steep.
constexpr unsigned kMoreBits = 2;
constexpr double kSteep = 2;
constexpr int kProbes = 64;
constexpr double kMostProbes = 0x1p14;

/// Every sample beyond r, up to `reach` on both sides, is as good as the value at r; every one that the input can be, where it
/// has an exponent of its own (and kMostProbes are enough): a comparison with one number is flat nearly everywhere.
bool is_flat(const RealActivation& f, double r, double reach, double half_step, std::optional<std::int32_t> exact) {
  const double points = exact ? std::ceil(std::ldexp(reach, *exact)) - std::floor(std::ldexp(r, *exact)) : 0;
  const bool each = exact && (f.integers || points <= kMostProbes);
  const int probes = each ? static_cast<int>(points) : kProbes;
  for (const double sign : {-1.0, 1.0}) {
    const double end = f.of(sign * r);
    for (int i = 1; i <= probes; ++i) {
      const double x = each ? std::ldexp(std::floor(std::ldexp(r, *exact)) + i, -*exact) : r + (reach - r) * i / probes;
      const double y = f.of(sign * x);
      if (!(std::fabs(y - end) < half_step)) return false;
    }
  }
  return true;
}

/// Bits with sign that hold +-reach at this exponent.
unsigned bits_at(double reach, std::int32_t exponent) {
  const double scaled = std::ldexp(reach, exponent);
  unsigned bits = 2;
  while (bits < 64 && std::ldexp(1.0, static_cast<int>(bits) - 1) - 1 < scaled) ++bits;
  return bits;
}

std::int64_t value_at(const RealActivation& f, const Grid& grid, std::int32_t out_exponent, std::int64_t top, std::int64_t v) {
  const double y = std::ldexp(f.of(std::ldexp(static_cast<double>(v), -grid.exponent)), out_exponent);
  if (std::isnan(y)) return 0;
  return round_away(std::clamp(y, -static_cast<double>(top), static_cast<double>(top)));
}

bool is_steep(const RealActivation& f, const Grid& grid, std::int32_t out_exponent, std::int64_t top) {
  const std::int64_t c = std::int64_t{1} << (grid.bits - 1);
  std::int64_t last = value_at(f, grid, out_exponent, top, -c);
  for (std::int64_t v = -c + 1; v < c; ++v) {
    const std::int64_t y = value_at(f, grid, out_exponent, top, v);
    if (static_cast<double>(std::abs(y - last)) > kSteep) return true;
    last = y;
  }
  return false;
}

}  // namespace

double reach(const TensorStatistics& statistics) {
  const double tail = statistics.count() < 1e4 ? 1.25 : 1.1;
  return tail * statistics.largest();
}

Result<Grid> choose_grid(const RealActivation& f, const TableInput& input, std::int32_t out_exponent, unsigned bits) {
  double r = input.largest > 0 ? input.largest : 1;
  const double half_step = std::ldexp(0.5, -out_exponent);
  if (f.integers) r = std::ceil(r);
  const auto half = [&] { return f.integers ? std::ceil(r / 2) : r / 2; };
  for (int i = 0; i < kMostHalvings && half() < r && is_flat(f, half(), r, half_step, input.exact); ++i) r = half();
  if (input.exact) {
    const unsigned needed = bits_at(r, *input.exact);
    if (f.integers && needed > kMaxClampBits)
      return fail(ErrorKind::unsupported, "a function of integers beyond 2^17 has no table", f.input);
    if (f.integers || needed <= bits + kMoreBits) return Grid{*input.exact, needed};
  }
  Grid grid{std::min(input.exact.value_or(kMaxExponent), fitting_exponent(r, std::ldexp(1.0, static_cast<int>(bits) - 1) - 1, 0)),
            bits};
  const std::int64_t top = (std::int64_t{1} << (bits - 1)) - 1;
  for (unsigned i = 0; i < kMoreBits && is_steep(f, grid, out_exponent, top); ++i) {
    if (input.exact && grid.exponent >= *input.exact) break;
    ++grid.exponent, ++grid.bits;
  }
  grid.exponent = std::clamp(grid.exponent, -kMaxExponent, kMaxExponent);
  return grid;
}

void sample_table(const RealActivation& f, const Grid& grid, std::int64_t top, Activation& a) {
  const std::int64_t c = std::int64_t{1} << (grid.bits - 1);
  a.label = f.label;
  a.values.clear();
  a.values.reserve(static_cast<std::size_t>(2 * c));
  for (std::int64_t v = -c; v < c; ++v) a.values.push_back(static_cast<std::int32_t>(value_at(f, grid, a.out_exponent, top, v)));
  const auto [low, high] = std::minmax_element(a.values.begin(), a.values.end());
  a.lo = *low, a.hi = *high;
}

}  // namespace dsperse::quantize
