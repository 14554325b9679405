// A Draft and the scales of its tensors become the integer Program and its weights.
//
// Here weight exponents, shifts, biases, coefficients, activation ranges are computed; docs/semantics.md says the rules.
// Tested by ops/lower_test.cc and ops/network_test.cc.
#pragma once

#include <vector>

#include "dsperse/base/result.h"
#include "dsperse/quantize/draft.h"
#include "dsperse/quantize/exponents.h"
#include "dsperse/quantize/options.h"
#include "dsperse/quantize/statistics.h"

namespace dsperse::quantize {

/// What calibration remembers.
struct Calibration {
  std::vector<TensorStatistics> tensors;  ///< by TensorId
  std::vector<TensorStatistics> tables;   ///< by op: what the table of its activation is applied to; empty of others
};

struct Finished {
  Program program;
  WeightStore weights;
};

/// The Program passes check_program. The real factors of a product are freed as they become integers, so that both are never in
/// memory together. Errors (unsupported) name the op: accumulators that could reach 2^61, biases or constants
/// beyond 40 bits, slopes outside of [0, 1].
[[nodiscard]] Result<Finished> finish(Draft& draft, const Scales& scales, const Calibration& calibration,
                                      const QuantizeOptions& options);

}  // namespace dsperse::quantize
