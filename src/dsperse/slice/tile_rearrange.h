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

/// f(TensorId&) for every operand in the order of op_inputs, g(WeightId&) in the order of op_weights.
template <class F, class G>
void for_each_id(decltype(quantize::Op::body)& body, F f, G g) {
  const auto linear = [&](auto& o) {
    f(o.x);
    g(o.w);
    if (o.bias) g(*o.bias);
  };
  if (auto* conv = std::get_if<quantize::Conv>(&body)) linear(*conv);
  if (auto* gemm = std::get_if<quantize::Gemm>(&body)) linear(*gemm);
  if (auto* average = std::get_if<quantize::AveragePool>(&body)) f(average->x);
  if (auto* maximum = std::get_if<quantize::MaxPool>(&body)) f(maximum->x);
  if (auto* sum = std::get_if<quantize::Sum>(&body))
    for (auto& t : sum->terms) t.is_weight ? g(t.id) : f(t.id);
  if (auto* r = std::get_if<quantize::Rearrange>(&body))
    for (auto& piece : r->pieces) f(piece.x);
}

}  // namespace dsperse::slice
