// One node with the schema that belongs to it: what passes and the float interpreter share.
//
// Errors come back with the node in `where`. Tested by model/passes_test.cc.
#pragma once

#include "dsperse/model/operator.h"

namespace dsperse::model {

/// The node's schema; unsupported if there is none.
[[nodiscard]] Result<const OperatorSchema*> schema_of(const Node& node, const OperatorSet& operators);

/// Outputs of the node, one entry per node output (an unnamed optional one included, if the schema has it).
[[nodiscard]] Result<std::vector<ValueInfo>> infer_node(const Node& node, std::int64_t opset, const OperatorSet& operators,
                                                        std::span<const ValueInfo* const> inputs);
/// inputs as EvaluateCall wants them.
[[nodiscard]] Result<std::vector<Tensor>> evaluate_node(const Node& node, std::int64_t opset, const OperatorSet& operators,
                                                        std::span<const Tensor* const> inputs);

}  // namespace dsperse::model
