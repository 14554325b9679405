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

/// Every row (last axis) has a visible entry, and some entry is hidden.
bool is_mask(const Tensor& visible) {
  const auto n = static_cast<std::size_t>(visible.shape.empty() ? 1 : visible.shape.back());
  bool hides = false;
  for (std::size_t row = 0; n != 0 && row < visible.i.size(); row += n) {
    const auto begin = visible.i.begin() + static_cast<std::ptrdiff_t>(row);
    const auto shown = std::count(begin, begin + static_cast<std::ptrdiff_t>(n), 1);
    if (shown == 0) return false;
    hides = hides || shown != static_cast<std::ptrdiff_t>(n);
  }
  return hides;
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

  /// The constant `values`, hiding where it is small.
  static Masked of_values(const std::string& scores, const Tensor& values) {
    Masked out{scores, int_tensor(values.shape, std::vector<std::int64_t>(values.f.size(), 1), DType::boolean), {}};
    Tensor rest = values;
    bool any = false;
    for (std::size_t i = 0; i < values.f.size(); ++i)
      if (values.f[i] <= kHidden)
        out.visible.i[i] = 0, rest.f[i] = 0;
      else
        any = any || values.f[i] != 0.0F;
    if (any) out.added = std::move(rest);
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
      Masked out{node.inputs[3 - c], *condition, {}};
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
    const std::string& read = node.inputs[0];
    const auto made = producer_.find(read);
    if (made == producer_.end() || uses_.at(read) != 1) return false;
    Node& before = graph_.nodes[made->second];
    auto mask = masked(before);
    const Shape x = shape(read);
    if (!mask || shape(mask->scores) != x || !fits(mask->visible.shape, x)) return false;
    Tensor visible = std::move(mask->visible);
    if (node.op == "MaskedSoftmax") visible = both(visible, *constant(node.inputs[1]), x);
    if (!is_mask(visible)) return false;
    const std::string name = fresh(node.name + ".visible");
    graph_.values[name] = {name, visible.dtype, visible.shape};
    graph_.constants.emplace(name, std::move(visible));
    if (mask->added) {
      const std::string rest = fresh(before.name + ".added");
      graph_.values[rest] = {rest, DType::f32, mask->added->shape};
      graph_.constants.emplace(rest, std::move(*mask->added));
      before.inputs = {mask->scores, rest};
    } else {
      node.name = before.name + "+" + node.name;
      node.inputs[0] = mask->scores;  // remove_dead drops the node before
    }
    node.op = "MaskedSoftmax";
    node.inputs.resize(2);
    node.inputs[1] = name;
    node.attributes.clear();
    return !mask->added;
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
