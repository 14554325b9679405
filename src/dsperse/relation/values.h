// The prover's integers behind a Relation: tensors, accumulators of products, looked-up tuples, multiplicities.
//
// Prover only. Not here: challenges (prover.h). Tested by ops/ops_test.cc.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "dsperse/relation/relation.h"

namespace dsperse::relation {

/// A read-only integer tensor in its stored width.
struct IntView {
  const std::int16_t* narrow = nullptr;
  const std::int32_t* normal = nullptr;
  const std::int64_t* wide = nullptr;
  std::size_t size = 0;

  IntView() = default;
  explicit IntView(std::span<const std::int16_t> v) : narrow(v.data()), size(v.size()) {}
  explicit IntView(std::span<const std::int32_t> v) : normal(v.data()), size(v.size()) {}
  explicit IntView(std::span<const std::int64_t> v) : wide(v.data()), size(v.size()) {}
  [[nodiscard]] std::int64_t at(std::size_t i) const {
    return normal != nullptr ? normal[i] : narrow != nullptr ? narrow[i] : wide[i];
  }
};

/// A column of looked-up values in the narrowest storage that holds it: exactly one pointer is set.
struct ColumnView {
  const std::int16_t* narrow = nullptr;
  const std::int32_t* normal = nullptr;
  const Fp* wide = nullptr;
  std::size_t size = 0;

  [[nodiscard]] Fp at(std::size_t i) const {
    return narrow != nullptr ? Fp::from_signed(narrow[i]) : normal != nullptr ? Fp::from_signed(normal[i]) : wide[i];
  }
};

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
  /// weights by WeightId, trace by TensorId; both must outlive this. Computes everything else. accumulate: where to ask for
  /// products before multiplying them out here.
  Values(const Relation& relation, const quantize::WeightStore& weights, const quantize::TensorStore& trace,
         const ValueForge* forge = nullptr, const Accumulate& accumulate = {});

  [[nodiscard]] const Relation& relation() const { return relation_; }
  [[nodiscard]] IntView tensor(TensorRef ref) const { return tensors_[ref]; }
  /// Mutable copy of a tensor, used from then on.
  std::vector<std::int64_t>& own(TensorRef ref);
  /// Accumulators of product i.
  [[nodiscard]] std::vector<std::int64_t>& product(std::uint32_t i) { return products_[i]; }
  [[nodiscard]] const std::vector<std::int64_t>& product(std::uint32_t i) const { return products_[i]; }
  /// Column c of lookup i at every element of its site. A view of the tensor that it reads in its own order, if it does just
  /// that.
  [[nodiscard]] ColumnView column(std::uint32_t i, std::size_t c) const { return columns_[i][c].view; }
  /// Mutable copy of a column, used from then on.
  std::vector<Fp>& own_column(std::uint32_t i, std::size_t c);
  /// The sum of terms at every element of a site.
  [[nodiscard]] std::vector<Fp> evaluate(const Terms& terms, const Shape& site) const;
  /// Tuples that are in no table: zero for an honest trace.
  [[nodiscard]] std::uint64_t missing() const { return missing_; }

 private:
  void multiply(std::uint32_t product);
  bool accumulated(std::uint32_t product, const Accumulate& accumulate);
  void fill_requantization(std::uint32_t index);
  void add_term(const Term& term, const Shape& site, std::vector<Fp>& out) const;
  void fill_digit(TensorRef ref);
  [[nodiscard]] ColumnView in_place(const Terms& terms, const Shape& site) const;
  void count();
  std::vector<std::int64_t>& make(TensorRef ref);

  struct Column {
    ColumnView view;
    std::vector<Fp> own;
  };

  const Relation& relation_;
  std::vector<IntView> tensors_;
  std::vector<std::vector<std::int64_t>> owned_;  // by TensorRef
  std::vector<std::vector<std::int64_t>> products_;
  std::vector<std::vector<Column>> columns_;  // by lookup
  std::uint64_t missing_ = 0;
};

std::int64_t to_signed(Fp x);

}  // namespace dsperse::relation
