// What a constraint costs whoever runs the schedule, before anything is run: the bound that a hostile key meets.
//
// A unit is one element of E that is made or multiplied (about 5 ns and at most 24 bytes). Sums stick at the largest u64.
// Source: docs/protocol/relations.md, docs/formats/limits.md. Tested by ops/limits_test.cc.
#pragma once

#include <cstdint>

#include "dsperse/relation/relation.h"

namespace dsperse::relation {

/// A term is also some hundred bytes of its own, and takes time however short its axes are.
inline constexpr std::uint64_t kTermWork = 256;
/// Most units of one slice's relation. The largest slice that is worth proving (2^25 lookups) stays far below.
inline constexpr std::uint64_t kMaxWork = std::uint64_t{1} << 26;

/// eq tables of a site and its terms.
std::uint64_t work_of(const Lookup& lookup);
std::uint64_t work_of(const Identity& identity);
std::uint64_t work_of(const Terms& terms, const Shape& site);
/// Binding a claim to both factors, and the claims that are left on them.
std::uint64_t work_of(const Product& product);

/// Sum that sticks.
constexpr std::uint64_t add_work(std::uint64_t a, std::uint64_t b) { return a > UINT64_MAX - b ? UINT64_MAX : a + b; }

}  // namespace dsperse::relation
