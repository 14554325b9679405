#include "dsperse/quantize/statistics.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

namespace dsperse::quantize {
namespace {

double true_error(const std::vector<double>& values, std::int32_t e, unsigned bits) {
  const double top = std::ldexp(1.0, static_cast<int>(bits) - 1) - 1;
  double error = 0;
  for (const double x : values) {
    const double q = std::clamp(std::round(std::ldexp(x, e)), -top, top);
    error += std::pow(x - std::ldexp(q, -e), 2);
  }
  return error;
}

TEST(Statistics, EstimateIsCloseToTheError) {
  std::mt19937_64 rng(1);
  std::normal_distribution<double> normal(0, 3);
  std::vector<double> values(20000);
  TensorStatistics s;
  double squares = 0;
  for (auto& x : values) {
    x = normal(rng);
    s.add(x);
    squares += x * x;
  }
  EXPECT_NEAR(s.mean_square(), squares / 20000, 1e-9);
  for (const unsigned bits : {8U, 12U})
    for (std::int32_t e = 2; e < 12; ++e) {
      const double truth = true_error(values, e, bits);
      EXPECT_NEAR(s.squared_error(e, bits), truth, 0.05 * truth) << e << " " << bits;
    }
}

TEST(Statistics, FittingExponent) {
  EXPECT_EQ(fitting_exponent(1.0, 2047, 5), 10);
  EXPECT_EQ(fitting_exponent(0.99, 2047, 5), 11);
  EXPECT_EQ(fitting_exponent(2047, 2047, 5), 0);
  EXPECT_EQ(fitting_exponent(2047.6, 2047, 5), -1);
  EXPECT_EQ(fitting_exponent(0, 2047, 5), 5);
}

TEST(Statistics, OneOutlierIsClipped) {
  TensorStatistics s;
  for (int i = 0; i < 1000000; ++i) s.add(0.9 * (i % 2000 - 1000) / 1000.0);
  s.add(1.2);
  EXPECT_EQ(best_exponent(s, 8, {}), 7);  // 127 / 128
  EXPECT_EQ(best_exponent(s, 8, {.may_clip = false}), 6);
  EXPECT_EQ(best_exponent(s, 8, {.tail = 1.8, .may_clip = false}), 5);
  EXPECT_EQ(best_exponent(s, 8, {.tail = 1.8, .limit = 1.5, .may_clip = false}), 6);
  TensorStatistics few;  // of few values, one that may still come counts
  few.add(0.9);
  EXPECT_EQ(best_exponent(few, 8, {}), 7);
  EXPECT_EQ(best_exponent(few, 8, {.tail = 1.25}), 6);
  TensorStatistics zero;
  zero.add(0);
  EXPECT_EQ(best_exponent(zero, 12, {}), 11);
}

}  // namespace
}  // namespace dsperse::quantize
