// Multilinear tables over E: the bulk operations of the prover, dispatched to scalar, AVX2 or AVX-512 kernels.
//
// Index order everywhere: bit 0 (least significant) is variable 0 and is bound first. All results are canonical and
// equal on every kernel. Explicitly instantiated for D = 2, 3. Tested by crypto/poly/poly_test.cc.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "dsperse/crypto/field/ext_vec.h"

namespace dsperse::crypto {

/// eq(point, i) * scale for i < 2^point.size(); point[0] belongs to bit 0.
template <int D>
ExtVec<D> eq_table(std::span<const Ext<D>> point, const Ext<D>& scale = Ext<D>::one());

/// t <- t with variable 0 bound to x: t'[i] = t[2i] + x (t[2i+1] - t[2i]). Size 2m -> m (m >= 1).
template <int D>
void fold(ExtVec<D>& t, const Ext<D>& x);

/// t'[i] = t[2i] + t[2i+1]: an eq table with its variable 0 summed out. Size 2m -> m.
template <int D>
void sum_pairs(ExtVec<D>& t);

/// Sum of a[i] b[i]. Sizes equal.
template <int D>
Ext<D> inner(const ExtVec<D>& a, const ExtVec<D>& b);
/// Sum of a[i] b[i], a in F; a.size() <= b.size().
template <int D>
Ext<D> inner(std::span<const Fp> a, const ExtVec<D>& b);

/// One sumcheck round of sum_i a[i] b[i]: {g(0), g(2)} over variable 0. Sizes equal, even.
template <int D>
std::array<Ext<D>, 2> quadratic_round(const ExtVec<D>& a, const ExtVec<D>& b);

/// One GKR round: {h(0), h(2)} with h(x) = sum_i eq[i] (p0 q1 + p1 q0 + lambda q0 q1)(x, i), the four tables of size 2m
/// (variable 0 = x), eq of size m: the eq table of the remaining variables.
template <int D>
std::array<Ext<D>, 2> fraction_round(const ExtVec<D>& eq, const ExtVec<D>& p0, const ExtVec<D>& p1, const ExtVec<D>& q0,
                                     const ExtVec<D>& q1, const Ext<D>& lambda);

/// One level of the fraction tree: children (p, q) of size 2m -> even and odd halves (size m each) and the parents
/// p' = p0 q1 + p1 q0, q' = q0 q1.
template <int D>
struct FractionLevel {
  ExtVec<D> p0, p1, q0, q1;
};
template <int D>
FractionLevel<D> fraction_level(const ExtVec<D>& p, const ExtVec<D>& q, ExtVec<D>& p_parent, ExtVec<D>& q_parent);

/// x[i] <- 1 / x[i]; returns false (x unspecified) if any is zero. Batched (Montgomery's trick).
template <int D>
[[nodiscard]] bool invert_all(ExtVec<D>& x);

/// out[k] += sum_i weights[i] rows[i][k], k < length, for rows over F (canonical). out.size() >= length.
template <int D>
void accumulate_rows(ExtVec<D>& out, std::span<const Ext<D>> weights, std::span<const Fp* const> rows, std::size_t length);
/// The same for small signed integer rows (weights), read straight from their storage.
template <int D>
void accumulate_rows(ExtVec<D>& out, std::span<const Ext<D>> weights, std::span<const std::int16_t* const> rows, std::size_t length);
template <int D>
void accumulate_rows(ExtVec<D>& out, std::span<const Ext<D>> weights, std::span<const std::int32_t* const> rows, std::size_t length);

/// out[i] = sum_{j < width} eq[j] rows[i * width + j]: inner products of consecutive runs with one vector.
template <int D>
ExtVec<D> contract_runs(std::span<const std::int32_t> values, std::size_t width, const ExtVec<D>& eq);
template <int D>
ExtVec<D> contract_runs(std::span<const std::int16_t> values, std::size_t width, const ExtVec<D>& eq);

}  // namespace dsperse::crypto
