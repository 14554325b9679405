// dsperse full-run MODEL INPUT...: slice, compile, run, prove and verify in one folder.
#include <algorithm>

#include "dsperse/backend/native/native.h"
#include "dsperse/cli/facts.h"
#include "dsperse/cli/import_flags.h"
#include "dsperse/cli/network_flags.h"
#include "dsperse/cli/verbs.h"
#include "dsperse/store/disk/file.h"
#include "dsperse/trust/sign/ed25519.h"

namespace dsperse::cli {
namespace {

struct Flags {
  ImportFlags import;
  std::vector<std::string> inputs;
  std::string out, nonce;
  int profile = 100;
  WeightsFlag weights;
  bool private_input = false;
  NetworkFlags network;
};

/// What an earlier, unfinished call with the same plan and options made: its run over workers goes on.
struct Before {
  store::PlanFile plan;
  store::CompiledModel model;
};
std::optional<Before> made_before(const store::PlanFile& plan, bool is_explicit, const pipeline::CompileOptions& options,
                                  const std::string& plan_folder, const std::string& dsm) {
  if (!store::exists(dsm) || !store::exists(plan_folder)) return std::nullopt;
  auto before = store::read_plan(plan_folder);
  auto model = store::ModelFolder::open(dsm);
  if (!before || !model) return std::nullopt;
  const proof::ModelKey& key = model->model().key;
  const bool private_input =
      std::ranges::any_of(key.edges, [&](const proof::Edge& e) { return e.is_input && !key.chunks[e.chunks.front()].is_public; });
  const bool same = store::encode_program_file(*before) == store::encode_program_file(plan) && before->cuts == plan.cuts &&
                    // What was planned rests on measured times: the same question would get a slightly other answer.
                    (before->treatments == plan.treatments || (!is_explicit && before->policy == plan.policy)) &&
                    model->model().treatments == before->treatments && key.profile() == options.profile &&
                    key.weights_public() == options.public_weights && private_input == options.private_input;
  if (!same) return std::nullopt;
  return Before{std::move(*before), model->model()};
}

/// Runs here, or over workers. Nothing: the run waits for the asker's late number, and that has been said.
Result<std::optional<pipeline::RunStep>> execute(Context& context, const Flags& flags, const proof::ModelKey& key,
                                                 const std::vector<trust::Treatment>& treatments, const Bytes& nonce,
                                                 const std::string& dsm, const std::string& out, store::OpeningStore& openings,
                                                 pipeline::VerifyRequest& verify) {
  DSPERSE_TRY(const pipeline::InputArguments inputs, pipeline::read_inputs(flags.inputs, key, false));
  if (!flags.network.wanted()) {
    DSPERSE_TRY(pipeline::RunStep run, pipeline::run_step(dsm, inputs.tensors, nonce, out, context.observer()));
    return run;
  }
  DSPERSE_TRY(pipeline::QuantizedInputs quantized, pipeline::quantize_inputs(pipeline::key_inputs(key), inputs.tensors));
  DSPERSE_TRY(const NetworkOutcome outcome,
              run_over_workers(context, flags.network, dsm, {std::move(quantized.tensors), nonce, treatments}, out, openings));
  if (!outcome.collected) context.text_to = Context::Text::result;
  show_network(context, outcome);
  verify.record.keeper = outcome.keeper;
  if (!outcome.collected) return std::nullopt;
  return pipeline::RunStep{outcome.collected->run, std::move(quantized.clamped)};
}

Result<int> full_run(Context& context, const Flags& flags, bool has_nonce) {
  DSPERSE_TRY(const Bytes nonce, parse_nonce(flags.nonce));
  for (const std::string& input : flags.inputs)
    if (input == "-" || input.ends_with("=-"))
      return fail(ErrorKind::usage, "full-run reads its input twice, standard input can be read once", input,
                  "write it to a file, or use `dsperse run`");
  ImportFlags import = flags.import;
  import.workers = flags.network.workers;  // of a deadline, too
  DSPERSE_TRY(const pipeline::ImportRequest request, import.request(context));
  pipeline::CompileOptions options;
  DSPERSE_TRY(options.profile, parse_profile(flags.profile));
  options.public_weights = flags.weights.is_public();
  options.private_input = flags.private_input;
  options.goal = pipeline::goal_of(request.cut.optimize);
  DSPERSE_TRY(const std::string state, store::state_folder());
  DSPERSE_TRY(store::OpeningStore openings, store::OpeningStore::open(state));
  const backend::Native native;
  const std::string out = flags.out.empty() ? store::stem(flags.import.model) + ".run" : flags.out;
  if (store::exists(store::join(out, "state.db")) && store::RunFolder::open(out))
    return fail(ErrorKind::usage, "holds a finished run", out,
                "prove it with `dsperse prove " + out + "`, or choose another --out");
  const auto in_out = [&](const char* name) { return store::join(out, name); };
  const std::string dsm = in_out("model.dsm"), dsk = in_out("model.dsk");

  DSPERSE_TRY(store::PlanFile plan, pipeline::plan_model(request, context.observer()));
  std::optional<store::CompiledModel> model;
  options.cost = request.cost;
  auto before =
      flags.network.wanted() ? made_before(plan, request.policy.is_explicit(), options, in_out("model.plan"), dsm) : std::nullopt;
  if (before) {
    plan = std::move(before->plan);
    model = std::move(before->model);
  } else {
    DSPERSE_CHECK_OK(store::write_plan(in_out("model.plan"), plan));
  }
  context.text_to = Context::Text::progress;
  show_plan(context, plan);
  if (!model) {
    DSPERSE_TRY(pipeline::CompiledSlices compiled,
                pipeline::compile_step(plan, options, native, openings, dsm, dsk, context.observer()));
    show_compiled(context, compiled);
    model = std::move(compiled.model);
  }
  DSPERSE_CHECK_OK(show_model(context, *model));
  pipeline::VerifyRequest verify;
  context.text_to = Context::Text::held;  // the verdict comes first
  DSPERSE_TRY(const std::optional<pipeline::RunStep> run,
              execute(context, flags, model->key, plan.treatments, nonce, dsm, out, openings, verify));
  if (!run) return kOk;
  DSPERSE_CHECK_OK(show_run(context, *model, *run));
  pipeline::ProveOptions prove;
  prove.workers = context.workers();
  DSPERSE_TRY(prove.memory_bytes, context.memory_budget());
  DSPERSE_TRY(const pipeline::ProveStep proofs,
              pipeline::prove_step(out, dsm, std::nullopt, native, openings, prove, context.observer()));
  show_proofs(context, proofs);

  // What was written, checked as a verifier would: from the files.
  const trust::Ed25519Check signatures;
  verify.signatures = &signatures;
  verify.policy = trust::explicit_policy(plan.treatments);
  verify.model_id = model->key.id();
  if (has_nonce) verify.nonce = nonce;
  pipeline::VerifyFiles files{proofs.certificate_path, in_out("output.json"), flags.inputs};
  if (flags.private_input) {
    files.inputs.clear();
    for (const auto& [name, roots] : run->run.input_roots) {
      std::string list;
      for (const Digest& d : roots) list += (list.empty() ? "" : ",") + to_hex(d);
      files.inputs.push_back(name + "=commit:" + list);
    }
  }
  DSPERSE_TRY(const proof::ModelKey key, store::read_key(dsk));
  DSPERSE_TRY(const pipeline::VerifyReport report, pipeline::verify_step(key, files, std::move(verify)));
  std::map<std::uint32_t, store::SliceRecord> measured;
  for (const pipeline::SliceOutcome& s : proofs.summary.slices) measured.emplace(s.record.slice, s.record);
  context.text_to = Context::Text::result;
  const int code = show_verdict(context, key, report, measured);
  context.release();
  context.say("files: {} (certificate.dscert, model.dsk and output.json are what a verifier is handed)", out);
  context.document["path"] = out;
  context.document["exit_code"] = code;
  DSPERSE_CHECK_OK(store::write_file(
      in_out(kRunDocument), context.document.dump(2, ' ', false, Json::error_handler_t::replace) + "\n", store::Access::shared));
  return code;
}

}  // namespace

void add_full_run(CLI::App& app, Context& context) {
  auto* verb = app.add_subcommand("full-run", "slice, compile, run, prove and verify: one command");
  const auto flags = std::make_shared<Flags>();
  flags->import.add(*verb, ImportFlags::Of::full_run);
  verb->add_option("INPUT", flags->inputs, "tensor files (.npy, .npz, JSON, PNG, PGM), or NAME=FILE")->required();
  verb->add_option("--out", flags->out, "folder to write (default NAME.run)");
  auto* nonce = verb->add_option("--nonce", flags->nonce, "the asker's fresh number, in hexadecimal");
  verb->add_option("--profile", flags->profile, "security in bits: 100 or 128")->capture_default_str();
  flags->weights.add(*verb);
  verb->add_flag("--private-input", flags->private_input, "commit to model inputs instead of showing them");
  flags->network.add(*verb, false);
  context.add_common(*verb);
  verb->callback([&context, flags, nonce] {
    context.verb = "full-run";
    context.action = [&context, flags, given = nonce->count() != 0] { return full_run(context, *flags, given); };
  });
}

}  // namespace dsperse::cli
