#include "dsperse/relation/counts.h"

#include <algorithm>
#include <limits>

#include "dsperse/relation/integers.h"

namespace dsperse::relation {
namespace {

std::int64_t value(std::int16_t x) { return x; }
std::int64_t value(std::int32_t x) { return x; }
std::int64_t value(Fp x) { return to_signed(x); }

}  // namespace

TableIndex::TableIndex(const Table& table) : table_(&table) {
  for (std::size_t c = 0; c < table.width; ++c) {
    std::array<std::int64_t, 2>& b = bounds_[c];
    b = {std::numeric_limits<std::int64_t>::max(), std::numeric_limits<std::int64_t>::min()};
    for (const auto& row : table.rows) b = {std::min(b[0], to_signed(row[c])), std::max(b[1], to_signed(row[c]))};
  }
  constexpr std::int64_t low = std::numeric_limits<std::int32_t>::min(), high = std::numeric_limits<std::int32_t>::max();
  if (table.width != 2 || table.key != 0 || bounds_[1][0] < low || bounds_[1][1] > high) return;
  for (const auto& row : table.rows) other_.push_back(static_cast<std::int32_t>(to_signed(row[1])));
}

const Table::Segment* TableIndex::segment(std::int64_t first, std::int64_t key) const {
  const std::vector<Table::Segment>& all = table_->segments;
  auto it = std::upper_bound(all.begin(), all.end(), std::pair(first, key),
                             [](const auto& v, const Table::Segment& s) { return v < std::pair(s.first, s.lo); });
  if (it == all.begin()) return nullptr;
  --it;
  return it->first == first && key < it->hi ? &*it : nullptr;
}

std::uint64_t TableIndex::count(std::span<const ColumnView> columns, std::size_t begin, std::size_t end,
                                std::uint32_t* counts) const {
  if (table_->segments.empty()) return end - begin;
  if (table_->width == 1 && table_->key == 0)
    return columns[0].visit([&](const auto* key) { return count_by_key<>(key, key, begin, end, counts); });
  if (table_->width == 2 && table_->key == 0 && !other_.empty())
    return columns[0].visit([&](const auto* key) {
      return columns[1].visit([&](const auto* other) { return count_by_key<>(key, other, begin, end, counts); });
    });
  if (table_->width == 2 && table_->key == 1)
    return columns[0].visit([&](const auto* first) {
      return columns[1].visit([&](const auto* key) { return count_by_both<>(first, key, begin, end, counts); });
    });
  return count_any(columns, begin, end, counts);
}

// The rows of a segment lie in the order of their key, so a key says its row; the segment is most often that of the element
// before.
template <class Key, class Other>
std::uint64_t TableIndex::count_by_key(const Key* key, const Other* other, std::size_t begin, std::size_t end,
                                       std::uint32_t* counts) const {
  std::uint64_t missing = 0;
  const Table::Segment* s = table_->segments.data();
  std::int64_t lo = s->lo, base = s->base;
  auto length = static_cast<std::uint64_t>(s->hi - lo);
  const std::int32_t* const second = other_.empty() ? nullptr : other_.data();
  for (std::size_t i = begin; i < end; ++i) {
    const std::int64_t k = value(key[i]);
    auto at = static_cast<std::uint64_t>(k) - static_cast<std::uint64_t>(lo);
    if (at >= length) {
      s = segment(0, k);
      if (s == nullptr) {
        ++missing;
        s = table_->segments.data();
      }
      const bool found = k >= s->lo && k < s->hi;
      lo = s->lo, base = s->base, length = static_cast<std::uint64_t>(s->hi - lo);
      if (!found) continue;
      at = static_cast<std::uint64_t>(k - lo);
    }
    const std::uint64_t row = static_cast<std::uint64_t>(base) + at;
    if (second != nullptr && second[row] != value(other[i]))
      ++missing;
    else
      ++counts[row];
  }
  return missing;
}

template <class First, class Key>
std::uint64_t TableIndex::count_by_both(const First* first, const Key* key, std::size_t begin, std::size_t end,
                                        std::uint32_t* counts) const {
  std::uint64_t missing = 0;
  const Table::Segment* s = table_->segments.data();
  for (std::size_t i = begin; i < end; ++i) {
    const std::int64_t f = value(first[i]), k = value(key[i]);
    if (f != s->first || k < s->lo || k >= s->hi) {
      const Table::Segment* const found = segment(f, k);
      if (found == nullptr) {
        ++missing;
        continue;
      }
      s = found;
    }
    ++counts[s->base + static_cast<std::uint64_t>(k - s->lo)];
  }
  return missing;
}

std::uint64_t TableIndex::count_any(std::span<const ColumnView> columns, std::size_t begin, std::size_t end,
                                    std::uint32_t* counts) const {
  std::uint64_t missing = 0;
  for (std::size_t i = begin; i < end; ++i) {
    std::array<Fp, kMaxWidth> tuple{};
    for (std::size_t c = 0; c < columns.size(); ++c) tuple[c] = columns[c].at(i);
    if (const auto row = table_->find(tuple))
      ++counts[*row];
    else
      ++missing;
  }
  return missing;
}

}  // namespace dsperse::relation
