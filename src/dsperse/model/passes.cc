#include "dsperse/model/passes.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "dsperse/model/analysis.h"
#include "dsperse/model/execute.h"
#include "dsperse/model/patterns.h"
#include "dsperse/model/points.h"

namespace dsperse::model {

namespace {

/// The input that a node passes on unchanged, or an empty name.
std::string passed_on(const Graph& graph, const Node& node, const std::set<std::string>& used) {
  if (node.inputs.empty()) return {};
  if (node.op == "Identity") return node.inputs[0];
  if (node.op == "Dropout" && (node.outputs.size() < 2 || !used.contains(node.outputs[1]))) return node.inputs[0];
  if (node.op == "Cast") {  // to float or double (data types 1, 11) from any float: all are f32 here
    const auto from = graph.values.find(node.inputs[0]);
    const auto to = node.int_or("to", 0);
    if (from != graph.values.end() && from->second.dtype == DType::f32 && to && (*to == 1 || *to == 11)) return node.inputs[0];
  }
  return {};
}

/// Drops nodes that only pass a tensor on: consumers read the source instead; for a graph output, its producer writes under the
/// output's name. A copy from a graph input or another output to an output stays.
void drop_copies(Graph& graph) {
  std::set<std::string> used, outputs, made;
  for (const Port& port : graph.outputs) outputs.insert(port.name);
  used = outputs;
  for (const Node& node : graph.nodes) used.insert(node.inputs.begin(), node.inputs.end());
  std::map<std::string, std::string> source_of, written_as;
  std::vector<Node> kept;
  for (Node& node : graph.nodes) {
    for (std::string& name : node.inputs)
      if (const auto it = source_of.find(name); it != source_of.end()) name = it->second;
    const std::string source = passed_on(graph, node, used), target = node.outputs[0];
    const bool to_source = !source.empty() && !outputs.contains(target);
    const bool to_target =
        !source.empty() && !to_source && made.contains(source) && !outputs.contains(source) && !written_as.contains(source);
    if (to_source || to_target) source_of[target] = source;
    if (to_target) written_as[source] = target;
    if (to_source || to_target) continue;
    made.insert(node.outputs.begin(), node.outputs.end());
    kept.push_back(std::move(node));
  }
  const auto rename = [&](std::vector<std::string>& names) {
    for (std::string& name : names)
      if (const auto it = written_as.find(name); it != written_as.end()) name = it->second;
  };
  for (Node& node : kept) {
    rename(node.inputs);
    rename(node.outputs);
  }
  graph.nodes = std::move(kept);
}

/// Minus infinity has a meaning as an end of a Clip and nowhere else.
Status check_infinite(const Graph& graph) {
  std::set<std::string> infinite;
  for (const auto& [name, tensor] : graph.constants)
    if (!std::ranges::all_of(tensor.f, [](float v) { return std::isfinite(v); })) infinite.insert(name);
  if (infinite.empty()) return {};
  for (const Port& port : graph.outputs)
    if (infinite.contains(port.name))
      return fail(ErrorKind::unsupported, "this output holds minus infinity", "output '" + port.name + "'");
  for (const Node& node : graph.nodes)
    for (std::size_t i = 0; i < node.inputs.size(); ++i)
      if (infinite.contains(node.inputs[i]) && !(node.op == "Clip" && i > 0))
        return fail(ErrorKind::unsupported, "constant '" + node.inputs[i] + "' holds minus infinity", node_text(node),
                    "it works only in masks that are added to, or chosen for, what a Softmax over the last axis reads");
  return {};
}

/// What DynamicQuantizeLinear becomes is right only for nodes that multiply by its scale again.
Status check_dynamic_scales(const Graph& graph) {
  for (const Node& node : graph.nodes)
    if (node.op == "DynamicQuantizeLinear")
      for (const Port& port : graph.outputs)
        if (std::ranges::find(node.outputs, port.name) != node.outputs.end())
          return fail(ErrorKind::unsupported, "a quantized tensor whose scale depends on the model's input, as an output",
                      "output '" + port.name + "'", "let the model end with what dequantizes it");
  return {};
}

}  // namespace

Status infer_shapes(Graph& graph, const OperatorSet& operators) {
  DSPERSE_TRY(Analysis analysis, analyse(graph, operators, Walk::look));
  // Of nodes that have only an expansion, what lies between their inputs and outputs is not the graph's.
  std::set<std::string> own;
  for (const Node& node : graph.nodes) own.insert(node.outputs.begin(), node.outputs.end());
  for (const Port& port : graph.inputs) own.insert(port.name);
  std::erase_if(analysis.values, [&](const auto& v) { return !own.contains(v.first) && !graph.constants.contains(v.first); });
  graph.values = std::move(analysis.values);
  for (Port& port : graph.outputs) {
    const auto it = graph.values.find(port.name);
    if (it == graph.values.end()) return fail(ErrorKind::bad_input, "nothing produces this output", "output '" + port.name + "'");
    port = it->second;
  }
  return {};
}

Status fold_constants(Graph& graph, const OperatorSet& operators) {
  DSPERSE_TRY(Analysis analysis, analyse(graph, operators, Walk::rewrite));
  graph.nodes = std::move(analysis.nodes);
  graph.constants.merge(analysis.known);
  graph.values = std::move(analysis.values);
  return {};
}

void remove_dead(Graph& graph) {
  drop_copies(graph);
  std::set<std::string> needed;
  for (const Port& port : graph.outputs) needed.insert(port.name);
  std::vector<Node> kept;
  for (std::size_t i = graph.nodes.size(); i-- > 0;) {
    Node& node = graph.nodes[i];
    if (std::ranges::none_of(node.outputs, [&](const std::string& name) { return needed.contains(name); })) continue;
    needed.insert(node.inputs.begin(), node.inputs.end());
    kept.push_back(std::move(node));
  }
  std::ranges::reverse(kept);
  graph.nodes = std::move(kept);
  for (const Node& node : graph.nodes) needed.insert(node.outputs.begin(), node.outputs.end());
  std::erase_if(graph.constants, [&](const auto& entry) { return !needed.contains(entry.first); });
  for (const Port& port : graph.inputs) needed.insert(port.name);
  std::erase_if(graph.values, [&](const auto& entry) { return !needed.contains(entry.first); });
}

Status prepare(Graph& graph, const OperatorSet& operators) {
  DSPERSE_CHECK_OK(check_dynamic_scales(graph));
  DSPERSE_CHECK_OK(fold_constants(graph, operators));
  remove_dead(graph);
  DSPERSE_CHECK_OK(fuse_masks(graph));
  remove_dead(graph);
  DSPERSE_CHECK_OK(fuse(graph));
  remove_dead(graph);
  DSPERSE_CHECK_OK(check_infinite(graph));  // before constants go into the bodies of Points
  DSPERSE_CHECK_OK(join_norms(graph));
  DSPERSE_CHECK_OK(join_scales(graph));
  DSPERSE_CHECK_OK(join_log_sums(graph));
  remove_dead(graph);
  DSPERSE_CHECK_OK(fold_constants(graph, operators));  // what the patterns made is written out
  DSPERSE_CHECK_OK(split_quotients(graph));
  remove_dead(graph);
  // What several tensors feed is split, its constants are folded, and the pieces join the chains beside them.
  DSPERSE_CHECK_OK(join_points(graph, operators));
  DSPERSE_CHECK_OK(split_points(graph, operators));
  DSPERSE_CHECK_OK(fold_constants(graph, operators));
  DSPERSE_CHECK_OK(join_points(graph, operators));
  remove_dead(graph);
  for (const Node& node : graph.nodes) {
    DSPERSE_TRY(const OperatorSchema* schema, schema_of(node, operators));
    if (schema->folding != Folding::ordinary)
      return fail(ErrorKind::unsupported, node.op + " of values that depend on the model's input", node_text(node),
                  "this operator works only where its inputs are constants");
  }
  DSPERSE_CHECK_OK(check_infinite(graph));
  if (std::ranges::all_of(graph.outputs, [&](const Port& port) { return graph.constants.contains(port.name); }))
    return fail(ErrorKind::unsupported, "every output is a constant", {},
                "nothing depends on the model's input: there is nothing to prove");
  return infer_shapes(graph, operators);
}

}  // namespace dsperse::model
