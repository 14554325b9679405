#include "dsperse/base/parallel.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>
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

/// Callers that find the pool taken do the work themselves; jobs follow one another with and without pauses.
TEST(Parallel, SeveralCallersAtOnceCoverEverything) {
  for (const std::size_t n_threads : {2U, 4U}) {
    set_threads(n_threads);
    std::atomic<std::size_t> total = 0;
    const auto caller = [&] {
      for (int i = 0; i < 2000; ++i) parallel_for(64, 1, [&](std::size_t a, std::size_t b) { total += b - a; });
    };
    std::vector<std::thread> callers;
    for (int i = 0; i < 3; ++i) callers.emplace_back(caller);
    for (std::thread& t : callers) t.join();
    EXPECT_EQ(total, 3U * 2000 * 64);
    std::this_thread::sleep_for(std::chrono::milliseconds(2));  // the workers sleep by now
    parallel_for(64, 1, [&](std::size_t a, std::size_t b) { total += b - a; });
    EXPECT_EQ(total, 3U * 2000 * 64 + 64);
  }
}

/// A pool that is taken down right after a job: no worker may miss that. More threads than cores, so that one is interrupted
/// between its question whether to stop and its wait (asked in the wrong order it hangs, once in some ten thousand).
TEST(Parallel, StopsRightAfterAJob) {
  for (int i = 0; i < 3000; ++i) {
    set_threads(8);
    parallel_for(8, 1, [](std::size_t, std::size_t) {});
    set_threads(1);
  }
}

TEST(Parallel, TasksRunOnceEachWhateverTheirSizes) {
  for (const std::size_t n_threads : {1U, 2U, 5U}) {
    set_threads(n_threads);
    for (const std::vector<std::size_t>& sizes :
         {std::vector<std::size_t>{}, {7}, {0, 0, 0}, {1, 100, 2, 3}, {5, 5, 5, 5, 5, 5}, {1000, 1000}}) {
      std::vector<std::atomic<int>> seen(sizes.size());
      parallel_tasks(sizes, [&](std::size_t i) { ++seen[i]; });
      for (auto& s : seen) EXPECT_EQ(s, 1);
    }
  }
}

/// A task that is most of the work has threads for itself, a small one has not.
TEST(Parallel, LargeTasksMayUseThePool) {
  set_threads(2);
  const std::vector<std::size_t> sizes{10, 1000, 10};
  std::vector<std::atomic<int>> parts(3);
  parallel_tasks(sizes, [&](std::size_t i) {
    std::atomic<bool> other = false;
    // The large one waits for a second thread, which must come.
    parallel_for(2, 1, [&, me = std::this_thread::get_id()](std::size_t, std::size_t) {
      if (std::this_thread::get_id() != me) other = true;
      while (i == 1 && !other) std::this_thread::yield();
    });
    parts[i] = other ? 2 : 1;
  });
  EXPECT_EQ(parts[0], 1);
  EXPECT_EQ(parts[1], 2);
  EXPECT_EQ(parts[2], 1);
}

TEST(Parallel, OwnWorkTakesThreadsFromThePool) {
  set_threads(3);
  EXPECT_EQ(threads(), 3U);
  const OwnWork one;
  EXPECT_EQ(threads(), 3U);  // itself and the two others
  {
    const OwnWork two;
    EXPECT_EQ(threads(), 2U);
    const OwnWork three;
    EXPECT_EQ(threads(), 1U);
    const OwnWork four;
    EXPECT_EQ(threads(), 1U);
    std::atomic<bool> elsewhere = false;
    parallel_for(1000, 1, [&, me = std::this_thread::get_id()](std::size_t, std::size_t) {
      if (std::this_thread::get_id() != me) elsewhere = true;
    });
    EXPECT_FALSE(elsewhere);
  }
  EXPECT_EQ(threads(), 3U);
}

}  // namespace
}  // namespace dsperse
