// What running a model natively costs on this machine: the other half of a plan's costs beside predicted proofs.
//
// Measured once, when a plan is made. Tested by pipeline/native_test.cc.
#pragma once

#include <span>

#include "dsperse/quantize/quantize.h"
#include "dsperse/slice/plan.h"
#include "dsperse/trust/policy/assign.h"

namespace dsperse::pipeline {

/// Integer inputs of a run: the tensors of a trace that the program reads from outside are set, the others are empty.
using RunInputs = quantize::TensorStore;

/// Times whole runs (the median of at most five, within about a second) and splits the time of the median run: ops with
/// multiply-adds by these, the time of all others evenly over the slices. So the slices' costs sum to the run.
[[nodiscard]] Result<trust::NativeRate> measure_native(const quantize::QuantizedModel& model, const RunInputs& inputs,
                                                       std::size_t slices);
/// Of a run that takes this long, by multiply-adds alone; evenly over the slices of a program without any.
[[nodiscard]] trust::NativeRate native_rate(double seconds, const quantize::Program& program, std::size_t slices);

/// Programs, costs, edges and outputs of a plan's slices. Influences are not set (influence.h).
[[nodiscard]] trust::PlanFacts plan_facts(const slice::Plan& plan, const trust::NativeRate& rate);

}  // namespace dsperse::pipeline
