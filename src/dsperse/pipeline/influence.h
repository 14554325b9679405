// Influence: how far a model's outputs move when a slice's result is a little wrong.
//
// For every slice and every tensor that leaves it, one at a time: each element q becomes clamp(q + e, lo, hi), e uniform among
// -k..-1, 1..k, k = max(1, (hi - lo) / 100) quanta: about one percent of the tensor's declared range. What comes after the slice
// is run on integers. Over all elements of one model output, in real values, the change is RMS(y' - y) / RMS(y), with one quantum
// for RMS(y) where y is 0. A sample's number is the mean over the outputs; a tensor's the mean over the samples; a slice's the
// greatest of its tensors'. e comes from SplitMix64, seeded by slice, tensor and sample: the same on every machine.
//
// It is a measurement with small errors of random sign, not a bound: a lie is as large as its author wants.
// Source: docs/trust/economics.md. Tested by pipeline/influence_test.cc.
#pragma once

#include <span>
#include <vector>

#include "dsperse/pipeline/native.h"

namespace dsperse::pipeline {

/// Samples that are looked at: the first of the calibration's.
inline constexpr std::size_t kInfluenceSamples = 4;

/// By slice. samples: at least one; more than kInfluenceSamples are not looked at.
[[nodiscard]] Result<std::vector<double>> measure_influence(const quantize::QuantizedModel& model, const slice::Plan& plan,
                                                            std::span<const RunInputs> samples);

}  // namespace dsperse::pipeline
