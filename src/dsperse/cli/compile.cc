// dsperse compile PLAN: keys for every slice, weights committed or shown. Writes NAME.dsm and NAME.dsk.
#include "dsperse/backend/native/native.h"
#include "dsperse/cli/cost_model.h"
#include "dsperse/cli/facts.h"
#include "dsperse/cli/verbs.h"
#include "dsperse/store/disk/file.h"

namespace dsperse::cli {
namespace {

struct Flags {
  std::string plan, out, cost_model;
  int profile = 100;
  WeightsFlag weights;
  std::string optimize;
  bool private_input = false;
};

Result<int> compile(Context& context, const Flags& flags) {
  pipeline::CompileOptions options;
  DSPERSE_TRY(options.profile, parse_profile(flags.profile));
  options.public_weights = flags.weights.is_public();
  options.private_input = flags.private_input;
  DSPERSE_TRY(const store::PlanFile plan, store::open_plan(flags.plan));
  options.goal = pipeline::goal_of(plan.optimize);
  if (!flags.optimize.empty())
    options.goal = flags.optimize == "size"     ? proof::Optimize::size
                   : flags.optimize == "verify" ? proof::Optimize::verify
                                                : proof::Optimize::time;
  std::string dsm = flags.out.empty() ? plan.name + ".dsm" : flags.out;
  while (dsm.size() > 1 && dsm.ends_with('/')) dsm.pop_back();
  const std::string dsk = (dsm.ends_with(".dsm") ? dsm.substr(0, dsm.size() - 4) : dsm) + ".dsk";
  DSPERSE_TRY(const std::string state, store::state_folder());
  DSPERSE_TRY(store::OpeningStore openings, store::OpeningStore::open(state));
  DSPERSE_TRY(options.cost, load_cost_model(flags.cost_model));
  DSPERSE_TRY(const pipeline::CompiledSlices compiled,
              pipeline::compile_step(plan, options, backend::Native(), openings, dsm, dsk, context.observer()));
  show_compiled(context, compiled);
  DSPERSE_CHECK_OK(show_model(context, compiled.model));
  context.say("compiled model {} (secret)", dsm);
  context.say("verification key {}", dsk);
  context.document["model"] = dsm;
  context.document["key"] = dsk;
  return kOk;
}

}  // namespace

void add_compile(CLI::App& app, Context& context) {
  auto* verb = app.add_subcommand("compile", "keys for every slice (weights committed)");
  const auto flags = std::make_shared<Flags>();
  verb->add_option("PLAN", flags->plan, "a folder written by `dsperse slice`")->required();
  verb->add_option("--out", flags->out, "folder to write (default NAME.dsm; the key is beside it, NAME.dsk)");
  verb->add_option("--profile", flags->profile, "security in bits: 100 or 128")->capture_default_str();
  flags->weights.add(*verb);
  verb->add_option("--optimize", flags->optimize,
                   "what keys are made for: time of proving, size, or time to verify (default: as the plan)")
      ->check(CLI::IsMember({"time", "size", "verify"}));
  verb->add_flag("--private-input", flags->private_input, "commit to model inputs instead of showing them");
  verb->add_option("--cost-model", flags->cost_model, "constants of the predictions (docs/formats/cost-model.md)");
  context.add_common(*verb);
  verb->callback([&context, flags] {
    context.verb = "compile";
    context.action = [&context, flags] { return compile(context, *flags); };
  });
}

}  // namespace dsperse::cli
