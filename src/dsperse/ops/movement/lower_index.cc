// Gather, Slice, Split, Expand, Tile, ... : movements that are found from the operators' own values of numbered elements.
#include "dsperse/ops/common/lower.h"

#include "dsperse/ops/lower.h"
#include "dsperse/ops/movement/move.h"
#include "dsperse/ops/movement/movement.h"
#include "dsperse/ops/movement/parts.h"
#include "dsperse/ops/movement/select.h"

namespace dsperse::ops {

using model::Node;
using quantize::Lowering;

namespace {

Status no_reduction(const Node& node) {
  DSPERSE_TRY(const std::string reduction, node.string_or("reduction", "none"));
  if (reduction == "none") return {};
  return fail(ErrorKind::unsupported, "reduction '" + reduction + "' has no integer form", "attribute 'reduction'",
              "scatter into zeros and join the result in the model");
}

}  // namespace

Status lower_slice(Lowering& l, const Node& node) { return lower_moved(l, node, {0}, evaluate_slice); }
Status lower_split(Lowering& l, const Node& node) { return lower_moved(l, node, {0}, evaluate_split); }
Status lower_expand(Lowering& l, const Node& node) { return lower_moved(l, node, {0}, evaluate_expand); }
Status lower_tile(Lowering& l, const Node& node) { return lower_moved(l, node, {0}, evaluate_tile); }
Status lower_center_crop_pad(Lowering& l, const Node& node) { return lower_moved(l, node, {0}, evaluate_center_crop_pad); }
Status lower_trilu(Lowering& l, const Node& node) { return lower_moved(l, node, {0}, evaluate_trilu); }
Status lower_reverse_sequence(Lowering& l, const Node& node) { return lower_moved(l, node, {0}, evaluate_reverse_sequence); }
Status lower_depth_to_space(Lowering& l, const Node& node) { return lower_moved(l, node, {0}, evaluate_depth_to_space); }
Status lower_space_to_depth(Lowering& l, const Node& node) { return lower_moved(l, node, {0}, evaluate_space_to_depth); }
Status lower_gather(Lowering& l, const Node& node) { return lower_moved(l, node, {0}, evaluate_gather); }
Status lower_gather_elements(Lowering& l, const Node& node) { return lower_moved(l, node, {0}, evaluate_gather_elements); }
Status lower_gather_nd(Lowering& l, const Node& node) { return lower_moved(l, node, {0}, evaluate_gather_nd); }
Status lower_compress(Lowering& l, const Node& node) { return lower_moved(l, node, {0}, evaluate_compress); }

Status lower_scatter_elements(Lowering& l, const Node& node) {
  DSPERSE_CHECK_OK(no_reduction(node));
  return lower_moved(l, node, {0, 2}, evaluate_scatter_elements);
}

Status lower_scatter_nd(Lowering& l, const Node& node) {
  DSPERSE_CHECK_OK(no_reduction(node));
  return lower_moved(l, node, {0, 2}, evaluate_scatter_nd);
}

}  // namespace dsperse::ops
