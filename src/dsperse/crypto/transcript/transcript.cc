#include "dsperse/crypto/transcript/transcript.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace dsperse::crypto {
namespace {

constexpr std::uint8_t kAbsorb = 1, kDraw = 2;
constexpr std::size_t kWorkBlock = 32;                       // bytes of a seed stream that one compression makes
constexpr std::uint64_t kMaxNonce = std::uint64_t{1} << 48;  // far beyond what a prover needs; keeps stream positions small

ByteView view(std::string_view s) { return {reinterpret_cast<const std::uint8_t*>(s.data()), s.size()}; }

void put_u64(std::uint8_t* out, std::uint64_t x) {
  for (std::size_t i = 0; i < 8; ++i) out[i] = static_cast<std::uint8_t>(x >> (8 * i));
}

std::uint64_t get_u64(const std::uint8_t* in) {
  std::uint64_t x = 0;
  for (std::size_t i = 0; i < 8; ++i) x |= static_cast<std::uint64_t>(in[i]) << (8 * i);
  return x;
}

std::uint64_t find_nonce(const Digest& seed, unsigned bits) {
  SeedStream stream(seed, "work");
  const std::uint64_t mask = (std::uint64_t{1} << bits) - 1;
  std::array<std::uint8_t, 16 * kWorkBlock> blocks;
  for (std::uint64_t nonce = 0;;) {
    stream.fill(blocks);
    for (std::size_t at = 0; at < blocks.size(); at += kWorkBlock, ++nonce)
      if ((get_u64(blocks.data() + at) & mask) == 0) return nonce;
  }
}

}  // namespace

/// The words of one draw: output of the hasher from byte 32 on. At the end the first 32 bytes key the next hasher.
class Transcript::Draw {
 public:
  explicit Draw(Hasher& hasher) : hasher_(hasher) {
    hasher_.output(0, buffer_);
    std::memcpy(next_key_.data(), buffer_.data(), next_key_.size());
  }
  ~Draw() { hasher_.restart(next_key_); }
  Draw(const Draw&) = delete;
  Draw& operator=(const Draw&) = delete;

  std::uint64_t word() {
    if (at_ == buffer_.size()) {
      offset_ += buffer_.size();
      hasher_.output(offset_, buffer_);
      at_ = 0;
    }
    const std::uint64_t x = get_u64(buffer_.data() + at_);
    at_ += 8;
    return x;
  }
  Fp element() {
    for (;;)
      if (const std::uint64_t x = word(); x < kP) return Fp(x);
  }

 private:
  Hasher& hasher_;
  Digest next_key_;
  std::array<std::uint8_t, 64> buffer_;
  std::uint64_t offset_ = 0;
  std::size_t at_ = sizeof(Digest);
};

Transcript::Transcript(std::string_view domain) : hasher_(hash_tagged("dsperse transcript v2", {view(domain)})) {}

/// A record: tag, lengths of label, kind and data (u64 each), then their bytes.
void Transcript::record(std::uint8_t tag, std::string_view label, std::string_view kind, ByteView data) {
  std::array<std::uint8_t, 256> small;
  small[0] = tag;
  put_u64(small.data() + 1, label.size());
  put_u64(small.data() + 9, kind.size());
  put_u64(small.data() + 17, data.size());
  std::size_t used = 25;
  for (const ByteView part : {view(label), view(kind), data}) {
    if (used + part.size() > small.size()) {
      hasher_.update(ByteView(small).first(used));
      used = 0;
    }
    if (part.size() > small.size()) {
      hasher_.update(part);
    } else if (!part.empty()) {
      std::memcpy(small.data() + used, part.data(), part.size());
      used += part.size();
    }
  }
  hasher_.update(ByteView(small).first(used));
}

void Transcript::absorb(std::string_view label, std::string_view kind, ByteView data) {
  record(kAbsorb, label, kind, data);
  if (keep_log_) log_.push_back("absorb " + std::string(label) + " " + std::string(kind) + " " + std::to_string(data.size()));
}

template <int D>
void Transcript::absorb_ext(std::string_view label, std::span<const Ext<D>> xs) {
  constexpr std::string_view kKind = D == 2 ? "E2" : "E3";
  constexpr std::size_t kLimbBytes = 8, kBytes = kLimbBytes * D, kSmall = 16;
  std::array<std::uint8_t, kSmall * kBytes> small;
  Bytes large;
  if (xs.size() > kSmall) large.resize(xs.size() * kBytes);
  std::uint8_t* const bytes = large.empty() ? small.data() : large.data();
  std::size_t at = 0;
  for (const Ext<D>& x : xs)
    for (const Fp limb : x.c) {
      put_u64(bytes + at, limb.v);
      at += kLimbBytes;
    }
  absorb(label, kKind, {bytes, at});
}

template <int D>
Ext<D> Transcript::challenge(std::string_view label) {
  record(kDraw, label, D == 2 ? "E2" : "E3", {});
  if (keep_log_) log_.push_back("draw " + std::string(label));
  Draw draw(hasher_);
  Ext<D> x;
  for (Fp& limb : x.c) limb = draw.element();
  return x;
}

std::vector<std::uint32_t> Transcript::columns(std::string_view label, std::uint64_t n, std::size_t count) {
  std::array<std::uint8_t, 16> shape;
  put_u64(shape.data(), n);
  put_u64(shape.data() + 8, count);
  record(kDraw, label, "columns", shape);
  if (keep_log_) log_.push_back("draw " + std::string(label));
  Draw draw(hasher_);
  count = static_cast<std::size_t>(std::min<std::uint64_t>(count, n));
  std::vector<std::uint32_t> out;
  while (out.size() < count) {
    const auto index = static_cast<std::uint32_t>(draw.word() & (n - 1));
    const auto place = std::lower_bound(out.begin(), out.end(), index);
    if (place == out.end() || *place != index) out.insert(place, index);
  }
  return out;
}

Digest Transcript::draw_seed(std::string_view label, unsigned bits) {
  const std::array<std::uint8_t, 1> data{static_cast<std::uint8_t>(bits)};
  record(kDraw, label, "work", data);
  if (keep_log_) log_.push_back("draw " + std::string(label));
  Draw draw(hasher_);
  Digest seed;
  for (std::size_t i = 0; i < seed.size(); i += 8) put_u64(seed.data() + i, draw.word());
  return seed;
}

void Transcript::absorb_nonce(std::string_view label, std::uint64_t nonce) {
  std::array<std::uint8_t, 8> bytes;
  put_u64(bytes.data(), nonce);
  absorb(label, "nonce", bytes);
}

std::uint64_t Transcript::work(std::string_view label, unsigned bits, const std::function<void(std::uint64_t&)>& change) {
  if (bits == 0) return 0;
  std::uint64_t nonce = find_nonce(draw_seed(label, bits), bits);
  if (change) change(nonce);
  absorb_nonce(label, nonce);
  return nonce;
}

bool Transcript::check_work(std::string_view label, unsigned bits, std::uint64_t nonce) {
  if (bits == 0) return nonce == 0;
  SeedStream stream(draw_seed(label, bits), "work");
  absorb_nonce(label, nonce);
  if (nonce >= kMaxNonce) return false;
  std::array<std::uint8_t, kWorkBlock> block;
  stream.blocks(nonce, block);
  return (get_u64(block.data()) & ((std::uint64_t{1} << bits) - 1)) == 0;
}

template void Transcript::absorb_ext<2>(std::string_view, std::span<const Ext<2>>);
template void Transcript::absorb_ext<3>(std::string_view, std::span<const Ext<3>>);
template Ext<2> Transcript::challenge<2>(std::string_view);
template Ext<3> Transcript::challenge<3>(std::string_view);

}  // namespace dsperse::crypto
