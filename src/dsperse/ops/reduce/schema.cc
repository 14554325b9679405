#include <algorithm>

#include "dsperse/ops/reduce/reduce.h"

namespace dsperse::ops {

using model::DType;
using model::InferCall;
using model::Shape;
using model::ValueInfo;

Result<Reduction> reduction_of(const InferCall& call) {
  const bool sum = call.node.op == "ReduceSum";
  const std::int64_t since = sum ? 13 : 18;
  DSPERSE_CHECK_OK(expect_inputs(call, 1, call.opset < since ? 1 : 2));
  DSPERSE_TRY(const Axes axes, axes_of(call, since, 1));
  DSPERSE_TRY(const std::int64_t keep, call.node.int_or("keepdims", 1));
  DSPERSE_TRY(const std::int64_t no_op, call.node.int_or("noop_with_empty_axes", 0));
  const Shape& shape = call.inputs[0]->shape;
  std::vector<bool> gone(shape.size(), axes.values.empty() && no_op == 0);
  for (const std::int64_t a : axes.values) {
    DSPERSE_TRY(const std::size_t axis, normal_axis(a, shape.size(), "axes"));
    gone[axis] = true;
  }
  Reduction out{{}, keep != 0, {}};
  for (std::size_t k = 0; k < shape.size(); ++k) {
    if (gone[k]) out.axes.push_back(k);
    if (!gone[k] || out.keep) out.out.push_back(gone[k] ? 1 : shape[k]);
  }
  return out;
}

Inferred infer_reduce(const InferCall& call) {
  DSPERSE_TRY(Reduction r, reduction_of(call));
  const DType dtype = call.inputs[0]->dtype;
  const std::string& op = call.node.op;
  const bool logarithm = op == "ReduceLogSum" || op == "ReduceLogSumExp" || op == "ReduceL2";
  const bool extreme = op == "ReduceMax" || op == "ReduceMin";
  if (logarithm || (dtype == DType::boolean && !extreme)) DSPERSE_CHECK_OK(expect_float(call, 0));
  const Shape& shape = call.inputs[0]->shape;
  if ((extreme || op == "ReduceMean") && std::ranges::any_of(r.axes, [&](std::size_t k) { return shape[k] == 0; }))
    return fail(ErrorKind::unsupported, "reduces an axis without elements", input_text(call.node, 0));
  return one_output(dtype, std::move(r.out));
}

Inferred infer_arg(const InferCall& call) {
  DSPERSE_CHECK_OK(expect_inputs(call, 1, 1));
  Shape shape = call.inputs[0]->shape;
  DSPERSE_TRY(const std::int64_t given, call.node.int_or("axis", 0));
  DSPERSE_TRY(const std::size_t axis, normal_axis(given, shape.size(), "attribute 'axis'"));
  DSPERSE_TRY(const std::int64_t keep, call.node.int_or("keepdims", 1));
  DSPERSE_CHECK_OK(call.node.int_or("select_last_index", 0));
  if (call.inputs[0]->dtype == DType::boolean)
    return fail(ErrorKind::bad_input, "boolean tensor where numbers are expected", input_text(call.node, 0));
  if (shape[axis] == 0) return fail(ErrorKind::bad_input, "an axis without elements has no extreme", input_text(call.node, 0));
  if (keep != 0)
    shape[axis] = 1;
  else
    shape.erase(shape.begin() + static_cast<std::ptrdiff_t>(axis));
  return one_output(DType::i64, std::move(shape));
}

Inferred infer_cum_sum(const InferCall& call) {
  DSPERSE_CHECK_OK(expect_inputs(call, 2, 2));
  if (call.inputs[0]->dtype == DType::boolean)
    return fail(ErrorKind::bad_input, "boolean tensor where numbers are expected", input_text(call.node, 0));
  DSPERSE_TRY(const auto axis, constant_ints(call, 1));
  if (axis.size() != 1) return fail(ErrorKind::bad_input, "is not one axis", input_text(call.node, 1));
  DSPERSE_CHECK_OK(normal_axis(axis[0], call.inputs[0]->shape.size(), input_text(call.node, 1)));
  DSPERSE_CHECK_OK(call.node.int_or("exclusive", 0));
  DSPERSE_CHECK_OK(call.node.int_or("reverse", 0));
  return one_output(call.inputs[0]->dtype, call.inputs[0]->shape);
}

Result<TopK> top_k_of(const InferCall& call) {
  const bool attribute = call.opset < 10;
  DSPERSE_CHECK_OK(expect_inputs(call, attribute ? 1 : 2, attribute ? 1 : 2));
  const Shape& shape = call.inputs[0]->shape;
  DSPERSE_TRY(const std::int64_t given, call.node.int_or("axis", -1));
  TopK out;
  DSPERSE_TRY(out.axis, normal_axis(given, shape.size(), "attribute 'axis'"));
  std::string where = "attribute 'k'";
  if (attribute) {
    DSPERSE_TRY(out.k, call.node.int_or("k", 0));
  } else {
    DSPERSE_TRY(const auto k, constant_ints(call, 1));
    where = input_text(call.node, 1);
    if (k.size() != 1) return fail(ErrorKind::bad_input, "is not one number", where);
    out.k = k[0];
  }
  if (out.k < 0 || out.k > shape[out.axis])
    return fail(ErrorKind::bad_input,
                std::to_string(out.k) + " of " + std::to_string(shape[out.axis]) + " elements are asked for", where);
  return out;
}

Inferred infer_top_k(const InferCall& call) {
  DSPERSE_TRY(const TopK form, top_k_of(call));
  DSPERSE_CHECK_OK(call.node.int_or("largest", 1));
  DSPERSE_CHECK_OK(call.node.int_or("sorted", 1));
  if (call.inputs[0]->dtype == DType::boolean)
    return fail(ErrorKind::bad_input, "boolean tensor where numbers are expected", input_text(call.node, 0));
  Shape shape = call.inputs[0]->shape;
  shape[form.axis] = form.k;
  DSPERSE_TRY([[maybe_unused]] const std::int64_t count, model::element_count(shape));
  return std::vector<ValueInfo>{{call.inputs[0]->dtype, shape, nullptr}, {DType::i64, shape, nullptr}};
}

Result<OneHotForm> one_hot_of(const InferCall& call) {
  DSPERSE_CHECK_OK(expect_inputs(call, 3, 3));
  OneHotForm out;
  DSPERSE_TRY(const std::int64_t given, call.node.int_or("axis", -1));
  DSPERSE_TRY(out.axis, normal_axis(given, call.inputs[0]->shape.size() + 1, "attribute 'axis'"));
  const model::Tensor* depth = call.inputs[1]->constant;
  if (depth == nullptr) return fail(ErrorKind::unsupported, "depth depends on the model's input", input_text(call.node, 1));
  if (depth->f.size() + depth->i.size() != 1) return fail(ErrorKind::bad_input, "is not one number", input_text(call.node, 1));
  constexpr std::int64_t kMost = std::int64_t{1} << 30;
  const double value = depth->i.empty() ? static_cast<double>(depth->f[0]) : static_cast<double>(depth->i[0]);
  if (!(value >= 1 && value <= static_cast<double>(kMost)))
    return fail(ErrorKind::bad_input, "depth is not in [1, 2^30]", input_text(call.node, 1));
  out.depth = static_cast<std::int64_t>(value);
  return out;
}

Inferred infer_one_hot(const InferCall& call) {
  DSPERSE_TRY(const OneHotForm form, one_hot_of(call));
  const ValueInfo& values = *call.inputs[2];
  if (values.shape != Shape{2})
    return fail(ErrorKind::bad_input, "off and on value expected, not shape " + model::shape_text(values.shape),
                input_text(call.node, 2));
  if (call.inputs[0]->dtype == DType::boolean) return fail(ErrorKind::bad_input, "boolean indices", input_text(call.node, 0));
  Shape shape = call.inputs[0]->shape;
  if (shape.size() >= model::kMaxRank) return fail(ErrorKind::unsupported, "more axes than any tensor has");
  shape.insert(shape.begin() + static_cast<std::ptrdiff_t>(form.axis), form.depth);
  return one_output(values.dtype, std::move(shape));
}

}  // namespace dsperse::ops
