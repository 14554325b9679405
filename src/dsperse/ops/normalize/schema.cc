#include <algorithm>

#include "dsperse/ops/normalize/normalize.h"

namespace dsperse::ops {

using model::DType;
using model::InferCall;
using model::Shape;
using model::ValueInfo;

namespace {

Status expect_floats(const InferCall& call, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i)
    if (has_input(call, i)) DSPERSE_CHECK_OK(expect_float(call, i));
  return {};
}

Status expect_epsilon(const InferCall& call) {
  DSPERSE_TRY(const float epsilon, call.node.float_or("epsilon", 1e-5F));
  if (!(epsilon >= 0)) return fail(ErrorKind::bad_input, "is negative", "attribute 'epsilon'");
  return {};
}

}  // namespace

Result<SoftmaxAxes> softmax_axes(const InferCall& call) {
  const bool flat = call.opset < 13;
  const std::size_t rank = call.inputs[0]->shape.size();
  DSPERSE_TRY(const std::int64_t given, call.node.int_or("axis", flat ? 1 : -1));
  if (flat && given == static_cast<std::int64_t>(rank)) return SoftmaxAxes{rank, rank};  // rows of one element
  DSPERSE_TRY(const std::size_t axis, normal_axis(given, rank, "attribute 'axis'"));
  return SoftmaxAxes{axis, flat ? rank : axis + 1};
}

Inferred infer_softmax(const InferCall& call) {
  DSPERSE_CHECK_OK(expect_inputs(call, 1, 1));
  DSPERSE_CHECK_OK(expect_float(call, 0));
  DSPERSE_CHECK_OK(softmax_axes(call));
  return one_output(DType::f32, call.inputs[0]->shape);
}

Inferred infer_layer_normalization(const InferCall& call) {
  const bool centered = call.node.op == "LayerNormalization";
  DSPERSE_CHECK_OK(expect_inputs(call, 2, centered ? 3 : 2));
  DSPERSE_CHECK_OK(expect_floats(call, 3));
  DSPERSE_CHECK_OK(expect_epsilon(call));
  const Shape& x = call.inputs[0]->shape;
  DSPERSE_TRY(const std::int64_t given, call.node.int_or("axis", -1));
  DSPERSE_TRY(const std::size_t axis, normal_axis(given, x.size(), "attribute 'axis'"));
  for (std::size_t i = 1; i < call.inputs.size(); ++i) {
    if (!has_input(call, i)) continue;
    const auto fits = broadcast(x, call.inputs[i]->shape);
    if (!fits || *fits != x)
      return fail(ErrorKind::bad_input,
                  "shape " + model::shape_text(call.inputs[i]->shape) + " does not broadcast to " + model::shape_text(x),
                  input_text(call.node, i));
  }
  DSPERSE_TRY(auto out, one_output(DType::f32, x));
  Shape rest = x;
  std::fill(rest.begin() + static_cast<std::ptrdiff_t>(axis), rest.end(), 1);
  out.push_back({DType::f32, rest, nullptr});
  if (centered) out.push_back({DType::f32, rest, nullptr});
  return out;
}

}  // namespace dsperse::ops
