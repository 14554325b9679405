// The prover's fraction tree: kept levels built once, given up one by one from the root down; the two levels at the leaves are
// not kept but read from the columns again, which is faster than fresh memory.
//
// Prover only. Not here: what a level's rounds do (level_rounds.h), how leaves are computed (leaves.h).
// Tested by crypto/lookup/lookup_test.cc.
#pragma once

#include <optional>
#include <span>

#include "dsperse/crypto/lookup/fraction_tree.h"
#include "dsperse/crypto/lookup/level_rounds.h"
#include "dsperse/crypto/lookup/numerators.h"

namespace dsperse::crypto {

/// Memory beside the columns: 8 D bytes a leaf, up to the last tuple. (A lambda of zero at the two lowest levels, as likely as
/// one guess in |E|, makes it keep everything.)
template <int D>
class FractionLevels final : public FractionProver<D>, RoundProver<D> {
 public:
  /// Leaf i is p[i] / q[i]; a power of two of them; denominators not zero. Keeps all levels.
  FractionLevels(std::span<const Ext<D>> p, std::span<const Ext<D>> q);
  /// The same of a lookup's leaves.
  explicit FractionLevels(Leaves<D> leaves);

  std::array<Ext<D>, 2> root() override { return root_; }
  RoundProver<D>* level(std::size_t k, std::span<const Ext<D>> point, const Ext<D>& lambda) override;
  std::array<Ext<D>, 4> level_end() override;

 private:
  using E = Ext<D>;
  using Kind = typename LevelRounds<D>::Kind;
  std::array<E, 2> round() override;
  void bind(const E& x) override;

  void keep(std::span<const E> p, std::span<const E> q);
  void build();

  std::optional<Leaves<D>> leaves_;
  NodeStore<D> store_;
  std::array<E, 2> root_;

  Kind kind_ = Kind::kept;
  LevelRounds<D> rounds_;
  Numerators<D> numerators_;
  E lambda_, inverse_;
};

}  // namespace dsperse::crypto
