// The pure product sums of a Conv, Gemm or Contract, before bias and rounding: what the prover's product claims speak of.
//
// Tested by run/integer_test.cc.
#pragma once

#include <cstdint>
#include <span>

#include "dsperse/quantize/program.h"

namespace dsperse::run {

/// acc[i] = sum of x * w for element i of the op's output (flat order), without bias. op: a Conv or Gemm of a checked program;
/// x: its input's values, within the declared range; w: its factor's values (int16), within max_abs; acc: as long as the output.
/// Exact; equal on every kernel and thread count. Where the output has few pixels, weights are read where they lie; otherwise
/// those of a Conv are packed each time: IntegerRunner::accumulate, where a runner of the program is at hand, has them packed.
void accumulate(const quantize::Program& program, const quantize::Op& op, const quantize::WeightValues& w,
                const quantize::IntTensor& x, std::span<std::int64_t> acc);

/// The same for any op of a checked program; false, and nothing done, if the op is no product or its weights do not lie as int16.
/// weights, trace: of the program; the op's inputs are set and within their declared ranges.
bool accumulate(const quantize::Program& program, const quantize::Op& op, const quantize::WeightStore& weights,
                const quantize::TensorStore& trace, std::span<std::int64_t> acc);

}  // namespace dsperse::run
