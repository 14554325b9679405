// Rearranges of boxes: a Rearrange restricted to a part of its output, and those that copy, cut out and put together.
//
// Tested by slice/tile_test.cc.
#pragma once

#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "dsperse/slice/tile_op.h"

namespace dsperse::slice {

/// The letter that runs along exactly this axis of y; nullopt if its axis is split over letters or joined with another.
std::optional<std::uint32_t> rearrange_letter(const quantize::Program& program, const quantize::Rearrange& r, std::uint32_t axis);

/// The part that makes `range` of an axis that has a letter. Pieces that lie outside of it are dropped; of an operand that the
/// letter indexes alone along one of its axes, only that part is read. TensorIds are indices into the reads.
std::pair<quantize::Rearrange, std::vector<TensorPart>> cut_rearrange(const quantize::Program& program,
                                                                      const quantize::Rearrange& r, std::uint32_t axis,
                                                                      const Range& range);

/// A box put together from boxes of the same tensor, which cover it without overlap or contain it. Piece i reads operand i.
/// fill: any value in the tensor's range (nothing is filled).
quantize::Rearrange move_box(const Box& to, std::span<const Box> from, std::int64_t fill);

}  // namespace dsperse::slice
