#include "dsperse/trust/lottery/challenge.h"

#include <algorithm>

#include "dsperse/crypto/hash/hash.h"

namespace dsperse::trust::lottery {
namespace {

using Slices = std::vector<std::uint32_t>;
constexpr std::uint32_t kMagic = 0x314C4843;  // "CHL1"

std::unexpected<Error> refuse(std::string what) { return fail(ErrorKind::usage, std::move(what), "challenge"); }

Status check_size(std::uint32_t slices, std::uint32_t count) {
  if (slices == 0 || slices > kMaxSlices) return refuse("a challenge needs 1 to 65536 slices");
  if (count > slices) return refuse("a challenge draws more slices than there are");
  return {};
}

Result<Slices> on(Challenge& c, const Nonce& e) {
  if (c.phase != ChallengePhase::published) return refuse("the nonce is already there");
  DSPERSE_TRY(auto drawn, draw_slices(c.bound, c.slices, c.count, e.value));
  c.nonce = e.value;
  c.deadline_ms = e.deadline_ms;
  c.open = {drawn.begin(), drawn.end()};
  c.phase = drawn.empty() ? ChallengePhase::answered : ChallengePhase::challenged;
  return drawn;
}

Result<Slices> on(Challenge& c, const Answer& e) {
  if (c.phase != ChallengePhase::challenged) return refuse("no answer is awaited");
  if (!c.open.contains(e.slice)) return refuse("slice " + std::to_string(e.slice) + " is not drawn or already proved");
  if (!e.proof_accepted) return Slices{};
  c.open.erase(e.slice);
  if (c.open.empty()) c.phase = ChallengePhase::answered;
  return Slices{};
}

Result<Slices> on(Challenge& c, const Deadline& e) {
  if (c.phase != ChallengePhase::challenged) return refuse("no deadline runs");
  if (e.now_ms < c.deadline_ms) return refuse("the deadline is not reached");
  c.phase = ChallengePhase::expired;
  return Slices(c.open.begin(), c.open.end());
}

// What the events lead to, but for the answers.
bool reachable(const Challenge& c) {
  if (!check_size(c.slices, c.count)) return false;
  const bool drawn = c.phase != ChallengePhase::published;
  if (drawn != c.nonce.has_value()) return false;
  if (!drawn) return c.open.empty() && c.deadline_ms == 0;
  const auto slices = draw_slices(c.bound, c.slices, c.count, *c.nonce);
  return slices && std::ranges::includes(*slices, c.open) && (c.phase == ChallengePhase::answered) == c.open.empty();
}

}  // namespace

Digest bind_roots(const Digest& run, std::uint32_t slices, std::span<const Digest> roots) {
  ByteWriter w;
  w.u32(slices);
  for (const Digest& root : roots) w.raw(root);
  return crypto::hash_tagged("dsperse challenge roots v1", {run, w.bytes()});
}

Result<Slices> draw_slices(const Digest& bound, std::uint32_t slices, std::uint32_t count, const Digest& nonce) {
  DSPERSE_CHECK_OK(check_size(slices, count));
  ByteWriter size;
  size.u32(slices);
  size.u32(count);
  crypto::SeedStream stream(crypto::hash_tagged("dsperse challenge draw v1", {bound, size.bytes(), nonce}), "slices");
  // Floyd's sampling: for j = n - count .. n - 1 take a uniform t in [0, j], or j itself if t is already taken.
  std::set<std::uint32_t> taken;
  for (std::uint32_t j = slices - count; j < slices; ++j)
    if (const auto t = static_cast<std::uint32_t>(stream.below(std::uint64_t{j} + 1)); !taken.insert(t).second) taken.insert(j);
  return Slices(taken.begin(), taken.end());
}

Verdict verify_challenge(const Digest& bound, std::uint32_t slices, std::uint32_t count, const Digest& nonce,
                         std::span<const std::uint32_t> proved) {
  const auto drawn = draw_slices(bound, slices, count, nonce);
  if (!drawn) return Verdict::reject("the challenge is malformed");
  const std::set<std::uint32_t> have(proved.begin(), proved.end());
  for (const std::uint32_t slice : *drawn)
    if (!have.contains(slice)) return Verdict::reject("a drawn slice is not proved", "slice " + std::to_string(slice));
  return Verdict::accept();
}

Result<Challenge> publish(const Digest& bound, std::uint32_t slices, std::uint32_t count) {
  DSPERSE_CHECK_OK(check_size(slices, count));
  Challenge c;
  c.bound = bound;
  c.slices = slices;
  c.count = count;
  return c;
}

Result<Slices> step(Challenge& challenge, const ChallengeEvent& event) {
  return std::visit([&](const auto& e) { return on(challenge, e); }, event);
}

Bytes encode(const Challenge& c) {
  ByteWriter w;
  w.u32(kMagic);
  w.raw(c.bound);
  w.u32(c.slices);
  w.u32(c.count);
  w.u8(static_cast<std::uint8_t>(c.phase));
  if (c.nonce) w.raw(*c.nonce);
  w.u64(c.deadline_ms);
  w.u32(static_cast<std::uint32_t>(c.open.size()));
  for (const std::uint32_t slice : c.open) w.u32(slice);
  return w.take();
}

Result<Challenge> decode_challenge(ByteView bytes) {
  ByteReader r(bytes);
  Challenge c;
  if (r.u32() != kMagic) r.set_bad();
  c.bound = r.digest();
  c.slices = r.u32();
  c.count = r.u32();
  const std::uint8_t phase = r.u8();
  if (phase > 3) r.set_bad();
  c.phase = static_cast<ChallengePhase>(phase);
  if (c.phase != ChallengePhase::published) c.nonce = r.digest();
  c.deadline_ms = r.u64();
  const std::size_t n = r.count(kMaxSlices, 4);
  for (std::size_t i = 0; i < n && r.ok(); ++i) {
    const std::uint32_t slice = r.u32();
    if (!c.open.empty() && slice <= *c.open.rbegin()) r.set_bad();
    c.open.insert(slice);
  }
  if (!r.finished() || !reachable(c)) return fail(ErrorKind::bad_input, "these bytes are no state of a challenge", "challenge");
  return c;
}

}  // namespace dsperse::trust::lottery
