// Reductions over axes, positions of extremes, running sums, one-hot: the float half.
//
// Schemas in schema.cc, values in float.cc. Tested by ops/points_test.cc and tests/conformance.
#pragma once

#include "dsperse/ops/common/schema.h"

namespace dsperse::ops {

/// Axes that a Reduce operator runs over, ascending; none: the identity (noop_with_empty_axes).
struct Reduction {
  std::vector<std::size_t> axes;
  bool keep = true;
  model::Shape out;
};
/// axes: an attribute before opset 18 (ReduceSum: 13), a constant input from then on.
[[nodiscard]] Result<Reduction> reduction_of(const model::InferCall& call);

/// ReduceSum, ReduceMean, ReduceMax, ReduceMin, ReduceProd, ReduceL1, ReduceL2, ReduceLogSum, ReduceLogSumExp, ReduceSumSquare.
Inferred infer_reduce(const model::InferCall& call);
Evaluated evaluate_reduce(const model::EvaluateCall& call);

/// ArgMax, ArgMin.
Inferred infer_arg(const model::InferCall& call);
Evaluated evaluate_arg(const model::EvaluateCall& call);

/// CumSum along a constant axis; `exclusive`, `reverse`.
Inferred infer_cum_sum(const model::InferCall& call);
Evaluated evaluate_cum_sum(const model::EvaluateCall& call);

/// TopK with a constant number; values and their positions, ties by the smaller position.
Inferred infer_top_k(const model::InferCall& call);
Evaluated evaluate_top_k(const model::EvaluateCall& call);
/// The constant number of TopK, checked against the axis.
struct TopK {
  std::size_t axis = 0;
  std::int64_t k = 0;
};
[[nodiscard]] Result<TopK> top_k_of(const model::InferCall& call);

/// OneHot: constant depth; indices outside of [-depth, depth - 1] give rows of the off value.
Inferred infer_one_hot(const model::InferCall& call);
Evaluated evaluate_one_hot(const model::EvaluateCall& call);
/// Position of the new axis in the output, and depth.
struct OneHotForm {
  std::size_t axis = 0;
  std::int64_t depth = 0;
};
[[nodiscard]] Result<OneHotForm> one_hot_of(const model::InferCall& call);

}  // namespace dsperse::ops
