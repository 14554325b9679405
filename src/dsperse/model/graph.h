// The float model: an ONNX graph after import, before it becomes integers.
//
// A Graph is immutable data in topological order. It knows no operator's meaning: shapes and values come from the
// operator schemas (ops/registry.h) that the passes are given. Not here: protobuf (model/onnx), integers (quantize).
// Tested by model/graph_test.cc.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "dsperse/base/result.h"

namespace dsperse::model {

/// Dimensions, all >= 0 once shapes are inferred; rank 0 is a scalar.
using Shape = std::vector<std::int64_t>;

/// Product of the dimensions, or an error beyond kMaxElements (checked arithmetic).
[[nodiscard]] Result<std::int64_t> element_count(const Shape& shape);
inline constexpr std::int64_t kMaxElements = std::int64_t{1} << 31;
/// "1x3x32x32"; "scalar" for rank 0.
std::string shape_text(const Shape& shape);
/// Most axes of a tensor.
inline constexpr std::size_t kMaxRank = 16;

enum class DType : std::uint8_t { f32, i64, boolean };
/// "float", "integer", "boolean".
std::string dtype_text(DType dtype);

/// A dense tensor, row major in ONNX axis order. Floats in `f`, integers and booleans in `i`; the other vector is empty.
/// ONNX double and float16 become f32, all integer types i64.
struct Tensor {
  DType dtype = DType::f32;
  Shape shape;
  std::vector<float> f;
  std::vector<std::int64_t> i;
  /// TensorProto.DataType of an integer tensor that was read from a file, else 0: quantization saturates to it.
  std::int32_t element = 0;
};

/// Dimensions >= 0, at most kMaxElements elements, as many values as the shape says and none of the other kind.
[[nodiscard]] Status check_tensor(const Tensor& tensor);
/// A float tensor; the caller sees to it that the sizes fit.
Tensor float_tensor(Shape shape, std::vector<float> values);
/// An integer (or boolean) tensor; the same.
Tensor int_tensor(Shape shape, std::vector<std::int64_t> values, DType dtype = DType::i64);

struct Graph;
/// A body of If, Loop or Scan.
using Subgraph = std::shared_ptr<const Graph>;

/// An attribute's value. Nodes with Subgraphs are replaced by the passes (ops/control).
using Attribute = std::variant<std::int64_t, float, std::string, std::vector<std::int64_t>, std::vector<float>, Tensor, Subgraph,
                               std::vector<std::string>>;

/// One operator application. An absent optional input is the empty name.
struct Node {
  std::string name;  ///< unique; made from op and position if the file has none
  std::string op;    ///< ONNX operator name, default domain
  std::vector<std::string> inputs;
  std::vector<std::string> outputs;
  std::map<std::string, Attribute> attributes;

  /// Typed access; the default if the attribute is absent, an error if it has another type.
  [[nodiscard]] Result<std::int64_t> int_or(const std::string& key, std::int64_t fallback) const;
  [[nodiscard]] Result<float> float_or(const std::string& key, float fallback) const;
  [[nodiscard]] Result<std::string> string_or(const std::string& key, const std::string& fallback) const;
  [[nodiscard]] Result<std::vector<std::int64_t>> ints_or(const std::string& key, std::vector<std::int64_t> fallback) const;
  [[nodiscard]] Result<std::vector<float>> floats_or(const std::string& key, std::vector<float> fallback) const;
  [[nodiscard]] Result<std::vector<std::string>> strings_or(const std::string& key, std::vector<std::string> fallback) const;
};

/// "node 'conv1' (Conv)": how errors name a node.
std::string node_text(const Node& node);

/// A graph input or output. Shape is complete after shape inference.
struct Port {
  std::string name;
  DType dtype = DType::f32;
  Shape shape;
  /// Of a graph input of integers or booleans: what its element type holds.
  std::int64_t lo = std::numeric_limits<std::int64_t>::min(), hi = std::numeric_limits<std::int64_t>::max();
};

/// The model. Every name is produced once: by an input, a constant or a node. Nodes are in topological order.
struct Graph {
  std::string name;
  std::int64_t opset = 0;  ///< kFirstOpset..kLastOpset
  std::vector<Port> inputs;
  std::vector<Port> outputs;
  std::map<std::string, Tensor> constants;
  std::vector<Node> nodes;
  std::map<std::string, Port> values;  ///< dtype and shape of every tensor, filled by infer_shapes
  /// Of a Subgraph: the outer tensors that it reads, in the order in which the node has them as its last inputs.
  std::vector<std::string> captures = {};
};

}  // namespace dsperse::model
