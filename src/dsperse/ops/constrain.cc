#include "dsperse/ops/constrain.h"

#include <utility>

#include "dsperse/ops/common/constrain.h"
#include "dsperse/ops/common/requantize.h"
#include "dsperse/quantize/visit.h"

namespace dsperse::ops {

Result<Relation> constrain(const quantize::Program& program, const std::vector<quantize::TensorId>& ranged,
                           const Options& options) {
  Builder b(program, options);
  for (const quantize::Op& op : program.ops)
    if (quantize::op_requant(op) != nullptr) DSPERSE_CHECK_OK(announce_requantize(b, op));
  for (const quantize::Op& op : program.ops) announce_rows(b, op);
  for (const quantize::TensorId t : ranged) {
    const quantize::TensorSpec& spec = program.tensors[t];
    if (b.over_budget()) return b.finish();
    const Shape site = spec.shape.empty() ? Shape{1} : spec.shape;
    b.add_lookup({spec.name + " range", site, b.range_table(spec.lo, spec.hi), {{tensor_term(b.value(t), identity_view(site))}}});
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
