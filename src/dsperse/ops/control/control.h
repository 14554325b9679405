// If, Loop and Scan whose course is known at import: the chosen branch, or the body as often as it runs, takes the node's place.
//
// Bodies are Subgraphs; what they read of the outer graph are the node's last inputs (model/graph.h). Tested by
// ops/control_test.cc.
#pragma once

#include "dsperse/ops/common/emit.h"

namespace dsperse::ops {

/// Most runs of one body.
inline constexpr std::int64_t kMaxIterations = 1024;

/// The condition must be a constant after folding.
Expanded expand_if(const model::InferCall& call);
/// One run of the body and a Loop for the rest, until the count or the condition, constants after folding, end it.
Expanded expand_loop(const model::InferCall& call);
/// Opset 9 on.
Expanded expand_scan(const model::InferCall& call);

}  // namespace dsperse::ops
