// Lowering of what works on rows: extremes, softmax, normalization, division, one-hot. Rows lie innermost in storage.
#include <algorithm>

#include "dsperse/quantize/limits.h"
#include "dsperse/quantize/lowering.h"

namespace dsperse::quantize {
namespace {

/// The view without the factors [first, last), which are innermost in storage, under another shape.
View without(const View& view, std::uint32_t first, std::uint32_t last, Shape shape) {
  View out{std::move(shape), {}, {}};
  for (std::uint32_t f = 0; f < view.factors.size(); ++f)
    if (f < first || f >= last) out.factors.push_back(view.factors[f]);
  for (const auto f : view.order)
    if (f < first || f >= last) out.order.push_back(f < first ? f : f - (last - first));
  return out;
}

}  // namespace

Lowering::Factors Lowering::factors(const View& view, std::size_t first, std::size_t last) {
  Factors out;
  const auto counts = factors_of_axes(view);
  for (std::size_t k = 0; k < last; ++k) (k < first ? out.first : out.last) += static_cast<std::uint32_t>(counts[k]);
  out.last += out.first;
  return out;
}

Result<Value> Lowering::rows_last(const model::Node& node, const Value& x, std::size_t first, std::size_t last, bool ordered) {
  const auto [low, high] = factors(x.view, first, last);
  const auto& order = x.view.order;
  const std::size_t rows = order.size() - (high - low);
  bool lies = !ordered || std::is_sorted(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(rows));
  for (std::uint32_t f = low; f < high; ++f) lies = lies && order[rows + f - low] == f;
  if (lies) return x;
  if (x.view.shape.size() > kMaxProgramRank) return fail(ErrorKind::unsupported, "a tensor has more than 8 axes");
  std::vector<std::uint32_t> axes, inner;
  const auto sort_in = [&](std::uint32_t k) { (k >= first && k < last ? inner : axes).push_back(k); };
  if (const auto perm = axis_order(x.view); perm && !ordered)
    for (const auto k : *perm) sort_in(k);
  else
    for (std::uint32_t k = 0; k < x.view.shape.size(); ++k) sort_in(k);
  std::sort(inner.begin(), inner.end());
  axes.insert(axes.end(), inner.begin(), inner.end());
  return at(node, x, axes_place(x.view.shape, axes));
}

Status Lowering::extreme(const model::Node& node, const Value& x, std::size_t axis, bool minimum, bool index, bool last) {
  DSPERSE_TRY(const Value from, rows_last(node, x, axis, axis + 1));
  Extreme e;
  e.x = from.id, e.n = x.view.shape[axis], e.minimum = minimum, e.index = index, e.last = index && last;
  if (index && e.n - 1 > kMaxValue) return fail(ErrorKind::unsupported, "an index beyond 2^16");
  const Shape& out = shape(node.outputs[0]);
  const auto [low, high] = factors(from.view, axis, axis + 1);
  View view = without(from.view, low, high, out);
  Shape to{elements(out)};
  if (const auto perm = axis_order(view); perm && !perm->empty() && out.size() <= kMaxProgramRank)
    to = axes_place(out, *perm).spec;
  const TensorId y = add_op(node.name, node.op, node.outputs[0], e, std::move(to), std::move(view));
  draft_.tensors[y].integers = index || draft_.tensors[from.id].integers;
  return {};
}

Status Lowering::softmax(const model::Node& node, const Value& x, std::size_t axis, Mask mask) {
  if (std::find(mask.visible.begin(), mask.visible.end(), 0) == mask.visible.end()) mask = {};
  DSPERSE_TRY(const Value from, rows_last(node, x, axis, axis + 1, mask.rows != 0));
  Softmax s;
  s.x = from.id, s.n = x.view.shape[axis];
  if (mask.visible.size() > kMaxMask) return fail(ErrorKind::unsupported, "a mask has more than 2^22 entries");
  if (mask.rows != 0 &&
      (elements(x.view.shape) / s.n % mask.rows != 0 || std::cmp_not_equal(mask.visible.size(), mask.rows * s.n)))
    return fail(ErrorKind::internal, "a mask does not fit its rows");
  for (std::int64_t r = 0; r < mask.rows; ++r) {
    const auto row = mask.visible.begin() + r * s.n;
    if (std::find(row, row + s.n, 1) == row + s.n) return fail(ErrorKind::unsupported, "a row of the mask hides everything");
  }
  s.mask_rows = mask.rows, s.visible = std::move(mask.visible);
  add_op(node.name, node.op, node.outputs[0], s, spec(from.id), from.view);
  return {};
}

Status Lowering::normalize(const model::Node& node, const Value& x, std::size_t first_axis, bool centered,
                           std::vector<float> gamma, std::vector<float> beta, double epsilon) {
  const Shape& in = x.view.shape;
  DSPERSE_TRY(const Value from, rows_last(node, x, first_axis, in.size()));
  Normalize m;
  m.x = from.id, m.centered = centered;
  m.n = elements(Shape(in.begin() + static_cast<std::ptrdiff_t>(first_axis), in.end()));
  if (std::ranges::all_of(gamma, [](float g) { return g == 1; })) gamma.clear();
  if (std::ranges::all_of(beta, [](float b) { return b == 0; })) beta.clear();
  if (!gamma.empty()) m.gamma = add_weight(node.name + " scale", {m.n}, std::move(gamma));
  if (!beta.empty()) m.beta = add_weight(node.name + " shift", {m.n}, std::move(beta));
  add_op(node.name, node.op, node.outputs[0], m, spec(from.id), from.view, epsilon);
  return {};
}

Value Lowering::requantized(const model::Node& node, const Value& x, const std::string& what) {
  Sum s;
  s.terms = {{false, x.id, 1}};
  const std::string name = x.name + " " + what + " " + std::to_string(draft_.tensors.size());
  const bool integers = draft_.tensors[x.id].integers;
  const TensorId y = add_op(node.name + " " + what, node.op, name, s, spec(x.id), x.view);
  draft_.tensors[y] = origin_of(x);
  draft_.tensors[y].after = draft_.tensors[x.id].after;
  draft_.tensors[y].integers = integers;
  values_.erase(name);
  return {x.name, y, x.view, false};
}

Status Lowering::divide(const model::Node& node, const Value& a, const Value& b) {
  const Shape& out = shape(node.outputs[0]);
  std::array<Value, 2> x{a, b};
  const Value* main = nullptr;  // the first operand of the full shape decides the layout
  for (Value& v : x) {
    Shape padded = v.view.shape;
    padded.insert(padded.begin(), out.size() - padded.size(), 1);
    v.view = *reshaped(v.view, padded);
    if (main == nullptr && padded == out) main = &v;
  }
  std::optional<Place> place;
  if (main != nullptr) place = place_of(*main);
  const bool alike = x[0].view == x[1].view && spec(x[0].id) == spec(x[1].id);
  if (!alike && !place) {
    DSPERSE_TRY(place, logical_place(out));
  }
  const View view = place ? place->view : main->view;
  const Shape y_spec = place ? place->spec : spec(main->id);
  for (Value& v : x) {
    if (alike) break;
    Place to{stored_as(v.view.shape, *axis_order(view)), y_spec, place->axes};
    for (std::size_t k = 0; k < to.spec.size(); ++k) to.spec[k] = to.axes[k] == kUnit ? 1 : v.view.shape[to.axes[k]];
    v = at(node, v, to);
  }
  // The divisor's range is raised to one step where it is made: by an op that rounds, for this op alone.
  const auto made = producer_.find(x[1].id);
  if (x[1].id != b.id || a.id == b.id || !sole(b) || made == producer_.end() ||
      op_requant(draft_.program.ops[made->second]) == nullptr)
    x[1] = requantized(node, x[1], "divisor");
  Divide d;
  d.a = x[0].id, d.b = x[1].id;
  add_op(node.name, node.op, node.outputs[0], d, y_spec, view);
  return {};
}

Status Lowering::one_hot(const model::Node& node, const Value& x, std::int64_t depth) {
  if (depth < 1 || depth > kMaxValue + 1) return fail(ErrorKind::unsupported, "a depth is not in 1..2^16");
  if (!draft_.tensors[x.id].integers) return fail(ErrorKind::unsupported, "indices are not integers", x.name);
  // The range of the indices is cut to [0, depth - 1]: at the model's input, or where an op of its own rounds.
  const auto made = producer_.find(x.id);
  const auto* e = made == producer_.end() ? nullptr : std::get_if<Extreme>(&draft_.program.ops[made->second].body);
  const bool fits = e != nullptr && e->index && e->n <= depth;
  const Value from = fits || (made == producer_.end() && sole(x)) ? x : requantized(node, x, "index");
  View view{shape(node.outputs[0]), from.view.factors, from.view.order};
  if (depth > 1) {
    view.order.push_back(static_cast<std::uint32_t>(view.factors.size()));
    view.factors.push_back(depth);
  }
  Shape to = spec(from.id);
  if (to.size() == kMaxProgramRank) to = {elements(to)};
  to.push_back(depth);
  OneHot h;
  h.x = from.id, h.depth = depth;
  const TensorId y = add_op(node.name, node.op, node.outputs[0], h, std::move(to), std::move(view));
  draft_.tensors[y].integers = true;
  return {};
}

}  // namespace dsperse::quantize
