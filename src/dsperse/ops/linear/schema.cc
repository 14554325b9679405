#include "dsperse/ops/common/window.h"
#include "dsperse/ops/linear/linear.h"

namespace dsperse::ops {

using model::DType;
using model::InferCall;
using model::Shape;

namespace {

Status all_float(const InferCall& call) {
  for (std::size_t i = 0; i < call.inputs.size(); ++i)
    if (has_input(call, i)) DSPERSE_CHECK_OK(expect_float(call, i));
  return {};
}

Status expect_shape(const InferCall& call, std::size_t i, const Shape& shape) {
  if (call.inputs[i]->shape == shape) return {};
  return fail(ErrorKind::bad_input,
              "shape " + model::shape_text(call.inputs[i]->shape) + ", expected " + model::shape_text(shape),
              input_text(call.node, i));
}

}  // namespace

Inferred infer_conv(const InferCall& call) {
  DSPERSE_CHECK_OK(expect_inputs(call, 2, 3));
  DSPERSE_CHECK_OK(all_float(call));
  const Shape &x = call.inputs[0]->shape, &w = call.inputs[1]->shape;
  DSPERSE_CHECK_OK(expect_rank(call, 0, 3, 5));
  DSPERSE_CHECK_OK(expect_rank(call, 1, x.size(), x.size()));
  DSPERSE_TRY(const std::int64_t group, call.node.int_or("group", 1));
  if (group < 1 || w[0] < 1 || w[0] % group != 0 || x[1] % group != 0)
    return fail(ErrorKind::bad_input,
                std::to_string(group) + " groups do not divide " + std::to_string(x[1]) + " input and " + std::to_string(w[0]) +
                    " output channels",
                "attribute 'group'");
  if (w[1] != x[1] / group)
    return fail(ErrorKind::bad_input,
                "weights of shape " + model::shape_text(w) + " do not fit " + std::to_string(x[1]) + " input channels in " +
                    std::to_string(group) + " groups",
                input_text(call.node, 1));
  if (has_input(call, 2)) DSPERSE_CHECK_OK(expect_shape(call, 2, {w[0]}));
  DSPERSE_TRY(const SpatialWindow window, conv_window(call.node, x, {w.begin() + 2, w.end()}));
  Shape out{x[0], w[0]};
  out.insert(out.end(), window.out.begin(), window.out.end());
  return one_output(DType::f32, std::move(out));
}

Inferred infer_gemm(const InferCall& call) {
  DSPERSE_CHECK_OK(expect_inputs(call, call.opset < 11 ? 3 : 2, 3));
  DSPERSE_CHECK_OK(all_float(call));
  DSPERSE_TRY(const std::int64_t trans_a, call.node.int_or("transA", 0));
  DSPERSE_TRY(const std::int64_t trans_b, call.node.int_or("transB", 0));
  DSPERSE_CHECK_OK(call.node.float_or("alpha", 1));
  DSPERSE_CHECK_OK(call.node.float_or("beta", 1));
  DSPERSE_CHECK_OK(expect_rank(call, 0, 2, trans_a != 0 ? 2 : model::kMaxRank));
  DSPERSE_CHECK_OK(expect_rank(call, 1, 2, 2));
  Shape out = call.inputs[0]->shape;
  const Shape& b = call.inputs[1]->shape;
  if (trans_a != 0) std::swap(out[0], out[1]);
  const std::int64_t k = out.back();
  if (b[trans_b != 0 ? 1 : 0] != k)
    return fail(ErrorKind::bad_input,
                "inner dimensions " + std::to_string(k) + " and " + std::to_string(b[trans_b != 0 ? 1 : 0]) + " differ",
                input_text(call.node, 1));
  out.back() = b[trans_b != 0 ? 0 : 1];
  if (has_input(call, 2)) {
    const auto spread = broadcast(out, call.inputs[2]->shape);
    if (!spread || *spread != out)
      return fail(ErrorKind::bad_input,
                  "shape " + model::shape_text(call.inputs[2]->shape) + " does not broadcast to " + model::shape_text(out),
                  input_text(call.node, 2));
  }
  return one_output(DType::f32, std::move(out));
}

Inferred infer_matmul(const InferCall& call) {
  DSPERSE_CHECK_OK(expect_inputs(call, 2, 2));
  DSPERSE_CHECK_OK(all_float(call));
  Shape a = call.inputs[0]->shape, b = call.inputs[1]->shape;
  DSPERSE_CHECK_OK(expect_rank(call, 0, 1, model::kMaxRank));
  DSPERSE_CHECK_OK(expect_rank(call, 1, 1, model::kMaxRank));
  const bool vector_a = a.size() == 1, vector_b = b.size() == 1;
  if (vector_a) a.insert(a.begin(), 1);
  if (vector_b) b.push_back(1);
  const std::int64_t m = a[a.size() - 2], k = a.back(), n = b.back();
  if (b[b.size() - 2] != k)
    return fail(ErrorKind::bad_input,
                "inner dimensions " + std::to_string(k) + " and " + std::to_string(b[b.size() - 2]) + " differ",
                input_text(call.node, 1));
  DSPERSE_TRY(Shape out, broadcast(Shape(a.begin(), a.end() - 2), Shape(b.begin(), b.end() - 2)));
  if (!vector_a) out.push_back(m);
  if (!vector_b) out.push_back(n);
  return one_output(DType::f32, std::move(out));
}

Inferred infer_batch_normalization(const InferCall& call) {
  DSPERSE_CHECK_OK(expect_inputs(call, 5, 5));
  DSPERSE_CHECK_OK(all_float(call));
  DSPERSE_CHECK_OK(expect_rank(call, 0, 1, model::kMaxRank));
  DSPERSE_TRY(const std::int64_t training, call.node.int_or("training_mode", 0));
  if (training != 0)
    return fail(ErrorKind::unsupported, "batch normalization in training mode", "attribute 'training_mode'",
                "export the model for inference");
  DSPERSE_TRY(const std::int64_t spatial, call.node.int_or("spatial", 1));
  if (spatial == 0) return fail(ErrorKind::unsupported, "batch normalization per activation", "attribute 'spatial'");
  DSPERSE_TRY(const float epsilon, call.node.float_or("epsilon", 1e-5F));
  if (!(epsilon >= 0)) return fail(ErrorKind::bad_input, "epsilon is negative", "attribute 'epsilon'");
  const Shape& x = call.inputs[0]->shape;
  for (std::size_t i = 1; i < 5; ++i) DSPERSE_CHECK_OK(expect_shape(call, i, {x.size() > 1 ? x[1] : 1}));
  return one_output(DType::f32, x);
}

}  // namespace dsperse::ops
