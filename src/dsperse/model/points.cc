#include "dsperse/model/points.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <set>

#include "dsperse/model/execute.h"

namespace dsperse::model {

namespace {

/// Elements that are all equal; not empty.
bool uniform(const Tensor& t) {
  const auto same = [](const auto& v) { return std::ranges::all_of(v, [&](const auto& x) { return x == v[0]; }); };
  return t.f.size() + t.i.size() > 0 && same(t.f) && same(t.i);
}

/// A tensor as a function of `root`: the nodes between, ascending.
struct Chain {
  std::string root;
  std::set<std::size_t> nodes;
};

class Joiner {
 public:
  Joiner(Graph& graph, const OperatorSet& operators) : graph_(graph), operators_(operators) {}

  Status run() {
    const auto& nodes = graph_.nodes;
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      producer_[nodes[i].outputs.empty() ? std::string() : nodes[i].outputs[0]] = i;
      if (auto chain = chain_of(i, {}, whole_)) whole_[nodes[i].outputs[0]] = std::move(*chain);
    }
    std::set<std::string> kept;  // tensors that something needs as a tensor
    for (const Port& port : graph_.outputs) kept.insert(port.name);
    for (const Node& node : nodes)
      if (node.outputs.empty() || !whole_.contains(node.outputs[0])) kept.insert(node.inputs.begin(), node.inputs.end());
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      const std::string name = nodes[i].outputs.empty() ? std::string() : nodes[i].outputs[0];
      if (!whole_.contains(name)) continue;
      auto chain = chain_of(i, kept, short_);
      short_[name] = chain ? std::move(*chain) : whole_.at(name);
    }
    replace(kept);
    return {};
  }

 private:
  const Tensor* constant(const std::string& name) const {
    const auto it = graph_.constants.find(name);
    return it == graph_.constants.end() ? nullptr : &it->second;
  }

  /// Node i as a function of one tensor; those in `kept` are not looked through.
  std::optional<Chain> chain_of(std::size_t i, const std::set<std::string>& kept,
                                const std::map<std::string, Chain>& chains) const {
    const Node& node = graph_.nodes[i];
    const auto schema = operators_.find(node.op);
    if (schema == operators_.end() || !schema->second.elementwise || node.outputs.size() != 1) return std::nullopt;
    Chain out;
    std::size_t constants = 0;
    for (const std::string& name : node.inputs) {
      if (name.empty()) continue;
      if (const Tensor* c = constant(name)) {
        if (!uniform(*c)) return std::nullopt;
        ++constants;
        continue;
      }
      const auto inner = chains.find(name);
      const bool through = inner != chains.end() && !kept.contains(name);
      const std::string& root = through ? inner->second.root : name;
      if (!out.root.empty() && out.root != root) return std::nullopt;
      out.root = root;
      if (through) out.nodes.insert(inner->second.nodes.begin(), inner->second.nodes.end());
    }
    out.nodes.insert(i);
    const auto from = graph_.values.find(out.root), to = graph_.values.find(node.outputs[0]);
    if (from == graph_.values.end() || to == graph_.values.end() || from->second.shape != to->second.shape) return std::nullopt;
    if (out.nodes.size() > kMaxPoints || constants > 8) return std::nullopt;
    return out;
  }

  void replace(const std::set<std::string>& kept) {
    std::vector<Node> nodes;
    for (std::size_t i = 0; i < graph_.nodes.size(); ++i) {
      Node& node = graph_.nodes[i];
      const auto chain = node.outputs.empty() ? short_.end() : short_.find(node.outputs[0]);
      if (chain == short_.end() || (kept.contains(node.outputs[0]) && chain->second.nodes.size() == 1))
        nodes.push_back(node);
      else if (kept.contains(node.outputs[0]))
        nodes.push_back(points(node, chain->second));
    }
    graph_.nodes = std::move(nodes);
  }

  Node points(const Node& last, const Chain& chain) const {
    auto body = std::make_shared<Graph>();
    body->opset = graph_.opset;
    body->inputs = {graph_.values.at(chain.root)};
    body->outputs = {graph_.values.at(last.outputs[0])};
    body->values[chain.root] = body->inputs[0];
    const std::string& first = graph_.nodes[*chain.nodes.begin()].name;
    std::string name = chain.nodes.size() <= 2 ? first + "+" + last.name : first + "+...+" + last.name;
    for (const std::size_t i : chain.nodes) {
      const Node& node = graph_.nodes[i];
      for (const std::string& input : node.inputs) {
        const Tensor* c = constant(input);
        if (c == nullptr || body->constants.contains(input)) continue;
        Tensor one{c->dtype, {}, {}, {}, c->element};
        if (!c->f.empty()) one.f = {c->f[0]};
        if (!c->i.empty()) one.i = {c->i[0]};
        body->values[input] = {input, one.dtype, {}};
        body->constants.emplace(input, std::move(one));
      }
      body->values[node.outputs[0]] = graph_.values.at(node.outputs[0]);
      body->nodes.push_back(node);
    }
    return {std::move(name), "Points", {chain.root}, {last.outputs[0]}, {{kPointsBody, Subgraph(std::move(body))}}};
  }

  Graph& graph_;
  const OperatorSet& operators_;
  std::map<std::string, std::size_t> producer_;
  std::map<std::string, Chain> whole_, short_;
};

}  // namespace

Status join_points(Graph& graph, const OperatorSet& operators) { return Joiner(graph, operators).run(); }

Status split_points(Graph& graph, const OperatorSet& operators) {
  std::vector<Node> nodes;
  for (Node& node : graph.nodes) {
    DSPERSE_TRY(const OperatorSchema* schema, schema_of(node, operators));
    std::vector<ValueInfo> infos(node.inputs.size());
    std::vector<const ValueInfo*> views(node.inputs.size(), nullptr);
    for (std::size_t i = 0; i < node.inputs.size() && schema->split; ++i) {
      if (node.inputs[i].empty()) continue;
      const Port& port = graph.values.at(node.inputs[i]);
      const auto value = graph.constants.find(node.inputs[i]);
      infos[i] = {port.dtype, port.shape, value == graph.constants.end() ? nullptr : &value->second};
      views[i] = &infos[i];
    }
    Expansion simpler;
    if (schema->split) {
      auto made = schema->split({node, graph.opset, views});
      if (!made) return std::unexpected(made.error().within(node_text(node)));
      simpler = std::move(*made);
    }
    if (simpler.nodes.empty()) {
      nodes.push_back(std::move(node));
      continue;
    }
    for (auto& [name, tensor] : simpler.constants)
      if (!graph.constants.emplace(name, std::move(tensor)).second)
        return fail(ErrorKind::bad_input, "two tensors are called '" + name + "'", node_text(node), "rename one of them");
    for (Node& inner : simpler.nodes) nodes.push_back(std::move(inner));
  }
  graph.nodes = std::move(nodes);
  return {};
}

}  // namespace dsperse::model
