// Public linear maps on axes: how vectors on a site's letters become vectors on a tensor's axes, and the matrices of products.
//
// Shared by both parties. Tested by relation/relation_test.cc.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "dsperse/crypto/field/extension.h"
#include "dsperse/relation/relation.h"

namespace dsperse::relation {

template <int D>
using Vectors = std::vector<std::vector<crypto::Ext<D>>>;

/// out[i] = sum over the map's letters, where they address i, of the product of their vectors. Letters beyond vectors.size()
/// are the extra ones, of the given sizes, and weigh one.
template <int D>
std::vector<crypto::Ext<D>> axis_vector(const AxisMap& map, std::int64_t size, const Vectors<D>& vectors, const Shape& extra);

/// Rows of (column, weight), one after another in two vectors.
template <int D>
class SparseRows {
 public:
  using Entry = std::pair<std::uint32_t, crypto::Ext<D>>;
  void reserve(std::size_t rows) { ends_.reserve(rows); }
  /// Appends to the row that end_row() closes.
  void add(std::uint32_t column, const crypto::Ext<D>& weight) { entries_.emplace_back(column, weight); }
  void end_row() { ends_.push_back(entries_.size()); }

  [[nodiscard]] std::size_t size() const { return ends_.size(); }
  std::span<const Entry> operator[](std::size_t row) const {
    const std::size_t begin = row == 0 ? 0 : ends_[row - 1];
    return std::span<const Entry>(entries_).subspan(begin, ends_[row] - begin);
  }

 private:
  std::vector<Entry> entries_;
  std::vector<std::size_t> ends_;
};

/// One axis of a product's factor as a sparse matrix: kept letters' assignments (row major) x axis entries.
template <int D>
struct AxisRows {
  std::vector<std::uint32_t> kept;  ///< letters that stay, in order of the map
  Shape kept_sizes;
  std::int64_t size = 0;  ///< of the axis
  SparseRows<D> rows;
};

/// A product with the claim's vectors joined: both factors' matrices and the letters of the sumcheck.
template <int D>
struct BoundProduct {
  std::vector<std::uint32_t> shared;  ///< letters in both factors, ascending; the last has the lowest variables
  std::vector<unsigned> bits;         ///< per shared letter
  unsigned vars = 0;
  std::vector<AxisRows<D>> a, b;

  /// First variable of the shared letter.
  [[nodiscard]] unsigned shift(std::uint32_t letter) const;
};
/// Letters and variables alone, no rows: what a dry run needs.
template <int D>
BoundProduct<D> shared_letters(const Product& product);
template <int D>
BoundProduct<D> bind_product(const Product& product, const Vectors<D>& claim);

/// The claim's vectors on one factor after the sumcheck: per axis, rows weighted by eq(point) of their kept letters.
template <int D>
Vectors<D> factor_vectors(const BoundProduct<D>& bound, const std::vector<AxisRows<D>>& factor,
                          std::span<const crypto::Ext<D>> point);

/// Sum of products of all entries, i.e. the product over the axes of the vector's sum.
template <int D>
crypto::Ext<D> total(const std::vector<crypto::Ext<D>>& v);

}  // namespace dsperse::relation
