// Flags of the verbs that read a model file, and what they ask for.
#pragma once

#include "dsperse/cli/context.h"
#include "dsperse/pipeline/import.h"

namespace dsperse::cli {

struct ImportFlags {
  std::string model, calibration, labels, policy, strategy;
  std::vector<std::string> shapes, cut_after;
  std::vector<float> pixel_scale, pixel_bias;
  std::string optimize, cost_model, float_engine;
  unsigned count = 0, workers = 0, activation_bits = 12, weight_bits = 12;
  double native_seconds = 0, deadline = 0;
  bool external_data = false, per_tensor = false, least_memory = false;

  /// Of which verb: inspect has no cuts, bench may go without a model, full-run has --workers of its own.
  enum class Of : std::uint8_t { inspect, slice, bench, full_run };
  void add(CLI::App& app, Of verb);
  /// context.memory: with a cut by memory, a count or a deadline what the plan has to fit.
  [[nodiscard]] Result<pipeline::ImportRequest> request(const Context& context) const;
};

}  // namespace dsperse::cli
