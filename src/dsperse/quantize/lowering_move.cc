// Lowering: movements of data that are given element by element.
#include <algorithm>

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

}  // namespace

model::Node Lowering::inner(const model::Node& node, const std::string& what, Inner tensor) {
  const std::string name = node.name + " " + what;
  inner_.insert_or_assign(name, std::move(tensor));
  uses_[name] = 1;
  return {name, node.op, {}, {name}, node.attributes};
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
  DSPERSE_TRY(Rearrange r, find_pieces(to.spec, moved, from));
  const bool covered = std::ranges::none_of(index, [](auto i) { return i < 0; });
  const TensorId y = add_op(output == 0 ? node.name : node.name + " output " + std::to_string(output), node.op, name,
                            std::move(r), to.spec, to.view, fill);
  if (used.size() == 1 && covered && sole(used[0])) sole_move_[y] = used[0].id;
  return {};
}

}  // namespace dsperse::quantize
