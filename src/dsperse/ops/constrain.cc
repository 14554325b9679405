#include "dsperse/ops/constrain.h"

#include <utility>

#include "dsperse/ops/common/constrain.h"
#include "dsperse/ops/common/requantize.h"
#include "dsperse/ops/rows/rows.h"
#include "dsperse/quantize/visit.h"

namespace dsperse::ops {
namespace {

quantize::RangeParts parts_of(const Builder& b, quantize::TensorId t) {
  return {b.program().tensors[t].lo, b.program().tensors[t].hi, b.options()};
}

/// The declared range of a committed input.
void look_up_range(Builder& b, quantize::TensorId t) {
  const quantize::TensorSpec& spec = b.program().tensors[t];
  const quantize::RangeParts parts = parts_of(b, t);
  const Shape site = spec.shape.empty() ? Shape{1} : spec.shape;
  const auto x = [&](std::int64_t coef) { return tensor_term(b.value(t), identity_view(site), coef); };
  if (parts.shift == 0) {
    b.add_lookup({spec.name + " range", site, b.range_table(spec.lo, spec.hi), {{x(1)}}});
    return;
  }
  look_up_bits(b, kNoOp, spec.name + " range low", site, {x(1), constant_term(Fp::from_signed(-spec.lo))}, parts.bits);
  if (parts.sides == 2)
    look_up_bits(b, kNoOp, spec.name + " range high", site, {x(-1), constant_term(Fp::from_signed(spec.hi))}, parts.bits);
}

}  // namespace

Result<Relation> constrain(const quantize::Program& program, const std::vector<quantize::TensorId>& ranged,
                           const Options& options) {
  Builder b(program, options);
  for (const quantize::Op& op : program.ops)
    if (quantize::op_requant(op) != nullptr) DSPERSE_CHECK_OK(announce_requantize(b, op));
  for (const quantize::Op& op : program.ops) announce_rows(b, op);
  for (const quantize::TensorId t : ranged) announce_limbs(b, {parts_of(b, t).shift});
  for (const quantize::TensorId t : ranged) {
    if (b.over_budget()) return b.finish();
    look_up_range(b, t);
  }
  for (std::uint32_t i = 0; i < program.ops.size(); ++i) {
    if (b.over_budget()) return b.finish();
    const quantize::TensorSpec& y = program.tensors[quantize::op_output(program.ops[i])];
    if (std::cmp_greater(quantize::elements(y.shape), kMaxLookups))
      return fail(ErrorKind::unsupported, "an output of more than 2^25 elements cannot be proved", program.ops[i].name,
                  "cut it into smaller slices");
    DSPERSE_CHECK_OK(quantize::visit_body(
        [&](const auto& body) -> Status {
          if constexpr (requires { constrain_op(b, i, body); }) return constrain_op(b, i, body);
          return fail(ErrorKind::unsupported, "the operator has no constraints yet", program.ops[i].name);
        },
        program.ops[i].body));
  }
  return b.finish();
}

}  // namespace dsperse::ops
