// Hashes of the Merkle tree over a tableau's columns, many at a time, in the formats of opening.h. Both sides use them.
//
// Portable: BLAKE3's own assembly does the work (crypto/hash/compress.h). Tested by crypto/commit/opening_test.cc.
#pragma once

#include <span>

#include "dsperse/base/bytes.h"
#include "dsperse/crypto/field/goldilocks.h"
#include "dsperse/crypto/hash/compress.h"

namespace dsperse::crypto {

/// 64-byte blocks of a leaf: one for salt and row count, then one for each 8 rows.
constexpr std::size_t leaf_blocks(std::size_t rows) { return 1 + (rows + 7) / 8; }
inline constexpr std::size_t kChunkBlocks = 16;  ///< blocks of a BLAKE3 chunk

/// Keys of leaves and of inner nodes: BLAKE3 of "dsperse leaf v1" and of "dsperse node v1".
const Digest& leaf_key();
const Digest& node_key();

/// out[i] = leaf of salts[i] and column i: elements [i * rows, (i + 1) * rows) of `columns`.
void hash_leaves(std::size_t rows, std::span<const Fp> columns, std::span<const Digest> salts, std::span<Digest> out);
/// out[i] = node of in[2 i] and in[2 i + 1]. in.size() = 2 out.size(); out may not overlap in.
void hash_nodes(std::span<const Digest> in, std::span<Digest> out);

}  // namespace dsperse::crypto
