#include <algorithm>
#include <cmath>
#include <limits>

#include "dsperse/ops/elementwise/elementwise.h"
#include "dsperse/ops/elementwise/points.h"
#include "dsperse/ops/elementwise/real.h"

namespace dsperse::ops {

using model::DType;
using model::EvaluateCall;
using model::Tensor;

namespace {

using Int = std::int64_t;

/// body(output index, index in each input) for every element of `out`, inputs broadcast to it.
template <class Body>
void each(const EvaluateCall& call, const model::Shape& out, Body body) {
  const std::size_t n = call.inputs.size();
  std::vector<std::vector<Int>> strides(n);
  for (std::size_t k = 0; k < n; ++k)
    strides[k] = call.inputs[k] == nullptr ? std::vector<Int>(out.size(), 0) : broadcast_strides(call.inputs[k]->shape, out);
  Int count = 1;
  for (const Int d : out) count *= d;
  std::vector<Int> digit(out.size(), 0);
  std::vector<std::size_t> at(n, 0);
  const auto move = [&](std::size_t axis, Int steps) {
    for (std::size_t k = 0; k < n; ++k) at[k] = static_cast<std::size_t>(static_cast<Int>(at[k]) + strides[k][axis] * steps);
  };
  for (Int o = 0; o < count; ++o) {
    body(static_cast<std::size_t>(o), std::span<const std::size_t>(at));
    for (std::size_t axis = out.size(); axis-- > 0;) {
      move(axis, 1);
      if (++digit[axis] < out[axis]) break;
      move(axis, -out[axis]);
      digit[axis] = 0;
    }
  }
}

double element(const Tensor* t, std::size_t i) {
  if (t == nullptr) return std::numeric_limits<double>::quiet_NaN();
  return t->dtype == DType::f32 ? static_cast<double>(t->f[i]) : static_cast<double>(t->i[i]);
}

/// By real_function; floats are rounded once. Integer outputs take values below 2^53.
Evaluated in_reals(const EvaluateCall& call, Inferred (*infer)(const model::InferCall&)) {
  DSPERSE_TRY(const auto infos, infer_outputs(call, infer));
  const KnownInputs known(call);
  DSPERSE_TRY(const auto f, real_function(known.call()));
  if (!f) return fail(ErrorKind::internal, "no function for " + call.node.op);
  std::vector<Tensor> out{zeros(infos[0])};
  std::vector<double> arguments(call.inputs.size());
  std::string wrong;
  each(call, infos[0].shape, [&](std::size_t o, std::span<const std::size_t> at) {
    for (std::size_t k = 0; k < at.size(); ++k) arguments[k] = element(call.inputs[k], at[k]);
    const double y = (*f)(arguments);
    if (out[0].dtype == DType::f32)
      out[0].f[o] = static_cast<float>(y);
    else if (std::fabs(y) < 0x1p53)
      out[0].i[o] = static_cast<Int>(y);
    else
      wrong = "an integer result is beyond 2^53";
  });
  if (!wrong.empty()) return fail(ErrorKind::unsupported, wrong);
  return out;
}

/// f of integers, exact; f32 operands go through the reals.
template <class F>
Evaluated in_integers(const EvaluateCall& call, Inferred (*infer)(const model::InferCall&), F f) {
  if (!call.inputs.empty() && call.inputs[0] != nullptr && call.inputs[0]->dtype == DType::f32) return in_reals(call, infer);
  DSPERSE_TRY(const auto infos, infer_outputs(call, infer));
  std::vector<Tensor> out{zeros(infos[0])};
  std::vector<Int> arguments(call.inputs.size());
  each(call, infos[0].shape, [&](std::size_t o, std::span<const std::size_t> at) {
    for (std::size_t k = 0; k < at.size(); ++k) arguments[k] = call.inputs[k]->i[at[k]];
    out[0].i[o] = static_cast<Int>(f(std::span<const Int>(arguments)));
  });
  return out;
}

using Ints = std::span<const Int>;

/// What is left of x in an integer type by its number in ONNX; 64 bits where that is not known.
std::uint64_t in_type(std::uint64_t x, std::int32_t element) {
  switch (element) {
    case 2:
      return static_cast<std::uint8_t>(x);
    case 3:
      return static_cast<std::uint64_t>(std::int64_t{static_cast<std::int8_t>(x)});
    case 4:
      return static_cast<std::uint16_t>(x);
    case 5:
      return static_cast<std::uint64_t>(std::int64_t{static_cast<std::int16_t>(x)});
    case 6:
      return static_cast<std::uint64_t>(std::int64_t{static_cast<std::int32_t>(x)});
    case 12:
      return static_cast<std::uint32_t>(x);
    default:
      return x;
  }
}

Int negated(Int x) { return static_cast<Int>(0 - static_cast<std::uint64_t>(x)); }

}  // namespace

Evaluated evaluate_unary(const EvaluateCall& call) { return in_reals(call, infer_unary); }
Evaluated evaluate_test(const EvaluateCall& call) { return in_reals(call, infer_test); }
Evaluated evaluate_gelu(const EvaluateCall& call) { return in_reals(call, infer_gelu); }
Evaluated evaluate_pow(const EvaluateCall& call) { return in_reals(call, infer_pow); }
Evaluated evaluate_prelu(const EvaluateCall& call) { return in_reals(call, infer_prelu); }

Evaluated evaluate_points(const EvaluateCall& call) { return in_reals(call, infer_points); }

Evaluated evaluate_signed(const EvaluateCall& call) {
  const std::string& op = call.node.op;
  return in_integers(call, infer_signed, [&op](Ints a) {
    if (op == "Sign") return Int{a[0] > 0} - Int{a[0] < 0};
    return op == "Neg" || a[0] < 0 ? negated(a[0]) : a[0];
  });
}

Evaluated evaluate_mod(const EvaluateCall& call) {
  if (has_input(call, 1) && std::ranges::count(call.inputs[1]->i, 0) != 0)
    return fail(ErrorKind::bad_input, "integer division by zero", input_text(call.node, 1));
  DSPERSE_TRY(const Int fmod, call.node.int_or("fmod", 0));
  return in_integers(call, infer_mod, [fmod](Ints a) {
    if (a[1] == -1) return Int{0};
    const Int r = a[0] % a[1];
    return fmod == 0 && r != 0 && (r < 0) != (a[1] < 0) ? r + a[1] : r;
  });
}

Evaluated evaluate_variadic(const EvaluateCall& call) {
  const bool max = call.node.op == "Max";
  return in_integers(call, infer_variadic, [max](Ints a) { return max ? std::ranges::max(a) : std::ranges::min(a); });
}

Evaluated evaluate_compare(const EvaluateCall& call) {
  const std::string& op = call.node.op;
  return in_integers(call, infer_compare, [&op](Ints a) {
    if (op == "Equal") return a[0] == a[1];
    if (op == "Less") return a[0] < a[1];
    if (op == "LessOrEqual") return a[0] <= a[1];
    return op == "Greater" ? a[0] > a[1] : a[0] >= a[1];
  });
}

Evaluated evaluate_logical(const EvaluateCall& call) { return in_reals(call, infer_logical); }
Evaluated evaluate_not(const EvaluateCall& call) { return in_reals(call, infer_not); }

Evaluated evaluate_where(const EvaluateCall& call) {
  DSPERSE_TRY(const auto infos, infer_outputs(call, infer_where));
  std::vector<Tensor> out{zeros(infos[0])};
  each(call, infos[0].shape, [&](std::size_t o, std::span<const std::size_t> at) {
    const std::size_t k = call.inputs[0]->i[at[0]] != 0 ? 1 : 2;
    if (out[0].dtype == DType::f32)
      out[0].f[o] = call.inputs[k]->f[at[k]];
    else
      out[0].i[o] = call.inputs[k]->i[at[k]];
  });
  return out;
}

Evaluated evaluate_bitwise(const EvaluateCall& call) {
  const std::string& op = call.node.op;
  const std::int32_t element = call.inputs.empty() || call.inputs[0] == nullptr ? 0 : call.inputs[0]->element;
  const auto direction = call.node.string_or("direction", "");
  if (!direction) return std::unexpected(direction.error());
  return in_integers(call, infer_bitwise, [&](Ints a) {
    const auto x = static_cast<std::uint64_t>(a[0]), y = static_cast<std::uint64_t>(a[1]);
    if (op == "BitwiseAnd") return x & y;
    if (op == "BitwiseOr") return x | y;
    if (op == "BitwiseXor") return x ^ y;
    // A shift by a negative number, or by the type's width or more, leaves the sign alone.
    constexpr std::int32_t kUint64 = 13;
    const bool negative = a[0] < 0 && element != kUint64;
    if (*direction == "LEFT") return y >= 64 ? std::uint64_t{0} : in_type(x << y, element);
    if (y >= 64) return negative ? ~std::uint64_t{0} : std::uint64_t{0};
    return negative ? static_cast<std::uint64_t>(a[0] >> y) : x >> y;
  });
}

Evaluated evaluate_cast_like(const EvaluateCall& call) {
  DSPERSE_TRY(const auto infos, infer_outputs(call, infer_cast_like));
  constexpr Int kFloat = 1, kInt64 = 7, kBool = 9;
  const Int to = infos[0].dtype == DType::f32 ? kFloat : infos[0].dtype == DType::i64 ? kInt64 : kBool;
  const model::Node node{call.node.name, "Cast", {call.node.inputs[0]}, call.node.outputs, {{"to", to}}};
  return evaluate_cast({node, call.opset, call.inputs.first(1)});
}

}  // namespace dsperse::ops
