#include "dsperse/pipeline/calibrate.h"

#include <gtest/gtest.h>

#include "dsperse/backend/native/native.h"
#include "dsperse/base/parallel.h"
#include "dsperse/store/testing/temporary_folder.h"

namespace dsperse::pipeline {
namespace {

TEST(Calibrate, EveryNetworkIsAProgramThatCanBeProved) {
  const std::size_t n = calibration_networks().size();
  ASSERT_GE(n, 10U);
  for (std::size_t i = 0; i < n; ++i) {
    const auto plan = calibration_plan(i);
    ASSERT_TRUE(plan) << plan.error().text();
    const auto cut = slice::plan_at(plan->model.program, plan->cuts);
    ASSERT_TRUE(cut) << cut.error().text();
    for (const slice::Slice& s : cut->slices)
      EXPECT_EQ(backend::Native().unsupported(s.program).value_or(""), "") << calibration_networks()[i];
  }
  EXPECT_FALSE(calibration_plan(n));
}

TEST(Calibrate, MeasuresEverySliceAndGoesThroughJson) {
  const std::size_t before = threads();
  const store::testing::TemporaryFolder dir;
  const auto plan = calibration_plan(0);
  ASSERT_TRUE(plan);
  const auto measured = measure_plan(*plan, backend::Native(), dir / "m", 1);
  set_threads(before);
  ASSERT_TRUE(measured) << measured.error().text();
  EXPECT_GT(measured->process_bytes, 1e6);
  ASSERT_EQ(measured->slices.size(), plan->cuts.size() + 1);
  auto back = read_calibrated(calibrated_document(*measured));
  ASSERT_TRUE(back);
  ASSERT_TRUE(add_counts(*plan, back->slices));
  for (const slice::Measured& m : back->slices) {
    EXPECT_GT(m.prove_seconds.value(), 0);
    EXPECT_GT(m.run_seconds.value(), 0);
    EXPECT_GT(m.compile_seconds.value(), 0);
    EXPECT_GT(m.verify_seconds.value(), 0);
    EXPECT_GT(m.prove_bytes.value(), 1e5);
    EXPECT_GT(m.proof_bytes.value(), 1e4);
    EXPECT_GT(m.counts.ops, 0U);
  }
  EXPECT_FALSE(read_calibrated("no JSON"));
  EXPECT_FALSE(read_calibrated("{}"));
}

}  // namespace
}  // namespace dsperse::pipeline
