// Rearrange as constraints: an identity at a random point, no lookup. Source: docs/protocol/operators.md. Tested by
// ops/ops_test.cc.
#include "dsperse/ops/common/constrain.h"

namespace dsperse::ops {

Status constrain_op(Builder& b, std::uint32_t index, const quantize::Rearrange& op) {
  const std::string& name = b.program().ops[index].name;
  Terms terms{tensor_term(b.value(op.y), identity_view(op.y_axes))};
  if (op.fill != 0) terms.push_back(constant_term(Fp::from_signed(-op.fill)));
  for (const quantize::Rearrange::Piece& piece : op.pieces) {
    std::vector<bool> seen(op.y_axes.size(), false);
    for (const AxisMap& m : piece.maps)
      for (const auto& part : m.parts) {
        if (seen[part.first])
          return fail(ErrorKind::unsupported, "a data movement reads two axes with one letter", name, "report this model");
        seen[part.first] = true;
      }
    const View view{piece.x_axes, piece.maps};
    terms.push_back(tensor_term(b.value(piece.x), view, -1));
    if (op.fill != 0) {
      Term covered = constant_term(Fp::from_signed(op.fill));
      covered.view = view;
      terms.push_back(std::move(covered));
    }
  }
  b.add_identity({name + " movement", op.y_axes, std::move(terms)});
  return {};
}

}  // namespace dsperse::ops
