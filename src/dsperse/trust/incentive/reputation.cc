#include "dsperse/trust/incentive/reputation.h"

#include <algorithm>

namespace dsperse::trust::incentive {
namespace {

constexpr std::uint32_t kMagic = 0x31545052;  // "RPT1"
constexpr std::uint64_t kHourMs = 3600000;

std::uint64_t plus(std::uint64_t a, std::uint64_t b) { return a > kForEver - b ? kForEver : a + b; }

}  // namespace

Status Reputation::on(const Blame& e) {
  if (static_cast<std::size_t>(e.kind) >= kStrikeKinds)
    return fail(ErrorKind::usage, "the kind of strike is unknown", "reputation");
  if (e.at_ms < last_ms_) return fail(ErrorKind::usage, "time runs backwards", "reputation");
  const auto& known = marks(e.worker);
  if (std::ranges::any_of(known, [&](const Mark& m) { return m.job == e.job && m.kind == e.kind; }))
    return fail(ErrorKind::usage, "the strike is already counted", "reputation > job " + to_hex(e.job));
  marks_[e.worker].push_back({e.job, e.kind, e.at_ms});
  last_ms_ = e.at_ms;
  return {};
}

Status Reputation::on(const Acquit& e) {
  const auto worker = marks_.find(e.worker);
  const auto is_it = [&](const Mark& m) { return m.job == e.job && m.kind == StrikeKind::correctness; };
  if (worker == marks_.end() || std::erase_if(worker->second, is_it) == 0)
    return fail(ErrorKind::usage, "there is no such strike", "reputation > job " + to_hex(e.job));
  return {};
}

Status Reputation::submit(const ReputationEvent& event) {
  if (history_.events().size() == kMaxEvents) return fail(ErrorKind::resource, "the history is full", "reputation");
  DSPERSE_CHECK_OK(std::visit([&](const auto& e) { return on(e); }, event));
  history_.append(event);
  return {};
}

const std::vector<Mark>& Reputation::marks(const Digest& worker) const {
  static const std::vector<Mark> kNone;
  const auto at = marks_.find(worker);
  return at == marks_.end() ? kNone : at->second;
}

std::uint64_t Reputation::excluded_until_ms(const Digest& worker) const {
  std::uint64_t until = 0;
  std::vector<std::uint64_t> late;  // times of liveness strikes, ascending
  for (const Mark& m : marks(worker)) {
    if (m.kind == StrikeKind::correctness) until = std::max(until, plus(m.at_ms, rules_.correctness_ms));
    if (m.kind == StrikeKind::commitment) until = std::max(until, plus(m.at_ms, rules_.commitment_ms));
    if (m.kind != StrikeKind::liveness || rules_.liveness_limit == 0) continue;
    late.push_back(m.at_ms);
    if (late.size() < rules_.liveness_limit) continue;
    const std::uint64_t first = late[late.size() - rules_.liveness_limit];
    if (m.at_ms - first <= rules_.liveness_window_ms) until = std::max(until, plus(m.at_ms, rules_.liveness_ms));
  }
  return until;
}

bool Reputation::excluded(const Digest& worker, std::uint64_t now_ms) const {
  const std::uint64_t until = excluded_until_ms(worker);
  return until == kForEver || now_ms < until;
}

Bytes Reputation::encode() const {
  ByteWriter w;
  w.u32(kMagic);
  for (const std::uint64_t n :
       {rules_.correctness_ms, rules_.commitment_ms, rules_.liveness_limit, rules_.liveness_window_ms, rules_.liveness_ms})
    w.u64(n);
  write_history(w, history_);
  return w.take();
}

Result<Reputation> Reputation::decode(ByteView bytes) {
  ByteReader in(bytes);
  ReputationRules rules;
  if (in.u32() != kMagic) in.set_bad();
  for (std::uint64_t* n :
       {&rules.correctness_ms, &rules.commitment_ms, &rules.liveness_limit, &rules.liveness_window_ms, &rules.liveness_ms})
    *n = in.u64();
  const auto events = read_events<ReputationEvent>(in);
  if (!in.finished()) return fail(ErrorKind::bad_input, "these bytes are no history of reputation", "reputation");
  Reputation r(rules);
  for (const ReputationEvent& e : events)
    if (const Status s = r.submit(e); !s)
      return fail(ErrorKind::bad_input, "an event of the history is impossible", s.error().text());
  return r;
}

std::uint64_t implied_bond(const ReputationRules& rules, std::uint64_t income_per_hour, std::uint64_t fresh_identity_cost) {
  if (rules.correctness_ms == kForEver) return income_per_hour == 0 ? 0 : fresh_identity_cost;
  const unsigned __int128 lost = static_cast<unsigned __int128>(income_per_hour) * rules.correctness_ms / kHourMs;
  return lost < fresh_identity_cost ? static_cast<std::uint64_t>(lost) : fresh_identity_cost;
}

}  // namespace dsperse::trust::incentive
