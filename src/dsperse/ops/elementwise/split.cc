#include "dsperse/ops/elementwise/split.h"

#include <algorithm>

#include "dsperse/ops/elementwise/points.h"
#include "dsperse/ops/quantized/quantized.h"

namespace dsperse::ops {

using model::DType;
using model::InferCall;
using model::Tensor;

namespace {

constexpr std::int64_t kFloat = 1, kInt64 = 7, kBool = 9;

std::int64_t type_number(DType dtype) { return dtype == DType::f32 ? kFloat : dtype == DType::i64 ? kInt64 : kBool; }

/// A constant with one element for each of x's, or one for all.
bool uniform(const Tensor& t) {
  const auto same = [](const auto& v) { return std::ranges::all_of(v, [&](const auto& x) { return x == v[0]; }); };
  return t.f.size() + t.i.size() > 0 && same(t.f) && same(t.i);
}

std::size_t live_inputs(const InferCall& call) {
  return static_cast<std::size_t>(
      std::ranges::count_if(call.inputs, [](const auto* in) { return in != nullptr && in->constant == nullptr; }));
}

/// A number of the type of input i.
std::string number(Emitter& e, const InferCall& call, std::size_t i, std::int64_t value) {
  if (call.inputs[i]->dtype == DType::f32) return e.scalar(static_cast<float>(value));
  return e.constant(model::int_tensor({}, {value}));
}

/// One tensor, numbers beside it, and its own shape: already a function of one number.
bool is_function(const InferCall& call) {
  const model::ValueInfo* tensor = nullptr;
  std::int64_t most = 1;
  for (std::size_t i = 0; i < call.inputs.size(); ++i) {
    const model::ValueInfo* in = call.inputs[i];
    if (in == nullptr) continue;
    if (in->constant != nullptr && !uniform(*in->constant)) return false;
    if (in->constant == nullptr && tensor != nullptr && call.node.inputs[i] != call.node.inputs[0]) return false;
    if (in->constant == nullptr) tensor = in;
    most = std::max(most, static_cast<std::int64_t>(in->shape.size()));
  }
  if (tensor == nullptr) return true;
  for (const auto* in : call.inputs)
    if (in != nullptr) {
      const auto shape = broadcast(tensor->shape, in->shape);
      if (!shape || *shape != tensor->shape) return false;
    }
  return live_inputs(call) == 1;
}

}  // namespace

Expanded expand_cast_like(const InferCall& call) {
  DSPERSE_CHECK_OK(infer_cast_like(call));
  Emitter e(call);
  return e.finish({e.op("Cast", {e.input(0)}, {{"to", type_number(call.inputs[1]->dtype)}})});
}

Expanded expand_swiglu(const InferCall& call) {
  DSPERSE_CHECK_OK(expect_inputs(call, 2, 2));
  for (const std::size_t i : {0U, 1U}) DSPERSE_CHECK_OK(expect_float(call, i));
  if (call.inputs[0]->shape != call.inputs[1]->shape)
    return fail(ErrorKind::bad_input, "has another shape than input 0", input_text(call.node, 1));
  DSPERSE_TRY(const float alpha, call.node.float_or("alpha", 1.0F));
  Emitter e(call);
  return e.finish({e.mul(e.op("Swish", {e.input(0)}, {{"alpha", alpha}}), e.input(1))});
}

Expanded split_extreme(const InferCall& call) {
  if (call.inputs.size() < 2 || is_function(call)) return model::Expansion{};
  Emitter e(call);
  const bool max = call.node.op == "Max";
  std::string best = e.input(0);
  for (std::size_t i = 1; i < call.inputs.size(); ++i) {
    const std::string difference = e.sub(best, e.input(i));
    const std::string excess =
        call.inputs[0]->dtype == DType::f32 ? e.op("Relu", {difference}) : e.op("Max", {difference, number(e, call, 0, 0)});
    best = max ? e.add(e.input(i), excess) : e.sub(best, excess);
  }
  return e.finish({best});
}

Expanded split_mean(const InferCall& call) {
  if (is_function(call)) return model::Expansion{};
  Emitter e(call);
  std::vector<std::string> all;
  for (std::size_t i = 0; i < call.inputs.size(); ++i) all.push_back(e.input(i));
  return e.finish({e.mul(e.op("Sum", all), e.scalar(1.0F / static_cast<float>(all.size())))});
}

Expanded split_prelu(const InferCall& call) {
  if (is_function(call)) return model::Expansion{};
  Emitter e(call);
  const std::string above = e.op("Relu", {e.input(0)}), below = e.op("Min", {e.input(0), e.scalar(0)});
  return e.finish({e.add(above, e.mul(below, e.input(1)))});
}

Expanded split_compare(const InferCall& call) {
  if (is_function(call)) return model::Expansion{};
  Emitter e(call);
  std::string a = e.input(0), b = e.input(1);
  const bool booleans = call.inputs[0]->dtype == DType::boolean;
  if (booleans) a = e.op("Cast", {a}, {{"to", kInt64}}), b = e.op("Cast", {b}, {{"to", kInt64}});
  const std::string zero = booleans ? e.constant(model::int_tensor({}, {0})) : number(e, call, 0, 0);
  return e.finish({e.op(call.node.op, {e.sub(a, b), zero})});
}

Expanded split_logical(const InferCall& call) {
  if (is_function(call)) return model::Expansion{};
  Emitter e(call);
  const std::string a = e.op("Cast", {e.input(0)}, {{"to", kInt64}}), b = e.op("Cast", {e.input(1)}, {{"to", kInt64}});
  const bool both = call.node.op == "And", one = call.node.op == "Xor";
  const std::string least = e.constant(model::int_tensor({}, {both ? 2 : 1}));
  return e.finish({e.op(one ? "Equal" : "GreaterOrEqual", {e.add(a, b), least})});
}

Expanded split_where(const InferCall& call) {
  if (is_function(call)) return model::Expansion{};
  Emitter e(call);
  const Tensor *condition = call.inputs[0]->constant, *no = call.inputs[2]->constant;
  const std::int64_t type = type_number(call.inputs[1]->dtype == DType::boolean ? DType::i64 : call.inputs[1]->dtype);
  std::string yes = e.input(1), other = e.input(2);
  const bool booleans = call.inputs[1]->dtype == DType::boolean;
  if (booleans) yes = e.op("Cast", {yes}, {{"to", kInt64}}), other = e.op("Cast", {other}, {{"to", kInt64}});
  const std::string mask = e.op("Cast", {e.input(0)}, {{"to", type}});
  std::string out;
  const bool no_zero = no != nullptr && uniform(*no) && (no->f.empty() ? no->i[0] == 0 : no->f[0] == 0.0F);
  if (no_zero) {
    out = e.mul(yes, mask);
  } else if (condition != nullptr) {
    const std::string rest = e.op("Cast", {e.op("Not", {e.input(0)})}, {{"to", type}});
    out = e.add(e.mul(yes, mask), e.mul(other, rest));
  } else {
    out = e.add(other, e.mul(e.sub(yes, other), mask));
  }
  return e.finish({booleans ? e.op("Cast", {out}, {{"to", kBool}}) : out});
}

Expanded split_div(const InferCall& call) {
  const bool reciprocal = call.inputs[0]->constant != nullptr && call.inputs[0]->dtype == DType::f32;
  if (!reciprocal || is_function(call)) return model::Expansion{};
  Emitter e(call);
  return e.finish({e.mul(e.input(0), e.op("Reciprocal", {e.input(1)}))});
}

namespace {

/// Scale or zero point i, with the axis in its place.
Result<std::string> along_axis(Emitter& e, const InferCall& call, std::size_t i) {
  const model::Shape& own = call.inputs[i]->shape;
  if (own.empty() || own == model::Shape{1}) return e.input(i);
  DSPERSE_TRY(const std::int64_t given, call.node.int_or("axis", 1));
  DSPERSE_TRY(const std::size_t axis, normal_axis(given, call.inputs[0]->shape.size(), "attribute 'axis'"));
  model::Shape shape(call.inputs[0]->shape.size() - axis, 1);
  shape[0] = call.inputs[0]->shape[axis];
  return e.reshape(e.input(i), shape);
}

}  // namespace

Expanded split_quantize_linear(const InferCall& call) {
  const bool constants = call.inputs[1]->constant != nullptr && (!has_input(call, 2) || call.inputs[2]->constant != nullptr);
  if (is_function(call) || !constants || call.inputs[1]->shape.size() != 1) return model::Expansion{};
  DSPERSE_TRY(const IntegerRange range, quantized_range(call));
  Emitter e(call);
  DSPERSE_TRY(const std::string scale, along_axis(e, call, 1));
  std::string steps = e.op("Round", {e.op("Div", {e.input(0), scale})});
  if (has_input(call, 2)) {
    DSPERSE_TRY(const std::string zero, along_axis(e, call, 2));
    steps = e.add(steps, e.op("Cast", {zero}, {{"to", kFloat}}));
  }
  const auto low = static_cast<float>(range.low), high = static_cast<float>(range.high);
  const std::string kept = e.op("Min", {e.op("Max", {steps, e.scalar(low)}), e.scalar(high)});
  return e.finish({e.op("Cast", {kept}, {{"to", kInt64}})});
}

Expanded split_dequantize_linear(const InferCall& call) {
  if (is_function(call) || call.inputs[1]->shape.size() != 1) return model::Expansion{};
  Emitter e(call);
  DSPERSE_TRY(const std::string scale, along_axis(e, call, 1));
  std::string steps = call.inputs[0]->dtype == DType::f32 ? e.input(0) : e.op("Cast", {e.input(0)}, {{"to", kFloat}});
  if (has_input(call, 2)) {
    DSPERSE_TRY(const std::string zero, along_axis(e, call, 2));
    steps = e.sub(steps, e.op("Cast", {zero}, {{"to", kFloat}}));
  }
  return e.finish({e.mul(steps, scale)});
}

}  // namespace dsperse::ops
