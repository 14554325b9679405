#include "dsperse/trust/lottery/draw.h"

#include <algorithm>

#include "dsperse/crypto/hash/hash.h"

namespace dsperse::trust::lottery {

std::string_view assumption(Late late) {
  switch (late) {
    case Late::none:
      return "the draw assumes that the coordinator does not collude with workers: no late part entered it";
    case Late::user_nonce:
      return "the draw is unpredictable to coordinator and workers: the user's nonce came after the last receipt";
    case Late::beacon:
      return "the draw is unpredictable to coordinator and workers if nobody foresees or steers the beacon";
  }
  return "";
}

Digest entries_digest(std::span<const Entry> entries) {
  ByteWriter all;
  for (const Entry& e : entries) {
    all.raw(e.job);
    all.raw(e.salt);
    e.probability.write(all);
  }
  return crypto::hash_tagged("dsperse lottery entries v1", {all.bytes()});
}

Digest commitment_of(const Digest& run, const Digest& secret) {
  return crypto::hash_tagged("dsperse lottery commitment v1", {run, secret});
}

Digest seed_of(const Digest& run, const Digest& secret, std::span<const Entry> entries, Late late,
               const std::optional<Digest>& late_part) {
  ByteWriter jobs;
  for (const Entry& e : entries) {
    jobs.raw(e.job);
    jobs.raw(e.salt);
  }
  ByteWriter last;
  last.u8(static_cast<std::uint8_t>(late));
  if (late_part) last.raw(*late_part);
  return crypto::hash_tagged("dsperse lottery seed v1", {run, secret, jobs.bytes(), last.bytes()});
}

std::uint64_t word_of(const Digest& seed, const Digest& job) {
  const Digest h = crypto::hash_tagged("dsperse lottery draw v1", {seed, job});
  return ByteReader(h).u64();
}

std::vector<Digest> draw(const Digest& seed, std::span<const Entry> entries) {
  std::vector<Digest> drawn;
  for (const Entry& e : entries)
    if (e.probability.hits(word_of(seed, e.job))) drawn.push_back(e.job);
  return drawn;
}

Verdict verify_draw(const Published& p, const Outcome& outcome) {
  const auto not_ascending = [](const Entry& a, const Entry& b) { return a.job >= b.job; };
  if (const auto at = std::ranges::adjacent_find(p.entries, not_ascending); at != p.entries.end())
    return Verdict::reject("jobs are not strictly ascending", to_hex(at->job));
  if (p.late != Late::none && !p.late_part) return Verdict::reject("late part is missing");
  if (p.late == Late::none && p.late_part) return Verdict::reject("late part was not announced");
  if (commitment_of(p.run, outcome.secret) != p.commitment) return Verdict::reject("secret does not open the commitment");
  const auto expected = draw(seed_of(p.run, outcome.secret, p.entries, p.late, p.late_part), p.entries);
  const auto [mine, theirs] = std::ranges::mismatch(expected, outcome.drawn);
  if (mine != expected.end()) return Verdict::reject("drawn jobs differ", to_hex(*mine));
  if (theirs != outcome.drawn.end()) return Verdict::reject("drawn jobs differ", to_hex(*theirs));
  return Verdict::accept();
}

}  // namespace dsperse::trust::lottery
