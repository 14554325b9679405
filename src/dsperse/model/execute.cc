#include "dsperse/model/execute.h"

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

}  // namespace

Result<const OperatorSchema*> schema_of(const Node& node, const OperatorSet& operators) {
  const auto it = operators.find(node.op);
  if (it == operators.end()) return fail(ErrorKind::unsupported, "operator " + node.op, node_text(node));
  return &it->second;
}

Result<std::vector<ValueInfo>> infer_node(const Node& node, std::int64_t opset, const OperatorSet& operators,
                                          std::span<const ValueInfo* const> inputs) {
  DSPERSE_TRY(const OperatorSchema* schema, schema_of(node, operators));
  return with_outputs(node, schema->infer({node, opset, inputs}));
}

Result<std::vector<Tensor>> evaluate_node(const Node& node, std::int64_t opset, const OperatorSet& operators,
                                          std::span<const Tensor* const> inputs) {
  DSPERSE_TRY(const OperatorSchema* schema, schema_of(node, operators));
  return with_outputs(node, schema->evaluate({node, opset, inputs}));
}

}  // namespace dsperse::model
