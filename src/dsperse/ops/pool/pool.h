// Pools of the float half: MaxPool, AveragePool (1-D to 3-D), GlobalAveragePool.
//
// Schemas in schema.cc, values in float.cc. Tested by ops/schema_test.cc and tests/conformance.
#pragma once

#include "dsperse/ops/common/schema.h"

namespace dsperse::ops {

/// x (N, C, spatial...) with 1 to 3 spatial axes. The Indices output of MaxPool is not supported.
Inferred infer_max_pool(const model::InferCall& call);
Evaluated evaluate_max_pool(const model::EvaluateCall& call);
Inferred infer_average_pool(const model::InferCall& call);
Evaluated evaluate_average_pool(const model::EvaluateCall& call);
/// x (N, C, spatial...), at least one spatial axis.
Inferred infer_global_average_pool(const model::InferCall& call);
Evaluated evaluate_global_average_pool(const model::EvaluateCall& call);

}  // namespace dsperse::ops
