// Predictions as the prover's own parameters make them: slice's cost model with proof's geometries.
//
// Tested by pipeline/costing_test.cc.
#pragma once

#include "dsperse/proof/profile.h"
#include "dsperse/proof/prove.h"
#include "dsperse/slice/cost.h"

namespace dsperse::pipeline {

/// Geometries of compiled models of this profile.
slice::SolveGeometry geometry_solver(proof::Profile profile = proof::Profile::bits100);
/// The prover's word for the planner's.
constexpr proof::Codewords codewords_of(slice::Codewords c) {
  return c == slice::Codewords::kept ? proof::Codewords::kept : proof::Codewords::recomputed;
}
slice::Costing costing(const slice::CostModel& model = {}, proof::Profile profile = proof::Profile::bits100);

}  // namespace dsperse::pipeline
