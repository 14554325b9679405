#include "dsperse/quantize/io.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace dsperse::quantize {
namespace {

const TensorSpec kImage{"x", {1, 2, 2, 3}, 4, -100, 100};
const IoMapping kChannelsLast{"x", {1, 3, 2, 2}, {0, 2, 3, 1}, {}, {}};

TEST(Io, RoundsHalvesAwayFromZeroAndClamps) {
  const TensorSpec spec{"v", {6}, 1, -5, 4};
  const auto q = quantize_input({"v", {6}, {0}, {}, {}}, spec, {0.25F, -0.25F, 0.24F, 2.0F, 3.0F, -90});
  ASSERT_TRUE(q);
  EXPECT_EQ(q->values, (IntTensor{1, -1, 0, 4, 4, -5}));
  EXPECT_EQ(q->clamped, 2U);
}

TEST(Io, ImagesGoChannelsLastAndBack) {
  std::vector<float> x(12);
  for (std::size_t i = 0; i < 12; ++i) x[i] = static_cast<float>(i) / 4;
  const auto q = quantize_input(kChannelsLast, kImage, x);
  ASSERT_TRUE(q);
  EXPECT_EQ(q->values, (IntTensor{0, 16, 32, 4, 20, 36, 8, 24, 40, 12, 28, 44}));
  EXPECT_EQ(read_output(kChannelsLast, kImage, q->values).value(), x);
}

TEST(Io, Preprocessing) {
  IoMapping io = kChannelsLast;
  io.scale = {1, 2, 0.5F};
  io.bias = {0, -1, 1};
  const auto q = quantize_input(io, kImage, std::vector<float>(12, 1.0F));
  ASSERT_TRUE(q);
  EXPECT_EQ((IntTensor{q->values.begin(), q->values.begin() + 3}), (IntTensor{16, 16, 24}));
  io.scale = {1, 2};
  EXPECT_EQ(quantize_input(io, kImage, std::vector<float>(12, 1.0F)).error().kind, ErrorKind::bad_input);
}

TEST(Io, RefusesWrongData) {
  EXPECT_EQ(quantize_input(kChannelsLast, kImage, std::vector<float>(11)).error().kind, ErrorKind::bad_input);
  std::vector<float> x(12);
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    x[3] = bad;
    EXPECT_NE(quantize_input(kChannelsLast, kImage, x).error().what.find("value 3"), std::string::npos);
  }
  EXPECT_FALSE(read_output(kChannelsLast, kImage, IntTensor(13)));
  for (const std::vector<std::uint32_t>& perm : {std::vector<std::uint32_t>{0, 1, 1, 2}, {0, 1, 2}, {0, 1, 2, 4}}) {
    IoMapping io = kChannelsLast;
    io.perm = perm;
    EXPECT_FALSE(read_output(io, kImage, IntTensor(12)));
  }
}

TEST(Io, InputsOfIntegersAreWholeAndInRange) {
  const IoMapping io{"ids", {3}, {0}, {}, {}};
  const TensorSpec ids{"ids", {3}, 0, 0, 9}, truth{"ids", {3}, 0, 0, 1}, real{"ids", {3}, 0, -9, 9};
  EXPECT_TRUE(takes_integers(ids));
  EXPECT_FALSE(takes_integers(real));
  EXPECT_FALSE(takes_integers({"ids", {3}, 1, 0, 9}));
  const auto q = quantize_input(io, ids, {0, 9, 4});
  ASSERT_TRUE(q);
  EXPECT_EQ(q->values, (IntTensor{0, 9, 4}));
  EXPECT_EQ(quantize_input(io, ids, {0, 10, 4}).error().what, "value 1 is 10.000000, not a whole number from 0 to 9");
  EXPECT_FALSE(quantize_input(io, ids, {0, 1, -1}));
  EXPECT_FALSE(quantize_input(io, ids, {0.5F, 1, 1}));
  EXPECT_FALSE(quantize_input(io, truth, {0, 1, 2}));
  EXPECT_EQ(quantize_input(io, real, {0.5F, 10, 30})->values, (IntTensor{1, 9, 9})) << "a float is rounded and clamped";
}

/// Mappings of hostile files: dimensions whose product wraps around to four elements, or none at all.
TEST(Io, AMappingThatIsNoneIsRefused) {
  const TensorSpec spec{"x", {4}, 0, -9, 9};
  const auto b = static_cast<std::int64_t>(4 * 0xAAAAAAAAAAAAAAABULL);
  ASSERT_EQ(static_cast<std::uint64_t>(b) * 3, 4U);
  for (const Shape& shape : {Shape{3, b}, Shape{b, 3}, Shape{-2, -2}, Shape{}, Shape{4, 0}}) {
    IoMapping io{"x", shape, {}, {}, {}};
    for (std::uint32_t k = 0; k < shape.size(); ++k) io.perm.push_back(k);
    EXPECT_FALSE(quantize_input(io, spec, {1, 2, 3, 4}).has_value());
    EXPECT_FALSE(read_output(io, spec, {1, 2, 3, 4}).has_value());
  }
  const IoMapping infinite{"x", {4}, {0}, {std::numeric_limits<float>::infinity()}, {}};
  EXPECT_FALSE(quantize_input(infinite, spec, {0, 1, 2, 3}).has_value()) << "0 x infinity";
}

}  // namespace
}  // namespace dsperse::quantize
