// dsperse run MODEL.dsm INPUT...: executes the slices, commits the boundaries, writes the run folder and what binds it.
#include "dsperse/cli/facts.h"
#include "dsperse/cli/network_flags.h"
#include "dsperse/cli/verbs.h"
#include "dsperse/store/disk/file.h"

namespace dsperse::cli {
namespace {

struct Flags {
  std::string model, out, nonce;
  std::vector<std::string> inputs;
  NetworkFlags network;
  std::string policy;
  std::uint32_t draw = 1;
};

/// What the asker needs before they choose a nonce.
void show_published(Context& context, const pipeline::Published& published, const std::string& path) {
  context.say("published {}: bound {}", path, to_hex(published.bound()));
  context.say("  for a challenge hand it to the asker before they choose a nonce, which then draws {} of {} slices to prove",
              published.draw, published.slices);
  context.document["published"] = {
      {"path", path}, {"bound", to_hex(published.bound())}, {"draw", published.draw}, {"slices", published.slices}};
}

/// Over workers: the treatments are the compiled model's own, or the policy's.
Result<int> run_far(Context& context, const Flags& flags, const store::CompiledModel& model,
                    const pipeline::InputArguments& inputs, const Bytes& nonce, const std::string& out) {
  DSPERSE_TRY(const std::string state, store::state_folder());
  DSPERSE_TRY(store::OpeningStore openings, store::OpeningStore::open(state));
  DSPERSE_TRY(pipeline::QuantizedInputs quantized, pipeline::quantize_inputs(pipeline::key_inputs(model.key), inputs.tensors));
  pipeline::NetworkRequest request{std::move(quantized.tensors), nonce, model.treatments};
  if (!flags.policy.empty()) {
    DSPERSE_TRY(const LoadedPolicy loaded, load_policy(flags.policy));
    DSPERSE_TRY(request.treatments, pipeline::wanted_treatments(model.key, loaded.policy));
  }
  DSPERSE_TRY(const NetworkOutcome outcome,
              run_over_workers(context, flags.network, flags.model, std::move(request), out, openings));
  show_network(context, outcome);
  context.document["path"] = out;
  if (!outcome.collected) return kOk;
  // A server's answer names files alone; both ways leave the same run folder.
  if (flags.network.network.empty()) {
    DSPERSE_CHECK_OK(show_run(context, model, {outcome.collected->run, std::move(quantized.clamped)}));
    pipeline::Published published = outcome.collected->run.published;
    published.draw = flags.draw;
    DSPERSE_CHECK_OK(pipeline::write_published(out, published));
    show_published(context, published, pipeline::published_path(out));
  }
  context.say("run {} (certificate.dscert says who answers for each slice)", out);
  return kOk;
}

Result<int> run(Context& context, const Flags& flags) {
  DSPERSE_TRY(const Bytes nonce, parse_nonce(flags.nonce));
  DSPERSE_TRY(const store::ModelFolder model, store::ModelFolder::open(flags.model));
  DSPERSE_TRY(const pipeline::InputArguments inputs, pipeline::read_inputs(flags.inputs, model.model().key, false));
  if (flags.draw > model.model().key.slices.size())
    return fail(ErrorKind::usage,
                "a challenge can't draw more slices than the model has: " + std::to_string(model.model().key.slices.size()));
  if (flags.draw != 1 && !flags.network.network.empty())
    return fail(ErrorKind::usage, "--draw is for runs of this command; a server's runs publish that one slice is drawn");
  const std::string out = flags.out.empty() ? model.model().name + ".run" : flags.out;
  if (flags.network.wanted()) return run_far(context, flags, model.model(), inputs, nonce, out);
  if (!flags.policy.empty())
    return fail(ErrorKind::usage, "--policy is for runs over workers", flags.policy,
                "give it to `dsperse prove`, or add --workers");
  DSPERSE_TRY(const pipeline::RunStep step,
              pipeline::run_step(flags.model, inputs.tensors, nonce, out, context.observer(), flags.draw));
  DSPERSE_CHECK_OK(show_run(context, model.model(), step));
  if (!model.model().key.has_float()) show_published(context, step.run.published, pipeline::published_path(out));
  context.say("run {}", out);
  context.document["path"] = out;
  return kOk;
}

}  // namespace

void add_run(CLI::App& app, Context& context) {
  auto* verb = app.add_subcommand("run", "execute on an input, commit the boundaries, write the output");
  const auto flags = std::make_shared<Flags>();
  verb->add_option("MODEL", flags->model, "a .dsm folder written by `dsperse compile`")->required();
  verb->add_option("INPUT", flags->inputs, "tensor files (.npy, .npz, JSON, PNG, PGM, - for stdin), or NAME=FILE")->required();
  verb->add_option("--out", flags->out, "run folder to write (default NAME.run)");
  verb->add_option("--nonce", flags->nonce, "the asker's fresh number, in hexadecimal");
  verb->add_option("--draw", flags->draw, "how many slices a challenge will draw (docs/trust/challenge.md)")
      ->capture_default_str();
  flags->network.add(*verb, true);
  verb->add_option("--policy", flags->policy, "over workers: how slices are held (default: as the model was compiled)");
  context.add_common(*verb);
  verb->callback([&context, flags] {
    context.verb = "run";
    context.action = [&context, flags] { return run(context, *flags); };
  });
}

}  // namespace dsperse::cli
