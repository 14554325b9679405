// Who makes and who reads each tensor of a Graph: what passes that look for patterns share.
//
// Of the moment: a pass that rewires nodes makes new Links. Tested by model/points_test.cc.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "dsperse/model/graph.h"

namespace dsperse::model {

/// Who makes and who reads each tensor.
class Links {
 public:
  explicit Links(Graph& graph) : graph_(graph) {
    for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
      for (const std::string& name : graph.nodes[i].outputs) maker_[name] = i;
      for (const std::string& name : graph.nodes[i].inputs) readers_[name].push_back(i);
    }
    for (const Port& port : graph.outputs) outputs_.insert(port.name);
  }

  /// The node that makes `name`, if its operator is `op`.
  [[nodiscard]] const Node* made_by(const std::string& name, std::string_view op) const {
    const auto it = maker_.find(name);
    return it == maker_.end() || graph_.nodes[it->second].op != op ? nullptr : &graph_.nodes[it->second];
  }
  [[nodiscard]] Node* maker(const std::string& name) const {
    const auto it = maker_.find(name);
    return it == maker_.end() ? nullptr : &graph_.nodes[it->second];
  }
  /// The only reader of a tensor that is no output.
  [[nodiscard]] Node* only_reader(const std::string& name) const {
    const auto it = readers_.find(name);
    if (it == readers_.end() || it->second.size() != 1 || outputs_.contains(name)) return nullptr;
    return &graph_.nodes[it->second[0]];
  }
  [[nodiscard]] const Tensor* constant(const std::string& name) const {
    const auto it = graph_.constants.find(name);
    return it == graph_.constants.end() ? nullptr : &it->second;
  }
  [[nodiscard]] const Tensor* constant(const Node& node, std::size_t i) const {
    return i < node.inputs.size() ? constant(node.inputs[i]) : nullptr;
  }
  [[nodiscard]] const Shape* shape(const std::string& name) const {
    const auto it = graph_.values.find(name);
    return it == graph_.values.end() ? nullptr : &it->second.shape;
  }
  /// The one number that a float constant is.
  [[nodiscard]] std::optional<float> number(const std::string& name) const {
    const Tensor* t = constant(name);
    if (t == nullptr || t->f.size() != 1) return std::nullopt;
    return t->f[0];
  }
  /// Operand beside the constant of a commutative node, and the constant.
  struct Sides {
    std::string data, constant;
  };
  [[nodiscard]] std::optional<Sides> sides(const Node& node) const {
    if (node.inputs.size() != 2) return std::nullopt;
    const bool first = constant(node, 0) != nullptr, second = constant(node, 1) != nullptr;
    if (first == second) return std::nullopt;
    return first ? Sides{node.inputs[1], node.inputs[0]} : Sides{node.inputs[0], node.inputs[1]};
  }
  /// A constant under a name not yet taken.
  std::string add_constant(const std::string& base, Tensor tensor) {
    std::string name = base;
    for (int i = 1; graph_.values.contains(name) || graph_.constants.contains(name); ++i) name = base + "." + std::to_string(i);
    graph_.values[name] = {name, tensor.dtype, tensor.shape};
    graph_.constants.emplace(name, std::move(tensor));
    return name;
  }
  [[nodiscard]] const Graph& graph() const { return graph_; }

 private:
  Graph& graph_;
  std::map<std::string, std::size_t> maker_;
  std::map<std::string, std::vector<std::size_t>> readers_;
  std::set<std::string> outputs_;
};

}  // namespace dsperse::model
