#include "dsperse/pipeline/input.h"

#include <gtest/gtest.h>

namespace dsperse::pipeline {
namespace {

using store::FileTensor;

quantize::IoMapping image_input(quantize::Shape shape) {
  quantize::IoMapping io{"image", std::move(shape), {}, {}, {}};
  for (std::uint32_t k = 0; k < io.logical_shape.size(); ++k) io.perm.push_back(k);
  return io;
}

TEST(Input, ArraysAreTheModelsOwnValues) {
  quantize::IoMapping io = image_input({1, 1, 2, 2});
  io.scale = {0.5F};
  EXPECT_EQ(real_values(io, {"", {2, 2}, {1, 2, 3, 4}, false}).value(), (std::vector<float>{1, 2, 3, 4}));
  EXPECT_EQ(real_values(io, {"", {4}, {1, 2, 3, 4}, false}).value().size(), 4U);
  EXPECT_FALSE(real_values(io, {"", {4, 1, 2}, std::vector<float>(8), false}));
  EXPECT_FALSE(real_values(io, {"", {1, 4, 1, 1, 2}, std::vector<float>(8), false}));
}

TEST(Input, PixelsArePreprocessedPerChannel) {
  quantize::IoMapping io = image_input({1, 3, 1, 2});
  const FileTensor rgb{"", {3, 1, 2}, {10, 20, 30, 40, 50, 60}, true};
  io.scale = {1, 2, 3};
  io.bias = {0.5F};
  EXPECT_EQ(real_values(io, rgb).value(), (std::vector<float>{10.5F, 20.5F, 60.5F, 80.5F, 150.5F, 180.5F}));
  io.scale.clear(), io.bias.clear();
  EXPECT_EQ(real_values(io, rgb).value()[0], 10 * (1.0F / 255.0F));
}

TEST(Input, ImageLayouts) {
  const FileTensor gray{"", {1, 2, 2}, {1, 2, 3, 4}, true};
  EXPECT_TRUE(real_values(image_input({1, 4}), gray));
  EXPECT_TRUE(real_values(image_input({2, 2}), gray));
  EXPECT_TRUE(real_values(image_input({1, 2, 2}), gray));
  EXPECT_FALSE(real_values(image_input({1, 1, 2, 3}), gray));
  EXPECT_FALSE(real_values(image_input({1, 3, 2, 2}), gray)) << "gray is not turned into colour";
  quantize::IoMapping last = image_input({1, 1, 2, 3});
  last.scale = {1};
  EXPECT_EQ(real_values(last, {"", {3, 1, 2}, {1, 2, 3, 4, 5, 6}, true}).value(), (std::vector<float>{1, 3, 5, 2, 4, 6}));
}

TEST(Input, NamesMatchAsSets) {
  const quantize::TensorSpec spec{"t", {1, 2}, 4, -100, 100};
  const std::vector<std::pair<quantize::IoMapping, quantize::TensorSpec>> two = {{{"a", {1, 2}, {0, 1}, {}, {}}, spec},
                                                                                 {{"b", {1, 2}, {0, 1}, {}, {}}, spec}};
  const FileTensor a{"a", {2}, {1, -0.5F}, false}, b{"b", {2}, {50, 0}, false}, c{"c", {2}, {0, 0}, false},
      bare{"", {2}, {0, 0}, false};
  const auto q = quantize_inputs(two, {b, a});
  ASSERT_TRUE(q) << q.error().text();
  EXPECT_EQ(q->tensors.at("a"), (quantize::IntTensor{16, -8}));
  EXPECT_EQ(q->tensors.at("b"), (quantize::IntTensor{100, 0}));
  EXPECT_EQ(q->clamped.at("b"), 1U);
  EXPECT_FALSE(quantize_inputs(two, {a}));
  EXPECT_FALSE(quantize_inputs(two, {a, b, c}));
  EXPECT_FALSE(quantize_inputs(two, {a, a, b}));
  EXPECT_FALSE(quantize_inputs(two, {a, bare}));
  EXPECT_TRUE(quantize_inputs({two[0]}, {bare}));
  EXPECT_FALSE(quantize_inputs({two[0]}, {bare, bare}));
}

TEST(Input, ImageShapes) {
  EXPECT_TRUE(is_image_shape({1, 1, 28, 28}));
  EXPECT_TRUE(is_image_shape({3, 32, 32}));
  EXPECT_FALSE(is_image_shape({1, 784}));
  EXPECT_FALSE(is_image_shape({2, 3, 8, 8}));
  EXPECT_FALSE(is_image_shape({1, 64, 8, 8}));
}

}  // namespace
}  // namespace dsperse::pipeline
