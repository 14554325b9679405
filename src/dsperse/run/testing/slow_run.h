// The slow obvious interpreter: program.h's comments as literal loops. The twin that run/integer.h must agree with bit for bit.
//
// For tests: product targets don't link it. It shares no arithmetic with the fast one beyond activate and average_multiplier,
// which quantize/ tests on their own. Tested by run/slow_run_test.cc (values worked out by hand).
#pragma once

#include <cstdint>
#include <vector>

#include "dsperse/quantize/program.h"

namespace dsperse::run::testing {

/// program: has passed check_program. trace: input tensors set (others ignored) -> every tensor set.
/// saturated (may be null): by op, elements whose v was outside of [-c, c - 1].
/// Errors (bad_input): inputs or weights of wrong sizes, or with values beyond their specs.
[[nodiscard]] Status slow_run(const quantize::Program& program, const quantize::WeightStore& weights,
                              quantize::TensorStore& trace, std::vector<std::uint64_t>* saturated = nullptr);

}  // namespace dsperse::run::testing
