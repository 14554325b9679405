#include "dsperse/model/passes.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "dsperse/model/execute.h"

namespace dsperse::model {

namespace {

/// Shape inference needs the values of shape arithmetic, which is small; folding makes all of them, within a budget.
constexpr std::int64_t kInferElements = 1 << 16;
constexpr std::int64_t kFoldElements = std::int64_t{1} << 28;

struct Analysis {
  std::map<std::string, Port> values;
  std::map<std::string, Tensor> known;  ///< outputs of nodes whose value does not depend on the model's inputs
  std::vector<bool> folded;             ///< by node: all its outputs are known
};

Status check_finite(const Tensor& tensor) {
  if (std::ranges::all_of(tensor.f, [](float v) { return std::isfinite(v); })) return {};
  return fail(ErrorKind::bad_input, "constant value is NaN or infinite");
}

/// Walks the nodes in order. fold: values of every size, else only small ones.
class Analyser {
 public:
  Analyser(const Graph& graph, const OperatorSet& operators, bool fold) : graph_(graph), operators_(operators), fold_(fold) {}

  Result<Analysis> run() {
    for (const Port& port : graph_.inputs) {
      if (const auto count = element_count(port.shape); !count)
        return std::unexpected(count.error().within("input '" + port.name + "'"));
      out_.values[port.name] = port;
    }
    for (const auto& [name, tensor] : graph_.constants) out_.values[name] = {name, tensor.dtype, tensor.shape};
    for (const Node& node : graph_.nodes) DSPERSE_CHECK_OK(visit(node));
    return std::move(out_);
  }

 private:
  const Tensor* constant(const std::string& name) const {
    if (const auto it = graph_.constants.find(name); it != graph_.constants.end()) return &it->second;
    if (const auto it = out_.known.find(name); it != out_.known.end()) return &it->second;
    return nullptr;
  }

  Status visit(const Node& node) {
    DSPERSE_TRY(const OperatorSchema* schema, schema_of(node, operators_));
    std::vector<ValueInfo> infos(node.inputs.size());
    std::vector<const ValueInfo*> views(node.inputs.size(), nullptr);
    bool all_known = true;
    for (std::size_t i = 0; i < node.inputs.size(); ++i) {
      if (node.inputs[i].empty()) continue;
      const auto it = out_.values.find(node.inputs[i]);
      if (it == out_.values.end())
        return fail(ErrorKind::internal, "input '" + node.inputs[i] + "' has no shape yet", node_text(node));
      infos[i] = {it->second.dtype, it->second.shape, constant(node.inputs[i])};
      views[i] = &infos[i];
      all_known = all_known && infos[i].constant != nullptr;
    }
    DSPERSE_TRY(const std::vector<ValueInfo> outputs, infer_node(node, graph_.opset, operators_, views));
    for (std::size_t i = 0; i < node.outputs.size(); ++i)
      if (!node.outputs[i].empty()) out_.values[node.outputs[i]] = {node.outputs[i], outputs[i].dtype, outputs[i].shape};
    out_.folded.push_back(false);
    if (all_known || schema->folding == Folding::shape_only) return evaluate(node, infos, views, outputs);
    return {};
  }

  Status evaluate(const Node& node, const std::vector<ValueInfo>& infos, const std::vector<const ValueInfo*>& views,
                  const std::vector<ValueInfo>& outputs) {
    std::int64_t count = 0;
    for (const ValueInfo& info : outputs) {
      DSPERSE_TRY(const std::int64_t n, element_count(info.shape));
      count += n;
    }
    if (!fold_ && count > kInferElements) return {};
    used_ += count;
    if (used_ > kFoldElements) return fail(ErrorKind::resource, "folding constants makes more than 2^28 values", node_text(node));
    std::vector<Tensor> shells(infos.size());  // shape_only operators see shapes without values
    std::vector<const Tensor*> inputs(infos.size(), nullptr);
    for (std::size_t i = 0; i < infos.size(); ++i) {
      if (views[i] == nullptr) continue;
      if (infos[i].constant == nullptr) shells[i] = {infos[i].dtype, infos[i].shape, {}, {}};
      inputs[i] = infos[i].constant != nullptr ? infos[i].constant : &shells[i];
    }
    DSPERSE_TRY(std::vector<Tensor> values, evaluate_node(node, graph_.opset, operators_, inputs));
    for (std::size_t i = 0; i < node.outputs.size(); ++i) {
      if (node.outputs[i].empty()) continue;
      if (const auto finite = check_finite(values[i]); !finite) return std::unexpected(finite.error().within(node_text(node)));
      out_.known.emplace(node.outputs[i], std::move(values[i]));
    }
    out_.folded.back() = true;
    return {};
  }

  const Graph& graph_;
  const OperatorSet& operators_;
  const bool fold_;
  Analysis out_;
  std::int64_t used_ = 0;
};

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

}  // namespace

Status infer_shapes(Graph& graph, const OperatorSet& operators) {
  DSPERSE_TRY(Analysis analysis, Analyser(graph, operators, false).run());
  graph.values = std::move(analysis.values);
  for (Port& port : graph.outputs) {
    const auto it = graph.values.find(port.name);
    if (it == graph.values.end()) return fail(ErrorKind::bad_input, "nothing produces this output", "output '" + port.name + "'");
    port = it->second;
  }
  return {};
}

Status fold_constants(Graph& graph, const OperatorSet& operators) {
  DSPERSE_TRY(Analysis analysis, Analyser(graph, operators, true).run());
  std::vector<Node> kept;
  for (std::size_t i = 0; i < graph.nodes.size(); ++i)
    if (!analysis.folded[i]) kept.push_back(std::move(graph.nodes[i]));
  graph.nodes = std::move(kept);
  graph.constants.merge(analysis.known);
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
  DSPERSE_CHECK_OK(infer_shapes(graph, operators));
  DSPERSE_CHECK_OK(fold_constants(graph, operators));
  remove_dead(graph);
  DSPERSE_CHECK_OK(fuse(graph));
  remove_dead(graph);
  for (const Node& node : graph.nodes) {
    DSPERSE_TRY(const OperatorSchema* schema, schema_of(node, operators));
    if (schema->folding != Folding::ordinary)
      return fail(ErrorKind::unsupported, node.op + " of values that depend on the model's input", node_text(node),
                  "this operator works only where its inputs are constants");
  }
  for (const Port& port : graph.outputs)
    if (graph.constants.contains(port.name))
      return fail(ErrorKind::unsupported, "this output is a constant", "output '" + port.name + "'",
                  "remove it from the model's outputs: it does not depend on the input");
  return infer_shapes(graph, operators);
}

}  // namespace dsperse::model
