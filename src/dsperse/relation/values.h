// The prover's integers behind a Relation: tensors, accumulators of products, looked-up tuples, multiplicities.
//
// Prover only. Not here: challenges (prover.h). Tested by ops/ops_test.cc.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "dsperse/base/words.h"
#include "dsperse/relation/column.h"
#include "dsperse/relation/integers.h"

namespace dsperse::relation {

/// Changes tests make before what follows from the values is computed.
struct ValueForge {
  std::function<void(class Values&)> tensors = {};         ///< after limbs, offsets and pool steps, before the tuples
  std::function<void(class Values&)> columns = {};         ///< after the tuples, before they are counted
  std::function<void(class Values&)> multiplicities = {};  ///< after they were counted
};

/// A faster source of accumulators: fills the product sums of an op of the program (flat order of its output), or returns false.
using Accumulate = std::function<bool(std::uint32_t op, std::span<std::int64_t> out)>;

class Values {
 public:
  /// weights by WeightId, trace by TensorId; both must outlive this. Computes everything else, in bulk (bulk.h) unless there is a
  /// forge. accumulate: where to ask for products before multiplying them out here.
  Values(const Relation& relation, const quantize::WeightStore& weights, const quantize::TensorStore& trace,
         const ValueForge* forge = nullptr, const Accumulate& accumulate = {});

  [[nodiscard]] const Relation& relation() const { return relation_; }
  [[nodiscard]] IntView tensor(TensorRef ref) const { return tensors_[ref]; }
  /// Mutable copy of a tensor, used from then on.
  std::vector<std::int64_t>& own(TensorRef ref);
  /// Accumulators of product i: multiplied out anew, unless there is a forge, which may change them.
  [[nodiscard]] std::vector<std::int64_t> product(std::uint32_t i) const;
  [[nodiscard]] std::vector<std::int64_t>& product(std::uint32_t i) { return products_[i]; }
  /// Column c of lookup i at every element of its site. A view of the tensor that it reads in its own order, if it does just
  /// that.
  [[nodiscard]] ColumnView column(std::uint32_t i, std::size_t c) const { return columns_[i][c].view; }
  /// Mutable copy of a column, used from then on.
  std::vector<Fp>& own_column(std::uint32_t i, std::size_t c);
  /// The sum of terms at every element of a site.
  [[nodiscard]] std::vector<Fp> evaluate(const Terms& terms, const Shape& site) const;
  /// Tuples that are in no table, more or less: zero for an honest trace, and only if there is none.
  [[nodiscard]] std::uint64_t missing() const { return missing_; }

 private:
  struct Column {
    ColumnView view;
    std::vector<Fp> own;
  };
  void multiply(std::uint32_t product, const std::vector<IntView>& tensors, std::span<std::int64_t> out) const;
  bool accumulated(std::uint32_t product, std::span<std::int64_t> out, const Accumulate& accumulate) const;
  void fill_in_field(const ValueForge& forge, const Accumulate& accumulate);
  void fill_requantization(std::uint32_t index);
  void add_term(const Term& term, const Shape& site, std::vector<Fp>& out) const;
  void fill_digit(TensorRef ref);
  void count();

  const Relation& relation_;
  std::vector<IntView> tensors_;
  std::vector<std::vector<std::int64_t>> owned_;     // by TensorRef: what a forge made or changed
  std::vector<std::vector<std::int64_t>> products_;  // with a forge
  Words storage_;                                    // of what was filled in bulk
  std::vector<std::vector<Column>> columns_;         // by lookup
  std::uint64_t missing_ = 0;
};

}  // namespace dsperse::relation
