// Layers that carry a state from call to call: a causal convolution, linear attention.
#include <cmath>

#include "dsperse/ops/recurrent/recurrent.h"

namespace dsperse::ops {

using model::InferCall;
using model::Shape;

namespace {

using Int = std::int64_t;

/// Most steps that are written out, and elements of an empty state.
constexpr Int kMostSteps = 1024, kMostZeros = Int{1} << 24;

Status expect_shape(const InferCall& call, std::size_t i, const Shape& want) {
  if (call.inputs[i]->shape == want) return {};
  return fail(ErrorKind::bad_input,
              "has shape " + model::shape_text(call.inputs[i]->shape) + ", expected " + model::shape_text(want),
              input_text(call.node, i));
}

Status expect_floats(const InferCall& call) {
  for (std::size_t i = 0; i < call.inputs.size(); ++i)
    if (has_input(call, i)) DSPERSE_CHECK_OK(expect_float(call, i));
  return {};
}

/// Sizes of a LinearAttention: G query heads share each of H states of K x V.
struct Heads {
  Int batch = 0, steps = 0, groups = 0, heads = 0, key = 0, value = 0;
  Int decays = 0;  ///< per head: 1, or one for each of K; 0: none
  Int rates = 0;   ///< heads that have a rate of their own, or 1; 0: none
};

Result<Heads> heads_of(const InferCall& call) {
  DSPERSE_CHECK_OK(expect_inputs(call, 3, 6));
  DSPERSE_CHECK_OK(expect_floats(call));
  for (std::size_t i = 0; i < 3; ++i) DSPERSE_CHECK_OK(expect_rank(call, i, 3, 3));
  DSPERSE_TRY(const std::string rule, call.node.string_or("update_rule", "gated_delta"));
  const bool gated = rule == "gated" || rule == "gated_delta", delta = rule == "delta" || rule == "gated_delta";
  if (!gated && !delta && rule != "linear") return fail(ErrorKind::unsupported, "is '" + rule + "'", "attribute 'update_rule'");
  if (has_input(call, 4) != gated || has_input(call, 5) != delta)
    return fail(ErrorKind::bad_input, "does not go with the inputs that are given", "attribute 'update_rule'");
  DSPERSE_TRY(const Int queries, call.node.int_or("q_num_heads", 0));
  DSPERSE_TRY(const Int heads, call.node.int_or("kv_num_heads", 0));
  const Shape &q = call.inputs[0]->shape, &k = call.inputs[1]->shape, &v = call.inputs[2]->shape;
  if (queries < 1 || heads < 1 || queries % heads != 0 || q[2] < 1 || q[2] % queries != 0 || k[2] % heads != 0 ||
      v[2] % heads != 0)
    return fail(ErrorKind::bad_input, "does not divide the features", "attribute 'q_num_heads'");
  Heads h{q[0], q[1], queries / heads, heads, q[2] / queries, v[2] / heads};
  DSPERSE_CHECK_OK(expect_shape(call, 1, {h.batch, h.steps, heads * h.key}));
  DSPERSE_CHECK_OK(expect_shape(call, 2, {h.batch, h.steps, heads * h.value}));
  if (has_input(call, 3)) DSPERSE_CHECK_OK(expect_shape(call, 3, {h.batch, heads, h.key, h.value}));
  if (gated) {
    DSPERSE_CHECK_OK(expect_rank(call, 4, 3, 3));
    h.decays = call.inputs[4]->shape[2] == heads ? 1 : h.key;
    DSPERSE_CHECK_OK(expect_shape(call, 4, {h.batch, h.steps, heads * h.decays}));
  }
  if (delta) {
    DSPERSE_CHECK_OK(expect_rank(call, 5, 3, 3));
    h.rates = call.inputs[5]->shape[2] == 1 ? 1 : heads;
    DSPERSE_CHECK_OK(expect_shape(call, 5, {h.batch, h.steps, h.rates}));
  }
  if (h.steps < 1 || h.steps > kMostSteps)
    return fail(ErrorKind::unsupported,
                std::to_string(h.steps) + " steps; 1 to " + std::to_string(kMostSteps) + " are written out");
  return h;
}

}  // namespace

Expanded expand_causal_conv_with_state(const InferCall& call) {
  DSPERSE_CHECK_OK(expect_inputs(call, 2, 4));
  DSPERSE_CHECK_OK(expect_floats(call));
  DSPERSE_CHECK_OK(expect_rank(call, 0, 3, 3));
  DSPERSE_CHECK_OK(expect_rank(call, 1, 3, 3));
  const auto activation = call.node.string_or("activation", "none");
  if (!activation) return std::unexpected(activation.error());
  const bool swish = *activation == "silu" || *activation == "swish";
  if (!swish && *activation != "none") return fail(ErrorKind::unsupported, "is '" + *activation + "'", "attribute 'activation'");
  const Shape& x = call.inputs[0]->shape;
  const Int taps = call.inputs[1]->shape[2];
  DSPERSE_CHECK_OK(expect_shape(call, 1, {x[1], 1, taps}));
  if (has_input(call, 2)) DSPERSE_CHECK_OK(expect_shape(call, 2, {x[1]}));
  if (taps < 1) return fail(ErrorKind::bad_input, "a kernel without taps", input_text(call.node, 1));
  const Shape past{x[0], x[1], taps - 1};
  if (has_input(call, 3)) DSPERSE_CHECK_OK(expect_shape(call, 3, past));
  DSPERSE_TRY(const Int count, model::element_count(past));
  if (count > kMostZeros) return fail(ErrorKind::resource, "a state of more than 2^24 elements");
  Emitter e(call);
  std::string data = e.input(0);
  if (taps > 1) {
    const std::string before = has_input(call, 3)
                                   ? e.input(3)
                                   : e.constant(model::float_tensor(past, std::vector<float>(static_cast<std::size_t>(count))));
    data = e.concat({before, data}, 2);
  } else if (e.wants(1)) {
    return fail(ErrorKind::unsupported, "a state without elements as an output");
  }
  std::string y = e.op("Conv", {data, e.input(1), e.input(2)}, {{"group", x[1]}, {"kernel_shape", std::vector<Int>{taps}}});
  if (swish) y = e.op("Swish", {y});
  return e.finish({y, e.wants(1) ? e.slice(data, 2, x[2], x[2] + taps - 1) : std::string()});
}

Expanded expand_linear_attention(const InferCall& call) {
  DSPERSE_TRY(const Heads h, heads_of(call));
  DSPERSE_TRY(float scale, call.node.float_or("scale", 0.0F));
  if (scale == 0.0F) scale = static_cast<float>(1 / std::sqrt(static_cast<double>(h.key)));
  Emitter e(call);
  const std::string queries = e.mul(e.input(0), e.scalar(scale));
  const std::string decays = h.decays > 0 ? e.op("Exp", {e.input(4)}) : std::string();
  std::string state = e.input(3);
  std::vector<std::string> out;
  for (Int t = 0; t < h.steps; ++t) {
    const auto at = [&](const std::string& x, Shape shape) { return e.reshape(e.slice(x, 1, t, t + 1), std::move(shape)); };
    const std::string key = at(e.input(1), {h.batch, h.heads, h.key, 1});
    std::string value = at(e.input(2), {h.batch, h.heads, 1, h.value});
    if (!state.empty() && h.decays > 0) state = e.mul(state, at(decays, {h.batch, h.heads, h.decays, 1}));
    if (!state.empty() && h.rates > 0)
      value = e.sub(value, e.op("MatMul", {e.reshape(key, {h.batch, h.heads, 1, h.key}), state}));
    if (h.rates > 0) value = e.mul(value, at(e.input(5), {h.batch, h.rates, 1, 1}));
    const std::string added = e.op("MatMul", {key, value});
    state = state.empty() ? added : e.add(state, added);
    const std::string read = e.op("MatMul", {at(queries, {h.batch, h.heads, h.groups, h.key}), state});
    out.push_back(e.reshape(read, {h.batch, 1, h.heads * h.groups * h.value}));
  }
  return e.finish({e.concat(std::move(out), 1), state});
}

}  // namespace dsperse::ops
