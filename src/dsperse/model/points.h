// Chains of element-wise nodes that depend on one tensor become one node: a real function of one number, whatever its form in the
// file (GELU written with Erf, x Sigmoid(1.7 x), HardSwish by Clip, a quantization and its inverse).
//
// The new node is "Points": its attribute `body` is a Graph of the nodes with one input and one output. Tested by
// model/points_test.cc.
#pragma once

#include "dsperse/model/operator.h"

namespace dsperse::model {

/// Attribute of a Points node.
inline constexpr const char* kPointsBody = "body";
/// Most nodes of one body.
inline constexpr std::size_t kMaxPoints = 64;

/// graph.values must be filled. A tensor that others read or that is an output stays a tensor, and what depends on it starts
/// there. Operands beside the one tensor are constants whose elements are all equal. A chain of one node stays as it is.
[[nodiscard]] Status join_points(Graph& graph, const OperatorSet& operators);
/// Nodes that several tensors feed take the simpler form of OperatorSchema::split where they have one.
[[nodiscard]] Status split_points(Graph& graph, const OperatorSet& operators);

}  // namespace dsperse::model
