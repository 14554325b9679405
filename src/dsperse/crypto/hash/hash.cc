#include "dsperse/crypto/hash/hash.h"

#include <algorithm>
#include <cstring>
#include <new>

#include "blake3.h"
#include "dsperse/crypto/hash/compress.h"

namespace dsperse::crypto {

Digest hash(ByteView data) {
  Hasher h;
  h.update(data);
  return h.digest();
}

Digest hash_tagged(std::string_view context, std::initializer_list<ByteView> parts) {
  blake3_hasher h;
  blake3_hasher_init_derive_key_raw(&h, context.data(), context.size());
  for (const ByteView part : parts) {
    ByteWriter length;
    length.u64(part.size());
    blake3_hasher_update(&h, length.bytes().data(), length.bytes().size());
    blake3_hasher_update(&h, part.data(), part.size());
  }
  Digest out;
  blake3_hasher_finalize(&h, out.data(), out.size());
  return out;
}

namespace {
blake3_hasher* state(std::uint8_t* bytes) { return std::launder(reinterpret_cast<blake3_hasher*>(bytes)); }
const blake3_hasher* state(const std::uint8_t* bytes) { return std::launder(reinterpret_cast<const blake3_hasher*>(bytes)); }
std::uint64_t read_u64(const std::uint8_t* p) {
  std::uint64_t x = 0;
  for (std::size_t i = 0; i < 8; ++i) x |= static_cast<std::uint64_t>(p[i]) << (8 * i);
  return x;
}

}  // namespace

Hasher::Hasher() {
  static_assert(sizeof(blake3_hasher) <= kStateBytes && alignof(blake3_hasher) <= 8);
  blake3_hasher_init(new (state_.data()) blake3_hasher);
}
Hasher::Hasher(const Digest& key) { blake3_hasher_init_keyed(new (state_.data()) blake3_hasher, key.data()); }
void Hasher::restart(const Digest& key) { blake3_hasher_init_keyed(state(state_.data()), key.data()); }
void Hasher::update(ByteView data) { blake3_hasher_update(state(state_.data()), data.data(), data.size()); }
void Hasher::output(std::uint64_t offset, std::span<std::uint8_t> out) const {
  blake3_hasher_finalize_seek(state(state_.data()), offset, out.data(), out.size());
}
Digest Hasher::digest() const {
  Digest out;
  output(0, out);
  return out;
}

SeedStream::SeedStream(const Digest& seed, std::string_view label, std::uint64_t index) {
  ByteWriter w;
  w.u64(index);
  key_ = hash_tagged("dsperse seed stream v1",
                     {seed, {reinterpret_cast<const std::uint8_t*>(label.data()), label.size()}, w.bytes()});
}

void SeedStream::refill() {
  expand_key(key_words(key_), next_block_, buffer_);
  next_block_ += kBuffer / kBlock;
  at_ = 0;
}

void SeedStream::fill(std::span<std::uint8_t> out) {
  while (!out.empty()) {
    if (at_ < kBuffer) {
      const std::size_t n = std::min(out.size(), kBuffer - at_);
      std::memcpy(out.data(), buffer_.data() + at_, n);
      at_ += n;
      out = out.subspan(n);
    } else if (out.size() >= kBuffer) {  // in bulk, past the buffer
      const std::size_t n = out.size() / kBuffer * kBuffer;
      expand_key(key_words(key_), next_block_, out.first(n));
      next_block_ += n / kBlock;
      out = out.subspan(n);
    } else {
      refill();
    }
  }
}

void SeedStream::seek(std::uint64_t byte) {
  next_block_ = byte / kBlock;
  at_ = kBuffer;
  std::array<std::uint8_t, kBlock> skipped;
  fill(std::span(skipped).first(byte % kBlock));
}

void SeedStream::blocks(std::uint64_t first, std::span<std::uint8_t> out) const { expand_key(key_words(key_), first, out); }

std::uint64_t SeedStream::u64() {
  if (at_ % 8 == 0) {  // words lie in the buffer as wholes
    if (at_ == kBuffer) refill();
    at_ += 8;
    return read_u64(buffer_.data() + at_ - 8);
  }
  std::array<std::uint8_t, 8> bytes;
  fill(bytes);
  return read_u64(bytes.data());
}

std::uint64_t SeedStream::below(std::uint64_t bound) {
  const std::uint64_t limit = bound * (UINT64_MAX / bound);
  for (;;)
    if (const std::uint64_t x = u64(); x < limit) return x % bound;
}

Fp SeedStream::fp() {
  for (;;)
    if (const std::uint64_t x = u64(); x < kP) return Fp(x);
}

void SeedStream::fill(std::span<Fp> out) {
  static_assert(sizeof(Fp) == sizeof(std::uint64_t));
  // Words straight into place; the few that are no elements are closed up, and as many drawn behind them.
  while (!out.empty()) {
    auto* const bytes = reinterpret_cast<std::uint8_t*>(out.data());
    fill(std::span(bytes, out.size_bytes()));
    std::size_t done = 0;
    for (std::size_t i = 0; i < out.size(); ++i)
      if (const std::uint64_t x = read_u64(bytes + sizeof(Fp) * i); x < kP) out[done++] = Fp(x);
    out = out.subspan(done);
  }
}

}  // namespace dsperse::crypto
