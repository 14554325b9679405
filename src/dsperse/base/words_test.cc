#include "dsperse/base/words.h"

#include <gtest/gtest.h>

#include <utility>

namespace dsperse {
namespace {

TEST(ZeroedWords, ZeroAlignedWritable) {
  for (const std::size_t n : {1U, 7U, 1000U, 4096U, 4097U, 8192U, 100000U, 1U << 17, (1U << 17) + 1, (1U << 18) - 1, 1U << 18,
                              (1U << 18) + 1, 5U << 18}) {
    for (int round = 0; round < 2; ++round) {  // memory that was used before, too
      ZeroedWords w(n);
      EXPECT_EQ(reinterpret_cast<std::uintptr_t>(w.get()) % 64, 0U);
      bool zero = true;
      for (std::size_t i = 0; i < n; ++i) {
        zero = zero && w.get()[i] == 0;
        w.get()[i] = ~std::uint64_t{0};
      }
      EXPECT_TRUE(zero) << n;
    }
  }
}

TEST(ZeroedWords, Moves) {
  ZeroedWords a(1 << 19), b(3);
  a.get()[5] = 1, b.get()[2] = 2;
  a = std::move(b);
  EXPECT_EQ(a.get()[2], 2U);
  const ZeroedWords c(std::move(a));
  EXPECT_EQ(c.get()[2], 2U);
  EXPECT_EQ(ZeroedWords().get(), nullptr);
  EXPECT_EQ(ZeroedWords(0).get(), nullptr);
  Words d(100), e;
  d.data()[99] = 4;
  e = std::move(d);
  EXPECT_EQ(e.data()[99], 4U);
  EXPECT_EQ(e.bytes(), 832U);
  EXPECT_EQ(Words(0).data(), nullptr);
}

}  // namespace
}  // namespace dsperse
