// The activations that are functions of their own in a Program; Identity, Dropout.
#include "dsperse/ops/common/lower.h"

#include "dsperse/ops/elementwise/elementwise.h"
#include "dsperse/ops/lower.h"

namespace dsperse::ops {

using model::Node;
using quantize::Function;
using quantize::Lowering;
using quantize::RealActivation;

Status lower_relu(Lowering& l, const Node& node) { return l.activation(node, {.f = Function::relu}); }
Status lower_sigmoid(Lowering& l, const Node& node) { return l.activation(node, {.f = Function::sigmoid}); }
Status lower_tanh(Lowering& l, const Node& node) { return l.activation(node, {.f = Function::tanh}); }

Status lower_clip(Lowering& l, const Node& node) {
  if (l.graph().values.at(node.outputs[0]).dtype != model::DType::f32) return lower_point(l, node);
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
