#include "dsperse/slice/tile_rearrange.h"

#include <algorithm>

namespace dsperse::slice {
namespace {

using quantize::AxisMap;
using quantize::Rearrange;
using quantize::Shape;

/// Index of the axis of `axes` that is the given axis of `shape`: as long, and with as many elements before it.
std::optional<std::uint32_t> same_axis(const Shape& shape, std::size_t axis, const Shape& axes) {
  std::int64_t before = 1, seen = 1;
  for (std::size_t k = 0; k < axis; ++k) before *= shape[k];
  for (std::uint32_t k = 0; k < axes.size(); seen *= axes[k], ++k)
    if (seen == before && axes[k] == shape[axis] && (axes[k] > 1 || shape[axis] == 1)) return k;
  return std::nullopt;
}

/// Axis of a map's part that is this letter.
std::int64_t coefficient(const AxisMap& m, std::uint32_t letter) {
  for (const auto& [l, coef] : m.parts)
    if (l == letter) return coef;
  return 0;
}

}  // namespace

std::optional<std::uint32_t> rearrange_letter(const quantize::Program& program, const Rearrange& r, std::uint32_t axis) {
  const Shape& y = program.tensors[r.y].shape;
  if (y[axis] == 1) return std::nullopt;
  return same_axis(y, axis, r.y_axes);
}

std::pair<Rearrange, std::vector<TensorPart>> cut_rearrange(const quantize::Program& program, const Rearrange& r,
                                                            std::uint32_t axis, const Range& range) {
  const std::uint32_t letter = *rearrange_letter(program, r, axis);
  Rearrange out = r;
  out.y_axes[letter] = range.end - range.begin;
  out.pieces.clear();
  std::vector<TensorPart> reads;
  for (std::size_t i = 0; i < r.pieces.size(); ++i) {
    Rearrange::Piece piece = r.pieces[i];
    const Shape& x = program.tensors[piece.x].shape;
    Box box = whole_box(x);
    bool outside = false, narrowed = false;
    for (std::size_t k = 0; k < piece.maps.size(); ++k) {
      AxisMap& m = piece.maps[k];
      const std::int64_t c = coefficient(m, letter);
      if (c == 0) continue;
      m.offset += c * range.begin;
      if (m.parts.size() != 1) continue;
      // The letter alone: indices from low to high.
      const std::int64_t n = piece.x_axes[k], last = m.offset + c * (range.end - range.begin - 1);
      Range seen{std::max<std::int64_t>(0, std::min(m.offset, last)), std::min(n, std::max(m.offset, last) + 1)};
      const bool misses = seen.begin >= seen.end;
      outside = outside || misses;
      std::optional<std::uint32_t> axis_of_x;
      for (std::uint32_t a = 0; a < x.size() && !axis_of_x; ++a)
        if (x[a] > 1 && same_axis(x, a, r.pieces[i].x_axes) == k) axis_of_x = a;
      if (!axis_of_x || narrowed) continue;  // boxes are parts along one axis
      narrowed = true;
      if (misses) seen = {0, 1};
      box = part_box(x, *axis_of_x, seen);
      piece.x_axes[k] = seen.end - seen.begin;
      m.offset = misses ? (c > 0 ? 1 : -1) : m.offset - seen.begin;
    }
    // A Rearrange needs a piece: if all is fill, one that is out of range everywhere stays.
    if (outside && (!out.pieces.empty() || i + 1 < r.pieces.size())) continue;
    reads.push_back({piece.x, std::move(box)});
    piece.x = static_cast<quantize::TensorId>(out.pieces.size());
    out.pieces.push_back(std::move(piece));
  }
  return {std::move(out), std::move(reads)};
}

Rearrange move_box(const Box& to, std::span<const Box> from, std::int64_t fill) {
  Rearrange r;
  r.y_axes = box_shape(to);
  r.fill = fill;
  for (std::size_t i = 0; i < from.size(); ++i) {
    Rearrange::Piece piece{static_cast<quantize::TensorId>(i), box_shape(from[i]), {}};
    for (std::uint32_t k = 0; k < r.y_axes.size(); ++k) piece.maps.push_back({to.begin[k] - from[i].begin[k], {{k, 1}}});
    r.pieces.push_back(std::move(piece));
  }
  return r;
}

}  // namespace dsperse::slice
