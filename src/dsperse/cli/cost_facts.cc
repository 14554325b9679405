// Costs as text and as JSON: what was predicted, what was measured, side by side.
#include <spdlog/spdlog.h>

#include <algorithm>

#include "dsperse/cli/facts.h"
#include "dsperse/store/plan_trust.h"

namespace dsperse::cli {
namespace {

/// Operator types with their numbers: "Conv, 2 Relu".
template <class Ops>
std::string types_text(const Ops& ops) {
  std::vector<std::pair<std::string, int>> count;
  for (const quantize::Op& op : ops) {
    const auto it = std::find_if(count.begin(), count.end(), [&](const auto& c) { return c.first == op.onnx_type; });
    if (it == count.end())
      count.emplace_back(op.onnx_type, 1);
    else
      ++it->second;
  }
  std::string out;
  for (const auto& [type, n] : count) {
    if (!out.empty()) out += ", ";
    out += n == 1 ? type : fmt::format("{} {}", n, type);
  }
  return out;
}

std::string millions(std::uint64_t n) {
  return n < 1000'000 ? fmt::format("{}", n) : fmt::format("{:.1f} M", static_cast<double>(n) / 1e6);
}

std::string known_bytes(std::uint64_t bytes) { return bytes == 0 ? "-" : bytes_text(bytes); }

/// Run of every slice, where anything took long enough to be worth a table.
void show_run_costs(Context& context, const store::CompiledModel& model, const pipeline::RunSummary& run) {
  std::vector<std::vector<std::string>> rows = {{"slice", "ran in", "predicted", "memory", "predicted"}};
  Json slices = Json::array();
  for (std::size_t i = 0; i < run.slices.size(); ++i) {
    const pipeline::SliceRun& s = run.slices[i];
    const slice::Cost& predicted = model.predicted[i];
    rows.push_back({std::to_string(i), seconds_text(s.seconds + s.commit_s), seconds_text(predicted.run_seconds),
                    known_bytes(s.peak_bytes), bytes_text(predicted.run_bytes)});
    slices.push_back({{"slice", i},
                      {"run_s", s.seconds + s.commit_s},
                      {"predicted_run_s", predicted.run_seconds},
                      {"run_bytes", s.peak_bytes},
                      {"predicted_run_bytes", predicted.run_bytes}});
  }
  context.say(table_text(rows));
  context.document["run_slices"] = slices;
}

/// Of a slice in float: who runs it, under its number.
void say_float(Context& context, std::size_t slice, const std::string& engine, const std::string& version,
               const std::vector<std::string>& operators) {
  context.say("slice {}: trust, run in float by {} {} ({}): nothing about it is proved", slice, engine, version,
              pipeline::counted_text(operators));
  context.document["float_slices"].push_back(
      {{"slice", slice}, {"engine", engine}, {"version", version}, {"operators", operators}});
}

void say_floats(Context& context, const proof::ModelKey& key) {
  context.document.erase("float_slices");
  for (std::size_t i = 0; i < key.slices.size(); ++i)
    if (const auto& f = key.slices[i].in_float) say_float(context, i, f->engine, f->version, f->operators);
}

}  // namespace

void add_work(Json& slice, const store::SliceRecord& record) {
  if (record.work_bytes == 0) return;
  slice["work_bytes"] = record.work_bytes;
  slice["predicted_work_bytes"] = record.predicted_bytes;
}

void show_plan(Context& context, const store::PlanFile& plan) {
  std::vector<std::vector<std::string>> rows = {
      {"slice", "operators", "multiply-adds", "lookups", "run*", "prove*", "memory*", "proof*", "verify*", "compile*", "mode"}};
  Json slices = Json::array();
  slice::Cost total;
  std::size_t first = 0, cut = 0;
  for (std::size_t s = 0; s < plan.treatments.size(); ++s) {
    const auto piece = std::ranges::find(plan.floats, s, &store::FloatPiece::slice);
    const bool in_float = piece != plan.floats.end();
    const std::size_t last = in_float ? first : cut < plan.cuts.size() ? plan.cuts[cut] + 1 : plan.model.program.ops.size();
    if (!in_float) ++cut;
    const slice::Cost& c = plan.predicted[s];
    const std::vector<quantize::Op> ops(plan.model.program.ops.begin() + static_cast<std::ptrdiff_t>(first),
                                        plan.model.program.ops.begin() + static_cast<std::ptrdiff_t>(last));
    const bool proved = plan.treatments[s].proof;
    rows.push_back({std::to_string(s), in_float ? "(in float)" : types_text(ops), millions(c.macs), millions(c.lookups),
                    seconds_text(c.run_seconds), seconds_text(c.prove_seconds), bytes_text(c.most_bytes()),
                    bytes_text(c.proof_bytes), seconds_text(c.verify_seconds), seconds_text(c.compile_seconds),
                    trust::to_text(plan.treatments[s])});
    Json names = Json::array();
    for (const quantize::Op& op : ops) names.push_back(op.name);
    if (in_float) names = float_operators_json(piece->engine + " " + piece->version, piece->operators);
    slices.push_back({{"slice", s},
                      {"mode", trust::to_text(plan.treatments[s])},
                      {"operators", names},
                      {"multiply_adds", c.macs},
                      {"lookups", c.lookups},
                      {"weight_symbols", c.weight_symbols},
                      {"witness_symbols", c.witness_symbols},
                      {"predicted_prove_s", c.prove_seconds},
                      {"predicted_peak_bytes", c.peak_bytes},
                      {"predicted_proof_bytes", c.proof_bytes},
                      {"predicted_verify_s", c.verify_seconds},
                      {"predicted_run_s", c.run_seconds},
                      {"predicted_run_bytes", c.run_bytes},
                      {"predicted_compile_s", c.compile_seconds},
                      {"predicted_compile_bytes", c.compile_bytes}});
    total.macs += c.macs;
    total.run_bytes = std::max(total.run_bytes, c.run_bytes);
    total.compile_bytes = std::max(total.compile_bytes, c.compile_bytes);
    total.run_seconds += c.run_seconds;
    total.compile_seconds += c.compile_seconds;
    if (proved) {
      total.prove_seconds += c.prove_seconds;
      total.verify_seconds += c.verify_seconds;
      total.proof_bytes += c.proof_bytes;
      total.peak_bytes = std::max(total.peak_bytes, c.peak_bytes);
    }
    first = last;
  }
  context.say(table_text(rows));
  context.document.erase("float_slices");
  for (const store::FloatPiece& f : plan.floats) say_float(context, f.slice, f.engine, f.version, f.operators);
  context.say("* predicted, one thread. To prove: {}, {} of proofs, verified in {}; to run: {}; to compile: {}",
              seconds_text(total.prove_seconds), bytes_text(total.proof_bytes), seconds_text(total.verify_seconds),
              seconds_text(total.run_seconds), seconds_text(total.compile_seconds));
  context.say("  memory at most, a slice at a time: {} to compile, {} to run, {} to prove, {} of them the process itself",
              bytes_text(plan.process_bytes + total.compile_bytes), bytes_text(plan.process_bytes + total.run_bytes),
              bytes_text(plan.process_bytes + total.peak_bytes), bytes_text(plan.process_bytes));
  context.say("calibration: {}", plan.calibration);
  Json outputs = Json::array();
  for (const quantize::OutputFidelity& o : plan.model.fidelity.outputs) {
    if (std::ranges::find(plan.inner, o.name) != plan.inner.end()) continue;
    context.say(
        "integers against float over {} samples, output {}: max error {:.4g}, mean {:.4g}, cosine {:.6f}, same top-1 {:.1f} %",
        plan.model.fidelity.samples, o.name, o.max_abs_error, o.mean_abs_error, o.cosine, 100 * o.top1_agreement);
    outputs.push_back({{"name", o.name},
                       {"max_abs_error", o.max_abs_error},
                       {"mean_abs_error", o.mean_abs_error},
                       {"cosine", o.cosine},
                       {"top1_agreement", o.top1_agreement}});
  }
  const slice::Cost whole = plan.unsliced.value_or(slice::Cost{});
  if (plan.unsliced)
    context.say("as one slice it would take {}, {} of proof and {} of memory*", seconds_text(whole.prove_seconds),
                bytes_text(whole.proof_bytes), bytes_text(whole.most_bytes()));
  if (plan.trust) {
    std::string text = trust::to_text(*plan.trust);
    text.pop_back();  // its last line break
    context.say("treatments (cost: seconds of work, predicted; wrong with: the probability under what is assumed)");
    context.say(Raw{text});
  }
  context.document["model"] = plan.name;
  context.document["plan"] = {{"calibration", plan.calibration},
                              {"slices", slices},
                              {"predicted_process_bytes", plan.process_bytes},
                              {"fidelity", {{"samples", plan.model.fidelity.samples}, {"outputs", outputs}}},
                              {"unsliced",
                               {{"prove_s", whole.prove_seconds},
                                {"peak_bytes", whole.peak_bytes},
                                {"proof_bytes", whole.proof_bytes},
                                {"measured", false}}}};
  if (plan.trust) context.document["plan"]["trust"] = Json::parse(store::trust_document(*plan.trust));
}

void show_compiled(Context& context, const pipeline::CompiledSlices& compiled) {
  std::vector<std::vector<std::string>> rows = {{"slice", "compiled in", "predicted", "memory", "predicted"}};
  Json slices = Json::array();
  for (std::size_t i = 0; i < compiled.used.size(); ++i) {
    const pipeline::Usage& used = compiled.used[i];
    const slice::Cost& predicted = compiled.model.predicted[i];
    rows.push_back({std::to_string(i), seconds_text(used.seconds), seconds_text(predicted.compile_seconds),
                    known_bytes(used.peak_bytes), bytes_text(predicted.compile_bytes)});
    slices.push_back({{"slice", i},
                      {"compile_s", used.seconds},
                      {"predicted_compile_s", predicted.compile_seconds},
                      {"compile_bytes", used.peak_bytes},
                      {"predicted_compile_bytes", predicted.compile_bytes}});
  }
  context.say(table_text(rows));
  context.document["compile_slices"] = slices;
}

Status show_run(Context& context, const store::CompiledModel& model, const pipeline::RunStep& step) {
  const proof::ModelKey& key = model.key;
  const pipeline::RunSummary& run = step.run;
  Json outputs = Json::object();
  for (const proof::Edge& e : key.edges) {
    if (!e.is_output) continue;
    DSPERSE_TRY(const pipeline::OutputReading r, pipeline::read_edge(key, e, run.outputs.at(e.name)));
    Json j = {{"integers", r.integers}, {"exponent", r.exponent}, {"values", r.values}};
    if (r.top) j["top1"] = *r.top;
    if (!r.label.empty()) j["label"] = r.label;
    outputs[e.name] = j;
    if (r.top)
      context.say("output {}: largest at {}{}, {:.4g}", r.name, *r.top, r.label.empty() ? "" : fmt::format(" ({})", r.label),
                  r.values[*r.top]);
    else if (r.values.size() == 1)
      context.say("output {}: {:.6g}", r.name, r.values[0]);
  }
  Json commitments = Json::object();
  for (const auto& [name, roots] : run.input_roots) {
    std::string list;
    for (const Digest& d : roots) list += (list.empty() ? "" : ",") + to_hex(d);
    context.say("private input {}: commit:{}", name, list);
    commitments[name] = list;
  }
  std::uint64_t saturated = 0;
  double seconds = 0;
  for (const pipeline::SliceRun& s : run.slices) {
    saturated += s.saturated;
    seconds += s.seconds;
  }
  for (const auto& [name, n] : step.clamped)
    if (n != 0) context.say("input {}: {} value(s) outside of the declared range were clamped", name, n);
  if (saturated != 0) context.say("{} activation(s) saturated", saturated);
  if (!run.slices.empty()) {  // workers measure their own times
    context.say("ran in {}, boundaries committed in {}", seconds_text(seconds), seconds_text(run.commit_s));
    show_run_costs(context, model, run);
  }
  say_floats(context, key);
  context.document["model_id"] = to_hex(run.model_id);
  context.document["run_id"] = to_hex(run.run_id);
  context.document["outputs"] = outputs;
  context.document["run"] = {{"run_s", seconds}, {"commit_s", run.commit_s}, {"saturated", saturated}, {"clamped", step.clamped}};
  if (!commitments.empty()) context.document["input_commitments"] = commitments;
  return {};
}

void show_proofs(Context& context, const pipeline::ProveStep& step) {
  std::vector<std::vector<std::string>> rows = {
      {"slice", "operators", "proved in", "predicted", "memory", "predicted", "proof", "predicted", ""}};
  Json slices = Json::array();
  for (const pipeline::SliceOutcome& s : step.summary.slices) {
    const store::SliceRecord& r = s.record;
    const slice::Cost& predicted = step.model.predicted[r.slice];
    const proof::SliceKey& slice = step.model.key.slices[r.slice];
    rows.push_back({std::to_string(r.slice), types_text(slice.program.ops), seconds_text(r.prove_s),
                    seconds_text(predicted.prove_seconds), known_bytes(r.work_bytes), known_bytes(r.predicted_bytes),
                    bytes_text(r.proof_bytes), bytes_text(predicted.proof_bytes), s.kept ? "kept" : ""});
    Json stages = Json::object();
    for (const auto& [name, seconds] : r.stages) stages[name] = seconds;
    slices.push_back({{"slice", r.slice},
                      {"mode", "proof"},
                      {"operators", operators_json(slice)},
                      {"prove_s", r.prove_s},
                      {"predicted_prove_s", predicted.prove_seconds},
                      {"predicted_peak_bytes", predicted.peak_bytes},
                      {"proof_bytes", r.proof_bytes},
                      {"predicted_proof_bytes", predicted.proof_bytes},
                      {"peak_rss_bytes", r.peak_rss_bytes},
                      {"lookups", r.lookups},
                      {"stages_s", stages},
                      {"kept", s.kept}});
    add_work(slices.back(), r);
  }
  if (rows.size() > 1) {
    context.say(table_text(rows));
    context.say("memory: beyond what the process had, of all slices that were in work together");
  }
  for (const pipeline::SliceOutcome& o : step.summary.slices)
    for (const auto& [name, seconds] : o.record.stages)
      spdlog::debug("slice {} {}: {}", o.record.slice, name, seconds_text(seconds));
  say_floats(context, step.model.key);
  context.say("certificate {} ({})", step.certificate_path, bytes_text(step.summary.certificate.size()));
  context.document["run_id"] = to_hex(step.run_id);
  context.document["slices"] = slices;
  context.document["certificate"] = {{"path", step.certificate_path}, {"bytes", step.summary.certificate.size()}};
}

}  // namespace dsperse::cli
