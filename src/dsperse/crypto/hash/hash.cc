#include "dsperse/crypto/hash/hash.h"

#include <cstring>

#include "blake3.h"
namespace dsperse::crypto {
static Digest finish(const blake3_hasher& h) {
  Digest d{};
  blake3_hasher_finalize(&h, d.data(), d.size());
  return d;
}
Digest hash(ByteView data) {
  blake3_hasher h;
  blake3_hasher_init(&h);
  blake3_hasher_update(&h, data.data(), data.size());
  return finish(h);
}
Digest hash_tagged(std::string_view context, std::initializer_list<ByteView> parts) {
  blake3_hasher h;
  blake3_hasher_init_derive_key_raw(&h, context.data(), context.size());
  for (ByteView p : parts) {
    ByteWriter w;
    w.u64(p.size());
    blake3_hasher_update(&h, w.bytes().data(), 8);
    blake3_hasher_update(&h, p.data(), p.size());
  }
  return finish(h);
}
SeedStream::SeedStream(const Digest& seed, std::string_view label, std::uint64_t index) {
  ByteWriter w;
  w.u64(index);
  key_ = hash_tagged("dsperse seed stream v1",
                     {seed, {reinterpret_cast<const std::uint8_t*>(label.data()), label.size()}, w.bytes()});
}
void SeedStream::refill() {
  buffer_.resize(4096);
  blake3_hasher h;
  blake3_hasher_init_keyed(&h, key_.data());
  blake3_hasher_finalize_seek(&h, block_ * 4096, buffer_.data(), buffer_.size());
  ++block_;
  at_ = 0;
}
void SeedStream::fill(std::span<std::uint8_t> out) {
  for (auto& b : out) {
    if (at_ == buffer_.size()) refill();
    b = buffer_[at_++];
  }
}
std::uint64_t SeedStream::u64() {
  if (at_ + 8 > buffer_.size()) refill();
  std::uint64_t x;
  std::memcpy(&x, buffer_.data() + at_, 8);
  at_ += 8;
  return x;
}
std::uint64_t SeedStream::below(std::uint64_t b) {
  const std::uint64_t lim = b * (UINT64_MAX / b);
  for (;;) {
    const auto x = u64();
    if (x < lim) return x % b;
  }
}
Fp SeedStream::fp() {
  for (;;) {
    const auto x = u64();
    if (x < kP) return Fp(x);
  }
}
void SeedStream::fill(std::span<Fp> out) {
  for (Fp& x : out) x = fp();
}
}  // namespace dsperse::crypto
