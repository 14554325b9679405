// dsperse run MODEL.dsm INPUT...: executes the slices, commits the boundaries, writes the run folder.
#include "dsperse/cli/facts.h"
#include "dsperse/cli/verbs.h"
#include "dsperse/store/disk/file.h"

namespace dsperse::cli {
namespace {

struct Flags {
  std::string model, out, nonce;
  std::vector<std::string> inputs;
};

Result<int> run(Context& context, const Flags& flags) {
  DSPERSE_TRY(const Bytes nonce, parse_nonce(flags.nonce));
  DSPERSE_TRY(const store::ModelFolder model, store::ModelFolder::open(flags.model));
  DSPERSE_TRY(const pipeline::InputArguments inputs, pipeline::read_inputs(flags.inputs, model.model().key, false));
  const std::string out = flags.out.empty() ? model.model().name + ".run" : flags.out;
  DSPERSE_TRY(const pipeline::RunStep step, pipeline::run_step(flags.model, inputs.tensors, nonce, out, context.observer()));
  DSPERSE_CHECK_OK(show_run(context, model.model().key, step));
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
  context.add_common(*verb);
  verb->callback([&context, flags] {
    context.verb = "run";
    context.action = [&context, flags] { return run(context, *flags); };
  });
}

}  // namespace dsperse::cli
