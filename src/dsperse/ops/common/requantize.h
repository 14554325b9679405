// y = activation(clamp(round(acc 2^-s))): a remainder in range, and one lookup of the rounded sum. A sum that may lie far beyond
// the clamp is moved by an offset, which shares a committed number with the remainder's highest bits (top).
//
// Source: docs/protocol/operators.md. Tested by ops/ops_test.cc (exhaustively at small sizes).
#pragma once

#include "dsperse/ops/common/builder.h"
#include "dsperse/relation/rounding.h"

namespace dsperse::ops {

/// First pass: what this op wants from shared tables.
[[nodiscard]] Status announce_requantize(Builder& b, const quantize::Op& op);

/// Widths of the limbs of numbers of these bits, one per entry of a site's last axis.
void announce_limbs(Builder& b, const std::vector<std::int32_t>& bits);
/// Rows (k, r), 0 <= r < 2^k, for every width that was announced.
std::uint32_t limb_table(Builder& b);

__extension__ using Wide = __int128;
/// The largest |v| that the lookups of this op's requantization let through.
[[nodiscard]] Result<Wide> largest_rounded(Builder& b, const quantize::Op& op);

/// acc: terms in integer units over `site`, |acc| <= bound; y: the op's output read over the site.
[[nodiscard]] Status requantize(Builder& b, std::uint32_t op, const Shape& site, Terms acc, const quantize::Requant& requant);

}  // namespace dsperse::ops
