// Gemm without constant weights, in simpler operators.
#include <algorithm>

#include "dsperse/ops/linear/linear.h"

namespace dsperse::ops {

using model::InferCall;
using model::Tensor;

namespace {

/// c is one value, or one for every column.
bool is_bias(const Tensor& c, std::int64_t columns) {
  const auto n = static_cast<std::int64_t>(c.f.size());
  return n == 1 || (n == columns && c.shape.back() == columns);
}

}  // namespace

Expanded expand_gemm(const InferCall& call) {
  DSPERSE_TRY(const auto infos, infer_gemm(call));
  const Tensor *a = call.inputs[0]->constant, *b = call.inputs[1]->constant;
  const bool biased = has_input(call, 2);
  const Tensor* c = biased ? call.inputs[2]->constant : nullptr;
  if (a == nullptr && b != nullptr && (!biased || (c != nullptr && is_bias(*c, infos[0].shape.back()))))
    return model::Expansion{};
  DSPERSE_TRY(const std::int64_t trans_a, call.node.int_or("transA", 0));
  DSPERSE_TRY(const std::int64_t trans_b, call.node.int_or("transB", 0));
  DSPERSE_TRY(const float alpha, call.node.float_or("alpha", 1));
  DSPERSE_TRY(const float beta, call.node.float_or("beta", 1));
  Emitter e(call);
  const auto scaled = [&](const std::string& x, float factor) { return factor == 1.0F ? x : e.mul(x, e.scalar(factor)); };
  std::string left = trans_a != 0 ? e.transpose(e.input(0), {1, 0}) : e.input(0);
  std::string right = trans_b != 0 ? e.transpose(e.input(1), {1, 0}) : e.input(1);
  // A constant is scaled for nothing.
  if (b != nullptr) right = scaled(right, alpha);
  if (b == nullptr && a != nullptr) left = scaled(left, alpha);
  std::string y = e.op("MatMul", {left, right});
  if (a == nullptr && b == nullptr) y = scaled(y, alpha);
  if (biased && beta != 0.0F) y = e.add(y, scaled(e.input(2), beta));
  return e.finish({y});
}

}  // namespace dsperse::ops
