#include <algorithm>

#include "dsperse/ops/common/window.h"
#include "dsperse/ops/pool/pool.h"

namespace dsperse::ops {

using model::DType;
using model::InferCall;
using model::Shape;

namespace {

Inferred infer_pool(const InferCall& call) {
  DSPERSE_CHECK_OK(expect_inputs(call, 1, 1));
  DSPERSE_CHECK_OK(expect_float(call, 0));
  const Shape& x = call.inputs[0]->shape;
  DSPERSE_CHECK_OK(expect_rank(call, 0, 3, 5));
  DSPERSE_TRY(const SpatialWindow window, pool_window(call.node, x));
  Shape out{x[0], x[1]};
  out.insert(out.end(), window.out.begin(), window.out.end());
  return one_output(DType::f32, std::move(out));
}

}  // namespace

Inferred infer_max_pool(const InferCall& call) {
  if (call.node.outputs.size() > 1 && !call.node.outputs[1].empty())
    return fail(ErrorKind::unsupported, "the Indices output of MaxPool", "output '" + call.node.outputs[1] + "'");
  return infer_pool(call);
}

Inferred infer_average_pool(const InferCall& call) { return infer_pool(call); }

Inferred infer_global_average_pool(const InferCall& call) {
  DSPERSE_CHECK_OK(expect_inputs(call, 1, 1));
  DSPERSE_CHECK_OK(expect_float(call, 0));
  DSPERSE_CHECK_OK(expect_rank(call, 0, 3, model::kMaxRank));
  Shape out = call.inputs[0]->shape;
  if (std::ranges::count(out, 0) != 0)
    return fail(ErrorKind::bad_input, "mean of nothing: shape " + model::shape_text(out), input_text(call.node, 0));
  std::fill(out.begin() + 2, out.end(), 1);
  return one_output(DType::f32, std::move(out));
}

}  // namespace dsperse::ops
