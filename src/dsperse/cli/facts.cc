#include "dsperse/cli/facts.h"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "dsperse/cli/challenge.h"
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

Json coverage_json(const proof::Coverage& c) {
  return {{"slices", c.slices},
          {"slices_proved", c.slices_proved},
          {"operators", c.ops},
          {"operators_proved", c.ops_proved},
          {"multiply_adds", c.macs},
          {"multiply_adds_proved", c.macs_proved},
          {"multiply_adds_with_ancestors_proved", c.macs_cone}};
}

Json operators_json(const quantize::Program& program) {
  Json out = Json::array();
  for (const quantize::Op& op : program.ops) out.push_back(op.name);
  return out;
}

/// Who makes and who reads each boundary tensor; -1 is the user.
Json edges_json(const proof::ModelKey& key) {
  std::vector<int> producer(key.chunks.size(), -1);
  std::vector<std::vector<int>> readers(key.chunks.size());
  for (std::size_t i = 0; i < key.slices.size(); ++i) {
    for (const proof::Port& p : key.slices[i].outputs) producer[p.chunk] = static_cast<int>(i);
    for (const proof::Port& p : key.slices[i].inputs) readers[p.chunk].push_back(static_cast<int>(i));
  }
  Json out = Json::array();
  for (const proof::Edge& e : key.edges)
    for (const std::uint32_t c : e.chunks) {
      std::vector<int> to = readers[c];
      if (e.is_output) to.push_back(-1);
      for (const int t : to) out.push_back({{"from", producer[c]}, {"to", t}, {"name", e.name}});
    }
  return out;
}

/// The soundness budget in a line, and whole in the document.
void show_security(Context& context, proof::Profile profile, const proof::SecurityTable& table) {
  if (table.events.empty()) return;
  context.say("soundness: {:.1f} bits in the weakest round ({}), {:.1f} over all rounds of all proofs; the profile wants {}",
              table.worst(), table.weakest().name, table.total(), proof::bits(profile));
  Json events = Json::array();
  for (const proof::SecurityEvent& e : table.events) events.push_back({{"event", e.name}, {"bits", e.bits}, {"times", e.times}});
  context.document["security"] = {{"profile_bits", proof::bits(profile)},
                                  {"weakest_round_bits", table.worst()},
                                  {"weakest_round", table.weakest().name},
                                  {"all_rounds_bits", table.total()},
                                  {"events", events}};
}

}  // namespace

void show_plan(Context& context, const store::PlanFile& plan) {
  std::vector<std::vector<std::string>> rows = {
      {"slice", "operators", "multiply-adds", "lookups", "prove*", "memory*", "proof*", "mode"}};
  Json slices = Json::array();
  slice::Cost total;
  std::size_t first = 0;
  for (std::size_t s = 0; s < plan.treatments.size(); ++s) {
    const std::size_t last = s < plan.cuts.size() ? plan.cuts[s] + 1 : plan.model.program.ops.size();
    const slice::Cost& c = plan.predicted[s];
    const std::vector<quantize::Op> ops(plan.model.program.ops.begin() + static_cast<std::ptrdiff_t>(first),
                                        plan.model.program.ops.begin() + static_cast<std::ptrdiff_t>(last));
    const bool proved = plan.treatments[s].proof;
    rows.push_back({std::to_string(s), types_text(ops), millions(c.macs), millions(c.lookups), seconds_text(c.prove_seconds),
                    bytes_text(c.peak_bytes), bytes_text(c.proof_bytes), trust::to_text(plan.treatments[s])});
    Json names = Json::array();
    for (const quantize::Op& op : ops) names.push_back(op.name);
    slices.push_back({{"slice", s},
                      {"mode", trust::to_text(plan.treatments[s])},
                      {"operators", names},
                      {"multiply_adds", c.macs},
                      {"lookups", c.lookups},
                      {"weight_symbols", c.weight_symbols},
                      {"witness_symbols", c.witness_symbols},
                      {"predicted_prove_s", c.prove_seconds},
                      {"predicted_peak_bytes", c.peak_bytes},
                      {"predicted_proof_bytes", c.proof_bytes}});
    total.macs += c.macs;
    if (proved) {
      total.prove_seconds += c.prove_seconds;
      total.proof_bytes += c.proof_bytes;
      total.peak_bytes = std::max(total.peak_bytes, c.peak_bytes);
    }
    first = last;
  }
  context.say("{}", table_text(rows));
  context.say("* predicted. To prove: {}, {} of proofs, at most {} of memory a slice", seconds_text(total.prove_seconds),
              bytes_text(total.proof_bytes), bytes_text(total.peak_bytes));
  context.say("calibration: {}", plan.calibration);
  Json outputs = Json::array();
  for (const quantize::OutputFidelity& o : plan.model.fidelity.outputs) {
    context.say(
        "integers against float over {} samples, output {}: max error {:.4g}, mean {:.4g}, cosine {:.6f}, same top-1 {:.1f} %",
        plan.model.fidelity.samples, o.name, o.max_abs_error, o.mean_abs_error, o.cosine, 100 * o.top1_agreement);
    outputs.push_back({{"name", o.name},
                       {"max_abs_error", o.max_abs_error},
                       {"mean_abs_error", o.mean_abs_error},
                       {"cosine", o.cosine},
                       {"top1_agreement", o.top1_agreement}});
  }
  const slice::Cost whole = slice::predict(plan.model.program);
  context.say("as one slice it would take {}, {} of proof and {} of memory*", seconds_text(whole.prove_seconds),
              bytes_text(whole.proof_bytes), bytes_text(whole.peak_bytes));
  if (plan.trust) {
    std::string text = trust::to_text(*plan.trust);
    text.pop_back();  // its last line break
    context.say("treatments (cost: seconds of work, predicted; wrong with: the probability under what is assumed)\n{}", text);
  }
  context.document["model"] = plan.name;
  context.document["plan"] = {{"calibration", plan.calibration},
                              {"slices", slices},
                              {"fidelity", {{"samples", plan.model.fidelity.samples}, {"outputs", outputs}}},
                              {"unsliced",
                               {{"prove_s", whole.prove_seconds},
                                {"peak_bytes", whole.peak_bytes},
                                {"proof_bytes", whole.proof_bytes},
                                {"measured", false}}}};
  if (plan.trust) context.document["plan"]["trust"] = Json::parse(store::trust_document(*plan.trust));
}

Status show_model(Context& context, const store::CompiledModel& model) {
  context.say("model id {}", to_hex(model.key.id()));
  context.say("{} slices, {} bits, {}", model.key.slices.size(), proof::bits(model.key.profile()),
              weights_text(model.key.weights_public()));
  context.document["model_id"] = to_hex(model.key.id());
  context.document["profile"] = proof::bits(model.key.profile());
  context.document["weights"] = model.key.weights_public() ? "public" : "hidden";
  context.document["plan"]["edges"] = edges_json(model.key);
  DSPERSE_TRY(const proof::SecurityTable table,
              proof::security_of_certificate(model.key, trust::proved_slices(model.treatments)));
  show_security(context, model.key.profile(), table);
  return {};
}

Status show_run(Context& context, const proof::ModelKey& key, const pipeline::RunStep& step) {
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
  if (!run.slices.empty())  // workers measure their own times
    context.say("ran in {}, boundaries committed in {}", seconds_text(seconds), seconds_text(run.commit_s));
  context.document["model_id"] = to_hex(run.model_id);
  context.document["run_id"] = to_hex(run.run_id);
  context.document["outputs"] = outputs;
  context.document["run"] = {{"run_s", seconds}, {"commit_s", run.commit_s}, {"saturated", saturated}, {"clamped", step.clamped}};
  if (!commitments.empty()) context.document["input_commitments"] = commitments;
  return {};
}

void show_proofs(Context& context, const pipeline::ProveStep& step) {
  std::vector<std::vector<std::string>> rows = {{"slice", "operators", "proved in", "predicted", "proof", "peak memory", ""}};
  Json slices = Json::array();
  for (const pipeline::SliceOutcome& s : step.summary.slices) {
    const store::SliceRecord& r = s.record;
    const slice::Cost& predicted = step.model.predicted[r.slice];
    const quantize::Program& program = step.model.key.slices[r.slice].program;
    rows.push_back({std::to_string(r.slice), types_text(program.ops), seconds_text(r.prove_s),
                    seconds_text(predicted.prove_seconds), bytes_text(r.proof_bytes), bytes_text(r.peak_rss_bytes),
                    s.kept ? "kept" : ""});
    Json stages = Json::object();
    for (const auto& [name, seconds] : r.stages) stages[name] = seconds;
    slices.push_back({{"slice", r.slice},
                      {"mode", "proof"},
                      {"operators", operators_json(program)},
                      {"prove_s", r.prove_s},
                      {"predicted_prove_s", predicted.prove_seconds},
                      {"proof_bytes", r.proof_bytes},
                      {"peak_rss_bytes", r.peak_rss_bytes},
                      {"lookups", r.lookups},
                      {"stages_s", stages},
                      {"kept", s.kept}});
  }
  if (rows.size() > 1) context.say("{}", table_text(rows));
  for (const pipeline::SliceOutcome& o : step.summary.slices)
    for (const auto& [name, seconds] : o.record.stages)
      spdlog::debug("slice {} {}: {}", o.record.slice, name, seconds_text(seconds));
  context.say("certificate {} ({})", step.certificate_path, bytes_text(step.summary.certificate.size()));
  context.document["run_id"] = to_hex(step.run_id);
  context.document["slices"] = slices;
  context.document["certificate"] = {{"path", step.certificate_path}, {"bytes", step.summary.certificate.size()}};
}

int show_verdict(Context& context, const proof::ModelKey& key, const pipeline::VerifyReport& report,
                 const std::map<std::uint32_t, store::SliceRecord>& measured) {
  const proof::CertificateVerdict& v = report.verdict;
  const bool accepted = v.verdict.accepted;
  const pipeline::Holding& holding = report.holding;
  const bool all_proved = std::ranges::all_of(holding.slices, [](const trust::Held& h) { return h.by.proof; });
  if (accepted) {
    // Never a bare "accepted" over something that is not proved.
    context.say("{}", all_proved ? "accepted" : "accepted: " + pipeline::holding_text(holding));
    if (!all_proved)
      for (const std::string& line : pipeline::guarantee_texts(holding)) context.say("{}", line);
    context.say("{}", pipeline::coverage_text(v.coverage));
    if (report.challenge) show_challenge(context, *report.challenge, key.slices.size());
    context.say("{}", weights_text(key.weights_public()));
    if (report.security) show_security(context, key.profile(), *report.security);
  } else {
    context.say("rejected {}{}", v.verdict.reason, v.verdict.where.empty() ? "" : fmt::format(" ({})", v.verdict.where));
  }
  for (const std::string& note : report.notes) context.say("note: {}", note);
  context.say("verified in {}", seconds_text(report.seconds));

  Json slices = Json::array();
  for (std::uint32_t i = 0; i < key.slices.size(); ++i) {
    const auto checked =
        std::find_if(v.slices.begin(), v.slices.end(), [&](const proof::SliceReport& s) { return s.slice == i; });
    const bool proved = checked != v.slices.end() && checked->proved;
    Json j = {{"slice", i}, {"mode", proved ? "proof" : "trust"}, {"operators", operators_json(key.slices[i].program)}};
    if (i < holding.slices.size()) {
      const trust::Held& held = holding.slices[i];
      j["mode"] = trust::to_text(held.by);
      j["pending"] = held.pending;
      j["drawn"] = held.drawn;
      j["workers"] = Json::array();
      for (const trust::PublicKey& worker : held.workers) j["workers"].push_back(to_hex(worker));
    }
    j["prove_s"] = nullptr;
    j["verify_s"] = proved ? Json(checked->verify_s) : Json(nullptr);
    j["proof_bytes"] = proved ? checked->proof_bytes : 0;
    j["peak_rss_bytes"] = nullptr;
    if (const auto it = measured.find(i); it != measured.end()) {
      j["prove_s"] = it->second.prove_s;
      j["peak_rss_bytes"] = it->second.peak_rss_bytes;
      Json stages = Json::object();
      for (const auto& [name, seconds] : it->second.stages) stages[name] = seconds;
      j["stages_s"] = stages;
    }
    slices.push_back(std::move(j));
  }
  Json& d = context.document;
  d["verdict"] = accepted ? "accepted" : "rejected";
  if (!accepted) {
    d["reason"] = v.verdict.reason;
    d["where"] = v.verdict.where;
  }
  d["model_id"] = to_hex(key.id());
  d["weights"] = key.weights_public() ? "public" : "hidden";
  d["model_pinned"] = v.model_pinned;
  d["freshness_checked"] = v.fresh;
  d["coverage"] = coverage_json(v.coverage);
  if (accepted) {
    d["holding"] = {{"text", pipeline::holding_text(holding)},
                    {"weakest", holding.weakest},
                    {"coordinator", holding.keeper ? Json(to_hex(*holding.keeper)) : Json()},
                    {"coordinator_pinned", holding.keeper_pinned},
                    {"late_part_compared", holding.late}};
  }
  d["slices"] = slices;
  d["verify_s"] = report.seconds;
  d["notes"] = report.notes;
  return accepted ? kOk : kRejected;
}

}  // namespace dsperse::cli
