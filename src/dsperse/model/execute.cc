#include "dsperse/model/execute.h"

#include <set>

#include "dsperse/model/analysis.h"

namespace dsperse::model {

namespace {

/// Every named output has an entry.
template <class T>
Result<std::vector<T>> with_outputs(const Node& node, Result<std::vector<T>> outputs) {
  if (!outputs) return std::unexpected(outputs.error().within(node_text(node)));
  for (std::size_t i = outputs->size(); i < node.outputs.size(); ++i)
    if (!node.outputs[i].empty())
      return fail(ErrorKind::unsupported, "output " + std::to_string(i) + " '" + node.outputs[i] + "' of this operator",
                  node_text(node));
  return outputs;
}

/// The node alone, its inputs from outside: for operators that are their expansion.
Graph alone(const Node& node, std::int64_t opset) {
  Graph graph;
  graph.opset = opset;
  graph.nodes = {node};
  return graph;
}

Result<std::vector<ValueInfo>> infer_expanded(const Node& node, std::int64_t opset, const OperatorSet& operators,
                                              std::span<const ValueInfo* const> inputs) {
  Graph graph = alone(node, opset);
  std::set<std::string> seen;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (inputs[i] == nullptr || !seen.insert(node.inputs[i]).second) continue;
    if (inputs[i]->constant != nullptr)
      graph.constants.emplace(node.inputs[i], *inputs[i]->constant);
    else
      graph.inputs.push_back({node.inputs[i], inputs[i]->dtype, inputs[i]->shape});
  }
  DSPERSE_TRY(const Analysis analysis, analyse(graph, operators, Walk::look));
  std::vector<ValueInfo> out;
  for (const std::string& name : node.outputs) {
    const auto it = analysis.values.find(name);
    out.push_back(it == analysis.values.end() ? ValueInfo{} : ValueInfo{it->second.dtype, it->second.shape, nullptr});
  }
  return out;
}

Result<std::vector<Tensor>> evaluate_expanded(const Node& node, std::int64_t opset, const OperatorSet& operators,
                                              std::span<const Tensor* const> inputs) {
  Graph graph = alone(node, opset);
  for (std::size_t i = 0; i < inputs.size(); ++i)
    if (inputs[i] != nullptr) graph.constants.emplace(node.inputs[i], *inputs[i]);
  DSPERSE_TRY(Analysis analysis, analyse(graph, operators, Walk::rewrite));
  std::vector<Tensor> out;
  for (const std::string& name : node.outputs) {
    const auto it = analysis.known.find(name);
    out.push_back(it == analysis.known.end() ? Tensor{} : std::move(it->second));
  }
  return out;
}

}  // namespace

Result<const OperatorSchema*> schema_of(const Node& node, const OperatorSet& operators) {
  const auto it = operators.find(node.op);
  if (it == operators.end()) return fail(ErrorKind::unsupported, "operator " + node.op, node_text(node));
  return &it->second;
}

Result<std::vector<ValueInfo>> infer_node(const Node& node, std::int64_t opset, const OperatorSet& operators,
                                          std::span<const ValueInfo* const> inputs) {
  DSPERSE_TRY(const OperatorSchema* schema, schema_of(node, operators));
  if (!schema->infer) return infer_expanded(node, opset, operators, inputs);
  return with_outputs(node, schema->infer({node, opset, inputs}));
}

Result<std::vector<Tensor>> evaluate_node(const Node& node, std::int64_t opset, const OperatorSet& operators,
                                          std::span<const Tensor* const> inputs) {
  DSPERSE_TRY(const OperatorSchema* schema, schema_of(node, operators));
  if (!schema->evaluate) return evaluate_expanded(node, opset, operators, inputs);
  return with_outputs(node, schema->evaluate({node, opset, inputs}));
}

}  // namespace dsperse::model
