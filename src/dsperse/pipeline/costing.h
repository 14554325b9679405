// Predictions as the prover's own parameters make them: slice's cost model with proof's geometries.
//
// Tested by pipeline/costing_test.cc.
#pragma once

#include "dsperse/proof/profile.h"
#include "dsperse/proof/prove.h"
#include "dsperse/slice/cost.h"
#include "dsperse/slice/optimize.h"

namespace dsperse::pipeline {

/// The prover's word for the planner's.
constexpr proof::Optimize goal_of(slice::Optimize o) {
  return o == slice::Optimize::size     ? proof::Optimize::size
         : o == slice::Optimize::verify ? proof::Optimize::verify
                                        : proof::Optimize::time;
}
/// How models of this profile are compiled.
slice::Prover prover_of(proof::Profile profile = proof::Profile::bits100, proof::Optimize goal = proof::Optimize::time);
/// The prover's word for the planner's.
constexpr proof::Codewords codewords_of(slice::Codewords c) {
  return c == slice::Codewords::kept ? proof::Codewords::kept : proof::Codewords::recomputed;
}
slice::Costing costing(const slice::CostModel& model = {}, proof::Profile profile = proof::Profile::bits100,
                       proof::Optimize goal = proof::Optimize::time);

}  // namespace dsperse::pipeline
