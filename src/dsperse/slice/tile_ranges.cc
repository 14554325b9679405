#include "dsperse/slice/tile_ranges.h"

#include <algorithm>
#include <optional>

namespace dsperse::slice {
namespace {

using quantize::Program;
using quantize::Shape;
using quantize::TensorId;

/// To make an element once more costs about as much as to copy this many: a lookup or two more, its limbs, its products.
constexpr std::int64_t kMakeOverCopy = 8;

/// One operand of an op that reads the tensor: its boxes by tile.
struct Reading {
  bool tiled = false;
  std::vector<Box> boxes;
};

/// Ranges along the axis if the reader has as many tiles and all are parts along this axis, ascending.
std::optional<std::vector<Range>> alike(const Reading& reading, const Shape& shape, std::uint32_t axis, std::size_t parts) {
  if (!reading.tiled || reading.boxes.size() != parts) return std::nullopt;
  std::vector<Range> out;
  for (const Box& box : reading.boxes) {
    for (std::uint32_t k = 0; k < shape.size(); ++k)
      if (k != axis && (box.begin[k] != 0 || box.end[k] != shape[k])) return std::nullopt;
    out.push_back({box.begin[axis], box.end[axis]});
    if (out.size() > 1 && (out.back().begin < out[out.size() - 2].begin || out.back().end < out[out.size() - 2].end))
      return std::nullopt;
  }
  return out;
}

/// Ranges that cover [0, n) without overlap and end at these places; even ones if the places don't rise.
std::vector<Range> partition(std::int64_t n, std::int64_t unit, std::size_t parts, const std::vector<Range>& like) {
  const auto p = static_cast<std::int64_t>(parts);
  std::vector<std::int64_t> ends{0};
  bool rises = !like.empty();
  for (std::size_t t = 1; rises && t < parts; ++t) {
    ends.push_back((like[t - 1].end + like[t].begin) / (2 * unit) * unit);
    rises = ends[t] > ends[t - 1] && ends[t] < n;
  }
  if (!rises) {
    ends.resize(1);
    for (std::int64_t t = 1; t < p; ++t) ends.push_back(n / unit * t / p * unit);
  }
  ends.push_back(n);
  std::vector<Range> out;
  for (std::size_t t = 0; t < parts; ++t) out.push_back({ends[t], ends[t + 1]});
  return out;
}

std::int64_t length(const Range& r) { return r.end - r.begin; }

/// Rows that readers copy because no tile is what they read.
std::int64_t copied(const std::vector<std::vector<Range>>& readers, const std::vector<Range>& made) {
  std::int64_t rows = 0;
  for (const std::vector<Range>& reader : readers)
    for (std::size_t t = 0; t < made.size(); ++t)
      if (reader[t] != made[t]) rows += length(reader[t]);
  return rows;
}

std::vector<Range> choose(const Program& program, const TileRequest& request, const std::vector<Reading>& readings, Halo halo) {
  const quantize::Op& op = program.ops[request.op];
  const TensorId y = quantize::op_output(op);
  const Shape& shape = program.tensors[y].shape;
  const std::int64_t n = shape[request.axis], unit = tile_unit(program, op, request.axis);
  std::vector<std::vector<Range>> readers;
  for (const Reading& r : readings)
    if (auto ranges = alike(r, shape, request.axis, request.parts)) readers.push_back(std::move(*ranges));
  // What each tile feeds: the union of what tile t of all alike readers reads.
  std::vector<Range> fed;
  for (const std::vector<Range>& reader : readers)
    for (std::size_t t = 0; t < reader.size(); ++t) {
      if (fed.size() <= t) fed.push_back(reader[t]);
      fed[t] = {std::min(fed[t].begin, reader[t].begin), std::max(fed[t].end, reader[t].end)};
    }
  const std::vector<Range> once = partition(n, unit, request.parts, fed);
  const bool is_output = std::find(program.outputs.begin(), program.outputs.end(), y) != program.outputs.end();
  if (halo == Halo::exchange || is_output || readers.empty() || readers.size() != readings.size()) return once;
  std::int64_t made = 0;
  for (Range& r : fed) {
    r = {r.begin / unit * unit, (r.end + unit - 1) / unit * unit};
    made += length(r);
  }
  const bool cheaper = (made - n) * kMakeOverCopy + copied(readers, fed) <= copied(readers, once);
  return halo == Halo::recompute || cheaper ? fed : once;
}

}  // namespace

std::vector<OpTiles> plan_tiles(const Program& program, std::span<const TileRequest> requests, Halo halo) {
  std::vector<const TileRequest*> request_of(program.ops.size(), nullptr);
  for (const TileRequest& r : requests)
    if (r.parts > 1) request_of[r.op] = &r;
  std::vector<OpTiles> out(program.ops.size());
  std::vector<std::vector<Reading>> readings(program.tensors.size());
  for (std::size_t i = program.ops.size(); i-- > 0;) {
    const quantize::Op& op = program.ops[i];
    OpTiles& tiles = out[i];
    if (const TileRequest* r = request_of[i]) {
      tiles.tiled = true;
      tiles.axis = r->axis;
      tiles.ranges = choose(program, *r, readings[quantize::op_output(op)], halo);
      for (const Range& range : tiles.ranges) tiles.parts.push_back(cut_op(program, op, r->axis, range));
    } else {
      tiles.parts.push_back(whole_op(program, op));
    }
    // Tiles of a Rearrange may read different operands; what they don't share is no operand that is tiled alike.
    const std::vector<TensorId> operands = quantize::op_inputs(op);
    for (std::size_t k = 0; k < operands.size(); ++k) {
      Reading reading{tiles.tiled, {}};
      for (const OpPart& part : tiles.parts)
        if (part.reads.size() == operands.size()) reading.boxes.push_back(part.reads[k].box);
      readings[operands[k]].push_back(std::move(reading));
    }
  }
  return out;
}

}  // namespace dsperse::slice
