// Chooses exponent and width of every tensor of a Draft from calibration.
//
// Tensors that must agree (a pool and what it reads; pieces and the tensor they are moved into) are chosen as one. Sigmoid and
// tanh have fixed exponents, so that their sites share tables. Source: docs/semantics.md, rules 1 and 11.
// Tested by ops/lower_test.cc and ops/network_test.cc.
#pragma once

#include <cstdint>
#include <vector>

#include "dsperse/base/result.h"
#include "dsperse/quantize/draft.h"
#include "dsperse/quantize/options.h"
#include "dsperse/quantize/statistics.h"

namespace dsperse::quantize {

struct Scales {
  std::vector<std::int32_t> exponent;  ///< by TensorId
  std::vector<unsigned> bits;          ///< by TensorId
};

/// Exponent of the input grid of sigmoid (-8..8) and tanh (-4..4) for an output of these bits.
std::int32_t grid_exponent(Function f, unsigned bits);

/// statistics: by TensorId. Errors: bits outside 8..16, tensor_bits of no tensor, a sigmoid joined with values beyond its
/// exponents.
[[nodiscard]] Result<Scales> choose_scales(const Draft& draft, const std::vector<TensorStatistics>& statistics,
                                           const QuantizeOptions& options);

}  // namespace dsperse::quantize
