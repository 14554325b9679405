#include "dsperse/quantize/view.h"

#include <gtest/gtest.h>

#include <random>

namespace dsperse::quantize {
namespace {

std::int64_t size_of(const Shape& s) { return elements(s); }

TEST(View, ChannelsLast) {
  const View v = stored_as({2, 3, 4, 5}, {0, 2, 3, 1});
  EXPECT_EQ(v.factors, (Shape{2, 3, 4, 5}));
  EXPECT_EQ(v.order, (std::vector<std::uint32_t>{0, 2, 3, 1}));
  EXPECT_EQ(axis_order(v), (std::vector<std::uint32_t>{0, 2, 3, 1}));
  const auto at = storage_index(v);
  EXPECT_EQ(at[1], 3);           // w + 1
  EXPECT_EQ(at[5], 5 * 3);       // h + 1
  EXPECT_EQ(at[20], 1);          // c + 1
  EXPECT_EQ(at[60], 4 * 5 * 3);  // n + 1
}

TEST(View, UnitAxesDoNotMatter) {
  EXPECT_EQ(stored_as({1, 1, 4, 5}, {0, 2, 3, 1}), row_major({1, 1, 4, 5}));
  EXPECT_EQ(stored_as({1, 6, 1, 1}, {0, 2, 3, 1}), row_major({1, 6, 1, 1}));
  EXPECT_EQ(row_major({}).factors, Shape{});
  EXPECT_EQ(storage_index(row_major({1, 1})), (std::vector<std::int64_t>{0}));
  EXPECT_EQ(axis_order(row_major({1, 7, 1})), (std::vector<std::uint32_t>{0, 2, 1}));
}

TEST(View, FlattenKeepsPlaces) {
  const View v = stored_as({2, 3, 4, 5}, {0, 2, 3, 1}), flat = *reshaped(v, {2, 60});
  EXPECT_EQ(storage_index(flat), storage_index(v));
  EXPECT_EQ(flat.order, (std::vector<std::uint32_t>{0, 2, 1}));  // H W is one run
  EXPECT_FALSE(axis_order(flat).has_value());
  EXPECT_EQ(*reshaped(flat, {2, 3, 4, 5}), v);
  EXPECT_FALSE(reshaped(v, {2, 4, 15}).has_value());  // cuts C
  EXPECT_EQ(*reshaped(row_major({2, 3}), {3, 2}), row_major({3, 2}));
}

/// Every path of reshapes and transposes must place elements as the same path on an index tensor does.
TEST(View, RandomPathsAgreeWithIndices) {
  std::mt19937_64 rng(3);
  const std::vector<Shape> shapes{{24}, {2, 12}, {4, 6}, {6, 4}, {2, 3, 4}, {1, 4, 3, 2}, {3, 8}, {2, 2, 2, 3}, {12, 1, 2}};
  int refused = 0;
  for (int round = 0; round < 300; ++round) {
    View v = row_major(shapes[rng() % shapes.size()]);
    std::vector<std::int64_t> tensor(24);  // tensor[logical index] = storage index
    for (std::size_t i = 0; i < 24; ++i) tensor[i] = static_cast<std::int64_t>(i);
    for (int step = 0; step < 6; ++step) {
      if (rng() % 2 == 0) {
        const auto next = reshaped(v, shapes[rng() % shapes.size()]);
        if (next) v = *next;
        if (!next) ++refused;
      } else {
        std::vector<std::uint32_t> perm(v.shape.size());
        for (std::uint32_t k = 0; k < perm.size(); ++k) perm[k] = k;
        std::shuffle(perm.begin(), perm.end(), rng);
        const View next = transposed(v, perm);
        std::vector<std::int64_t> moved(24);
        for (std::size_t i = 0; i < 24; ++i) {  // logical index in `next` -> in v
          Shape at(perm.size());
          std::int64_t rest = static_cast<std::int64_t>(i);
          for (std::size_t k = perm.size(); k-- > 0; rest /= next.shape[k]) at[perm[k]] = rest % next.shape[k];
          std::int64_t index = 0;
          for (std::size_t k = 0; k < at.size(); ++k) index = index * v.shape[k] + at[k];
          moved[i] = tensor[static_cast<std::size_t>(index)];
        }
        tensor = moved;
        v = next;
      }
      ASSERT_EQ(storage_index(v), tensor);
      ASSERT_EQ(size_of(v.factors), 24);
      for (const auto f : v.factors) ASSERT_GT(f, 1);
      if (const auto perm = axis_order(v); perm.has_value()) {
        ASSERT_EQ(stored_as(v.shape, *perm), v);
      }
    }
  }
  EXPECT_GT(refused, 20);
}

}  // namespace
}  // namespace dsperse::quantize
