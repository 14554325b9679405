// Reshape, Flatten, Squeeze, Unsqueeze, Transpose: layouts only. Concat and Pad move data.
#include "dsperse/ops/common/lower.h"

#include <numeric>

#include "dsperse/ops/lower.h"
#include "dsperse/ops/movement/move.h"
#include "dsperse/ops/movement/movement.h"

namespace dsperse::ops {

using model::Node;
using quantize::Lowering;
using quantize::Value;

namespace {

std::vector<std::size_t> every_input(const Node& node) {
  std::vector<std::size_t> all(node.inputs.size());
  std::iota(all.begin(), all.end(), std::size_t{0});
  return all;
}

}  // namespace

Status lower_reshape(Lowering& l, const Node& node) {
  DSPERSE_TRY(const Value x, l.tensor(node, 0));
  return l.reshape(node, x);
}

Status lower_transpose(Lowering& l, const Node& node) {
  DSPERSE_TRY(const Value x, l.tensor(node, 0));
  DSPERSE_TRY(const std::vector<std::size_t> perm, permutation(node, x.view.shape.size()));
  l.alias(node, x, quantize::transposed(x.view, std::vector<std::uint32_t>(perm.begin(), perm.end())));
  return {};
}

Status lower_concat(Lowering& l, const Node& node) {
  const std::size_t rank = l.shape(node.outputs[0]).size();
  DSPERSE_TRY(std::int64_t axis, node.int_or("axis", 0));
  if (axis < 0) axis += static_cast<std::int64_t>(rank);
  std::vector<quantize::Placed> pieces;
  std::int64_t at = 0;
  for (std::size_t i = 0; i < node.inputs.size(); ++i) {
    if (l.constant(node, i) != nullptr) return lower_moved(l, node, every_input(node), evaluate_concat);
    DSPERSE_TRY(Value x, l.tensor(node, i));
    std::vector<std::int64_t> offset(rank, 0);
    offset[static_cast<std::size_t>(axis)] = at;
    at += x.view.shape[static_cast<std::size_t>(axis)];
    pieces.push_back({std::move(x), std::move(offset)});
  }
  return l.place(node, std::move(pieces), 0);
}

Status lower_pad(Lowering& l, const Node& node) {
  DSPERSE_TRY(Value x, l.tensor(node, 0));
  const NodeInputs inputs(l, node);
  DSPERSE_TRY(const Pads pads, resolve_pads(inputs.call()));
  if (pads.mode != "constant") {
    Node alone = node;  // without the fill, which is not used
    if (l.graph().opset >= 11 && alone.inputs.size() > 2) alone.inputs[2].clear();
    return lower_moved(l, alone, {0}, evaluate_pad);
  }
  DSPERSE_TRY(const float fill, pad_value(inputs.call()));
  return l.place(node, {{std::move(x), pads.begin}}, static_cast<double>(fill));
}

}  // namespace dsperse::ops
