// Integer form of operators that only move data: the operator's own values of index tensors say where every element comes from.
//
// Tested by ops/movement_test.cc.
#pragma once

#include <vector>

#include "dsperse/ops/common/schema.h"
#include "dsperse/quantize/lowering.h"

namespace dsperse::ops {

/// Moves the inputs `data` (numbers; also constants: where these have several values, a Sum adds them) as `evaluate` does; all
/// other inputs must be constants. What evaluate makes 0 is `fill`.
[[nodiscard]] Status lower_moved(quantize::Lowering& l, const model::Node& node, const std::vector<std::size_t>& data,
                                 Evaluated (*evaluate)(const model::EvaluateCall&), double fill = 0);

}  // namespace dsperse::ops
