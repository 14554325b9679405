// Integer formulas of requantization that constraints and witness share: parts of remainders, offsets of saturation.
//
// Source: docs/protocol/operators.md. Tested by ops/ops_test.cc (exhaustively at small sizes).
#pragma once

#include <cstdint>
#include <vector>

#include "dsperse/relation/relation.h"

namespace dsperse::relation {

/// Limb i of `bits` bits has this many of them.
std::int64_t limb_width(std::int64_t bits, std::uint32_t limb_bits, std::uint32_t limb);
/// Limbs that the largest of these numbers of bits needs.
std::uint32_t limb_count(const std::vector<std::int32_t>& bits, std::uint32_t limb_bits);

/// Bits of a remainder of `shift` bits that its top has, where it has one; the lower ones are limbs.
std::int32_t top_width(std::int32_t shift, std::uint32_t top_bits);
std::vector<std::int32_t> low_bits(const std::vector<std::int32_t>& shifts, std::uint32_t top_bits);

/// The same of an entry of the last axis.
std::int64_t limb_width(const Requantization& r, std::size_t entry, std::uint32_t limb);
std::int32_t top_width(const Requantization& r, std::size_t entry);

/// Offsets for |v| <= v_max: O steps of `block` on either side of [-middle, middle), where there is none, and Lambda ("big").
struct Saturation {
  std::int64_t steps = 0, big = 0;
};
Saturation saturation(std::int64_t v_max, std::int64_t middle, std::int64_t block);
/// The offset that brings v into exactly one block of the table.
std::int64_t saturating_offset(std::int64_t v, std::int64_t v_max, std::int64_t middle, std::int64_t block);

/// What a limb or the top of r holds for an accumulator in this entry. Accumulators beyond every bound, which only a lie has,
/// wrap.
std::int64_t remainder_part(const Requantization& r, const Tensor& part, std::size_t entry, std::int64_t acc);

}  // namespace dsperse::relation
