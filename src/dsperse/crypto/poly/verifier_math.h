// Small tables over E for code that both parties run: no threads, no kernels, no allocation beyond the result.
//
// Bit 0 of an index belongs to point[0]. Not here: the prover's bulk operations (multilinear.h).
// Explicitly instantiated for D = 2, 3. Tested by crypto/poly/poly_test.cc.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "dsperse/crypto/field/extension.h"

namespace dsperse::crypto {

/// eq(point, i) for i < 2^point.size(). Cost: one multiplication of E an entry.
template <int D>
std::vector<Ext<D>> eq_values(std::span<const Ext<D>> point);

/// eq(point, index); zero if the index has bits beyond the point.
template <int D>
Ext<D> eq_at(std::span<const Ext<D>> point, std::uint64_t index);

/// eq(point, i) for begin <= i < end (empty if begin >= end); end - begin is a size of this machine. Cost: about two
/// multiplications an entry, however large the cube.
template <int D>
std::vector<Ext<D>> eq_range(std::span<const Ext<D>> point, std::uint64_t begin, std::uint64_t end);

/// Sum of values[i] eq(point, begin + i). Cost: about one unreduced multiplication an entry.
template <int D>
Ext<D> eq_inner(std::span<const Ext<D>> point, std::uint64_t begin, std::span<const Ext<D>> values);

/// Sum of a[i] b[i]; b.size() >= a.size().
template <int D>
Ext<D> inner(std::span<const Ext<D>> a, std::span<const Ext<D>> b);

/// x[i] <- 1 / x[i]; false (x unchanged) if any is zero. Norms are inverted together in F (Montgomery): one inversion, and about
/// half of the multiplications that three products over E would take.
template <int D>
[[nodiscard]] bool invert_all(std::span<Ext<D>> x);
/// The same where x is arithmetic progressions one after another, which end before x[ends[0]], x[ends[1]], ..., the last of them
/// with x. A norm is a polynomial of degree D along a progression: additions, once it has begun.
template <int D>
[[nodiscard]] bool invert_progressions(std::span<Ext<D>> x, std::span<const std::size_t> ends);

}  // namespace dsperse::crypto
