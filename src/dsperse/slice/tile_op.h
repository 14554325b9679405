// One op restricted to a part of its output along one axis: the op that makes it, and the boxes of its operands that it reads.
//
// Not here: which parts, where the operands come from (tile.cc). Tested by slice/tile_test.cc.
#pragma once

#include <optional>
#include <vector>

#include "dsperse/slice/tile.h"

namespace dsperse::slice {

/// Positions [begin, end) along an axis of an op's output.
struct Range {
  std::int64_t begin = 0, end = 0;
  friend bool operator==(const Range&, const Range&) = default;
};

/// The whole tensor; a part of it along one axis.
Box whole_box(const quantize::Shape& shape);
Box part_box(const quantize::Shape& shape, std::uint32_t axis, const Range& range);
quantize::Shape box_shape(const Box& box);
/// The axis along which a box is not whole; nullopt if there is none. (Boxes here are parts along one axis at most.)
std::optional<std::uint32_t> cut_axis(const quantize::Shape& shape, const Box& box);

/// Positions of the axis that must stay together: 1, or the outputs of a group of a Conv; 0: the op can't be cut along it.
std::int64_t tile_unit(const quantize::Program& program, const quantize::Op& op, std::uint32_t axis);

/// A part of an op. In `body` TensorIds are indices into `reads`, WeightIds indices into `weights`; y is not set.
struct OpPart {
  decltype(quantize::Op::body) body;
  std::vector<TensorPart> reads;          ///< in the order of quantize::op_inputs
  std::vector<WeightPart> weights;        ///< in the order of quantize::op_weights
  std::vector<quantize::Shape> w_shapes;  ///< of the parts
};

/// The part of the op that makes `range` (a multiple of the unit) of `axis`; the boxes are as small as the op allows.
OpPart cut_op(const quantize::Program& program, const quantize::Op& op, std::uint32_t axis, const Range& range);
/// The whole op in the same form.
OpPart whole_op(const quantize::Program& program, const quantize::Op& op);

}  // namespace dsperse::slice
