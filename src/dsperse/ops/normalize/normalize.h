// Softmax and the normalizations of rows that have an integer op: the float half. The others are written in these
// (ops/composite).
//
// Schemas in schema.cc, values in float.cc, what becomes simpler nodes in expand.cc. Tested by ops/points_test.cc and
// tests/conformance.
#pragma once

#include "dsperse/ops/common/schema.h"

namespace dsperse::ops {

/// The axes that one distribution runs over: [first, end). One axis from opset 13 on, all from `axis` on before.
struct SoftmaxAxes {
  std::size_t first = 0, end = 0;
};
[[nodiscard]] Result<SoftmaxAxes> softmax_axes(const model::InferCall& call);

Inferred infer_softmax(const model::InferCall& call);
Evaluated evaluate_softmax(const model::EvaluateCall& call);

/// LayerNormalization (Y, Mean, InvStdDev), RMSNormalization and SimplifiedLayerNormalization (Y, InvStdDev): over the axes from
/// `axis` on; scale and bias broadcast to the input.
Inferred infer_layer_normalization(const model::InferCall& call);
Evaluated evaluate_layer_normalization(const model::EvaluateCall& call);

}  // namespace dsperse::ops
