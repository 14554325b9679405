// Movement by given indices: GatherElements, GatherND, ScatterElements (and Scatter), ScatterND, Compress; and what must fold:
// NonZero, Unique.
//
// Schemas in select_schema.cc, values in select_float.cc. Tested by ops/movement_test.cc and tests/conformance.
#pragma once

#include "dsperse/ops/common/schema.h"

namespace dsperse::ops {

Inferred infer_gather_elements(const model::InferCall& call);
Evaluated evaluate_gather_elements(const model::EvaluateCall& call);
Inferred infer_gather_nd(const model::InferCall& call);
Evaluated evaluate_gather_nd(const model::EvaluateCall& call);

/// Reductions none, add, mul, max, min. Scatter is the same under its old name.
Inferred infer_scatter_elements(const model::InferCall& call);
Evaluated evaluate_scatter_elements(const model::EvaluateCall& call);
Inferred infer_scatter_nd(const model::InferCall& call);
Evaluated evaluate_scatter_nd(const model::EvaluateCall& call);

/// The condition must be constant.
Inferred infer_compress(const model::InferCall& call);
Evaluated evaluate_compress(const model::EvaluateCall& call);

/// Their shapes depend on their values, so these must be constant.
Inferred infer_non_zero(const model::InferCall& call);
Evaluated evaluate_non_zero(const model::EvaluateCall& call);
Inferred infer_unique(const model::InferCall& call);
Evaluated evaluate_unique(const model::EvaluateCall& call);

}  // namespace dsperse::ops
