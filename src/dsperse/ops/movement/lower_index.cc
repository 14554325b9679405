// Gather, Slice, Split, Expand, Tile, ... : movements that are found from the operators' own values of numbered elements.
#include <algorithm>

#include "dsperse/ops/common/lower.h"
#include "dsperse/ops/lower.h"
#include "dsperse/ops/movement/move.h"
#include "dsperse/ops/movement/movement.h"
#include "dsperse/ops/movement/parts.h"
#include "dsperse/ops/movement/pick.h"
#include "dsperse/ops/movement/select.h"

namespace dsperse::ops {

using model::Node;
using model::Shape;
using model::Tensor;
using quantize::Lowering;
using quantize::Value;

namespace {

/// Largest table that computed indices choose from, and most elements of their indicators.
constexpr std::int64_t kMostRows = 1 << 16, kMostIndicators = 1 << 22;

/// Indices that depend on the input into a constant table: an indicator row for each, times the table.
Status choose_rows(Lowering& l, const Node& node, const Tensor& table) {
  DSPERSE_TRY(const Value indices, l.tensor(node, 1));
  DSPERSE_TRY(const std::int64_t stated, node.int_or("axis", 0));
  DSPERSE_TRY(const std::size_t axis, normal_axis(stated, table.shape.size(), "attribute 'axis'"));
  const auto [outer, rows, inner] = split_at(table.shape, axis);
  const std::int64_t count = quantize::elements(indices.view.shape);
  if (table.dtype != model::DType::f32)
    return fail(ErrorKind::unsupported, "a table of integers is read at indices that depend on the model's input",
                input_text(node, 0));
  if (rows > kMostRows || count > kMostIndicators / rows)
    return fail(ErrorKind::unsupported,
                std::to_string(count) + " indices that depend on the model's input into a table of " + std::to_string(rows) +
                    " rows; at most 65536 rows and 2^22 rows times indices work",
                input_text(node, 1), "shorten the sequence, or give the model the rows themselves as its input");
  const std::string& name = node.inputs[1];
  Shape shape = indices.view.shape;
  shape.push_back(rows);
  const std::vector<std::int64_t> none(static_cast<std::size_t>(quantize::elements(shape)), -1);
  const Node indicators = l.inner(node, "indicators", {shape, name, none, false});
  DSPERSE_CHECK_OK(l.one_hot(indicators, indices, rows));
  // The table as (outer, inner | rows): (indices, outer, inner) is the result but for the order of axes.
  std::vector<float> w(table.f.size());
  for (std::int64_t o = 0; o < outer; ++o)
    for (std::int64_t r = 0; r < rows; ++r)
      for (std::int64_t i = 0; i < inner; ++i)
        w[static_cast<std::size_t>((o * inner + i) * rows + r)] = table.f[static_cast<std::size_t>((o * rows + r) * inner + i)];
  if (axis == 0 && table.shape.size() == 2) return l.gemm(node, l.value_of(indicators), std::move(w), {});
  shape.back() = outer * inner;
  std::vector<std::int64_t> element;  // of the result, for each of (indices, outer, inner)
  for (std::int64_t k = 0; k < count; ++k)
    for (std::int64_t o = 0; o < outer; ++o)
      for (std::int64_t i = 0; i < inner; ++i) element.push_back((o * count + k) * inner + i);
  std::vector<std::int64_t> from(element.size());
  for (std::size_t i = 0; i < element.size(); ++i) from[static_cast<std::size_t>(element[i])] = static_cast<std::int64_t>(i);
  const Node chosen = l.inner(node, "rows", {shape, node.outputs[0], element, false});
  DSPERSE_CHECK_OK(l.gemm(chosen, l.value_of(indicators), std::move(w), {}));
  return l.move(node, {l.value_of(chosen)}, from);
}

/// What is added, alone among zeros, plus the data.
Status scatter(Lowering& l, const Node& node, Evaluated (*evaluate)(const model::EvaluateCall&)) {
  DSPERSE_TRY(const std::string reduction, node.string_or("reduction", "none"));
  if (reduction == "none") return lower_moved(l, node, {0, 2}, evaluate);
  const Tensor* indices = l.constant(node, 1);
  if (reduction != "add" || indices == nullptr)
    return fail(ErrorKind::unsupported, "reduction '" + reduction + "' with these indices has no integer form",
                "attribute 'reduction'", "only sums at constant indices work");
  DSPERSE_TRY(const Value x, l.tensor(node, 0));
  DSPERSE_TRY(const Value updates, l.tensor(node, 2));
  // Twice the same element is a sum of several updates: told by adding ones.
  Tensor zero = model::int_tensor(x.view.shape, {}), numbers = model::int_tensor(updates.view.shape, {});
  zero.i.assign(static_cast<std::size_t>(quantize::elements(zero.shape)), 0);
  numbers.i.assign(static_cast<std::size_t>(quantize::elements(numbers.shape)), 1);
  const std::vector<const Tensor*> inputs{&zero, indices, &numbers};
  DSPERSE_TRY(const auto times, evaluate({node, l.graph().opset, inputs}));
  if (std::ranges::any_of(times[0].i, [](auto n) { return n > 1; }))
    return fail(ErrorKind::unsupported, "several updates are added to one element", input_text(node, 1),
                "add the updates before they are scattered");
  for (std::size_t i = 0; i < numbers.i.size(); ++i) numbers.i[i] = static_cast<std::int64_t>(i) + 1;
  DSPERSE_TRY(const auto moved, evaluate({node, l.graph().opset, inputs}));
  std::vector<std::int64_t> index = moved[0].i;
  for (auto& i : index) --i;
  const Node spread = l.inner(node, "updates", {x.view.shape, node.inputs[2], index, false});
  DSPERSE_CHECK_OK(l.move(spread, {updates}, index));
  return l.sum(node, {{x, {}, {}, 1}, {l.value_of(spread), {}, {}, 1}});
}

}  // namespace

Status lower_gather(Lowering& l, const Node& node) {
  if (l.constant(node, 1) != nullptr) return lower_moved(l, node, {0}, evaluate_gather);
  if (const Tensor* table = l.constant(node, 0)) return choose_rows(l, node, *table);
  return fail(ErrorKind::unsupported, "data and indices both depend on the model's input", input_text(node, 1),
              "constant indices, or a constant table, work");
}

Status lower_slice(Lowering& l, const Node& node) { return lower_moved(l, node, {0}, evaluate_slice); }
Status lower_split(Lowering& l, const Node& node) { return lower_moved(l, node, {0}, evaluate_split); }
Status lower_expand(Lowering& l, const Node& node) { return lower_moved(l, node, {0}, evaluate_expand); }
Status lower_tile(Lowering& l, const Node& node) { return lower_moved(l, node, {0}, evaluate_tile); }
Status lower_center_crop_pad(Lowering& l, const Node& node) { return lower_moved(l, node, {0}, evaluate_center_crop_pad); }
Status lower_trilu(Lowering& l, const Node& node) { return lower_moved(l, node, {0}, evaluate_trilu); }
Status lower_reverse_sequence(Lowering& l, const Node& node) { return lower_moved(l, node, {0}, evaluate_reverse_sequence); }
Status lower_depth_to_space(Lowering& l, const Node& node) { return lower_moved(l, node, {0}, evaluate_depth_to_space); }
Status lower_space_to_depth(Lowering& l, const Node& node) { return lower_moved(l, node, {0}, evaluate_space_to_depth); }
Status lower_gather_elements(Lowering& l, const Node& node) { return lower_moved(l, node, {0}, evaluate_gather_elements); }
Status lower_gather_nd(Lowering& l, const Node& node) { return lower_moved(l, node, {0}, evaluate_gather_nd); }
Status lower_compress(Lowering& l, const Node& node) { return lower_moved(l, node, {0}, evaluate_compress); }

Status lower_scatter_elements(Lowering& l, const Node& node) { return scatter(l, node, evaluate_scatter_elements); }
Status lower_scatter_nd(Lowering& l, const Node& node) { return scatter(l, node, evaluate_scatter_nd); }

}  // namespace dsperse::ops
