// dsperse inspect MODEL: operators, parameters, multiply-adds, what is supported and what is not; --fidelity: what integers cost.
#include <algorithm>

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

struct Flags {
  ImportFlags import;
  bool fidelity = false;
  std::string samples;
};

void show_outputs(Context& context, const quantize::Fidelity& f) {
  Json outputs = Json::array();
  for (const quantize::OutputFidelity& o : f.outputs) {
    context.say("output {}: max error {:.4g}, mean {:.4g}, cosine {:.6f}, same top-1 {:.2f} %", o.name, o.max_abs_error,
                o.mean_abs_error, o.cosine, 100 * o.top1_agreement);
    outputs.push_back({{"name", o.name},
                       {"max_abs_error", o.max_abs_error},
                       {"mean_abs_error", o.mean_abs_error},
                       {"cosine", o.cosine},
                       {"top1_agreement", o.top1_agreement}});
    if (o.perplexity_float && o.perplexity_integers) {
      context.say("  perplexity of the next token: float {:.4f}, integers {:.4f} ({:+.2f} %)", *o.perplexity_float,
                  *o.perplexity_integers, 100 * (*o.perplexity_integers / *o.perplexity_float - 1));
      outputs.back()["perplexity"] = {{"float", *o.perplexity_float}, {"integers", *o.perplexity_integers}};
    }
  }
  context.document["fidelity"]["outputs"] = outputs;
}

/// A line for every tensor that is committed, in the order of the run; what integers cost at the end.
void show_fidelity(Context& context, const quantize::Fidelity& f, const std::string& source) {
  std::vector<std::vector<std::string>> rows{{"tensor", "exponent", "range used", "clipped", "signal to error"}};
  Json tensors = Json::array();
  for (const quantize::TensorFidelity& t : f.tensors) {
    rows.push_back({t.name, std::to_string(t.exponent), fmt::format("{:.1f} %", 100 * t.range_use),
                    fmt::format("{:.3g} %", 100 * t.clipped_share), fmt::format("{:.1f} dB", t.sqnr_db)});
    tensors.push_back({{"name", t.name},
                       {"exponent", t.exponent},
                       {"range_use", t.range_use},
                       {"clipped_share", t.clipped_share},
                       {"sqnr_db", t.sqnr_db}});
  }
  context.say("integers against float: {}", source);
  context.say(table_text(rows));
  context.document["fidelity"] = {{"source", source}, {"samples", f.samples}, {"tensors", tensors}};
  show_outputs(context, f);
}

/// On the calibration data, or on --samples.
Status fidelity(Context& context, const Flags& flags, const pipeline::ImportRequest& request, const model::Graph& graph) {
  DSPERSE_TRY(pipeline::Calibration samples, pipeline::load_calibration(request, graph));
  DSPERSE_TRY(quantize::QuantizedModel model, pipeline::quantize_graph(graph, samples, request));
  if (flags.samples.empty()) {
    show_fidelity(context, model.fidelity, samples.source);
    return {};
  }
  pipeline::ImportRequest other = request;
  other.calibration = flags.samples;
  const std::string calibrated = samples.source;
  DSPERSE_TRY(samples, pipeline::load_calibration(other, graph));
  DSPERSE_TRY(const quantize::Fidelity measured, pipeline::measure_fidelity(graph, std::move(model), samples));
  show_fidelity(context, measured, samples.source + "; calibrated on " + calibrated);
  return {};
}

std::string names_of(const std::vector<model::Port>& ports) {
  std::string out;
  for (const model::Port& p : ports) out += fmt::format("{}{} ({})", out.empty() ? "" : ", ", p.name, shape_text(p.shape));
  return out.empty() ? "nothing" : out;
}

Json json_of(const std::vector<model::Port>& ports) {
  Json out = Json::array();
  for (const model::Port& p : ports) out.push_back({{"name", p.name}, {"shape", p.shape}});
  return out;
}

/// Everything in the way, and what is left around it.
void show(Context& context, const pipeline::Inspection& found) {
  context.say("supported: no, {} in the way", found.obstacles.size());
  Json obstacles = Json::array(), parts = Json::array();
  for (const pipeline::Obstacle& o : found.obstacles) {
    const std::string what = o.op.empty() ? fmt::format("output '{}'", o.node) : fmt::format("node '{}' ({})", o.node, o.op);
    context.say("  {}: {}{}", what, o.why, o.hint.empty() ? "" : " - " + o.hint);
    obstacles.push_back({{"node", o.node}, {"operator", o.op}, {"why", o.why}, {"hint", o.hint}});
  }
  if (std::ranges::any_of(found.obstacles, [](const pipeline::Obstacle& o) { return !o.op.empty(); }))
    context.say(
        "  an engine can run such operators in float, held by trust alone: dsperse slice --float-engine (docs/operators.md)");
  if (!found.unexamined.empty())
    context.say("not examined, since the shapes before them are open: {} nodes from '{}' on", found.unexamined.size(),
                found.unexamined.front());
  context.say("provable around them: {}", found.parts.empty() ? "nothing" : fmt::format("{} parts", found.parts.size()));
  for (const pipeline::Part& p : found.parts) {
    context.say("  {} nodes: {} -> {}", p.nodes, names_of(p.inputs), names_of(p.outputs));
    parts.push_back(
        {{"nodes", p.nodes}, {"operators", p.operators}, {"inputs", json_of(p.inputs)}, {"outputs", json_of(p.outputs)}});
  }
  context.document["supported"] = false;
  context.document["why_not"] = found.obstacles.front().why;
  context.document["obstacles"] = obstacles;
  context.document["unexamined"] = found.unexamined;
  context.document["parts"] = parts;
}

Result<int> inspect(Context& context, const Flags& given) {
  const ImportFlags& flags = given.import;
  if (!given.samples.empty() && !given.fidelity)
    return fail(ErrorKind::usage, "--samples is for --fidelity", given.samples, "add --fidelity");
  DSPERSE_TRY(const pipeline::ImportRequest request, flags.request(context));
  DSPERSE_TRY(const pipeline::Inspection found, pipeline::inspect_model(request));
  if (!found.obstacles.empty()) {
    show(context, found);
    return exit_code(ErrorKind::unsupported);
  }
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
  if (given.fidelity) DSPERSE_CHECK_OK(fidelity(context, given, request, graph));
  return kOk;
}

}  // namespace

void add_inspect(CLI::App& app, Context& context) {
  auto* verb = app.add_subcommand("inspect", "operators, parameters, multiply-adds, what is supported");
  const auto flags = std::make_shared<Flags>();
  flags->import.add(*verb, ImportFlags::Of::inspect);
  verb->add_flag("--fidelity", flags->fidelity,
                 "what integers cost: of every tensor exponent, range used, clipped share, signal to "
                 "error; the outputs' errors");
  verb->add_option("--samples", flags->samples, "tensor file or folder on which --fidelity measures (default: the calibration)");
  context.add_common(*verb);
  verb->callback([&context, flags] {
    context.verb = "inspect";
    context.action = [&context, flags] { return inspect(context, *flags); };
  });
}

}  // namespace dsperse::cli
