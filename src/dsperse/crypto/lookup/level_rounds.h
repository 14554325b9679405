// The rounds of one level: tables in a NodeStore, or read from the leaves in the first two rounds and kept from then on.
//
// Kinds of levels and their tables t, summand s:
//   kept    p0 + lambda q0, p1, q0, q1                 t0 t3 + t1 t2
//   nodes   a0, -b1, b0, a1 of a = Y Y' - p p',        t0 t3 + t1 t2 = lambda^3 (p0 q1 + p1 q0 + lambda q0 q1)
//           b = p Y' + p' Y - 2 p p' of two leaves
//   leaves  Y0, Y1 with Y = lambda q + p               t0 t1 = lambda (p0 q1 + p1 q0 + lambda q0 q1) + p0 p1
// Prover only. Tested by crypto/lookup/lookup_test.cc.
#pragma once

#include <optional>

#include "dsperse/crypto/lookup/leaves.h"
#include "dsperse/crypto/lookup/node_store.h"
#include "dsperse/crypto/lookup/split_eq.h"

namespace dsperse::crypto {

template <int D>
class LevelRounds {
 public:
  using E = Ext<D>;
  enum class Kind { kept, nodes, leaves };

  LevelRounds() = default;
  /// A level of the store.
  LevelRounds(NodeStore<D>& store, std::size_t level, std::span<const E> point, const E& lambda);
  /// kind nodes or leaves; the store's levels have been given up.
  LevelRounds(Kind kind, const Leaves<D>& leaves, NodeStore<D>& store, std::span<const E> point, const E& lambda);

  /// Sums of eq s at 0 and 2 over all entries, the unstored ones included.
  [[nodiscard]] std::array<E, 2> round() const { return next_; }
  void bind(const E& x);
  /// The tables' values when all variables are bound.
  [[nodiscard]] const std::array<E, 4>& ends() const { return ends_; }

 private:
  using Word = std::uint64_t;
  using Tables = typename NodeStore<D>::Tables;

  /// Sums over eq blocks, `grain` of them at a time: body(begin, end, eq, sums) on ranges within one chunk of eq.
  template <class Body>
  void sum(std::size_t eq_blocks, std::size_t grain, const Body& body);
  /// The same over leaves, `each` blocks of them a block of eq: body(first block of eq, leaves, bits of tuples, blocks of leaves,
  /// eq, sums) where there are tuples.
  template <class Body>
  void sum_leaves(std::size_t each, const Body& body, bool folding = false);
  bool of_integers(std::size_t first, std::size_t n, const Word* eq, Word* sums) const;
  void fold_leaves(const E& x);
  void fold_stored(const E& x);
  /// s of an entry that is not stored.
  [[nodiscard]] E unstored_sum() const;
  [[nodiscard]] std::size_t tables() const { return kind_ == Kind::leaves ? 2 : 4; }

  Kind kind_ = Kind::kept;
  const Leaves<D>* leaves_ = nullptr;  ///< as long as the tables are read from them
  std::optional<typename Leaves<D>::Affine> affine_;
  Tables t_{}, other_{};
  std::size_t vars_ = 0, blocks_ = 0;  ///< 2^vars entries; stored ones of each table
  std::array<E, 4> unstored_;          ///< the tables' entries that are not stored
  SplitEq<D> eq_;
  std::array<E, 2> next_;
  std::array<E, 4> ends_;
};

}  // namespace dsperse::crypto
