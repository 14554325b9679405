// The points ledger behind the escrow contract: a state and the append-only history it is recomputed from.
//
// Not here: the rules (points.h), persistence and signatures (the caller keeps the bytes and signs head()).
// Source: docs/trust/machines.md. Tested by trust/incentive/points_contract_test.cc.
#pragma once

#include "dsperse/trust/incentive/history.h"
#include "dsperse/trust/incentive/points.h"

namespace dsperse::trust::incentive {

template <class F>
void fields(Mint& e, F& f) {
  f(e.account), f(e.amount);
}
template <class F>
void fields(Bond& e, F& f) {
  f(e.worker), f(e.amount);
}
template <class F>
void fields(Unbond& e, F& f) {
  f(e.worker), f(e.amount);
}
template <class F>
void fields(Lock& e, F& f) {
  f(e.receipt), f(e.payer), f(e.worker), f(e.amount), f(e.window_end_ms);
}
template <class F>
void fields(Drawn& e, F& f) {
  f(e.receipt), f(e.audited);
}
template <class F>
void fields(AuditPassed& e, F& f) {
  f(e.receipt);
}
template <class F>
void fields(Challenged& e, F& f) {
  f(e.receipt), f(e.challenger), f(e.stake);
}
template <class F>
void fields(Dismissed& e, F& f) {
  f(e.receipt);
}
template <class F>
void fields(Release& e, F& f) {
  f(e.receipt), f(e.now_ms);
}
template <class F>
void fields(Refund& e, F& f) {
  f(e.receipt);
}
template <class F>
void fields(Slash& e, F& f) {
  f(e.receipt), f(e.reporter), f(e.verdict), f(e.amount);
}

class PointsContract : public EscrowContract {
 public:
  /// Errors (usage): see begin_points().
  [[nodiscard]] static Result<PointsContract> open(Share share);

  [[nodiscard]] Result<std::vector<Payout>> submit(const MoneyEvent& event) override;
  [[nodiscard]] std::uint64_t balance(const Digest& account) const override;
  [[nodiscard]] std::uint64_t bond(const Digest& worker) const override;
  [[nodiscard]] std::optional<EscrowStatus> status(const Digest& receipt) const override;
  [[nodiscard]] Totals totals() const override { return totals_of(points_); }

  [[nodiscard]] const Points& state() const { return points_; }
  /// Names the whole history: equal heads, equal states.
  [[nodiscard]] const Digest& head() const { return history_.head(); }
  [[nodiscard]] const History<MoneyEvent>& history() const { return history_; }

  /// Share, history and head. decode() replays it. Errors (bad_input): other bytes, an event that is refused, another head.
  [[nodiscard]] Bytes encode() const;
  [[nodiscard]] static Result<PointsContract> decode(ByteView bytes);

 private:
  explicit PointsContract(Points points) : points_(std::move(points)) {}
  Points points_;
  History<MoneyEvent> history_;
};

}  // namespace dsperse::trust::incentive
