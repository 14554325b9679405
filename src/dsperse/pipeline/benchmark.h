// Repeated run, commit, prove and verify of one plan, slice by slice, in memory: nothing is published, so no opening is used up.
//
// As in `dsperse prove`, a slice's trees live as long as its own proof: the peak of a slice is what that slice needs.
// Tested by tests/e2e.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "dsperse/backend/backend.h"
#include "dsperse/pipeline/progress.h"
#include "dsperse/store/plan_folder.h"

namespace dsperse::pipeline {

/// note: what the value is of, e.g. "median of 5".
struct Measurement {
  std::string name;
  double value = 0;
  std::string unit;
  std::size_t threads = 1;
  std::string note;
  double min = 0, max = 0;          ///< over the repetitions; the value itself if there is only one
  std::optional<double> predicted;  ///< what the plan said, in the same unit
};

struct BenchmarkOptions {
  unsigned repeat = 3;
  std::vector<std::size_t> threads{1, 2};
  proof::Profile profile = proof::Profile::bits100;
  bool public_weights = false;
  proof::Optimize goal = proof::Optimize::time;
};

/// Every slice is proved, whatever its mode. Every proof is verified; one that is not accepted is an error (internal).
/// Slices come one after the other; sums over slices are of medians. Restores the number of threads.
[[nodiscard]] Result<std::vector<Measurement>> benchmark_plan(const store::PlanFile& plan, const quantize::TensorStore& inputs,
                                                              const backend::Backend& backend, const BenchmarkOptions& options,
                                                              const Observer& observer);

}  // namespace dsperse::pipeline
