// The element-wise operators beyond elementwise.h: functions of one number, comparisons, logic, Where, and arithmetic on two or
// more operands. Values come from real.h, exact integers from here. Tested by ops/points_test.cc and tests/conformance.
#pragma once

#include "dsperse/ops/common/schema.h"

namespace dsperse::ops {

/// Float operators of one operand that real_function knows: Exp, Erf, Gelu, ...
Evaluated evaluate_unary(const model::EvaluateCall& call);
/// Abs, Neg, Sign: also on integers.
Inferred infer_signed(const model::InferCall& call);
Evaluated evaluate_signed(const model::EvaluateCall& call);
/// IsNaN, IsInf: float to boolean.
Inferred infer_test(const model::InferCall& call);
Evaluated evaluate_test(const model::EvaluateCall& call);
/// Gelu: the form is checked.
Inferred infer_gelu(const model::InferCall& call);
Evaluated evaluate_gelu(const model::EvaluateCall& call);

/// The output has the base's type; the exponent may be a float or an integer.
Inferred infer_pow(const model::InferCall& call);
Evaluated evaluate_pow(const model::EvaluateCall& call);
/// Floats need fmod = 1.
Inferred infer_mod(const model::InferCall& call);
Evaluated evaluate_mod(const model::EvaluateCall& call);
/// The slope broadcasts to the data, not the other way.
Inferred infer_prelu(const model::InferCall& call);
Evaluated evaluate_prelu(const model::EvaluateCall& call);
/// Max, Min (also integers), Sum, Mean: at least one operand, NumPy broadcasting.
Inferred infer_variadic(const model::InferCall& call);
Evaluated evaluate_variadic(const model::EvaluateCall& call);

/// Greater, GreaterOrEqual, Less, LessOrEqual; Equal also on booleans.
Inferred infer_compare(const model::InferCall& call);
Evaluated evaluate_compare(const model::EvaluateCall& call);
/// And, Or, Xor.
Inferred infer_logical(const model::InferCall& call);
Evaluated evaluate_logical(const model::EvaluateCall& call);
Inferred infer_not(const model::InferCall& call);
Evaluated evaluate_not(const model::EvaluateCall& call);
Inferred infer_where(const model::InferCall& call);
Evaluated evaluate_where(const model::EvaluateCall& call);

/// BitShift (attribute `direction`), BitwiseAnd, BitwiseOr, BitwiseXor on 64-bit integers; a shift by 64 or more gives 0.
Inferred infer_bitwise(const model::InferCall& call);
Evaluated evaluate_bitwise(const model::EvaluateCall& call);

/// Cast to the type of input 1; narrow integer types are not told apart.
Inferred infer_cast_like(const model::InferCall& call);
Evaluated evaluate_cast_like(const model::EvaluateCall& call);

/// Points: what the passes make of chains of element-wise nodes (model/points.h).
Inferred infer_points(const model::InferCall& call);
Evaluated evaluate_points(const model::EvaluateCall& call);

}  // namespace dsperse::ops
