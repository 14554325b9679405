#include "dsperse/pipeline/influence.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "dsperse/pipeline/testing/small_model.h"

namespace dsperse::pipeline {
namespace {

namespace qt = quantize::testing;
using ::testing::ElementsAre;

constexpr std::int64_t kWidth = 64;

/// Rows of `factor` times the unit matrix of the 8-bit fixed point that simple_requant(8) rounds away.
quantize::WeightValues scaled_unit(double factor) {
  quantize::WeightValues w;
  for (std::int64_t i = 0; i < kWidth; ++i)
    for (std::int64_t k = 0; k < kWidth; ++k)
      w.narrow.push_back(i == k ? static_cast<std::int16_t>(256 * factor) : std::int16_t{0});
  return w;
}

/// x -> times a -> times b: two slices over 64 values of 1000.
struct Chain {
  quantize::QuantizedModel model;
  slice::Plan plan;
  std::vector<RunInputs> samples;
  Chain(double a, double b) {
    qt::Builder builder;
    const auto x = builder.input({1, kWidth});
    const auto h = builder.gemm(x, kWidth, kWidth, qt::simple_requant(8), false);
    builder.gemm(h, kWidth, kWidth, qt::simple_requant(8), false);
    model.program = builder.done();
    model.weights = {scaled_unit(a), scaled_unit(b)};
    plan = slice::plan_at(model.program, {0}).value();
    RunInputs inputs(model.program.tensors.size());
    inputs[x].assign(static_cast<std::size_t>(kWidth), 1000);
    samples = {inputs, inputs};
  }
};

/// RMS of an error that is uniform among -k..-1, 1..k with k = (2047 + 2047) / 100 = 40.
const double kError = std::sqrt(41.0 * 81.0 / 6.0);

TEST(Influence, AFactorAfterTheSliceIsAFactorOfTheChange) {
  const Chain same(1, 1);
  const auto i = measure_influence(same.model, same.plan, same.samples);
  ASSERT_TRUE(i) << i.error().text();
  ASSERT_EQ(i->size(), 2U);
  // 128 draws: the RMS is within a few percent of its mean.
  EXPECT_NEAR((*i)[0], kError / 1000, 0.15 * kError / 1000);
  EXPECT_NEAR((*i)[1], kError / 1000, 0.15 * kError / 1000);
  // The output is half as large, so an error of the last slice counts double; one before is halved with the value.
  const Chain half(1, 0.5);
  const auto h = measure_influence(half.model, half.plan, half.samples);
  ASSERT_TRUE(h);
  EXPECT_NEAR((*h)[0], (*i)[0], 0.05 * (*i)[0]) << "the same errors, rounded after the halving";
  EXPECT_NEAR((*h)[1], 2 * (*i)[1], 1e-9);
}

TEST(Influence, WhatIsNotReadHasNone) {
  const Chain dead(1, 0);
  const auto i = measure_influence(dead.model, dead.plan, dead.samples);
  ASSERT_TRUE(i);
  EXPECT_EQ((*i)[0], 0);
  EXPECT_NEAR((*i)[1], kError, 0.15 * kError) << "an output of zeros is measured in quanta";
}

TEST(Influence, IsTheSameEveryTimeAndNeedsASample) {
  const store::PlanFile file = testing::small_plan();
  const slice::Plan plan = slice::plan_at(file.model.program, file.cuts).value();
  qt::Rng rng(4);
  std::vector<RunInputs> samples;
  for (int i = 0; i < 6; ++i) samples.push_back(qt::random_inputs(file.model.program, rng));
  const auto once = measure_influence(file.model, plan, samples);
  ASSERT_TRUE(once) << once.error().text();
  EXPECT_EQ(measure_influence(file.model, plan, samples).value(), *once);
  samples.resize(kInfluenceSamples);
  EXPECT_EQ(measure_influence(file.model, plan, samples).value(), *once) << "more are not looked at";
  for (const double x : *once) EXPECT_GT(x, 0);
  EXPECT_EQ(measure_influence(file.model, plan, {}).error().kind, ErrorKind::usage);
}

}  // namespace
}  // namespace dsperse::pipeline
