// Convolutions and pools of one to three dimensions, transposed convolutions, resizing by products, embeddings: whole numbers are
// exact in the integers, and the constraints hold.
#include <gtest/gtest.h>

#include <cmath>

#include "dsperse/ops/testing/exact.h"

namespace dsperse::ops {
namespace {

using model::DType;
using model::Shape;
using testing::Attributes;
using testing::expect_moved;
using testing::GraphBuilder;
using testing::Ints;
using testing::kinds;
using testing::number;
using testing::problem;
using testing::random_shape;
using testing::Rng;
using testing::whole_numbers;

std::string conv(GraphBuilder& g, Rng& rng, const std::string& op, const Shape& x, const Shape& w, std::int64_t outputs,
                 const Attributes& a) {
  testing::Names in{g.input(x), g.constant(w, whole_numbers(rng, w, 1))};
  if (number(rng, 0, 1) == 0) in.push_back(g.constant({outputs}, whole_numbers(rng, {outputs}, 3)));
  return g.node(op, in, a);
}

TEST(Spatial, ConvOfVolumes) {
  Rng rng(3);
  for (int i = 0; i < 20; ++i) {
    GraphBuilder g;
    const std::int64_t group = number(rng, 1, 2), c = group * number(rng, 1, 2), o = group * number(rng, 1, 2);
    Shape x{number(rng, 1, 2), c}, w{o, c / group};
    Ints strides, dilations, pads(6, 0);
    for (std::size_t k = 0; k < 3; ++k) {
      w.push_back(number(rng, 1, 2)), strides.push_back(number(rng, 1, 2)), dilations.push_back(number(rng, 1, 2));
      x.push_back(number(rng, 3, 4));
      pads[k] = number(rng, 0, 1), pads[k + 3] = number(rng, 0, 1);
    }
    const auto y =
        conv(g, rng, "Conv", x, w, o, {{"group", group}, {"strides", strides}, {"dilations", dilations}, {"pads", pads}});
    g.output(g.node("Relu", {y}));
    const auto m = expect_moved(g.graph, "Conv " + std::to_string(i));
    EXPECT_EQ(kinds(m).find('S'), std::string::npos) << kinds(m);  // the activation is joined
  }
}

TEST(Spatial, ConvTranspose) {
  Rng rng(4);
  for (int i = 0; i < 60; ++i) {
    GraphBuilder g;
    const auto n = static_cast<std::size_t>(i % 8 == 0 ? 3 : 1 + i % 2);
    const std::int64_t group = number(rng, 1, 2), c = group * number(rng, 1, 2), o = number(rng, 1, 2);
    Shape x{number(rng, 1, 2), c}, w{c, o};
    Ints strides, dilations, pads(2 * n, 0), extra;
    for (std::size_t k = 0; k < n; ++k) {
      w.push_back(number(rng, 1, n == 3 ? 2 : 4)), strides.push_back(number(rng, 1, 3)), dilations.push_back(number(rng, 1, 2));
      x.push_back(number(rng, n == 3 ? 2 : 1, 4));
      const std::int64_t reach = (w.back() - 1) * dilations.back();
      pads[k] = number(rng, 0, reach), pads[k + n] = number(rng, 0, reach);
      extra.push_back(number(rng, 0, strides.back() - 1));
      const std::int64_t full = strides.back() * (x.back() - 1) + extra.back() + reach + 1;
      if (pads[k] + pads[k + n] >= full) pads[k] = pads[k + n] = 0;
    }
    Attributes a{{"group", group}, {"strides", strides}, {"dilations", dilations}};
    switch (i % 5) {
      case 0:
        a["auto_pad"] = std::string(i % 2 == 0 ? "SAME_UPPER" : "SAME_LOWER");
        break;
      case 1: {
        Ints shape;
        for (std::size_t k = 0; k < n; ++k) shape.push_back(strides[k] * x[k + 2]);
        a["output_shape"] = shape;
        break;
      }
      default:
        a["pads"] = pads, a["output_padding"] = extra;
    }
    const auto y = conv(g, rng, "ConvTranspose", x, w, o * group, a);
    g.output(g.node("Relu", {y}));
    const auto m = expect_moved(g.graph, "ConvTranspose " + std::to_string(i));
    EXPECT_EQ(kinds(m).find('S'), std::string::npos) << kinds(m);
  }
  GraphBuilder g;  // as generators have it: nothing moves
  g.output(conv(g, rng, "ConvTranspose", {1, 4, 5, 5}, {4, 3, 2, 2}, 3, {{"strides", Ints{2, 2}}}));
  EXPECT_EQ(kinds(expect_moved(g.graph, "2x2")), "CR");  // the output of the model lies in its own order
}

TEST(Spatial, PoolsOfVolumes) {
  Rng rng(5);
  for (const std::string op : {"MaxPool", "AveragePool"})
    for (int i = 0; i < 20; ++i) {
      GraphBuilder g(op == "MaxPool" ? 17 : 17);
      Shape x{number(rng, 1, 2), number(rng, 1, 3)};
      Ints kernel, strides, pads(6, 0);
      for (std::size_t k = 0; k < 3; ++k) {
        kernel.push_back(number(rng, 1, 2)), strides.push_back(number(rng, 1, 2)), x.push_back(number(rng, 2, 4));
        if (op == "MaxPool") pads[k] = number(rng, 0, kernel.back() - 1);
      }
      g.output(g.node(op, {g.input(x)}, {{"kernel_shape", kernel}, {"strides", strides}, {"pads", pads}}));
      if (op == "MaxPool")
        expect_moved(g.graph, op + " " + std::to_string(i));
      else
        testing::expect_close(g.graph, 0.05, op + " " + std::to_string(i));
    }
  GraphBuilder g;
  g.output(g.node("GlobalAveragePool", {g.input({1, 3, 2, 2, 4})}));
  testing::expect_close(g.graph, 0.05, "GlobalAveragePool");
}

TEST(Spatial, ResizeByProducts) {
  for (const std::string mode : {"linear", "cubic"})
    for (const std::string coordinates : {"half_pixel", "align_corners", "asymmetric", "pytorch_half_pixel"}) {
      GraphBuilder g(18);
      g.output(g.node("Resize", {g.input({1, 2, 4, 5}), "", "", g.integers({1, 2, 7, 10})},
                      {{"mode", mode}, {"coordinate_transformation_mode", coordinates}}));
      testing::expect_close(g.graph, 0.12, mode + " " + coordinates);
    }
}

TEST(Spatial, TokenEmbedding) {
  Rng rng(6);
  for (const Shape& table : {Shape{7, 5}, {7, 2, 3}, {7}}) {
    GraphBuilder g;
    const auto ids = g.input({2, 3}, DType::i64);
    g.output(g.node("Gather", {g.constant(table, whole_numbers(rng, table, 5)), ids}));
    expect_moved(g.graph, "embedding " + model::shape_text(table));
  }
  for (const std::int64_t axis : {1, 2}) {
    GraphBuilder g;
    g.output(
        g.node("Gather", {g.constant({3, 6, 8}, whole_numbers(rng, {3, 6, 8}, 5)), g.input({4}, DType::i64)}, {{"axis", axis}}));
    expect_moved(g.graph, "embedding along " + std::to_string(axis));
  }
  GraphBuilder g;
  g.output(g.node("Gather", {g.constant({1 << 17, 1}, std::vector<float>(1 << 17, 1)), g.input({4}, DType::i64)}));
  EXPECT_NE(problem(g.graph).find("65536 rows"), std::string::npos) << problem(g.graph);
}

}  // namespace
}  // namespace dsperse::ops
