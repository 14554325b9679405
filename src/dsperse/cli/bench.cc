// dsperse bench MODEL: repeats proving and verifying, prints a table and JSON. Uses up no openings. bench --calibrate:
// calibrate.h.
#include "dsperse/backend/native/native.h"
#include "dsperse/cli/calibrate.h"
#include "dsperse/cli/import_flags.h"
#include "dsperse/cli/verbs.h"
#include "dsperse/pipeline/benchmark.h"
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

/// The integer inputs of a run: a file's, or zeros (times do not depend on values).
Result<quantize::TensorStore> bench_inputs(const store::PlanFile& plan, const std::string& file) {
  const quantize::Program& program = plan.model.program;
  quantize::TensorStore out(program.tensors.size());
  std::vector<std::pair<quantize::IoMapping, quantize::TensorSpec>> inputs;
  for (std::size_t i = 0; i < program.inputs.size(); ++i)
    inputs.emplace_back(plan.model.inputs[i], program.tensors[program.inputs[i]]);
  if (file.empty()) {
    for (const quantize::TensorId id : program.inputs)
      out[id].assign(static_cast<std::size_t>(quantize::elements(program.tensors[id].shape)),
                     static_cast<std::int32_t>(std::clamp<std::int64_t>(0, program.tensors[id].lo, program.tensors[id].hi)));
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
  if (context.threads != 0) options.threads = {context.threads};
  DSPERSE_TRY(const store::PlanFile plan, pipeline::plan_model(request, context.observer()));
  DSPERSE_TRY(const quantize::TensorStore inputs, bench_inputs(plan, flags.input));
  DSPERSE_TRY(const std::vector<pipeline::Measurement> results,
              pipeline::benchmark_plan(plan, inputs, backend::Native(), options, context.observer()));
  std::vector<std::vector<std::string>> rows = {{"what", "value", "threads", "note"}};
  Json list = Json::array();
  for (const pipeline::Measurement& m : results) {
    const std::string value = m.unit == "s"       ? seconds_text(m.value)
                              : m.unit == "bytes" ? bytes_text(static_cast<std::uint64_t>(m.value))
                                                  : fmt::format("{} {}", m.value, m.unit);
    rows.push_back({m.name, value, std::to_string(m.threads), m.note});
    list.push_back({{"name", m.name},
                    {"value", m.value},
                    {"unit", m.unit},
                    {"threads", m.threads},
                    {"note", m.note},
                    {"min", m.min},
                    {"max", m.max}});
  }
  context.say("{}", table_text(rows));
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
  verb->add_option("--input", flags->input, "tensor file to run on (default zeros)");
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
