// GridSample, AffineGrid, CausalConvWithState, LinearAttention, SwiGLU and the statistics of LayerNormalization, written out and
// evaluated, against plain loops over ONNX's definitions.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <random>

#include "dsperse/ops/testing/single.h"

namespace dsperse::ops {
namespace {

using model::DType;
using model::float_tensor;
using model::int_tensor;
using model::Shape;
using model::Tensor;
using testing::Attributes;
using ::testing::HasSubstr;
using testing::Single;
using Int = std::int64_t;
using Doubles = std::vector<double>;

Tensor random(const Shape& shape, unsigned seed, float low = -1, float high = 1) {
  std::mt19937 rng(seed);
  std::uniform_real_distribution<float> draw(low, high);
  std::vector<float> values(static_cast<std::size_t>(model::element_count(shape).value()));
  for (float& v : values) v = draw(rng);
  return float_tensor(shape, std::move(values));
}

void expect_near(const Tensor& got, const Shape& shape, const Doubles& want, const std::string& what) {
  ASSERT_EQ(got.shape, shape) << what;
  ASSERT_EQ(got.f.size(), want.size()) << what;
  for (std::size_t i = 0; i < want.size(); ++i)
    EXPECT_NEAR(static_cast<double>(got.f[i]), want[i], 2e-5) << what << " element " << i;
}

// One image of 3 x 4, read at a few places: what each mode gives there by hand.
TEST(GridSample, PlacesByHand) {
  const Tensor image = float_tensor({1, 1, 2, 3}, {1, 2, 3, 4, 5, 6});
  const auto at = [&](float x, float y, Attributes attributes) {
    const auto out = Single("GridSample", {image, float_tensor({1, 1, 1, 2}, {x, y})}, 1, std::move(attributes), 20, 1).run();
    return out.empty() ? NAN : out[0].f[0];
  };
  const auto how = [](const char* mode, const char* padding, Int corners) {
    return Attributes{{"mode", std::string(mode)}, {"padding_mode", std::string(padding)}, {"align_corners", corners}};
  };
  EXPECT_EQ(at(0, 0, {}), 3.5F);                               // the middle
  EXPECT_EQ(at(-1, -1, how("linear", "zeros", 1)), 1);         // a corner's pixel
  EXPECT_EQ(at(-1, -1, how("linear", "zeros", 0)), 0.25F);     // its outer edge: a quarter lies inside
  EXPECT_EQ(at(-1, -1, how("linear", "border", 0)), 1);        // the pixels beyond are the last
  EXPECT_EQ(at(1, 1, how("nearest", "zeros", 1)), 6);          //
  EXPECT_EQ(at(0, 1, how("linear", "zeros", 1)), 5);           // x alone is in the middle
  EXPECT_EQ(at(3, -1, how("linear", "reflection", 1)), 1);     // 2 beyond the last of 0..2: back at 0
  EXPECT_EQ(at(2, -1, how("linear", "reflection", 1)), 2);     // 1 beyond
  EXPECT_EQ(at(5, -1, how("nearest", "zeros", 1)), 0);         //
  EXPECT_FLOAT_EQ(at(0.5F, 0, how("linear", "zeros", 1)), 4);  // x = 1.5, y = 0.5
  EXPECT_EQ(at(1, 1, how("cubic", "zeros", 1)), 6);            // a pixel's own place
  EXPECT_FLOAT_EQ(at(0, 0, how("cubic", "border", 1)), 3.5F);  // symmetric
}

TEST(GridSample, VolumesBatchesAndRefusals) {
  const Tensor volume = random({2, 3, 2, 3, 4}, 1), grid = random({2, 1, 2, 2, 3}, 2);
  const auto got = Single("GridSample", {volume, grid}, 1, {{"align_corners", Int{1}}}, 22, 1).run();
  ASSERT_EQ(got.size(), 1U);
  Doubles want;
  const std::array<Int, 3> sizes{2, 3, 4};
  for (std::size_t n = 0; n < 2; ++n)
    for (std::size_t c = 0; c < 3; ++c)
      for (std::size_t p = 0; p < 4; ++p) {
        double sum = 0;
        for (std::size_t corner = 0; corner < 8; ++corner) {
          double weight = 1;
          std::size_t index = n * 3 + c;
          for (std::size_t a = 0; a < 3; ++a) {
            const double x = (static_cast<double>(grid.f[(n * 4 + p) * 3 + 2 - a]) + 1) / 2 * static_cast<double>(sizes[a] - 1);
            const double low = std::min(std::floor(x), static_cast<double>(sizes[a] - 2)), t = x - low;
            const bool up = (corner >> a & 1) != 0;
            weight *= up ? t : 1 - t;
            index = index * static_cast<std::size_t>(sizes[a]) + static_cast<std::size_t>(low) + (up ? 1 : 0);
          }
          sum += weight * static_cast<double>(volume.f[index]);
        }
        want.push_back(sum);
      }
  expect_near(got[0], {2, 3, 1, 2, 2}, want, "volume");
  EXPECT_THAT(Single("GridSample", {volume, grid}, 1, {}, 22, 2).error(), HasSubstr("the grid depends on the model's input"));
  EXPECT_THAT(Single("GridSample", {volume, random({1, 1, 2, 2, 3}, 2)}, 1, {}, 22, 1).error(),
              HasSubstr("does not go with data"));
  EXPECT_THAT(Single("GridSample", {volume, grid}, 1, {{"mode", std::string("area")}}, 22, 1).error(),
              HasSubstr("attribute 'mode'"));
  EXPECT_THAT(Single("GridSample", {random({1, 1, 256, 256}, 1), random({1, 8, 9, 2}, 2)}, 1, {}, 22, 1).error(),
              HasSubstr("more than 2^22 places times pixels"));
}

TEST(AffineGrid, PlacesTimesTheta) {
  const Tensor theta = random({2, 2, 3}, 3);
  for (const Int corners : {0, 1}) {
    const auto got = Single("AffineGrid", {theta, int_tensor({4}, {2, 1, 2, 3})}, 1, {{"align_corners", corners}}, 20, 1).run();
    Doubles want;
    for (std::size_t n = 0; n < 2; ++n)
      for (int h = 0; h < 2; ++h)
        for (int w = 0; w < 3; ++w) {
          const double x = corners != 0 ? w - 1.0 : (2.0 * w - 2) / 3, y = corners != 0 ? 2.0 * h - 1 : h - 0.5;
          for (std::size_t k = 0; k < 2; ++k) {
            const float* row = theta.f.data() + (n * 2 + k) * 3;
            want.push_back(static_cast<double>(row[0]) * x + static_cast<double>(row[1]) * y + static_cast<double>(row[2]));
          }
        }
    ASSERT_EQ(got.size(), 1U);
    expect_near(got[0], {2, 2, 3, 2}, want, "corners " + std::to_string(corners));
  }
  EXPECT_THAT(Single("AffineGrid", {theta, int_tensor({4}, {2, 1, 1, 3})}, 1, {{"align_corners", Int{1}}}, 20, 1).error(),
              HasSubstr("an axis of 1"));
  EXPECT_THAT(Single("AffineGrid", {theta, int_tensor({4}, {1, 1, 2, 3})}, 1, {}, 20, 1).error(), HasSubstr("has shape 2x2x3"));
}

TEST(CausalConv, ThePastComesFirst) {
  const Tensor x = random({2, 3, 4}, 4), w = random({3, 1, 3}, 5), bias = random({3}, 6), past = random({2, 3, 2}, 7);
  for (const bool state : {false, true})
    for (const char* activation : {"none", "silu"}) {
      auto got = Single("CausalConvWithState", {x, w, bias, state ? std::optional(past) : std::nullopt}, 2,
                        {{"activation", std::string(activation)}}, 27, 1);
      const auto out = got.run();
      ASSERT_EQ(out.size(), 2U);
      const auto value = [&](std::size_t row, std::size_t t) {  // of past and input, one after the other
        if (t >= 2) return static_cast<double>(x.f[row * 4 + t - 2]);
        return state ? static_cast<double>(past.f[row * 2 + t]) : 0.0;
      };
      Doubles y, present;
      for (std::size_t row = 0; row < 6; ++row) {
        for (std::size_t t = 0; t < 4; ++t) {
          auto sum = static_cast<double>(bias.f[row % 3]);
          for (std::size_t k = 0; k < 3; ++k) sum += static_cast<double>(w.f[row % 3 * 3 + k]) * value(row, t + k);
          y.push_back(std::string(activation) == "none" ? sum : sum / (1 + std::exp(-sum)));
        }
        for (std::size_t t = 4; t < 6; ++t) present.push_back(value(row, t));
      }
      expect_near(out[0], {2, 3, 4}, y, activation);
      expect_near(out[1], {2, 3, 2}, present, "state");
    }
  EXPECT_THAT(Single("CausalConvWithState", {x, random({3, 2, 3}, 5)}, 1, {}, 27, 1).error(),
              HasSubstr("has shape 3x2x3, expected 3x1x3"));
  EXPECT_THAT(Single("CausalConvWithState", {x, w}, 1, {{"activation", std::string("relu")}}, 27, 1).error(),
              HasSubstr("attribute 'activation'"));
}

TEST(LinearAttention, EveryRule) {
  constexpr std::size_t kB = 2, kT = 3, kH = 2, kG = 2, kK = 2, kV = 3;
  const Tensor q = random({kB, kT, kH * kG * kK}, 1), k = random({kB, kT, kH * kK}, 2), v = random({kB, kT, kH * kV}, 3),
               past = random({kB, kH, kK, kV}, 4), decay = random({kB, kT, kH * kK}, 5, -1, 0),
               beta = random({kB, kT, kH}, 6, 0, 1);
  for (const char* rule : {"linear", "gated", "delta", "gated_delta"}) {
    const std::string name = rule;
    const bool gated = name.starts_with("gated"), delta = name.ends_with("delta");
    auto node =
        Single("LinearAttention",
               {q, k, v, past, gated ? std::optional(decay) : std::nullopt, delta ? std::optional(beta) : std::nullopt}, 2,
               {{"update_rule", name}, {"q_num_heads", Int{kH * kG}}, {"kv_num_heads", Int{kH}}, {"scale", 0.5F}}, 27, 6);
    const auto out = node.run();
    ASSERT_EQ(out.size(), 2U) << name;
    Doubles y(kB * kT * kH * kG * kV), state(past.f.begin(), past.f.end());
    for (std::size_t b = 0; b < kB; ++b)
      for (std::size_t h = 0; h < kH; ++h) {
        double* s = state.data() + (b * kH + h) * kK * kV;
        for (std::size_t t = 0; t < kT; ++t) {
          const auto of = [&](const Tensor& x, std::size_t width, std::size_t i) {
            return static_cast<double>(x.f[((b * kT + t) * kH + h) * width + i]);
          };
          for (std::size_t i = 0; gated && i < kK * kV; ++i) s[i] *= std::exp(of(decay, kK, i / kV));
          Doubles next(s, s + kK * kV);
          for (std::size_t j = 0; j < kV; ++j) {
            double held = 0;
            for (std::size_t i = 0; delta && i < kK; ++i) held += s[i * kV + j] * of(k, kK, i);
            const double change = (delta ? of(beta, 1, 0) : 1) * (of(v, kV, j) - held);
            for (std::size_t i = 0; i < kK; ++i) next[i * kV + j] += of(k, kK, i) * change;
          }
          std::copy(next.begin(), next.end(), s);
          for (std::size_t g = 0; g < kG; ++g)
            for (std::size_t j = 0; j < kV; ++j)
              for (std::size_t i = 0; i < kK; ++i)
                y[((b * kT + t) * kH * kG + h * kG + g) * kV + j] += 0.5 * of(q, kG * kK, g * kK + i) * s[i * kV + j];
        }
      }
    expect_near(out[0], {kB, kT, kH * kG * kV}, y, name);
    expect_near(out[1], {kB, kH, kK, kV}, state, name + " state");
  }
  const Attributes heads{{"q_num_heads", Int{4}}, {"kv_num_heads", Int{2}}};
  EXPECT_THAT(Single("LinearAttention", {q, k, v}, 1, heads, 27, 3).error(), HasSubstr("attribute 'update_rule'"));
  Attributes odd{{"q_num_heads", Int{3}}, {"kv_num_heads", Int{2}}, {"update_rule", std::string("linear")}};
  EXPECT_THAT(Single("LinearAttention", {q, k, v}, 1, odd, 27, 3).error(), HasSubstr("attribute 'q_num_heads'"));
}

TEST(SwiGLU, IsSwishTimesTheOther) {
  const Tensor a = random({2, 5}, 1, -4, 4), b = random({2, 5}, 2, -4, 4);
  const auto out = Single("SwiGLU", {a, b}, 1, {{"alpha", 1.5F}}, 28, 2).run();
  Doubles want;
  for (std::size_t i = 0; i < 10; ++i) {
    const auto x = static_cast<double>(a.f[i]);
    want.push_back(x / (1 + std::exp(-1.5 * x)) * static_cast<double>(b.f[i]));
  }
  ASSERT_EQ(out.size(), 1U);
  expect_near(out[0], {2, 5}, want, "SwiGLU");
  EXPECT_THAT(Single("SwiGLU", {a, random({5}, 2)}, 1, {}, 28, 2).error(), HasSubstr("another shape"));
}

TEST(LayerNormalization, GivesItsMeanAndDeviation) {
  const Tensor x = random({2, 3, 4}, 1, -2, 2), scale = random({3, 4}, 2);
  const auto out = Single("LayerNormalization", {x, scale}, 3, {{"axis", Int{1}}, {"epsilon", 0.01F}}, 17, 1).run();
  ASSERT_EQ(out.size(), 3U);
  Doubles y, means, deviations;
  for (std::size_t row = 0; row < 2; ++row) {
    double sum = 0, squares = 0;
    for (std::size_t i = 0; i < 12; ++i) {
      const auto v = static_cast<double>(x.f[row * 12 + i]);
      sum += v / 12, squares += v * v / 12;
    }
    means.push_back(sum), deviations.push_back(1 / std::sqrt(squares - sum * sum + 0.01));
    for (std::size_t i = 0; i < 12; ++i)
      y.push_back((static_cast<double>(x.f[row * 12 + i]) - sum) * deviations.back() * static_cast<double>(scale.f[i]));
  }
  expect_near(out[0], {2, 3, 4}, y, "normalized");
  expect_near(out[1], {2, 1, 1}, means, "mean");
  expect_near(out[2], {2, 1, 1}, deviations, "1 / deviation");
}

}  // namespace
}  // namespace dsperse::ops
