// Logarithms of sums of exponentials; see patterns.h.
#include "dsperse/model/links.h"
#include "dsperse/model/patterns.h"

namespace dsperse::model {

Status join_log_sums(Graph& graph) {
  constexpr std::int64_t kAxesAreInput = 18;  // of ReduceLogSumExp
  const Links links(graph);
  for (Node& node : graph.nodes) {
    if (node.op != "Log" || links.only_reader(node.inputs[0]) == nullptr) continue;
    const Node* sum = links.made_by(node.inputs[0], "ReduceSum");
    const Node* exp = sum == nullptr ? nullptr : links.made_by(sum->inputs[0], "Exp");
    if (exp == nullptr || sum->attributes.contains("noop_with_empty_axes")) continue;
    const Node* shifted = links.made_by(exp->inputs[0], "Sub");
    if (shifted != nullptr && links.made_by(shifted->inputs[1], "ReduceMax") != nullptr) continue;  // nothing grows large
    Node joined{node.name, "ReduceLogSumExp", {exp->inputs[0]}, node.outputs, sum->attributes};
    if (const Tensor* axes = links.constant(*sum, 1); axes != nullptr && graph.opset < kAxesAreInput)
      joined.attributes["axes"] = axes->i;
    else if (sum->inputs.size() > 1)
      joined.inputs.push_back(sum->inputs[1]);
    node = std::move(joined);
  }
  return {};
}

}  // namespace dsperse::model
