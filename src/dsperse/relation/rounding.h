// Integer formulas of requantization that constraints and witness share: limbs of remainders, offsets of saturation.
//
// Source: docs/protocol/operators.md. Tested by ops/ops_test.cc (exhaustively at small sizes).
#pragma once

#include <cstdint>
#include <vector>

namespace dsperse::relation {

/// Limb i of a remainder of `shift` bits has this many bits.
std::int64_t limb_width(std::int64_t shift, std::uint32_t limb_bits, std::uint32_t limb);
/// Limbs that the largest of the shifts needs.
std::uint32_t limb_count(const std::vector<std::int32_t>& shifts, std::uint32_t limb_bits);

/// O and Lambda of the saturating form for |v| <= v_max and clamp [-c, c - 1].
struct Saturation {
  std::int64_t steps = 0, big = 0;
};
Saturation saturation(std::int64_t v_max, std::int64_t c);
/// The offset that brings v into exactly one block of the saturating table.
std::int64_t saturating_offset(std::int64_t v, std::int64_t v_max, std::int64_t c);

}  // namespace dsperse::relation
