// dsperse inspect MODEL: operators, parameters, multiply-adds, what is supported and what is not.
#include "dsperse/backend/native/native.h"
#include "dsperse/cli/import_flags.h"
#include "dsperse/cli/verbs.h"

namespace dsperse::cli {
namespace {

std::string shape_text(const std::vector<std::int64_t>& shape) {
  std::string out;
  for (const std::int64_t n : shape) out += (out.empty() ? "" : "x") + std::to_string(n);
  return out.empty() ? "scalar" : out;
}

Result<int> inspect(Context& context, const ImportFlags& flags) {
  DSPERSE_TRY(const pipeline::ImportRequest request, flags.request(context));
  DSPERSE_TRY(const model::Graph graph, pipeline::load_model(request));
  std::map<std::string, int> operators;
  for (const model::Node& n : graph.nodes) ++operators[n.op];
  std::uint64_t parameters = 0;
  for (const auto& [name, t] : graph.constants) parameters += t.f.size();
  Json inputs = Json::array(), outputs = Json::array();
  for (const bool out : {false, true})
    for (const model::Port& p : out ? graph.outputs : graph.inputs) {
      context.say("{} {}: {}", out ? "output" : "input ", p.name, shape_text(p.shape));
      (out ? outputs : inputs).push_back({{"name", p.name}, {"shape", p.shape}});
    }
  std::string list;
  for (const auto& [op, n] : operators) list += (list.empty() ? "" : ", ") + (n == 1 ? op : fmt::format("{} {}", n, op));
  context.say("operators: {}", list);
  context.say("parameters: {}", parameters);
  context.document["inputs"] = inputs;
  context.document["outputs"] = outputs;
  context.document["operators"] = operators;
  context.document["parameters"] = parameters;

  // One sample is enough to see whether every operator has integers.
  pipeline::ImportRequest quick = request;
  quick.calibration = "default";
  DSPERSE_TRY(pipeline::Calibration calibration, pipeline::load_calibration(quick, graph));
  calibration.samples.resize(1);
  const auto quantized = pipeline::quantize_graph(graph, calibration, quick);
  if (!quantized) {
    context.say("supported: no. {}", quantized.error().text());
    context.document["supported"] = false;
    context.document["why_not"] = quantized.error().text();
    return exit_code(quantized.error().kind);
  }
  std::uint64_t macs = 0;
  for (const quantize::Op& op : quantized->program.ops) macs += quantize::op_macs(quantized->program, op);
  context.say("multiply-adds: {}", macs);
  context.document["multiply_adds"] = macs;
  const auto why = backend::Native().unsupported(quantized->program);
  context.say("supported: {}", why ? fmt::format("runs, but as one slice it cannot be proved: {}", *why) : "yes");
  context.document["supported"] = true;
  context.document["provable_as_one_slice"] = !why;
  if (why) context.document["why_not"] = *why;
  return kOk;
}

}  // namespace

void add_inspect(CLI::App& app, Context& context) {
  auto* verb = app.add_subcommand("inspect", "operators, parameters, multiply-adds, what is supported");
  const auto flags = std::make_shared<ImportFlags>();
  flags->add(*verb, ImportFlags::Of::inspect);
  context.add_common(*verb);
  verb->callback([&context, flags] {
    context.verb = "inspect";
    context.action = [&context, flags] { return inspect(context, *flags); };
  });
}

}  // namespace dsperse::cli
