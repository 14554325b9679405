// A GraphProto becomes a Graph: tensors, ports, nodes, bodies of control flow; functions of the model are written out where they
// are called. Not here: files, opsets (load.cc).
//
// Tested by model/onnx/load_test.cc.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "dsperse/model/onnx/load.h"
#include "dsperse/model/onnx/tensor.h"
#include "onnx.pb.h"

namespace dsperse::model::onnx_file {

inline bool default_domain(const std::string& domain) { return domain.empty() || domain == "ai.onnx"; }

/// Bodies in bodies, functions in functions.
inline constexpr int kMaxNesting = 16;

class Importer {
 public:
  /// Everything outlives the importer. opset: of the model; functions must import the same.
  Importer(const LoadOptions& options, const OperatorSet& operators, TensorContext& context, std::int64_t opset)
      : options_(options), operators_(operators), context_(context), opset_(opset), nodes_left_(options.max_nodes) {}

  /// Empties the graph's initializers as it reads them: a tensor is in memory once.
  Result<Graph> run(onnx::ModelProto& model);

 private:
  using Attributes = std::map<std::string, Attribute>;
  /// What a name or an attribute means inside a function's body.
  struct Scope {
    std::string prefix;                        ///< of names that the body makes
    std::map<std::string, std::string> names;  ///< of its inputs and outputs, and what it made so far
    std::shared_ptr<const Attributes> attributes = std::make_shared<Attributes>();  ///< by reference
    int depth = 0;
    bool function = false;  ///< attributes may be references
    bool renames = false;   ///< `names` and `prefix` hold
  };
  using NodeList = google::protobuf::RepeatedPtrField<onnx::NodeProto>;

  Status functions(const onnx::ModelProto& model);
  [[nodiscard]] const onnx::FunctionProto* function_of(const onnx::NodeProto& node) const;
  Status constants(onnx::GraphProto& proto, Graph& graph);
  Status inputs(const onnx::GraphProto& proto, Graph& graph);
  [[nodiscard]] Result<Shape> input_shape(const onnx::ValueInfoProto& info) const;
  Status nodes(const NodeList& list, Scope& scope, std::vector<Node>& out);
  Status call(const onnx::FunctionProto& function, Node node, const Scope& outer, std::vector<Node>& out);
  Result<Attributes> attributes(const onnx::NodeProto& source, const Scope& scope);
  /// A copy of an attribute that a function's node refers to, charged like a tensor of the file.
  Result<Attribute> referred(const Attribute& value);
  Result<Attribute> attribute_value(const onnx::AttributeProto& proto, const Scope& scope);
  Result<Subgraph> body(const onnx::GraphProto& proto, const Scope& outer);
  /// What the node's bodies read of the graph around it becomes the node's last inputs.
  static Status capture(Node& node);
  Status outputs(const onnx::GraphProto& proto, Graph& graph);
  /// All unknown operators in one error.
  [[nodiscard]] Status supported(const Graph& graph) const;

  const LoadOptions& options_;
  const OperatorSet& operators_;
  TensorContext& context_;
  const std::int64_t opset_;
  std::size_t nodes_left_;
  std::map<std::string, const onnx::FunctionProto*> functions_;  ///< by "domain::name"
};

}  // namespace dsperse::model::onnx_file
