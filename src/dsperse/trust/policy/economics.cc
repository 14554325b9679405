#include "dsperse/trust/policy/economics.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "dsperse/trust/treatment/number.h"
#include "dsperse/trust/treatment/treatment.h"

namespace dsperse::trust {
namespace {

/// Quotients may miss their exact value by a few units in the last place: 1 within this is 1.
constexpr double kRounding = 1e-12;

Status in_range(const char* name, double x, double low, double high) {
  if (x >= low && x <= high && std::isfinite(x)) return {};
  return fail(ErrorKind::usage, std::string(name) + " is " + short_text(x), {},
              std::isfinite(high) ? "it lies between " + short_text(low) + " and " + short_text(high)
                                  : "it is a number not below " + short_text(low));
}

Status not_negative(const char* name, double x) { return in_range(name, x, 0, HUGE_VAL); }

Status positive_rate(double p) {
  if (p > 0 && p <= 1) return {};
  return fail(ErrorKind::usage, "the audit rate p is " + short_text(p), {}, "it lies above 0 and up to 1");
}

Status at_least_one(const char* name, std::uint32_t k) {
  if (k > 0) return {};
  return fail(ErrorKind::usage, std::string(name) + " is 0", {}, "it is at least 1");
}

double bond_that_counts(const Stakes& s) { return (1 - s.reporter_share) * s.bond; }
/// E1's numerator: what a cheat gains while nobody looks.
double temptation(const Stakes& s) { return (s.honest_cost - s.cheat_cost) + (1 - s.lucky_guess) * s.gain; }
/// E1's denominator: what an audit takes from a cheat beyond what it takes from an honest worker.
double punishment(const Stakes& s) {
  const double bond = bond_that_counts(s);
  return (1 - s.lucky_guess) * (s.detection * (s.reward + s.gain + bond) - s.false_alarm * (s.reward + bond));
}

}  // namespace

Status check(const Stakes& s) {
  DSPERSE_CHECK_OK(not_negative("the reward R", s.reward));
  DSPERSE_CHECK_OK(not_negative("the honest cost c", s.honest_cost));
  DSPERSE_CHECK_OK(in_range("the cheating cost c'", s.cheat_cost, 0, s.honest_cost));
  DSPERSE_CHECK_OK(not_negative("the gain G", s.gain));
  DSPERSE_CHECK_OK(not_negative("the bond S", s.bond));
  DSPERSE_CHECK_OK(in_range("the detection eta", s.detection, 0, 1));
  if (s.detection == 0) return fail(ErrorKind::usage, "the detection eta is 0", {}, "an audit that finds nothing deters nobody");
  DSPERSE_CHECK_OK(in_range("the false alarm rate eps", s.false_alarm, 0, 1));
  DSPERSE_CHECK_OK(in_range("the lucky guess q", s.lucky_guess, 0, 1));
  if (s.lucky_guess == 1)
    return fail(ErrorKind::usage, "the lucky guess q is 1", {}, "whoever always guesses right is never wrong");
  return in_range("the reporter share rho", s.reporter_share, 0, 0.5);
}

Result<double> least_audit_rate(const Stakes& s) {
  DSPERSE_CHECK_OK(check(s));
  const double gains = temptation(s);
  if (gains == 0) return 0;
  const double takes = punishment(s);
  const double p = takes > 0 ? gains / takes : HUGE_VAL;
  if (p <= 1) return p;
  if (p <= 1 + kRounding) return 1;
  const auto bond = least_bond(s, 1);
  return fail(
      ErrorKind::usage,
      "no audit rate deters: cheating gains " + short_text(gains) + ", an audit takes " + short_text(std::max(0.0, takes)), {},
      bond ? "a bond of " + short_text(*bond) + " deters when every result is audited" : bond.error().what);
}

Result<double> least_bond(const Stakes& s, double p) {
  DSPERSE_CHECK_OK(check(s));
  DSPERSE_CHECK_OK(positive_rate(p));
  const double kept = 1 - s.lucky_guess;
  const double needed = temptation(s) / (p * kept) - s.detection * (s.reward + s.gain) + s.false_alarm * s.reward;
  if (needed <= 0) return 0;
  if (s.detection <= s.false_alarm)
    return fail(ErrorKind::usage, "no bond deters: audits alarm as often at honest work as at wrong work", {},
                "check exactly, by re-execution in integers or by proof");
  return needed / (s.detection - s.false_alarm) / (1 - s.reporter_share);
}

Result<double> cheating_surplus(const Stakes& s, double p) {
  DSPERSE_CHECK_OK(check(s));
  DSPERSE_CHECK_OK(in_range("the audit rate p", p, 0, 1));
  return temptation(s) - p * punishment(s);
}

Result<double> least_audit_rate_lazy(double reward, double honest_cost, double bond) {
  return least_audit_rate({.reward = reward, .honest_cost = honest_cost, .bond = bond});
}

Result<double> effective_bond(double bond, double lost_income, double identity_cost) {
  DSPERSE_CHECK_OK(not_negative("the bond S", bond));
  DSPERSE_CHECK_OK(not_negative("the lost income V", lost_income));
  DSPERSE_CHECK_OK(not_negative("the cost of an identity J", identity_cost));
  return bond + std::min(lost_income, identity_cost);
}

Result<double> least_canary_rate(double check_cost, double catch_reward, double fine) {
  DSPERSE_CHECK_OK(not_negative("the checking cost v", check_cost));
  DSPERSE_CHECK_OK(not_negative("the reward for a catch J", catch_reward));
  DSPERSE_CHECK_OK(not_negative("the fine F", fine));
  if (check_cost == 0) return 0;
  if (check_cost > (catch_reward + fine) * (1 + kRounding))
    return fail(ErrorKind::usage, "no rate of canaries makes checking worth its cost of " + short_text(check_cost), {},
                "a fine of " + short_text(check_cost - catch_reward) + " does when every job is a canary");
  return std::min(1.0, check_cost / (catch_reward + fine));
}

Result<std::optional<double>> audit_rate_for(double p_min, std::uint32_t record) {
  DSPERSE_CHECK_OK(in_range("the least audit rate", p_min, 0, 1));
  if (record < kLeastRecord) return std::nullopt;
  return std::max(p_min, 1.0 / record);
}

Result<double> sampling_bound(double bad_share, std::uint32_t k) {
  DSPERSE_CHECK_OK(in_range("the bad share f", bad_share, 0, 1));
  return std::pow(1 - bad_share, k);
}

Result<double> sampling_miss(std::uint32_t n, std::uint32_t bad, std::uint32_t k) {
  DSPERSE_CHECK_OK(at_least_one("the number of units", n));
  if (bad > n || k > n)
    return fail(ErrorKind::usage,
                "of " + std::to_string(n) + " units " + std::to_string(std::max(bad, k)) + " can't be bad or drawn", {},
                "at most all");
  double miss = 1;
  for (std::uint32_t i = 0; i < k && miss > 0; ++i)
    miss *= bad >= n - i ? 0 : static_cast<double>(n - bad - i) / static_cast<double>(n - i);
  return miss;
}

Result<std::uint32_t> draws_for(double bad_share, double miss) {
  DSPERSE_CHECK_OK(in_range("the bad share f", bad_share, 0, 1));
  if (bad_share == 0 || !(miss > 0 && miss < 1))
    return fail(
        ErrorKind::usage,
        "no number of draws is defined for a bad share of " + short_text(bad_share) + " and a miss of " + short_text(miss), {},
        "the share is above 0, the miss between 0 and 1");
  if (bad_share == 1) return 1;
  const double k = std::ceil(std::log(miss) / std::log1p(-bad_share) * (1 - kRounding));
  if (k > 4e9)
    return fail(ErrorKind::usage, "more than 4e9 draws are needed", {}, "a bad share this small is not found by sampling");
  return static_cast<std::uint32_t>(std::max(1.0, k));
}

Result<double> unanimous_collusion(double share, std::uint32_t k) {
  DSPERSE_CHECK_OK(in_range("the colluding share r", share, 0, 1));
  DSPERSE_CHECK_OK(at_least_one("the number of replicas k", k));
  return std::pow(share, k);
}

Result<double> majority_collusion(double share, std::uint32_t k) {
  DSPERSE_CHECK_OK(in_range("the colluding share r", share, 0, 1));
  DSPERSE_CHECK_OK(at_least_one("the number of replicas k", k));
  if (k > kMostReplicas)
    return fail(ErrorKind::usage, "the number of replicas k is " + std::to_string(k), {},
                "it is at most " + std::to_string(kMostReplicas));
  double sum = 0, ways = 1;  // ways = C(k, j)
  for (std::uint32_t j = 0; j <= k; ++j) {
    if (2 * j > k) sum += ways * std::pow(share, j) * std::pow(1 - share, k - j);
    ways = ways * (k - j) / (j + 1);
  }
  return std::min(1.0, sum);
}

Result<double> mismatch(double share, std::uint32_t k) {
  DSPERSE_TRY(const double all, unanimous_collusion(share, k));
  return std::max(0.0, 1 - all - std::pow(1 - share, k));
}

}  // namespace dsperse::trust
