// Which part of its output every tile of every op makes, and what it reads for that.
//
// Decided from the last op to the first: what the tiles of the readers read is known then. Not here: new tensors and ops
// (tile_build.h). Tested by slice/tile_test.cc.
#pragma once

#include <span>
#include <vector>

#include "dsperse/slice/tile_op.h"

namespace dsperse::slice {

/// One op of the untiled Program. ranges along `axis`, ascending, covering all that is read; they overlap where rows are
/// recomputed. An op that stays whole has one part and no range.
struct OpTiles {
  bool tiled = false;
  std::uint32_t axis = 0;
  std::vector<Range> ranges;
  std::vector<OpPart> parts;  ///< by tile
};

/// By op. requests: valid, each op at most once.
std::vector<OpTiles> plan_tiles(const quantize::Program& program, std::span<const TileRequest> requests, Halo halo);

}  // namespace dsperse::slice
