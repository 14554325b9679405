// A factor of a product over the letters of its sumcheck: the tensor folded axis by axis, straight from its integers.
//
// Prover only. Tested by proof/slice_test.cc and relation/relation_test.cc.
#pragma once

#include "dsperse/crypto/field/ext_vec.h"
#include "dsperse/relation/integers.h"
#include "dsperse/relation/maps.h"

namespace dsperse::relation {

/// The table of 2^vars entries: at the kept letters' bit fields the sum over the bound letters of weights and tensor, else zero.
/// Memory: the first axis is folded in one pass over the tensor in its own width; what is left has 8 D bytes an entry, once for
/// the axis read and once for the one written.
template <int D>
crypto::ExtVec<D> factor_table(IntView tensor, const BoundProduct<D>& bound, const std::vector<AxisRows<D>>& axes);

}  // namespace dsperse::relation
