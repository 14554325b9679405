// Passes over a Graph: each keeps its meaning in exact arithmetic (folding BatchNormalization rounds weights once, in double).
//
// prepare() is what every command runs after load_onnx. Tested by model/passes_test.cc.
#pragma once

#include "dsperse/model/operator.h"

namespace dsperse::model {

/// Fills graph.values (dtype and shape of every tensor) and the outputs' shapes; an error names node and tensor.
[[nodiscard]] Status infer_shapes(Graph& graph, const OperatorSet& operators);
/// Nodes whose inputs are all constants (Constant, Shape of known shapes, ...) become constants; nodes that have an expansion are
/// replaced by it, in topological order and until nothing expands. Fills graph.values, too.
[[nodiscard]] Status fold_constants(Graph& graph, const OperatorSet& operators);
/// Identity and inference Dropout disappear; nodes and constants that no output needs are dropped.
void remove_dead(Graph& graph);
/// Conv + BatchNormalization, Gemm/MatMul + BatchNormalization, MatMul + Add of a constant vector -> Gemm-like with bias. Only
/// where the inner tensor has one consumer and is no graph output. Activations are joined to their producers by quantize, not
/// here.
[[nodiscard]] Status fuse(Graph& graph);
/// Constants that a Softmax alone reads through Add or Where, and that hide entries (values below -10^4, minus infinity), become
/// the mask of a MaskedSoftmax; what they add elsewhere stays.
[[nodiscard]] Status fuse_masks(Graph& graph);
/// fold_constants, remove_dead, fuse_masks, fuse, infer_shapes.
[[nodiscard]] Status prepare(Graph& graph, const OperatorSet& operators);

}  // namespace dsperse::model
