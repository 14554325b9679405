#include <limits>

#include "dsperse/ops/elementwise/elementwise.h"

namespace dsperse::ops {

using model::DType;
using model::InferCall;
using model::Tensor;
using model::ValueInfo;

Inferred infer_binary(const InferCall& call) {
  DSPERSE_CHECK_OK(expect_inputs(call, 2, 2));
  const ValueInfo &a = *call.inputs[0], &b = *call.inputs[1];
  if (a.dtype != b.dtype || a.dtype == DType::boolean)
    return fail(ErrorKind::bad_input, "operands are " + model::dtype_text(a.dtype) + " and " + model::dtype_text(b.dtype));
  DSPERSE_TRY(model::Shape shape, broadcast(a.shape, b.shape));
  return one_output(a.dtype, std::move(shape));
}

Inferred infer_unary(const InferCall& call) {
  DSPERSE_CHECK_OK(expect_inputs(call, 1, 1));
  DSPERSE_CHECK_OK(expect_float(call, 0));
  return one_output(DType::f32, call.inputs[0]->shape);
}

Inferred infer_clip(const InferCall& call) {
  DSPERSE_CHECK_OK(expect_inputs(call, 1, call.opset < 11 ? 1 : 3));
  for (std::size_t i = 1; i < 3; ++i) {
    if (!has_input(call, i)) continue;
    const ValueInfo& bound = *call.inputs[i];
    if (bound.dtype != call.inputs[0]->dtype)
      return fail(ErrorKind::bad_input, "bound has another type than the data", input_text(call.node, i));
    if (bound.shape.size() > 1 || (bound.shape.size() == 1 && bound.shape[0] != 1))
      return fail(ErrorKind::bad_input, "bound has shape " + model::shape_text(bound.shape) + ", a scalar is expected",
                  input_text(call.node, i));
  }
  if (call.opset < 11) DSPERSE_CHECK_OK(clip_bounds(call));
  return one_output(call.inputs[0]->dtype, call.inputs[0]->shape);
}

Result<ClipBounds> clip_bounds(const InferCall& call) {
  ClipBounds bounds{-std::numeric_limits<float>::infinity(), std::numeric_limits<float>::infinity()};
  if (call.opset < 11) {
    DSPERSE_TRY(bounds.low, call.node.float_or("min", bounds.low));
    DSPERSE_TRY(bounds.high, call.node.float_or("max", bounds.high));
    return bounds;
  }
  for (std::size_t i = 1; i < 3; ++i) {
    if (!has_input(call, i)) continue;
    const Tensor* value = call.inputs[i]->constant;
    if (value == nullptr) return fail(ErrorKind::unsupported, "bound depends on the model's input", input_text(call.node, i));
    if (value->dtype != DType::f32 || value->f.size() != 1)
      return fail(ErrorKind::bad_input, "bound is not one float", input_text(call.node, i));
    (i == 1 ? bounds.low : bounds.high) = value->f[0];
  }
  return bounds;
}

Inferred infer_identity(const InferCall& call) {
  DSPERSE_CHECK_OK(expect_inputs(call, 1, 1));
  return one_output(call.inputs[0]->dtype, call.inputs[0]->shape);
}

Inferred infer_dropout(const InferCall& call) {
  DSPERSE_CHECK_OK(expect_inputs(call, 1, call.opset < 12 ? 1 : 3));
  if (has_input(call, 2)) {
    const Tensor* training = call.inputs[2]->constant;
    if (training == nullptr)
      return fail(ErrorKind::unsupported, "training_mode depends on the model's input", input_text(call.node, 2));
    if (training->i.size() != 1) return fail(ErrorKind::bad_input, "training_mode is not one boolean", input_text(call.node, 2));
    const Tensor* ratio = has_input(call, 1) ? call.inputs[1]->constant : nullptr;
    const bool zero_ratio = ratio != nullptr && ratio->f.size() == 1 && ratio->f[0] == 0.0F;
    if (training->i[0] != 0 && !zero_ratio)
      return fail(ErrorKind::unsupported, "Dropout in training mode is random", input_text(call.node, 2),
                  "export the model for inference");
  }
  const ValueInfo& x = *call.inputs[0];
  DSPERSE_TRY([[maybe_unused]] const std::int64_t count, model::element_count(x.shape));
  return std::vector<ValueInfo>{{x.dtype, x.shape, nullptr}, {DType::boolean, x.shape, nullptr}};
}

Inferred infer_cast(const InferCall& call) {
  DSPERSE_CHECK_OK(expect_inputs(call, 1, 1));
  DSPERSE_TRY(const std::int64_t to, call.node.int_or("to", 0));
  // Numbers of TensorProto.DataType.
  switch (to) {
    case 1:
    case 10:
    case 11:
    case 16:
      return one_output(DType::f32, call.inputs[0]->shape);
    case 2:
    case 3:
    case 4:
    case 5:
    case 6:
    case 7:
    case 12:
    case 13:
      return one_output(DType::i64, call.inputs[0]->shape);
    case 9:
      return one_output(DType::boolean, call.inputs[0]->shape);
    default:
      return fail(ErrorKind::unsupported, "cast to data type " + std::to_string(to), "attribute 'to'");
  }
}

}  // namespace dsperse::ops
