// Normalizations written in primitive operators; see patterns.h.
#include <algorithm>
#include <cmath>
#include <optional>
#include <set>

#include "dsperse/model/links.h"
#include "dsperse/model/patterns.h"

namespace dsperse::model {

namespace {

class Norms {
 public:
  explicit Norms(Graph& graph) : graph_(graph), links_(graph) {}

  void run() {
    for (Node& node : graph_.nodes) {
      if (node.op == "Div" && node.inputs.size() == 2) {
        if (const auto variance = under_root(node.inputs[1])) replace(node, node.inputs[0], *variance);
      } else if (node.op == "Mul" && node.inputs.size() == 2) {
        for (std::size_t i = 0; i < 2 && node.op == "Mul"; ++i)
          if (const auto variance = under_inverse_root(node.inputs[i])) replace(node, node.inputs[1 - i], *variance);
      }
      if (node.op == "LayerNormalization" || node.op == "RMSNormalization") affine(node);
    }
  }

 private:
  [[nodiscard]] std::optional<std::string> power(const std::string& name, float exponent) const {
    const Node* pow = links_.made_by(name, "Pow");
    if (pow == nullptr || links_.number(pow->inputs[1]) != exponent) return std::nullopt;
    return pow->inputs[0];
  }
  /// v of sqrt(v).
  [[nodiscard]] std::optional<std::string> under_root(const std::string& name) const {
    if (const Node* root = links_.made_by(name, "Sqrt")) return root->inputs[0];
    return power(name, 0.5F);
  }
  /// v of 1 / sqrt(v).
  [[nodiscard]] std::optional<std::string> under_inverse_root(const std::string& name) const {
    if (const Node* inverse = links_.made_by(name, "Reciprocal")) return under_root(inverse->inputs[0]);
    if (const Node* div = links_.made_by(name, "Div"))
      return links_.number(div->inputs[0]) == 1.0F ? under_root(div->inputs[1]) : std::nullopt;
    return power(name, -0.5F);
  }
  /// e of e^2.
  [[nodiscard]] std::optional<std::string> under_square(const std::string& name) const {
    const Node* mul = links_.made_by(name, "Mul");
    if (mul != nullptr && mul->inputs[0] == mul->inputs[1]) return mul->inputs[0];
    return power(name, 2.0F);
  }

  struct Mean {
    std::string of;
    std::size_t first = 0;  ///< over the axes from this one on
  };
  /// The mean over the last axes, kept as ones.
  [[nodiscard]] std::optional<Mean> mean_of(const std::string& name) const {
    const Node* mean = links_.made_by(name, "ReduceMean");
    if (mean == nullptr) return std::nullopt;
    const Shape *from = links_.shape(mean->inputs[0]), *to = links_.shape(name);
    const auto keep = mean->int_or("keepdims", 1);
    if (from == nullptr || to == nullptr || from->size() != to->size() || !keep || *keep == 0) return std::nullopt;
    std::vector<std::int64_t> axes;
    if (const auto given = mean->ints_or("axes", {})) axes = *given;
    if (const Tensor* input = links_.constant(*mean, 1)) axes = input->i;
    if (axes.empty() || mean->inputs.size() > 2) return std::nullopt;
    std::set<std::int64_t> over;
    for (const auto a : axes) over.insert(a < 0 ? a + static_cast<std::int64_t>(from->size()) : a);
    const auto rank = static_cast<std::int64_t>(from->size());
    if (*over.begin() < 0 || *over.rbegin() != rank - 1 || static_cast<std::int64_t>(over.size()) != rank - *over.begin())
      return std::nullopt;
    return Mean{mean->inputs[0], static_cast<std::size_t>(*over.begin())};
  }

  /// x and mean of a difference x - mean.
  [[nodiscard]] bool same_difference(const std::string& a, const std::string& b) const {
    const Node *first = links_.made_by(a, "Sub"), *second = links_.made_by(b, "Sub");
    return a == b || (first != nullptr && second != nullptr && first->inputs == second->inputs);
  }

  /// node = data / sqrt(variance).
  void replace(Node& node, const std::string& data, const std::string& variance) {
    float epsilon = 0;
    std::string mean_square = variance;
    if (const Node* add = links_.made_by(variance, "Add"))
      if (const auto sides = links_.sides(*add))
        if (const auto e = links_.number(sides->constant); e && *e >= 0) epsilon = *e, mean_square = sides->data;
    const auto mean = mean_of(mean_square);
    if (!mean) return;
    const auto base = under_square(mean->of);
    const Shape* shape = links_.shape(data);
    if (!base || shape == nullptr || !same_difference(*base, data)) return;
    std::string x = data;
    bool centered = false;
    if (const Node* sub = links_.made_by(data, "Sub"))
      if (const auto middle = mean_of(sub->inputs[1]); middle && middle->of == sub->inputs[0] && middle->first == mean->first)
        x = sub->inputs[0], centered = true;
    const Shape rows(shape->begin() + static_cast<std::ptrdiff_t>(mean->first), shape->end());
    const auto count = element_count(rows);
    if (!count || links_.shape(x) == nullptr || *links_.shape(x) != *shape) return;
    const std::string ones =
        links_.add_constant(node.name + ".scale", float_tensor(rows, std::vector<float>(static_cast<std::size_t>(*count), 1.0F)));
    node.op = centered ? "LayerNormalization" : "RMSNormalization";
    node.inputs = {x, ones};
    node.attributes = {{"axis", static_cast<std::int64_t>(mean->first)}, {"epsilon", epsilon}};
  }

  /// Scale and shift by constants of the rows' shape join the normalization, which moves to where they were.
  void affine(Node& node) {
    if (node.outputs.size() != 1) return;
    Node* next = links_.only_reader(node.outputs[0]);
    const auto sides = next == nullptr ? std::nullopt : links_.sides(*next);
    const Tensor *scale = links_.constant(node, 1), *bias = links_.constant(node, 2);
    const bool biased = node.inputs.size() > 2 && !node.inputs[2].empty();
    if (!sides || scale == nullptr || biased != (bias != nullptr)) return;
    const bool mul = next->op == "Mul", add = next->op == "Add" && node.op == "LayerNormalization";
    const auto axis = node.int_or("axis", -1);
    const Shape *shape = links_.shape(node.outputs[0]), *out = links_.shape(next->outputs[0]);
    if ((!mul && !add) || !axis || shape == nullptr || out == nullptr || *shape != *out) return;
    const auto first = static_cast<std::ptrdiff_t>(*axis < 0 ? *axis + static_cast<std::int64_t>(shape->size()) : *axis);
    const Shape rows(shape->begin() + first, shape->end());
    auto factors = over_rows(*scale, rows);
    const auto values = over_rows(*links_.constant(sides->constant), rows);
    std::optional<std::vector<float>> shifts(std::in_place, factors ? factors->size() : 0, 0.0F);
    if (biased) shifts = over_rows(*bias, rows);
    if (!factors || !values || !shifts) return;
    for (std::size_t k = 0; k < factors->size(); ++k) {
      if (mul) (*factors)[k] *= (*values)[k], (*shifts)[k] *= (*values)[k];
      if (add) (*shifts)[k] += (*values)[k];
    }
    next->op = node.op;
    next->name = node.name + "+" + next->name;
    next->attributes = node.attributes;
    next->inputs = {node.inputs[0], links_.add_constant(next->name + ".scale", float_tensor(rows, std::move(*factors)))};
    if (add || biased) next->inputs.push_back(links_.add_constant(next->name + ".bias", float_tensor(rows, std::move(*shifts))));
    node.op = "Identity";  // nothing reads it any more
    node.inputs.resize(1);
    node.attributes.clear();
  }

  /// A constant as one value per element of `rows`, if it broadcasts to them (leading ones may be left out or present).
  [[nodiscard]] static std::optional<std::vector<float>> over_rows(const Tensor& t, const Shape& rows) {
    Shape shape = t.shape;
    while (shape.size() > rows.size() && shape.front() == 1) shape.erase(shape.begin());
    if (t.dtype != DType::f32 || shape.size() > rows.size()) return std::nullopt;
    shape.insert(shape.begin(), rows.size() - shape.size(), 1);
    std::vector<std::int64_t> stride(rows.size(), 0);
    std::int64_t block = 1, count = 1;
    for (std::size_t k = rows.size(); k-- > 0;) {
      if (shape[k] != 1 && shape[k] != rows[k]) return std::nullopt;
      stride[k] = shape[k] == 1 ? 0 : block;
      block *= shape[k];
      count *= rows[k];
    }
    std::vector<float> out(static_cast<std::size_t>(count));
    for (std::int64_t i = 0; i < count; ++i) {
      std::int64_t rest = i, from = 0;
      for (std::size_t k = rows.size(); k-- > 0; rest /= rows[k]) from += rest % rows[k] * stride[k];
      out[static_cast<std::size_t>(i)] = t.f[static_cast<std::size_t>(from)];
    }
    return out;
  }

  Graph& graph_;
  Links links_;
};

}  // namespace

Status join_norms(Graph& graph) {
  Norms(graph).run();
  return {};
}

}  // namespace dsperse::model
