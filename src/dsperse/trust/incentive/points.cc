#include "dsperse/trust/incentive/points.h"

#include <algorithm>

namespace dsperse::trust::incentive {
namespace {

using Payouts = std::vector<Payout>;
using Accounts = std::map<Digest, std::uint64_t>;

std::unexpected<Error> refuse(std::string what, const Digest& about) {
  return fail(ErrorKind::usage, std::move(what), "points > " + to_hex(about));
}

std::uint64_t units(const Accounts& accounts, const Digest& who) {
  const auto at = accounts.find(who);
  return at == accounts.end() ? 0 : at->second;
}

// No sum overflows: all units together are `minted`, which Mint keeps within 64 bits.
void put(Accounts& accounts, const Digest& who, std::uint64_t amount) {
  if (amount > 0) accounts[who] += amount;
}

/// The caller has checked that the account holds the amount.
void take(Accounts& accounts, const Digest& who, std::uint64_t amount) {
  const auto at = accounts.find(who);
  if (at == accounts.end()) return;
  at->second -= amount;
  if (at->second == 0) accounts.erase(at);
}

Result<Escrow*> open_escrow(Points& p, const Digest& receipt) {
  const auto at = p.escrows.find(receipt);
  if (at == p.escrows.end()) return refuse("nothing is locked for the receipt", receipt);
  if (at->second.status != EscrowStatus::open) return refuse("the receipt is settled", receipt);
  return &at->second;
}

/// Part rho of the amount, rounded down.
std::uint64_t shared(const Points& p, std::uint64_t amount) {
  return static_cast<std::uint64_t>(static_cast<unsigned __int128>(amount) * p.share.num / p.share.den);
}

void pay(Points& p, Payouts& out, const Payout& payout) {
  if (payout.amount == 0) return;
  put(p.balances, payout.to, payout.amount);
  out.push_back(payout);
}

void settle(Points& p, Escrow& e, EscrowStatus status) {
  e.status = status;
  take(p.open_receipts, e.worker, 1);
}

/// The stake goes back to its challenger.
void end_challenge(Points& p, Payouts& out, const Digest& receipt, Escrow& e) {
  if (e.challenged) pay(p, out, {receipt, e.challenger, e.stake, PayoutKind::stake_back});
  e.challenged = false;
  e.stake = 0;
}

Result<Payouts> on(Points& p, const Mint& e) {
  if (p.minted + e.amount < p.minted) return refuse("more units than 64 bits hold", e.account);
  p.minted += e.amount;
  put(p.balances, e.account, e.amount);
  return Payouts{};
}

Result<Payouts> on(Points& p, const Bond& e) {
  if (units(p.balances, e.worker) < e.amount) return refuse("the balance is too small", e.worker);
  take(p.balances, e.worker, e.amount);
  put(p.bonds, e.worker, e.amount);
  return Payouts{};
}

Result<Payouts> on(Points& p, const Unbond& e) {
  if (units(p.open_receipts, e.worker) > 0) return refuse("the bond answers for open receipts", e.worker);
  if (units(p.bonds, e.worker) < e.amount) return refuse("the bond is too small", e.worker);
  take(p.bonds, e.worker, e.amount);
  put(p.balances, e.worker, e.amount);
  return Payouts{};
}

Result<Payouts> on(Points& p, const Lock& e) {
  if (p.escrows.contains(e.receipt)) return refuse("the receipt is already locked", e.receipt);
  if (units(p.balances, e.payer) < e.amount) return refuse("the balance is too small", e.payer);
  take(p.balances, e.payer, e.amount);
  Escrow escrow;
  escrow.payer = e.payer;
  escrow.worker = e.worker;
  escrow.amount = e.amount;
  escrow.window_end_ms = e.window_end_ms;
  p.escrows.emplace(e.receipt, escrow);
  put(p.open_receipts, e.worker, 1);
  return Payouts{};
}

Result<Payouts> on(Points& p, const Drawn& e) {
  DSPERSE_TRY(Escrow * escrow, open_escrow(p, e.receipt));
  if (escrow->audit != AuditState::undrawn) return refuse("the receipt is already drawn", e.receipt);
  escrow->audit = e.audited ? AuditState::drawn : AuditState::clear;
  return Payouts{};
}

Result<Payouts> on(Points& p, const AuditPassed& e) {
  DSPERSE_TRY(Escrow * escrow, open_escrow(p, e.receipt));
  if (escrow->audit != AuditState::drawn) return refuse("no audit is awaited", e.receipt);
  escrow->audit = AuditState::clear;
  return Payouts{};
}

Result<Payouts> on(Points& p, const Challenged& e) {
  DSPERSE_TRY(Escrow * escrow, open_escrow(p, e.receipt));
  if (escrow->challenged) return refuse("a challenge is already open", e.receipt);
  if (e.challenger == escrow->worker) return refuse("a worker can't challenge itself", e.receipt);
  if (units(p.balances, e.challenger) < e.stake) return refuse("the balance is too small", e.challenger);
  take(p.balances, e.challenger, e.stake);
  escrow->challenged = true;
  escrow->challenger = e.challenger;
  escrow->stake = e.stake;
  return Payouts{};
}

Result<Payouts> on(Points& p, const Dismissed& e) {
  DSPERSE_TRY(Escrow * escrow, open_escrow(p, e.receipt));
  if (!escrow->challenged) return refuse("no challenge is open", e.receipt);
  const std::uint64_t share = shared(p, escrow->stake);
  p.burned += escrow->stake - share;
  escrow->stake = 0;
  escrow->challenged = false;
  Payouts out;
  pay(p, out, {e.receipt, escrow->worker, share, PayoutKind::share});
  return out;
}

Result<Payouts> on(Points& p, const Release& e) {
  DSPERSE_TRY(Escrow * escrow, open_escrow(p, e.receipt));
  if (escrow->audit == AuditState::undrawn) return refuse("the lottery is not drawn", e.receipt);
  if (escrow->audit == AuditState::drawn) return refuse("the audit is not done", e.receipt);
  if (escrow->challenged) return refuse("a challenge is open", e.receipt);
  if (e.now_ms < escrow->window_end_ms) return refuse("the window is open", e.receipt);
  settle(p, *escrow, EscrowStatus::paid);
  Payouts out;
  pay(p, out, {e.receipt, escrow->worker, escrow->amount, PayoutKind::wage});
  return out;
}

Result<Payouts> on(Points& p, const Refund& e) {
  DSPERSE_TRY(Escrow * escrow, open_escrow(p, e.receipt));
  settle(p, *escrow, EscrowStatus::refunded);
  Payouts out;
  end_challenge(p, out, e.receipt, *escrow);
  pay(p, out, {e.receipt, escrow->payer, escrow->amount, PayoutKind::refund});
  return out;
}

Result<Payouts> on(Points& p, const Slash& e) {
  DSPERSE_TRY(Escrow * escrow, open_escrow(p, e.receipt));
  if (e.reporter == escrow->worker) return refuse("a worker can't report itself", e.receipt);
  if (escrow->challenged && e.reporter != escrow->challenger) return refuse("the challenger is the reporter", e.receipt);
  const std::uint64_t taken = std::min(e.amount, units(p.bonds, escrow->worker));
  const std::uint64_t share = e.reporter == Digest{} ? 0 : shared(p, taken);
  take(p.bonds, escrow->worker, taken);
  p.burned += taken - share;
  settle(p, *escrow, EscrowStatus::slashed);
  Payouts out;
  end_challenge(p, out, e.receipt, *escrow);
  pay(p, out, {e.receipt, e.reporter, share, PayoutKind::share});
  pay(p, out, {e.receipt, escrow->payer, escrow->amount, PayoutKind::refund});
  return out;
}

}  // namespace

Result<Points> begin_points(Share share) {
  if (share.den == 0 || std::uint64_t{share.num} * 2 > share.den)
    return fail(ErrorKind::usage, "a reporter's share is at most 1/2", "points",
                "a larger one lets a worker report itself at a profit");
  Points p;
  p.share = share;
  return p;
}

Result<Payouts> step(Points& points, const MoneyEvent& event) {
  return std::visit([&](const auto& e) { return on(points, e); }, event);
}

Totals totals_of(const Points& p) {
  Totals t;
  t.minted = p.minted;
  t.burned = p.burned;
  for (const auto& [who, n] : p.balances) t.balances += n;
  for (const auto& [who, n] : p.bonds) t.bonds += n;
  for (const auto& [receipt, e] : p.escrows) {
    if (e.status == EscrowStatus::open) t.escrow += e.amount;
    t.stakes += e.stake;
  }
  return t;
}

}  // namespace dsperse::trust::incentive
