// The logarithm of a sum of exponentials; see patterns.h.
#include "dsperse/model/links.h"
#include "dsperse/model/patterns.h"

namespace dsperse::model {

namespace {

/// Attributes and inputs of the sum, as ReduceLogSumExp of this opset takes them.
bool take_axes(const Links& links, std::int64_t opset, Node& node, const Node& sum) {
  constexpr std::int64_t kAxesAsInput = 18;
  node.attributes = sum.attributes;
  if (sum.inputs.size() < 2 || sum.inputs[1].empty()) return true;
  if (opset >= kAxesAsInput) {
    node.inputs.push_back(sum.inputs[1]);
    return true;
  }
  const Tensor* axes = links.constant(sum, 1);
  if (axes == nullptr || axes->i.empty()) return false;
  node.attributes.erase("noop_with_empty_axes");
  node.attributes["axes"] = axes->i;
  return true;
}

}  // namespace

Status join_log_sums(Graph& graph) {
  const Links links(graph);
  for (Node& node : graph.nodes) {
    if (node.op != "Log" || node.inputs.size() != 1) continue;
    const Node* sum = links.made_by(node.inputs[0], "ReduceSum");
    if (sum == nullptr || sum->inputs.empty() || links.only_reader(sum->outputs[0]) == nullptr) continue;
    const Node* exp = links.made_by(sum->inputs[0], "Exp");
    if (exp == nullptr || exp->inputs.size() != 1 || links.only_reader(exp->outputs[0]) == nullptr) continue;
    // What a maximum was taken off is small enough as it is.
    const Node* less = links.made_by(exp->inputs[0], "Sub");
    if (less != nullptr && less->inputs.size() == 2 && links.made_by(less->inputs[1], "ReduceMax") != nullptr) continue;
    Node joined{node.name, "ReduceLogSumExp", {exp->inputs[0]}, node.outputs, {}};
    if (take_axes(links, graph.opset, joined, *sum)) node = std::move(joined);
  }
  return {};
}

}  // namespace dsperse::model
