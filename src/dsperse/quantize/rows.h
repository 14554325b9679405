// The integer formulas of the ops over rows: what interpreter, prover and compiler share of Extreme, Softmax, Normalize, Divide.
//
// Auxiliary tensors (RowParts) are what the proof commits beside the op's output. Source: docs/protocol/operators.md,
// docs/semantics.md. Tested by ops/rows_test.cc.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "dsperse/quantize/program.h"

namespace dsperse::quantize {

/// Bits of 0 .. n.
unsigned bits_of(std::uint64_t n);
/// floor(sqrt(n)).
std::int64_t square_root(std::uint64_t n);

// One row. Total: values beyond the declared ranges, which only a lie has, wrap or count as the nearest that is allowed.

/// inverse = floor(2^K / sum).
struct SoftmaxRow {
  std::int64_t largest = 0, sum = 0, inverse = 0;
};
/// x: n values. visible: n flags, or nullptr. e: n numerators.
SoftmaxRow softmax_row(const Softmax& op, const std::int32_t* x, const std::uint8_t* visible, std::int32_t* e);
/// Flags of row r, or nullptr.
inline const std::uint8_t* visible_row(const Softmax& op, std::int64_t r) {
  return op.visible.empty() ? nullptr : op.visible.data() + r % op.mask_rows * op.n;
}

/// mean: mu; variance: floor(sum c^2 / n), rest what remains; inverse: d.
struct NormalRow {
  std::int64_t mean = 0, variance = 0, rest = 0, inverse = 0;
};
NormalRow normal_row(const Normalize& op, const std::int32_t* x);

/// floor((2 a 2^shift + b) / (2 b)); b below 1 counts as 1.
std::int64_t rounded_quotient(std::int64_t a, std::int64_t b, std::int32_t shift);
/// Index of the extreme value: the last one if the op says so, otherwise the first.
std::int64_t extreme_index(const Extreme& op, const std::int32_t* x);

/// Entries of a row of Softmax and Normalize, whose output is read in rows; 0 of other ops.
std::int64_t row_length(const Op& op);

// Sizes that follow from declared ranges.

struct SoftmaxSizes {
  std::int64_t rows = 0, z_max = 0;
  unsigned sum_bits = 0;      ///< a: sum E <= 2^a
  unsigned inverse_bits = 0;  ///< of inv: K - k + 1
  std::int64_t exp_rows = 0;  ///< of the table: z_max + 1, or 3 z_max + 2 with a mask
};
SoftmaxSizes softmax_sizes(const Program& program, const Softmax& op);

struct NormalSizes {
  std::int64_t rows = 0;
  std::int64_t mean_lo = 0, mean_hi = 0;
  std::int64_t c_max = 0;         ///< |c|
  std::int64_t variance_max = 0;  ///< without epsilon
  unsigned v = 0;                 ///< variance + epsilon <= 2^v
  unsigned half = 0;              ///< k / 2
  unsigned gap_bits = 0;          ///< B: 2^k - d^2 V and (d + 1)^2 V - 2^k - 1 are below 2^B
  std::int64_t scaled_max = 0;    ///< |c (2 d + 1)|
};
/// Where a size would pass 2^62 it sticks there.
NormalSizes normal_sizes(const Program& program, const Normalize& op);

/// Bits of the ranges [0, 2^bits) that the op's parts are looked up in, for each row.
std::vector<unsigned> row_ranges(const Program& program, const Op& op);

/// Bilinear products of an op over rows: elements of their results, elements of their factors, variables of their sumchecks.
struct RowProducts {
  std::uint64_t sums = 0, factors = 0, variables = 0;
};
RowProducts row_products(const Program& program, const Op& op);

/// An auxiliary tensor: per_row values for each row (one axis if that is 1), lo <= value <= hi of an honest run.
struct RowPart {
  std::string name;
  std::int64_t per_row = 1, lo = 0, hi = 0;
};

class RowParts {
 public:
  /// Of an op of a checked program; without parts where the op has none.
  RowParts(const Program& program, const Op& op);
  [[nodiscard]] std::int64_t rows() const { return rows_; }
  [[nodiscard]] const std::vector<RowPart>& parts() const { return parts_; }
  [[nodiscard]] Shape shape(std::size_t part) const;
  [[nodiscard]] const std::vector<TensorId>& inputs() const { return inputs_; }

  /// Rows [begin, end). x: by inputs(), whole tensors. out: by parts(), (end - begin) * per_row values each.
  void fill(std::span<const std::int32_t* const> x, std::int64_t begin, std::int64_t end,
            std::span<std::int64_t* const> out) const;

 private:
  using Inputs = std::span<const std::int32_t* const>;
  using Outputs = std::span<std::int64_t* const>;
  void fill_extreme(const Extreme& op, Inputs x, std::int64_t begin, std::int64_t end, Outputs out) const;
  void fill_softmax(const Softmax& op, Inputs x, std::int64_t begin, std::int64_t end, Outputs out) const;
  void fill_normal(const Normalize& op, Inputs x, std::int64_t begin, std::int64_t end, Outputs out) const;
  void fill_divide(const Divide& op, Inputs x, std::int64_t begin, std::int64_t end, Outputs out) const;

  decltype(Op::body) body_;
  std::int64_t rows_ = 0;
  std::vector<RowPart> parts_;
  std::vector<TensorId> inputs_;
  Shape y_;                                                ///< of a Divide
  std::array<std::vector<std::int64_t>, 2> strides_ = {};  ///< of a Divide's operands over y
};

/// Strides of an operand over the axes of y that it broadcasts to; 0 where it repeats.
std::vector<std::int64_t> operand_strides(const Shape& shape, const Shape& y);

/// A range [0, 2^bits) is looked up in one table up to this many bits; above, its low bits are limbs.
inline constexpr unsigned kRangeBits = 8;
constexpr unsigned range_shift(unsigned bits) { return bits > kRangeBits ? bits - kRangeBits : 0; }

}  // namespace dsperse::quantize
