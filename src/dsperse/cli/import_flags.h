// Flags of the verbs that read a model file, and what they ask for.
#pragma once

#include "dsperse/cli/context.h"
#include "dsperse/pipeline/import.h"

namespace dsperse::cli {

struct ImportFlags {
  std::string model, calibration, labels, policy, strategy;
  std::vector<std::string> shapes, cut_after;
  std::vector<float> pixel_scale, pixel_bias;
  unsigned count = 0, activation_bits = 12, weight_bits = 12;
  double native_seconds = 0;
  bool external_data = false, per_tensor = false;

  void add(CLI::App& app, bool cuts);
  /// context.memory limits the predicted peak of a slice when neither --count nor --cut-after is given and --memory is.
  [[nodiscard]] Result<pipeline::ImportRequest> request(const Context& context) const;
};

}  // namespace dsperse::cli
