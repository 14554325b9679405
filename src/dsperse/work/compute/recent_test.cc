// What was used last stays, as much as fits.
#include "dsperse/work/compute/recent.h"

#include <gtest/gtest.h>

namespace dsperse::work {
namespace {

TEST(Recent, ForgetsWhatWasUsedLongestAgo) {
  Recent<int, int> kept(100);
  const auto put = [&](int key, std::uint64_t bytes) { kept.keep(key, std::make_shared<const int>(10 * key), bytes); };
  put(1, 40), put(2, 40);
  ASSERT_NE(kept.find(1), nullptr);
  put(3, 40);
  EXPECT_EQ(kept.find(2), nullptr) << "1 was used after it";
  ASSERT_NE(kept.find(1), nullptr);
  EXPECT_EQ(*kept.find(1), 10);
  EXPECT_NE(kept.find(3), nullptr);
  EXPECT_EQ(kept.bytes(), 80U);
}

TEST(Recent, WhatIsTooLargeIsNotKeptAndCostsNothing) {
  Recent<int, int> kept(100);
  kept.keep(1, std::make_shared<const int>(1), 60);
  kept.keep(2, std::make_shared<const int>(2), 101);
  EXPECT_EQ(kept.find(2), nullptr);
  EXPECT_NE(kept.find(1), nullptr);
  kept.keep(3, std::make_shared<const int>(3), 100);
  EXPECT_EQ(kept.find(1), nullptr);
  EXPECT_NE(kept.find(3), nullptr);
  EXPECT_EQ(kept.bytes(), 100U);
  Recent<int, int> none(0);
  none.keep(1, std::make_shared<const int>(1), 1);
  EXPECT_EQ(none.find(1), nullptr);
}

}  // namespace
}  // namespace dsperse::work
