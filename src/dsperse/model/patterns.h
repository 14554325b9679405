// What exporters write in primitive operators becomes the operator that is meant: LayerNormalization and RMSNormalization;
// factors of scores go into weights.
//
// Tested by model/points_test.cc.
#pragma once

#include "dsperse/model/graph.h"

namespace dsperse::model {

/// (x - mean) / sqrt(variance + e) and x / sqrt(mean square + e) over the last axes, with Pow or Mul, Sqrt, Reciprocal, Div or
/// Pow; then scale and shift by constants. graph.values must be filled. Nodes that lose their users stay (remove_dead).
[[nodiscard]] Status join_norms(Graph& graph);
/// Mul or Div by one number after a product of two activations (and movement): into the weights of a layer that makes one of its
/// factors, if nothing else reads what lies between.
[[nodiscard]] Status join_scales(Graph& graph);

/// Log of a ReduceSum of Exp becomes ReduceLogSumExp, which takes the maximum off first: as integers the sum itself has no room.
[[nodiscard]] Status join_log_sums(Graph& graph);
/// A tensor over a tensor that may be negative: times its reciprocal. A quotient stays where the operators that make the divisor
/// (Exp, Sqrt, Abs, sums of these, ...) never give a negative number.
[[nodiscard]] Status split_quotients(Graph& graph);

}  // namespace dsperse::model
