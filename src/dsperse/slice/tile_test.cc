#include "dsperse/slice/tile.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>

#include "dsperse/quantize/testing/programs.h"
#include "dsperse/run/integer.h"
#include "dsperse/run/testing/slow_run.h"
#include "dsperse/slice/cut.h"

namespace dsperse::slice {
namespace {

using namespace quantize;  // NOLINT
using quantize::testing::Builder;
using quantize::testing::Rng;
using quantize::testing::simple_requant;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

Window window(std::int64_t kernel, std::int64_t stride = 1, std::int64_t pad = 0, std::int64_t dilation = 1) {
  Window w;
  w.kernel = {kernel, kernel}, w.stride = {stride, stride}, w.dilation = {dilation, dilation};
  w.pad_begin = w.pad_end = {pad, pad};
  return w;
}

std::int64_t draw(Rng& rng, std::int64_t low, std::int64_t high) {
  return std::uniform_int_distribution<std::int64_t>(low, high)(rng);
}

std::string problem(const Result<Tiled>& tiled) { return tiled ? "" : tiled.error().text(); }

std::vector<std::string> op_names(const Program& p) {
  std::vector<std::string> out;
  for (const Op& op : p.ops) out.push_back(op.name);
  return out;
}

/// Most ops that read one tensor that is no output.
std::size_t most_readers(const Tiled& tiled) {
  const Program& p = tiled.program;
  std::vector<bool> is_output(p.tensors.size(), false);
  for (const TensorId id : p.outputs) is_output[id] = true;
  std::map<TensorId, std::set<std::size_t>> readers;
  for (std::size_t i = 0; i < p.ops.size(); ++i)
    for (const TensorId id : op_inputs(p.ops[i])) readers[id].insert(i);
  std::size_t most = 0;
  for (const auto& [id, ops] : readers)
    if (!is_output[id]) most = std::max(most, ops.size());
  return most;
}

/// Every tensor of the tiled program is the box of the untiled one that it says, in both interpreters.
void expect_same(const Program& program, const Tiled& tiled, const WeightStore& weights, const TensorStore& inputs) {
  TensorStore whole = inputs;
  ASSERT_TRUE(run::testing::slow_run(program, weights, whole));
  const WeightStore cut = tile_weights(tiled, weights);
  TensorStore slow(tiled.program.tensors.size());
  for (std::size_t i = 0; i < program.inputs.size(); ++i) slow[tiled.program.inputs[i]] = inputs[program.inputs[i]];
  TensorStore fast = slow;
  ASSERT_TRUE(check_program(tiled.program));
  ASSERT_TRUE(run::testing::slow_run(tiled.program, cut, slow));
  const auto runner = run::IntegerRunner::create(tiled.program, cut);
  ASSERT_TRUE(runner) << runner.error().text();
  ASSERT_TRUE(runner->run(fast));
  for (TensorId id = 0; id < slow.size(); ++id) {
    const TensorPart& part = tiled.tensors[id];
    const TensorSpec& old = program.tensors[part.tensor];
    ASSERT_EQ(slow[id], part_of(old.shape, part.box, whole[part.tensor])) << tiled.program.tensors[id].name;
    ASSERT_EQ(fast[id], slow[id]) << tiled.program.tensors[id].name;
    EXPECT_EQ(tiled.program.tensors[id].exponent, old.exponent);
  }
  ASSERT_EQ(tiled.program.outputs.size(), program.outputs.size());
  for (std::size_t i = 0; i < program.outputs.size(); ++i) {
    EXPECT_EQ(tiled.program.tensors[tiled.program.outputs[i]], program.tensors[program.outputs[i]]);
    EXPECT_EQ(slow[tiled.program.outputs[i]], whole[program.outputs[i]]);
  }
  for (std::size_t i = 0; i < program.inputs.size(); ++i)
    EXPECT_EQ(tiled.program.tensors[tiled.program.inputs[i]], program.tensors[program.inputs[i]]);
}

/// Rows of x that windows of output rows [begin, end) read, tap by tap: first to last.
std::pair<std::int64_t, std::int64_t> rows_read(const Window& w, std::int64_t begin, std::int64_t end, std::int64_t in) {
  std::int64_t low = in, high = 0;
  for (std::int64_t o = begin; o < end; ++o)
    for (std::int64_t t = 0; t < w.kernel[0]; ++t) {
      const std::int64_t row = o * w.stride[0] + t * w.dilation[0] - w.pad_begin[0];
      low = std::min(low, std::max<std::int64_t>(row, 0));
      high = std::max(high, std::min(row + 1, in));
    }
  return {low, high};
}

/// Tiles of window ops read the rows from their first to their last tap; what is moved to them is moved without a rest.
void expect_no_more_than_needed(const Program& program, const Tiled& tiled) {
  for (std::size_t i = 0; i < tiled.program.ops.size(); ++i) {
    const Op &op = tiled.program.ops[i], &old = program.ops[tiled.op_of[i]];
    const Window* w = nullptr;
    if (const auto* conv = std::get_if<Conv>(&old.body)) w = &conv->window;
    if (const auto* maximum = std::get_if<MaxPool>(&old.body)) w = &maximum->window;
    if (const auto* average = std::get_if<AveragePool>(&old.body)) w = &average->window;
    if (op.body.index() == old.body.index() && w != nullptr) {
      const Box &y = tiled.tensors[op_output(op)].box, &x = tiled.tensors[op_inputs(op)[0]].box;
      const std::int64_t in = program.tensors[op_inputs(old)[0]].shape[1];
      if (op.name == old.name) continue;
      const auto [low, high] = rows_read(*w, y.begin[1], y.end[1], in);
      if (y.begin[1] == 0 && y.end[1] == program.tensors[op_output(old)].shape[1]) continue;  // not cut by rows
      EXPECT_EQ(x.begin[1], low) << op.name;
      EXPECT_EQ(x.end[1], high) << op.name;
    }
    if (op.onnx_type == "Concat") {
      std::int64_t read = 0;
      for (const TensorId id : op_inputs(op)) read += elements(tiled.program.tensors[id].shape);
      EXPECT_EQ(read, elements(tiled.program.tensors[op_output(op)].shape)) << op.name;
    }
  }
}

/// Random requests for some of the ops.
std::vector<TileRequest> random_requests(const Program& p, Rng& rng) {
  std::vector<TileRequest> out;
  const std::int64_t often = draw(rng, 1, 3);
  std::optional<std::pair<std::uint32_t, std::uint32_t>> last;
  for (std::uint32_t op = 0; op < p.ops.size(); ++op) {
    const std::vector<TileAxis> axes = tileable(p, op);
    if (axes.empty() || draw(rng, 0, often) == 0) continue;
    TileAxis a = axes[static_cast<std::size_t>(draw(rng, 0, static_cast<std::int64_t>(axes.size()) - 1))];
    std::uint32_t parts = static_cast<std::uint32_t>(draw(rng, 2, std::min<std::int64_t>(a.parts, 7)));
    // Often like the op before, so that chains come up.
    for (const TileAxis& b : axes)
      if (last && last->first == b.axis && last->second <= b.parts && draw(rng, 0, 3) > 0) a = b, parts = last->second;
    last = {a.axis, parts};
    out.push_back({op, a.axis, parts});
  }
  return out;
}

TEST(Tile, RandomProgramsKeepEveryValue) {
  std::size_t tiles = 0, copies = 0, concats = 0, slices = 0;
  for (std::uint64_t seed = 1; seed <= 400; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Rng rng(seed);
    const Program p = quantize::testing::random_program(rng, 1 + seed % 9);
    const std::vector<TileRequest> requests = random_requests(p, rng);
    TileOptions options;
    options.order = seed % 2 == 0 ? TileOrder::bands : TileOrder::layers;
    options.halo = std::array{Halo::cheapest, Halo::recompute, Halo::exchange}[seed % 3];
    const auto tiled = tile(p, requests, options);
    ASSERT_TRUE(tiled) << problem(tiled);
    expect_same(p, *tiled, quantize::testing::random_weights(p, rng), quantize::testing::random_inputs(p, rng));
    expect_no_more_than_needed(p, *tiled);
    if (::testing::Test::HasFailure()) return;
    for (std::size_t i = 0; i < tiled->program.ops.size(); ++i) {
      const Op& op = tiled->program.ops[i];
      tiles += op.name.ends_with("]") ? 1 : 0;
      copies += op.onnx_type == "Identity" ? 1 : 0;
      concats += op.onnx_type == "Concat" ? 1 : 0;
      slices += op.onnx_type == "Slice" ? 1 : 0;
    }
  }
  EXPECT_GT(tiles, 2000U);
  EXPECT_GT(copies, 50U);
  EXPECT_GT(concats, 400U);
  EXPECT_GT(slices, 400U);
}

/// conv 3x3, relu, strided dilated conv, depthwise conv, residual sum, ceil-mode pools, a Gemm.
struct Net {
  Builder b;
  Program program;
  explicit Net(std::int64_t rows) {
    const auto x = b.input({1, rows, 13, 3});
    const auto c1 = b.conv(x, 8, window(3, 1, 1), simple_requant(10, Function::relu));
    const auto c2 = b.conv(c1, 8, window(3, 1, 2, 2), simple_requant(12), 2);
    const auto s = b.sum({{false, c1, 1}, {false, c2, 1}}, b.spec(c1).shape, simple_requant(1, Function::relu));
    Window ceil = window(3, 2, 1);
    ceil.pad_end = {2, 2};
    const auto m = b.maximum(s, ceil);
    const auto d = b.conv(m, 8, window(5, 1, 2), simple_requant(9), 8);
    const auto a = b.average(d, ceil, true, {1, 1}, simple_requant(16));
    b.gemm(a, elements(b.spec(a).shape), 11, simple_requant(12));
    program = b.done();
  }
};

TEST(Tile, BandsOfAConvNet) {
  for (const std::int64_t rows : {23, 24, 31}) {
    const Net net(rows);
    for (const Halo halo : {Halo::cheapest, Halo::recompute, Halo::exchange})
      for (const TileOrder order : {TileOrder::bands, TileOrder::layers})
        for (const std::uint32_t parts : {2U, 3U, 5U}) {
          std::vector<TileRequest> requests;
          for (std::uint32_t op = 0; op < 6; ++op) requests.push_back({op, 1, parts});
          requests.push_back({6, 1, 4});
          const auto tiled = tile(net.program, requests, {order, halo});
          ASSERT_TRUE(tiled) << problem(tiled);
          Rng rng(7);
          expect_same(net.program, *tiled, quantize::testing::random_weights(net.program, rng),
                      quantize::testing::random_inputs(net.program, rng));
          expect_no_more_than_needed(net.program, *tiled);
          EXPECT_LE(most_readers(*tiled), kMaxConsumers);
        }
  }
}

// A chain whose halos are recomputed needs no copy between its layers: tile i reads what tile i made, a slice can hold a band.
TEST(Tile, RecomputedBandsReadTheirOwnTilesAlone) {
  Builder b;
  auto x = b.input({1, 64, 8, 2});
  for (int i = 0; i < 3; ++i) x = b.conv(x, 4, window(3, 1, 1), simple_requant(10, Function::relu));
  b.maximum(x, window(2, 2));
  const Program p = b.done();
  const std::vector<TileRequest> requests{{0, 1, 2}, {1, 1, 2}, {2, 1, 2}, {3, 1, 2}};
  const auto tiled = tile(p, requests);
  ASSERT_TRUE(tiled) << problem(tiled);
  EXPECT_THAT(op_names(tiled->program), ElementsAre("op0[rows 0:34] slice", "op0[rows 0:34]", "op1[rows 0:33]", "op2[rows 0:32]",
                                                    "op3[rows 0:16]", "op0[rows 30:64] slice", "op0[rows 30:64]",
                                                    "op1[rows 31:64]", "op2[rows 32:64]", "op3[rows 16:32]", "op3 concat"));
  EXPECT_EQ(tiled->program.tensors[tiled->program.outputs[0]].name, p.tensors[p.outputs[0]].name);
  EXPECT_THAT(tiled->op_of, ElementsAre(0, 0, 1, 2, 3, 0, 0, 1, 2, 3, 3));
  // Row tiles share their weights.
  EXPECT_EQ(tiled->program.weights, p.weights);

  const auto layers = tile(p, requests, {TileOrder::layers, Halo::exchange});
  ASSERT_TRUE(layers) << problem(layers);
  EXPECT_THAT(
      op_names(layers->program),
      ElementsAre("op0[rows 0:32] slice", "op0[rows 0:32]", "op0[rows 0:32] slice 2", "op0[rows 32:64] slice", "op0[rows 32:64]",
                  "op0[rows 32:64] slice 2", "op1[rows 0:32] concat", "op1[rows 0:32]", "op1[rows 0:32] slice",
                  "op1[rows 32:64] concat", "op1[rows 32:64]", "op1[rows 32:64] slice", "op2[rows 0:32] concat", "op2[rows 0:32]",
                  "op2[rows 32:64] concat", "op2[rows 32:64]", "op3[rows 0:16]", "op3[rows 16:32]", "op3 concat"));
  std::vector<std::string> names;
  for (const TensorSpec& t : layers->program.tensors) names.push_back(t.name);
  EXPECT_THAT(names, Contains("t1[rows 31:32]"));  // a halo is a tensor of its own
}

TEST(Tile, CheapestCopiesWhereTilesAreThin) {
  Builder b;
  auto x = b.input({1, 16, 8, 2});
  for (int i = 0; i < 2; ++i) x = b.conv(x, 4, window(5, 1, 2), simple_requant(10, Function::relu));
  const Program p = b.done();
  const auto thin = tile(p, std::vector<TileRequest>{{0, 1, 8}, {1, 1, 8}});
  ASSERT_TRUE(thin);
  EXPECT_THAT(op_names(thin->program), Contains("op1[rows 2:4] concat"));
  EXPECT_THAT(op_names(thin->program), Contains("op0[rows 2:4]"));
}

TEST(Tile, FeaturesCutWeightsBiasAndShifts) {
  Builder b;
  const auto x = b.input({3, 5});
  Requant r = simple_requant(8);
  r.shift = {3, 4, 5, 6, 7, 8, 9};
  const auto g = b.gemm(x, 5, 7, r);
  b.gemm(g, 7, 2, simple_requant(9));
  const Program p = b.done();
  EXPECT_THAT(tileable(p, 0), ElementsAre(TileAxis{0, 3, false}, TileAxis{1, 7, true}));
  const auto tiled = tile(p, std::vector<TileRequest>{{0, 1, 2}});
  ASSERT_TRUE(tiled) << problem(tiled);
  EXPECT_THAT(tiled->weights, ElementsAre(WeightPart{0, 0, 15}, WeightPart{0, 15, 35}, WeightPart{1, 0, 3}, WeightPart{1, 3, 7},
                                          WeightPart{2, 0, 14}, WeightPart{3, 0, 2}));
  EXPECT_EQ(tiled->program.weights[1].shape, (Shape{4, 5}));
  EXPECT_EQ(tiled->program.weights[1].name, "w0[3:7]");
  const auto& second = std::get<Gemm>(tiled->program.ops[1].body);
  EXPECT_EQ(tiled->program.ops[1].name, "op0[features 3:7]");
  EXPECT_THAT(second.requant.shift, ElementsAre(6, 7, 8, 9));
  Rng rng(3);
  expect_same(p, *tiled, quantize::testing::random_weights(p, rng), quantize::testing::random_inputs(p, rng));
}

// Whatever the cuts: no committed tensor has more than four readers, so that every op can be a slice of its own.
TEST(Tile, ManyTilesReadOneTensorThroughCopies) {
  Builder b;
  auto x = b.input({1, 12, 6, 4});
  x = b.conv(x, 6, window(3, 1, 1), simple_requant(10));
  const auto y = b.conv(x, 22, window(3, 1, 1), simple_requant(10));  // channels: all tiles read all of x
  b.conv(y, 3, window(3, 1, 1), simple_requant(10));
  const Program p = b.done();
  for (const TileRequest request : {TileRequest{1, 3, 11}, TileRequest{1, 1, 12}, TileRequest{2, 1, 12}, TileRequest{0, 1, 12}}) {
    const auto tiled = tile(p, std::vector{request});
    ASSERT_TRUE(tiled) << problem(tiled);
    EXPECT_LE(most_readers(*tiled), kMaxConsumers);
    EXPECT_THAT(op_names(tiled->program), Contains(HasSubstr(" copy")));
    Rng rng(3);
    expect_same(p, *tiled, quantize::testing::random_weights(p, rng), quantize::testing::random_inputs(p, rng));
    Cuts cuts;
    for (std::uint32_t i = 0; i + 1 < tiled->program.ops.size(); ++i) cuts.push_back(i);
    const auto plan = plan_at(tiled->program, cuts);
    ASSERT_TRUE(plan) << plan.error().text();
    for (const Boundary& boundary : plan->boundaries)
      EXPECT_TRUE(boundary.is_input || boundary.is_output || boundary.consumers.size() <= kMaxConsumers);
  }
}

TEST(Tile, NothingAskedNothingChanged) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    Rng rng(seed);
    const Program p = quantize::testing::random_program(rng, 6);
    const auto tiled = tile(p, std::vector<TileRequest>{{0, 0, 1}});
    ASSERT_TRUE(tiled) << problem(tiled);
    EXPECT_EQ(tiled->program, p);
  }
}

TEST(Tile, WhatCannotBeTiledIsSaid) {
  Builder b;
  const auto x = b.input({1, 6, 6, 4});
  const auto y = b.conv(x, 4, window(3, 1, 1), simple_requant(10), 2);
  b.gemm(y, elements(b.spec(y).shape), 4, simple_requant(10));
  const Program p = b.done();
  EXPECT_THAT(tileable(p, 0), ElementsAre(TileAxis{1, 6, false}, TileAxis{2, 6, false}, TileAxis{3, 2, true}));
  EXPECT_THAT(tileable(p, 1), ElementsAre(TileAxis{1, 4, true}));
  const auto text = [&](std::vector<TileRequest> requests) { return problem(tile(p, requests)); };
  EXPECT_THAT(text({{2, 1, 2}}), HasSubstr("does not exist"));
  EXPECT_THAT(text({{0, 1, 2}, {0, 3, 2}}), HasSubstr("twice"));
  EXPECT_THAT(text({{0, 0, 2}}), HasSubstr("cannot be split along axis 0"));
  EXPECT_THAT(text({{0, 3, 3}}), HasSubstr("cannot be split into 3 parts"));
  EXPECT_THAT(text({{1, 0, 2}}), HasSubstr("along axis 0"));
  EXPECT_THAT(text({{0, 1, 0}}), HasSubstr("into 0 parts"));
}

}  // namespace
}  // namespace dsperse::slice
