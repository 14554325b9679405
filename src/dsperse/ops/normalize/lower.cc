// Softmax and normalizations of rows.
#include "dsperse/ops/common/lower.h"

#include <algorithm>

#include "dsperse/ops/lower.h"
#include "dsperse/ops/normalize/normalize.h"

namespace dsperse::ops {

using model::Node;
using model::Shape;
using model::Tensor;
using quantize::Lowering;

namespace {

/// A constant as one value for each element of the rows [first, end) of x.
Result<std::vector<float>> over_rows(const Tensor& t, const Shape& x, std::size_t first) {
  const Shape rows(x.begin() + static_cast<std::ptrdiff_t>(first), x.end());
  Shape own = t.shape;
  while (own.size() > rows.size() && own.front() == 1) own.erase(own.begin());
  if (own.size() > rows.size()) return fail(ErrorKind::unsupported, "a scale or bias that changes from row to row");
  std::vector<float> out;
  walk(rows, broadcast_strides(own, rows), 0,
       [&](std::int64_t, std::int64_t i) { out.push_back(t.f[static_cast<std::size_t>(i)]); });
  return out;
}

}  // namespace

Status lower_softmax(Lowering& l, const Node& node) {
  const NodeInputs inputs(l, node);
  DSPERSE_TRY(const SoftmaxAxes axes, softmax_axes(inputs.call()));
  if (axes.end != axes.first + 1) return fail(ErrorKind::internal, "the axes of a softmax were not joined");
  DSPERSE_TRY(const quantize::Value x, l.tensor(node, 0));
  return l.softmax(node, x, axes.first);
}

Status lower_layer_normalization(Lowering& l, const Node& node) {
  for (std::size_t i = 1; i < node.outputs.size(); ++i)
    if (!node.outputs[i].empty()) return fail(ErrorKind::internal, "mean and deviation were not written out", node.outputs[i]);
  DSPERSE_TRY(const quantize::Value x, l.tensor(node, 0));
  const Shape& shape = x.view.shape;
  DSPERSE_TRY(const std::int64_t given, node.int_or("axis", -1));
  DSPERSE_TRY(const std::size_t axis, normal_axis(given, shape.size(), "attribute 'axis'"));
  DSPERSE_TRY(const float epsilon, node.float_or("epsilon", 1e-5F));
  DSPERSE_TRY(const Tensor* scale, l.float_constant(node, 1, "the scales"));
  DSPERSE_TRY(std::vector<float> gamma, over_rows(*scale, shape, axis));
  std::vector<float> beta;
  if (Lowering::has_input(node, 2)) {
    DSPERSE_TRY(const Tensor* bias, l.float_constant(node, 2, "the biases"));
    DSPERSE_TRY(beta, over_rows(*bias, shape, axis));
  }
  return l.normalize(node, x, axis, node.op == "LayerNormalization", std::move(gamma), std::move(beta),
                     static_cast<double>(epsilon));
}

}  // namespace dsperse::ops
