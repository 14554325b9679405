// Operators of quantized models: the float half. Integers of every width are 64-bit here; the width that saturation needs comes
// from the type that a zero point had in the file, or from an attribute.
//
// Schemas in schema.cc, values in float.cc, what becomes simpler nodes in expand.cc. Tested by ops/points_test.cc and
// tests/conformance.
#pragma once

#include "dsperse/ops/common/schema.h"

namespace dsperse::ops {

/// Ends of the integers that a quantization saturates to.
struct IntegerRange {
  double low = 0, high = 255;
};
/// Of QuantizeLinear: the zero point's type, else `output_dtype`, else unsigned 8 bits. unsupported: 8-bit floats, a zero point
/// that depends on the model's input.
[[nodiscard]] Result<IntegerRange> quantized_range(const model::InferCall& call);
/// The same for a zero point at input i, without attribute.
[[nodiscard]] Result<IntegerRange> zero_point_range(const model::InferCall& call, std::size_t i);

/// One number, to an integer: saturate(round(x / scale) + zero), halves to even.
double quantize_number(double x, double scale, double zero, const IntegerRange& range);

/// QuantizeLinear, DequantizeLinear: per tensor or along `axis`; blocks are refused.
Inferred infer_quantize_linear(const model::InferCall& call);
Evaluated evaluate_quantize_linear(const model::EvaluateCall& call);
Inferred infer_dequantize_linear(const model::InferCall& call);
Evaluated evaluate_dequantize_linear(const model::EvaluateCall& call);
Inferred infer_dynamic_quantize(const model::InferCall& call);
Evaluated evaluate_dynamic_quantize(const model::EvaluateCall& call);

/// Products of integers, exact. A float operand (what DynamicQuantizeLinear becomes) gives a float product.
Inferred infer_matmul_integer(const model::InferCall& call);
Evaluated evaluate_matmul_integer(const model::EvaluateCall& call);

}  // namespace dsperse::ops
