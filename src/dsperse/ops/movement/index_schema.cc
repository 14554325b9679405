// Schemas of the operators that choose elements by position: Pad, Slice, Gather.
#include <algorithm>
#include <limits>

#include "dsperse/ops/movement/movement.h"

namespace dsperse::ops {

using model::DType;
using model::InferCall;
using model::Shape;

Result<Pads> resolve_pads(const InferCall& call) {
  const std::size_t rank = call.inputs[0]->shape.size();
  std::vector<std::int64_t> amounts;
  Axes axes;
  if (call.opset < 11) {
    DSPERSE_TRY(amounts, call.node.ints_or("pads", {}));
  } else {
    DSPERSE_TRY(amounts, constant_ints(call, 1));
    if (call.opset >= 18) {
      DSPERSE_TRY(axes, axes_of(call, 18, 3));
    }
  }
  if (!axes.given)
    for (std::size_t i = 0; i < rank; ++i) axes.values.push_back(static_cast<std::int64_t>(i));
  const std::size_t n = axes.values.size();
  if (amounts.size() != 2 * n)
    return fail(ErrorKind::bad_input, std::to_string(amounts.size()) + " amounts, expected " + std::to_string(2 * n), "pads");
  Pads pads;
  DSPERSE_TRY(pads.mode, call.node.string_or("mode", "constant"));
  if (pads.mode != "constant" && pads.mode != "edge" && pads.mode != "reflect" && pads.mode != "wrap")
    return fail(ErrorKind::unsupported, "mode '" + pads.mode + "'", "attribute 'mode'");
  pads.begin.assign(rank, 0);
  pads.end.assign(rank, 0);
  std::vector<bool> seen(rank, false);
  for (std::size_t i = 0; i < n; ++i) {
    DSPERSE_TRY(const std::size_t axis, normal_axis(axes.values[i], rank, "axes"));
    if (seen[axis]) return fail(ErrorKind::bad_input, "axis " + std::to_string(axis) + " is given twice", "axes");
    seen[axis] = true;
    for (const std::int64_t amount : {amounts[i], amounts[n + i]}) {
      if (amount < -model::kMaxElements || amount > model::kMaxElements)
        return fail(ErrorKind::bad_input, "amount " + std::to_string(amount) + " is out of range", "pads");
      if (amount < 0 && pads.mode != "constant")
        return fail(ErrorKind::unsupported, "negative amount in mode '" + pads.mode + "'", "pads");
      if (pads.mode == "reflect" && amount >= std::max<std::int64_t>(call.inputs[0]->shape[axis], 1))
        return fail(
            ErrorKind::bad_input,
            "reflection of " + std::to_string(amount) + " reaches beyond shape " + model::shape_text(call.inputs[0]->shape),
            "pads");
    }
    pads.begin[axis] = amounts[i];
    pads.end[axis] = amounts[n + i];
  }
  return pads;
}

Result<float> pad_value(const InferCall& call) {
  if (call.opset < 11) return call.node.float_or("value", 0);
  if (!has_input(call, 2)) return 0.0F;
  const model::Tensor* value = call.inputs[2]->constant;
  if (value == nullptr) return fail(ErrorKind::unsupported, "fill depends on the model's input", input_text(call.node, 2));
  if (value->f.size() + value->i.size() != 1)
    return fail(ErrorKind::bad_input, "fill is not one value", input_text(call.node, 2));
  return value->f.empty() ? static_cast<float>(value->i[0]) : value->f[0];
}

Inferred infer_pad(const InferCall& call) {
  if (call.opset < 11)
    DSPERSE_CHECK_OK(expect_inputs(call, 1, 1));
  else
    DSPERSE_CHECK_OK(expect_inputs(call, 2, call.opset < 18 ? 3 : 4));
  DSPERSE_TRY(const Pads pads, resolve_pads(call));
  if (has_input(call, 2)) {
    const model::ValueInfo& value = *call.inputs[2];
    DSPERSE_TRY(const std::int64_t count, model::element_count(value.shape));
    if (count != 1 || value.dtype != call.inputs[0]->dtype)
      return fail(ErrorKind::bad_input, "fill is not one value of the data's type", input_text(call.node, 2));
  }
  Shape out = call.inputs[0]->shape;
  for (std::size_t i = 0; i < out.size(); ++i) {
    const std::int64_t extent = out[i] + pads.begin[i] + pads.end[i];
    if (extent < 0 || extent < pads.begin[i] || extent < pads.end[i])
      return fail(ErrorKind::bad_input, "more is cropped than there is", "pads");
    if (out[i] == 0 && extent > 0 && pads.mode != "constant") return fail(ErrorKind::bad_input, "nothing to repeat", "pads");
    out[i] = extent;
  }
  return one_output(call.inputs[0]->dtype, std::move(out));
}

Inferred infer_gather(const InferCall& call) {
  DSPERSE_CHECK_OK(expect_inputs(call, 2, 2));
  const Shape &x = call.inputs[0]->shape, &indices = call.inputs[1]->shape;
  if (call.inputs[1]->dtype != DType::i64) return fail(ErrorKind::bad_input, "integers expected", input_text(call.node, 1));
  DSPERSE_TRY(const std::int64_t axis, call.node.int_or("axis", 0));
  DSPERSE_TRY(const std::size_t at, normal_axis(axis, x.size(), "attribute 'axis'"));
  Shape out(x.begin(), x.begin() + static_cast<std::ptrdiff_t>(at));
  out.insert(out.end(), indices.begin(), indices.end());
  out.insert(out.end(), x.begin() + static_cast<std::ptrdiff_t>(at) + 1, x.end());
  return one_output(call.inputs[0]->dtype, std::move(out));
}

Result<std::vector<SliceAxis>> resolve_slice(const InferCall& call) {
  const Shape& x = call.inputs[0]->shape;
  std::vector<std::int64_t> starts, ends, axes, steps;
  if (call.opset < 10) {
    DSPERSE_TRY(starts, call.node.ints_or("starts", {}));
    DSPERSE_TRY(ends, call.node.ints_or("ends", {}));
  } else {
    DSPERSE_TRY(starts, constant_ints(call, 1));
    DSPERSE_TRY(ends, constant_ints(call, 2));
    if (has_input(call, 4)) {
      DSPERSE_TRY(steps, constant_ints(call, 4));
    }
  }
  DSPERSE_TRY(const Axes given, axes_of(call, 10, 3));
  axes = given.values;
  if (!given.given)
    for (std::size_t i = 0; i < starts.size(); ++i) axes.push_back(static_cast<std::int64_t>(i));
  if (steps.empty()) steps.assign(starts.size(), 1);
  if (ends.size() != starts.size() || axes.size() != starts.size() || steps.size() != starts.size())
    return fail(ErrorKind::bad_input, "starts, ends, axes and steps differ in length");
  std::vector<SliceAxis> out;
  for (const std::int64_t d : x) out.push_back({0, 1, d});
  std::vector<bool> seen(x.size(), false);
  for (std::size_t i = 0; i < starts.size(); ++i) {
    DSPERSE_TRY(const std::size_t axis, normal_axis(axes[i], x.size(), "axes"));
    const std::int64_t d = x[axis], step = steps[i];
    if (seen[axis]) return fail(ErrorKind::bad_input, "axis " + std::to_string(axis) + " is given twice", "axes");
    if (step == 0 || step == std::numeric_limits<std::int64_t>::min())
      return fail(ErrorKind::bad_input, "step " + std::to_string(step), "steps");
    seen[axis] = true;
    const auto place = [d](std::int64_t v, std::int64_t low, std::int64_t high) {
      return std::clamp(v < 0 ? v + d : v, low, high);
    };
    const std::int64_t start = step > 0 ? place(starts[i], 0, d) : place(starts[i], 0, std::max<std::int64_t>(d - 1, 0));
    const std::int64_t end = step > 0 ? place(ends[i], 0, d) : place(ends[i], -1, std::max<std::int64_t>(d - 1, 0));
    const std::int64_t span = step > 0 ? end - start : start - end, size = step > 0 ? step : -step;
    out[axis] = {start, step, d == 0 || span <= 0 ? 0 : (span - 1) / size + 1};
  }
  return out;
}

Inferred infer_slice(const InferCall& call) {
  if (call.opset < 10)
    DSPERSE_CHECK_OK(expect_inputs(call, 1, 1));
  else
    DSPERSE_CHECK_OK(expect_inputs(call, 3, 5));
  DSPERSE_TRY(const std::vector<SliceAxis> axes, resolve_slice(call));
  Shape out;
  for (const SliceAxis& axis : axes) out.push_back(axis.count);
  return one_output(call.inputs[0]->dtype, std::move(out));
}

}  // namespace dsperse::ops
