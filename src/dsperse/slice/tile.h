// Tiles: a layer too large for a memory limit becomes several ops, each of which makes a part of its output from parts of its
// inputs, so that a cut can give each a slice of its own.
//
// Pure: Program -> Program. The tiled Program is an ordinary one: it is cut, run, committed and proved like any other, and every
// one of its tensors is a box of a tensor of the untiled Program, bit for bit. What a tile reads comes whole:
// - from a tile of the op before that makes exactly this part. If all readers of a tensor are tiled alike, its op's tiles make
//   the rows that theirs read, and rows that two of them read are made twice where this costs less than to copy (Halo);
// - else as a Slice of what the op before made, a tensor of its own beside it, so that nobody reads more than it needs;
// - several of these put together by a Concat just before the op that reads them.
// Slice, Concat and Identity are Rearranges: their outputs are committed, they need no lookups.
// Model inputs keep their tensors, and a tile's Slice of one stands beside the tile: inputs are in the statement, anybody may
// read them. A model output that is tiled is put together by one last Concat under its own name; its slice reads all tiles, so
// leave an output's op whole where that is too large. A tensor that tiles make or read has at most kMaxConsumers readers: further
// ones read an Identity of it, made just before the first of them, and so on.
//
// Not here: which layers, how many parts (callers; cut.h knows the costs), files. Source: docs/design/0015-tiles.md. Tested by
// slice/tile_test.cc.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "dsperse/quantize/program.h"

namespace dsperse::slice {

/// Most parts of one op (a Concat takes 256 pieces).
inline constexpr std::uint32_t kMaxParts = 256;

/// Elements of a tensor with begin[k] <= index k < end[k].
struct Box {
  quantize::Shape begin, end;
  friend bool operator==(const Box&, const Box&) = default;
};

/// An axis of an op's output along which it can be split into up to `parts` parts (2..kMaxParts).
/// Images (N, H, W, C): axis 1 are rows, 2 columns (rows of a sequence (N, 1, L, C)), 3 channels; matrices: 0 rows, 1 features.
/// Along the last axis weights are split too, along all others every tile uses all of them.
struct TileAxis {
  std::uint32_t axis = 0, parts = 0;
  bool splits_weights = false;
  friend bool operator==(const TileAxis&, const TileAxis&) = default;
};
/// Ascending by axis; empty if the op can only be whole.
std::vector<TileAxis> tileable(const quantize::Program& program, std::uint32_t op);

/// Splits an op along an axis of its output; one request an op. parts = 1 asks for nothing.
/// Ask for the same parts of the ops around it (its activation, pool, the layer before): tile i then feeds tile i, several in one
/// slice cost nothing, while an op that stays whole pays for a copy of what it hands to tiles or takes from them.
struct TileRequest {
  std::uint32_t op = 0, axis = 0, parts = 1;
};

/// Order of the tiled ops. bands: among neighbouring ops that are tiled alike, all layers of the first part, then all of the
/// second (as far as halos that are exchanged allow), so that a slice can hold a band of several layers. layers: all tiles of an
/// op, then those of the next.
enum class TileOrder : std::uint8_t { bands, layers };

/// Rows that two tiles of the next layer read: made by both tiles (recompute), or made once and copied (exchange). cheapest
/// chooses by tensor. recompute is for tensors whose readers are all tiled alike; others are exchanged.
enum class Halo : std::uint8_t { cheapest, recompute, exchange };

struct TileOptions {
  TileOrder order = TileOrder::bands;
  Halo halo = Halo::cheapest;
};

/// Elements [begin, end) of an untiled weight: whole entries of its leading axis.
struct WeightPart {
  quantize::WeightId weight = 0;
  std::int64_t begin = 0, end = 0;
  friend bool operator==(const WeightPart&, const WeightPart&) = default;
};
/// A box of an untiled tensor.
struct TensorPart {
  quantize::TensorId tensor = 0;
  Box box;
};

struct Tiled {
  quantize::Program program;
  std::vector<WeightPart> weights;   ///< by WeightId of `program`: what it is of the untiled weights
  std::vector<TensorPart> tensors;   ///< by TensorId of `program`: what it is of the untiled tensors
  std::vector<std::uint32_t> op_of;  ///< by op of `program`: the untiled op; of a copy: the op that needs it
};

/// program: has passed check_program; so will the result. Inputs and outputs keep order, names and specs. Tensors and ops that
/// are parts are called "conv1[rows 0:56]", all others keep their names. Errors: usage (an op, axis or number of parts that
/// tileable() does not offer; two requests for one op), unsupported (the tiled program exceeds a limit of Programs).
[[nodiscard]] Result<Tiled> tile(const quantize::Program& program, std::span<const TileRequest> requests,
                                 const TileOptions& options = {});

/// Weights of the tiled program out of those of the untiled one. Those that stay whole are moved, the others cut one by one.
quantize::WeightStore tile_weights(const Tiled& tiled, quantize::WeightStore weights);
/// The box out of a tensor's values.
quantize::IntTensor part_of(const quantize::Shape& shape, const Box& box, const quantize::IntTensor& values);

}  // namespace dsperse::slice
