// What the float half knows of one ONNX operator: shapes and values. Passes and the float interpreter are given a set of them.
//
// The operators themselves live in ops/<family>/{schema,float}.cc and are listed once in ops/registry.cc.
// Not here: integers (quantize/lower.h), constraints (ops/constrain.h). Tested by ops/schema_test.cc.
#pragma once

#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "dsperse/model/graph.h"

namespace dsperse::model {

/// What is known of an input before a node runs. constant: its value when it is known at import, else nullptr.
struct ValueInfo {
  DType dtype = DType::f32;
  Shape shape;
  const Tensor* constant = nullptr;
};

/// inputs: one entry per node input in order; an absent optional one is nullptr.
struct InferCall {
  const Node& node;
  std::int64_t opset;
  std::span<const ValueInfo* const> inputs;
};
struct EvaluateCall {
  const Node& node;
  std::int64_t opset;
  std::span<const Tensor* const> inputs;
};

/// How an operator meets constant folding.
enum class Folding : std::uint8_t {
  ordinary,    ///< folded where its inputs are constants, otherwise it stays
  fold_only,   ///< must fold: one that remains is an `unsupported` error of prepare()
  shape_only,  ///< like fold_only, but its value depends on the shapes of its inputs alone, so these need not be constants
};

/// Simpler nodes that compute a node's outputs, in topological order, and the constants that they read. Names are the node's own
/// with a suffix; the outputs keep theirs. No nodes: the node stays as it is.
struct Expansion {
  std::vector<Node> nodes;
  std::map<std::string, Tensor> constants;
};

/// An operator without `infer` and `evaluate` is its expansion: both follow from it.
struct OperatorSchema {
  std::string name;  ///< ONNX name, default domain
  Folding folding = Folding::ordinary;
  /// dtype and shape of every output that is supported; an error (bad_input or unsupported) names the attribute or input at
  /// fault in `where`; the caller adds the node.
  std::function<Result<std::vector<ValueInfo>>(const InferCall&)> infer;
  /// Values of every output in float (integers stay integers), ONNX meaning of that opset. Deterministic: one order of sums.
  /// Inputs have passed check_tensor (for shape_only operators their values are absent).
  std::function<Result<std::vector<Tensor>>(const EvaluateCall&)> evaluate;
  /// What the node is replaced by before anything else sees it; an error as in infer.
  std::function<Result<Expansion>(const InferCall&)> expand = {};
  /// Every element of the output is a function of one element of each input (model/points.h).
  bool elementwise = false;
  /// An expansion for nodes that several tensors feed, after chains of element-wise nodes have become one function.
  std::function<Result<Expansion>(const InferCall&)> split = {};
};

/// By ONNX name.
using OperatorSet = std::map<std::string, OperatorSchema, std::less<>>;

}  // namespace dsperse::model
