#include "dsperse/ops/normalize/expand.h"

#include "dsperse/ops/normalize/normalize.h"

namespace dsperse::ops {

using model::InferCall;
using model::Shape;

namespace {

using Int = std::int64_t;

Int product(const Shape& shape, std::size_t first, std::size_t end) {
  Int n = 1;
  for (std::size_t k = first; k < end; ++k) n *= shape[k];
  return n;
}

/// The outputs beside the normalized one: mean (not of RMSNormalization's kind) and 1 / deviation of each row.
Expanded with_statistics(const InferCall& call, const Shape& shape, std::size_t axis) {
  DSPERSE_TRY(const float epsilon, call.node.float_or("epsilon", 1e-5F));
  Emitter e(call);
  std::vector<Int> axes;
  for (std::size_t k = axis; k < shape.size(); ++k) axes.push_back(static_cast<Int>(k));
  std::vector<std::string> inputs, out;
  for (std::size_t i = 0; i < call.inputs.size(); ++i) inputs.push_back(e.input(i));
  out.push_back(e.op(call.node.op, inputs, call.node.attributes));
  std::string rest = e.input(0);
  if (call.node.op == "LayerNormalization") {
    out.push_back(e.reduce("ReduceMean", rest, axes, true));
    rest = e.sub(rest, out[1]);
  }
  const std::string variance = e.reduce("ReduceMean", e.mul(rest, rest), axes, true);
  out.push_back(e.op("Reciprocal", {e.op("Sqrt", {e.add(variance, e.scalar(epsilon))})}));
  out.resize(call.node.outputs.size());
  return e.finish(out);
}

}  // namespace

Expanded expand_softmax(const InferCall& call) {
  DSPERSE_CHECK_OK(infer_softmax(call));
  DSPERSE_TRY(const SoftmaxAxes axes, softmax_axes(call));
  if (axes.end == axes.first + 1) return model::Expansion{};
  const Shape& shape = call.inputs[0]->shape;
  Emitter e(call);
  const std::string rows = e.reshape(e.input(0), {product(shape, 0, axes.first), product(shape, axes.first, axes.end)});
  return e.finish({e.reshape(e.op("Softmax", {rows}, {{"axis", Int{1}}}), shape)});
}

Expanded expand_layer_normalization(const InferCall& call) {
  DSPERSE_TRY(const auto infos, infer_layer_normalization(call));
  const Shape& shape = infos[0].shape;
  DSPERSE_TRY(const Int given, call.node.int_or("axis", -1));
  DSPERSE_TRY(const std::size_t axis, normal_axis(given, shape.size(), "attribute 'axis'"));
  const auto plain = [&](std::size_t i) {
    if (!has_input(call, i)) return true;
    const Shape& own = call.inputs[i]->shape;
    bool within = call.inputs[i]->constant != nullptr;
    for (std::size_t k = 0; k < own.size(); ++k)
      if (k + shape.size() < own.size() + axis && own[k] != 1) within = false;
    return within;
  };
  Emitter e(call);
  if (e.wants(1) || e.wants(2)) return with_statistics(call, shape, axis);
  if (plain(1) && plain(2)) return model::Expansion{};
  const Shape rows(shape.begin() + static_cast<std::ptrdiff_t>(axis), shape.end());
  const auto n = static_cast<std::size_t>(product(rows, 0, rows.size()));
  auto attributes = call.node.attributes;
  const std::string scale = e.constant(model::float_tensor(rows, std::vector<float>(n, 1.0F)));
  std::string out = e.mul(e.op(call.node.op, {e.input(0), scale}, attributes), e.input(1));
  if (has_input(call, 2)) out = e.add(out, e.input(2));
  return e.finish({out});
}

}  // namespace dsperse::ops
