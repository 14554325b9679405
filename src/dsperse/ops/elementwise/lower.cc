// Add, Sub, the activations, Identity, Dropout.
#include "dsperse/ops/common/lower.h"

#include "dsperse/ops/elementwise/elementwise.h"
#include "dsperse/ops/lower.h"

namespace dsperse::ops {

using model::Node;
using quantize::Function;
using quantize::Lowering;
using quantize::RealActivation;

namespace {

/// The second operand counts `coef` times.
Status lower_binary(Lowering& l, const Node& node, std::int64_t coef) {
  std::vector<quantize::RealTerm> terms(2);
  terms[1].coef = coef;
  for (std::size_t i = 0; i < 2; ++i) {
    if (l.constant(node, i) == nullptr) {
      DSPERSE_TRY(terms[i].tensor, l.tensor(node, i));
      continue;
    }
    DSPERSE_TRY(const model::Tensor* c, l.float_constant(node, i, "the constants"));
    terms[i].shape = c->shape;
    terms[i].values = c->f;
  }
  return l.sum(node, std::move(terms));
}

}  // namespace

Status lower_add(Lowering& l, const Node& node) { return lower_binary(l, node, 1); }
Status lower_sub(Lowering& l, const Node& node) { return lower_binary(l, node, -1); }

Status lower_relu(Lowering& l, const Node& node) { return l.activation(node, {.f = Function::relu}); }
Status lower_sigmoid(Lowering& l, const Node& node) { return l.activation(node, {.f = Function::sigmoid}); }
Status lower_tanh(Lowering& l, const Node& node) { return l.activation(node, {.f = Function::tanh}); }

Status lower_leaky_relu(Lowering& l, const Node& node) {
  DSPERSE_TRY(const float alpha, node.float_or("alpha", 0.01F));
  if (!(alpha >= 0 && alpha <= 1))
    return fail(ErrorKind::unsupported, "the slope " + std::to_string(alpha) + " is not in [0, 1]", "attribute 'alpha'");
  return l.activation(node, {.f = Function::leaky_relu, .alpha = static_cast<double>(alpha)});
}

Status lower_clip(Lowering& l, const Node& node) {
  DSPERSE_TRY(const ClipBounds bounds, clip_bounds(NodeInputs(l, node).call()));
  // ONNX: the upper end wins where they are out of order.
  RealActivation a{
      .f = Function::clip, .lo = static_cast<double>(std::min(bounds.low, bounds.high)), .hi = static_cast<double>(bounds.high)};
  if (a.lo == 0 && a.hi == std::numeric_limits<double>::infinity()) a = {.f = Function::relu};
  return l.activation(node, a);
}

Status lower_identity(Lowering& l, const Node& node) {
  DSPERSE_TRY(const quantize::Value x, l.tensor(node, 0));
  l.alias(node, x, x.view);
  return {};
}

}  // namespace dsperse::ops
