#include "dsperse/store/plan_trust.h"

#include <nlohmann/json.hpp>

namespace dsperse::store {
namespace {

using Json = nlohmann::ordered_json;

Json e1_json(const trust::Deterrence& d) {
  const trust::Stakes& s = d.stakes;
  return {{"holds", d.holds},
          {"least_rate", d.least_rate},
          {"least_bond_s", d.least_bond},
          {"reward_s", s.reward},
          {"honest_cost_s", s.honest_cost},
          {"cheat_cost_s", s.cheat_cost},
          {"gain_s", s.gain},
          {"bond_s", s.bond},
          {"detection", s.detection},
          {"false_alarm", s.false_alarm},
          {"lucky_guess", s.lucky_guess},
          {"reporter_share", s.reporter_share}};
}

Json slices_json(const trust::Treatments& a) {
  Json out = Json::array();
  for (std::size_t i = 0; i < a.plan.slices.size(); ++i) {
    const trust::SlicePlan& s = a.plan.slices[i];
    Json j = {{"slice", i},
              {"treatment", trust::to_text(s.treatment)},
              {"given", s.fixed},
              {"native_s", a.costs[i].native},
              {"proof_s", a.costs[i].proof},
              {"cost_s", s.cost},
              {"failure", s.failure},
              {"assumed", s.assumed}};
    if (!a.influences.empty()) j["influence"] = a.influences[i];
    if (s.deterrence) j["e1"] = e1_json(*s.deterrence);
    out.push_back(std::move(j));
  }
  return out;
}

Json outputs_json(const trust::TrustPlan& plan) {
  Json out = Json::array();
  for (const trust::OutputRisk& o : plan.outputs)
    out.push_back({{"slice", o.slice},
                   {"residual", o.residual},
                   {"weakest", o.weakest},
                   {"weakest_path", o.path},
                   {"weakest_path_residual", o.path_residual}});
  return out;
}

Json strategy_json(const trust::Selection& s) {
  return {{"strategy", trust::to_text(s.strategy)},
          {"selected", s.proved},
          {"proof_s", s.cost},
          {"proof_left_s", s.cost_left},
          {"influence", s.influence},
          {"influence_left", s.influence_left},
          {"exact", s.exact},
          {"text", trust::to_text(s)}};
}

}  // namespace

std::string trust_document(const trust::Treatments& a) {
  const trust::Assumptions& b = a.terms.assumptions;
  const trust::Money& m = a.terms.money;
  Json j = {{"cost_s", a.plan.cost}, {"residual", a.plan.residual}, {"weakest", a.plan.weakest}};
  if (a.planning) {
    Json allowed = Json::array();
    for (const trust::Treatment& t : a.planning->allowed) allowed.push_back(trust::to_text(t));
    j["budget"] = a.planning->budget;
    j["allowed"] = allowed;
    j["exact"] = a.plan.exact;
    j["least_cost_s"] = a.plan.least_cost;
    j["left_out"] = a.plan.left_out;
  }
  if (a.selection) j["strategy"] = strategy_json(*a.selection);
  j["slices"] = slices_json(a);
  j["outputs"] = outputs_json(a.plan);
  j["assumptions"] = {{"stated", a.terms.assumptions_stated},
                      {"colluding_operators", b.colluding_operators},
                      {"colluding_regions", b.colluding_regions},
                      {"colluding_engines", b.colluding_engines},
                      {"irrational", b.irrational},
                      {"detection", b.detection},
                      {"proof_bits", b.proof_bits}};
  j["stakes"] = {{"stated", a.terms.stakes_stated},
                 {"gain_s", m.gain},
                 {"bond_s", m.bond},
                 {"reward_factor", m.reward_factor},
                 {"cheat_factor", m.cheat_factor},
                 {"false_alarm", m.false_alarm},
                 {"lucky_guess", m.lucky_guess},
                 {"reporter_share", m.reporter_share}};
  return j.dump(2, ' ', false, Json::error_handler_t::replace);
}

}  // namespace dsperse::store
