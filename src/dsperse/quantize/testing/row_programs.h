// Ops over rows for the tests' Programs. Product targets don't link this.
#pragma once

#include "dsperse/quantize/testing/programs.h"

namespace dsperse::quantize::testing {

// Each returns the new tensor's id. n: entries of a row. Requants have one shift.
TensorId add_extreme(Builder& b, TensorId x, std::int64_t n, bool minimum, bool index, bool last = false);
/// Table of numerators for x's exponent with 2^bits at 0; y has the exponent `out` and reaches 1.
TensorId add_softmax(Builder& b, TensorId x, std::int64_t n, std::uint32_t bits, std::int32_t out,
                     std::vector<std::uint8_t> visible = {});
TensorId add_normalize(Builder& b, TensorId x, std::int64_t n, bool centered, std::int64_t epsilon, std::uint32_t root_bits,
                       std::optional<WeightId> gamma, std::optional<WeightId> beta, const Requant& requant);
TensorId add_divide(Builder& b, TensorId x, TensorId by, Shape shape, std::int32_t shift, const Requant& requant);
TensorId add_one_hot(Builder& b, TensorId x, std::int64_t depth);

/// One slice with each of them, Contract with a written-out table, and Reduce; every form of a row's limbs and masks.
Program every_row_op();
/// Any of them that reads x, with random attributes.
void random_row_op(Builder& b, Rng& rng, TensorId x);
/// A Program of some such ops over small tensors.
Program random_row_program(Rng& rng, std::size_t max_ops);

}  // namespace dsperse::quantize::testing
