// Integer semantics of a Program, element by element: what proofs are about, for tests. Slow and obvious.
//
// Product targets don't link this. Tested by proof/slice_test.cc (every honest proof of its traces is accepted).
#pragma once

#include <functional>

#include "dsperse/quantize/program.h"

namespace dsperse::proof::testing {

/// Called with each op's output right after it was computed; may change it: a lie from which everything later follows honestly.
using Force = std::function<void(std::uint32_t op, quantize::IntTensor& y)>;

/// Fills every tensor that an op produces; the inputs must be there.
void evaluate(const quantize::Program& program, const quantize::WeightStore& weights, quantize::TensorStore& trace,
              const Force& force = {});

/// v of a requantization (before the clamp) for an accumulator in channel `c` of the last axis.
std::int64_t rounded(const quantize::Requant& requant, std::int64_t acc, std::size_t c);
/// The activation's output for v.
std::int64_t activated(const quantize::Requant& requant, std::int64_t v);

}  // namespace dsperse::proof::testing
