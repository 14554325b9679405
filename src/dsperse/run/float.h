// The float interpreter: the reference that quantization is measured against. Plain, deterministic, not fast.
//
// Tested by run/float_test.cc (ONNX's own test vectors).
#pragma once

#include <map>
#include <string>

#include "dsperse/model/operator.h"

namespace dsperse::run {

/// All tensors of a run by name: inputs, node outputs; of the constants only those that are graph outputs. graph: shapes
/// inferred. Errors name the node; an input of another shape or type than the graph's port is refused.
[[nodiscard]] Result<std::map<std::string, model::Tensor>> run_float(const model::Graph& graph,
                                                                     const model::OperatorSet& operators,
                                                                     const std::map<std::string, model::Tensor>& inputs);

}  // namespace dsperse::run
