// Predictions with the prover's own geometries, for tests of this room. Product targets don't include this.
#pragma once

#include "dsperse/proof/choose_options.h"
#include "dsperse/proof/profile.h"
#include "dsperse/slice/cost.h"

namespace dsperse::slice::testing {

inline Geometry solve(std::uint64_t symbols, std::uint32_t openings, std::size_t slices) {
  const proof::Geometry g =
      proof::solve_geometry({proof::Profile::bits100, proof::slack_of(slices), proof::kWorkBits}, symbols, openings);
  return {g.code.c, g.code.log_n, g.code.r, g.t, 0};
}

inline double lookup_cost(const quantize::LookupCounts& counts, std::uint64_t symbols) {
  return proof::lookup_cost(counts, symbols, proof::Optimize::time);
}

inline Prover prover() { return {solve, lookup_cost}; }
inline Costing costing(const CostModel& model = {}) { return Costing(prover(), model); }

}  // namespace dsperse::slice::testing
