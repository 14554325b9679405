#include <algorithm>
#include <cmath>

#include "dsperse/ops/attention/attention.h"

namespace dsperse::ops {

using model::DType;
using model::EvaluateCall;
using model::InferCall;
using model::Tensor;

Inferred infer_masked_softmax(const InferCall& call) {
  DSPERSE_CHECK_OK(expect_inputs(call, 2, 2));
  DSPERSE_CHECK_OK(expect_float(call, 0));
  DSPERSE_CHECK_OK(expect_rank(call, 0, 1, model::kMaxRank));
  const Tensor* visible = call.inputs[1]->constant;
  if (call.inputs[1]->dtype != DType::boolean || visible == nullptr)
    return fail(ErrorKind::unsupported, "the mask is no boolean constant", input_text(call.node, 1));
  const auto spread = broadcast(call.inputs[0]->shape, visible->shape);
  if (!spread || *spread != call.inputs[0]->shape)
    return fail(ErrorKind::bad_input, "the mask does not broadcast to the data", input_text(call.node, 1));
  const auto n = static_cast<std::size_t>(visible->shape.empty() ? 1 : visible->shape.back());
  for (std::size_t at = 0; n != 0 && at < visible->i.size(); at += n)
    if (std::all_of(visible->i.begin() + static_cast<std::ptrdiff_t>(at),
                    visible->i.begin() + static_cast<std::ptrdiff_t>(at + n), [](std::int64_t v) { return v == 0; }))
      return fail(ErrorKind::unsupported, "a row of the mask hides everything", input_text(call.node, 1));
  return one_output(DType::f32, call.inputs[0]->shape);
}

Evaluated evaluate_masked_softmax(const EvaluateCall& call) {
  DSPERSE_TRY(const auto infos, infer_outputs(call, infer_masked_softmax));
  const Tensor &x = *call.inputs[0], &visible = *call.inputs[1];
  std::vector<Tensor> out{zeros(infos[0])};
  std::vector<std::int64_t> shown(x.f.size());
  walk(x.shape, broadcast_strides(visible.shape, x.shape), 0,
       [&](std::int64_t o, std::int64_t i) { shown[static_cast<std::size_t>(o)] = visible.i[static_cast<std::size_t>(i)]; });
  const auto n = static_cast<std::size_t>(x.shape.back());
  for (std::size_t row = 0; n != 0 && row < x.f.size(); row += n) {
    double largest = -std::numeric_limits<double>::infinity(), sum = 0;
    for (std::size_t k = row; k < row + n; ++k)
      if (shown[k] != 0) largest = std::max(largest, static_cast<double>(x.f[k]));
    const auto e = [&](std::size_t k) { return shown[k] != 0 ? std::exp(static_cast<double>(x.f[k]) - largest) : 0.0; };
    for (std::size_t k = row; k < row + n; ++k) sum += e(k);
    for (std::size_t k = row; k < row + n; ++k) out[0].f[k] = static_cast<float>(e(k) / sum);
  }
  return out;
}

}  // namespace dsperse::ops
