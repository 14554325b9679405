#include "dsperse/model/analysis.h"

#include <algorithm>
#include <limits>
#include <set>

#include "dsperse/model/execute.h"

namespace dsperse::model {

namespace {

/// Values of shape arithmetic are smaller.
constexpr std::int64_t kSmallElements = 1 << 16;

/// Minus infinity is what masks hide with; prepare() refuses it elsewhere.
Status check_numbers(const Tensor& tensor) {
  if (std::ranges::all_of(tensor.f, [](float v) { return v < std::numeric_limits<float>::infinity(); })) return {};
  return fail(ErrorKind::bad_input, "constant value is NaN or infinite");
}

/// A node in work. top: the graph's node that it comes from.
struct Task {
  Node node;
  const Node* top;
};

/// A node's inputs as schemas see them.
struct Inputs {
  std::vector<ValueInfo> infos;
  std::vector<const ValueInfo*> views;
  bool known = true;
};

class Analyser {
 public:
  Analyser(const Graph& graph, const OperatorSet& operators, Walk walk)
      : graph_(graph), operators_(operators), rewrite_(walk == Walk::rewrite) {}

  Result<Analysis> run() {
    for (const Port& port : graph_.inputs) {
      if (const auto count = element_count(port.shape); !count)
        return std::unexpected(count.error().within("input '" + port.name + "'"));
      out_.values[port.name] = port;
    }
    for (const auto& [name, tensor] : graph_.constants) out_.values[name] = {name, tensor.dtype, tensor.shape};
    for (const Node& node : graph_.nodes) {
      // A stack: what a node becomes is done before the next one, and may become something simpler itself.
      std::vector<Task> open{{node, &node}};
      while (!open.empty()) {
        Task task = std::move(open.back());
        open.pop_back();
        drop_empty(task.node);
        auto more = visit(task);
        const bool inner = task.node.name != task.top->name;
        if (!more) return std::unexpected(inner ? more.error().within(node_text(*task.top)) : more.error());
        while (!more->empty()) {
          open.push_back({std::move(more->back()), task.top});
          more->pop_back();
        }
      }
    }
    return std::move(out_);
  }

 private:
  const Tensor* constant(const std::string& name) const {
    if (const auto it = graph_.constants.find(name); it != graph_.constants.end()) return &it->second;
    if (const auto it = out_.known.find(name); it != out_.known.end()) return &it->second;
    return nullptr;
  }

  /// Tensors without elements add nothing to a Concat: they come of slices and splits that take everything.
  void drop_empty(Node& node) const {
    if (node.op != "Concat") return;
    const auto empty = [&](const std::string& name) {
      const auto it = out_.values.find(name);
      return it != out_.values.end() && std::ranges::find(it->second.shape, 0) != it->second.shape.end();
    };
    if (!std::ranges::all_of(node.inputs, empty)) std::erase_if(node.inputs, empty);
  }

  Result<Inputs> inputs_of(const Node& node) const {
    Inputs in{std::vector<ValueInfo>(node.inputs.size()), std::vector<const ValueInfo*>(node.inputs.size(), nullptr)};
    for (std::size_t i = 0; i < node.inputs.size(); ++i) {
      if (node.inputs[i].empty()) continue;
      const auto it = out_.values.find(node.inputs[i]);
      if (it == out_.values.end())
        return fail(ErrorKind::internal, "input '" + node.inputs[i] + "' has no shape yet", node_text(node));
      in.infos[i] = {it->second.dtype, it->second.shape, constant(node.inputs[i])};
      in.views[i] = &in.infos[i];
      in.known = in.known && in.infos[i].constant != nullptr;
    }
    return in;
  }

  /// The nodes that take this one's place.
  Result<std::vector<Node>> visit(const Task& task) {
    const Node& node = task.node;
    DSPERSE_TRY(const OperatorSchema* schema, schema_of(node, operators_));
    DSPERSE_TRY(const Inputs in, inputs_of(node));
    if (schema->expand && (rewrite_ || !schema->infer) && !(in.known && schema->evaluate)) {
      auto expansion = schema->expand({node, graph_.opset, in.views});
      if (!expansion) return std::unexpected(expansion.error().within(node_text(node)));
      if (!expansion->nodes.empty()) return take(std::move(*expansion), node);
    }
    if (!schema->infer) return fail(ErrorKind::internal, "the operator has neither shapes nor an expansion", node_text(node));
    DSPERSE_TRY(const std::vector<ValueInfo> outputs, infer_node(node, graph_.opset, operators_, in.views));
    const bool made = task.top->name != node.name;
    for (std::size_t i = 0; i < node.outputs.size(); ++i) {
      const std::string& name = node.outputs[i];
      if (name.empty()) continue;
      if (!out_.values.insert_or_assign(name, Port{name, outputs[i].dtype, outputs[i].shape}).second && made)
        return fail(ErrorKind::bad_input, "two tensors are called '" + name + "'", node_text(node), "rename one of them");
    }
    bool folded = false;
    if (in.known || schema->folding == Folding::shape_only) {
      DSPERSE_TRY(folded, evaluate(node, in, outputs));
    }
    if (!folded && rewrite_) out_.nodes.push_back(node);
    return std::vector<Node>{};
  }

  Result<std::vector<Node>> take(Expansion expansion, const Node& node) {
    made_ += expansion.nodes.size();
    if (made_ > kMaxExpandedNodes)
      return fail(ErrorKind::resource, "written out in simpler operators the model has more than 65536 nodes", node_text(node),
                  "fewer steps of recurrent layers and loops");
    std::set<std::string> outputs;
    for (const Node& inner : expansion.nodes) outputs.insert(inner.outputs.begin(), inner.outputs.end());
    for (std::size_t i = 0; i < node.outputs.size(); ++i)
      if (!node.outputs[i].empty() && !outputs.contains(node.outputs[i]))
        return fail(ErrorKind::unsupported, "output " + std::to_string(i) + " '" + node.outputs[i] + "' of this operator",
                    node_text(node));
    for (auto& [name, tensor] : expansion.constants) {
      DSPERSE_CHECK_OK(count_values(static_cast<std::int64_t>(tensor.f.size() + tensor.i.size()), node));
      if (const auto finite = check_numbers(tensor); !finite) return std::unexpected(finite.error().within(node_text(node)));
      if (!out_.values.emplace(name, Port{name, tensor.dtype, tensor.shape}).second)
        return fail(ErrorKind::bad_input, "two tensors are called '" + name + "'", node_text(node), "rename one of them");
      out_.known.emplace(name, std::move(tensor));
    }
    return std::move(expansion.nodes);
  }

  Status count_values(std::int64_t count, const Node& node) {
    used_ += count;
    if (used_ > kMaxFoldedElements)
      return fail(ErrorKind::resource, "folding constants makes more than 2^28 values", node_text(node));
    return {};
  }

  Result<bool> evaluate(const Node& node, const Inputs& in, const std::vector<ValueInfo>& outputs) {
    std::int64_t count = 0;
    for (const ValueInfo& info : outputs) {
      DSPERSE_TRY(const std::int64_t n, element_count(info.shape));
      count += n;
    }
    if (!rewrite_ && count > kSmallElements) return false;
    DSPERSE_CHECK_OK(count_values(count, node));
    std::vector<Tensor> shells(in.infos.size());  // shape_only operators see shapes without values
    std::vector<const Tensor*> inputs(in.infos.size(), nullptr);
    for (std::size_t i = 0; i < in.infos.size(); ++i) {
      if (in.views[i] == nullptr) continue;
      if (in.infos[i].constant == nullptr) shells[i] = {in.infos[i].dtype, in.infos[i].shape, {}, {}};
      inputs[i] = in.infos[i].constant != nullptr ? in.infos[i].constant : &shells[i];
    }
    DSPERSE_TRY(std::vector<Tensor> values, evaluate_node(node, graph_.opset, operators_, inputs));
    for (std::size_t i = 0; i < node.outputs.size(); ++i) {
      if (node.outputs[i].empty()) continue;
      if (const auto finite = check_numbers(values[i]); !finite) return std::unexpected(finite.error().within(node_text(node)));
      out_.known.insert_or_assign(node.outputs[i], std::move(values[i]));
    }
    return true;
  }

  const Graph& graph_;
  const OperatorSet& operators_;
  const bool rewrite_;
  Analysis out_;
  std::int64_t used_ = 0;
  std::size_t made_ = 0;
};

}  // namespace

Result<Analysis> analyse(const Graph& graph, const OperatorSet& operators, Walk walk) {
  return Analyser(graph, operators, walk).run();
}

}  // namespace dsperse::model
