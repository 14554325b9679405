// Movement axis by axis: Split, Expand, Tile, CenterCropPad, Trilu, ReverseSequence, DepthToSpace, SpaceToDepth; and what must
// fold: EyeLike, Range, Size.
//
// Schemas in parts_schema.cc, values in parts_float.cc. Tested by ops/movement_test.cc and tests/conformance.
#pragma once

#include "dsperse/ops/common/schema.h"

namespace dsperse::ops {

/// Sizes: an attribute before opset 13, a constant input from then on, or equal parts; num_outputs from 18 on.
Inferred infer_split(const model::InferCall& call);
Evaluated evaluate_split(const model::EvaluateCall& call);

/// The shape must be constant; it broadcasts with the input's.
Inferred infer_expand(const model::InferCall& call);
Evaluated evaluate_expand(const model::EvaluateCall& call);

/// Constant repeats.
Inferred infer_tile(const model::InferCall& call);
Evaluated evaluate_tile(const model::EvaluateCall& call);

/// Constant sizes.
Inferred infer_center_crop_pad(const model::InferCall& call);
Evaluated evaluate_center_crop_pad(const model::EvaluateCall& call);

Inferred infer_trilu(const model::InferCall& call);
Evaluated evaluate_trilu(const model::EvaluateCall& call);
/// Which elements of a matrix stay: those on or beyond diagonal k in the direction that `upper` says.
struct Triangle {
  bool upper = true;
  std::int64_t k = 0;
  [[nodiscard]] bool keeps(std::int64_t row, std::int64_t column) const { return upper ? column - row >= k : column - row <= k; }
};
/// Error (unsupported) if k is not constant.
[[nodiscard]] Result<Triangle> triangle_of(const model::InferCall& call);

Inferred infer_reverse_sequence(const model::InferCall& call);
Evaluated evaluate_reverse_sequence(const model::EvaluateCall& call);

/// Modes DCR and CRD.
Inferred infer_depth_to_space(const model::InferCall& call);
Evaluated evaluate_depth_to_space(const model::EvaluateCall& call);
Inferred infer_space_to_depth(const model::InferCall& call);
Evaluated evaluate_space_to_depth(const model::EvaluateCall& call);

Inferred infer_eye_like(const model::InferCall& call);
Evaluated evaluate_eye_like(const model::EvaluateCall& call);
Inferred infer_range(const model::InferCall& call);
Evaluated evaluate_range(const model::EvaluateCall& call);
Inferred infer_size(const model::InferCall& call);
Evaluated evaluate_size(const model::EvaluateCall& call);

}  // namespace dsperse::ops
