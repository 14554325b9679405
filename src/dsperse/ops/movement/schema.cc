#include <algorithm>

#include "dsperse/ops/movement/movement.h"

namespace dsperse::ops {

using model::DType;
using model::InferCall;
using model::Shape;

Inferred infer_flatten(const InferCall& call) {
  DSPERSE_CHECK_OK(expect_inputs(call, 1, 1));
  const Shape& x = call.inputs[0]->shape;
  DSPERSE_TRY(const std::int64_t axis, call.node.int_or("axis", 1));
  // Position `rank` is allowed, negative ones count from the rank.
  const auto rank = static_cast<std::int64_t>(x.size());
  if (axis < -rank || axis > rank)
    return fail(ErrorKind::bad_input, "axis " + std::to_string(axis) + " for shape " + model::shape_text(x), "attribute 'axis'");
  const auto split = x.begin() + (axis < 0 ? axis + rank : axis);
  DSPERSE_TRY(const std::int64_t rows, model::element_count({x.begin(), split}));
  DSPERSE_TRY(const std::int64_t columns, model::element_count({split, x.end()}));
  return one_output(call.inputs[0]->dtype, {rows, columns});
}

Inferred infer_reshape(const InferCall& call) {
  DSPERSE_CHECK_OK(expect_inputs(call, 2, 2));
  const Shape& x = call.inputs[0]->shape;
  DSPERSE_TRY(const std::int64_t count, model::element_count(x));
  DSPERSE_TRY(Shape out, constant_ints(call, 1));
  DSPERSE_TRY(const std::int64_t allow_zero, call.node.int_or("allowzero", 0));
  const auto wrong = [&](const std::string& why) {
    return fail(ErrorKind::bad_input,
                "shape " + model::shape_text(x) + " does not reshape to [" + model::shape_text(out) + "]: " + why,
                input_text(call.node, 1));
  };
  std::ptrdiff_t open = -1;
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (out[i] == 0 && allow_zero == 0) {
      if (i >= x.size()) return wrong("0 at position " + std::to_string(i) + " copies no dimension");
      out[i] = x[i];
    } else if (out[i] == -1) {
      if (open >= 0) return wrong("more than one -1");
      open = static_cast<std::ptrdiff_t>(i);
    }
  }
  if (open >= 0) {
    out[static_cast<std::size_t>(open)] = 1;
    const auto rest = model::element_count(out);
    if (!rest || *rest == 0 || count % *rest != 0) return wrong("-1 has no whole value");
    out[static_cast<std::size_t>(open)] = count / *rest;
  }
  const auto total = model::element_count(out);
  if (!total || *total != count) return wrong("element counts differ");
  return one_output(call.inputs[0]->dtype, std::move(out));
}

Inferred infer_squeeze(const InferCall& call) {
  DSPERSE_CHECK_OK(expect_inputs(call, 1, call.opset < 13 ? 1 : 2));
  const Shape& x = call.inputs[0]->shape;
  DSPERSE_TRY(const Axes axes, axes_of(call, 13, 1));
  std::vector<bool> drop(x.size(), false);
  if (!axes.given)
    for (std::size_t i = 0; i < x.size(); ++i) drop[i] = x[i] == 1;
  for (const std::int64_t axis : axes.values) {
    DSPERSE_TRY(const std::size_t i, normal_axis(axis, x.size(), "axes"));
    if (x[i] != 1)
      return fail(ErrorKind::bad_input, "axis " + std::to_string(axis) + " of shape " + model::shape_text(x) + " is not 1",
                  "axes");
    drop[i] = true;
  }
  Shape out;
  for (std::size_t i = 0; i < x.size(); ++i)
    if (!drop[i]) out.push_back(x[i]);
  return one_output(call.inputs[0]->dtype, std::move(out));
}

Inferred infer_unsqueeze(const InferCall& call) {
  DSPERSE_CHECK_OK(expect_inputs(call, call.opset < 13 ? 1 : 2, call.opset < 13 ? 1 : 2));
  const Shape& x = call.inputs[0]->shape;
  DSPERSE_TRY(const Axes axes, axes_of(call, 13, 1));
  if (!axes.given) return fail(ErrorKind::bad_input, "axes are missing", "axes");
  std::vector<bool> fresh(x.size() + axes.values.size(), false);
  for (const std::int64_t axis : axes.values) {
    DSPERSE_TRY(const std::size_t i, normal_axis(axis, fresh.size(), "axes"));
    if (fresh[i]) return fail(ErrorKind::bad_input, "axis " + std::to_string(axis) + " is given twice", "axes");
    fresh[i] = true;
  }
  Shape out;
  auto next = x.begin();
  for (const bool is_new : fresh) out.push_back(is_new ? 1 : *next++);
  return one_output(call.inputs[0]->dtype, std::move(out));
}

Inferred infer_transpose(const InferCall& call) {
  DSPERSE_CHECK_OK(expect_inputs(call, 1, 1));
  const Shape& x = call.inputs[0]->shape;
  DSPERSE_TRY(const std::vector<std::size_t> perm, permutation(call.node, x.size()));
  Shape out;
  for (const std::size_t axis : perm) out.push_back(x[axis]);
  return one_output(call.inputs[0]->dtype, std::move(out));
}

Result<std::vector<std::size_t>> permutation(const model::Node& node, std::size_t rank) {
  std::vector<std::int64_t> reversed;
  for (std::size_t i = rank; i-- > 0;) reversed.push_back(static_cast<std::int64_t>(i));
  DSPERSE_TRY(const std::vector<std::int64_t> perm, node.ints_or("perm", reversed));
  if (!std::ranges::is_permutation(perm, reversed))
    return fail(ErrorKind::bad_input, "not a permutation of " + std::to_string(rank) + " axes", "attribute 'perm'");
  return std::vector<std::size_t>(perm.begin(), perm.end());
}

Inferred infer_concat(const InferCall& call) {
  DSPERSE_CHECK_OK(expect_inputs(call, 1, call.inputs.size()));
  if (!call.node.attributes.contains("axis")) return fail(ErrorKind::bad_input, "attribute is missing", "attribute 'axis'");
  DSPERSE_TRY(const std::int64_t axis, call.node.int_or("axis", 0));
  Shape out = call.inputs[0]->shape;
  DSPERSE_TRY(const std::size_t at, normal_axis(axis, out.size(), "attribute 'axis'"));
  for (std::size_t i = 1; i < call.inputs.size(); ++i) {
    if (!has_input(call, i)) return fail(ErrorKind::bad_input, "input is missing", input_text(call.node, i));
    const model::ValueInfo& x = *call.inputs[i];
    if (x.dtype != call.inputs[0]->dtype)
      return fail(ErrorKind::bad_input, "type differs from the first input's", input_text(call.node, i));
    Shape expected = out;
    if (x.shape.size() == out.size()) expected[at] = x.shape[at];
    if (x.shape != expected)
      return fail(
          ErrorKind::bad_input,
          "shape " + model::shape_text(x.shape) + " does not fit " + model::shape_text(out) + " along axis " + std::to_string(at),
          input_text(call.node, i));
    out[at] += x.shape[at];
    DSPERSE_CHECK_OK(model::element_count(out));
  }
  return one_output(call.inputs[0]->dtype, std::move(out));
}

Inferred infer_constant(const InferCall& call) {
  DSPERSE_CHECK_OK(expect_inputs(call, 0, 0));
  const auto& attributes = call.node.attributes;
  if (attributes.size() != 1) return fail(ErrorKind::bad_input, "exactly one attribute is expected");
  const auto& [key, value] = *attributes.begin();
  const auto size = [](const auto& list) { return static_cast<std::int64_t>(list.size()); };
  if (const auto* t = std::get_if<model::Tensor>(&value); t != nullptr && key == "value") return one_output(t->dtype, t->shape);
  if (std::holds_alternative<float>(value) && key == "value_float") return one_output(DType::f32, {});
  if (std::holds_alternative<std::int64_t>(value) && key == "value_int") return one_output(DType::i64, {});
  if (const auto* f = std::get_if<std::vector<float>>(&value); f != nullptr && key == "value_floats")
    return one_output(DType::f32, {size(*f)});
  if (const auto* n = std::get_if<std::vector<std::int64_t>>(&value); n != nullptr && key == "value_ints")
    return one_output(DType::i64, {size(*n)});
  return fail(ErrorKind::unsupported, "constant of this kind", "attribute '" + key + "'");
}

Inferred infer_shape_of(const InferCall& call) {
  DSPERSE_CHECK_OK(expect_inputs(call, 1, 1));
  const auto rank = static_cast<std::int64_t>(call.inputs[0]->shape.size());
  DSPERSE_TRY(std::int64_t start, call.node.int_or("start", 0));
  DSPERSE_TRY(std::int64_t end, call.node.int_or("end", rank));
  start = std::clamp<std::int64_t>(start < 0 ? start + rank : start, 0, rank);
  end = std::clamp<std::int64_t>(end < 0 ? end + rank : end, 0, rank);
  return one_output(DType::i64, {std::max<std::int64_t>(0, end - start)});
}

Inferred infer_constant_of_shape(const InferCall& call) {
  DSPERSE_CHECK_OK(expect_inputs(call, 1, 1));
  DSPERSE_TRY(Shape shape, constant_ints(call, 0));
  DType dtype = DType::f32;
  if (const auto it = call.node.attributes.find("value"); it != call.node.attributes.end()) {
    const auto* value = std::get_if<model::Tensor>(&it->second);
    if (value == nullptr || value->f.size() + value->i.size() != 1)
      return fail(ErrorKind::bad_input, "one element is expected", "attribute 'value'");
    dtype = value->dtype;
  }
  return one_output(dtype, std::move(shape));
}

}  // namespace dsperse::ops
