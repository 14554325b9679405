// Multilinear tables over E: the bulk operations of the prover, dispatched to scalar, AVX2 or AVX-512 kernels.
//
// Index order everywhere: bit 0 (least significant) is variable 0 and is bound first. All results are canonical and equal on
// every kernel and for every number of threads. Explicitly instantiated for D = 2, 3. Not here: the verifier's small tables
// (verifier_math.h). Tested by crypto/poly/poly_test.cc.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "dsperse/crypto/field/ext_vec.h"
#include "dsperse/crypto/field/symbols.h"

namespace dsperse::crypto {

/// eq(point, i) * scale for i < 2^point.size(); point[0] belongs to bit 0.
template <int D>
ExtVec<D> eq_table(std::span<const Ext<D>> point, const Ext<D>& scale = Ext<D>::one());

/// t[i] += c x[i]. Sizes equal.
template <int D>
void add_scaled(ExtVec<D>& t, const ExtVec<D>& x, const Ext<D>& c);

/// t[8 first_block + i] += c x[i].
template <int D>
void add_scaled_at(ExtVec<D>& t, std::size_t first_block, const ExtVec<D>& x, const Ext<D>& c);

/// t <- t with variable 0 bound to x: t'[i] = t[2i] + x (t[2i+1] - t[2i]). Size 2m -> m (m >= 1). In place.
template <int D>
void fold(ExtVec<D>& t, const Ext<D>& x);

/// t'[i] = t[2i] + t[2i+1]: an eq table with its variable 0 summed out. Size 2m -> m. In place.
template <int D>
void sum_pairs(ExtVec<D>& t);

/// Sum of a[i] b[i]. Sizes equal.
template <int D>
Ext<D> inner(const ExtVec<D>& a, const ExtVec<D>& b);
/// Sum of a[i] b[i], a in F; a.size() <= b.size().
template <int D>
Ext<D> inner(std::span<const Fp> a, const ExtVec<D>& b);

/// out[first + i] = sum_{j < w} row[i w + j] eq[j] with w = eq.size(), for i < length / w: runs of a row contracted with one
/// vector. w: a multiple of 8 up to 256.
template <int D>
void contract_runs(Symbols row, std::size_t length, const ExtVec<D>& eq, ExtVec<D>& out, std::size_t first);

/// One sumcheck round of sum_i a[i] b[i]: {g(0), g(2)} over variable 0. Sizes equal, even.
template <int D>
std::array<Ext<D>, 2> quadratic_round(const ExtVec<D>& a, const ExtVec<D>& b);
/// fold(a, x), fold(b, x), then quadratic_round of the results in the same pass. Sizes equal, a multiple of 4.
template <int D>
std::array<Ext<D>, 2> fold_quadratic_round(ExtVec<D>& a, ExtVec<D>& b, const Ext<D>& x);

/// out[k] += sum_i weights[i] rows[i][k], k < length, for rows over F (canonical). out.size() >= length.
template <int D>
void accumulate_rows(ExtVec<D>& out, std::span<const Ext<D>> weights, std::span<const Fp* const> rows, std::size_t length);
/// The same for small signed integer rows (weights), read straight from their storage.
template <int D>
void accumulate_rows(ExtVec<D>& out, std::span<const Ext<D>> weights, std::span<const std::int16_t* const> rows,
                     std::size_t length);
template <int D>
void accumulate_rows(ExtVec<D>& out, std::span<const Ext<D>> weights, std::span<const std::int32_t* const> rows,
                     std::size_t length);
/// The same for rows of any widths.
template <int D>
void accumulate_rows(ExtVec<D>& out, std::span<const Ext<D>> weights, std::span<const Symbols> rows, std::size_t length);

}  // namespace dsperse::crypto
