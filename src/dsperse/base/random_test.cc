#include "dsperse/base/random.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace dsperse {
namespace {

TEST(Random, FillsAllOfTheBuffer) {
  // Each byte is changed by at least one of 16 fills: fails by chance with 2^-108.
  Bytes seen(1000, 0);
  for (int i = 0; i < 16; ++i) {
    Bytes bytes(seen.size(), 0);
    ASSERT_TRUE(os_random(bytes));
    for (std::size_t j = 0; j < bytes.size(); ++j) seen[j] |= bytes[j];
  }
  for (const auto b : seen) EXPECT_NE(b, 0);
}

TEST(Random, AcceptsAnEmptyBufferAndOneAboveTheKernelsLimitForACall) {
  EXPECT_TRUE(os_random({}));
  Bytes large(std::size_t{1} << 20, 0);  // getrandom may return less than was asked for
  ASSERT_TRUE(os_random(large));
  EXPECT_TRUE(std::any_of(large.end() - 16, large.end(), [](auto b) { return b != 0; }));
}

TEST(Random, SeedsDiffer) {
  std::set<Digest> seeds;
  for (int i = 0; i < 100; ++i) seeds.insert(random_seed().value());
  EXPECT_EQ(seeds.size(), 100U);
}

}  // namespace
}  // namespace dsperse
