// The kept levels of a fraction tree in one piece of memory, made from the lowest up.
//
// A level is four tables p0, p1, q0, q1: node 2i is p0[i] / q0[i], node 2i + 1 is p1[i] / q1[i]. Only a prefix is stored; nodes
// beyond it are (0, 1). Rounds of a level go to and fro between its own place and the next higher one, which is empty by then.
// Prover only. Tested by crypto/lookup/lookup_test.cc.
#pragma once

#include <array>
#include <vector>

#include "dsperse/base/words.h"
#include "dsperse/crypto/field/extension.h"

namespace dsperse::crypto {

template <int D>
class NodeStore {
 public:
  using Word = std::uint64_t;
  using Tables = std::array<Word*, 4>;
  static constexpr std::size_t kBlock = 8 * static_cast<std::size_t>(D);
  /// Blocks that may be written behind each table: rounds work on multiples of four.
  static constexpr std::size_t kSpare = 3;

  NodeStore() = default;
  /// Level 0 has tables of 2^vars entries of which `blocks` blocks are stored.
  NodeStore(std::size_t vars, std::size_t blocks);

  /// Tables of level i, vars + 1 levels and one place more.
  [[nodiscard]] Tables tables(std::size_t i, std::size_t block = 0);
  [[nodiscard]] std::size_t blocks(std::size_t i) const { return places_[i].blocks; }
  [[nodiscard]] std::size_t vars(std::size_t i) const { return vars_ - i; }

  /// Nodes of level i + 1 in blocks [begin, end) from those of level i.
  void raise(std::size_t i, std::size_t begin, std::size_t end);
  /// The same entry in all of some blocks.
  static void fill(Word* table, std::size_t blocks, const Ext<D>& e);
  /// p and q of the root.
  [[nodiscard]] std::array<Ext<D>, 2> root();

 private:
  struct Place {
    std::size_t blocks = 0, at = 0;
  };
  std::size_t vars_ = 0;
  std::vector<Place> places_;
  Words words_;
};

}  // namespace dsperse::crypto
