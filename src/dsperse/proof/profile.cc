#include "dsperse/proof/profile.h"

#include <algorithm>
#include <cmath>

namespace dsperse::proof {
namespace {

constexpr unsigned kMaxDataBits = 16, kMaxLogColumns = 20;
/// No profile needs a third of these; drawing distinct columns costs their square.
constexpr std::uint32_t kMaxQueries = 1024;

}  // namespace

std::uint32_t queries(Profile profile, double rate) {
  return static_cast<std::uint32_t>(std::ceil((bits(profile) + kQuerySlackBits) / std::log2(2.0 / (1.0 + rate))));
}

namespace {

/// Smallest cost over data sizes c in [c_min, c_max]; work: weight of encoding, in bytes a nanosecond.
Geometry solve(Profile profile, unsigned c_min, unsigned c_max, double symbols, double mask_rows, std::uint32_t openings) {
  const double d = degree(profile);
  Geometry best;
  double best_cost = 0;
  for (unsigned c = c_min; c <= c_max; ++c) {
    const double kd = std::ldexp(1.0, static_cast<int>(c));
    for (unsigned log_n = c + 1; log_n <= kMaxLogColumns; ++log_n) {
      const double n = std::ldexp(1.0, static_cast<int>(log_n));
      // Fixpoint from below: t grows with r, r with t.
      std::uint32_t t = queries(profile, kd / n);
      double k = kd + static_cast<double>(t) * openings;
      while (k <= n / 2) {
        const std::uint32_t next = queries(profile, k / n);
        if (next <= t) break;
        t = next;
        k = kd + static_cast<double>(t) * openings;
      }
      if (k > n / 2 || t > n) continue;
      const double rows = std::ceil(symbols / kd) + mask_rows;
      const double path = std::max(1.0, static_cast<double>(log_n) - std::log2(static_cast<double>(t)) + 1) * 32;
      const double bytes = 8 * d * k + t * (8 * rows + 32 + path);
      const double work = rows * n * (0.35 * log_n + 6) + n * 60;  // nanoseconds of encoding and hashing, one thread
      const double cost = bytes + 0.05 * work;
      if (best_cost == 0 || cost < best_cost) {
        best_cost = cost;
        best = {{c, static_cast<std::size_t>(t) * openings, log_n}, t};
      }
    }
  }
  return best;
}

}  // namespace

Geometry solve_geometry(Profile profile, std::uint64_t symbols, std::uint32_t openings) {
  return solve(profile, 4, kMaxDataBits, static_cast<double>(symbols), degree(profile), openings);
}

Geometry solve_end_geometry(Profile profile, unsigned vars) {
  unsigned c = 4;
  while ((1U << c) < 2 * vars) ++c;
  return solve(profile, c, c, 0, 2 * degree(profile), 1);
}

bool sound_geometry(Profile profile, const Geometry& g, std::uint32_t openings) {
  if (g.code.c < 4 || g.code.c > kMaxDataBits || g.code.log_n <= g.code.c || g.code.log_n > kMaxLogColumns) return false;
  if (g.t == 0 || g.t > kMaxQueries || g.t > g.code.n() || g.code.r > g.code.n() || g.code.k() > g.code.n() / 2) return false;
  if (g.code.r < static_cast<std::size_t>(g.t) * openings) return false;
  return g.t >= queries(profile, static_cast<double>(g.code.k()) / static_cast<double>(g.code.n()));
}

}  // namespace dsperse::proof
