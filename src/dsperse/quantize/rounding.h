// Rounding halves away from zero, without a call of the mathematics library for every value of a tensor.
//
// Tested by quantize/io_test.cc.
#pragma once

#include <cstdint>

namespace dsperse::quantize {

/// The nearest integer, halves away from zero; |x| < 2^62.
inline std::int64_t round_away(double x) {
  const auto whole = static_cast<std::int64_t>(x);     // toward zero
  const double rest = x - static_cast<double>(whole);  // exact
  return whole + static_cast<std::int64_t>(rest >= 0.5) - static_cast<std::int64_t>(rest <= -0.5);
}

}  // namespace dsperse::quantize
