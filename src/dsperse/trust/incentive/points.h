// Points: integer balances as a pure state machine; the simplest money that keeps the escrow contract.
//
// open receipt: undrawn --Drawn(false)--> clear; --Drawn(true)--> drawn --AuditPassed--> clear; Release needs clear, no
// challenge, a closed window. Not here: the history and the contract's interface (points_contract.h). Source:
// docs/trust/machines.md. Tested by trust/incentive/points_test.cc.
#pragma once

#include <map>

#include "dsperse/trust/incentive/escrow_contract.h"

namespace dsperse::trust::incentive {

/// rho = num / den of a slash to the reporter.
struct Share {
  std::uint32_t num = 1, den = 2;
  friend bool operator==(const Share&, const Share&) = default;
};

enum class AuditState : std::uint8_t { undrawn, drawn, clear };

struct Escrow {
  Digest payer{}, worker{};
  std::uint64_t amount = 0, window_end_ms = 0;
  EscrowStatus status = EscrowStatus::open;
  AuditState audit = AuditState::undrawn;
  bool challenged = false;
  Digest challenger{};
  std::uint64_t stake = 0;
  friend bool operator==(const Escrow&, const Escrow&) = default;
};

/// Accounts with zero units are not listed, so that equal states are equal values.
struct Points {
  Share share;
  std::map<Digest, std::uint64_t> balances, bonds;
  std::map<Digest, Escrow> escrows;               ///< by receipt, settled ones too: a receipt is paid for once
  std::map<Digest, std::uint64_t> open_receipts;  ///< by worker
  std::uint64_t minted = 0, burned = 0;
  friend bool operator==(const Points&, const Points&) = default;
};

/// Errors (usage): rho above 1/2 or without denominator.
[[nodiscard]] Result<Points> begin_points(Share share);
/// Steps, or says why the event is impossible here and leaves the state unchanged.
[[nodiscard]] Result<std::vector<Payout>> step(Points& points, const MoneyEvent& event);
/// Sums over all accounts. Cost: linear in accounts and receipts.
Totals totals_of(const Points& points);

}  // namespace dsperse::trust::incentive
