// Lookups, tables and auxiliary tensors of the ops over rows. Follows docs/protocol/operators.md.
#include "dsperse/quantize/lookup_tally.h"
#include "dsperse/quantize/rows.h"

namespace dsperse::quantize {

void LookupTally::add_parts(const Op& op) {
  const RowParts parts(program_, op);
  for (std::size_t k = 0; k < parts.parts().size(); ++k) other_symbols_ += static_cast<std::uint64_t>(elements(parts.shape(k)));
  for (const unsigned bits : row_ranges(program_, op)) add_bits(bits, {parts.rows()});
}

void LookupTally::add_bits(unsigned bits, const Shape& site) {
  const unsigned shift = range_shift(bits);
  other_.add(site);
  ranges_.insert({0, (std::int64_t{1} << (bits - shift)) - 1});
  if (shift == 0) return;
  ranges_in_limbs_.add({static_cast<std::int32_t>(shift)}, site);
}

void LookupTally::add_row_op(const Extreme& op) {
  if (op.n == 1) return;
  const TensorSpec& x = program_.tensors[op.x];
  other_.add({elements(x.shape) / op.n, op.n});
  stairs_.insert(x.hi - x.lo);
}

void LookupTally::add_row_op(const Softmax& op) {
  const SoftmaxSizes s = softmax_sizes(program_, op);
  other_.add(op.visible.empty() ? Shape{s.rows, op.n} : Shape{s.rows / op.mask_rows, op.mask_rows, op.n});
  exps_.insert({!op.visible.empty(), s.exp_rows, &op.exp_table});
  other_.add({s.rows});
  ranges_.insert({0, op.n - 1});
}

void LookupTally::add_row_op(const Normalize& op) {
  const NormalSizes s = normal_sizes(program_, op);
  const Shape site{s.rows};
  for (int i = 0; i < (op.centered ? 2 : 1); ++i) other_.add(site);  // remainders of the mean and the variance
  ranges_.insert({0, op.n - 1});
}

void LookupTally::add_row_op(const Divide& op) {
  const Shape& y = program_.tensors[op.y].shape;
  other_.add(y, 2);
  ranges_.insert({0, 2 * program_.tensors[op.b].hi - 1});
}

void LookupTally::add_row_op(const OneHot& op) {
  other_.add({elements(program_.tensors[op.x].shape), op.depth});
  depths_.insert(op.depth);
}

}  // namespace dsperse::quantize
