#include "dsperse/proof/profile.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "dsperse/base/rule.h"

namespace dsperse::proof {
namespace {

constexpr unsigned kMaxDataBits = 16, kMaxLogColumns = 20;
/// No profile needs a third of these; drawing distinct columns costs their square.
constexpr std::uint32_t kMaxQueries = 1024;

}  // namespace

std::uint8_t slack_of(std::size_t slices) {
  return static_cast<std::uint8_t>(kMinSlackBits + std::bit_width(std::max<std::size_t>(slices, 1) - 1));
}

bool queries_reach(std::uint32_t t, std::uint64_t k, unsigned log_n, int bits) {
  // x = mantissa 2^-(63 + halvings): mantissas in [2^62, 2^63], products rounded up.
  struct Power {
    std::uint64_t mantissa;
    std::uint64_t halvings;
  };
  const auto normal = [](unsigned __int128 m, std::uint64_t halvings) {
    while (m < (static_cast<unsigned __int128>(1) << 62)) {
      m <<= 1;
      ++halvings;
    }
    return Power{static_cast<std::uint64_t>(m), halvings};
  };
  const auto times = [&](const Power& a, const Power& b) {
    const unsigned __int128 product = static_cast<unsigned __int128>(a.mantissa) * b.mantissa;
    return normal((product + ((std::uint64_t{1} << 63) - 1)) >> 63, a.halvings + b.halvings);
  };
  const std::uint64_t n = std::uint64_t{1} << log_n;
  Power base = normal(static_cast<unsigned __int128>(n + k) << (62 - log_n), 0), out{std::uint64_t{1} << 63, 0};
  for (; t != 0; t >>= 1) {
    if ((t & 1) != 0) out = times(out, base);
    base = times(base, base);
  }
  // out = mantissa / 2^63 2^-halvings, mantissa / 2^63 in [1/2, 1].
  const auto want = static_cast<std::uint64_t>(bits);
  return out.halvings >= want || (out.halvings + 1 == want && out.mantissa == std::uint64_t{1} << 62);
}

std::uint32_t queries(const SecurityParams& params, std::uint64_t k, unsigned log_n) {
  const int want = bits(params.profile) + params.slack - params.work;
  const double per_query = 1 + log_n - std::log2(std::ldexp(1.0, static_cast<int>(log_n)) + static_cast<double>(k));
  auto t = static_cast<std::uint32_t>(std::max(1.0, std::floor(want / per_query)));  // a guess, then exact
  while (t > 1 && queries_reach(t - 1, k, log_n, want)) --t;
  while (!queries_reach(t, k, log_n, want)) ++t;
  return t;
}

namespace {

/// What a group of trees costs a proof. Estimates for one thread with AVX-512: docs/design/0014 says what they were fitted to.
class GroupCost {
 public:
  /// fresh, given: data rows of the tree that each proof makes (and of nothing else), and of each tree that is there before.
  GroupCost(double degree, const Geometry& g, double fresh, double given, double given_trees, double openings)
      : degree_(degree), k_(static_cast<double>(g.code.k())), n_(static_cast<double>(g.code.n())), t_(g.t) {
    commit(fresh, 1);
    if (given_trees == 0) return;
    commit(given, given_trees / openings);
    for (double i = 0; i < given_trees; ++i) open(given);
  }

  [[nodiscard]] double of(Optimize goal) const {
    const double bytes = bytes_ + 8 * degree_ * k_, prove = prove_ + 25 * k_, verify = verify_ + 22 * degree_ * k_;
    switch (goal) {
      case Optimize::size:
        return bytes + 0.01 * (prove + verify);
      case Optimize::verify:
        return verify + 0.1 * prove + 0.1 * bytes;
      case Optimize::time:
        break;
    }
    return prove + 0.25 * verify + 4 * bytes;
  }

 private:
  /// Encodes and hashes tiles of 8 rows, salts and nodes; `times` a proof.
  void commit(double rows, double times) {
    prove_ += times * n_ * (20 + 25 * std::ceil(rows / 8));
    if (times == 1) open(rows);
  }
  void open(double rows) {
    const double path = std::max(1.0, std::log2(n_ / t_) + 0.6);  // nodes a column
    bytes_ += t_ * (8 * rows + 32 + 32 * path);
    prove_ += t_ * (100 + 12 * std::ceil(rows / 8));
    verify_ += t_ * (20 + 6 * rows + 50 * path);
  }

  double degree_, k_, n_, t_;
  double bytes_ = 0, prove_ = 0, verify_ = 0;
};

/// Smallest cost over data sizes c in [c_min, c_max].
template <class Cost>
Geometry solve(const SecurityParams& params, unsigned c_min, unsigned c_max, std::uint32_t openings, Cost cost_of) {
  Geometry best;
  double best_cost = 0;
  for (unsigned c = c_min; c <= c_max; ++c) {
    const double kd = std::ldexp(1.0, static_cast<int>(c));
    for (unsigned log_n = c + 1; log_n <= kMaxLogColumns; ++log_n) {
      const double n = std::ldexp(1.0, static_cast<int>(log_n));
      // Fixpoint from below: t grows with r, r with t.
      std::uint32_t t = queries(params, std::uint64_t{1} << c, log_n);
      double k = kd + static_cast<double>(t) * openings;
      while (k <= n / 2) {
        const std::uint32_t next = queries(params, static_cast<std::uint64_t>(k), log_n);
        if (next <= t) break;
        t = next;
        k = kd + static_cast<double>(t) * openings;
      }
      if (k > n / 2 || t > n) continue;
      const Geometry g{{c, static_cast<std::size_t>(t) * openings, log_n}, t};
      const double cost = cost_of(g);
      if (best_cost == 0 || cost < best_cost) {
        best_cost = cost;
        best = g;
      }
    }
  }
  return best;
}

}  // namespace

Geometry solve_geometry(const SecurityParams& params, std::uint64_t symbols, std::uint32_t openings, Optimize goal) {
  const double d = degree(params.profile), given_trees = openings == 1 ? 0 : openings == kBoundaryUses ? 2 : 1;
  return solve(params, 4, kMaxDataBits, openings, [&](const Geometry& g) {
    const double rows = std::ceil(static_cast<double>(symbols) / static_cast<double>(g.code.kd()));
    return GroupCost(d, g, openings == 1 ? rows + d : d, rows, given_trees, openings).of(goal);
  });
}

Geometry solve_end_geometry(const SecurityParams& params, unsigned vars, Optimize goal) {
  unsigned c = 4;
  while ((1U << c) < 2 * vars) ++c;
  const double d = degree(params.profile);
  return solve(params, c, c, 1, [&](const Geometry& g) { return GroupCost(d, g, 2 * d, 0, 0, 1).of(goal); });
}

bool sound_geometry(const SecurityParams& params, const Geometry& g, std::uint32_t openings) {
  if (violated("geometry: shortest row", g.code.c < 4) || violated("geometry: longest row", g.code.c > kMaxDataBits) ||
      violated("geometry: longest code", g.code.log_n > kMaxLogColumns))
    return false;
  // The bound on r keeps k from wrapping; k <= n / 2 and r >= t * openings then bound t.
  if (violated("geometry: bounded pads", g.code.r > g.code.n()) || violated("geometry: rate", g.code.k() > g.code.n() / 2))
    return false;
  if (violated("geometry: bounded queries", g.t > kMaxQueries) ||
      violated("geometry: pads for all openings", g.code.r < static_cast<std::uint64_t>(g.t) * openings))
    return false;
  const int want = bits(params.profile) + params.slack - params.work;
  return !violated("geometry: queries of the profile", !queries_reach(g.t, g.code.k(), g.code.log_n, want));
}

}  // namespace dsperse::proof
