#include "dsperse/pipeline/inspect.h"

#include <algorithm>
#include <numeric>
#include <optional>
#include <set>

#include "dsperse/model/analysis.h"
#include "dsperse/model/passes.h"
#include "dsperse/quantize/lowering.h"

namespace dsperse::pipeline {
namespace {

using model::Graph;
using model::Node;
using model::Port;

/// Nodes that are tried without, one after the other.
constexpr std::size_t kMostTries = 256;

enum class Fate : std::uint8_t { kept, obstacle, unexamined };

class Inspector {
 public:
  Inspector(Graph graph, const model::OperatorSet& operators, const quantize::LowerSet& lowerings)
      : graph_(std::move(graph)), operators_(operators), lowerings_(lowerings), fate_(graph_.nodes.size(), Fate::kept) {
    for (const Port& port : graph_.outputs) outputs_.insert(port.name);
  }

  Inspection run() {
    infer();
    if (std::ranges::all_of(graph_.outputs, [&](const Port& port) { return known(port.name); }))
      others_.push_back({graph_.outputs[0].name,
                         {},
                         "every output is a constant",
                         "nothing depends on the model's input: there is nothing to prove"});
    for (std::size_t tries = 0; tries < kMostTries; ++tries)
      if (!try_rest()) break;
    Inspection out;
    for (std::size_t i = 0; i < graph_.nodes.size(); ++i) {
      const Node& node = graph_.nodes[i];
      if (fate_[i] == Fate::unexamined) out.unexamined.push_back(node.name);
      if (fate_[i] == Fate::obstacle) out.obstacles.push_back({node.name, node.op, errors_[i].what, errors_[i].hint});
    }
    out.obstacles.insert(out.obstacles.end(), others_.begin(), others_.end());
    if (!out.obstacles.empty()) out.parts = parts();
    return out;
  }

 private:
  [[nodiscard]] bool known(const std::string& name) const { return graph_.constants.contains(name) || known_.contains(name); }

  /// Shapes of everything that can be inferred, node by node; what fails is an obstacle.
  void infer() {
    for (const Port& port : graph_.inputs) shapes_[port.name] = port;
    for (const auto& [name, tensor] : graph_.constants) shapes_[name] = {name, tensor.dtype, tensor.shape};
    for (std::size_t i = 0; i < graph_.nodes.size(); ++i) {
      const Node& node = graph_.nodes[i];
      if (!operators_.contains(node.op)) {
        refuse(i, {ErrorKind::unsupported, "the operator is not known", {}, {}});
      } else if (std::ranges::any_of(node.inputs, [&](const auto& name) { return !name.empty() && !shapes_.contains(name); })) {
        fate_[i] = Fate::unexamined;
      } else if (const auto error = infer_one(node)) {
        refuse(i, *error);
      }
      // Behind an obstacle the file's word is taken.
      for (const std::string& name : node.outputs)
        if (const auto stated = graph_.values.find(name); !shapes_.contains(name) && stated != graph_.values.end())
          shapes_[name] = stated->second;
    }
  }

  std::optional<Error> infer_one(const Node& node) {
    Graph one;
    one.opset = graph_.opset;
    one.nodes = {node};
    std::set<std::string> seen;
    for (const std::string& name : node.inputs) {
      if (name.empty() || !seen.insert(name).second) continue;
      if (const auto it = graph_.constants.find(name); it != graph_.constants.end())
        one.constants[name] = it->second;
      else if (const auto made = known_.find(name); made != known_.end())
        one.constants[name] = made->second;
      else
        one.inputs.push_back(shapes_.at(name));
    }
    auto analysis = model::analyse(one, operators_, model::Walk::look);
    if (!analysis) return analysis.error();
    for (const std::string& name : node.outputs) {
      if (const auto it = analysis->values.find(name); it != analysis->values.end()) shapes_[name] = it->second;
      if (const auto it = analysis->known.find(name); it != analysis->known.end()) known_[name] = std::move(it->second);
    }
    return std::nullopt;
  }

  void refuse(std::size_t i, Error error) {
    fate_[i] = Fate::obstacle;
    errors_[i] = std::move(error);
  }

  /// What is kept, its open ends as inputs and outputs.
  [[nodiscard]] Graph rest() const {
    Graph out;
    out.name = graph_.name;
    out.opset = graph_.opset;
    out.constants = graph_.constants;
    out.inputs = graph_.inputs;
    std::set<std::string> made, wanted;
    for (std::size_t i = 0; i < graph_.nodes.size(); ++i) {
      const Node& node = graph_.nodes[i];
      if (fate_[i] == Fate::kept) {
        out.nodes.push_back(node);
        made.insert(node.outputs.begin(), node.outputs.end());
        continue;
      }
      wanted.insert(node.inputs.begin(), node.inputs.end());
      for (const std::string& name : node.outputs)
        if (const auto it = shapes_.find(name); it != shapes_.end() && !name.empty()) out.inputs.push_back(it->second);
    }
    for (const std::string& name : outputs_) wanted.insert(name);
    for (const std::string& name : wanted)
      if (!name.empty() && made.contains(name) && !known(name)) out.outputs.push_back({name, model::DType::f32, {}});
    return out;
  }

  /// True if another node had to be given up.
  bool try_rest() {
    Graph graph = rest();
    if (graph.outputs.empty()) return false;
    Status status = model::prepare(graph, operators_);
    if (status) {
      const auto draft = quantize::lower_graph(graph, lowerings_);
      if (draft) return false;
      status = std::unexpected(draft.error());
    }
    const std::string& where = status.error().where;
    if (const auto i = node_of(where)) {
      refuse(*i, status.error());
      return true;
    }
    const std::string output = quoted(where, "output '");
    others_.push_back({output.empty() ? where : output, {}, status.error().what, status.error().hint});
    return !output.empty() && outputs_.erase(output) > 0;
  }

  /// x of "PREFIXx' ...".
  static std::string quoted(const std::string& text, const std::string& prefix) {
    if (!text.starts_with(prefix)) return {};
    return text.substr(prefix.size(), text.find('\'', prefix.size()) - prefix.size());
  }

  /// The model's node that an error names: itself, one that was fused (joined by '+'), or one of its expansion (with a suffix).
  [[nodiscard]] std::optional<std::size_t> node_of(const std::string& where) const {
    const std::string name = quoted(where, "node '");
    std::optional<std::size_t> best;
    std::size_t length = 0;
    for (std::size_t i = 0; i < graph_.nodes.size(); ++i) {
      const std::string& own = graph_.nodes[i].name;
      if (fate_[i] != Fate::kept || own.size() < length || own.empty()) continue;
      for (std::size_t at = name.find(own); at != std::string::npos; at = name.find(own, at + 1)) {
        const std::size_t end = at + own.size();
        const bool begins = at == 0 || name[at - 1] == '+';
        const bool ends = end == name.size() || name[end] == '+' || name[end] == '.' || name[end] == '/';
        if (begins && ends) best = i, length = own.size();
      }
    }
    return best;
  }

  [[nodiscard]] std::vector<Part> parts() const {
    const std::size_t n = graph_.nodes.size();
    std::vector<std::size_t> root(n);
    std::iota(root.begin(), root.end(), std::size_t{0});
    const auto find = [&](std::size_t i) {
      while (root[i] != i) i = root[i] = root[root[i]];
      return i;
    };
    // Nodes whose values are constants belong to nothing.
    const auto counts = [&](std::size_t i) {
      return fate_[i] == Fate::kept &&
             !std::ranges::all_of(graph_.nodes[i].outputs, [&](const auto& o) { return o.empty() || known(o); });
    };
    std::map<std::string, std::size_t> maker;
    std::map<std::string, std::vector<std::size_t>> readers;
    for (std::size_t i = 0; i < n; ++i) {
      for (const std::string& name : graph_.nodes[i].outputs)
        if (!name.empty() && counts(i)) maker[name] = i;
      for (const std::string& name : graph_.nodes[i].inputs)
        if (!name.empty()) readers[name].push_back(i);
    }
    for (const auto& [name, by] : maker)
      for (const std::size_t i : readers[name])
        if (counts(i)) root[find(i)] = find(by);
    std::map<std::size_t, Part> by_root;
    std::map<std::size_t, std::set<std::string>> read;
    for (std::size_t i = 0; i < n; ++i) {
      if (!counts(i)) continue;
      Part& part = by_root[find(i)];
      ++part.nodes;
      ++part.operators[graph_.nodes[i].op];
      for (const std::string& name : graph_.nodes[i].inputs)
        if (!name.empty() && !known(name) && !maker.contains(name) && read[find(i)].insert(name).second)
          part.inputs.push_back(shapes_.at(name));
      for (const std::string& name : graph_.nodes[i].outputs) {
        const auto& users = readers[name];
        const bool leaves = outputs_.contains(name) || std::ranges::any_of(users, [&](std::size_t r) { return !counts(r); });
        if (!name.empty() && leaves) part.outputs.push_back(shapes_.at(name));
      }
    }
    std::vector<Part> out;
    for (auto& [r, part] : by_root)
      if (!part.outputs.empty()) out.push_back(std::move(part));
    std::ranges::stable_sort(out, [](const Part& a, const Part& b) { return a.nodes > b.nodes; });
    return out;
  }

  Graph graph_;
  const model::OperatorSet& operators_;
  const quantize::LowerSet& lowerings_;
  std::vector<Fate> fate_;
  std::map<std::size_t, Error> errors_;
  std::vector<Obstacle> others_;
  std::set<std::string> outputs_;
  std::map<std::string, Port> shapes_;
  std::map<std::string, model::Tensor> known_;  ///< small values that do not depend on the input
};

}  // namespace

Inspection inspect_graph(Graph graph, const model::OperatorSet& operators, const quantize::LowerSet& lowerings) {
  return Inspector(std::move(graph), operators, lowerings).run();
}

}  // namespace dsperse::pipeline
