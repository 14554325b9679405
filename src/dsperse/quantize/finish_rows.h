// Integer constants of Softmax and Normalize. Private to this room. Source: docs/semantics.md. Tested by ops/rows_test.cc.
#pragma once

#include "dsperse/quantize/program.h"

namespace dsperse::quantize {

/// Table, bits and shift for rounded values at this exponent. x: the op's input, finished.
[[nodiscard]] Status finish_softmax(const TensorSpec& x, std::int32_t v_exponent, Softmax& op);

/// exponent: c (2 d + 1) 2^-exponent is the normalized value.
struct NormalNumbers {
  std::int32_t exponent = 0;
};
/// epsilon and root bits. mean_square: of the real values of x, from calibration.
[[nodiscard]] Result<NormalNumbers> finish_normalize(const Program& program, double mean_square, double epsilon, Normalize& op);

}  // namespace dsperse::quantize
