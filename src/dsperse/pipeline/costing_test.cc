#include "dsperse/pipeline/costing.h"

#include <gtest/gtest.h>

#include "dsperse/backend/native/native.h"
#include "dsperse/pipeline/compile.h"
#include "dsperse/pipeline/testing/small_model.h"
#include "dsperse/proof/layout.h"

namespace dsperse::pipeline {
namespace {

TEST(Costing, GeometriesAreThoseOfTheKey) {
  const store::PlanFile plan = testing::small_plan();
  const auto compiled = compile_plan(plan, {}, backend::Native(), {});
  ASSERT_TRUE(compiled) << compiled.error().text();
  const slice::SolveGeometry solve = prover_of().geometry;
  for (const proof::SliceKey& s : compiled->model.key.slices) {
    std::vector<quantize::Shape> shapes;
    for (const quantize::WeightSpec& w : s.program.weights) shapes.push_back(w.shape);
    const slice::Geometry weights = solve(proof::tree_symbols(shapes), slice::kWeightOpenings, 3);
    EXPECT_EQ(weights.c, s.weights.code.c);
    EXPECT_EQ(weights.r, s.weights.code.r);
    EXPECT_EQ(weights.log_n, s.weights.code.log_n);
    EXPECT_EQ(weights.t, s.weights.t);
  }
}

TEST(Costing, ProofsHaveAboutThePredictedSize) {
  const store::PlanFile plan = testing::small_plan();
  const auto compiled = compile_plan(plan, {}, backend::Native(), {});
  ASSERT_TRUE(compiled);
  for (std::size_t i = 0; i < 3; ++i) {
    const auto range = static_cast<double>(compiled->model.key.slices[i].range_proof.size());
    EXPECT_NEAR(static_cast<double>(compiled->model.predicted[i].key_bytes), range, 0.15 * range) << i;
  }
}

}  // namespace
}  // namespace dsperse::pipeline
