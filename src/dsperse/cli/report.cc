// dsperse report RUN|DOCUMENT: one self-contained HTML page of a run, from its measurements alone.
#include "dsperse/report/report.h"

#include <filesystem>

#include "dsperse/cli/facts.h"
#include "dsperse/cli/verbs.h"
#include "dsperse/store/disk/file.h"

namespace dsperse::cli {
namespace {

struct Flags {
  std::string run, out;
};

constexpr std::uint64_t kMaxDocument = std::uint64_t{1} << 28;

/// A run made verb by verb has no document of its own: what its folder and its model hold, without a verdict.
Result<std::string> document_of(const std::string& folder) {
  DSPERSE_TRY(store::RunFolder run, store::RunFolder::open(folder));
  DSPERSE_TRY(const store::ModelFolder model, store::ModelFolder::open(run.info().model_path));
  const store::CompiledModel& compiled = model.model();
  Context facts;
  facts.json = true;
  facts.document["model"] = compiled.name;
  facts.document["path"] = folder;
  facts.document["run_id"] = to_hex(proof::run_id(run.info().model_id, run.info().nonce, run.info().salt));
  DSPERSE_CHECK_OK(show_model(facts, compiled));
  std::set<std::uint32_t> proved;
  Json slices = Json::array();
  for (std::uint32_t i = 0; i < compiled.key.slices.size(); ++i) {
    const quantize::Program& program = compiled.key.slices[i].program;
    std::uint64_t macs = 0;
    Json operators = Json::array();
    for (const quantize::Op& op : program.ops) {
      macs += quantize::op_macs(program, op);
      operators.push_back(op.name);
    }
    const slice::Cost& predicted = compiled.predicted[i];
    Json s = {{"slice", i},
              {"mode", "trust"},
              {"operators", operators},
              {"multiply_adds", macs},
              {"predicted_prove_s", predicted.prove_seconds},
              {"predicted_peak_bytes", predicted.peak_bytes},
              {"predicted_proof_bytes", predicted.proof_bytes}};
    DSPERSE_TRY(const auto proof, run.proof(i));
    DSPERSE_TRY(const auto record, run.record(i));
    s["predicted_run_s"] = predicted.run_seconds;
    s["predicted_run_bytes"] = predicted.run_bytes;
    DSPERSE_TRY(const auto ran, run.run_record(i));
    if (ran) {
      s["run_s"] = ran->seconds;
      s["run_bytes"] = ran->peak_bytes;
    }
    if (proof && record) {
      proved.insert(i);
      s["mode"] = "proof";
      s["prove_s"] = record->prove_s;
      s["proof_bytes"] = record->proof_bytes;
      s["peak_rss_bytes"] = record->peak_rss_bytes;
      s["lookups"] = record->lookups;
      add_work(s, *record);
    }
    slices.push_back(std::move(s));
  }
  facts.document["slices"] = slices;
  facts.document["notes"] = {"Made from the run folder without verifying: proved means that a proof is there."};
  DSPERSE_TRY(const Bytes output, store::read_file(store::join(folder, "output.json"), kMaxDocument));
  DSPERSE_TRY(const pipeline::ClaimedOutput claimed, pipeline::read_output_document(compiled.key, output));
  for (const proof::Edge& e : compiled.key.edges) {
    if (!e.is_output) continue;
    DSPERSE_TRY(const pipeline::OutputReading r, pipeline::read_edge(compiled.key, e, claimed.outputs.at(e.name)));
    facts.document["outputs"][e.name] = {{"values", r.values}};
    if (r.top) facts.document["outputs"][e.name]["top1"] = *r.top;
    if (!r.label.empty()) facts.document["outputs"][e.name]["label"] = r.label;
  }
  return facts.document.dump(2, ' ', false, Json::error_handler_t::replace);
}

Result<int> make_report(Context& context, const Flags& flags) {
  std::error_code error;
  std::string text, out = flags.out;
  if (std::filesystem::is_directory(flags.run, error)) {
    if (out.empty()) out = store::join(flags.run, "report.html");
    const std::string saved = store::join(flags.run, kRunDocument);
    if (store::exists(saved)) {
      DSPERSE_TRY(const Bytes bytes, store::read_file(saved, kMaxDocument));
      text.assign(bytes.begin(), bytes.end());
    } else {
      DSPERSE_TRY(text, document_of(flags.run));
    }
  } else {
    DSPERSE_TRY(const Bytes bytes, store::read_file(flags.run, kMaxDocument));
    text.assign(bytes.begin(), bytes.end());
    if (out.empty()) out = "report.html";
  }
  auto document = report::parse_document(text);
  if (!document) return std::unexpected(document.error().within(flags.run));
  DSPERSE_CHECK_OK(store::write_file(out, report::page(*document), store::Access::shared));
  context.say("report {}", out);
  context.document["path"] = out;
  return kOk;
}

}  // namespace

void add_report(CLI::App& app, Context& context) {
  auto* verb = app.add_subcommand("report", "one self-contained HTML page of a run");
  const auto flags = std::make_shared<Flags>();
  verb->add_option("RUN", flags->run, "a run folder, or the document that `dsperse full-run --json` printed")->required();
  verb->add_option("--out", flags->out, "file to write (default report.html in the run folder)");
  context.add_common(*verb);
  verb->callback([&context, flags] {
    context.verb = "report";
    context.action = [&context, flags] { return make_report(context, *flags); };
  });
}

}  // namespace dsperse::cli
