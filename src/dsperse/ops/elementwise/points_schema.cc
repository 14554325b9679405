#include <algorithm>

#include "dsperse/ops/elementwise/elementwise.h"
#include "dsperse/ops/elementwise/points.h"
#include "dsperse/ops/elementwise/real.h"

namespace dsperse::ops {

using model::DType;
using model::InferCall;
using model::ValueInfo;

namespace {

Status expect_boolean(const InferCall& call, std::size_t i) {
  if (call.inputs[i]->dtype == DType::boolean) return {};
  return fail(ErrorKind::bad_input, model::dtype_text(call.inputs[i]->dtype) + " tensor where booleans are expected",
              input_text(call.node, i));
}

Status expect_one_dtype(const InferCall& call, std::size_t i, std::size_t j) {
  const DType a = call.inputs[i]->dtype, b = call.inputs[j]->dtype;
  if (a == b) return {};
  return fail(ErrorKind::bad_input, "operands are " + model::dtype_text(a) + " and " + model::dtype_text(b));
}

}  // namespace

Inferred infer_signed(const InferCall& call) {
  DSPERSE_CHECK_OK(expect_inputs(call, 1, 1));
  if (call.inputs[0]->dtype == DType::boolean)
    return fail(ErrorKind::bad_input, "boolean tensor where numbers are expected", input_text(call.node, 0));
  return one_output(call.inputs[0]->dtype, call.inputs[0]->shape);
}

Inferred infer_test(const InferCall& call) {
  DSPERSE_CHECK_OK(infer_unary(call));
  DSPERSE_CHECK_OK(real_function(call));
  return one_output(DType::boolean, call.inputs[0]->shape);
}

Inferred infer_gelu(const InferCall& call) {
  DSPERSE_CHECK_OK(real_function(call));
  return infer_unary(call);
}

Inferred infer_pow(const InferCall& call) {
  DSPERSE_CHECK_OK(expect_inputs(call, 2, 2));
  for (std::size_t i = 0; i < 2; ++i)
    if (call.inputs[i]->dtype == DType::boolean)
      return fail(ErrorKind::bad_input, "boolean tensor where numbers are expected", input_text(call.node, i));
  DSPERSE_TRY(model::Shape shape, broadcast(call.inputs[0]->shape, call.inputs[1]->shape));
  return one_output(call.inputs[0]->dtype, std::move(shape));
}

Inferred infer_mod(const InferCall& call) {
  DSPERSE_TRY(auto out, infer_binary(call));
  DSPERSE_TRY(const std::int64_t fmod, call.node.int_or("fmod", 0));
  if (fmod != 0 && fmod != 1) return fail(ErrorKind::bad_input, "is neither 0 nor 1", "attribute 'fmod'");
  if (fmod == 0 && out[0].dtype == DType::f32) return fail(ErrorKind::unsupported, "floats need fmod = 1", "attribute 'fmod'");
  return out;
}

Inferred infer_prelu(const InferCall& call) {
  DSPERSE_CHECK_OK(expect_inputs(call, 2, 2));
  for (std::size_t i = 0; i < 2; ++i) DSPERSE_CHECK_OK(expect_float(call, i));
  DSPERSE_TRY(const model::Shape shape, broadcast(call.inputs[0]->shape, call.inputs[1]->shape));
  if (shape != call.inputs[0]->shape)
    return fail(ErrorKind::bad_input,
                "slope of shape " + model::shape_text(call.inputs[1]->shape) + " does not broadcast to " +
                    model::shape_text(call.inputs[0]->shape),
                input_text(call.node, 1));
  return one_output(DType::f32, shape);
}

Inferred infer_variadic(const InferCall& call) {
  DSPERSE_CHECK_OK(expect_inputs(call, std::max<std::size_t>(1, call.inputs.size()), call.inputs.size()));
  const DType dtype = call.inputs[0]->dtype;
  const bool integers = call.node.op == "Max" || call.node.op == "Min";
  model::Shape shape = call.inputs[0]->shape;
  for (std::size_t i = 0; i < call.inputs.size(); ++i) {
    DSPERSE_CHECK_OK(expect_one_dtype(call, 0, i));
    DSPERSE_TRY(shape, broadcast(shape, call.inputs[i]->shape));
  }
  if (dtype == DType::boolean || (dtype == DType::i64 && !integers)) DSPERSE_CHECK_OK(expect_float(call, 0));
  return one_output(dtype, std::move(shape));
}

Inferred infer_compare(const InferCall& call) {
  DSPERSE_CHECK_OK(expect_inputs(call, 2, 2));
  DSPERSE_CHECK_OK(expect_one_dtype(call, 0, 1));
  if (call.inputs[0]->dtype == DType::boolean && call.node.op != "Equal")
    return fail(ErrorKind::bad_input, "boolean tensor where numbers are expected", input_text(call.node, 0));
  DSPERSE_TRY(model::Shape shape, broadcast(call.inputs[0]->shape, call.inputs[1]->shape));
  return one_output(DType::boolean, std::move(shape));
}

Inferred infer_logical(const InferCall& call) {
  DSPERSE_CHECK_OK(expect_inputs(call, 2, 2));
  for (std::size_t i = 0; i < 2; ++i) DSPERSE_CHECK_OK(expect_boolean(call, i));
  DSPERSE_TRY(model::Shape shape, broadcast(call.inputs[0]->shape, call.inputs[1]->shape));
  return one_output(DType::boolean, std::move(shape));
}

Inferred infer_not(const InferCall& call) {
  DSPERSE_CHECK_OK(expect_inputs(call, 1, 1));
  DSPERSE_CHECK_OK(expect_boolean(call, 0));
  return one_output(DType::boolean, call.inputs[0]->shape);
}

Inferred infer_where(const InferCall& call) {
  DSPERSE_CHECK_OK(expect_inputs(call, 3, 3));
  DSPERSE_CHECK_OK(expect_boolean(call, 0));
  DSPERSE_CHECK_OK(expect_one_dtype(call, 1, 2));
  DSPERSE_TRY(const model::Shape values, broadcast(call.inputs[1]->shape, call.inputs[2]->shape));
  DSPERSE_TRY(model::Shape shape, broadcast(call.inputs[0]->shape, values));
  return one_output(call.inputs[1]->dtype, std::move(shape));
}

Inferred infer_bitwise(const InferCall& call) {
  DSPERSE_CHECK_OK(expect_inputs(call, 2, 2));
  for (std::size_t i = 0; i < 2; ++i)
    if (call.inputs[i]->dtype != DType::i64)
      return fail(ErrorKind::bad_input, model::dtype_text(call.inputs[i]->dtype) + " tensor where integers are expected",
                  input_text(call.node, i));
  if (call.node.op == "BitShift") {
    const auto direction = call.node.string_or("direction", "");
    if (!direction) return std::unexpected(direction.error());
    if (*direction != "LEFT" && *direction != "RIGHT")
      return fail(ErrorKind::bad_input, "unknown value '" + *direction + "'", "attribute 'direction'");
  }
  DSPERSE_TRY(model::Shape shape, broadcast(call.inputs[0]->shape, call.inputs[1]->shape));
  return one_output(DType::i64, std::move(shape));
}

Inferred infer_cast_like(const InferCall& call) {
  DSPERSE_CHECK_OK(expect_inputs(call, 2, 2));
  return one_output(call.inputs[1]->dtype, call.inputs[0]->shape);
}

}  // namespace dsperse::ops
