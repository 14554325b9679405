#include "dsperse/trust/audit/canary.h"

#include "dsperse/crypto/hash/hash.h"

namespace dsperse::trust::audit {
namespace {

using Struck = std::optional<Strike>;
constexpr std::uint32_t kMagic = 0x314E4143;  // "CAN1"

std::unexpected<Error> refuse(std::string what, const Digest& job) {
  return fail(ErrorKind::usage, std::move(what), "canaries > job " + to_hex(job));
}

Result<Struck> on(Pool& pool, const Stock& e) {
  if (pool.size() >= kMaxCanaries) return fail(ErrorKind::resource, "a pool holds at most 1048576 canaries", "canaries");
  if (!pool.try_emplace(e.job, Canary{e.expected, e.claim, CanaryStatus::stocked, {}}).second)
    return refuse("the job is already stocked", e.job);
  return Struck{};
}

Result<Struck> on(Pool& pool, const Issue& e) {
  const auto at = pool.find(e.job);
  if (at == pool.end()) return refuse("the job is no canary", e.job);
  if (at->second.status != CanaryStatus::stocked) return refuse("a canary is issued once", e.job);
  at->second.status = CanaryStatus::issued;
  at->second.tested = e.to;
  return Struck{};
}

Result<Struck> on(Pool& pool, const Reply& e) {
  const auto at = pool.find(e.job);
  if (at == pool.end()) return refuse("the job is no canary", e.job);
  Canary& c = at->second;
  if (c.status != CanaryStatus::issued && c.status != CanaryStatus::silent) return refuse("no reply is awaited", e.job);
  if (c.tested != e.from) return refuse("the job belongs to another", e.job);
  if (e.h_out == c.expected) {
    c.status = CanaryStatus::passed;
    return Struck{};
  }
  const bool echo = c.claim && e.h_out == *c.claim;
  c.status = echo ? CanaryStatus::echoed : CanaryStatus::wrong;
  return Strike{e.from, e.job, StrikeKind::correctness, echo ? "canary: echoed a wrong claim" : "canary: wrong answer"};
}

Result<Struck> on(Pool& pool, const Expire& e) {
  const auto at = pool.find(e.job);
  if (at == pool.end()) return refuse("the job is no canary", e.job);
  if (at->second.status != CanaryStatus::issued) return refuse("no reply is awaited", e.job);
  at->second.status = CanaryStatus::silent;
  return Strike{at->second.tested, e.job, StrikeKind::liveness, "canary: no answer"};
}

bool sound(const Canary& c) {
  if (c.status == CanaryStatus::stocked) return c.tested == Digest{};
  return c.status != CanaryStatus::echoed || (c.claim && *c.claim != c.expected);
}

}  // namespace

bool is_canary(const Digest& secret, std::uint64_t slot, Probability phi) {
  ByteWriter number;
  number.u64(slot);
  const Digest h = crypto::hash_tagged("dsperse canary slot v1", {secret, number.bytes()});
  return phi.hits(ByteReader(h).u64());
}

Result<Struck> step(Pool& pool, const CanaryEvent& event) {
  return std::visit([&](const auto& e) { return on(pool, e); }, event);
}

Bytes encode(const Pool& pool) {
  ByteWriter w;
  w.u32(kMagic);
  w.u32(static_cast<std::uint32_t>(pool.size()));
  for (const auto& [job, c] : pool) {
    w.raw(job);
    w.raw(c.expected);
    w.u8(c.claim ? 1 : 0);
    if (c.claim) w.raw(*c.claim);
    w.u8(static_cast<std::uint8_t>(c.status));
    w.raw(c.tested);
  }
  return w.take();
}

Result<Pool> decode_pool(ByteView bytes) {
  ByteReader in(bytes);
  Pool pool;
  if (in.u32() != kMagic) in.set_bad();
  const std::size_t n = in.count(kMaxCanaries, 3 * 32 + 2);
  for (std::size_t i = 0; i < n && in.ok(); ++i) {
    const Digest job = in.digest();
    Canary c;
    c.expected = in.digest();
    const std::uint8_t has_claim = in.u8();
    if (has_claim == 1) c.claim = in.digest();
    const std::uint8_t status = in.u8();
    c.tested = in.digest();
    c.status = static_cast<CanaryStatus>(status);
    if (has_claim > 1 || status > 5 || !sound(c) || (!pool.empty() && job <= pool.rbegin()->first)) in.set_bad();
    pool.emplace_hint(pool.end(), job, c);
  }
  if (!in.finished()) return fail(ErrorKind::bad_input, "these bytes are no pool of canaries", "canaries");
  return pool;
}

}  // namespace dsperse::trust::audit
