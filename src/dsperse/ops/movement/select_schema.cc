#include <algorithm>
#include <array>

#include "dsperse/ops/movement/select.h"

namespace dsperse::ops {

using model::DType;
using model::InferCall;
using model::Shape;
using model::Tensor;
using model::ValueInfo;

namespace {

Status expect_indices(const InferCall& call, std::size_t i) {
  if (call.inputs[i]->dtype == DType::i64) return {};
  return fail(ErrorKind::bad_input, "integers expected", input_text(call.node, i));
}

Status expect_reduction(const InferCall& call) {
  DSPERSE_TRY(const std::string reduction, call.node.string_or("reduction", "none"));
  static constexpr std::array kKnown{"none", "add", "mul", "max", "min"};
  if (std::ranges::find(kKnown, reduction) != kKnown.end()) return {};
  return fail(ErrorKind::bad_input, "reduction '" + reduction + "'", "attribute 'reduction'");
}

/// Axis of operators that work on one, and indices that are nowhere longer than the data beside it.
Status expect_elements(const InferCall& call) {
  DSPERSE_CHECK_OK(expect_indices(call, 1));
  const Shape &x = call.inputs[0]->shape, &indices = call.inputs[1]->shape;
  DSPERSE_CHECK_OK(expect_rank(call, 1, x.size(), x.size()));
  DSPERSE_TRY(const std::int64_t axis, call.node.int_or("axis", 0));
  DSPERSE_TRY(const std::size_t at, normal_axis(axis, x.size(), "attribute 'axis'"));
  for (std::size_t k = 0; k < x.size(); ++k)
    if (k != at && indices[k] > x[k])
      return fail(ErrorKind::bad_input,
                  "shape " + model::shape_text(indices) + " reaches beyond the data's, " + model::shape_text(x),
                  input_text(call.node, 1));
  return {};
}

/// Axes that one index of a GatherND or ScatterND names.
Result<std::size_t> tuple_length(const InferCall& call, std::size_t batch) {
  const Shape &x = call.inputs[0]->shape, &indices = call.inputs[1]->shape;
  DSPERSE_CHECK_OK(expect_indices(call, 1));
  if (x.empty() || indices.size() <= batch)
    return fail(ErrorKind::bad_input, "shape " + model::shape_text(indices) + " holds no indices", input_text(call.node, 1));
  const std::int64_t n = indices.back();
  if (n < 0 || n > static_cast<std::int64_t>(x.size() - batch))
    return fail(ErrorKind::bad_input, "indices of " + std::to_string(n) + " axes into shape " + model::shape_text(x),
                input_text(call.node, 1));
  return static_cast<std::size_t>(n);
}

Result<const Tensor*> constant_of(const InferCall& call, std::size_t i) {
  if (const Tensor* t = call.inputs[i]->constant) return t;
  return fail(ErrorKind::unsupported, "the result's shape depends on the model's input", input_text(call.node, i),
              "this operator works only where its values are constants");
}

}  // namespace

Inferred infer_gather_elements(const InferCall& call) {
  DSPERSE_CHECK_OK(expect_inputs(call, 2, 2));
  DSPERSE_CHECK_OK(expect_elements(call));
  return one_output(call.inputs[0]->dtype, call.inputs[1]->shape);
}

Inferred infer_gather_nd(const InferCall& call) {
  DSPERSE_CHECK_OK(expect_inputs(call, 2, 2));
  const Shape &x = call.inputs[0]->shape, &indices = call.inputs[1]->shape;
  DSPERSE_TRY(const std::int64_t stated, call.node.int_or("batch_dims", 0));
  if (stated < 0 || stated >= static_cast<std::int64_t>(std::min(x.size(), indices.size())))
    return fail(ErrorKind::bad_input, std::to_string(stated) + " batch axes", "attribute 'batch_dims'");
  const auto batch = static_cast<std::size_t>(stated);
  DSPERSE_TRY(const std::size_t n, tuple_length(call, batch));
  for (std::size_t k = 0; k < batch; ++k)
    if (x[k] != indices[k]) return fail(ErrorKind::bad_input, "batch axes differ in length", input_text(call.node, 1));
  Shape out(indices.begin(), indices.end() - 1);
  out.insert(out.end(), x.begin() + static_cast<std::ptrdiff_t>(batch + n), x.end());
  return one_output(call.inputs[0]->dtype, std::move(out));
}

Inferred infer_scatter_elements(const InferCall& call) {
  DSPERSE_CHECK_OK(expect_inputs(call, 3, 3));
  DSPERSE_CHECK_OK(expect_reduction(call));
  DSPERSE_CHECK_OK(expect_elements(call));
  const ValueInfo &x = *call.inputs[0], &updates = *call.inputs[2];
  if (updates.dtype != x.dtype || updates.shape != call.inputs[1]->shape)
    return fail(ErrorKind::bad_input, "one value of the data's type for each index is expected", input_text(call.node, 2));
  return one_output(x.dtype, x.shape);
}

Inferred infer_scatter_nd(const InferCall& call) {
  DSPERSE_CHECK_OK(expect_inputs(call, 3, 3));
  DSPERSE_CHECK_OK(expect_reduction(call));
  const ValueInfo &x = *call.inputs[0], &updates = *call.inputs[2];
  DSPERSE_TRY(const std::size_t n, tuple_length(call, 0));
  const Shape& indices = call.inputs[1]->shape;
  Shape want(indices.begin(), indices.end() - 1);
  want.insert(want.end(), x.shape.begin() + static_cast<std::ptrdiff_t>(n), x.shape.end());
  if (updates.dtype != x.dtype || updates.shape != want)
    return fail(
        ErrorKind::bad_input,
        "updates of shape " + model::shape_text(updates.shape) + ", expected " + model::shape_text(want) + " of the data's type",
        input_text(call.node, 2));
  return one_output(x.dtype, x.shape);
}

Inferred infer_compress(const InferCall& call) {
  DSPERSE_CHECK_OK(expect_inputs(call, 2, 2));
  const Shape& x = call.inputs[0]->shape;
  DSPERSE_TRY(const Tensor* condition, constant_of(call, 1));
  if (condition->dtype != DType::boolean || condition->shape.size() != 1)
    return fail(ErrorKind::bad_input, "a list of booleans is expected", input_text(call.node, 1));
  const auto kept = static_cast<std::int64_t>(std::ranges::count_if(condition->i, [](auto v) { return v != 0; }));
  const auto given = static_cast<std::int64_t>(condition->i.size());
  std::int64_t most = 0;
  Shape out = x;
  if (call.node.attributes.contains("axis")) {
    DSPERSE_TRY(const std::int64_t axis, call.node.int_or("axis", 0));
    DSPERSE_TRY(const std::size_t at, normal_axis(axis, x.size(), "attribute 'axis'"));
    most = x[at];
    out[at] = kept;
  } else {
    DSPERSE_TRY(most, model::element_count(x));
    out = {kept};
  }
  if (given > most) return fail(ErrorKind::bad_input, "more conditions than elements", input_text(call.node, 1));
  return one_output(call.inputs[0]->dtype, std::move(out));
}

Inferred infer_non_zero(const InferCall& call) {
  DSPERSE_CHECK_OK(expect_inputs(call, 1, 1));
  DSPERSE_TRY(const Tensor* x, constant_of(call, 0));
  const auto n =
      std::ranges::count_if(x->f, [](float v) { return v != 0; }) + std::ranges::count_if(x->i, [](auto v) { return v != 0; });
  return one_output(DType::i64, {static_cast<std::int64_t>(x->shape.size()), static_cast<std::int64_t>(n)});
}

Inferred infer_unique(const InferCall& call) {
  DSPERSE_CHECK_OK(expect_inputs(call, 1, 1));
  DSPERSE_TRY(const Tensor* x, constant_of(call, 0));
  const Tensor* views[] = {x};
  DSPERSE_TRY(const auto values, evaluate_unique({call.node, call.opset, views}));
  std::vector<ValueInfo> out;
  for (const Tensor& t : values) out.push_back({t.dtype, t.shape, nullptr});
  return out;
}

}  // namespace dsperse::ops
