// A small network in three slices as a plan, for tests that need no ONNX file.
#pragma once

#include "dsperse/quantize/testing/programs.h"
#include "dsperse/slice/plan.h"
#include "dsperse/store/plan_folder.h"

namespace dsperse::pipeline::testing {

/// Gemm+ReLU | Gemm | Gemm, 6 -> 8 -> 5 -> 3; input "x" (1, 6), output "y" (1, 3) with labels.
inline store::PlanFile small_plan(std::uint64_t seed = 1) {
  namespace qt = quantize::testing;
  qt::Builder b;
  const auto x = b.input({1, 6});
  const auto h = b.gemm(x, 6, 8, qt::simple_requant(12, quantize::Function::relu));
  const auto m = b.gemm(h, 8, 5, qt::simple_requant(12));
  b.gemm(m, 5, 3, qt::simple_requant(12));
  store::PlanFile plan;
  plan.name = "small";
  plan.calibration = "none";
  plan.model.program = b.done();
  qt::Rng rng(seed);
  plan.model.weights = qt::random_weights(plan.model.program, rng);
  plan.model.inputs = {{"x", {1, 6}, {0, 1}, {}, {}}};
  plan.model.outputs = {{"y", {1, 3}, {0, 1}, {}, {}}};
  plan.labels = {"ant", "bee", "cow"};
  plan.cuts = {0, 1};
  plan.treatments.assign(3, {.proof = true});
  plan.predicted.resize(3);
  return plan;
}

}  // namespace dsperse::pipeline::testing
