#include "dsperse/cli/import_flags.h"

#include "dsperse/cli/cost_model.h"

namespace dsperse::cli {

void ImportFlags::add(CLI::App& app, Of verb) {
  app.add_option("MODEL", model, "an ONNX model")->required(verb != Of::bench);
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
  if (verb == Of::inspect) return;
  app.add_option("--labels", labels, "file of class labels, one a line; part of the key");
  app.add_option("--policy", policy, "FILE, or one treatment for all: proof, trust, replicate(2), audit(0.05) (default proof)");
  app.add_option(
      "--strategy", strategy,
      "which slices to prove, the others get the policy's default: name:layer3*, operator:Conv, slices:0,2-4, first:2, "
      "last:2, cost:SECONDS, influence:SECONDS");
  app.add_option("--native-seconds", native_seconds, "what one run takes on the workers' machines (default: measured here)")
      ->check(CLI::PositiveNumber);
  app.add_option(
         "--float-engine", float_engine,
         "runs operators that have no integer form in float, in slices of their own that are held by trust and by nothing "
         "else: onnxruntime or openvino, of the python3 on the path or of $DSPERSE_PYTHON (without it they are an error)")
      ->check(CLI::IsMember({"onnxruntime", "openvino"}));
  auto* how = app.add_option_group(
      "cuts", "default: one slice per layer block; --memory alone: the fastest that fits, layers that are too large are split");
  how->add_option("--count", count, "this many slices, balanced by predicted time")->check(CLI::Range(1U, 4096U));
  how->add_option("--cut-after", cut_after, "tensors after which to cut")->delimiter(',');
  how->add_flag("--least-memory", least_memory, "the least peak that cuts between operators reach");
  auto* by =
      how->add_option("--deadline", deadline, "seconds within which all slices are to be proved")->check(CLI::PositiveNumber);
  how->require_option(0, 1);
  if (verb != Of::full_run)
    app.add_option("--workers", workers, "of --deadline: slices that are proved at a time (default: the threads)")
        ->check(CLI::Range(1U, 4096U))
        ->needs(by);
  app.add_option("--optimize", optimize,
                 "what counts within the limits: time of proving, size of the proofs, or time to verify them")
      ->check(CLI::IsMember({"time", "size", "verify"}));
  app.add_option("--cost-model", cost_model,
                 "constants of the predictions, a file of `dsperse bench --calibrate`, or 'default' (without it: this user's, if "
                 "it is of this CPU)");
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
  out.float_engine = float_engine;
  if (native_seconds > 0) out.native_seconds = native_seconds;
  if (optimize == "size") out.cut.optimize = slice::Optimize::size;
  if (optimize == "verify") out.cut.optimize = slice::Optimize::verify;
  const bool by_memory = count == 0 && cut_after.empty() && !least_memory && deadline == 0;
  if (count != 0) out.cut.count = count;
  out.cut.after_tensors = cut_after;
  out.cut.least_memory = least_memory;
  if (deadline > 0) {
    out.cut.deadline_seconds = deadline;
    out.cut.workers = workers != 0 ? workers : context.workers();
  }
  if (by_memory && (!context.memory.empty() || !optimize.empty())) out.cut.by_memory = true;
  if (cut_after.empty() && (!context.memory.empty() || out.cut.by_memory)) {
    DSPERSE_TRY(out.cut.memory_bytes, context.memory_budget());
  }
  DSPERSE_TRY(out.cost, load_cost_model(cost_model));
  return out;
}

}  // namespace dsperse::cli
