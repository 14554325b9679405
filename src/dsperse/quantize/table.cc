#include "dsperse/quantize/table.h"

#include <algorithm>

namespace dsperse::quantize {
namespace {

// Fixed point with kBits fractional bits in 128 bits. GCC and clang both have the type; -Wpedantic does not.
__extension__ using Wide = unsigned __int128;
constexpr unsigned kBits = 96;
constexpr Wide kOne = Wide{1} << kBits;
/// floor(ln 2 * 2^96).
constexpr Wide kLn2 = (Wide{0xB17217F7U} << 64) | 0xD1CF79ABC9E3B398ULL;

/// floor(a b 2^-96) up to 2 units, for a, b <= 2^96.
Wide multiply(Wide a, Wide b) {
  const Wide mask = ~std::uint64_t{0};
  const Wide a0 = a & mask, a1 = a >> 64, b0 = b & mask, b1 = b >> 64;
  const Wide middle = a0 * b1 + a1 * b0 + ((a0 * b0) >> 64);  // a1, b1 <= 2^32: below 2^98
  return ((a1 * b1) << (128 - kBits)) + (middle >> (kBits - 64));
}

/// exp(-x) for x = n 2^-e >= 0. Error below 2^-88: 2 units a Taylor step, and n_ln2 times the error of kLn2.
Wide exp_negative(Wide n, std::int32_t e) {
  if (n == 0) return kOne;  // below, e = -32 would shift by the width
  // From 64 on the value is below 2^-92. n < 2^20.
  if (e < 0 ? (n << -e) >= 64 : (n >> e) >= 64) return 0;
  Wide x = e < 0 ? n << (kBits + static_cast<unsigned>(-e)) : (n << (kBits - static_cast<unsigned>(e)));
  const Wide halvings = x / kLn2;
  x -= halvings * kLn2;
  // Taylor of exp(-x), x < ln 2: positive and negative terms apart.
  Wide term = kOne, plus = kOne, minus = 0;
  for (unsigned k = 1; term != 0 && k < 64; ++k) {
    term = multiply(term, x) / k;
    (k % 2 == 0 ? plus : minus) += term;
  }
  return (plus - minus) >> static_cast<unsigned>(halvings);
}

/// round(2^out numerator / denominator), half up; numerator <= denominator <= 2 kOne,
/// 0 <= out <= 24: both limits of the functions are then integers, so no value tends to a tie.
std::int64_t rounded_ratio(Wide numerator, Wide denominator, std::int32_t out) {
  const Wide scaled = numerator << static_cast<unsigned>(out + 1);  // twice the value, over denominator
  return static_cast<std::int64_t>((scaled + denominator) / (2 * denominator));
}

std::int64_t sigmoid(std::int64_t v, const Activation& a) {
  const Wide e = exp_negative(static_cast<Wide>(v < 0 ? -v : v), a.in_exponent);
  return rounded_ratio(v < 0 ? e : kOne, kOne + e, a.out_exponent);
}

std::int64_t hyperbolic_tangent(std::int64_t v, const Activation& a) {
  const Wide e = exp_negative(2 * static_cast<Wide>(v < 0 ? -v : v), a.in_exponent);
  const std::int64_t y = rounded_ratio(kOne - e, kOne + e, a.out_exponent);
  return v < 0 ? -y : y;
}

std::int64_t raw(const Activation& a, std::int64_t v) {
  switch (a.f) {
    case Function::identity:
      return v;
    case Function::relu:
      return std::max<std::int64_t>(v, 0);
    case Function::leaky_relu:
      return v >= 0 ? v : (v * a.a + (std::int64_t{1} << 23)) >> 24;
    case Function::clip:
      return std::clamp(v, a.a, a.b);
    case Function::sigmoid:
      return sigmoid(v, a);
    case Function::tanh:
      return hyperbolic_tangent(v, a);
    case Function::table:
      return a.values[static_cast<std::size_t>(v + static_cast<std::int64_t>(a.values.size() / 2))];
  }
  return v;
}

}  // namespace

std::int64_t activate(const Activation& activation, std::int64_t v) {
  return std::clamp(raw(activation, v), activation.lo, activation.hi);
}

std::int64_t exponential(std::int64_t z, std::int32_t exponent, std::uint32_t bits) {
  return rounded_ratio(exp_negative(static_cast<Wide>(z), exponent), kOne, static_cast<std::int32_t>(bits));
}

std::int64_t average_multiplier(std::int64_t n) { return ((std::int64_t{2} << AveragePool::kAverageBits) + n) / (2 * n); }

}  // namespace dsperse::quantize
