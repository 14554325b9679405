// Activation tables of any function: where it is sampled, and the values.
//
// Source: docs/semantics.md. Tested by ops/contract_lower_test.cc.
#pragma once

#include <cstdint>
#include <optional>

#include "dsperse/quantize/draft.h"
#include "dsperse/quantize/statistics.h"

namespace dsperse::quantize {

/// Inputs v 2^-exponent for v of `bits` bits with sign.
struct Grid {
  std::int32_t exponent = 0;
  unsigned bits = 0;
};

/// What is known of the values that a table meets.
struct TableInput {
  double largest = 0;                 ///< magnitude
  std::optional<std::int32_t> exact;  ///< exponent at which they are integers: no finer grid is of use
};

/// The grid reaches as far as the input does, or to where the function changes by less than half a step of the output. If the
/// exact exponent fits, it is taken, so that nothing is rounded before the table; integers must (f.integers). Otherwise the grid
/// has as many bits as the output, and up to two more where the function rises by more than two steps of the output from one
/// value to the next.
[[nodiscard]] Result<Grid> choose_grid(const RealActivation& f, const TableInput& input, std::int32_t out_exponent,
                                       unsigned bits);

/// Fills a's values, lo, hi; f, exponents are set. Values are rounded half away from zero and clamped to +-top; infinities are
/// clamped, NaN is 0.
void sample_table(const RealActivation& f, const Grid& grid, std::int64_t top, Activation& a);

/// Magnitude up to which a table is made for values as calibration saw them.
double reach(const TensorStatistics& statistics);

}  // namespace dsperse::quantize
