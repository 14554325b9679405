// Einsum of two operands: a contraction.
#include "dsperse/ops/common/lower.h"

#include <array>

#include "dsperse/ops/einsum/einsum.h"
#include "dsperse/ops/lower.h"

namespace dsperse::ops {

Status lower_einsum(quantize::Lowering& l, const model::Node& node) {
  const NodeInputs inputs(l, node);
  DSPERSE_TRY(const Equation eq, equation_of(inputs.call()));
  if (eq.operands.size() != 2) return fail(ErrorKind::internal, "a product of other than two operands was not expanded");
  std::array<quantize::Operand, 2> operands;
  std::vector<std::uint32_t> dense(eq.extent.size(), 0);  // the letters that occur, counted
  std::uint32_t count = 0;
  for (std::size_t k = 0; k < dense.size(); ++k)
    if (eq.extent[k] != -1) dense[k] = count++;
  std::vector<bool> carried(eq.extent.size(), false);
  for (std::size_t i = 0; i < 2; ++i) {
    if (l.constant(node, i) != nullptr) {
      DSPERSE_TRY(operands[i].constant, l.float_constant(node, i, "the operands"));
    } else {
      DSPERSE_TRY(operands[i].tensor, l.tensor(node, i));
    }
    const model::Shape& shape = l.shape(node.inputs[i]);
    for (std::size_t axis = 0; axis < shape.size(); ++axis) {
      const std::uint32_t letter = eq.operands[i][axis];
      // An axis of size 1 has no letter of its own where the other operand has it.
      const bool repeats = shape[axis] == 1 && (eq.extent[letter] != 1 || carried[letter]);
      operands[i].letters.push_back(repeats ? quantize::kNoLetter : dense[letter]);
      carried[letter] = carried[letter] || !repeats;
    }
  }
  std::vector<std::uint32_t> out;
  for (const std::uint32_t letter : eq.out) out.push_back(dense[letter]);
  return l.contract(node, std::move(operands[0]), std::move(operands[1]), out);
}

}  // namespace dsperse::ops
