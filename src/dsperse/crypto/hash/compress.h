// BLAKE3 from below: chaining values of many inputs of equal length at once, by the official assembly.
//
// For the expander of seeds and for Merkle trees; all else uses hash.h. Tested by crypto/hash/hash_test.cc against hash.h.
#pragma once

#include <cstdint>
#include <span>

#include "dsperse/base/bytes.h"

namespace dsperse::crypto {

/// Words of a 32-byte key, as BLAKE3 reads them.
using KeyWords = std::array<std::uint32_t, 8>;
KeyWords key_words(const Digest& key);

/// BLAKE3's domain flags.
enum BlockFlag : std::uint8_t { kChunkStart = 1, kChunkEnd = 2, kParent = 4, kRoot = 8, kKeyed = 16 };

/// flags for every block, start and end in addition for an input's first and last block.
struct ManyFlags {
  std::uint8_t flags, start, end;
};

/// out[i] (32 bytes each) = chaining value after `blocks` 64-byte blocks at inputs[i], started from `key`; block counter
/// `counter`, or counter + i if `counting`.
void compress_many(std::span<const std::uint8_t* const> inputs, std::size_t blocks, const KeyWords& key, std::uint64_t counter,
                   bool counting, ManyFlags flags, std::uint8_t* out);

/// Blocks [first, first + out.size() / 32) of a SeedStream with this key (see hash.h). out.size() is a multiple of 32.
void expand_key(const KeyWords& key, std::uint64_t first, std::span<std::uint8_t> out);

/// Keyed BLAKE3 of n inputs of 64 bytes that lie one after another.
void hash_pairs(const KeyWords& key, const std::uint8_t* in, std::size_t n, std::uint8_t* out);

}  // namespace dsperse::crypto
