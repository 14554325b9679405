// Sum as constraints: linear terms and a requantization. Source: docs/protocol/operators.md. Tested by ops/ops_test.cc.
#include "dsperse/ops/common/constrain.h"

#include "dsperse/ops/common/requantize.h"

namespace dsperse::ops {

using quantize::Program;

Status constrain_op(Builder& b, std::uint32_t index, const quantize::Sum& op) {
  const Program& p = b.program();
  const Shape site = p.tensors[op.y].shape.empty() ? Shape{1} : p.tensors[op.y].shape;
  Terms acc;
  for (const quantize::Sum::Term& t : op.terms) {
    const Shape& shape = t.is_weight ? p.weights[t.id].shape : p.tensors[t.id].shape;
    acc.push_back(tensor_term(t.is_weight ? b.weight(t.id) : b.value(t.id), broadcast_view(shape, site), t.coef));
  }
  return requantize(b, index, site, std::move(acc), op.requant);
}

}  // namespace dsperse::ops
