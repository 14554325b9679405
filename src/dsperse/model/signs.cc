// Which tensors are never negative, by the operators that make them; see patterns.h.
#include <algorithm>
#include <set>

#include "dsperse/model/links.h"
#include "dsperse/model/patterns.h"

namespace dsperse::model {

namespace {

using Set = std::set<std::string, std::less<>>;

/// Nodes looked through on the way up.
constexpr int kDepth = 24;

bool constant_not_negative(const Tensor& t) {
  return std::ranges::all_of(t.f, [](float v) { return v >= 0; }) && std::ranges::all_of(t.i, [](auto v) { return v >= 0; });
}

class Signs {
 public:
  explicit Signs(const Links& links) : links_(links) {}

  bool not_negative(const std::string& name, int depth) {
    if (name.empty() || depth == 0) return false;
    if (const Tensor* t = links_.constant(name)) return constant_not_negative(*t);
    if (const auto it = known_.find(name); it != known_.end()) return it->second;
    const Node* node = links_.maker(name);
    return known_[name] = node != nullptr && made_not_negative(*node, depth);
  }

 private:
  bool made_not_negative(const Node& node, int depth) {
    static const Set always{"Abs",     "Cosh",    "Exp",      "HardSigmoid", "MaskedSoftmax",   "ReduceL1", "ReduceL2",    "Relu",
                            "Sigmoid", "Softmax", "Softplus", "Sqrt",        "ReduceSumSquare", "LpPool",   "GlobalLpPool"};
    static const Set of_first{
        "AveragePool", "Cast",    "Dropout",    "Expand",    "Flatten",    "Gather",    "GlobalAveragePool", "GlobalMaxPool",
        "Identity",    "MaxPool", "Reciprocal", "ReduceMax", "ReduceMean", "ReduceMin", "ReduceProd",        "ReduceSum",
        "Reshape",     "Slice",   "Split",      "Squeeze",   "Tile",       "Transpose", "Unsqueeze"};
    static const Set of_all{"Add", "Concat", "Div", "MatMul", "Mean", "Min", "Mul", "Sum"};
    const auto first = [&](std::size_t i) { return i < node.inputs.size() && not_negative(node.inputs[i], depth - 1); };
    if (always.contains(node.op)) return true;
    if (of_first.contains(node.op)) return first(0);
    if (node.op == "Mul" && node.inputs.size() == 2 && node.inputs[0] == node.inputs[1]) return true;
    if (of_all.contains(node.op))
      return std::ranges::all_of(node.inputs, [&](const auto& name) { return not_negative(name, depth - 1); });
    if (node.op == "Max")
      return std::ranges::any_of(node.inputs, [&](const auto& name) { return not_negative(name, depth - 1); });
    if (node.op == "Where") return first(1) && first(2);
    if (node.op == "Pow") {
      const auto exponent = links_.number(node.inputs[1]);
      return first(0) || exponent == 2.0F || exponent == 4.0F;
    }
    if (node.op == "Clip") {
      const auto low = node.float_or("min", -1);
      return first(0) || (node.inputs.size() > 1 ? first(1) : low && *low >= 0);
    }
    return false;
  }

  const Links& links_;
  std::map<std::string, bool> known_;
};

}  // namespace

Status split_quotients(Graph& graph) {
  const Links links(graph);
  Signs signs(links);
  std::vector<Node> nodes;
  std::vector<bool> signed_divisor;
  for (const Node& node : graph.nodes) {
    const auto value = node.inputs.empty() ? graph.values.end() : graph.values.find(node.inputs.back());
    signed_divisor.push_back(node.op == "Div" && node.inputs.size() == 2 && value != graph.values.end() &&
                             value->second.dtype == DType::f32 && links.constant(node.inputs[1]) == nullptr &&
                             links.constant(node.inputs[0]) == nullptr && node.inputs[0] != node.inputs[1] &&
                             !signs.not_negative(node.inputs[1], kDepth));
  }
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    Node node = graph.nodes[i];
    if (signed_divisor[i]) {
      const std::string inverse = node.name + ".inverse";
      if (graph.values.contains(inverse))
        return fail(ErrorKind::bad_input, "two tensors are called '" + inverse + "'", node_text(node), "rename one of them");
      Port port = graph.values.at(node.inputs[1]);
      port.name = inverse;
      graph.values[inverse] = port;
      nodes.push_back({inverse, "Reciprocal", {node.inputs[1]}, {inverse}, {}});
      node.op = "Mul";
      node.inputs[1] = inverse;
    }
    nodes.push_back(std::move(node));
  }
  graph.nodes = std::move(nodes);
  return {};
}

}  // namespace dsperse::model
