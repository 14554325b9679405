#include "dsperse/trust/policy/planner.h"

#include <algorithm>
#include <cmath>

#include "dsperse/trust/policy/choice.h"
#include "dsperse/trust/treatment/number.h"

namespace dsperse::trust {
namespace {

std::string slice_name(std::size_t i) { return "slice " + std::to_string(i); }

/// eta of a treatment's audit: a proof finds everything.
double detection_of(const Audit& audit, const Assumptions& a) { return audit.by == AuditBy::proof ? 1 : a.detection; }

/// Up to six significant digits, never down: rates that are printed must still deter.
double rounded_up(double p) {
  if (p <= 0 || p >= 1) return p;
  const double scale = std::pow(10.0, 5 - std::floor(std::log10(p)));
  const double up = std::ceil(p * scale) / scale;
  return std::min(1.0, up >= p ? up : p);
}

/// E1 of an audit at its own rate, whether it holds or not.
Deterrence deterrence_of(const Audit& audit, const PlanRequest& request, std::size_t slice) {
  Deterrence out{.stakes = stakes_of(request.money, request.slices[slice].native, detection_of(audit, request.assumptions))};
  out.least_rate = least_audit_rate(out.stakes).value_or(HUGE_VAL);
  out.least_bond = least_bond(out.stakes, audit.p).value_or(HUGE_VAL);
  out.holds = audit.p >= out.least_rate;
  return out;
}

/// What the treatment leaves and costs, with the E1 that it has.
Result<SlicePlan> figures(SlicePlan out, const PlanRequest& request, std::size_t slice) {
  const bool deterred = out.deterrence && out.deterrence->holds;
  out.assumed = assumed(out.treatment, request.assumptions, deterred);
  DSPERSE_TRY(out.failure, failure(out.treatment, request.assumptions, deterred));
  DSPERSE_TRY(out.cost, expected_cost(out.treatment, request.slices[slice], request.assumptions, deterred));
  return out;
}

/// The treatment for one slice with its figures; E1 must hold where it is audited.
Result<SlicePlan> priced(const Treatment& t, const PlanRequest& request, std::size_t slice, bool fixed) {
  SlicePlan out{.treatment = t, .fixed = fixed};
  if (out.treatment.audit) {
    Audit& audit = *out.treatment.audit;
    const Deterrence e1 = deterrence_of(audit, request, slice);
    if (!e1.holds) {
      DSPERSE_TRY(const double least, least_audit_rate(e1.stakes));
      if (fixed) {
        DSPERSE_TRY(const double bond, least_bond(e1.stakes, audit.p));
        return fail(ErrorKind::usage, "audit rate " + exact_text(audit.p) + " does not deter: E1 asks for " + short_text(least),
                    {}, "raise the rate, or ask for a bond of " + short_text(bond));
      }
      audit.p = rounded_up(least);
    }
    out.deterrence = deterrence_of(audit, request, slice);
  }
  return figures(std::move(out), request, slice);
}

Status check_budget(const PlanRequest& r) {
  if (r.budget > 0 && r.budget < 1) return {};
  return fail(ErrorKind::usage, "the budget of residual risk is " + short_text(r.budget), {},
              "it lies between 0 and 1; even proofs leave 2^-100");
}

Status check_request(const PlanRequest& r) {
  if (r.slices.empty()) return fail(ErrorKind::usage, "there are no slices to plan for");
  if (!r.fixed.empty() && r.fixed.size() != r.slices.size())
    return fail(ErrorKind::usage, "fixed treatments are given for " + std::to_string(r.fixed.size()) + " of " +
                                      std::to_string(r.slices.size()) + " slices");
  DSPERSE_CHECK_OK(check(r.assumptions));
  for (std::size_t i = 0; i < r.slices.size(); ++i) {
    if (const auto ok = check(r.slices[i]); !ok) return std::unexpected(ok.error().within(slice_name(i)));
    if (const auto ok = check(stakes_of(r.money, r.slices[i].native, 1)); !ok)
      return std::unexpected(ok.error().within("money of " + slice_name(i)));
  }
  for (const Treatment& t : r.allowed) DSPERSE_CHECK_OK(check(t));
  for (const auto& t : r.fixed)
    if (t) DSPERSE_CHECK_OK(check(*t));
  return check_graph(r.slices.size(), r.edges, r.outputs);
}

/// What each slice may get, and which allowed treatments it may not.
struct Menu {
  std::vector<std::vector<SlicePlan>> plans;
  std::vector<std::string> left_out;
};

Result<Menu> make_menu(const PlanRequest& r) {
  Menu menu;
  for (std::size_t i = 0; i < r.slices.size(); ++i) {
    auto& plans = menu.plans.emplace_back();
    if (!r.fixed.empty() && r.fixed[i]) {
      auto one = priced(*r.fixed[i], r, i, true);
      if (!one) return std::unexpected(one.error().within(slice_name(i) + " > " + to_text(*r.fixed[i])));
      plans.push_back(std::move(*one));
      continue;
    }
    for (const Treatment& t : r.allowed) {
      auto one = priced(t, r, i, false);
      if (one)
        plans.push_back(std::move(*one));
      else
        menu.left_out.push_back(one.error().within(slice_name(i) + " > " + to_text(t)).text());
    }
    if (plans.empty())
      return fail(ErrorKind::usage,
                  "no allowed treatment is possible" + (menu.left_out.empty() ? "" : ": " + menu.left_out.back()), slice_name(i),
                  "allow proof, replicate or trust");
  }
  return menu;
}

std::unexpected<Error> over_budget(const Menu& menu, double budget) {
  double weight = 0, worst = -1;
  std::size_t slice = 0;
  for (std::size_t i = 0; i < menu.plans.size(); ++i) {
    double least = 1;
    for (const SlicePlan& plan : menu.plans[i]) least = std::min(least, plan.failure);
    weight += risk_weight(least);
    if (least > worst) {
      worst = least;
      slice = i;
    }
  }
  return fail(ErrorKind::resource,
              "no choice of treatments keeps the residual risk within " + short_text(budget) + "; the least is " +
                  short_text(residual_of(weight)),
              slice_name(slice) + " leaves most, " + short_text(worst),
              "allow proof there, or stronger treatments, or a larger budget");
}

std::string e1_text(const Deterrence& d) {
  return "E1 with reward " + short_text(d.stakes.reward) + ", gain " + short_text(d.stakes.gain) + ", bond " +
         short_text(d.stakes.bond) +
         (std::isfinite(d.least_rate) ? " asks for rate " + short_text(d.least_rate) : " is met by no rate") +
         (std::isfinite(d.least_bond) ? "; at the rate taken, for bond " + short_text(d.least_bond)
                                      : "; at the rate taken, by no bond");
}

/// Totals and outputs of slices that have their figures.
void add_up(TrustPlan& plan, const PlanRequest& request) {
  std::vector<double> failures;
  double weight = 0;
  for (std::size_t i = 0; i < plan.slices.size(); ++i) {
    failures.push_back(plan.slices[i].failure);
    weight += risk_weight(failures[i]);
    plan.cost += plan.slices[i].cost;
    if (failures[i] > failures[plan.weakest]) plan.weakest = static_cast<std::uint32_t>(i);
  }
  plan.residual = residual_of(weight);
  plan.outputs = output_risks(failures, request.edges, request.outputs);
}

}  // namespace

SliceCost slice_cost(const slice::Cost& predicted, const NativeRate& rate) {
  const double native = rate.seconds_fixed + rate.seconds_per_mac * static_cast<double>(predicted.macs);
  return {native, native + predicted.prove_seconds};
}

Stakes stakes_of(const Money& m, double native, double detection) {
  return {.reward = m.reward_factor * native,
          .honest_cost = native,
          .cheat_cost = m.cheat_factor * native,
          .gain = m.gain,
          .bond = m.bond,
          .detection = detection,
          .false_alarm = m.false_alarm,
          .lucky_guess = m.lucky_guess,
          .reporter_share = m.reporter_share};
}

Result<TrustPlan> plan_trust(const PlanRequest& request) {
  DSPERSE_CHECK_OK(check_request(request));
  DSPERSE_CHECK_OK(check_budget(request));
  DSPERSE_TRY(Menu menu, make_menu(request));
  std::vector<std::vector<Option>> groups;
  for (const auto& plans : menu.plans) {
    auto& group = groups.emplace_back();
    for (const SlicePlan& plan : plans) group.push_back({risk_weight(plan.failure), plan.cost});
  }
  const auto chosen = choose_least_cost(groups, risk_weight(request.budget));
  if (!chosen) return over_budget(menu, request.budget);

  TrustPlan plan;
  for (std::size_t i = 0; i < groups.size(); ++i) plan.slices.push_back(std::move(menu.plans[i][chosen->option[i]]));
  add_up(plan, request);
  plan.exact = chosen->exact;
  plan.least_cost = std::min(chosen->bound, plan.cost);
  plan.left_out = std::move(menu.left_out);
  return plan;
}

Result<TrustPlan> price_treatments(const PlanRequest& request) {
  DSPERSE_CHECK_OK(check_request(request));
  TrustPlan plan;
  plan.chosen = false;
  for (std::size_t i = 0; i < request.slices.size(); ++i) {
    if (request.fixed.empty() || !request.fixed[i])
      return fail(ErrorKind::usage, "no treatment is given", slice_name(i), "only a plan chooses one");
    SlicePlan slice{.treatment = *request.fixed[i], .fixed = true};
    if (slice.treatment.audit) slice.deterrence = deterrence_of(*slice.treatment.audit, request, i);
    DSPERSE_TRY(slice, figures(std::move(slice), request, i));
    plan.slices.push_back(std::move(slice));
  }
  add_up(plan, request);
  plan.exact = true;
  plan.least_cost = plan.cost;
  return plan;
}

std::string to_text(const TrustPlan& plan) {
  std::string text;
  for (std::size_t i = 0; i < plan.slices.size(); ++i) {
    const SlicePlan& s = plan.slices[i];
    text += slice_name(i) + ": " + to_text(s.treatment) + (s.fixed && plan.chosen ? " (fixed)" : "") + ", cost " +
            short_text(s.cost) + ", wrong with " + short_text(s.failure) + "; assumed: " + s.assumed;
    if (s.deterrence) text += "; " + e1_text(*s.deterrence);
    text += "\n";
  }
  text += "total: cost " + short_text(plan.cost) + ", residual " + short_text(plan.residual) + ", weakest " +
          slice_name(plan.weakest);
  if (plan.chosen)
    text += plan.exact ? "; no allowed plan costs less" : "; no allowed plan costs less than " + short_text(plan.least_cost);
  text += "\n";
  for (const OutputRisk& o : plan.outputs) {
    text += "output of " + slice_name(o.slice) + ": residual " + short_text(o.residual) + ", weakest " + slice_name(o.weakest) +
            ", weakest path";
    for (const std::uint32_t s : o.path) text += " " + std::to_string(s);
    text += " (" + short_text(o.path_residual) + ")\n";
  }
  for (const std::string& line : plan.left_out) text += "left out: " + line + "\n";
  return text;
}

}  // namespace dsperse::trust
