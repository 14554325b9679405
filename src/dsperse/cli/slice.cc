// dsperse slice MODEL (plan): calibrates, cuts, shows the plan, writes NAME.plan.
#include "dsperse/cli/facts.h"
#include "dsperse/cli/import_flags.h"
#include "dsperse/cli/verbs.h"
#include "dsperse/store/disk/file.h"

namespace dsperse::cli {
namespace {

Result<int> slice_model(Context& context, const ImportFlags& flags, std::string out) {
  DSPERSE_TRY(const pipeline::ImportRequest request, flags.request(context));
  DSPERSE_TRY(const store::PlanFile plan, pipeline::plan_model(request, context.observer()));
  if (out.empty()) out = plan.name + ".plan";
  DSPERSE_CHECK_OK(store::write_plan(out, plan));
  show_plan(context, plan);
  context.say("plan {}; policy for verifiers {}", out, store::join(out, "policy.toml"));
  context.document["path"] = out;
  context.document["policy"] = store::join(out, "policy.toml");
  return kOk;
}

}  // namespace

void add_slice(CLI::App& app, Context& context) {
  auto* verb = app.add_subcommand("slice", "calibrate, cut and show the plan: cost, memory and proof size before any work");
  verb->alias("plan");
  const auto flags = std::make_shared<ImportFlags>();
  const auto out = std::make_shared<std::string>();
  flags->add(*verb, ImportFlags::Of::slice);
  verb->add_option("--out", *out, "folder to write (default NAME.plan)");
  context.add_common(*verb);
  verb->callback([&context, flags, out] {
    context.verb = "slice";
    context.action = [&context, flags, out] { return slice_model(context, *flags, *out); };
  });
}

}  // namespace dsperse::cli
