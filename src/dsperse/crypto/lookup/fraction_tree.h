// LogUp's sum of fractions by a GKR tree with hidden messages: sum over the leaves of p / q equals a public functional.
//
// Node (p, q) of children (p0, q0), (p1, q1): p = p0 q1 + p1 q0, q = q0 q1; the child bit is bit 0 of the index. The prover's
// levels are behind FractionProver. Source: docs/protocol/lookups.md (Papini-Haboeck, eprint 2023/1284).
// Tested by crypto/lookup/lookup_test.cc.
#pragma once

#include <memory>

#include "dsperse/crypto/sumcheck/sumcheck.h"

namespace dsperse::crypto {

template <int D>
class FractionProver {
 public:
  virtual ~FractionProver() = default;
  /// p and q of the root; q is not zero.
  virtual std::array<Ext<D>, 2> root() = 0;
  /// Rounds of level k (k variables): h over eq(point, .) of p0 q1 + p1 q0 + lambda q0 q1. Valid until the next call.
  virtual RoundProver<D>* level(std::size_t k, std::span<const Ext<D>> point, const Ext<D>& lambda) = 0;
  /// p0, p1, q0, q1 at the end of the level's rounds.
  virtual std::array<Ext<D>, 4> level_end() = 0;
};

template <int D>
struct FractionEnd {
  std::vector<Ext<D>> point;  ///< n_vars
  Form<D> p, q;               ///< the leaf tables there
};

/// Proves sum over 2^n_vars leaves of p / q = tables.
template <int D>
FractionEnd<D> fraction_tree(Party<D>& party, std::size_t n_vars, const Form<D>& tables, FractionProver<D>* prover);

}  // namespace dsperse::crypto
