// Scaled scores; see patterns.h.
#include <algorithm>
#include <cmath>
#include <optional>
#include <set>

#include "dsperse/model/links.h"
#include "dsperse/model/patterns.h"

namespace dsperse::model {

namespace {

/// The layer of constant weights whose output reaches `name` by movement, or as a factor of a product, and nothing else.
Node* layer_behind(const Links& links, const std::string& name, int depth) {
  Node* node = links.maker(name);
  if (node == nullptr || depth == 0 || links.only_reader(name) == nullptr) return nullptr;
  static const std::set<std::string, std::less<>> movement{"Transpose", "Reshape", "Squeeze", "Unsqueeze", "Flatten", "Identity"};
  if (movement.contains(node->op)) return layer_behind(links, node->inputs[0], depth - 1);
  const bool linear = node->op == "Gemm" || node->op == "MatMul" || node->op == "Conv";
  if (!linear || node->inputs.size() < 2) return nullptr;
  if (links.constant(*node, 1) != nullptr) {
    const bool biased = node->inputs.size() > 2 && !node->inputs[2].empty();
    return biased && links.constant(*node, 2) == nullptr ? nullptr : node;
  }
  if (node->op != "MatMul" || links.constant(*node, 0) != nullptr) return nullptr;
  Node* first = layer_behind(links, node->inputs[0], depth - 1);
  return first != nullptr ? first : layer_behind(links, node->inputs[1], depth - 1);
}

void join_scale(Links& links, Node& node) {
  const auto sides = links.sides(node);
  const auto c = sides ? links.number(sides->constant) : std::nullopt;
  if (!c || *c == 0.0F || (node.op == "Div" && sides->data != node.inputs[0])) return;
  const Shape *from = links.shape(sides->data), *to = links.shape(node.outputs[0]);
  if (from == nullptr || to == nullptr || *from != *to) return;
  Node* layer = layer_behind(links, sides->data, 12);
  if (layer == nullptr) return;
  const double factor = node.op == "Mul" ? static_cast<double>(*c) : 1 / static_cast<double>(*c);
  std::vector<Tensor> scaled;
  for (std::size_t i = 1; i < layer->inputs.size(); ++i) {
    if (layer->inputs[i].empty()) continue;
    scaled.push_back(*links.constant(*layer, i));
    for (float& v : scaled.back().f) v = static_cast<float>(static_cast<double>(v) * factor);
    if (!std::ranges::all_of(scaled.back().f, [](float v) { return std::isfinite(v); })) return;
  }
  for (std::size_t i = layer->inputs.size(); i-- > 1;) {
    if (layer->inputs[i].empty()) continue;
    layer->inputs[i] = links.add_constant(layer->inputs[i] + ".scaled", std::move(scaled.back()));
    scaled.pop_back();
  }
  const std::string data = sides->data;
  node.op = "Identity";
  node.inputs = {data};
}

}  // namespace

Status join_scales(Graph& graph) {
  Links links(graph);
  for (Node& node : graph.nodes)
    if (node.op == "Mul" || node.op == "Div") join_scale(links, node);
  return {};
}

}  // namespace dsperse::model
