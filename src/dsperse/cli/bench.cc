// dsperse bench MODEL: repeats proving and verifying, prints a table and JSON. Uses up no openings. bench --calibrate:
// calibrate.h.
#include <cmath>
#include <random>

#include "dsperse/backend/native/native.h"
#include "dsperse/cli/calibrate.h"
#include "dsperse/cli/facts.h"
#include "dsperse/cli/import_flags.h"
#include "dsperse/cli/verbs.h"
#include "dsperse/pipeline/benchmark.h"
#include "dsperse/pipeline/costing.h"
#include "dsperse/pipeline/input.h"

namespace dsperse::cli {
namespace {

struct Flags {
  ImportFlags import;
  std::string input;
  unsigned repeat = 3;
  int profile = 100;
  WeightsFlag weights;
  bool calibrate = false;
  std::string out;
  int network = -1;
};

/// Made-up data: close to standard normal (the sum of twelve uniform numbers) from a fixed seed; equal values everywhere would
/// make counting them slower than real data is.
quantize::IntTensor made_up(const quantize::TensorSpec& tensor, std::mt19937_64& rng) {
  quantize::IntTensor out(static_cast<std::size_t>(quantize::elements(tensor.shape)));
  for (std::int32_t& q : out) {
    double x = -6;
    for (int i = 0; i < 12; ++i) x += static_cast<double>(rng() >> 32) * 0x1p-32;
    q = static_cast<std::int32_t>(
        std::clamp(std::round(std::ldexp(x, tensor.exponent)), static_cast<double>(tensor.lo), static_cast<double>(tensor.hi)));
  }
  return out;
}

/// The integer inputs of a run: a file's, or made up.
Result<quantize::TensorStore> bench_inputs(const store::PlanFile& plan, const std::string& file) {
  const quantize::Program& program = plan.model.program;
  quantize::TensorStore out(program.tensors.size());
  std::vector<std::pair<quantize::IoMapping, quantize::TensorSpec>> inputs;
  for (std::size_t i = 0; i < program.inputs.size(); ++i)
    inputs.emplace_back(plan.model.inputs[i], program.tensors[program.inputs[i]]);
  if (file.empty()) {
    std::mt19937_64 rng(1);
    for (const quantize::TensorId id : program.inputs) out[id] = made_up(program.tensors[id], rng);
    return out;
  }
  DSPERSE_TRY(const std::vector<store::FileTensor> tensors, store::read_tensors(file));
  DSPERSE_TRY(pipeline::QuantizedInputs quantized, pipeline::quantize_inputs(inputs, tensors));
  for (std::size_t i = 0; i < inputs.size(); ++i) out[program.inputs[i]] = std::move(quantized.tensors[inputs[i].first.name]);
  return out;
}

Result<int> bench(Context& context, const Flags& flags) {
  if (flags.network >= 0) return measure_network(static_cast<std::size_t>(flags.network));
  if (flags.calibrate == !flags.import.model.empty())
    return fail(ErrorKind::usage, "one of the two: a MODEL to measure, or --calibrate");
  if (flags.calibrate) return calibrate(context, flags.out);
  DSPERSE_TRY(const pipeline::ImportRequest request, flags.import.request(context));
  pipeline::BenchmarkOptions options;
  options.repeat = flags.repeat;
  DSPERSE_TRY(options.profile, parse_profile(flags.profile));
  options.public_weights = flags.weights.is_public();
  options.goal = pipeline::goal_of(request.cut.optimize);
  if (context.threads != 0) options.threads = {context.threads};
  DSPERSE_TRY(const store::PlanFile plan, pipeline::plan_model(request, context.observer()));
  if (!plan.floats.empty())
    return fail(ErrorKind::unsupported, "slices that run in float are not proved, so there is nothing to measure of them",
                flags.import.model, "measure the integer parts as models of their own");
  show_plan(context, plan);
  DSPERSE_TRY(const quantize::TensorStore inputs, bench_inputs(plan, flags.input));
  DSPERSE_TRY(const std::vector<pipeline::Measurement> results,
              pipeline::benchmark_plan(plan, inputs, backend::Native(), options, context.observer()));
  const auto text = [](const std::string& unit, double value) {
    return unit == "s"       ? seconds_text(value)
           : unit == "bytes" ? bytes_text(static_cast<std::uint64_t>(value))
                             : fmt::format("{} {}", value, unit);
  };
  std::vector<std::vector<std::string>> rows = {{"what", "value", "predicted", "threads", "note"}};
  Json list = Json::array();
  for (const pipeline::Measurement& m : results) {
    rows.push_back(
        {m.name, text(m.unit, m.value), m.predicted ? text(m.unit, *m.predicted) : "", std::to_string(m.threads), m.note});
    Json& entry = list.emplace_back(Json{{"name", m.name},
                                         {"value", m.value},
                                         {"unit", m.unit},
                                         {"threads", m.threads},
                                         {"note", m.note},
                                         {"min", m.min},
                                         {"max", m.max}});
    if (m.predicted) entry["predicted"] = *m.predicted;
  }
  context.say(table_text(rows));
  context.document["model"] = plan.name;
  context.document["profile"] = flags.profile;
  context.document["weights"] = flags.weights.weights;
  context.document["results"] = list;
  return kOk;
}

}  // namespace

void add_bench(CLI::App& app, Context& context) {
  auto* verb = app.add_subcommand("bench", "repeat proving and verifying, with 1 and 2 threads; uses up no openings");
  const auto flags = std::make_shared<Flags>();
  flags->import.add(*verb, ImportFlags::Of::bench);
  verb->add_option("--input", flags->input, "tensor file to run on (default: made-up data)");
  verb->add_option("--repeat", flags->repeat, "proofs of every slice")->check(CLI::Range(1U, 1000U))->capture_default_str();
  verb->add_option("--profile", flags->profile, "security in bits: 100 or 128")->capture_default_str();
  flags->weights.add(*verb);
  verb->add_flag("--calibrate", flags->calibrate, "no model: measure this machine, so that predictions are of it");
  verb->add_option("--out", flags->out,
                   "of --calibrate: file to write (default: in the state folder, where predictions find it)");
  verb->add_option("--measure-network", flags->network, "one part of --calibrate, in this process")->group("");
  context.add_common(*verb);
  verb->callback([&context, flags] {
    context.verb = "bench";
    context.action = [&context, flags] { return bench(context, *flags); };
  });
}

}  // namespace dsperse::cli
