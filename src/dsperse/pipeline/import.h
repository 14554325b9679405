// From a model file to a plan: load, prepare, calibrate, quantize, cut, give every slice its treatment.
//
// Tested by pipeline/import_test.cc and tests/e2e.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "dsperse/model/graph.h"
#include "dsperse/pipeline/inspect.h"
#include "dsperse/pipeline/progress.h"
#include "dsperse/quantize/options.h"
#include "dsperse/quantize/quantize.h"
#include "dsperse/store/plan_folder.h"
#include "dsperse/trust/policy/policy.h"

namespace dsperse::pipeline {

struct ImportRequest {
  std::string model_path;
  std::map<std::string, model::Shape> input_shapes;
  bool allow_external_data = false;
  /// A tensor file or a folder of such; "default": made-up samples; empty: calibration.npz beside the model, else made-up
  /// samples.
  std::string calibration;
  std::vector<float> pixel_scale, pixel_bias;  ///< of image inputs, one or one per channel; empty: pixel / 255
  std::vector<std::string> labels;
  quantize::QuantizeOptions quantize;
  slice::CutRequest cut;
  slice::CostModel cost = {};  ///< of the predictions
  trust::Policy policy;
  std::string policy_text;  ///< as it was given, for the plan
  /// Runs operators without integer form, in slices that are held by trust (float_engine/engine.h); empty: they are an error.
  std::string float_engine;
  std::optional<double> native_seconds;  ///< of one run on the workers' machines; absent: measured here
};

/// Loaded and prepared (shapes known, constants folded, normalisations fused).
[[nodiscard]] Result<model::Graph> load_model(const ImportRequest& request);

/// What stands in the way of the model's proof, and what can be proved around it. Errors: the file cannot be read.
[[nodiscard]] Result<Inspection> inspect_model(const ImportRequest& request);

/// Calibration samples, and one phrase that says where they come from.
struct Calibration {
  std::vector<quantize::Sample> samples;
  std::string source;
};
[[nodiscard]] Result<Calibration> load_calibration(const ImportRequest& request, const model::Graph& graph);

/// Integers without cuts: what `inspect` shows.
[[nodiscard]] Result<quantize::QuantizedModel> quantize_graph(const model::Graph& graph, const Calibration& calibration,
                                                              const ImportRequest& request);

/// Integers against floats on samples: calibration data or others.
[[nodiscard]] Result<quantize::Fidelity> measure_fidelity(const model::Graph& graph, quantize::QuantizedModel model,
                                                          const Calibration& samples);

/// Errors: bad_input, unsupported (names the node), resource (no cut fits the memory, no treatments keep
/// the budget), usage (of the policy).
[[nodiscard]] Result<store::PlanFile> plan_model(const ImportRequest& request, const Observer& observer);

/// One label a line; empty lines at the end dropped.
[[nodiscard]] Result<std::vector<std::string>> read_labels(const std::string& path);

}  // namespace dsperse::pipeline
