// Declared, not yet made.
#include "dsperse/quantize/lowering.h"

namespace dsperse::quantize {
namespace {

std::unexpected<Error> pending() { return fail(ErrorKind::unsupported, "the operator has no integer form yet"); }

}  // namespace

Status Lowering::contract(const model::Node&, Operand, Operand, const std::vector<std::uint32_t>&) { return pending(); }
Status Lowering::multiply(const model::Node&, RealTerm, RealTerm) { return pending(); }
Status Lowering::reduce(const model::Node&, const Value&, const std::vector<std::size_t>&, bool) { return pending(); }

}  // namespace dsperse::quantize
