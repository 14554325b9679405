// Shared by the constraints of the ops over rows: ranges of values that only the proof knows.
#pragma once

#include "dsperse/ops/common/constrain.h"

namespace dsperse::ops {

/// The sum of x lies in [0, 2^bits) at every element of the site (bits <= 62): one lookup, and one for each limb of the bits
/// above quantize::kRangeBits. The tally counts them (LookupTally::add_bits).
void look_up_bits(Builder& b, std::uint32_t op, const std::string& id, const Shape& site, Terms x, unsigned bits);

/// Values of rows x per_row (one axis where that is 1), read at letters 0 and 1.
View row_view(std::int64_t rows, std::int64_t per_row);
/// coef times the sum of each row of a tensor of rows x n.
Term row_sum(TensorRef tensor, std::int64_t rows, std::int64_t n, std::int64_t coef = 1);
/// Product over letters (row, entry). Factors of one value a row have per_row 1; summed: over the entries.
struct RowFactor {
  TensorRef tensor = 0;
  std::int64_t per_row = 1;
};
Term row_product(Builder& b, const std::string& id, std::int64_t rows, std::int64_t n, const RowFactor& a, const RowFactor& c,
                 bool summed, std::int64_t coef = 1);
/// coef times the product of two tensors of one value a row.
Term per_row_product(Builder& b, const std::string& id, std::int64_t rows, TensorRef a, TensorRef c, std::int64_t coef);
/// A table of the remainders by n may be made.
[[nodiscard]] Status check_rest_table(const std::string& name, std::int64_t n);

}  // namespace dsperse::ops
