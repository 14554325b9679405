// The equations of audits and replication: E1 to E4, sampling, replication.
//
// Per job, in any one unit of money: reward R, honest cost c, cheating cost c', gain G of a wrong result that is accepted, bond
// S, audit rate p, detection eta of an audit, its false alarms eps, lucky guess q, share rho of the bond that goes to the
// reporter. Every function checks its domain: an impossible input is an error (usage) that names the number. Pure arithmetic;
// what a composed treatment leaves and costs is in risk.h. Source: docs/trust/economics.md. Tested by policy/economics_test.cc
// and policy/simulation_test.cc.
#pragma once

#include <cstdint>
#include <optional>

#include "dsperse/base/result.h"

namespace dsperse::trust {

/// What is at stake in one job.
struct Stakes {
  double reward = 0;          ///< R >= 0
  double honest_cost = 0;     ///< c >= 0
  double cheat_cost = 0;      ///< c', 0 to c
  double gain = 0;            ///< G >= 0
  double bond = 0;            ///< S >= 0
  double detection = 1;       ///< eta, above 0 to 1: 1 for exact re-execution and for a proof
  double false_alarm = 0;     ///< eps, 0 to 1: 0 for integers
  double lucky_guess = 0;     ///< q, 0 to below 1
  double reporter_share = 0;  ///< rho, 0 to 0.5: a cheat that reports itself gets this back, so the bond counts (1 - rho) S
};

[[nodiscard]] Status check(const Stakes& stakes);

/// E1: the least audit rate at which cheating does not pay,
/// p = [(c - c') + (1-q) G] / {(1-q) [eta (R + G + S) - eps (R + S)]}. 0 if cheating gains nothing.
/// Errors (usage): no rate up to 1 deters; the hint says which bond would, or that none does.
[[nodiscard]] Result<double> least_audit_rate(const Stakes& stakes);
/// E1 solved for S: the least bond at which audit rate p (above 0, to 1) deters; stakes.bond is not used.
/// Errors (usage): no bond does, because audits alarm as often at honest work as at wrong work.
[[nodiscard]] Result<double> least_bond(const Stakes& stakes, double p);
/// What cheating gains over honest work, expected per job at audit rate p; E1 says that it is not above 0.
[[nodiscard]] Result<double> cheating_surplus(const Stakes& stakes, double p);

/// E2, a lazy worker with exact checks and no outside gain: c/(R+S). Errors as E1.
[[nodiscard]] Result<double> least_audit_rate_lazy(double reward, double honest_cost, double bond);
/// E3, without money: S + min(V, J) with V the income lost while excluded, J the cost of a fresh identity.
[[nodiscard]] Result<double> effective_bond(double bond, double lost_income, double identity_cost);
/// E4: the least rate of canaries at which checking (cost v) is best for an auditor with reward J for a catch and fine F for
/// passing a canary: v/(J+F). Errors (usage): above 1; the hint says which fine would do.
[[nodiscard]] Result<double> least_canary_rate(double check_cost, double catch_reward, double fine);

/// Consecutive good results before a worker is audited instead of replicated.
inline constexpr std::uint32_t kLeastRecord = 10;
/// max(p_min, 1/record), or nothing below kLeastRecord: replicate.
[[nodiscard]] Result<std::optional<double>> audit_rate_for(double p_min, std::uint32_t record);

/// k of many units drawn, share f of them bad: none of the bad is drawn with at most (1-f)^k.
[[nodiscard]] Result<double> sampling_bound(double bad_share, std::uint32_t k);
/// Exactly, k of n units without replacement, `bad` of them bad: C(n-bad, k)/C(n, k), never above the bound. Cost k.
[[nodiscard]] Result<double> sampling_miss(std::uint32_t n, std::uint32_t bad, std::uint32_t k);
/// The fewest draws k with (1-f)^k <= miss. f above 0, miss above 0 and below 1.
[[nodiscard]] Result<std::uint32_t> draws_for(double bad_share, double miss);

/// All k replicas collude: r^k.
[[nodiscard]] Result<double> unanimous_collusion(double share, std::uint32_t k);
/// More than half of k collude: sum over j > k/2 of C(k,j) r^j (1-r)^(k-j). k up to kMostReplicas (treatment.h).
[[nodiscard]] Result<double> majority_collusion(double share, std::uint32_t k);
/// Some but not all of k collude: 1 - r^k - (1-r)^k.
[[nodiscard]] Result<double> mismatch(double share, std::uint32_t k);

}  // namespace dsperse::trust
