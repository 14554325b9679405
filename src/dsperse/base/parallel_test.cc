#include "dsperse/base/parallel.h"

#include <gtest/gtest.h>

#include <atomic>
#include <vector>

namespace dsperse {
namespace {

TEST(Parallel, CoversEachIndexOnceForAnyThreadCount) {
  for (const std::size_t n_threads : {1U, 2U, 5U}) {
    set_threads(n_threads);
    for (const std::size_t n : {0U, 1U, 7U, 1000U}) {
      std::vector<std::atomic<int>> seen(n);
      parallel_for(n, 16, [&](std::size_t a, std::size_t b) {
        for (; a < b; ++a) ++seen[a];
      });
      for (auto& s : seen) EXPECT_EQ(s, 1);
    }
  }
}

TEST(Parallel, NestedCallsRunInline) {
  set_threads(2);
  std::atomic<int> total = 0;
  parallel_for(8, 1, [&](std::size_t, std::size_t) {
    parallel_for(10, 1, [&](std::size_t a, std::size_t b) { total += static_cast<int>(b - a); });
  });
  EXPECT_EQ(total, 80);
}

}  // namespace
}  // namespace dsperse
