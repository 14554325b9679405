#include "dsperse/trust/policy/assign.h"

#include "dsperse/trust/treatment/number.h"

namespace dsperse::trust {
namespace {

Result<Selection> selected(const Strategy& strategy, const PlanFacts& facts) {
  std::vector<SliceFacts> slices;
  for (std::size_t i = 0; i < facts.programs.size(); ++i)
    slices.push_back({facts.programs[i], facts.costs[i].proof, facts.influences.empty() ? 0 : facts.influences[i]});
  return select_slices(strategy, slices);
}

std::string terms_text(const Terms& t) {
  const Assumptions& a = t.assumptions;
  std::string text =
      !t.assumptions_stated
          ? "assumptions: none are stated, so nothing is believed: a slice without a proof counts as wrong; state [assumptions]"
          : "assumptions: shares that collude: " + short_text(a.colluding_operators) + " of operators, " +
                short_text(a.colluding_regions) + " of regions, " + short_text(a.colluding_engines) + " of engines; " +
                short_text(a.irrational) + " of them lie although it does not pay; re-execution detects " +
                short_text(a.detection);
  text += ". Proofs of " + std::to_string(a.proof_bits) + " bits\n";
  const Money& m = t.money;
  return text + (t.stakes_stated
                     ? "stakes, in seconds of native work: gain " + short_text(m.gain) + ", bond " + short_text(m.bond) +
                           ", reward " + short_text(m.reward_factor) + " c, cheating costs " + short_text(m.cheat_factor) +
                           " c for honest cost c; false alarms " + short_text(m.false_alarm) + ", lucky guesses " +
                           short_text(m.lucky_guess) + ", reporter share " + short_text(m.reporter_share) + "\n"
                     : "stakes: none are stated: no bond, no gain, reward " + short_text(m.reward_factor) +
                           " c for honest cost c; state [stakes]\n");
}

}  // namespace

std::vector<Treatment> Treatments::treatments() const {
  std::vector<Treatment> out;
  for (const SlicePlan& slice : plan.slices) out.push_back(slice.treatment);
  return out;
}

bool needs_influences(const Policy& policy) { return policy.strategy && policy.strategy->kind == Strategy::Kind::influence; }

Result<Treatments> assign(const Policy& policy, const PlanFacts& facts) {
  const std::size_t count = facts.programs.size();
  if (facts.costs.size() != count || (!facts.influences.empty() && facts.influences.size() != count))
    return fail(ErrorKind::usage, "costs or influences are not one a slice");
  if (needs_influences(policy) && facts.influences.empty()) return fail(ErrorKind::usage, "influences were not measured");
  Treatments out{.terms = policy.terms, .planning = policy.planning, .costs = facts.costs, .influences = facts.influences};
  PlanRequest request;
  request.slices = facts.costs;
  request.edges = facts.edges;
  request.outputs = facts.outputs;
  request.assumptions = policy.terms.assumptions;
  request.money = policy.terms.money;
  request.fixed.assign(count, policy.planning ? std::nullopt : std::optional(policy.fallback));
  if (policy.strategy) {
    if (policy.fallback.proof && !policy.planning)
      return fail(ErrorKind::usage, "a strategy selects what is proved, but by default everything is",
                  "strategy " + to_text(*policy.strategy), "say what the other slices get: a policy with another default");
    DSPERSE_TRY(out.selection, selected(*policy.strategy, facts));
    for (const std::uint32_t i : out.selection->proved) request.fixed[i] = Treatment{.proof = true};
  }
  DSPERSE_TRY(const auto ruled, expand_rules(policy.rules, facts.programs));
  for (std::size_t i = 0; i < count; ++i)
    if (ruled[i]) request.fixed[i] = ruled[i];
  if (policy.planning) {
    request.allowed = policy.planning->allowed;
    request.budget = policy.planning->budget;
  }
  DSPERSE_TRY(out.plan, policy.planning ? plan_trust(request) : price_treatments(request));
  return out;
}

std::string to_text(const Treatments& a) {
  std::string text = to_text(a.plan);
  if (a.planning) text += "budget: residual risk " + short_text(a.planning->budget) + "\n";
  if (a.selection) text += to_text(*a.selection) + "\n";
  return text + terms_text(a.terms);
}

}  // namespace dsperse::trust
