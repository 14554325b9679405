#include "dsperse/ops/quantized/expand.h"

#include <algorithm>

#include "dsperse/ops/quantized/quantized.h"

namespace dsperse::ops {

using model::DType;
using model::InferCall;

namespace {

using Int = std::int64_t;
constexpr Int kFloat = 1, kInt64 = 7;

std::string as_float(Emitter& e, const InferCall& call, std::size_t i) {
  return call.inputs[i]->dtype == DType::f32 ? e.input(i) : e.op("Cast", {e.input(i)}, {{"to", kFloat}});
}

/// Input i less its zero point, input `zero`, whose axis of input i is `axis` if it is a list.
std::string centered(Emitter& e, const InferCall& call, std::size_t i, std::size_t zero, std::size_t axis) {
  const std::string x = as_float(e, call, i);
  if (!has_input(call, zero)) return x;
  const model::Tensor* known = call.inputs[zero]->constant;
  const auto nothing = [](const auto& v) { return std::ranges::all_of(v, [](auto z) { return z == 0; }); };
  if (known != nullptr && nothing(known->i) && nothing(known->f)) return x;
  std::string z = as_float(e, call, zero);
  const model::Shape& shape = call.inputs[zero]->shape;
  const std::size_t rank = call.inputs[i]->shape.size();
  if (shape.size() == 1 && shape[0] != 1 && axis + 1 < rank) {
    model::Shape column(rank - axis, 1);
    column[0] = shape[0];
    z = e.reshape(z, column);
  }
  return e.sub(x, z);
}

/// Integers again, unless an operand was no integer.
std::string whole(Emitter& e, const InferCall& call, const std::string& x) {
  if (call.inputs[0]->dtype == DType::f32 || call.inputs[1]->dtype == DType::f32) return x;
  return e.op("Cast", {e.op("Round", {x})}, {{"to", kInt64}});
}

Status expect_present(const InferCall& call, std::size_t count, std::size_t most) {
  DSPERSE_CHECK_OK(expect_inputs(call, count, most));
  for (std::size_t i = 0; i < call.inputs.size(); ++i)
    if (has_input(call, i) && call.inputs[i]->dtype == DType::boolean)
      return fail(ErrorKind::bad_input, "boolean tensor where numbers are expected", input_text(call.node, i));
  return {};
}

}  // namespace

Expanded expand_dynamic_quantize(const InferCall& call) {
  DSPERSE_CHECK_OK(infer_dynamic_quantize(call));
  Emitter e(call);
  return e.finish({e.input(0), e.op("Identity", {e.scalar(1)}), e.op("Identity", {e.constant(model::int_tensor({}, {0}))})});
}

Expanded expand_qlinear_conv(const InferCall& call) {
  DSPERSE_CHECK_OK(expect_present(call, 8, 9));
  Emitter e(call);
  const std::string x = e.op("DequantizeLinear", {e.input(0), e.input(1), e.input(2)}, {{"axis", Int{1}}}),
                    w = e.op("DequantizeLinear", {e.input(3), e.input(4), e.input(5)}, {{"axis", Int{0}}});
  std::vector<std::string> inputs{x, w};
  if (has_input(call, 8)) inputs.push_back(e.mul(as_float(e, call, 8), e.mul(e.input(1), e.input(4))));
  const std::string y = e.op("Conv", inputs, call.node.attributes);
  return e.finish({e.op("QuantizeLinear", {y, e.input(6), e.input(7)}, {{"axis", Int{1}}})});
}

Expanded expand_qlinear_matmul(const InferCall& call) {
  DSPERSE_CHECK_OK(expect_present(call, 8, 8));
  Emitter e(call);
  const Int last = static_cast<Int>(call.inputs[3]->shape.size()) - 1, row = static_cast<Int>(call.inputs[0]->shape.size()) - 2;
  const std::string a = e.op("DequantizeLinear", {e.input(0), e.input(1), e.input(2)}, {{"axis", std::max(row, Int{0})}}),
                    b = e.op("DequantizeLinear", {e.input(3), e.input(4), e.input(5)}, {{"axis", last}});
  return e.finish({e.op("QuantizeLinear", {e.op("MatMul", {a, b}), e.input(6), e.input(7)}, {{"axis", std::max(row, Int{0})}})});
}

Expanded expand_matmul_integer(const InferCall& call) {
  DSPERSE_CHECK_OK(infer_matmul_integer(call));
  Emitter e(call);
  const std::size_t rank_a = call.inputs[0]->shape.size(), rank_b = call.inputs[1]->shape.size();
  const std::string a = centered(e, call, 0, 2, rank_a - 2), b = centered(e, call, 1, 3, rank_b - 1);
  return e.finish({whole(e, call, e.op("MatMul", {a, b}))});
}

Expanded expand_conv_integer(const InferCall& call) {
  DSPERSE_CHECK_OK(expect_present(call, 2, 4));
  Emitter e(call);
  // Padding counts as the zero point, which is nothing once that is taken off.
  const std::string x = centered(e, call, 0, 2, call.inputs[0]->shape.size()), w = centered(e, call, 1, 3, 0);
  return e.finish({whole(e, call, e.op("Conv", {x, w}, call.node.attributes))});
}

}  // namespace dsperse::ops
