// How often each row of a table is looked up: rows found by their place in a segment, counted in small integers.
//
// Prover only. Tested by ops/ops_test.cc.
#pragma once

#include <array>
#include <span>
#include <vector>

#include "dsperse/relation/column.h"
#include "dsperse/relation/relation.h"

namespace dsperse::relation {

/// A table for lookups by integers. The table must outlive it.
class TableIndex {
 public:
  TableIndex() = default;
  explicit TableIndex(const Table& table);

  /// Smallest and largest entry of column c.
  [[nodiscard]] const std::array<std::int64_t, 2>& bounds(std::size_t c) const { return bounds_[c]; }
  [[nodiscard]] std::size_t rows() const { return table_->rows.size(); }

  /// counts[row] += 1 for the tuple of every element of [begin, end); returns how many are no row.
  std::uint64_t count(std::span<const ColumnView> columns, std::size_t begin, std::size_t end, std::uint32_t* counts) const;

 private:
  template <class Key, class Other>
  std::uint64_t count_by_key(const Key* key, const Other* other, std::size_t begin, std::size_t end, std::uint32_t* counts) const;
  template <class First, class Key>
  std::uint64_t count_by_both(const First* first, const Key* key, std::size_t begin, std::size_t end,
                              std::uint32_t* counts) const;
  std::uint64_t count_any(std::span<const ColumnView> columns, std::size_t begin, std::size_t end, std::uint32_t* counts) const;
  [[nodiscard]] const Table::Segment* segment(std::int64_t first, std::int64_t key) const;

  const Table* table_ = nullptr;
  std::array<std::array<std::int64_t, 2>, kMaxWidth> bounds_{};
  std::vector<std::int32_t> other_;  ///< column 1 of a table of width 2 and key 0, if it fits
};

}  // namespace dsperse::relation
