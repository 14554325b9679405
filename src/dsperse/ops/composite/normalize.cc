#include <algorithm>
#include <cmath>
#include <numeric>

#include "dsperse/ops/composite/composite.h"

namespace dsperse::ops {

using model::InferCall;
using model::Shape;

namespace {

Status float_data(const InferCall& call, std::size_t min_rank) {
  DSPERSE_CHECK_OK(expect_float(call, 0));
  DSPERSE_CHECK_OK(expect_rank(call, 0, min_rank, model::kMaxRank));
  DSPERSE_TRY(const std::int64_t n, model::element_count(call.inputs[0]->shape));
  if (n < 1) return fail(ErrorKind::unsupported, "a tensor without elements", input_text(call.node, 0));
  if (n > kMaxConstant) return fail(ErrorKind::resource, "a tensor of more than 2^26 elements", input_text(call.node, 0));
  return {};
}

Status expect_vector(const InferCall& call, std::size_t i, std::int64_t n) {
  DSPERSE_CHECK_OK(expect_float(call, i));
  if (call.inputs[i]->shape == Shape{n}) return {};
  return fail(ErrorKind::bad_input, "shape " + model::shape_text(call.inputs[i]->shape) + ", expected " + model::shape_text({n}),
              input_text(call.node, i));
}

/// Rows of the last axis (n elements) to mean 0 and variance 1.
std::string standardized(Emitter& e, const std::string& rows, std::int64_t n, float epsilon) {
  const std::string ones = e.constant(model::float_tensor({n}, std::vector<float>(static_cast<std::size_t>(n), 1)));
  return e.op("LayerNormalization", {rows, ones}, {{"axis", std::int64_t{-1}}, {"epsilon", epsilon}});
}

/// x (N, C, ...) times scale plus bias, one of each a channel (C values).
std::string per_channel(Emitter& e, const std::string& x, const Shape& shape, const std::string& scale, const std::string& bias,
                        bool constants) {
  const auto c = static_cast<std::size_t>(shape[1]);
  if (constants && shape.size() <= 4) {  // one layer: with mean 0 and variance 1
    const auto filled = [&](float v) { return e.constant(model::float_tensor({shape[1]}, std::vector<float>(c, v))); };
    const std::string zero = filled(0), one = filled(1);
    return e.op("BatchNormalization", {x, scale, bias, zero, one}, {{"epsilon", 0.0F}});
  }
  Shape along(shape.size() - 1, 1);
  along[0] = shape[1];
  return e.add(e.mul(x, e.reshape(scale, along)), e.reshape(bias, along));
}

bool constants(const InferCall& call) { return call.inputs[1]->constant != nullptr && call.inputs[2]->constant != nullptr; }

std::int64_t inner(const Shape& shape, std::size_t from) {
  return std::accumulate(shape.begin() + static_cast<std::ptrdiff_t>(from), shape.end(), std::int64_t{1}, std::multiplies<>());
}

/// The axes that are not in `last`, then these; and back.
struct Moved {
  std::vector<std::int64_t> perm, back;
};
Moved to_the_end(std::size_t rank, const std::vector<std::size_t>& last) {
  Moved out;
  for (std::size_t k = 0; k < rank; ++k)
    if (std::ranges::find(last, k) == last.end()) out.perm.push_back(static_cast<std::int64_t>(k));
  for (const std::size_t k : last) out.perm.push_back(static_cast<std::int64_t>(k));
  out.back.resize(rank);
  for (std::size_t k = 0; k < rank; ++k) out.back[static_cast<std::size_t>(out.perm[k])] = static_cast<std::int64_t>(k);
  return out;
}

Result<float> epsilon_of(const InferCall& call) {
  DSPERSE_TRY(const float epsilon, call.node.float_or("epsilon", 1e-5F));
  if (!(epsilon >= 0)) return fail(ErrorKind::bad_input, "epsilon is negative", "attribute 'epsilon'");
  return epsilon;
}

}  // namespace

Expanded expand_group_normalization(const InferCall& call) {
  DSPERSE_CHECK_OK(expect_inputs(call, 3, 3));
  DSPERSE_CHECK_OK(float_data(call, 2));
  const Shape& x = call.inputs[0]->shape;
  DSPERSE_TRY(const std::int64_t groups, call.node.int_or("num_groups", 0));
  DSPERSE_TRY(const float epsilon, epsilon_of(call));
  if (groups < 1 || x[1] % groups != 0)
    return fail(ErrorKind::bad_input, std::to_string(groups) + " groups do not divide " + std::to_string(x[1]) + " channels",
                "attribute 'num_groups'");
  const bool per_group = call.opset < 21;
  for (const std::size_t i : {1U, 2U}) DSPERSE_CHECK_OK(expect_vector(call, i, per_group ? groups : x[1]));
  Emitter e(call);
  const std::int64_t size = inner(x, 1) / groups;
  const std::string rows = standardized(e, e.reshape(e.input(0), {x[0], groups, size}), size, epsilon);
  if (per_group) {
    const std::string y = per_channel(e, rows, {x[0], groups, size}, e.input(1), e.input(2), constants(call));
    return e.finish({e.reshape(y, x)});
  }
  return e.finish({per_channel(e, e.reshape(rows, x), x, e.input(1), e.input(2), constants(call))});
}

Expanded expand_instance_normalization(const InferCall& call) {
  DSPERSE_CHECK_OK(expect_inputs(call, 3, 3));
  DSPERSE_CHECK_OK(float_data(call, 2));
  const Shape& x = call.inputs[0]->shape;
  DSPERSE_TRY(const float epsilon, epsilon_of(call));
  for (const std::size_t i : {1U, 2U}) DSPERSE_CHECK_OK(expect_vector(call, i, x[1]));
  Emitter e(call);
  const std::int64_t size = inner(x, 2);
  const std::string rows = standardized(e, e.reshape(e.input(0), {x[0], x[1], size}), size, epsilon);
  return e.finish({per_channel(e, e.reshape(rows, x), x, e.input(1), e.input(2), constants(call))});
}

Expanded expand_mean_variance_normalization(const InferCall& call) {
  DSPERSE_CHECK_OK(expect_inputs(call, 1, 1));
  DSPERSE_CHECK_OK(float_data(call, 1));
  const Shape& x = call.inputs[0]->shape;
  DSPERSE_TRY(const std::vector<std::int64_t> given, call.node.ints_or("axes", {0, 2, 3}));
  std::vector<std::size_t> axes;
  for (const std::int64_t axis : given) {
    DSPERSE_TRY(const std::size_t k, normal_axis(axis, x.size(), "attribute 'axes'"));
    if (std::ranges::find(axes, k) == axes.end()) axes.push_back(k);
  }
  std::ranges::sort(axes);
  Emitter e(call);
  const Moved moved = to_the_end(x.size(), axes);
  Shape shape, rows;
  for (const std::int64_t k : moved.perm) shape.push_back(x[static_cast<std::size_t>(k)]);
  const std::int64_t size = inner(shape, x.size() - axes.size());
  rows.assign(shape.begin(), shape.end() - static_cast<std::ptrdiff_t>(axes.size()));
  rows.push_back(size);
  // ONNX adds 10^-9 to the deviation: it matters only where that is 0.
  const std::string y = standardized(e, e.reshape(e.transpose(e.input(0), moved.perm), rows), size, 1e-18F);
  return e.finish({e.transpose(e.reshape(y, shape), moved.back)});
}

Expanded expand_lp_normalization(const InferCall& call) {
  DSPERSE_CHECK_OK(expect_inputs(call, 1, 1));
  DSPERSE_CHECK_OK(float_data(call, 1));
  const Shape& x = call.inputs[0]->shape;
  DSPERSE_TRY(const std::int64_t p, call.node.int_or("p", 2));
  DSPERSE_TRY(const std::int64_t given, call.node.int_or("axis", -1));
  DSPERSE_TRY(const std::size_t axis, normal_axis(given, x.size(), "attribute 'axis'"));
  Emitter e(call);
  if (p == 1) {
    const auto at = static_cast<std::int64_t>(axis);
    return e.finish({e.op("Div", {e.input(0), e.reduce("ReduceSum", e.op("Abs", {e.input(0)}), {at}, true)})});
  }
  if (p != 2) return fail(ErrorKind::bad_input, "the norm is neither 1 nor 2", "attribute 'p'");
  const Moved moved = to_the_end(x.size(), {axis});
  const auto n = static_cast<std::size_t>(x[axis]);
  const std::string scale = e.constant(
      model::float_tensor({x[axis]}, std::vector<float>(n, static_cast<float>(1 / std::sqrt(static_cast<double>(n))))));
  // A row of zeros stays zero.
  const std::string rows =
      e.op("RMSNormalization", {e.transpose(e.input(0), moved.perm), scale}, {{"axis", std::int64_t{-1}}, {"epsilon", 1e-30F}});
  return e.finish({e.transpose(rows, moved.back)});
}

Expanded expand_lrn(const InferCall& call) {
  DSPERSE_CHECK_OK(expect_inputs(call, 1, 1));
  DSPERSE_CHECK_OK(float_data(call, 3));
  const Shape& x = call.inputs[0]->shape;
  DSPERSE_TRY(const std::int64_t size, call.node.int_or("size", 0));
  DSPERSE_TRY(const float alpha, call.node.float_or("alpha", 1e-4F));
  DSPERSE_TRY(const float beta, call.node.float_or("beta", 0.75F));
  DSPERSE_TRY(const float bias, call.node.float_or("bias", 1));
  if (size < 1) return fail(ErrorKind::bad_input, std::to_string(size) + " channels", "attribute 'size'");
  const std::int64_t channels = x[1];
  if (channels > (1 << 12)) return fail(ErrorKind::resource, "more than 4096 channels", input_text(call.node, 0));
  const auto c = static_cast<std::size_t>(channels);
  // Channel k takes floor((size - 1) / 2) channels before it and ceil((size - 1) / 2) after it.
  std::vector<float> band(c * c, 0);
  for (std::int64_t k = 0; k < channels; ++k)
    for (std::int64_t j = std::max<std::int64_t>(0, k - (size - 1) / 2); j <= std::min(channels - 1, k + size / 2); ++j)
      band[static_cast<std::size_t>(k * channels + j)] = alpha / static_cast<float>(size);
  Emitter e(call);
  Shape weights(x.size(), 1);
  weights[0] = weights[1] = channels;
  const std::string scale =
      e.op("Conv", {e.mul(e.input(0), e.input(0)), e.constant(model::float_tensor(weights, std::move(band))),
                    e.constant(model::float_tensor({channels}, std::vector<float>(c, bias)))});
  return e.finish({e.mul(e.input(0), e.op("Pow", {scale, e.scalar(-beta)}))});
}

}  // namespace dsperse::ops
