// Reductions in terms of sums, one-axis extremes and functions of one number.
//
// Tested by ops/points_test.cc.
#pragma once

#include "dsperse/ops/common/emit.h"

namespace dsperse::ops {

/// Several axes of ReduceMax, ReduceMin as one; ReduceL1, ReduceL2, ReduceLogSum, ReduceLogSumExp, ReduceSumSquare by sums;
/// ReduceProd of up to kMostFactors elements by products.
inline constexpr std::int64_t kMostFactors = 8;
Expanded expand_reduce(const model::InferCall& call);
/// CumProd along a constant axis of up to kMostFactors elements.
Expanded expand_cum_prod(const model::InferCall& call);
/// Attribute of a OneHot whose indices all lie in [0, depth - 1] (not ONNX: expansions set it).
inline constexpr const char* kInRange = "in_range";
/// A OneHot that has an integer op: such indices, the last axis, zeros and ones.
[[nodiscard]] Result<bool> is_plain_one_hot(const model::InferCall& call);
/// Any axis and values, indices outside of the depth: by the plain form.
Expanded expand_one_hot(const model::InferCall& call);
/// k = 1 by ReduceMax and ArgMax. k > 1 by comparing every pair of elements of a row, kMostPairs at most: an element's place is
/// the number of those before it. Elements of one tensor have one scale, so that comparing them is exact.
inline constexpr std::int64_t kMostPairs = std::int64_t{1} << 20;
Expanded expand_top_k(const model::InferCall& call);
/// GlobalMaxPool, GlobalLpPool, LpPool: the pools that are reductions. They have no schema of their own.
Expanded expand_global_max_pool(const model::InferCall& call);
Expanded expand_global_lp_pool(const model::InferCall& call);
Expanded expand_lp_pool(const model::InferCall& call);

}  // namespace dsperse::ops
