// The prover's side of a commitment: encode rows, hash columns, keep what openings need.
//
// Rows are produced by a callback, so weights are read straight from their storage. Codewords are kept in tiles of 8 rows, one
// BLAKE3 block per tile and column (8 n bytes a row); salts are expanded again when opened. Deterministic in (rows, salts): bytes
// do not depend on threads or kernel. Source: docs/protocol/commitments.md. Tested by crypto/commit/tree_test.cc.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "dsperse/crypto/commit/opening.h"

namespace dsperse::crypto {

class Tree {
 public:
  /// fill(i, out): writes the code.k() coefficients (data, then pads) of row i, all canonical. Called once per row, in any order,
  /// from several threads; it must not throw. salt_seed: secret, for this tree only. Needs k <= n. Cost with AVX-512, salts and
  /// tree included: about 11-15 ns a data symbol at rate 1/4 and 6-7 ns at 1/2 on one thread; trees of few rows pay salts on top.
  static Tree commit(const Code& code, std::size_t rows, const std::function<void(std::size_t, std::span<Fp>)>& fill,
                     const Digest& salt_seed);

  Tree(Tree&&) noexcept;
  Tree& operator=(Tree&&) noexcept;
  ~Tree();

  [[nodiscard]] const Digest& root() const;
  [[nodiscard]] const Code& code() const;
  [[nodiscard]] std::size_t rows() const;
  /// Columns, salts and multi-path at ascending distinct indices below n. Counts against the tree's r: see the proof room.
  [[nodiscard]] Opening open(std::span<const std::uint32_t> indices) const;
  /// Bytes held.
  [[nodiscard]] std::size_t memory_bytes() const;

 private:
  struct Impl;
  explicit Tree(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace dsperse::crypto
