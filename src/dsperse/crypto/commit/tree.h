// The prover's side of a commitment: encode rows, hash columns, keep what openings need.
//
// Rows are views, so weights are read straight from their storage. Codewords lie in tiles of 8 rows, one BLAKE3 block per tile
// and column; the caller chooses whether they stay in memory or are computed again for an opening. Salts are expanded again when
// opened. Deterministic in (rows, salts): roots and openings do not depend on threads, kernel or that choice.
// Source: docs/protocol/commitments.md. Tested by crypto/commit/tree_test.cc.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "dsperse/crypto/commit/opening.h"
#include "dsperse/crypto/field/symbols.h"

namespace dsperse::crypto {

/// A row of a tableau: code.kd() data symbols, and code.r pads (canonical).
struct TableauRow {
  Symbols data;
  const Fp* pads = nullptr;
};

/// What becomes of the codewords after the commitment.
enum class Codewords : std::uint8_t {
  kept,        ///< in memory, 8 n / kd bytes a symbol; an opening copies columns (a cache miss a tile and column)
  recomputed,  ///< not stored; an opening encodes again what its columns need: about half the time of the commitment
};

/// Bytes of a tree of so many rows, exact: what it holds, and what its making and an opening of t columns take on top of that for
/// each of them. Rows are the caller's and not counted, nor is the opening itself.
struct TreeBytes {
  std::size_t held = 0, commit = 0, open = 0;
};
TreeBytes tree_bytes(const Code& code, std::size_t rows, Codewords codewords, std::size_t threads);

class Tree {
 public:
  /// What the rows point to must stay as it is: until this returns if codewords are kept, until the last opening otherwise.
  /// salt_seed: secret, for this tree only. Needs k <= n. Cost with AVX-512, salts and tree included: about 10-13 ns a data
  /// symbol at rate 1/4 and half of that at 1/2 on one thread; trees of few rows pay salts on top.
  static Tree commit(const Code& code, std::vector<TableauRow> rows, const Digest& salt_seed,
                     Codewords codewords = Codewords::kept);

  Tree(Tree&&) noexcept;
  Tree& operator=(Tree&&) noexcept;
  ~Tree();

  [[nodiscard]] const Digest& root() const;
  [[nodiscard]] const Code& code() const;
  [[nodiscard]] std::size_t rows() const;
  [[nodiscard]] Codewords codewords() const;
  /// Columns, salts and multi-path at ascending distinct indices below n. Counts against the tree's r: see the proof room.
  [[nodiscard]] Opening open(std::span<const std::uint32_t> indices) const;

 private:
  struct Impl;
  explicit Tree(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace dsperse::crypto
