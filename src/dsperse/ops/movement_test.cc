// Every operator that moves data, with random attributes: the integers are exactly the floats, the two interpreters agree, and
// the constraints hold.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <numeric>

#include "dsperse/ops/registry.h"
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
using testing::Names;
using testing::number;
using testing::problem;
using testing::random_shape;
using testing::Rng;

/// A node with several outputs.
Names nodes_outputs(GraphBuilder& g, const std::string& op, const Names& inputs, const Attributes& attributes,
                    std::size_t outputs) {
  model::Node n{op + " node", op, inputs, {}, attributes};
  for (std::size_t i = 0; i < outputs; ++i) n.outputs.push_back(op + " out " + std::to_string(i));
  std::vector<model::ValueInfo> infos(inputs.size());
  std::vector<const model::ValueInfo*> views;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const auto c = g.graph.constants.find(inputs[i]);
    infos[i] = {g.graph.values.at(inputs[i]).dtype, g.graph.values.at(inputs[i]).shape,
                c == g.graph.constants.end() ? nullptr : &c->second};
    views.push_back(inputs[i].empty() ? nullptr : &infos[i]);
  }
  const auto made = float_operators().at(op).infer({n, g.graph.opset, views});
  EXPECT_TRUE(made) << made.error().text();
  for (std::size_t i = 0; i < outputs && made; ++i)
    g.graph.values[n.outputs[i]] = {n.outputs[i], (*made)[i].dtype, (*made)[i].shape};
  g.graph.nodes.push_back(n);
  return n.outputs;
}

/// Integers of any shape.
std::string indices(GraphBuilder& g, const Shape& shape, Ints values, DType dtype = DType::i64) {
  const std::string name = g.integers(std::move(values));
  g.graph.constants[name].shape = g.graph.values[name].shape = shape;
  g.graph.constants[name].dtype = g.graph.values[name].dtype = dtype;
  return name;
}

/// The data as an input, or made by a layer, so that an image lies channels-last.
std::string data(GraphBuilder& g, Rng& rng, const Shape& shape) {
  if (shape.size() != 4 || number(rng, 0, 1) == 0) return g.input(shape);
  const std::int64_t c = shape[1];
  std::vector<float> w(static_cast<std::size_t>(c * c), 0);
  for (std::int64_t i = 0; i < c; ++i) w[static_cast<std::size_t>(i * c + (i + 1) % c)] = 1;
  return g.node("Conv", {g.input(shape), g.constant({c, c, 1, 1}, w)});
}

/// `make` adds a node to a graph of this opset and returns its output, or nothing where the draw does not make sense.
void fuzz(const std::string& what, std::int64_t opset, int rounds, const std::function<std::string(GraphBuilder&, Rng&)>& make) {
  Rng rng(11);
  for (int i = 0; i < rounds; ++i) {
    GraphBuilder g(opset);
    const std::string out = make(g, rng);
    if (out.empty()) continue;
    g.output(out);
    expect_moved(g.graph, what + " " + std::to_string(i));
  }
}

TEST(Movement, Slice) {
  fuzz("Slice", 13, 60, [](GraphBuilder& g, Rng& rng) {
    const Shape x = random_shape(rng, static_cast<std::size_t>(number(rng, 1, 4)), 7);
    Ints starts, ends, axes, steps;
    for (std::size_t k = 0; k < x.size(); ++k) {
      const std::int64_t step = number(rng, 1, 3) * (number(rng, 0, 1) == 0 ? 1 : -1), at = number(rng, 0, x[k] - 1);
      starts.push_back(number(rng, 0, 1) == 0 ? at : at - x[k]);
      ends.push_back(step > 0 ? number(rng, at + 1, x[k] + 2) : number(rng, -x[k] - 3, at - 1 - x[k]));
      axes.push_back(number(rng, 0, 1) == 0 ? static_cast<std::int64_t>(k)
                                            : static_cast<std::int64_t>(k) - static_cast<std::int64_t>(x.size()));
      steps.push_back(step);
    }
    return g.node("Slice", {data(g, rng, x), g.integers(starts), g.integers(ends), g.integers(axes), g.integers(steps)});
  });
  GraphBuilder old(9);
  old.output(old.node("Slice", {old.input({3, 5})}, {{"starts", Ints{1}}, {"ends", Ints{-1}}, {"axes", Ints{1}}}));
  EXPECT_EQ(kinds(expect_moved(old.graph, "old")), "R");
}

TEST(Movement, Split) {
  Rng rng(2);
  for (int i = 0; i < 30; ++i) {
    GraphBuilder g(i % 3 == 0 ? 11 : i % 3 == 1 ? 13 : 18);
    const Shape x = random_shape(rng, static_cast<std::size_t>(number(rng, 1, 4)), 7);
    const auto axis = number(rng, 0, static_cast<std::int64_t>(x.size()) - 1);
    const std::int64_t n = x[static_cast<std::size_t>(axis)];
    Ints sizes;
    for (std::int64_t rest = n; rest > 0; rest -= sizes.back()) sizes.push_back(number(rng, 1, rest));
    Names in{data(g, rng, x)};
    Attributes a{{"axis", axis - static_cast<std::int64_t>(x.size())}};
    if (g.graph.opset == 11) a["split"] = sizes;
    if (g.graph.opset == 13) in.push_back(g.integers(sizes));
    std::size_t outputs = sizes.size();
    if (g.graph.opset == 18) {
      outputs = static_cast<std::size_t>(number(rng, 1, n));
      if ((n + static_cast<std::int64_t>(outputs) - 1) / static_cast<std::int64_t>(outputs) *
              (static_cast<std::int64_t>(outputs) - 1) >=
          n)
        outputs = 1;  // an empty part
      a["num_outputs"] = static_cast<std::int64_t>(outputs);
    }
    const auto out = nodes_outputs(g, "Split", in, a, outputs);
    for (std::size_t k = 0; k < out.size(); ++k)
      if (k == 0 || number(rng, 0, 2) > 0) g.output(out[k]);  // some are read by nobody
    expect_moved(g.graph, "Split " + std::to_string(i));
  }
}

TEST(Movement, ExpandAndTile) {
  fuzz("Expand", 13, 40, [](GraphBuilder& g, Rng& rng) {
    Shape x = random_shape(rng, static_cast<std::size_t>(number(rng, 0, 3))), to = x;
    for (std::size_t k = 0; k < x.size(); ++k) {
      if (number(rng, 0, 1) == 0) x[k] = 1;
      if (number(rng, 0, 3) == 0) to[k] = 1;
    }
    for (std::int64_t k = number(rng, 0, 2); k > 0; --k) to.insert(to.begin(), number(rng, 1, 3));
    return g.node("Expand", {g.input(x), g.integers(to)});
  });
  fuzz("Tile", 13, 40, [](GraphBuilder& g, Rng& rng) {
    const Shape x = random_shape(rng, static_cast<std::size_t>(number(rng, 1, 4)), 4);
    Ints repeats;
    for (std::size_t k = 0; k < x.size(); ++k) repeats.push_back(number(rng, 1, 3));
    return g.node("Tile", {data(g, rng, x), g.integers(repeats)});
  });
}

TEST(Movement, Pad) {
  for (const std::string mode : {"constant", "edge", "reflect", "wrap"})
    fuzz("Pad " + mode, 18, 30, [&](GraphBuilder& g, Rng& rng) {
      Shape x = random_shape(rng, static_cast<std::size_t>(number(rng, 1, 4)), 6);
      Ints pads(2 * x.size(), 0);
      for (std::size_t k = 0; k < x.size(); ++k) {
        if (x.size() > 2 && k < 2) continue;
        for (const std::size_t i : {k, k + x.size()})
          pads[i] = number(rng, mode == "constant" ? -(x[k] - 1) / 2 : 0, std::min<std::int64_t>(x[k] - 1, 3));
      }
      return g.node("Pad", {data(g, rng, x), g.integers(pads), g.constant({}, {mode == "constant" ? 5.0F : 0.0F})},
                    {{"mode", mode}});
    });
  GraphBuilder old(10);
  old.output(old.node("Pad", {old.input({3, 5})}, {{"pads", Ints{1, 2, 0, 1}}, {"mode", std::string("reflect")}}));
  expect_moved(old.graph, "old");
}

TEST(Movement, Gather) {
  fuzz("Gather", 13, 60, [](GraphBuilder& g, Rng& rng) {
    const Shape x = random_shape(rng, static_cast<std::size_t>(number(rng, 1, 4)), 6);
    const auto axis = number(rng, 0, static_cast<std::int64_t>(x.size()) - 1);
    const Shape shape = random_shape(rng, static_cast<std::size_t>(number(rng, 0, 2)), 4);
    Ints at;
    for (std::int64_t i = quantize::elements(shape); i > 0; --i) {
      const std::int64_t n = x[static_cast<std::size_t>(axis)];
      at.push_back(number(rng, -n, n - 1));
    }
    return g.node("Gather", {data(g, rng, x), indices(g, shape, at)}, {{"axis", axis}});
  });
  fuzz("GatherElements", 13, 30, [](GraphBuilder& g, Rng& rng) {
    const Shape x = random_shape(rng, static_cast<std::size_t>(number(rng, 1, 3)), 4);
    const auto axis = static_cast<std::size_t>(number(rng, 0, static_cast<std::int64_t>(x.size()) - 1));
    Shape shape = x;
    for (std::size_t k = 0; k < x.size(); ++k) shape[k] = k == axis ? number(rng, 1, 5) : number(rng, 1, x[k]);
    Ints at;
    for (std::int64_t i = quantize::elements(shape); i > 0; --i) at.push_back(number(rng, -x[axis], x[axis] - 1));
    return g.node("GatherElements", {g.input(x), indices(g, shape, at)}, {{"axis", static_cast<std::int64_t>(axis)}});
  });
  fuzz("GatherND", 13, 40, [](GraphBuilder& g, Rng& rng) {
    const Shape x = random_shape(rng, static_cast<std::size_t>(number(rng, 2, 4)), 4);
    const auto batch = static_cast<std::size_t>(number(rng, 0, 1)),
               n = static_cast<std::size_t>(number(rng, 1, static_cast<std::int64_t>(x.size() - batch)));
    Shape shape(x.begin(), x.begin() + static_cast<std::ptrdiff_t>(batch));
    shape.push_back(number(rng, 1, 4));
    Ints at;
    const std::int64_t tuples = quantize::elements(shape);
    for (std::int64_t i = 0; i < tuples; ++i)
      for (std::size_t k = 0; k < n; ++k) at.push_back(number(rng, -x[batch + k], x[batch + k] - 1));
    shape.push_back(static_cast<std::int64_t>(n));
    return g.node("GatherND", {g.input(x), indices(g, shape, at)}, {{"batch_dims", static_cast<std::int64_t>(batch)}});
  });
}

TEST(Movement, Scatter) {
  fuzz("ScatterElements", 16, 40, [](GraphBuilder& g, Rng& rng) {
    const Shape x = random_shape(rng, static_cast<std::size_t>(number(rng, 1, 3)), 4);
    const auto axis = static_cast<std::size_t>(number(rng, 0, static_cast<std::int64_t>(x.size()) - 1));
    Shape shape = x;
    for (std::size_t k = 0; k < x.size(); ++k) shape[k] = number(rng, 1, x[k]);
    Ints at;
    for (std::int64_t i = quantize::elements(shape); i > 0; --i) at.push_back(number(rng, -x[axis], x[axis] - 1));
    const bool constant = number(rng, 0, 2) == 0;
    const std::string target =
        constant ? g.constant(x, std::vector<float>(static_cast<std::size_t>(quantize::elements(x)), 3)) : g.input(x);
    return g.node("ScatterElements", {target, indices(g, shape, at), g.input(shape)},
                  {{"axis", static_cast<std::int64_t>(axis)}});
  });
  fuzz("ScatterND", 16, 40, [](GraphBuilder& g, Rng& rng) {
    const Shape x = random_shape(rng, static_cast<std::size_t>(number(rng, 1, 3)), 5);
    const auto n = static_cast<std::size_t>(number(rng, 1, static_cast<std::int64_t>(x.size())));
    const std::int64_t tuples = number(rng, 1, 4);
    Ints at;
    for (std::int64_t i = 0; i < tuples; ++i)
      for (std::size_t k = 0; k < n; ++k) at.push_back(number(rng, -x[k], x[k] - 1));
    Shape updates{tuples};
    updates.insert(updates.end(), x.begin() + static_cast<std::ptrdiff_t>(n), x.end());
    return g.node("ScatterND", {g.input(x), indices(g, {tuples, static_cast<std::int64_t>(n)}, at), g.input(updates)});
  });
}

TEST(Movement, Blocks) {
  for (const std::string mode : {"DCR", "CRD"})
    fuzz("DepthToSpace", 13, 20, [&](GraphBuilder& g, Rng& rng) {
      Shape x = random_shape(rng, 4, 3);
      const std::int64_t b = number(rng, 1, 3);
      x[1] *= b * b;
      return g.node("DepthToSpace", {data(g, rng, x)}, {{"blocksize", b}, {"mode", mode}});
    });
  fuzz("SpaceToDepth", 13, 20, [](GraphBuilder& g, Rng& rng) {
    Shape x = random_shape(rng, 4, 3);
    const std::int64_t b = number(rng, 1, 3);
    x[2] *= b, x[3] *= b;
    return g.node("SpaceToDepth", {data(g, rng, x)}, {{"blocksize", b}});
  });
  GraphBuilder g;  // nothing moves before the model's output
  g.output(g.node("Relu", {g.node("DepthToSpace", {g.input({1, 8, 3, 3})}, {{"blocksize", std::int64_t{2}}})}));
  EXPECT_EQ(kinds(expect_moved(g.graph, "view")), "SR");
}

TEST(Movement, OtherOperators) {
  fuzz("CenterCropPad", 18, 30, [](GraphBuilder& g, Rng& rng) {
    const Shape x = random_shape(rng, static_cast<std::size_t>(number(rng, 1, 4)), 6);
    return g.node("CenterCropPad", {data(g, rng, x), g.integers(random_shape(rng, x.size(), 7))});
  });
  fuzz("Trilu", 14, 30, [](GraphBuilder& g, Rng& rng) {
    const Shape x = random_shape(rng, static_cast<std::size_t>(number(rng, 2, 3)), 5);
    const std::int64_t upper = number(rng, 0, 1), k = upper == 0 ? number(rng, 0, 3) : number(rng, -3, 0);
    return g.node("Trilu", {g.input(x), indices(g, {}, {k})}, {{"upper", upper}});
  });
  fuzz("ReverseSequence", 13, 30, [](GraphBuilder& g, Rng& rng) {
    const Shape x = random_shape(rng, static_cast<std::size_t>(number(rng, 2, 3)), 5);
    const std::int64_t time = number(rng, 0, 1);
    Ints lengths;
    for (std::int64_t i = 0; i < x[static_cast<std::size_t>(1 - time)]; ++i)
      lengths.push_back(number(rng, 1, x[static_cast<std::size_t>(time)]));
    return g.node("ReverseSequence", {g.input(x), g.integers(lengths)}, {{"time_axis", time}, {"batch_axis", 1 - time}});
  });
  fuzz("Compress", 13, 30, [](GraphBuilder& g, Rng& rng) {
    const Shape x = random_shape(rng, static_cast<std::size_t>(number(rng, 1, 3)), 5);
    const auto axis = number(rng, 0, static_cast<std::int64_t>(x.size()) - 1);
    Ints keep;
    for (std::int64_t i = 0; i < x[static_cast<std::size_t>(axis)]; ++i) keep.push_back(number(rng, 0, 1));
    keep[0] = 1;
    const auto n = static_cast<std::int64_t>(keep.size());
    return g.node("Compress", {g.input(x), indices(g, {n}, keep, DType::boolean)}, {{"axis", axis}});
  });
}

TEST(Movement, ResizeNearest) {
  for (const std::string coordinates :
       {"half_pixel", "half_pixel_symmetric", "pytorch_half_pixel", "align_corners", "asymmetric", "tf_half_pixel_for_nn"})
    for (const std::string rounding : {"round_prefer_floor", "round_prefer_ceil", "floor", "ceil"})
      fuzz("Resize " + coordinates + " " + rounding, 19, 4, [&](GraphBuilder& g, Rng& rng) {
        const Shape x{1, number(rng, 1, 3), number(rng, 1, 6), number(rng, 1, 6)};
        const Attributes a{{"coordinate_transformation_mode", coordinates}, {"nearest_mode", rounding}};
        if (number(rng, 0, 1) == 0) {
          const Ints to{1, x[1], number(rng, 1, 9), number(rng, 1, 9)};
          return g.node("Resize", {data(g, rng, x), "", "", g.integers(to)}, a);
        }
        const float up = static_cast<float>(number(rng, 1, 3));
        return g.node("Resize", {data(g, rng, x), "", g.constant({4}, {1, 1, up, up})}, a);
      });
  GraphBuilder g;  // an image of any size doubled in one piece
  g.output(g.node("Resize", {g.input({1, 3, 32, 48}), "", g.constant({4}, {1, 1, 2, 2})},
                  {{"coordinate_transformation_mode", std::string("asymmetric")}, {"nearest_mode", std::string("floor")}}));
  const auto m = expect_moved(g.graph, "doubled");
  ASSERT_EQ(kinds(m), "R");
  EXPECT_EQ(std::get<quantize::Rearrange>(m.program.ops[0].body).pieces.size(), 1U);
  GraphBuilder old(9);
  old.output(old.node("Upsample", {old.input({1, 2, 3, 4}), old.constant({4}, {1, 1, 2, 3})}));
  expect_moved(old.graph, "Upsample");
}

TEST(Movement, ManyPieces) {
  GraphBuilder g;  // 21 pieces along each of two axes: one after the other
  g.output(g.node("Pad", {g.input({1, 1, 12, 12}), g.integers({0, 0, 10, 10, 0, 0, 10, 10})}, {{"mode", std::string("edge")}}));
  EXPECT_EQ(kinds(expect_moved(g.graph, "edge")), "RR");
  Rng rng(8);  // 900 indices in no order: a product with zeros and ones
  GraphBuilder h;
  Ints at;
  for (int i = 0; i < 900; ++i) at.push_back(number(rng, 0, 19));
  h.output(h.node("Gather", {h.input({2, 20, 3}), h.integers(at)}, {{"axis", std::int64_t{1}}}));
  EXPECT_EQ(kinds(testing::expect_close(h.graph, 0.01, "indices")), "T");
  GraphBuilder i;
  i.output(i.node("GatherElements", {i.input({20, 20}), indices(i, {20, 20}, [&] {
                                       Ints v;
                                       for (int k = 0; k < 400; ++k) v.push_back(number(rng, 0, 19));
                                       return v;
                                     }())}));
  EXPECT_NE(problem(i.graph).find("more than 256"), std::string::npos) << problem(i.graph);
}

TEST(Movement, LargeTriangle) {
  GraphBuilder g;
  g.output(g.node("Trilu", {g.input({2, 20, 20})}));
  EXPECT_EQ(kinds(testing::expect_close(g.graph, 0.01, "Trilu")), "T");
}

TEST(Movement, ConcatWithConstants) {
  GraphBuilder g;
  g.output(g.node("Concat", {g.constant({2, 1}, {4, 4}), g.input({2, 3}), g.constant({2, 2}, {4, 4, 4, 4})},
                  {{"axis", std::int64_t{1}}}));
  EXPECT_EQ(kinds(expect_moved(g.graph, "Concat")), "R");
  GraphBuilder h;
  h.output(h.node("Concat", {h.constant({2, 1}, {4, 5}), h.input({2, 3})}, {{"axis", std::int64_t{1}}}));
  EXPECT_EQ(kinds(expect_moved(h.graph, "two values")), "RS");
}

TEST(Movement, Refusals) {
  GraphBuilder g;  // indices from the model's input
  const auto index = g.input({2}, DType::i64);
  g.output(g.node("Gather", {g.input({4, 3}), index}));
  EXPECT_NE(problem(g.graph).find("both depend on the model's input"), std::string::npos);
  GraphBuilder h(16);
  h.output(h.node("ScatterElements", {h.input({3}), h.integers({1}), h.input({1})}, {{"reduction", std::string("mul")}}));
  EXPECT_NE(problem(h.graph).find("reduction 'mul'"), std::string::npos);
}

TEST(Movement, ScatterOfSums) {
  GraphBuilder g(16);
  g.output(
      g.node("ScatterND", {g.input({4, 3}), indices(g, {2, 1}, {2, 0}), g.input({2, 3})}, {{"reduction", std::string("add")}}));
  EXPECT_EQ(kinds(expect_moved(g.graph, "add")), "RS");
  GraphBuilder h(16);
  h.output(h.node("ScatterElements", {h.input({3}), h.integers({1, -2}), h.input({2})}, {{"reduction", std::string("add")}}));
  EXPECT_NE(problem(h.graph).find("several updates"), std::string::npos);
}

}  // namespace
}  // namespace dsperse::ops
