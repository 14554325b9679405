// The parts of quantize/move.cc that know one axis or one piece: runs along an axis, and a box as a Rearrange's piece.
//
// Tested by quantize/move_test.cc.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "dsperse/quantize/move.h"

namespace dsperse::quantize {

/// Positions begin, begin + 1, ... of one letter, `step` apart in the source. 0: all positions read the same.
struct Run {
  std::int64_t begin = 0, length = 1, step = 0;
};

/// Part of an axis: one run for each of its letters; `at`: source index where all runs begin.
struct LinePart {
  std::int64_t at = 0;
  std::vector<Run> runs;
};

/// One axis as letters (a refinement of its length) and the parts that are no holes.
struct Line {
  Shape letters;
  std::vector<LinePart> parts;
};

/// The axis as one letter. f: source index of every position, or SeparableMap::kHole.
Line plain_line(const std::vector<std::int64_t>& f);
/// The axis in the letters that need the fewest parts: repetition, interleaving.
Line refined_line(const std::vector<std::int64_t>& f);

/// A box of letters read with one step per letter; `at`: index in the source where all runs begin.
struct MovedBox {
  std::int64_t at = 0;
  std::vector<Run> runs;
};

/// The piece that covers exactly this box; nothing if axis maps cannot say where it ends. letters: sizes of y's letters.
std::optional<Rearrange::Piece> express(const MovedBox& box, const Shape& letters, const MoveSource& source);

}  // namespace dsperse::quantize
