#include "dsperse/crypto/transcript/transcript.h"

#include <algorithm>
#include <set>

#include "dsperse/crypto/hash/hash.h"
namespace dsperse::crypto {
static ByteView v(std::string_view s) { return {reinterpret_cast<const std::uint8_t*>(s.data()), s.size()}; }
Transcript::Transcript(std::string_view domain) { state_ = hash_tagged("dsperse transcript v1", {v(domain)}); }
void Transcript::absorb(std::string_view label, std::string_view kind, ByteView data) {
  state_ = hash_tagged("dsperse transcript absorb v1", {state_, v(label), v(kind), data});
  if (keep_log_) log_.push_back("absorb " + std::string(label) + " " + std::string(kind) + " " + std::to_string(data.size()));
}
template <int D>
void Transcript::absorb_ext(std::string_view label, std::span<const Ext<D>> xs) {
  ByteWriter w;
  for (const auto& x : xs)
    for (const Fp l : x.c) w.u64(l.v);
  absorb(label, "E", w.bytes());
}
Digest Transcript::draw(std::string_view label) {
  const Digest out = hash_tagged("dsperse transcript draw v1", {state_, v(label)});
  state_ = hash_tagged("dsperse transcript ratchet v1", {state_, v(label)});
  if (keep_log_) log_.push_back("draw " + std::string(label));
  return out;
}
template <int D>
Ext<D> Transcript::challenge(std::string_view label) {
  SeedStream s(draw(label), "challenge");
  return s.ext<D>();
}
std::vector<std::uint32_t> Transcript::columns(std::string_view label, std::uint64_t n, std::size_t count) {
  SeedStream s(draw(label), "columns");
  std::set<std::uint32_t> out;
  while (out.size() < count) out.insert(static_cast<std::uint32_t>(s.below(n)));
  return {out.begin(), out.end()};
}
template void Transcript::absorb_ext<2>(std::string_view, std::span<const Ext<2>>);
template void Transcript::absorb_ext<3>(std::string_view, std::span<const Ext<3>>);
template Ext<2> Transcript::challenge<2>(std::string_view);
template Ext<3> Transcript::challenge<3>(std::string_view);
}  // namespace dsperse::crypto
