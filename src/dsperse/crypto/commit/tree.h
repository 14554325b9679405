// The prover's side of a commitment: encode rows, hash columns, keep what openings need.
//
// Rows are produced by a callback, so weights are read straight from their storage. Codewords are kept in tiles of 8 rows:
// word [tile][column][lane], one BLAKE3 block per tile and column. Deterministic in (rows, salts): bytes do not depend on
// threads or kernel. Tested by crypto/commit/commit_test.cc.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "dsperse/crypto/commit/opening.h"

namespace dsperse::crypto {

class Tree {
 public:
  /// fill(i, out): writes the code.k() coefficients (data, then pads) of row i, all canonical. Called once per row, from
  /// several threads. salt_seed: salts are its XOF. Cost: about 20-45 ns a symbol of the rows at rate 1/4.
  static Tree commit(const Code& code, std::size_t rows, const std::function<void(std::size_t, std::span<Fp>)>& fill,
                     const Digest& salt_seed);

  Tree(Tree&&) noexcept;
  Tree& operator=(Tree&&) noexcept;
  ~Tree();

  [[nodiscard]] const Digest& root() const;
  [[nodiscard]] const Code& code() const;
  [[nodiscard]] std::size_t rows() const;
  /// Columns, salts and multi-path at ascending distinct indices.
  [[nodiscard]] Opening open(std::span<const std::uint32_t> indices) const;
  /// Bytes held.
  [[nodiscard]] std::size_t memory_bytes() const;

 private:
  struct Impl;
  explicit Tree(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace dsperse::crypto
