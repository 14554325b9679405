// The schedule of a slice: every check of a Relation, declared once for prover, verifier and dry run.
//
//   V beta, alpha        P root p, q, 1/q; per tree level: V lambda, rounds, P p0 p1 q0 q1, V mu
//   P one value per product at its point; per identity: V point
//   per product: rounds, P both factors' end values
//   V rho, P e and d per product slot
// All messages are hidden or uniform. Source: docs/protocol/relations.md. Tested by proof/slice_test.cc.
#pragma once

#include <functional>
#include <memory>
#include <span>

#include "dsperse/crypto/lookup/fraction_tree.h"
#include "dsperse/relation/maps.h"

namespace dsperse::relation {

/// Where a public tensor's values are; null: committed. Does not own them.
class PublicTensor {
 public:
  PublicTensor(std::nullptr_t = nullptr) {}                                   // NOLINT(google-explicit-constructor)
  PublicTensor(const quantize::IntTensor* values) : values_(values) {}        // NOLINT(google-explicit-constructor)
  PublicTensor(const quantize::WeightValues* weights) : weights_(weights) {}  // NOLINT(google-explicit-constructor)
  explicit operator bool() const { return values_ != nullptr || weights_ != nullptr; }
  /// <vectors, values>, row major: one pass over the values, which are then folded axis by axis.
  template <int D>
  [[nodiscard]] crypto::Ext<D> evaluate(const Vectors<D>& vectors) const;

 private:
  const quantize::IntTensor* values_ = nullptr;
  const quantize::WeightValues* weights_ = nullptr;
};
/// By TensorRef.
using PublicTensors = std::vector<PublicTensor>;

/// What the prover adds to the schedule. Null for verifier and dry run.
template <int D>
class Witness {
 public:
  using E = crypto::Ext<D>;
  virtual ~Witness() = default;
  /// Leaves 1 / (alpha - compressed tuple) of all lookups.
  virtual crypto::FractionProver<D>* leaves(const E& alpha, const std::vector<E>& beta_powers) = 0;
  /// The product's value under the bound claim; keeps its tables for rounds(). Different ones may be asked for at a time.
  virtual E product(std::uint32_t index, const BoundProduct<D>& bound) = 0;
  /// Rounds of the product of that index; then the two end values.
  virtual crypto::RoundProver<D>* rounds(std::uint32_t index) = 0;
  virtual std::array<E, 2> product_end(std::uint32_t index) = 0;
  /// body(i) for all i < sizes.size(), on as many threads as there are; sizes[i] is its work.
  virtual void side_by_side(std::span<const std::size_t> sizes, const std::function<void(std::size_t)>& body) = 0;
};

/// Runs the schedule. Claims name tensors by TensorRef. Public tensors must be present unless the party is dry.
template <int D>
void run_schedule(crypto::Party<D>& party, const Relation& relation, const PublicTensors& publics, Witness<D>* witness);

}  // namespace dsperse::relation
