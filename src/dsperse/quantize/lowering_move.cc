// Lowering: movements of data that are given element by element.
#include <algorithm>
#include <numeric>
#include <optional>

#include "dsperse/quantize/limits.h"
#include "dsperse/quantize/lowering.h"
#include "dsperse/quantize/move.h"

namespace dsperse::quantize {
namespace {

/// Sizes of the view's factors as they lie in storage.
Shape stored_factors(const View& view) {
  Shape axes;
  for (const auto f : view.order) axes.push_back(view.factors[f]);
  return axes;
}

/// For every axis, the position in x (or -1) that each position of the output reads, where the movement is one axis by axis.
std::optional<std::vector<std::vector<std::int64_t>>> axis_digits(const Shape& out, const Shape& x,
                                                                  const std::vector<std::int64_t>& index) {
  if (out.size() != x.size()) return std::nullopt;
  const auto map = separate(out, index);
  if (!map) return std::nullopt;
  std::vector<std::vector<std::int64_t>> digits(x.size());
  std::int64_t stride = 1;
  for (std::size_t k = x.size(); k-- > 0; stride *= x[k]) {
    const std::int64_t at = map->base / stride % x[k];
    for (const std::int64_t f : map->along[k]) {
      const bool hole = f == SeparableMap::kHole;
      if (!hole && (f % stride != 0 || at + f / stride < 0 || at + f / stride >= x[k])) return std::nullopt;
      digits[k].push_back(hole ? -1 : at + f / stride);
    }
  }
  return digits;
}

/// Elements of the matrix of an axis that is moved by a product.
constexpr std::int64_t kMostSelected = std::int64_t{1} << 22;

bool is_identity(const std::vector<std::int64_t>& digits, std::int64_t extent) {
  if (std::cmp_not_equal(digits.size(), extent)) return false;
  for (std::size_t i = 0; i < digits.size(); ++i)
    if (std::cmp_not_equal(digits[i], i)) return false;
  return true;
}

}  // namespace

Status Lowering::move_by_axes(const model::Node& node, const Value& x, const std::vector<std::vector<std::int64_t>>& digits,
                              double fill, std::size_t output) {
  std::vector<std::size_t> changed;
  for (std::size_t k = 0; k < digits.size(); ++k)
    if (!is_identity(digits[k], x.view.shape[k])) changed.push_back(k);
  // What shrinks most comes first.
  const auto growth = [&](std::size_t k) { return static_cast<double>(digits[k].size()) / static_cast<double>(x.view.shape[k]); };
  std::sort(changed.begin(), changed.end(), [&](auto a, auto b) { return growth(a) < growth(b); });
  model::Node last = node;
  last.outputs = {node.outputs[output]};
  if (output > 0) last.name += " output " + std::to_string(output);
  if (changed.size() == 1) return select(last, x, changed[0], digits[changed[0]], fill);
  Value now = x;
  std::vector<std::int64_t> whole(static_cast<std::size_t>(elements(x.view.shape)));  // element of x of each element of `now`
  std::iota(whole.begin(), whole.end(), std::int64_t{0});
  for (const std::size_t k : changed) {
    const Shape before = now.view.shape;
    Shape after = before;
    after[k] = static_cast<std::int64_t>(digits[k].size());
    const std::int64_t inner_size = elements(Shape(before.begin() + static_cast<std::ptrdiff_t>(k) + 1, before.end()));
    std::vector<std::int64_t> step, from;
    for (std::int64_t i = 0; i < elements(after); ++i) {
      const std::int64_t at = digits[k][static_cast<std::size_t>(i / inner_size % after[k])];
      step.push_back(at < 0 ? -1 : (i / inner_size / after[k] * before[k] + at) * inner_size + i % inner_size);
      from.push_back(step.back() < 0 ? -1 : whole[static_cast<std::size_t>(step.back())]);
    }
    if (k == changed.back()) return move(last, {now}, step, fill);
    const model::Node made = inner(last, "axis " + std::to_string(k), {after, x.name, from, false});
    DSPERSE_CHECK_OK(move(made, {now}, step, fill));
    now = value_of(made);
    whole = std::move(from);
  }
  return {};
}

Status Lowering::select(const model::Node& node, const Value& x, std::size_t axis, const std::vector<std::int64_t>& digits,
                        double fill) {
  const std::int64_t extent = x.view.shape[axis], count = static_cast<std::int64_t>(digits.size());
  if (count > kMostSelected / extent || (fill != 0 && std::ranges::any_of(digits, [](auto d) { return d < 0; })))
    return fail(ErrorKind::unsupported,
                "axis " + std::to_string(axis) + " is moved in more than " + std::to_string(kMaxPieces) + " regular pieces",
                x.name, "sort the indices, or gather fewer at once");
  model::Tensor matrix{model::DType::f32, {count, extent}, std::vector<float>(static_cast<std::size_t>(count * extent), 0), {}};
  for (std::int64_t i = 0; i < count; ++i)
    if (const auto d = digits[static_cast<std::size_t>(i)]; d >= 0) matrix.f[static_cast<std::size_t>(i * extent + d)] = 1;
  Operand data{x, nullptr, {}}, by{std::nullopt, &matrix, {}};
  std::vector<std::uint32_t> out;
  for (std::uint32_t k = 0; k < x.view.shape.size(); ++k) data.letters.push_back(k), out.push_back(k);
  out[axis] = static_cast<std::uint32_t>(out.size());
  by.letters = {out[axis], static_cast<std::uint32_t>(axis)};
  return contract(node, std::move(data), std::move(by), out);
}

model::Node Lowering::inner(const model::Node& node, const std::string& what, Inner tensor) {
  const std::string name = node.name + " " + what;
  inner_.insert_or_assign(name, std::move(tensor));
  uses_[name] = 1;
  return {name, node.op, {}, {name}, node.attributes};
}

Origin Lowering::origin_of(const Value& x) const {
  const Origin& own = draft_.tensors[x.id];
  Origin origin{x.name, {}, x.view, own.integers, {}};
  const auto port = graph_.values.find(x.name);
  if (!inner_.contains(x.name) && port != graph_.values.end() && port->second.shape == x.view.shape) return origin;
  // By way of storage to the tensor's own elements.
  origin.source = own.source, origin.after = own.after;
  const auto place = storage_index(own.view);
  std::vector<std::int64_t> element(place.size());
  for (std::size_t i = 0; i < place.size(); ++i)
    element[static_cast<std::size_t>(place[i])] = own.index.empty() ? static_cast<std::int64_t>(i) : own.index[i];
  for (const std::int64_t at : storage_index(x.view)) origin.index.push_back(element[static_cast<std::size_t>(at)]);
  return origin;
}

Result<Lowering::Place> Lowering::place_of_moved(const std::string& name, const Value& source) const {
  const Shape& out = shape(name);
  const auto own = inner_.find(name);
  std::set<std::string> seen;
  const bool image =
      own != inner_.end() ? own->second.image : lower_ != nullptr && out.size() >= 3 && wants_channels_last(name, *lower_, seen);
  if (image && out.size() <= 4) return channels_last(out);
  if (source.view.shape.size() == out.size() && axis_order(source.view)) return like(source, out);
  if (out.size() <= kMaxProgramRank) return logical_place(out);
  return Place{row_major(out), {elements(out)}, {}};
}

Status Lowering::move(const model::Node& node, const std::vector<Value>& sources, const std::vector<std::int64_t>& index,
                      double fill, std::size_t output) {
  const std::string& name = node.outputs[output];
  const Shape& out = shape(name);
  // Logical indices of the sources to storage indices, through all of them; sources that are not read drop out.
  std::vector<std::int64_t> place(index.size());
  std::vector<Value> used;
  std::int64_t first = 0, stored = 0;
  for (const Value& x : sources) {
    const auto at = storage_index(x.view);
    const auto n = static_cast<std::int64_t>(at.size());
    bool any = false;
    for (std::size_t i = 0; i < index.size(); ++i)
      if (index[i] >= first && index[i] < first + n)
        place[i] = stored + at[static_cast<std::size_t>(index[i] - first)], any = true;
    first += n;
    if (!any) continue;
    stored += n;
    used.push_back(x);
  }
  for (std::size_t i = 0; i < index.size(); ++i) {
    if (index[i] >= first) return fail(ErrorKind::internal, "a movement reads beyond its sources");
    if (index[i] < 0) place[i] = -1;
  }
  if (used.empty())
    return fail(ErrorKind::unsupported, "the result holds none of its input's data", {}, "replace it by a constant in the model");
  if (used.size() == 1 && place.size() == static_cast<std::size_t>(stored)) {
    if (auto view = find_view(out, place)) {
      values_.insert_or_assign(name, Value{name, used[0].id, *std::move(view), sole(used[0])});
      return {};
    }
  }
  DSPERSE_TRY(const Place to, place_of_moved(name, used[0]));
  std::vector<std::int64_t> moved(place.size());
  const auto at = storage_index(to.view);
  for (std::size_t i = 0; i < place.size(); ++i) moved[static_cast<std::size_t>(at[i])] = place[i];
  std::vector<MoveSource> from;
  for (const Value& x : used) from.push_back({x.id, stored_factors(x.view)});
  auto found = find_pieces(to.spec, moved, from);
  if (!found) {
    if (sources.size() != 1) return std::unexpected(std::move(found).error());
    const auto digits = axis_digits(out, sources[0].view.shape, index);
    if (!digits) return std::unexpected(std::move(found).error());
    return move_by_axes(node, sources[0], *digits, fill, output);
  }
  Rearrange& r = *found;
  const bool covered = std::ranges::none_of(index, [](auto i) { return i < 0; });
  const TensorId y = add_op(output == 0 ? node.name : node.name + " output " + std::to_string(output), node.op, name,
                            std::move(r), to.spec, to.view, fill);
  if (used.size() == 1 && covered && sole(used[0])) sole_move_[y] = used[0].id;
  return {};
}

}  // namespace dsperse::quantize
