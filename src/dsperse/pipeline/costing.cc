#include "dsperse/pipeline/costing.h"

#include "dsperse/proof/choose_options.h"

namespace dsperse::pipeline {

static_assert(slice::kWeightOpenings == proof::kWeightBudget && slice::kBoundaryOpenings == proof::kBoundaryUses);

slice::Prover prover_of(proof::Profile profile, proof::Optimize goal) {
  return {[=](std::uint64_t symbols, std::uint32_t openings, std::size_t slices) {
            const proof::Geometry g =
                proof::solve_geometry({profile, proof::slack_of(slices), proof::kWorkBits}, symbols, openings, goal);
            return slice::Geometry{g.code.c, g.code.log_n, g.code.r, g.t, 0};
          },
          [=](const quantize::LookupCounts& counts, std::uint64_t symbols) { return proof::lookup_cost(counts, symbols, goal); },
          relation::kMaxLookups, relation::kMaxTableRows};
}

slice::Costing costing(const slice::CostModel& model, proof::Profile profile, proof::Optimize goal) {
  return slice::Costing(prover_of(profile, goal), model);
}

}  // namespace dsperse::pipeline
