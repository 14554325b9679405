#include "dsperse/work/coordinator/standings.h"

#include <algorithm>

#include "dsperse/crypto/hash/hash.h"

namespace dsperse::work {

using namespace trust::incentive;

namespace {

const char* word(trust::StrikeKind kind) {
  switch (kind) {
    case trust::StrikeKind::liveness:
      return "liveness";
    case trust::StrikeKind::commitment:
      return "commitment";
    case trust::StrikeKind::correctness:
      return "correctness";
  }
  return "";
}

const char* word(PayoutKind kind) {
  switch (kind) {
    case PayoutKind::wage:
      return "wage";
    case PayoutKind::refund:
      return "refund";
    case PayoutKind::stake_back:
      return "stake";
    case PayoutKind::share:
      return "share";
  }
  return "";
}

std::uint64_t unsigned_ms(TimeMs t) { return static_cast<std::uint64_t>(std::max<TimeMs>(t, 0)); }

}  // namespace

Digest payer_account() { return crypto::hash_tagged("dsperse payer of runs v1", {}); }

TimeMs Keeper::now(TimeMs clock) { return s_.last_ms = std::max(s_.last_ms, clock); }

Status Keeper::enroll(const engine::NodeProfile& profile) {
  if (s_.engines.contains(profile.key)) return {};
  DSPERSE_CHECK_OK(step(s_.book, trust::audit::Enrol{{profile.key, profile.engine}, unsigned_ms(s_.last_ms)}));
  s_.engines.emplace(profile.key, profile.engine);
  return {};
}

bool Keeper::excluded(const Digest& worker) const { return s_.reputation.excluded(worker, unsigned_ms(s_.last_ms)); }

trust::audit::Decision Keeper::decide(const Digest& worker, trust::Probability p_min) const {
  const auto engine = s_.engines.find(worker);
  if (engine == s_.engines.end()) return {};
  return trust::audit::decide(s_.book, {worker, engine->second}, {p_min, unsigned_ms(settings_.wait_ms), 10},
                              unsigned_ms(s_.last_ms));
}

Status Keeper::strike(const trust::Strike& strike) {
  const auto& marks = s_.reputation.marks(strike.worker);
  if (std::ranges::any_of(marks, [&](const Mark& m) { return m.job == strike.job && m.kind == strike.kind; })) return {};
  DSPERSE_CHECK_OK(s_.reputation.submit(Blame{strike.worker, strike.job, strike.kind, unsigned_ms(s_.last_ms)}));
  if (const auto engine = s_.engines.find(strike.worker); engine != s_.engines.end())
    DSPERSE_CHECK_OK(step(s_.book, trust::audit::Struck{{strike.worker, engine->second}, strike.kind}));
  return note(trust::kStrikeType,
              trust::encode_strike({strike.worker, strike.job, word(strike.kind), strike.reason, unsigned_ms(s_.last_ms)}));
}

Status Keeper::pardon(const Digest& worker, const Digest& job) {
  if (!s_.reputation.submit(Acquit{worker, job})) return {};  // it was not struck for this job
  return note(trust::kStrikeType,
              trust::encode_strike({worker, job, "pardon correctness", "dispute: the proof came late, or contradicts another",
                                    unsigned_ms(s_.last_ms)}));
}

Status Keeper::valid(const Digest& worker) {
  const auto engine = s_.engines.find(worker);
  if (engine == s_.engines.end()) return {};
  return step(s_.book, trust::audit::Valid{{worker, engine->second}});
}

bool Keeper::can_pay() const { return !s_.points || s_.points->balance(payer_account()) >= settings_.wage; }

bool Keeper::open(const Digest& receipt) const { return s_.points && s_.points->status(receipt) == EscrowStatus::open; }

Status Keeper::money(const MoneyEvent& event) {
  DSPERSE_TRY(const std::vector<Payout> payouts, s_.points->submit(event));
  for (const Payout& p : payouts)
    DSPERSE_CHECK_OK(note(trust::kPayoutType, trust::encode_payout({p.receipt, p.to, p.amount, word(p.kind)})));
  return {};
}

Status Keeper::lock(const Digest& receipt, const Digest& worker) {
  if (!s_.points || s_.points->status(receipt)) return {};
  // A payer that gave out more work than it can pay for frees no bond: the receipt is locked, for what there is.
  const std::uint64_t wage = std::min(settings_.wage, s_.points->balance(payer_account()));
  return money(Lock{receipt, payer_account(), worker, wage, unsigned_ms(s_.last_ms + settings_.window_ms)});
}

Status Keeper::drawn(const Digest& receipt, bool audited) {
  if (!open(receipt) || s_.points->state().escrows.at(receipt).audit != AuditState::undrawn) return {};
  return money(Drawn{receipt, audited});
}

Status Keeper::audit_passed(const Digest& receipt) {
  if (!open(receipt) || s_.points->state().escrows.at(receipt).audit != AuditState::drawn) return {};
  return money(AuditPassed{receipt});
}

Status Keeper::release(const Digest& receipt) {
  if (open(receipt)) s_.to_release.push_back(receipt);
  return release_due();
}

Status Keeper::release_due() {
  std::vector<Digest> later;
  for (const Digest& receipt : s_.to_release) {
    if (!open(receipt)) continue;
    if (unsigned_ms(s_.last_ms) < s_.points->state().escrows.at(receipt).window_end_ms)
      later.push_back(receipt);
    else
      DSPERSE_CHECK_OK(money(Release{receipt, unsigned_ms(s_.last_ms)}));
  }
  s_.to_release = std::move(later);
  return {};
}

Status Keeper::refund(const Digest& receipt) { return open(receipt) ? money(Refund{receipt}) : Status{}; }

Status Keeper::slash(const Digest& receipt, const Digest& reporter, const Digest& verdict) {
  return open(receipt) ? money(Slash{receipt, reporter, verdict, settings_.slash}) : Status{};
}

Result<Bytes> Keeper::sign(std::string_view type, Bytes payload) const {
  DSPERSE_TRY(const trust::Envelope envelope, trust::seal(type, std::move(payload), signer_));
  return trust::encode_envelope(envelope);
}

Status Keeper::note(std::string_view type, Bytes payload) {
  DSPERSE_TRY(Bytes text, sign(type, std::move(payload)));
  s_.outbox.push_back(std::move(text));
  return {};
}

}  // namespace dsperse::work
