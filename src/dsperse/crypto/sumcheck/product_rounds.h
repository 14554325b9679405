// The prover's tables of a sumcheck over a product of two multilinear tables.
//
// Prover only. Tested by crypto/sumcheck/sumcheck_test.cc.
#pragma once

#include <optional>

#include "dsperse/crypto/poly/multilinear.h"
#include "dsperse/crypto/sumcheck/sumcheck.h"

namespace dsperse::crypto {

/// Rounds of sum_i a[i] b[i]; sizes equal, a power of two. Binding a variable computes the next round in the same pass.
template <int D>
class ProductRounds final : public RoundProver<D> {
 public:
  ProductRounds(ExtVec<D> a, ExtVec<D> b) : a_(std::move(a)), b_(std::move(b)) {}

  /// The sum itself: the claim.
  [[nodiscard]] Ext<D> sum() const { return inner(a_, b_); }
  std::array<Ext<D>, 2> round() override { return next_ ? *next_ : quadratic_round(a_, b_); }
  void bind(const Ext<D>& x) override {
    if (a_.size() > 2) {
      next_ = fold_quadratic_round(a_, b_, x);
    } else {
      fold(a_, x);
      fold(b_, x);
    }
  }
  /// Both tables at the point, when all variables are bound.
  [[nodiscard]] std::array<Ext<D>, 2> ends() const { return {a_[0], b_[0]}; }

 private:
  ExtVec<D> a_, b_;
  std::optional<std::array<Ext<D>, 2>> next_;
};

}  // namespace dsperse::crypto
