#include "dsperse/pipeline/costing.h"

namespace dsperse::pipeline {

static_assert(slice::kWeightOpenings == proof::kWeightBudget && slice::kBoundaryOpenings == proof::kBoundaryUses);

slice::SolveGeometry geometry_solver(proof::Profile profile) {
  return [profile](std::uint64_t symbols, std::uint32_t openings, std::size_t slices) {
    const proof::Geometry g = proof::solve_geometry({profile, proof::slack_of(slices), proof::kWorkBits}, symbols, openings);
    return slice::Geometry{g.code.c, g.code.log_n, g.code.r, g.t, 0};
  };
}

slice::Costing costing(const slice::CostModel& model, proof::Profile profile) {
  return slice::Costing(geometry_solver(profile), model);
}

}  // namespace dsperse::pipeline
