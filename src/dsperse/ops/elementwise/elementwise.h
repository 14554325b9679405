// Element-wise operators of the float half: Add, Sub, Mul, Div; Relu, LeakyRelu, Clip, Sigmoid, Tanh; Identity, Dropout, Cast.
//
// Schemas in schema.cc, values in float.cc. Mul, Div and Cast only fold. Tested by ops/schema_test.cc and tests/conformance.
#pragma once

#include "dsperse/ops/common/schema.h"

namespace dsperse::ops {

/// Two operands of one dtype with NumPy broadcasting (opset 7 on).
Inferred infer_binary(const model::InferCall& call);
Evaluated evaluate_add(const model::EvaluateCall& call);
Evaluated evaluate_sub(const model::EvaluateCall& call);
Evaluated evaluate_mul(const model::EvaluateCall& call);
Evaluated evaluate_div(const model::EvaluateCall& call);

/// One float operand.
Inferred infer_unary(const model::InferCall& call);
Evaluated evaluate_relu(const model::EvaluateCall& call);
Evaluated evaluate_leaky_relu(const model::EvaluateCall& call);
Evaluated evaluate_sigmoid(const model::EvaluateCall& call);
Evaluated evaluate_tanh(const model::EvaluateCall& call);

/// Bounds: attributes `min`, `max` before opset 11, optional scalar inputs 1 and 2 from then on.
Inferred infer_clip(const model::InferCall& call);
Evaluated evaluate_clip(const model::EvaluateCall& call);
/// The bounds where they are known; absent ones are -inf, inf. Error (unsupported) if an input bound is not constant.
struct ClipBounds {
  float low, high;
};
[[nodiscard]] Result<ClipBounds> clip_bounds(const model::InferCall& call);

Inferred infer_identity(const model::InferCall& call);
Evaluated evaluate_identity(const model::EvaluateCall& call);
/// Inference only: the output is the input, the mask all true. Training mode (opset 12 on) with a ratio other than 0 is refused.
Inferred infer_dropout(const model::InferCall& call);
Evaluated evaluate_dropout(const model::EvaluateCall& call);
/// Floats are f32 here: a cast to double keeps them, one to float16 or bfloat16 rounds to it. Towards zero from float to integer;
/// non-zero is true. Narrow integer types do not wrap: a value that does not fit is an error.
Inferred infer_cast(const model::InferCall& call);
Evaluated evaluate_cast(const model::EvaluateCall& call);

}  // namespace dsperse::ops
