// dsperse dispute A B --key K: the first slice that two runs disagree about, decided by a proof; writes the verdict file.
#include "dsperse/pipeline/dispute.h"

#include "dsperse/backend/native/native.h"
#include "dsperse/cli/dispute_facts.h"
#include "dsperse/cli/verbs.h"
#include "dsperse/store/disk/file.h"
#include "dsperse/store/model_folder.h"

namespace dsperse::cli {
namespace {

struct Flags {
  std::string key, out = "verdict.dsverdict";
  pipeline::DisputeRequest request;
};

Result<int> dispute(Context& context, const Flags& flags) {
  DSPERSE_TRY(const proof::ModelKey key, store::read_key(flags.key));
  DSPERSE_TRY(const std::string state, store::state_folder());
  DSPERSE_TRY(store::OpeningStore openings, store::OpeningStore::open(state));
  DSPERSE_TRY(const pipeline::DisputeReport report,
              pipeline::settle_dispute(key, flags.request, backend::Native(), openings, context.observer()));
  context.document["agree"] = !report.verdict;
  if (!report.verdict) {
    context.say("no dispute: a and b agree about every slice");
    return kOk;
  }
  show_dispute(context, *report.verdict);
  context.say("here a is {}, b is {}", flags.request.a, flags.request.b);
  if (report.proved_here) context.say("proved here; the opening is used up");
  DSPERSE_CHECK_OK(store::write_file(flags.out, trust::dispute::encode(*report.verdict), store::Access::shared));
  context.say("verdict {}: anybody checks it with `dsperse verify {} --key KEY`", flags.out, flags.out);
  context.document["proved_here"] = report.proved_here;
  context.document["path"] = flags.out;
  return trust::dispute::rests_on_proof(report.verdict->outcome) ? kOk : kRejected;
}

}  // namespace

void add_dispute(CLI::App& app, Context& context) {
  auto* verb = app.add_subcommand("dispute", "two runs of one input differ: find the slice, prove who is right");
  const auto flags = std::make_shared<Flags>();
  verb->add_option("A", flags->request.a, "a run folder, or a certificate")->required();
  verb->add_option("B", flags->request.b, "the other one")->required();
  verb->add_option("--key", flags->key, "the model's verification key (.dsk)")->required();
  verb->add_option("--model", flags->request.model, "the .dsm folder that proves, if it was moved since the run");
  verb->add_option("--out", flags->out, "verdict file to write")->capture_default_str();
  context.add_common(*verb);
  verb->callback([&context, flags] {
    context.verb = "dispute";
    context.action = [&context, flags] { return dispute(context, *flags); };
  });
}

}  // namespace dsperse::cli
