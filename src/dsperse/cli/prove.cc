// dsperse prove RUN: proves what the policy asks, resumable, and writes the certificate.
#include "dsperse/backend/native/native.h"
#include "dsperse/cli/challenge.h"
#include "dsperse/cli/facts.h"
#include "dsperse/cli/verbs.h"

namespace dsperse::cli {
namespace {

struct Flags {
  std::string run, model, challenge;
  bool challenged = false;
  Selection selection;
};

Result<int> prove(Context& context, const Flags& flags) {
  DSPERSE_TRY(const std::optional<trust::Policy> policy, flags.selection.policy_of());
  DSPERSE_TRY(const std::string state, store::state_folder());
  DSPERSE_TRY(store::OpeningStore openings, store::OpeningStore::open(state));
  pipeline::ProveOptions options;
  options.workers = context.workers();
  DSPERSE_TRY(options.memory_bytes, context.memory_budget());
  if (flags.challenged) {
    DSPERSE_TRY(options.challenge, parse_challenge(flags.challenge));
  }
  DSPERSE_TRY(const pipeline::ProveStep step,
              pipeline::prove_step(flags.run, flags.model, policy, backend::Native(), openings, options, context.observer()));
  show_proofs(context, step);
  if (step.challenged) {
    context.say("challenge: {} drawn by the nonce{}", slices_text(step.challenged->drawn),
                step.summary.slices.size() > step.challenged->drawn.size() ? "; the others were asked for besides" : "");
    context.document["challenge"] = {{"bound", to_hex(step.challenged->bound)}, {"drawn", step.challenged->drawn}};
  }
  return kOk;
}

}  // namespace

void add_prove(CLI::App& app, Context& context) {
  auto* verb = app.add_subcommand("prove", "prove the slices of a run and write its certificate; finished slices are kept");
  const auto flags = std::make_shared<Flags>();
  verb->add_option("RUN", flags->run, "a run folder written by `dsperse run`")->required();
  verb->add_option("--model", flags->model, "the .dsm folder, if it was moved since the run");
  flags->selection.add(*verb);
  verb->add_option(
          "--challenge", flags->challenge,
          "the asker's late nonce, in hexadecimal: prove the slices that it draws, beside those of a policy if one is given")
      ->each([flags = flags.get()](const std::string&) { flags->challenged = true; });
  context.add_common(*verb);
  verb->callback([&context, flags] {
    context.verb = "prove";
    context.action = [&context, flags] { return prove(context, *flags); };
  });
}

}  // namespace dsperse::cli
