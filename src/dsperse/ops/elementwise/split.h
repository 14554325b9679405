// Element-wise operators of several tensors in terms of sums, products and functions of one number: what is done where no single
// function was left to make (model/points.h).
//
// Tested by ops/points_lower_test.cc.
#pragma once

#include "dsperse/ops/common/emit.h"

namespace dsperse::ops {

/// Max(a, b) = b + relu(a - b), Min(a, b) = a - relu(a - b); more operands one after the other.
Expanded split_extreme(const model::InferCall& call);
/// The sum, then 1 / n of it.
Expanded split_mean(const model::InferCall& call);
/// relu(x) + slope min(x, 0).
Expanded split_prelu(const model::InferCall& call);
/// A comparison of the difference with zero; booleans are compared as integers.
Expanded split_compare(const model::InferCall& call);
/// And, Or, Xor: a comparison of the sum of both.
Expanded split_logical(const model::InferCall& call);
/// b + condition (a - b); a and b kept apart where the condition is constant.
Expanded split_where(const model::InferCall& call);
/// A constant over a tensor: times its reciprocal.
Expanded split_div(const model::InferCall& call);
/// SwiGLU: Swish of one tensor times the other.
Expanded expand_swiglu(const model::InferCall& call);
/// Cast to the type of input 1.
Expanded expand_cast_like(const model::InferCall& call);
/// Scales and zero points per axis.
Expanded split_quantize_linear(const model::InferCall& call);
Expanded split_dequantize_linear(const model::InferCall& call);

}  // namespace dsperse::ops
