// Exact values of the activation tables: integer arithmetic only, identical on every machine.
//
// sigmoid and tanh: fixed-point exp with error below 2^-80, rounded half away from zero. Written-out tables: as written. Source:
// docs/semantics.md. Tested by quantize/table_test.cc.
#pragma once

#include "dsperse/quantize/program.h"

namespace dsperse::quantize {

/// y of the activation for an integer v (already clamped to [-c, c-1] by the caller).
std::int64_t activate(const Activation& activation, std::int64_t v);

/// round(2^bits exp(-z 2^-exponent)), half up; 0 <= z < 2^20, |exponent| <= kMaxGridExponent, bits <= 24.
std::int64_t exponential(std::int64_t z, std::int32_t exponent, std::uint32_t bits);

/// round(2^AveragePool::kAverageBits / n), half up, n >= 1.
std::int64_t average_multiplier(std::int64_t n);

}  // namespace dsperse::quantize
