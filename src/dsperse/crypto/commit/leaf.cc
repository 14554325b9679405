#include "dsperse/crypto/commit/leaf.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>
#include <vector>

#include "dsperse/crypto/hash/hash.h"

namespace dsperse::crypto {
namespace {

Digest hash_of(std::string_view s) { return hash({reinterpret_cast<const std::uint8_t*>(s.data()), s.size()}); }

void put_u64(std::uint8_t* out, std::uint64_t x) {
  for (std::size_t i = 0; i < 8; ++i) out[i] = static_cast<std::uint8_t>(x >> (8 * i));
}

constexpr std::size_t kBatch = 16;
constexpr std::size_t kBlock = 64, kChunk = kBlock * kChunkBlocks;
using Batch = std::array<Digest, kBatch>;

/// Block b of a leaf.
void write_block(std::size_t b, const Digest& salt, std::span<const Fp> column, std::uint8_t* out) {
  std::memset(out, 0, kBlock);
  if (b == 0) {
    std::memcpy(out, salt.data(), salt.size());
    put_u64(out + salt.size(), column.size());
    return;
  }
  const std::size_t first = 8 * (b - 1), count = std::min<std::size_t>(8, column.size() - first);
  for (std::size_t i = 0; i < count; ++i) put_u64(out + 8 * i, column[first + i].v);
}

/// One level of BLAKE3's tree over chunks: neighbours become parents, an odd last one moves up.
void merge_level(std::vector<Batch>& level, std::size_t count, const KeyWords& key) {
  std::array<std::array<std::uint8_t, kBlock>, kBatch> pairs;
  std::array<const std::uint8_t*, kBatch> inputs;
  const auto root = static_cast<std::uint8_t>(level.size() == 2 ? kRoot : 0);
  const std::size_t parents = level.size() / 2;
  for (std::size_t p = 0; p < parents; ++p) {
    for (std::size_t i = 0; i < count; ++i) {
      std::memcpy(pairs[i].data(), level[2 * p][i].data(), 32);
      std::memcpy(pairs[i].data() + 32, level[2 * p + 1][i].data(), 32);
      inputs[i] = pairs[i].data();
    }
    compress_many(std::span(inputs).first(count), 1, key, 0, false, {static_cast<std::uint8_t>(kKeyed | kParent | root), 0, 0},
                  level[p][0].data());
  }
  if (level.size() % 2 != 0) level[parents] = level.back();
  level.resize((level.size() + 1) / 2);
}

}  // namespace

const Digest& leaf_key() {
  static const Digest key = hash_of("dsperse leaf v1");
  return key;
}
const Digest& node_key() {
  static const Digest key = hash_of("dsperse node v1");
  return key;
}

void hash_leaves(std::size_t rows, std::span<const Fp> columns, std::span<const Digest> salts, std::span<Digest> out) {
  const KeyWords key = key_words(leaf_key());
  const std::size_t blocks = leaf_blocks(rows), chunks = (blocks + kChunkBlocks - 1) / kChunkBlocks;
  const auto root = static_cast<std::uint8_t>(chunks == 1 ? kRoot : 0);
  std::vector<std::array<std::uint8_t, kChunk>> data(std::min(kBatch, out.size()));
  std::array<const std::uint8_t*, kBatch> inputs;
  std::vector<Batch> level;
  for (std::size_t first = 0; first < out.size(); first += kBatch) {
    const std::size_t count = std::min(kBatch, out.size() - first);
    level.resize(chunks);
    for (std::size_t c = 0; c < chunks; ++c) {
      const std::size_t n = std::min(kChunkBlocks, blocks - c * kChunkBlocks);
      for (std::size_t i = 0; i < count; ++i) {
        for (std::size_t b = 0; b < n; ++b)
          write_block(c * kChunkBlocks + b, salts[first + i], columns.subspan((first + i) * rows, rows),
                      data[i].data() + kBlock * b);
        inputs[i] = data[i].data();
      }
      compress_many(std::span(inputs).first(count), n, key, c, false,
                    {kKeyed, kChunkStart, static_cast<std::uint8_t>(kChunkEnd | root)}, level[c][0].data());
    }
    while (level.size() > 1) merge_level(level, count, key);
    std::copy_n(level[0].begin(), count, out.begin() + static_cast<std::ptrdiff_t>(first));
  }
}

void hash_nodes(std::span<const Digest> in, std::span<Digest> out) {
  static_assert(sizeof(Digest) == 32);
  if (out.empty()) return;
  hash_pairs(key_words(node_key()), in[0].data(), out.size(), out[0].data());
}

}  // namespace dsperse::crypto
