// Opened columns of a Merkle tree over a tableau's columns, and their check: verifier side, no tree in memory.
//
// leaf_j = BLAKE3-keyed(leaf key, salt_j || u64 rows || 24 zero bytes || column_j), the column as canonical little-endian
// words, padded with zero words to a multiple of 8; node = BLAKE3-keyed(node key, left || right). The keys are the BLAKE3
// hashes of two fixed strings. Source: docs/protocol/commitments.md. Tested by crypto/commit/opening_test.cc.
#pragma once

#include <span>
#include <vector>

#include "dsperse/base/bytes.h"
#include "dsperse/base/result.h"
#include "dsperse/crypto/commit/code.h"
#include "dsperse/crypto/field/extension.h"

namespace dsperse::crypto {

/// t columns (column i: elements [i * rows, (i + 1) * rows)), t salts, and the multi-path's sibling digests level by
/// level from the leaves, left to right.
struct Opening {
  std::size_t rows = 0;
  std::vector<Fp> columns;
  std::vector<Digest> salts;
  std::vector<Digest> path;

  [[nodiscard]] std::span<const Fp> column(std::size_t i) const { return {columns.data() + i * rows, rows}; }
};

/// Recomputes the root from the columns at the indices (ascending, distinct, at least one); the path must be used up exactly.
/// Safe on any opening: allocates no more than a constant times what the opening already holds. The root binds opening.rows, yet
/// which number of rows is right is the caller's knowledge. Rejects with "no opened columns", "column indices", "opening shape"
/// (counts do not fit), "element not canonical", "Merkle path too short", "Merkle path too long", "Merkle root".
Verdict check_opening(const Code& code, const Digest& root, std::span<const std::uint32_t> indices, const Opening& opening);

/// Exact number of path digests for these ascending distinct indices in a tree of 2^log_n leaves.
std::size_t path_length(unsigned log_n, std::span<const std::uint32_t> indices);

/// Enc(word)_j = sum_i word[i] column_point(j)^i for a word over E of at most n coefficients, at t distinct indices below n, in
/// their order. Cost: about k log2(t) multiplications of E by F (k coefficients), not t k.
template <int D>
std::vector<Ext<D>> evaluate_word(const Code& code, std::span<const Ext<D>> word, std::span<const std::uint32_t> indices);

}  // namespace dsperse::crypto
