// Constants of the cost model from measurements: least squares of relative errors, drawn towards the constants that one starts
// from, since a few dozen slices do not tell apart thirty constants.
//
// Pure. Not here: measuring (pipeline/calibrate.h), files (store/cost_file.h). Tested by slice/fit_test.cc.
#pragma once

#include <optional>
#include <vector>

#include "dsperse/slice/cost.h"

namespace dsperse::slice {

/// One slice: what it is, and what was measured of it. Bytes: beyond what the process had. Least of a few repetitions.
struct Measured {
  Counts counts;
  std::size_t slices = 1;     ///< of its plan
  std::uint64_t largest = 1;  ///< symbols of the plan's largest committed boundary
  std::optional<double> prove_seconds, run_seconds, compile_seconds, verify_seconds;
  std::optional<double> prove_bytes, run_bytes, compile_bytes, proof_bytes;
};

/// Of predictions against measurements: shares of what was measured, without sign.
struct FitError {
  double median = 0, largest = 0;
};
struct Fit {
  CostModel model;
  FitError seconds, bytes, proof;  ///< of proving
  FitError run_seconds, compile_seconds, verify_seconds, run_bytes, compile_bytes;
};

/// start: of its geometries, and its constants are where the fit begins and what it is drawn to.
[[nodiscard]] Fit fit(const std::vector<Measured>& measured, const Prover& prover, const CostModel& start);

}  // namespace dsperse::slice
