#include "dsperse/slice/tile.h"

#include <algorithm>
#include <type_traits>
#include <utility>

#include "dsperse/slice/tile_order.h"

namespace dsperse::slice {

using quantize::Program;
using quantize::Shape;

std::vector<TileAxis> tileable(const Program& program, std::uint32_t op) {
  std::vector<TileAxis> out;
  const Shape& y = program.tensors[quantize::op_output(program.ops[op])].shape;
  for (std::uint32_t axis = 0; axis < y.size(); ++axis) {
    const std::int64_t unit = y[axis] > 1 ? tile_unit(program, program.ops[op], axis) : 0;
    if (unit == 0 || y[axis] / unit < 2) continue;
    const bool last = axis + 1 == y.size();
    out.push_back({axis, static_cast<std::uint32_t>(std::min<std::int64_t>(y[axis] / unit, kMaxParts)),
                   last && !quantize::op_weights(program.ops[op]).empty()});
  }
  return out;
}

Result<Tiled> tile(const Program& program, std::span<const TileRequest> requests, const TileOptions& options) {
  std::vector<bool> asked(program.ops.size(), false);
  for (const TileRequest& r : requests) {
    const auto where = [&] { return r.op < program.ops.size() ? program.ops[r.op].name : std::string(); };
    const auto no = [&](std::string what, std::string hint) {
      return fail(ErrorKind::usage, std::move(what), where(), std::move(hint));
    };
    if (r.op >= asked.size()) return no("op " + std::to_string(r.op) + " to tile does not exist", "count ops from 0");
    if (asked[r.op]) return no("is to be tiled twice", "tile an op along one axis");
    asked[r.op] = true;
    if (r.parts == 1) continue;
    const std::vector<TileAxis> axes = tileable(program, r.op);
    const auto it = std::find_if(axes.begin(), axes.end(), [&](const TileAxis& a) { return a.axis == r.axis; });
    if (it == axes.end()) return no("cannot be split along axis " + std::to_string(r.axis), "choose one of tileable()");
    if (r.parts < 1 || r.parts > it->parts)
      return no("cannot be split into " + std::to_string(r.parts) + " parts",
                "ask for 1 to " + std::to_string(it->parts) + " along this axis");
  }
  Parts parts = build_parts(program, plan_tiles(program, requests, options.halo), options.order);
  sort_parts(parts);
  drop_unread(parts);
  limit_readers(parts);
  Tiled out = number_parts(std::move(parts), program);
  if (const Status s = quantize::check_program(out.program); !s)
    return fail(ErrorKind::unsupported, "tiled like this, the program breaks a limit: " + s.error().text(), {},
                "ask for fewer parts");
  return out;
}

quantize::WeightStore tile_weights(const Tiled& tiled, quantize::WeightStore weights) {
  const auto cut = [](auto& values, const WeightPart& part, bool last) {
    using Values = std::remove_cvref_t<decltype(values)>;
    if (values.empty()) return Values();
    if (last && part.begin == 0 && std::cmp_equal(part.end, values.size())) return std::move(values);
    Values out(values.begin() + part.begin, values.begin() + part.end);
    if (last) values = Values();
    return out;
  };
  quantize::WeightStore out;
  for (std::size_t i = 0; i < tiled.weights.size(); ++i) {
    const WeightPart& part = tiled.weights[i];
    const bool last = i + 1 == tiled.weights.size() || tiled.weights[i + 1].weight != part.weight;
    quantize::WeightValues& w = weights[part.weight];
    out.push_back({cut(w.narrow, part, last), cut(w.wide, part, last)});
  }
  return out;
}

quantize::IntTensor part_of(const Shape& shape, const Box& box, const quantize::IntTensor& values) {
  quantize::IntTensor out;
  Shape at = box.begin;
  const std::int64_t row = box.end.back() - box.begin.back();
  for (std::int64_t left = quantize::elements(box_shape(box)); left > 0; left -= row) {
    std::int64_t flat = 0;
    for (std::size_t k = 0; k < shape.size(); ++k) flat = flat * shape[k] + at[k];
    out.insert(out.end(), values.begin() + flat, values.begin() + flat + row);
    for (std::size_t k = shape.size() - 1; k-- > 0;) {
      if (++at[k] < box.end[k]) break;
      at[k] = box.begin[k];
    }
  }
  return out;
}

}  // namespace dsperse::slice
