// Searches for cuts by dynamic programming over prefixes of the op order: every interval of ops is priced once, boundaries on
// both sides included (what it writes and commits, what it reads, range-checks and opens), then each search is a shortest path.
//
// Not here: what a slice costs (cost.h), tiles (fit_tiles.h), plans (plan.h). Source: docs/design/0016. Tested by
// slice/search_test.cc against all cuts of small programs.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

#include "dsperse/slice/cost.h"
#include "dsperse/slice/cut.h"
#include "dsperse/slice/optimize.h"

namespace dsperse::slice {

/// Programs with more ops are only cut at this many evenly spaced places by the searches.
inline constexpr std::size_t kMaxPlaces = 400;

/// Predicted costs of all intervals between places to cut.
class Intervals {
 public:
  /// setting: as if this held for every cut; plans are priced with their own (plan.h).
  Intervals(const quantize::Program& program, const Costing& costing, const Setting& setting);

  struct Price {
    double seconds = 0, lean_seconds = 0, verify = 0;  ///< of a proof; lean: with codewords recomputed
    std::uint64_t bytes = 0, lean_bytes = 0;           ///< memory of the verb that needs most
    std::uint64_t proof = 0;
    [[nodiscard]] bool fits(std::uint64_t limit) const { return std::min(bytes, lean_bytes) <= limit; }
    /// Of the proof, and its memory, as it is made within this limit.
    [[nodiscard]] double seconds_within(std::uint64_t limit) const { return bytes <= limit ? seconds : lean_seconds; }
    [[nodiscard]] std::uint64_t bytes_within(std::uint64_t limit) const { return bytes <= limit ? bytes : lean_bytes; }
  };
  /// Smallest pieces; an interval is [first, last] of them.
  [[nodiscard]] std::size_t count() const { return places_.size() - 1; }
  [[nodiscard]] const Price& price(std::size_t first, std::size_t last) const {
    return prices_[first * count() - first * (first + 1) / 2 + last];
  }
  [[nodiscard]] double value(std::size_t first, std::size_t last, Optimize what, std::uint64_t limit) const;
  [[nodiscard]] std::size_t first_op(std::size_t piece) const { return places_[piece]; }
  [[nodiscard]] std::uint32_t last_op(std::size_t piece) const { return static_cast<std::uint32_t>(places_[piece + 1] - 1); }

 private:
  std::vector<std::size_t> places_;
  std::vector<Price> prices_;
};

/// No cut fits: pieces that need more than the limit on their own, and the least limit with which a cut would fit.
struct Misfit {
  std::vector<std::size_t> pieces;
  std::uint64_t least_bytes = 0;
};

/// The best sum over slices of `what` among cuts whose slices fit `bytes` each; at equal sums fewer slices.
[[nodiscard]] std::optional<Cuts> best_cuts(const Intervals& intervals, Optimize what, std::uint64_t bytes);
[[nodiscard]] Misfit misfit(const Intervals& intervals, std::uint64_t bytes);

/// The least possible largest peak; of all cuts with that, the best.
[[nodiscard]] Cuts least_memory_cuts(const Intervals& intervals, Optimize what);

/// Exactly `count` slices (at most intervals.count()) whose peaks fit: the largest predicted time is the least possible, then the
/// sum of squared times.
[[nodiscard]] std::optional<Cuts> balanced_cuts(const Intervals& intervals, std::size_t count, std::uint64_t bytes);

/// When the slices of `cuts` are all proved, each by the first of `workers` that is free, longest first. bytes: of one slice.
[[nodiscard]] double makespan(const Intervals& intervals, const Cuts& cuts, unsigned workers, std::uint64_t bytes);

/// Least total time among the cuts found whose makespan keeps the deadline and of which any `workers` slices fit `bytes`
/// together; otherwise the least makespan found. Candidates: for each of kThresholds bounds on the slowest slice the cheapest
/// cut.
struct DeadlineCuts {
  Cuts cuts;
  double makespan = 0;
  std::uint64_t bytes = 0;  ///< that each slice has to fit
  bool kept = false;
};
inline constexpr std::size_t kThresholds = 64;
[[nodiscard]] std::optional<DeadlineCuts> deadline_cuts(const Intervals& intervals, double seconds, unsigned workers,
                                                        std::uint64_t bytes);

}  // namespace dsperse::slice
