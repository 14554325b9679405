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

/// One axis of a product's factor as a sparse matrix: kept letters' assignments (row major) x axis entries.
template <int D>
struct AxisRows {
  std::vector<std::uint32_t> kept;  ///< letters that stay, in order of the map
  Shape kept_sizes;
  std::int64_t size = 0;                                   ///< of the axis
  using Entry = std::pair<std::uint32_t, crypto::Ext<D>>;  ///< (axis entry, weight)
  std::vector<Entry> entries;                              ///< row by row
  std::vector<std::size_t> ends;                           ///< of each row in entries

  [[nodiscard]] std::size_t rows() const { return ends.size(); }
  [[nodiscard]] std::span<const Entry> row(std::size_t r) const {
    const std::size_t begin = r == 0 ? 0 : ends[r - 1];
    return std::span<const Entry>(entries).subspan(begin, ends[r] - begin);
  }
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
