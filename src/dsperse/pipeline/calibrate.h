// Measuring this machine for the cost model: networks of many shapes, compiled, run, proved and verified slice by slice, with one
// thread, in a process of their own for each (its memory is then nobody else's).
//
// Not here: the fit (slice/fit.h), starting processes (cli/calibrate.cc). Source: docs/design/0016. Tested by
// pipeline/calibrate_test.cc and tests/e2e.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "dsperse/backend/backend.h"
#include "dsperse/slice/fit.h"
#include "dsperse/store/plan_folder.h"

namespace dsperse::pipeline {

/// Names of the networks, in the order in which they are measured.
std::vector<std::string_view> calibration_networks();
/// One of them, with random weights from a fixed seed, cut and ready to be compiled.
[[nodiscard]] Result<store::PlanFile> calibration_plan(std::size_t network);

/// What was measured, without counts, by slice.
struct Calibrated {
  std::vector<slice::Measured> slices;
  double process_bytes = 0;  ///< of this process before any model
};
/// Compiles, runs, proves and verifies the plan in `folder` (absent or empty), the last three `repeat` times: least times, memory
/// of the first. Sets one thread.
[[nodiscard]] Result<Calibrated> measure_plan(const store::PlanFile& plan, const backend::Backend& backend,
                                              const std::string& folder, unsigned repeat);

/// Fills in counts, slices and the largest boundary of every slice of the plan.
[[nodiscard]] Status add_counts(const store::PlanFile& plan, std::vector<slice::Measured>& slices);

/// As JSON, from process to process; values that were not measured are left out.
std::string calibrated_document(const Calibrated& calibrated);
[[nodiscard]] Result<Calibrated> read_calibrated(const std::string& json);

}  // namespace dsperse::pipeline
