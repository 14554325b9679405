// Parts in their final order: a topological order near the keys, readers within their limit, numbers.
//
// Not here: what the parts are (tile_build.h). Tested by slice/tile_test.cc.
#pragma once

#include "dsperse/slice/tile_build.h"

namespace dsperse::slice {

/// The earliest key first among the ops whose operands are there.
void sort_parts(Parts& parts);
/// Drops tiles and Rearranges of tiles that nobody reads (rows between two strides).
void drop_unread(Parts& parts);
/// Of sorted parts: a tensor that is no output and that a tile makes or reads gets at most kMaxConsumers reading ops, further
/// ones read a copy (of what they need) that is made before the first of them.
void limit_readers(Parts& parts);
/// Numbers tensors (inputs, then in the order of the ops) and weights (by the old ones).
Tiled number_parts(Parts parts, const quantize::Program& program);

}  // namespace dsperse::slice
