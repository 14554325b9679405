// Faults of what reads tensors through axis maps, and of written-out tables: a part of check_program.
//
// Every function gives the fault in words, or nullptr. Tested by quantize/program_test.cc.
#pragma once

#include "dsperse/quantize/program.h"

namespace dsperse::quantize {

/// Letters rise and exist, coefficients and offset are bounded; a constant index lies in the axis.
const char* map_fault(const AxisMap& map, std::int64_t axis, std::size_t letters);
const char* contract_fault(const Program& program, const Contract& op);
const char* reduce_fault(const Program& program, const Reduce& op);
/// Label and values: as many as the clamp has, in range; none of other functions.
const char* table_fault(const Activation& activation, std::uint32_t clamp_bits);

}  // namespace dsperse::quantize
