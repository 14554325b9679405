// Bytes of a lottery's state: magic, run, commitment, late, phase, late part, secret, jobs ascending. Optional values are a flag
// (0, 1) and the value. Which of them are present follows from the phase; decode() refuses all else.
#include "dsperse/trust/lottery/lottery.h"

namespace dsperse::trust::lottery {
namespace {

constexpr std::uint32_t kMagic = 0x314F544C;  // "LTO1"
constexpr std::size_t kLeastJobBytes = 32 + 9 + 1;

void write(ByteWriter& w, const std::optional<Digest>& d) {
  w.u8(d ? 1 : 0);
  if (d) w.raw(*d);
}

std::optional<Digest> read(ByteReader& r) {
  const std::uint8_t flag = r.u8();
  if (flag > 1) r.set_bad();
  if (flag != 1) return std::nullopt;
  return r.digest();
}

bool reachable(const State& s) {
  if ((s.phase == Phase::drawn) != s.secret.has_value()) return false;
  if (s.secret && commitment_of(s.run, *s.secret) != s.commitment) return false;
  if (s.late == Late::none && s.phase == Phase::closed) return false;
  if ((s.late != Late::none && s.phase >= Phase::ready) != s.late_part.has_value()) return false;
  for (const auto& [id, job] : s.jobs)
    if (!job.salt && s.phase != Phase::collecting) return false;
  return true;
}

}  // namespace

Bytes encode(const State& s) {
  ByteWriter w;
  w.u32(kMagic);
  w.raw(s.run);
  w.raw(s.commitment);
  w.u8(static_cast<std::uint8_t>(s.late));
  w.u8(static_cast<std::uint8_t>(s.phase));
  write(w, s.late_part);
  write(w, s.secret);
  w.u32(static_cast<std::uint32_t>(s.jobs.size()));
  for (const auto& [id, job] : s.jobs) {
    w.raw(id);
    job.probability.write(w);
    write(w, job.salt);
  }
  return w.take();
}

Result<State> decode(ByteView bytes) {
  ByteReader r(bytes);
  State s;
  if (r.u32() != kMagic) r.set_bad();
  s.run = r.digest();
  s.commitment = r.digest();
  const std::uint8_t late = r.u8(), phase = r.u8();
  if (late > 2 || phase > 3) r.set_bad();
  s.late = static_cast<Late>(late);
  s.phase = static_cast<Phase>(phase);
  s.late_part = read(r);
  s.secret = read(r);
  const std::size_t n = r.count(kMaxJobs, kLeastJobBytes);
  for (std::size_t i = 0; i < n && r.ok(); ++i) {
    const Digest id = r.digest();
    const Probability p = Probability::read(r);
    if (!s.jobs.empty() && id <= s.jobs.rbegin()->first) r.set_bad();
    s.jobs.emplace_hint(s.jobs.end(), id, State::Job{p, read(r)});
  }
  if (!r.finished() || !reachable(s)) return fail(ErrorKind::bad_input, "these bytes are no state of a lottery", "lottery");
  return s;
}

}  // namespace dsperse::trust::lottery
