// What any money must offer: deposits, bonds, escrow per receipt, release, refund, slash. No chain is claimed; points pass the
// tests.
//
// Amounts are integers of the smallest unit. Payment for a receipt is locked before the result counts and leaves escrow once: to
// the worker when the lottery is drawn, the audit (if any) passed, no challenge is open and the window is closed; else back to
// the payer. A slash takes from the worker's bond: share rho <= 1/2 to the reporter, the rest is burned, so that a worker that
// reports itself still loses. Not here: who decides (trust/dispute, trust/lottery): events carry decisions, their caller checks
// signatures. Source: docs/trust/machines.md. Tested by trust/incentive/testing/escrow_contract.h, which each implementation must
// pass.
#pragma once

#include <optional>
#include <variant>
#include <vector>

#include "dsperse/base/bytes.h"
#include "dsperse/base/result.h"

namespace dsperse::trust::incentive {

/// New units for an account.
struct Mint {
  Digest account{};
  std::uint64_t amount = 0;
};
/// From a worker's balance into its bond, and back; back only while no receipt of the worker is open.
struct Bond {
  Digest worker{};
  std::uint64_t amount = 0;
};
struct Unbond {
  Digest worker{};
  std::uint64_t amount = 0;
};
/// From the payer's balance into escrow for this receipt.
struct Lock {
  Digest receipt{}, payer{}, worker{};
  std::uint64_t amount = 0, window_end_ms = 0;
};
/// The lottery is drawn for this receipt.
struct Drawn {
  Digest receipt{};
  bool audited = false;
};
struct AuditPassed {
  Digest receipt{};
};
/// Somebody disputes the result and stakes on it.
struct Challenged {
  Digest receipt{}, challenger{};
  std::uint64_t stake = 0;
};
/// The challenger lost: share rho of its stake to the worker, the rest is burned.
struct Dismissed {
  Digest receipt{};
};
struct Release {
  Digest receipt{};
  std::uint64_t now_ms = 0;
};
/// No result, nobody's fault or only late: back to the payer, and a challenger's stake back to it.
struct Refund {
  Digest receipt{};
};
/// The worker was wrong: up to `amount` of its bond is taken, the escrow goes back to the payer, an open challenge's stake back
/// to the challenger. reporter: gets the share; never the worker, and the challenger if there is one; zero: nobody, all is
/// burned. verdict: digest of the verdict.
struct Slash {
  Digest receipt{}, reporter{}, verdict{};
  std::uint64_t amount = 0;
};
using MoneyEvent = std::variant<Mint, Bond, Unbond, Lock, Drawn, AuditPassed, Challenged, Dismissed, Release, Refund, Slash>;

enum class PayoutKind : std::uint8_t { wage, refund, stake_back, share };
/// Units that became somebody's balance, and the receipt they are for.
struct Payout {
  Digest receipt{}, to{};
  std::uint64_t amount = 0;
  PayoutKind kind = PayoutKind::wage;
  friend bool operator==(const Payout&, const Payout&) = default;
};

enum class EscrowStatus : std::uint8_t { open, paid, refunded, slashed };

/// balances + bonds + escrow + stakes + burned = minted, always.
struct Totals {
  std::uint64_t minted = 0, balances = 0, bonds = 0, escrow = 0, stakes = 0, burned = 0;
  friend bool operator==(const Totals&, const Totals&) = default;
};

class EscrowContract {
 public:
  virtual ~EscrowContract() = default;
  /// All of the event or, with an error, nothing. Payouts of zero units are not listed.
  [[nodiscard]] virtual Result<std::vector<Payout>> submit(const MoneyEvent& event) = 0;
  [[nodiscard]] virtual std::uint64_t balance(const Digest& account) const = 0;
  [[nodiscard]] virtual std::uint64_t bond(const Digest& worker) const = 0;
  /// Nothing for a receipt that was never locked.
  [[nodiscard]] virtual std::optional<EscrowStatus> status(const Digest& receipt) const = 0;
  [[nodiscard]] virtual Totals totals() const = 0;
};

}  // namespace dsperse::trust::incentive
