#include "dsperse/crypto/hash/compress.h"

#include <algorithm>
#include <array>

extern "C" {
#include "blake3_impl.h"
}

namespace dsperse::crypto {

static_assert(kChunkStart == int{CHUNK_START} && kChunkEnd == int{CHUNK_END} && kParent == int{PARENT} && kRoot == int{ROOT} &&
              kKeyed == int{KEYED_HASH});

KeyWords key_words(const Digest& key) {
  KeyWords words;
  for (std::size_t i = 0; i < words.size(); ++i)
    words[i] = static_cast<std::uint32_t>(key[4 * i]) | static_cast<std::uint32_t>(key[4 * i + 1]) << 8 |
               static_cast<std::uint32_t>(key[4 * i + 2]) << 16 | static_cast<std::uint32_t>(key[4 * i + 3]) << 24;
  return words;
}

void compress_many(std::span<const std::uint8_t* const> inputs, std::size_t blocks, const KeyWords& key, std::uint64_t counter,
                   bool counting, ManyFlags flags, std::uint8_t* out) {
  blake3_hash_many(inputs.data(), inputs.size(), blocks, key.data(), counter, counting, flags.flags, flags.start, flags.end, out);
}

namespace {
constexpr std::size_t kBatch = 64;  // pointers at a time
}

void expand_key(const KeyWords& key, std::uint64_t first, std::span<std::uint8_t> out) {
  static constexpr std::array<std::uint8_t, 64> kZeros{};
  std::array<const std::uint8_t*, kBatch> inputs;
  const std::size_t n = out.size() / 32;
  std::fill_n(inputs.begin(), std::min(kBatch, n), kZeros.data());
  for (std::size_t at = 0; at < n; at += kBatch)
    compress_many(std::span(inputs).first(std::min(kBatch, n - at)), 1, key, first + at, true,
                  {kKeyed, kChunkStart, kChunkEnd | kRoot}, out.data() + 32 * at);
}

void hash_pairs(const KeyWords& key, const std::uint8_t* in, std::size_t n, std::uint8_t* out) {
  std::array<const std::uint8_t*, kBatch> inputs;
  for (std::size_t at = 0; at < n; at += kBatch) {
    const std::size_t count = std::min(kBatch, n - at);
    for (std::size_t i = 0; i < count; ++i) inputs[i] = in + 64 * (at + i);
    compress_many(std::span(inputs).first(count), 1, key, 0, false, {kKeyed, kChunkStart, kChunkEnd | kRoot}, out + 32 * at);
  }
}

}  // namespace dsperse::crypto
