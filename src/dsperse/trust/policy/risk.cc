#include "dsperse/trust/policy/risk.h"

#include <cmath>
#include <utility>

#include "dsperse/trust/policy/economics.h"
#include "dsperse/trust/treatment/number.h"

namespace dsperse::trust {
namespace {

Status share(const char* name, double x) {
  if (x >= 0 && x <= 1) return {};
  return fail(ErrorKind::usage, std::string(name) + " is " + short_text(x), {}, "it lies between 0 and 1");
}

Distinct kind_of(const Treatment& t) { return t.replicate ? t.replicate->distinct : Distinct::operators; }

double colluding(const Treatment& t, const Assumptions& a) {
  switch (kind_of(t)) {
    case Distinct::operators:
      return a.colluding_operators;
    case Distinct::regions:
      return a.colluding_regions;
    case Distinct::engines:
      return a.colluding_engines;
  }
  std::unreachable();
}

/// The probabilities that decide a treatment without proof.
struct Odds {
  double all_lie = 0, mismatch = 0, audited = 0, caught = 0;
};

Result<Odds> odds(const Treatment& t, const Assumptions& a, bool deterred) {
  DSPERSE_CHECK_OK(check(t));
  DSPERSE_CHECK_OK(check(a));
  Odds out;
  const double lying = colluding(t, a) * (t.audit && deterred ? a.irrational : 1);
  const std::uint32_t k = t.replicate ? t.replicate->k : 1;
  DSPERSE_TRY(out.all_lie, unanimous_collusion(lying, k));
  if (k > 1) {
    DSPERSE_TRY(out.mismatch, mismatch(lying, k));
  }
  if (t.audit) {
    out.audited = t.audit->p;
    out.caught = t.audit->p * (t.audit->by == AuditBy::proof ? 1 - std::exp2(-static_cast<double>(a.proof_bits)) : a.detection);
  }
  return out;
}

}  // namespace

Status check(const Assumptions& a) {
  DSPERSE_CHECK_OK(share("the colluding share of operators", a.colluding_operators));
  DSPERSE_CHECK_OK(share("the colluding share of regions", a.colluding_regions));
  DSPERSE_CHECK_OK(share("the colluding share of engines", a.colluding_engines));
  DSPERSE_CHECK_OK(share("the irrational share", a.irrational));
  DSPERSE_CHECK_OK(share("the detection eta", a.detection));
  if (a.proof_bits == 0 || a.proof_bits > 256)
    return fail(ErrorKind::usage, "proofs of " + std::to_string(a.proof_bits) + " bits", {},
                "they have 1 to 256, usually 100 or 128");
  return {};
}

Status check(const SliceCost& cost) {
  for (const double x : {cost.native, cost.proof})
    if (!(x >= 0 && std::isfinite(x)))
      return fail(ErrorKind::usage, "a slice costs " + short_text(x), {}, "a cost is a number not below 0");
  return {};
}

Result<double> failure(const Treatment& t, const Assumptions& a, bool deterred) {
  DSPERSE_TRY(const Odds o, odds(t, a, deterred));
  const double broken = std::exp2(-static_cast<double>(a.proof_bits));
  return t.proof ? broken : o.all_lie * (1 - o.caught) + o.mismatch * broken;
}

Result<double> expected_cost(const Treatment& t, const SliceCost& cost, const Assumptions& a, bool deterred) {
  DSPERSE_TRY(const Odds o, odds(t, a, deterred));
  DSPERSE_CHECK_OK(check(cost));
  if (t.proof) return cost.proof;
  const double audit = t.audit && t.audit->by == AuditBy::proof ? cost.proof : cost.native;
  return (t.replicate ? t.replicate->k : 1) * cost.native + o.mismatch * cost.proof + o.audited * (1 - o.mismatch) * audit;
}

std::string assumed(const Treatment& t, const Assumptions& a, bool deterred) {
  if (t.proof) return "proofs of " + std::to_string(a.proof_bits) + " bits hold";
  std::string text = "share " + short_text(colluding(t, a)) + " of " + std::string(to_text(kind_of(t))) + "s " +
                     (t.replicate ? "colludes" : "lies");
  if (t.audit) text += deterred ? "; E1 holds, " + short_text(a.irrational) + " of them irrational" : "; E1 does not hold";
  return text;
}

}  // namespace dsperse::trust
