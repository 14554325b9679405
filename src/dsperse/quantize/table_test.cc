#include "dsperse/quantize/table.h"

#include <gtest/gtest.h>

#include <cmath>

#include "dsperse/quantize/limits.h"

namespace dsperse::quantize {
namespace {

Activation grid(Function f, std::int32_t in, std::int32_t out) { return {f, in, out, -kMaxValue, kMaxValue, 0, 0}; }

/// Against 64-bit mantissas: where the exact value is not within 2^-40 of a tie, the rounding must agree.
void expect_rounded(const Activation& a, long double (*f)(long double)) {
  int ties = 0;
  for (std::int64_t v = -(1 << 15); v < (1 << 15); ++v) {
    const long double y = std::ldexp(f(std::ldexp(static_cast<long double>(v), -a.in_exponent)), a.out_exponent);
    const long double magnitude = std::fabs(y), nearest = std::floor(magnitude + 0.5L);
    if (std::fabs(magnitude + 0.5L - std::round(magnitude + 0.5L)) < 0x1p-40L && v != 0 &&
        nearest < std::ldexp(1.0L, a.out_exponent)) {
      ++ties;
      continue;
    }
    ASSERT_EQ(activate(a, v), static_cast<std::int64_t>(y < 0 ? -nearest : nearest))
        << v << " " << a.in_exponent << " " << a.out_exponent;
  }
  EXPECT_LT(ties, 100);
}

TEST(Table, SigmoidAndTanhAreCorrectlyRounded) {
  for (const std::int32_t in : {-2, 0, 5, 8, 11, 15, 20})
    for (const std::int32_t out : {0, 1, 7, 11, 15}) {
      expect_rounded(grid(Function::sigmoid, in, out), [](long double x) { return 1 / (1 + std::exp(-x)); });
      expect_rounded(grid(Function::tanh, in, out), [](long double x) { return std::tanh(x); });
    }
}

TEST(Table, SigmoidAndTanhKnownValues) {
  EXPECT_EQ(activate(grid(Function::sigmoid, 8, 11), 0), 1024);
  EXPECT_EQ(activate(grid(Function::sigmoid, 8, 11), 256), 1497);  // 1/(1+1/e) = 0.731058578630
  EXPECT_EQ(activate(grid(Function::sigmoid, 8, 11), -256), 551);  // 0.268941421370
  EXPECT_EQ(activate(grid(Function::tanh, 8, 15), 256), 24956);    // 0.761594155956
  EXPECT_EQ(activate(grid(Function::tanh, 8, 15), -256), -24956);
  EXPECT_EQ(activate(grid(Function::sigmoid, 8, 0), 0), 1);  // one half, away from zero
  EXPECT_EQ(activate(grid(Function::sigmoid, 0, 11), 1000), 2048);
  EXPECT_EQ(activate(grid(Function::sigmoid, 0, 11), -1000), 0);
  EXPECT_EQ(activate(grid(Function::tanh, -32, 11), 1 << 18), 2048);
}

TEST(Table, PiecewiseFunctions) {
  Activation a{Function::identity, 8, 8, -100, 90, 0, 0};
  EXPECT_EQ(activate(a, 91), 90);
  EXPECT_EQ(activate(a, -101), -100);
  a.f = Function::relu;
  EXPECT_EQ(activate(a, -5), 0);
  EXPECT_EQ(activate(a, 5), 5);
  a.f = Function::leaky_relu;
  a.a = 1 << 22;  // a quarter
  EXPECT_EQ(activate(a, 7), 7);
  EXPECT_EQ(activate(a, -8), -2);
  EXPECT_EQ(activate(a, -6), -1);  // -1.5 half up
  EXPECT_EQ(activate(a, -7), -2);
  a.f = Function::clip;
  a.a = -3, a.b = 4;
  EXPECT_EQ(activate(a, -50), -3);
  EXPECT_EQ(activate(a, 50), 4);
  EXPECT_EQ(activate(a, 2), 2);
}

TEST(Table, AverageMultiplier) {
  EXPECT_EQ(average_multiplier(1), 65536);
  EXPECT_EQ(average_multiplier(4), 16384);
  EXPECT_EQ(average_multiplier(3), 21845);
  EXPECT_EQ(average_multiplier(9), 7282);     // 7281.8
  EXPECT_EQ(average_multiplier(1 << 17), 1);  // one half, up
  EXPECT_EQ(average_multiplier((1 << 17) + 1), 0);
}

/// A written-out table gives its values, first to last.
TEST(Table, WrittenOut) {
  Activation a{Function::table, 0, 0, -3, 9, 0, 0, "", {4, -3, 9, 0}};
  EXPECT_EQ(activate(a, -2), 4);
  EXPECT_EQ(activate(a, -1), -3);
  EXPECT_EQ(activate(a, 0), 9);
  EXPECT_EQ(activate(a, 1), 0);
}

}  // namespace
}  // namespace dsperse::quantize
