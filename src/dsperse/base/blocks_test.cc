// Blocks come back, do not overlap, and never wait beyond what was once in use.
#include "dsperse/base/blocks.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <random>
#include <vector>

namespace dsperse {
namespace {

constexpr std::size_t kMega = std::size_t{1} << 20;

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
constexpr bool kShadowed = true;  ///< a sanitizer's shadow is memory of the process too
#elif defined(__has_feature)      // clang's way of saying it
constexpr bool kShadowed = __has_feature(thread_sanitizer) || __has_feature(address_sanitizer);
#else
constexpr bool kShadowed = false;
#endif

TEST(Blocks, TheSameMemoryComesBack) {
  if (kShadowed) GTEST_SKIP() << "what waits is weighed against the memory of the process";
  release_blocks();
  const Block a = take_block(8 * kMega);
  EXPECT_TRUE(a.zero);
  std::memset(a.data, 7, 8 * kMega);
  give_block(a.data, 8 * kMega);
  EXPECT_EQ(block_use().kept, 8 * kMega);
  const Block b = take_block(4 * kMega), c = take_block(4 * kMega);
  EXPECT_FALSE(b.zero || c.zero);
  EXPECT_EQ(block_use().kept, 0U);
  give_block(b.data, 4 * kMega);
  give_block(c.data, 4 * kMega);
  const Block d = take_block(8 * kMega);  // halves are merged again
  EXPECT_EQ(d.data, a.data);
  EXPECT_FALSE(d.zero);
  give_block(d.data, 8 * kMega);
  release_blocks();
  EXPECT_EQ(block_use().kept, 0U);
  const Block e = take_block(8 * kMega);
  EXPECT_TRUE(e.zero);
  EXPECT_EQ(static_cast<const std::uint8_t*>(e.data)[8 * kMega - 1], 0);
  give_block(e.data, 8 * kMega);
}

/// A block that is used again counts for the measurement in which it is used.
TEST(Blocks, WhatIsNeededIsMeasuredWithoutWhatWaits) {
  if (kShadowed) GTEST_SKIP() << "the memory of the process is measured";
  release_blocks();
  const auto use = [](std::size_t bytes) {
    const Block b = take_block(bytes);
    std::memset(b.data, 1, bytes);
    give_block(b.data, bytes);
  };
  const Need start = measure_need();
  use(64 * kMega);
  EXPECT_NEAR(static_cast<double>(block_need().most - start.now) / kMega, 64, 4);
  EXPECT_EQ(block_use().kept, 64 * kMega);
  const Need small = measure_need();
  EXPECT_NEAR(static_cast<double>(small.now) / kMega, static_cast<double>(start.now) / kMega, 4);
  use(16 * kMega);
  EXPECT_NEAR(static_cast<double>(block_need().most - small.now) / kMega, 16, 4);
  release_blocks();
}

/// Blocks of all sizes, each full of a pattern of its own.
TEST(Blocks, NeverOverlapNorGrow) {
  release_blocks();
  std::mt19937_64 rng(1);
  struct Held {
    void* data;
    std::size_t bytes;
    std::uint64_t mark;
  };
  std::vector<Held> held;
  const auto intact = [](const Held& h) {
    const auto* words = static_cast<const std::uint64_t*>(h.data);
    for (std::size_t i = 0; i < h.bytes / 8; ++i)
      if (words[i] != h.mark + i) return false;
    return true;
  };
  for (std::uint64_t step = 0; step < 600; ++step) {
    if (held.size() == 12 || (!held.empty() && rng() % 2 == 0)) {
      const std::size_t i = rng() % held.size();
      ASSERT_TRUE(intact(held[i])) << step;
      give_block(held[i].data, held[i].bytes);
      held[i] = held.back();
      held.pop_back();
    } else {
      const std::size_t bytes = ((std::size_t{1} << (6 + rng() % 17)) + 64 * (rng() % 1000));
      const Block b = take_block(bytes);
      EXPECT_EQ(reinterpret_cast<std::uintptr_t>(b.data) % 64, 0U);
      auto* const words = static_cast<std::uint64_t*>(b.data);
      bool zero = true;
      for (std::size_t i = 0; i < bytes / 8; ++i) {
        zero = zero && words[i] == 0;
        words[i] = (step << 32) + i;
      }
      EXPECT_TRUE(zero || !b.zero) << step;
      held.push_back({b.data, bytes, step << 32});
    }
    const BlockUse use = block_use();
    ASSERT_LE(use.live + use.kept, use.most + 16 * kMega) << step;  // pages that are not resident don't count
  }
  for (const Held& h : held) {
    EXPECT_TRUE(intact(h));
    give_block(h.data, h.bytes);
  }
  EXPECT_EQ(block_use().live, 0U);
  release_blocks();
  EXPECT_EQ(block_use().most, 0U);
}

/// What the heap takes meanwhile is taken off what may wait.
TEST(Blocks, GivesWayToTheHeap) {
  release_blocks();
  const Block a = take_block(64 * kMega);
  std::memset(a.data, 1, 64 * kMega);
  give_block(a.data, 64 * kMega);
  ASSERT_GE(block_use().kept, 48 * kMega);
  const std::vector<char> heap(96 * kMega, 1);  // now the process needs more than ever
  const Block b = take_block(2 * kMega);
  give_block(b.data, 2 * kMega);
  EXPECT_LE(block_use().kept, 8 * kMega);
  EXPECT_EQ(heap[17], 1);
  release_blocks();
}

}  // namespace
}  // namespace dsperse
