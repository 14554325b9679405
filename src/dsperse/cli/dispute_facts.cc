#include "dsperse/cli/dispute_facts.h"

namespace dsperse::cli {
namespace {

using trust::dispute::Claim;
using trust::dispute::Outcome;

std::string outcome_text(Outcome outcome) {
  switch (outcome) {
    case Outcome::a:
      return "a is right: its output is proved";
    case Outcome::b:
      return "b is right: its output is proved";
    case Outcome::neither:
      return "neither is right: a third output is proved";
    case Outcome::contradiction:
      return "both outputs are proved: the proof system or the key is broken, nobody is to blame";
    case Outcome::open:
    case Outcome::unproved:
      break;
  }
  return "nobody proved the slice";
}

bool none(const Digest& digest) { return digest == Digest{}; }

}  // namespace

void show_dispute(Context& context, const trust::dispute::VerdictFile& file) {
  const bool proof = trust::dispute::rests_on_proof(file.outcome);
  context.say("{}", outcome_text(file.outcome));
  context.say("about slice {} of run {}", file.subject.slice, to_hex(file.subject.run));
  context.say("rests on {}", proof ? "a proof, whoever wrote this down"
                                   : "the word of whoever wrote this down: no proof is in it, and silence cannot be checked");
  Json claims = Json::array();
  for (std::size_t i = 0; i < 2; ++i) {
    const Claim& c = file.claims[i];
    context.say("{} is {}: after the slice {}, {}", i == 0 ? 'a' : 'b', to_hex(c.worker), to_hex(c.h_out),
                none(c.receipt) ? "without a receipt" : "receipt " + to_hex(c.receipt));
    claims.push_back({{"claimant", to_hex(c.worker)},
                      {"job", none(c.job) ? Json() : Json(to_hex(c.job))},
                      {"receipt", none(c.receipt) ? Json() : Json(to_hex(c.receipt))},
                      {"h_out", to_hex(c.h_out)}});
  }
  context.document["dispute"] = {{"model_id", to_hex(file.subject.model)},
                                 {"run_id", to_hex(file.subject.run)},
                                 {"slice", file.subject.slice},
                                 {"h_in", to_hex(file.subject.h_in)},
                                 {"claims", claims},
                                 {"outcome", pipeline::outcome_word(file.outcome)},
                                 {"rests_on_proof", proof}};
}

int show_verdict_file(Context& context, const pipeline::VerdictReport& report) {
  const Verdict& v = report.verdict;
  Json& d = context.document;
  d["verdict"] = v ? "accepted" : "rejected";
  if (v) {
    context.say("accepted");
    show_dispute(context, report.file);
  } else {
    context.say("rejected {}{}", v.reason, v.where.empty() ? "" : fmt::format(" ({})", v.where));
    d["reason"] = v.reason;
    d["where"] = v.where;
  }
  context.say("verified in {}", seconds_text(report.seconds));
  d["verify_s"] = report.seconds;
  return v ? kOk : kRejected;
}

}  // namespace dsperse::cli
