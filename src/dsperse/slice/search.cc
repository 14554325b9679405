#include "dsperse/slice/search.h"

#include <algorithm>
#include <limits>
#include <queue>

namespace dsperse::slice {
namespace {

constexpr double kNever = std::numeric_limits<double>::infinity();
/// A slice more is taken only where it saves more than this share.
constexpr double kTie = 1e-12;

/// Best sum of `value` over intervals that cover all pieces (infinite: not allowed); nothing if there is none.
template <class Value>
std::optional<Cuts> shortest(const Intervals& intervals, const Value& value) {
  const std::size_t n = intervals.count();
  std::vector<double> best(n + 1, kNever);
  std::vector<std::size_t> from(n + 1, 0);
  best[0] = 0;
  for (std::size_t begin = 0; begin < n; ++begin) {
    if (best[begin] == kNever) continue;
    for (std::size_t last = begin; last < n; ++last) {
      const double v = best[begin] + value(begin, last);
      if (v < best[last + 1] * (1 - kTie)) best[last + 1] = v, from[last + 1] = begin;
    }
  }
  if (best[n] == kNever) return std::nullopt;
  Cuts cuts;
  for (std::size_t end = from[n]; end != 0; end = from[end]) cuts.push_back(intervals.last_op(end - 1));
  std::reverse(cuts.begin(), cuts.end());
  return cuts;
}

/// Best value of exactly k intervals, where `join` folds the value of a prefix with one more interval (infinite: not allowed),
/// and the cuts if they are asked for.
template <class Join>
double best_partition(const Intervals& intervals, std::size_t k, Join join, Cuts* cuts) {
  const std::size_t n = intervals.count();
  std::vector<double> value(n + 1, kNever), next(n + 1);
  std::vector<std::vector<std::uint32_t>> from(cuts != nullptr ? k : 0, std::vector<std::uint32_t>(n + 1, 0));
  value[0] = 0;
  for (std::size_t part = 0; part < k; ++part) {
    std::fill(next.begin(), next.end(), kNever);
    for (std::size_t begin = part; begin < n; ++begin) {
      if (value[begin] == kNever) continue;
      for (std::size_t last = begin; last < n; ++last) {
        const double v = join(value[begin], begin, last);
        if (v >= next[last + 1]) continue;
        next[last + 1] = v;
        if (cuts != nullptr) from[part][last + 1] = static_cast<std::uint32_t>(begin);
      }
    }
    std::swap(value, next);
  }
  if (cuts != nullptr && value[n] != kNever) {
    cuts->clear();
    std::size_t end = n;
    for (std::size_t part = k; part-- > 1;) {
      end = from[part][end];
      cuts->push_back(intervals.last_op(end - 1));
    }
    std::reverse(cuts->begin(), cuts->end());
  }
  return value[n];
}

/// The least bound on all intervals of some cut.
template <class Value>
double least_largest(const Intervals& intervals, const Value& value) {
  const std::size_t n = intervals.count();
  std::vector<double> best(n + 1, kNever);
  best[0] = 0;
  for (std::size_t begin = 0; begin < n; ++begin)
    for (std::size_t last = begin; last < n; ++last)
      best[last + 1] = std::min(best[last + 1], std::max(best[begin], static_cast<double>(value(begin, last))));
  return best[n];
}

/// Pieces of every slice.
std::vector<std::pair<std::size_t, std::size_t>> slices_of(const Intervals& intervals, const Cuts& cuts) {
  std::vector<std::pair<std::size_t, std::size_t>> out;
  std::size_t first = 0, cut = 0;
  for (std::size_t piece = 0; piece < intervals.count(); ++piece) {
    const bool ends = piece + 1 == intervals.count() || (cut < cuts.size() && cuts[cut] == intervals.last_op(piece));
    if (!ends) continue;
    out.emplace_back(first, piece);
    first = piece + 1;
    ++cut;
  }
  return out;
}

/// The largest peaks that may be in work together, each within `limit`.
std::uint64_t together(const Intervals& intervals, const Cuts& cuts, unsigned workers, std::uint64_t limit) {
  std::vector<std::uint64_t> bytes;
  for (const auto& [first, last] : slices_of(intervals, cuts)) bytes.push_back(intervals.price(first, last).bytes_within(limit));
  std::sort(bytes.rbegin(), bytes.rend());
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < std::min<std::size_t>(workers, bytes.size()); ++i) sum += bytes[i];
  return sum;
}

}  // namespace

Intervals::Intervals(const quantize::Program& program, const Costing& costing, const Setting& setting) {
  const std::size_t ops = program.ops.size(), step = (ops + kMaxPlaces - 1) / kMaxPlaces;
  for (std::size_t at = 0; at < ops; at += step) places_.push_back(at);
  places_.push_back(ops);
  const Tally::Facts facts(program);
  const std::size_t n = count();
  prices_.reserve(n * (n + 1) / 2);
  for (std::size_t first = 0; first < n; ++first) {
    Tally tally(facts, setting.boundary.c);
    for (std::size_t last = first; last < n; ++last) {
      for (std::size_t i = places_[last]; i < places_[last + 1]; ++i) tally.add(static_cast<std::uint32_t>(i));
      const Counts counts = costing.counts(tally);
      const Cost kept = costing.cost(counts, setting), lean = costing.cost(counts, setting, Codewords::recomputed);
      prices_.push_back({kept.prove_seconds, lean.prove_seconds, kept.verify_seconds, costing.most_bytes(counts, kept),
                         costing.most_bytes(counts, lean), kept.proof_bytes});
    }
  }
}

double Intervals::value(std::size_t first, std::size_t last, Optimize what, std::uint64_t limit) const {
  const Price& p = price(first, last);
  switch (what) {
    case Optimize::size:
      return static_cast<double>(p.proof);
    case Optimize::verify:
      return p.verify;
    case Optimize::time:
      break;
  }
  return p.seconds_within(limit);
}

std::optional<Cuts> best_cuts(const Intervals& intervals, Optimize what, std::uint64_t bytes) {
  return shortest(intervals, [&](std::size_t a, std::size_t b) {
    return intervals.price(a, b).fits(bytes) ? intervals.value(a, b, what, bytes) : kNever;
  });
}

Misfit misfit(const Intervals& intervals, std::uint64_t bytes) {
  Misfit out;
  for (std::size_t i = 0; i < intervals.count(); ++i)
    if (!intervals.price(i, i).fits(bytes)) out.pieces.push_back(i);
  out.least_bytes = static_cast<std::uint64_t>(
      least_largest(intervals, [&](std::size_t a, std::size_t b) { return intervals.price(a, b).bytes_within(0); }));
  return out;
}

Cuts least_memory_cuts(const Intervals& intervals, Optimize what) {
  const double least =
      least_largest(intervals, [&](std::size_t a, std::size_t b) { return intervals.price(a, b).bytes_within(0); });
  return best_cuts(intervals, what, static_cast<std::uint64_t>(least)).value_or(Cuts{});
}

std::optional<Cuts> balanced_cuts(const Intervals& intervals, std::size_t count, std::uint64_t bytes) {
  const auto seconds = [&](std::size_t a, std::size_t b) {
    const Intervals::Price& p = intervals.price(a, b);
    return p.fits(bytes) ? p.seconds_within(bytes) : kNever;
  };
  const double most = best_partition(
      intervals, count, [&](double v, std::size_t a, std::size_t b) { return std::max(v, seconds(a, b)); }, nullptr);
  if (most == kNever) return std::nullopt;
  Cuts cuts;
  best_partition(
      intervals, count,
      [&](double v, std::size_t a, std::size_t b) {
        const double t = seconds(a, b);
        return t <= most ? v + t * t : kNever;
      },
      &cuts);
  return cuts;
}

double makespan(const Intervals& intervals, const Cuts& cuts, unsigned workers, std::uint64_t bytes) {
  std::vector<double> seconds;
  for (const auto& [first, last] : slices_of(intervals, cuts))
    seconds.push_back(intervals.price(first, last).seconds_within(bytes));
  std::sort(seconds.rbegin(), seconds.rend());
  std::priority_queue<double, std::vector<double>, std::greater<>> free;
  for (unsigned w = 0; w < std::max(1U, workers); ++w) free.push(0);
  double end = 0;
  for (const double s : seconds) {
    const double done = free.top() + s;
    free.pop();
    free.push(done);
    end = std::max(end, done);
  }
  return end;
}

std::optional<DeadlineCuts> deadline_cuts(const Intervals& intervals, double seconds, unsigned workers, std::uint64_t bytes) {
  const std::size_t n = intervals.count();
  const double least = least_largest(intervals, [&](std::size_t a, std::size_t b) { return intervals.price(a, b).seconds; });
  const double most = std::max(least, intervals.price(0, n - 1).lean_seconds);
  std::optional<DeadlineCuts> best;
  double best_total = kNever;
  // Slices that each fit their share of the memory may keep their codewords; those that need more must fit together.
  const auto offer = [&](const std::optional<Cuts>& cuts, std::uint64_t limit) {
    if (!cuts || together(intervals, *cuts, workers, limit) > bytes) return;
    double total = 0;
    for (const auto& [first, last] : slices_of(intervals, *cuts)) total += intervals.price(first, last).seconds_within(limit);
    const double end = makespan(intervals, *cuts, workers, limit);
    const DeadlineCuts offered{*cuts, end, limit, end <= seconds};
    const bool better = !best || (offered.kept && !best->kept) ||
                        (offered.kept == best->kept && (offered.kept ? total < best_total : offered.makespan < best->makespan));
    if (better) best = offered, best_total = total;
  };
  for (std::size_t i = 0; i < kThresholds; ++i) {
    const double bound = least + (most - least) * static_cast<double>(i) / static_cast<double>(kThresholds - 1);
    for (const std::uint64_t limit : {bytes, bytes / std::max(1U, workers)})
      offer(shortest(intervals,
                     [&](std::size_t a, std::size_t b) {
                       const Intervals::Price& p = intervals.price(a, b);
                       const double t = p.seconds_within(limit);
                       return p.fits(limit) && t <= bound * (1 + 1e-9) ? t : kNever;
                     }),
            limit);
  }
  // The finest cut with all codewords recomputed, which needs the least memory.
  Cuts finest;
  for (std::size_t i = 0; i + 1 < n; ++i) finest.push_back(intervals.last_op(i));
  offer(finest, 0);
  // As many slices as workers, or a few rounds of them, balanced.
  for (std::size_t k = workers; k <= std::min<std::size_t>(n, 4UL * workers); k += workers)
    for (const std::uint64_t limit : {bytes, bytes / std::max(1U, workers)}) offer(balanced_cuts(intervals, k, limit), limit);
  return best;
}

}  // namespace dsperse::slice
