// Incentives without money: strikes exclude for a time, and what an exclusion costs stands in for a bond.
//
// E3: without a bond the loss that deters is min(V, J): V the income lost while excluded, J what a fresh identity costs (waiting
// included). The state is the list of strikes; exclusion is a function of it and of the time. A pardon takes a strike back, as if
// it had never been. Not here: confidence CV (trust/audit), the audit probability that follows (trust/policy). Source:
// docs/trust/machines.md. Tested by trust/incentive/reputation_test.cc.
#pragma once

#include <limits>
#include <map>

#include "dsperse/base/result.h"
#include "dsperse/trust/incentive/history.h"

namespace dsperse::trust::incentive {

inline constexpr std::uint64_t kForEver = std::numeric_limits<std::uint64_t>::max();

struct ReputationRules {
  std::uint64_t correctness_ms = kForEver;  ///< exclusion after each correctness strike
  std::uint64_t commitment_ms = kForEver;   ///< after each commitment strike
  std::uint64_t liveness_limit = 5;         ///< this many liveness strikes within liveness_window_ms exclude ...
  std::uint64_t liveness_window_ms = 3600000;
  std::uint64_t liveness_ms = 3600000;  ///< ... for this long after the last of them
  friend bool operator==(const ReputationRules&, const ReputationRules&) = default;
};

struct Blame {
  Digest worker{}, job{};
  StrikeKind kind = StrikeKind::liveness;
  std::uint64_t at_ms = 0;
};
/// Takes back the correctness strike of this job.
struct Acquit {
  Digest worker{}, job{};
};
using ReputationEvent = std::variant<Blame, Acquit>;

template <class F>
void fields(Blame& e, F& f) {
  f(e.worker), f(e.job), f(e.kind), f(e.at_ms);
}
template <class F>
void fields(Acquit& e, F& f) {
  f(e.worker), f(e.job);
}

struct Mark {
  Digest job{};
  StrikeKind kind = StrikeKind::liveness;
  std::uint64_t at_ms = 0;
  friend bool operator==(const Mark&, const Mark&) = default;
};

class Reputation {
 public:
  explicit Reputation(const ReputationRules& rules) : rules_(rules) {}

  /// Errors (usage), nothing changes: the same strike twice for one job, time that runs backwards, no such strike to take back.
  [[nodiscard]] Status submit(const ReputationEvent& event);
  /// First time at which the worker may get jobs again, as seen from all strikes: 0 if it never was excluded, kForEver if never.
  [[nodiscard]] std::uint64_t excluded_until_ms(const Digest& worker) const;
  [[nodiscard]] bool excluded(const Digest& worker, std::uint64_t now_ms) const;
  /// Strikes that stand, in order.
  [[nodiscard]] const std::vector<Mark>& marks(const Digest& worker) const;

  [[nodiscard]] const History<ReputationEvent>& history() const { return history_; }
  /// Rules and history; decode() recomputes the state from them. Errors (bad_input): other bytes, an event that submit() refuses.
  [[nodiscard]] Bytes encode() const;
  [[nodiscard]] static Result<Reputation> decode(ByteView bytes);

 private:
  [[nodiscard]] Status on(const Blame& e);
  [[nodiscard]] Status on(const Acquit& e);
  ReputationRules rules_;
  std::map<Digest, std::vector<Mark>> marks_;
  std::uint64_t last_ms_ = 0;
  History<ReputationEvent> history_;
};

/// E3's stand-in for a bond after a correctness strike: min(income_per_hour * hours excluded, fresh_identity_cost), in units of
/// income; rounded down, since a deterrent must not be overstated.
[[nodiscard]] std::uint64_t implied_bond(const ReputationRules& rules, std::uint64_t income_per_hour,
                                         std::uint64_t fresh_identity_cost);

}  // namespace dsperse::trust::incentive
