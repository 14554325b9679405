// Masks before a Softmax; see passes.h.
#include <algorithm>
#include <optional>

#include "dsperse/model/passes.h"

namespace dsperse::model {

namespace {

/// e to this power is 0 in float, whatever scores it is added to.
constexpr float kHidden = -1e4F;

/// What one node between scores and Softmax hides.
struct Masked {
  std::string scores;           ///< its other operand
  bool hides = false;           ///< it had small values; rows of nothing else are shown whole
  Tensor visible;               ///< boolean
  std::optional<Tensor> added;  ///< what else it adds
};

/// Row-major strides of `shape` over the axes of `out`, 0 where it repeats.
std::vector<std::int64_t> strides_over(const Shape& shape, const Shape& out) {
  std::vector<std::int64_t> strides(out.size(), 0);
  std::int64_t step = 1;
  for (std::size_t back = 1; back <= shape.size(); ++back) {
    const std::int64_t d = shape[shape.size() - back];
    if (d != 1) strides[out.size() - back] = step;
    step *= d;
  }
  return strides;
}

std::int64_t at(std::int64_t index, const Shape& out, const std::vector<std::int64_t>& strides) {
  std::int64_t sum = 0;
  for (std::size_t k = out.size(); k-- > 0; index /= out[k]) sum += index % out[k] * strides[k];
  return sum;
}

/// a broadcasts into b's shape.
bool fits(const Shape& a, const Shape& b) {
  if (a.size() > b.size()) return false;
  for (std::size_t back = 1; back <= a.size(); ++back)
    if (const std::int64_t d = a[a.size() - back]; d != 1 && d != b[b.size() - back]) return false;
  return true;
}

/// Every row (last axis) has a visible entry.
bool every_row_shows(const Tensor& visible) {
  const auto n = static_cast<std::size_t>(visible.shape.empty() ? 1 : visible.shape.back());
  for (std::size_t row = 0; n != 0 && row < visible.i.size(); row += n) {
    const auto begin = visible.i.begin() + static_cast<std::ptrdiff_t>(row);
    if (std::count(begin, begin + static_cast<std::ptrdiff_t>(n), 1) == 0) return false;
  }
  return true;
}

class Masks {
 public:
  explicit Masks(Graph& graph) : graph_(graph) {
    for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
      for (const std::string& name : graph.nodes[i].outputs) producer_[name] = i;
      for (const std::string& name : graph.nodes[i].inputs) ++uses_[name];
    }
    for (const Port& port : graph.outputs) ++uses_[port.name];
  }

  Status run() {
    for (Node& node : graph_.nodes)
      while (true) {
        DSPERSE_TRY(const bool done, take(node));
        if (!done) break;
      }
    return {};
  }

 private:
  const Tensor* constant(const std::string& name) const {
    const auto it = graph_.constants.find(name);
    return it == graph_.constants.end() ? nullptr : &it->second;
  }
  const Shape& shape(const std::string& name) const { return graph_.values.at(name).shape; }
  Node* sole_producer(const std::string& name) const {
    const auto it = producer_.find(name);
    return it == producer_.end() || uses_.at(name) != 1 ? nullptr : &graph_.nodes[it->second];
  }
  bool is_float_cast(const Node& node) const {
    return node.op == "Cast" && graph_.values.at(node.inputs[0]).dtype == DType::f32 &&
           graph_.values.at(node.outputs[0]).dtype == DType::f32;
  }

  /// The constant `values`, hiding where it is small. One value that a whole row adds changes no softmax (minus infinity would
  /// give no numbers): such a row is shown.
  static Masked of_values(const std::string& scores, const Tensor& values) {
    Masked out{scores, false, int_tensor(values.shape, std::vector<std::int64_t>(values.f.size(), 1), DType::boolean), {}};
    Tensor rest = values;
    const auto n = static_cast<std::size_t>(values.shape.empty() ? 1 : values.shape.back());
    for (std::size_t row = 0; n != 0 && row < values.f.size(); row += n) {
      const auto begin = values.f.begin() + static_cast<std::ptrdiff_t>(row), end = begin + static_cast<std::ptrdiff_t>(n);
      const bool whole = std::all_of(begin, end, [&](float v) { return v == *begin; });
      for (std::size_t i = row; i < row + n; ++i)
        if (values.f[i] <= kHidden) {
          out.visible.i[i] = whole ? 1 : 0;
          rest.f[i] = 0;
          out.hides = true;
        }
    }
    if (std::ranges::any_of(rest.f, [](float v) { return v != 0.0F; })) out.added = std::move(rest);
    return out;
  }

  std::optional<Masked> masked(const Node& node) const {
    if (node.op == "Add" && node.inputs.size() == 2)
      for (const std::size_t c : {0U, 1U}) {
        const Tensor* values = constant(node.inputs[c]);
        if (values != nullptr && values->dtype == DType::f32) return of_values(node.inputs[1 - c], *values);
      }
    if (node.op != "Where" || node.inputs.size() != 3) return std::nullopt;
    const Tensor* condition = constant(node.inputs[0]);
    if (condition == nullptr || condition->dtype != DType::boolean) return std::nullopt;
    for (const std::size_t c : {1U, 2U}) {
      const Tensor* values = constant(node.inputs[c]);
      if (values == nullptr || values->f.empty() || !std::ranges::all_of(values->f, [](float v) { return v <= kHidden; }))
        continue;
      Masked out{node.inputs[3 - c], true, *condition, {}};
      if (c == 1)
        for (std::int64_t& v : out.visible.i) v = 1 - v;
      return out;
    }
    return std::nullopt;
  }

  Result<bool> is_softmax(const Node& node) const {
    if (node.op == "MaskedSoftmax") return true;
    if (node.op != "Softmax" || node.inputs.size() != 1) return false;
    const auto rank = static_cast<std::int64_t>(shape(node.inputs[0]).size());
    DSPERSE_TRY(const std::int64_t axis, node.int_or("axis", graph_.opset < 13 ? 1 : -1));
    return rank > 0 && (axis == -1 || axis == rank - 1);
  }

  Result<bool> take(Node& node) {
    DSPERSE_TRY(const bool softmax, is_softmax(node));
    if (!softmax) return false;
    // Past roundings to another float type.
    std::string* read = &node.inputs[0];
    Node* made = sole_producer(*read);
    while (made != nullptr && is_float_cast(*made)) {
      read = &made->inputs[0];
      made = sole_producer(*read);
    }
    if (made == nullptr) return false;
    Node& before = *made;
    auto mask = masked(before);
    const Shape x = shape(*read);
    if (!mask || !mask->hides || shape(mask->scores) != x || !fits(mask->visible.shape, x)) return false;
    Tensor visible = std::move(mask->visible);
    if (node.op == "MaskedSoftmax") visible = both(visible, *constant(node.inputs[1]), x);
    if (!every_row_shows(visible)) return false;
    if (mask->added) {
      const std::string rest = fresh(before.name + ".added");
      graph_.values[rest] = {rest, DType::f32, mask->added->shape};
      graph_.constants.emplace(rest, *mask->added);
      before.inputs = {mask->scores, rest};
    } else {
      node.name = before.name + "+" + node.name;
      *read = mask->scores;  // remove_dead drops the node before
    }
    const bool again = !mask->added.has_value();
    if (std::ranges::count(visible.i, 0) == 0) return again;
    const std::string name = fresh(node.name + ".visible");
    graph_.values[name] = {name, visible.dtype, visible.shape};
    graph_.constants.emplace(name, std::move(visible));
    node.op = "MaskedSoftmax";
    node.inputs.resize(2);
    node.inputs[1] = name;
    node.attributes.clear();
    return again;
  }

  static Tensor both(const Tensor& a, const Tensor& b, const Shape& x) {
    Shape shape(std::max(a.shape.size(), b.shape.size()), 1);
    for (std::size_t back = 1; back <= shape.size(); ++back)
      for (const Tensor* t : {&a, &b})
        if (back <= t->shape.size() && t->shape[t->shape.size() - back] != 1) shape[shape.size() - back] = x[x.size() - back];
    std::int64_t count = 1;
    for (const std::int64_t d : shape) count *= d;
    Tensor out = int_tensor(shape, std::vector<std::int64_t>(static_cast<std::size_t>(count), 0), DType::boolean);
    const auto sa = strides_over(a.shape, shape), sb = strides_over(b.shape, shape);
    for (std::int64_t i = 0; i < count; ++i)
      out.i[static_cast<std::size_t>(i)] =
          a.i[static_cast<std::size_t>(at(i, shape, sa))] != 0 && b.i[static_cast<std::size_t>(at(i, shape, sb))] != 0 ? 1 : 0;
    return out;
  }

  std::string fresh(const std::string& base) const {
    std::string name = base;
    for (int i = 1; graph_.values.contains(name) || graph_.constants.contains(name); ++i) name = base + "." + std::to_string(i);
    return name;
  }

  Graph& graph_;
  std::map<std::string, std::size_t> producer_;
  std::map<std::string, int> uses_;
};

}  // namespace

Status fuse_masks(Graph& graph) { return Masks(graph).run(); }

}  // namespace dsperse::model
