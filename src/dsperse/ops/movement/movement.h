// Data movement of the float half: Flatten, Reshape, Transpose, Squeeze, Unsqueeze, Concat, Pad, Constant; and what exporters
// emit around them and that must fold: Shape, Gather, Slice, ConstantOfShape.
//
// Schemas in schema.cc (reshaping) and index_schema.cc (Pad, Slice, Gather), values in float.cc. Tested by ops/schema_test.cc and
// tests/conformance.
#pragma once

#include "dsperse/ops/common/schema.h"

namespace dsperse::ops {

Inferred infer_flatten(const model::InferCall& call);
/// The shape must be constant; 0 copies a dimension (allowzero: is 0), -1 is what is left.
Inferred infer_reshape(const model::InferCall& call);
/// Axes: an attribute before opset 13, a constant input from then on.
Inferred infer_squeeze(const model::InferCall& call);
Inferred infer_unsqueeze(const model::InferCall& call);
/// The values of all four: the same elements in the inferred shape.
Evaluated evaluate_flatten(const model::EvaluateCall& call);
Evaluated evaluate_reshape(const model::EvaluateCall& call);
Evaluated evaluate_squeeze(const model::EvaluateCall& call);
Evaluated evaluate_unsqueeze(const model::EvaluateCall& call);

Inferred infer_transpose(const model::InferCall& call);
Evaluated evaluate_transpose(const model::EvaluateCall& call);
/// Axis i of the output is axis perm[i] of the input; reversed if the attribute is absent.
[[nodiscard]] Result<std::vector<std::size_t>> permutation(const model::Node& node, std::size_t rank);

Inferred infer_concat(const model::InferCall& call);
Evaluated evaluate_concat(const model::EvaluateCall& call);

/// Modes constant, edge, reflect, wrap; negative amounts crop (mode constant only).
Inferred infer_pad(const model::InferCall& call);
Evaluated evaluate_pad(const model::EvaluateCall& call);
struct Pads {
  std::vector<std::int64_t> begin, end;  ///< one entry per axis of the input
  std::string mode;
};
/// Attribute or constant inputs `pads` and `axes`, resolved.
[[nodiscard]] Result<Pads> resolve_pads(const model::InferCall& call);
/// The fill of mode constant where it is known; 0 by default. Error (unsupported) if it is not constant.
[[nodiscard]] Result<float> pad_value(const model::InferCall& call);

Inferred infer_constant(const model::InferCall& call);
Evaluated evaluate_constant(const model::EvaluateCall& call);

/// Only the shape of the input matters, its values may be absent.
Inferred infer_shape_of(const model::InferCall& call);
Evaluated evaluate_shape_of(const model::EvaluateCall& call);
Inferred infer_gather(const model::InferCall& call);
Evaluated evaluate_gather(const model::EvaluateCall& call);
Inferred infer_slice(const model::InferCall& call);
Evaluated evaluate_slice(const model::EvaluateCall& call);
Inferred infer_constant_of_shape(const model::InferCall& call);
Evaluated evaluate_constant_of_shape(const model::EvaluateCall& call);

/// One axis of a Slice: positions start + i step for i < count, all inside the axis.
struct SliceAxis {
  std::int64_t start = 0, step = 1, count = 0;
};
[[nodiscard]] Result<std::vector<SliceAxis>> resolve_slice(const model::InferCall& call);

}  // namespace dsperse::ops
