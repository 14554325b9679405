#include "dsperse/slice/geometry.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace dsperse::slice {
namespace {

/// A level of m nodes gives a digest for each pair of which one is known.
double path_digests(const Geometry& g) {
  double digests = 0;
  for (unsigned level = 1; level <= g.log_n; ++level) {
    const double m = std::ldexp(1.0, static_cast<int>(level)), unknown = std::pow(1 - 1 / m, g.t);
    digests += m * unknown * (1 - unknown);
  }
  return digests;
}

}  // namespace

const Geometry& Geometries::of(std::uint64_t symbols, std::uint32_t openings, std::size_t slices) const {
  // Slack grows with the bits of the number of slices alone.
  const std::size_t octave = std::bit_width(std::max<std::size_t>(slices, 1) - 1);
  const auto width = static_cast<unsigned>(std::bit_width(std::max<std::uint64_t>(symbols, 1)));
  const unsigned drop = width > 5 ? width - 5 : 0;  // four bits after the first one are left
  const std::uint64_t low = std::max<std::uint64_t>(symbols, 1) >> drop;
  Geometry& g = kept_[{low << 6 | drop, openings, octave}];
  if (g.t == 0) {
    g = solve_((low << drop) + ((std::uint64_t{1} << drop) >> 1), openings, std::size_t{1} << octave);
    g.path = path_digests(g);
  }
  return g;
}

}  // namespace dsperse::slice
