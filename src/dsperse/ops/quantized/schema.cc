#include <algorithm>
#include <cmath>

#include "dsperse/ops/quantized/quantized.h"

namespace dsperse::ops {

using model::DType;
using model::InferCall;
using model::Shape;
using model::ValueInfo;

namespace {

/// Numbers of TensorProto.DataType.
Result<IntegerRange> range_of_type(std::int64_t type, const std::string& where) {
  switch (type) {
    case 0:  // not said
    case 2:
      return IntegerRange{0, 255};
    case 3:
      return IntegerRange{-128, 127};
    case 4:
      return IntegerRange{0, 65535};
    case 5:
      return IntegerRange{-32768, 32767};
    case 6:
      return IntegerRange{-2147483648.0, 2147483647.0};
    case 21:
      return IntegerRange{0, 15};
    case 22:
      return IntegerRange{-8, 7};
    default:
      return fail(ErrorKind::unsupported, "quantization to data type " + std::to_string(type), where,
                  "4, 8 and 16-bit integers work");
  }
}

/// Scale (input i) and zero point fit x: one number, or one per entry of the axis.
Status check_scales(const InferCall& call, const Shape& x, std::size_t i) {
  DSPERSE_CHECK_OK(expect_float(call, i));
  DSPERSE_TRY(const std::int64_t block, call.node.int_or("block_size", 0));
  if (block != 0) return fail(ErrorKind::unsupported, "scales per block", "attribute 'block_size'", "use scales per axis");
  const Shape& scale = call.inputs[i]->shape;
  if (has_input(call, i + 1) && call.inputs[i + 1]->shape != scale)
    return fail(ErrorKind::bad_input,
                "shape " + model::shape_text(call.inputs[i + 1]->shape) + " is not the scale's " + model::shape_text(scale),
                input_text(call.node, i + 1));
  if (scale.empty() || scale == Shape{1}) return {};
  DSPERSE_TRY(const std::int64_t given, call.node.int_or("axis", 1));
  DSPERSE_TRY(const std::size_t axis, normal_axis(given, x.size(), "attribute 'axis'"));
  if (scale.size() != 1 || scale[0] != x[axis])
    return fail(ErrorKind::bad_input,
                "shape " + model::shape_text(scale) + " is neither one number nor " + std::to_string(x[axis]) + " of axis " +
                    std::to_string(axis),
                input_text(call.node, i));
  return {};
}

}  // namespace

Result<IntegerRange> zero_point_range(const InferCall& call, std::size_t i) {
  if (!has_input(call, i)) return range_of_type(0, {});
  if (call.inputs[i]->constant == nullptr)
    return fail(ErrorKind::unsupported, "zero point depends on the model's input", input_text(call.node, i),
                "quantize the model with fixed scales");
  return range_of_type(call.inputs[i]->constant->element, input_text(call.node, i));
}

Result<IntegerRange> quantized_range(const InferCall& call) {
  if (has_input(call, 2)) return zero_point_range(call, 2);
  DSPERSE_TRY(const std::int64_t type, call.node.int_or("output_dtype", 0));
  return range_of_type(type, "attribute 'output_dtype'");
}

double quantize_number(double x, double scale, double zero, const IntegerRange& range) {
  const double steps = static_cast<double>(static_cast<float>(x) / static_cast<float>(scale));
  const double low = std::floor(steps), rest = steps - low;
  const double rounded = rest != 0.5 ? low + (rest < 0.5 ? 0 : 1) : low + std::fabs(std::fmod(low, 2));
  return std::clamp(rounded + zero, range.low, range.high);
}

Inferred infer_quantize_linear(const InferCall& call) {
  DSPERSE_CHECK_OK(expect_inputs(call, 2, 3));
  if (call.inputs[0]->dtype == DType::boolean) DSPERSE_CHECK_OK(expect_float(call, 0));
  DSPERSE_CHECK_OK(check_scales(call, call.inputs[0]->shape, 1));
  if (has_input(call, 2) && call.inputs[2]->dtype != DType::i64)
    return fail(ErrorKind::unsupported, "8-bit floats", input_text(call.node, 2), "4, 8 and 16-bit integers work");
  DSPERSE_CHECK_OK(quantized_range(call));
  return one_output(DType::i64, call.inputs[0]->shape);
}

Inferred infer_dequantize_linear(const InferCall& call) {
  DSPERSE_CHECK_OK(expect_inputs(call, 2, 3));
  if (call.inputs[0]->dtype == DType::boolean) DSPERSE_CHECK_OK(expect_float(call, 0));
  DSPERSE_CHECK_OK(check_scales(call, call.inputs[0]->shape, 1));
  return one_output(DType::f32, call.inputs[0]->shape);
}

Inferred infer_dynamic_quantize(const InferCall& call) {
  DSPERSE_CHECK_OK(expect_inputs(call, 1, 1));
  DSPERSE_CHECK_OK(expect_float(call, 0));
  DSPERSE_TRY(auto out, one_output(DType::i64, call.inputs[0]->shape));
  out.push_back({DType::f32, {}, nullptr});
  out.push_back({DType::i64, {}, nullptr});
  return out;
}

Inferred infer_matmul_integer(const InferCall& call) {
  DSPERSE_CHECK_OK(expect_inputs(call, 2, 4));
  const Shape &a = call.inputs[0]->shape, &b = call.inputs[1]->shape;
  if (a.size() < 2 || b.size() < 2) return fail(ErrorKind::unsupported, "vectors as operands", {}, "reshape them to matrices");
  if (a.back() != b[b.size() - 2])
    return fail(ErrorKind::bad_input,
                "inner dimensions " + std::to_string(a.back()) + " and " + std::to_string(b[b.size() - 2]) + " differ");
  DSPERSE_TRY(Shape out, broadcast(Shape(a.begin(), a.end() - 2), Shape(b.begin(), b.end() - 2)));
  const std::int64_t extent[2] = {a[a.size() - 2], b.back()};
  for (std::size_t i = 2; i < 4; ++i) {
    if (!has_input(call, i)) continue;
    const Shape& zero = call.inputs[i]->shape;
    if (!zero.empty() && zero != Shape{1} && zero != Shape{extent[i - 2]})
      return fail(ErrorKind::unsupported, "zero points of shape " + model::shape_text(zero), input_text(call.node, i),
                  "one, or one per row of the first and per column of the second matrix");
  }
  out.push_back(extent[0]);
  out.push_back(extent[1]);
  const bool floats = call.inputs[0]->dtype == DType::f32 || call.inputs[1]->dtype == DType::f32;
  return one_output(floats ? DType::f32 : DType::i64, std::move(out));
}

}  // namespace dsperse::ops
