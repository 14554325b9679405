// dsperse run MODEL.dsm INPUT...: executes the slices, commits the boundaries, writes the run folder and what binds it.
#include "dsperse/cli/facts.h"
#include "dsperse/cli/verbs.h"
#include "dsperse/store/disk/file.h"

namespace dsperse::cli {
namespace {

struct Flags {
  std::string model, out, nonce;
  std::vector<std::string> inputs;
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

Result<int> run(Context& context, const Flags& flags) {
  DSPERSE_TRY(const Bytes nonce, parse_nonce(flags.nonce));
  DSPERSE_TRY(const store::ModelFolder model, store::ModelFolder::open(flags.model));
  DSPERSE_TRY(const pipeline::InputArguments inputs, pipeline::read_inputs(flags.inputs, model.model().key, false));
  const std::string out = flags.out.empty() ? model.model().name + ".run" : flags.out;
  DSPERSE_TRY(const pipeline::RunStep step,
              pipeline::run_step(flags.model, inputs.tensors, nonce, out, context.observer(), flags.draw));
  DSPERSE_CHECK_OK(show_run(context, model.model().key, step));
  show_published(context, step.run.published, store::join(out, "published.json"));
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
  context.add_common(*verb);
  verb->callback([&context, flags] {
    context.verb = "run";
    context.action = [&context, flags] { return run(context, *flags); };
  });
}

}  // namespace dsperse::cli
