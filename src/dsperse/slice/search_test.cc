// The searches against all cuts of small programs, priced by the same intervals.
#include "dsperse/slice/search.h"

#include <gtest/gtest.h>

#include <functional>
#include <limits>

#include "dsperse/quantize/testing/programs.h"
#include "dsperse/slice/testing/costing.h"

namespace dsperse::slice {
namespace {

using quantize::Program;
using quantize::testing::Rng;

constexpr std::uint64_t kAll = std::numeric_limits<std::uint64_t>::max();

/// A program whose slices differ in cost.
struct Case {
  explicit Case(std::uint64_t seed)
      : program([&] {
          Rng rng(seed);
          return quantize::testing::random_program(rng, 8);
        }()),
        costing(testing::costing()),
        intervals(program, costing, costing.setting(4, 200)) {}
  Program program;
  Costing costing;
  Intervals intervals;
};

struct Totals {
  double value = 0, slowest = 0;
  std::uint64_t largest = 0;
  std::size_t slices = 0;
  std::vector<double> seconds;
};
Totals totals(const Intervals& intervals, const Cuts& cuts, Optimize what, std::uint64_t limit = kAll) {
  Totals out;
  std::size_t first = 0;
  for (std::size_t i = 0; i < intervals.count(); ++i) {
    const bool ends = i + 1 == intervals.count() || std::find(cuts.begin(), cuts.end(), intervals.last_op(i)) != cuts.end();
    if (!ends) continue;
    const Intervals::Price& p = intervals.price(first, i);
    out.value += intervals.value(first, i, what, limit);
    out.slowest = std::max(out.slowest, p.seconds);
    out.largest = std::max(out.largest, p.bytes_within(0));
    out.seconds.push_back(p.seconds);
    ++out.slices;
    first = i + 1;
  }
  return out;
}

void each_cut(const Intervals& intervals, const std::function<void(const Cuts&)>& see) {
  for (std::uint32_t mask = 0; mask < 1U << (intervals.count() - 1); ++mask) {
    Cuts cuts;
    for (std::uint32_t i = 0; i + 1 < intervals.count(); ++i)
      if ((mask >> i & 1U) != 0) cuts.push_back(intervals.last_op(i));
    see(cuts);
  }
}

/// The least end of all ways to give slices to workers.
double best_end(const std::vector<double>& seconds, unsigned workers) {
  double best = std::numeric_limits<double>::infinity();
  std::vector<double> busy(workers, 0);
  const std::function<void(std::size_t)> give = [&](std::size_t i) {
    if (i == seconds.size()) {
      best = std::min(best, *std::max_element(busy.begin(), busy.end()));
      return;
    }
    for (double& b : busy) {
      b += seconds[i];
      if (b < best) give(i + 1);
      b -= seconds[i];
    }
  };
  give(0);
  return best;
}

TEST(Search, BestCutsWithinMemoryAreTheBest) {
  for (std::uint64_t seed = 1; seed <= 15; ++seed) {
    const Case c(seed);
    std::vector<std::uint64_t> limits;
    each_cut(c.intervals, [&](const Cuts& cuts) { limits.push_back(totals(c.intervals, cuts, Optimize::time).largest); });
    std::sort(limits.begin(), limits.end());
    for (const Optimize what : {Optimize::time, Optimize::size, Optimize::verify})
      for (const std::uint64_t limit : {limits.front(), limits[limits.size() / 3], limits.back()}) {
        double best = std::numeric_limits<double>::infinity();
        each_cut(c.intervals, [&](const Cuts& cuts) {
          const Totals t = totals(c.intervals, cuts, what, limit);
          if (t.largest <= limit) best = std::min(best, t.value);
        });
        const auto found = best_cuts(c.intervals, what, limit);
        ASSERT_TRUE(found);
        const Totals t = totals(c.intervals, *found, what, limit);
        EXPECT_LE(t.largest, limit);
        EXPECT_NEAR(t.value, best, 1e-9 * best) << "seed " << seed;
      }
    EXPECT_FALSE(best_cuts(c.intervals, Optimize::time, limits.front() - 1));
    const Misfit m = misfit(c.intervals, limits.front() - 1);
    EXPECT_EQ(m.least_bytes, limits.front());
  }
}

TEST(Search, LeastMemoryIsTheLeastAndThenTheBest) {
  for (std::uint64_t seed = 1; seed <= 15; ++seed) {
    const Case c(seed);
    std::uint64_t least = kAll;
    each_cut(c.intervals, [&](const Cuts& cuts) { least = std::min(least, totals(c.intervals, cuts, Optimize::time).largest); });
    const Totals t = totals(c.intervals, least_memory_cuts(c.intervals, Optimize::time), Optimize::time, least);
    EXPECT_EQ(t.largest, least);
    each_cut(c.intervals, [&](const Cuts& cuts) {
      const Totals other = totals(c.intervals, cuts, Optimize::time, least);
      if (other.largest <= least) {
        EXPECT_LE(t.value, other.value * (1 + 1e-9));
      }
    });
  }
}

TEST(Search, CountsAreBalanced) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    const Case c(seed);
    for (std::size_t k = 1; k <= c.intervals.count(); ++k) {
      double best = std::numeric_limits<double>::infinity();
      each_cut(c.intervals, [&](const Cuts& cuts) {
        if (cuts.size() + 1 == k) best = std::min(best, totals(c.intervals, cuts, Optimize::time).slowest);
      });
      const auto found = balanced_cuts(c.intervals, k, kAll);
      ASSERT_TRUE(found);
      EXPECT_EQ(found->size() + 1, k);
      EXPECT_DOUBLE_EQ(totals(c.intervals, *found, Optimize::time).slowest, best);
    }
  }
}

TEST(Search, DeadlinesAreKeptWhereTheyCanBe) {
  std::size_t kept = 0;
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    const Case c(seed);
    for (const unsigned workers : {1U, 2U, 3U}) {
      double earliest = std::numeric_limits<double>::infinity();
      each_cut(c.intervals, [&](const Cuts& cuts) {
        earliest = std::min(earliest, best_end(totals(c.intervals, cuts, Optimize::time).seconds, workers));
      });
      const auto impossible = deadline_cuts(c.intervals, 0.99 * earliest, workers, kAll);
      ASSERT_TRUE(impossible);
      EXPECT_FALSE(impossible->kept);
      // Slices are not split to fill the last gap: within 4/3 of the earliest end of all cuts and orders.
      EXPECT_LE(impossible->makespan, earliest * 4 / 3);
      EXPECT_GE(impossible->makespan, earliest * (1 - 1e-9));
      for (const double slack : {1.34, 2.0, 4.0}) {
        const auto found = deadline_cuts(c.intervals, slack * earliest, workers, kAll);
        ASSERT_TRUE(found && found->kept);
        EXPECT_LE(makespan(c.intervals, found->cuts, workers, kAll), slack * earliest);
        ++kept;
      }
    }
    // One worker and no hurry: the cheapest cut.
    const auto calm = deadline_cuts(c.intervals, 1e9, 1, kAll);
    const auto cheapest = best_cuts(c.intervals, Optimize::time, kAll);
    EXPECT_NEAR(totals(c.intervals, calm->cuts, Optimize::time).value, totals(c.intervals, *cheapest, Optimize::time).value,
                1e-12);
  }
  EXPECT_GT(kept, 50U);
}

TEST(Search, WorkersShareTheMemory) {
  const Case c(3);
  std::uint64_t largest = 0, second = 0;
  for (std::size_t i = 0; i < c.intervals.count(); ++i) {
    const std::uint64_t b = c.intervals.price(i, i).bytes_within(0);
    if (b > largest)
      second = largest, largest = b;
    else
      second = std::max(second, b);
  }
  const auto found = deadline_cuts(c.intervals, 1e9, 2, largest + second);
  ASSERT_TRUE(found);
  std::vector<std::uint64_t> bytes;
  std::size_t first = 0;
  for (std::size_t i = 0; i < c.intervals.count(); ++i) {
    const bool ends = i + 1 == c.intervals.count() ||
                      std::find(found->cuts.begin(), found->cuts.end(), c.intervals.last_op(i)) != found->cuts.end();
    if (!ends) continue;
    bytes.push_back(c.intervals.price(first, i).bytes_within(found->bytes));
    first = i + 1;
  }
  std::sort(bytes.rbegin(), bytes.rend());
  EXPECT_LE(bytes[0] + (bytes.size() > 1 ? bytes[1] : 0), largest + second);
  EXPECT_FALSE(deadline_cuts(c.intervals, 1e9, 2, largest - 1));
}

}  // namespace
}  // namespace dsperse::slice
