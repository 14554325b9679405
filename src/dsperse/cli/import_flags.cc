#include "dsperse/cli/import_flags.h"

namespace dsperse::cli {

void ImportFlags::add(CLI::App& app, bool cuts) {
  app.add_option("MODEL", model, "an ONNX model")->required();
  app.add_option("--calibration", calibration,
                 "tensor file or folder of samples that choose the integer ranges, or 'default' for made-up ones "
                 "(without it: calibration.npz beside the model, if there is one)");
  app.add_option("--input-shape", shapes, "NAME:DIMS of an input whose shape the model leaves open, e.g. image:1,3,32,32");
  app.add_option("--pixel-scale", pixel_scale,
                 "image inputs are pixel * scale + bias, one number or one a channel (default 1/255)");
  app.add_option("--pixel-bias", pixel_bias, "see --pixel-scale (default 0)");
  app.add_option("--activation-bits", activation_bits, "width of activations")->check(CLI::Range(8U, 16U))->capture_default_str();
  app.add_option("--weight-bits", weight_bits, "width of weights")->check(CLI::Range(8U, 16U))->capture_default_str();
  app.add_flag("--per-tensor", per_tensor, "one exponent per weight tensor instead of one per channel");
  app.add_flag("--external-data", external_data, "allow weights in other files of the model's folder");
  if (!cuts) return;
  app.add_option("--labels", labels, "file of class labels, one a line; part of the key");
  app.add_option("--policy", policy, "FILE, or one treatment for all: proof, trust, replicate(2), audit(0.05) (default proof)");
  app.add_option(
      "--strategy", strategy,
      "which slices to prove, the others get the policy's default: name:layer3*, operator:Conv, slices:0,2-4, first:2, "
      "last:2, cost:SECONDS, influence:SECONDS");
  app.add_option("--native-seconds", native_seconds, "what one run takes on the workers' machines (default: measured here)")
      ->check(CLI::PositiveNumber);
  auto* how = app.add_option_group("cuts", "default: one slice per layer block; --memory alone: fewest slices that fit");
  how->add_option("--count", count, "this many slices, balanced by predicted time")->check(CLI::Range(1U, 4096U));
  how->add_option("--cut-after", cut_after, "tensors after which to cut")->delimiter(',');
  how->require_option(0, 1);
}

Result<pipeline::ImportRequest> ImportFlags::request(const Context& context) const {
  pipeline::ImportRequest out;
  out.model_path = model;
  out.calibration = calibration;
  out.pixel_scale = pixel_scale;
  out.pixel_bias = pixel_bias;
  out.allow_external_data = external_data;
  DSPERSE_TRY(out.input_shapes, parse_shapes(shapes));
  out.quantize.activation_bits = activation_bits;
  out.quantize.weight_bits = weight_bits;
  out.quantize.per_channel = !per_tensor;
  if (!labels.empty()) {
    DSPERSE_TRY(out.labels, pipeline::read_labels(labels));
  }
  if (!policy.empty()) {
    DSPERSE_TRY(LoadedPolicy loaded, load_policy(policy));
    out.policy = std::move(loaded.policy);
    out.policy_text = std::move(loaded.text);
  }
  if (!strategy.empty()) {
    DSPERSE_TRY(out.policy.strategy, trust::parse_strategy(strategy));
    if (out.policy.fallback.proof && !out.policy.planning)
      return fail(ErrorKind::usage, "a strategy selects what is proved, but by default everything is", "--strategy " + strategy,
                  "say what the other slices get, for example --policy trust");
    out.policy_text += "\n# --strategy " + strategy + "\n";
  }
  if (native_seconds > 0) out.native_seconds = native_seconds;
  if (count != 0) {
    out.cut.count = count;
  } else if (!cut_after.empty()) {
    out.cut.after_tensors = cut_after;
  } else if (!context.memory.empty()) {
    DSPERSE_TRY(out.cut.memory_bytes, context.memory_budget());
  }
  return out;
}

}  // namespace dsperse::cli
