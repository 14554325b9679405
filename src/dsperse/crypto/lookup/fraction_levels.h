// The prover's levels of a fraction tree: built once from the leaves, given up one by one from the root down.
//
// Prover only. Tested by crypto/lookup/lookup_test.cc.
#pragma once

#include <optional>

#include "dsperse/crypto/lookup/fraction_tree.h"
#include "dsperse/crypto/poly/multilinear.h"

namespace dsperse::crypto {

/// Memory: 64 D / 2 bytes a leaf (its own and all higher levels).
template <int D>
class FractionLevels final : public FractionProver<D>, RoundProver<D> {
 public:
  /// Leaves 2i and 2i + 1 are p0[i] / q0[i] and p1[i] / q1[i]; at least two, a power of two. Denominators not zero.
  explicit FractionLevels(FractionLevel<D> leaves);
  /// A tree of one leaf.
  FractionLevels(const Ext<D>& p, const Ext<D>& q) : root_{p, q} {}

  std::array<Ext<D>, 2> root() override { return root_; }
  RoundProver<D>* level(std::size_t k, std::span<const Ext<D>> point, const Ext<D>& lambda) override;
  std::array<Ext<D>, 4> level_end() override;

 private:
  std::array<Ext<D>, 2> round() override;
  void bind(const Ext<D>& x) override;

  std::vector<FractionLevel<D>> levels_;  ///< leaves first; level k of the tree is the last but k
  FractionLevel<D> now_;                  ///< p0 holds p0 + lambda q0
  ExtVec<D> eq_;
  Ext<D> lambda_;
  std::optional<std::array<Ext<D>, 2>> next_;
  std::array<Ext<D>, 2> root_;
};

}  // namespace dsperse::crypto
