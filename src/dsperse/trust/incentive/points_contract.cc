#include "dsperse/trust/incentive/points_contract.h"

namespace dsperse::trust::incentive {
namespace {

constexpr std::uint32_t kMagic = 0x31544E50;  // "PNT1"

std::uint64_t units(const std::map<Digest, std::uint64_t>& accounts, const Digest& who) {
  const auto at = accounts.find(who);
  return at == accounts.end() ? 0 : at->second;
}

}  // namespace

Result<PointsContract> PointsContract::open(Share share) {
  DSPERSE_TRY(Points points, begin_points(share));
  return PointsContract(std::move(points));
}

Result<std::vector<Payout>> PointsContract::submit(const MoneyEvent& event) {
  if (history_.events().size() == kMaxEvents) return fail(ErrorKind::resource, "the history is full", "points");
  DSPERSE_TRY(auto payouts, step(points_, event));
  history_.append(event);
  return payouts;
}

std::uint64_t PointsContract::balance(const Digest& account) const { return units(points_.balances, account); }
std::uint64_t PointsContract::bond(const Digest& worker) const { return units(points_.bonds, worker); }

std::optional<EscrowStatus> PointsContract::status(const Digest& receipt) const {
  const auto at = points_.escrows.find(receipt);
  if (at == points_.escrows.end()) return std::nullopt;
  return at->second.status;
}

Bytes PointsContract::encode() const {
  ByteWriter w;
  w.u32(kMagic);
  w.u32(points_.share.num);
  w.u32(points_.share.den);
  write_history(w, history_);
  w.raw(head());
  return w.take();
}

Result<PointsContract> PointsContract::decode(ByteView bytes) {
  ByteReader in(bytes);
  if (in.u32() != kMagic) in.set_bad();
  Share share;
  share.num = in.u32();
  share.den = in.u32();
  const auto events = read_events<MoneyEvent>(in);
  const Digest head = in.digest();
  if (!in.finished()) return fail(ErrorKind::bad_input, "these bytes are no history of points", "points");
  auto contract = open(share);
  if (!contract) return fail(ErrorKind::bad_input, contract.error().what, "points");
  for (const MoneyEvent& e : events)
    if (const auto done = contract->submit(e); !done)
      return fail(ErrorKind::bad_input, "an event of the history is impossible", done.error().text());
  if (contract->head() != head) return fail(ErrorKind::bad_input, "the history does not lead to its head", "points");
  return contract;
}

}  // namespace dsperse::trust::incentive
