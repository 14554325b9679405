// The fast interpreter against the slow one, bit for bit, over kernels and threads.
#include "dsperse/run/integer.h"

#include <gtest/gtest.h>

#include <type_traits>

#include "dsperse/base/cpu.h"
#include "dsperse/base/parallel.h"
#include "dsperse/quantize/testing/programs.h"
#include "dsperse/run/accumulate.h"
#include "dsperse/run/kernels/kernels.h"
#include "dsperse/run/testing/slow_run.h"

namespace dsperse::run {
namespace {

using namespace quantize;  // NOLINT
using quantize::testing::Builder;
using quantize::testing::Rng;
using quantize::testing::simple_requant;
using testing::slow_run;

/// Calls f on every kernel level that this CPU has, with one thread and with two; restores the defaults.
template <class F>
void on_every_machine(F f) {
  const std::size_t before = threads();
  for (const auto& [k, vnni] :
       {std::pair{Kernel::scalar, false}, {Kernel::avx2, false}, {Kernel::avx512, false}, {Kernel::avx512, true}}) {
    if (k > best_kernel()) continue;
    for (const std::size_t n : {1U, 2U}) {
      force_kernel(k);
      allow_vnni(vnni);
      set_threads(n);
      SCOPED_TRACE(std::string(kernel_name(k)) + (vnni ? " with VNNI" : "") + ", threads " + std::to_string(n));
      f();
    }
  }
  force_kernel(best_kernel());
  allow_vnni(true);
  set_threads(before);
}

/// All tensors and saturation counts equal those of the slow interpreter; so do the raw products.
void expect_equal_runs(const Program& p, const WeightStore& weights, const TensorStore& inputs) {
  ASSERT_TRUE(check_program(p)) << check_program(p).error().text();
  TensorStore expected = inputs;
  std::vector<std::uint64_t> saturated;
  const Status slow = slow_run(p, weights, expected, &saturated);
  ASSERT_TRUE(slow) << slow.error().text();
  on_every_machine([&] {
    const auto runner = IntegerRunner::create(p, weights);
    ASSERT_TRUE(runner) << runner.error().text();
    TensorStore trace = inputs;
    RunStats stats;
    const Status s = runner->run(trace, &stats);
    ASSERT_TRUE(s) << s.error().text();
    ASSERT_EQ(trace.size(), expected.size());
    ASSERT_EQ(stats.ops.size(), p.ops.size());
    for (std::size_t i = 0; i < p.ops.size(); ++i) {
      const TensorId y = op_output(p.ops[i]);
      ASSERT_EQ(trace[y], expected[y]) << p.ops[i].name << " " << p.ops[i].onnx_type;
      ASSERT_EQ(stats.ops[i].saturated, saturated[i]) << p.ops[i].name << " " << p.ops[i].onnx_type;
    }
  });
}

TEST(Integer, RandomProgramsEqualTheSlowInterpreter) {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Rng rng(seed);
    const Program p = quantize::testing::random_program(rng, 12);
    const WeightStore weights = quantize::testing::random_weights(p, rng);
    ASSERT_NO_FATAL_FAILURE(expect_equal_runs(p, weights, quantize::testing::random_inputs(p, rng)));
  }
}

Window window(std::array<std::int64_t, 2> kernel, std::array<std::int64_t, 2> stride = {1, 1},
              std::array<std::int64_t, 2> dilation = {1, 1}, std::array<std::int64_t, 2> pad_begin = {0, 0},
              std::array<std::int64_t, 2> pad_end = {0, 0}) {
  return {kernel, stride, dilation, pad_begin, pad_end};
}

/// Random weights and inputs, then all at their extremes with one sign, then with alternating signs.
void expect_equal_on_extremes(const Program& p) {
  Rng rng(7);
  ASSERT_NO_FATAL_FAILURE(
      expect_equal_runs(p, quantize::testing::random_weights(p, rng), quantize::testing::random_inputs(p, rng)));
  for (const bool alternate : {false, true}) {
    WeightStore weights = quantize::testing::random_weights(p, rng);
    TensorStore inputs = quantize::testing::random_inputs(p, rng);
    const auto fill = [&](auto& values, std::int64_t low, std::int64_t high) {
      for (std::size_t i = 0; i < values.size(); ++i)
        values[i] = static_cast<std::remove_cvref_t<decltype(values[i])>>(alternate && i % 2 != 0 ? low : high);
    };
    for (std::size_t w = 0; w < weights.size(); ++w) {
      fill(weights[w].narrow, -p.weights[w].max_abs, p.weights[w].max_abs);
      fill(weights[w].wide, -p.weights[w].max_abs, p.weights[w].max_abs);
    }
    for (const TensorId id : p.inputs) fill(inputs[id], p.tensors[id].lo, p.tensors[id].hi);
    ASSERT_NO_FATAL_FAILURE(expect_equal_runs(p, weights, inputs));
  }
}

/// a[batch][m][k] b[batch][k][n] in one order of the output's letters, a's and b's axes in another.
Program products(std::int64_t batch, std::int64_t m, std::int64_t n, std::int64_t k, const std::vector<std::uint32_t>& place,
                 bool b_rows, std::int64_t a_max, std::int64_t b_max, bool weight) {
  Builder b;
  Contract c;
  c.kept = 3;
  c.letters = {1, 1, 1, k};
  const Shape sizes{batch, m, n};
  for (std::size_t i = 0; i < 3; ++i) c.letters[place[i]] = sizes[i];
  c.a = quantize::testing::factor(b.input({batch, m, k}, -a_max, a_max), {batch, m, k}, {place[0], place[1], 3});
  const Shape axes = b_rows ? Shape{batch, n, k} : Shape{batch, k, n};
  const std::vector<std::uint32_t> letters =
      b_rows ? std::vector<std::uint32_t>{place[0], place[2], 3} : std::vector<std::uint32_t>{place[0], 3, place[2]};
  c.b = weight ? quantize::testing::weight_factor(b.weight(axes, b_max), axes, letters)
               : quantize::testing::factor(b.input(axes, -b_max, b_max), axes, letters);
  b.contract(c, {c.letters[0], c.letters[1], c.letters[2]}, simple_requant(10));
  return b.done();
}

TEST(Integer, ProductsOfActivationsInEveryLayout) {
  for (const std::vector<std::uint32_t>& place :
       std::vector<std::vector<std::uint32_t>>{{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {2, 0, 1}, {2, 1, 0}, {1, 2, 0}})
    for (const bool b_rows : {false, true})
      for (const auto& [a_max, b_max] : {std::pair{2047, 2047}, {2047, 32767}, {65535, 2047}, {32767, 32767}}) {
        SCOPED_TRACE(std::to_string(place[0]) + std::to_string(place[1]) + (b_rows ? " rows " : " columns ") +
                     std::to_string(a_max));
        ASSERT_NO_FATAL_FAILURE(expect_equal_on_extremes(products(2, 3, 5, 9, place, b_rows, a_max, b_max, false)));
        ASSERT_NO_FATAL_FAILURE(expect_equal_on_extremes(products(3, 2, 4, 4, place, b_rows, a_max, b_max, true)));
        // Enough rows and columns for panels, the last one in part, pairs with an odd one.
        ASSERT_NO_FATAL_FAILURE(expect_equal_on_extremes(products(2, 7, 19, 9, place, b_rows, a_max, b_max, false)));
        ASSERT_NO_FATAL_FAILURE(expect_equal_on_extremes(products(2, 13, 84, 10, place, b_rows, a_max, b_max, true)));
      }
  for (const auto& [batch, m, n, k] : std::vector<std::array<std::int64_t, 4>>{{1, 1, 300, 40}, {1, 70, 1, 33}, {2, 21, 67, 130}})
    ASSERT_NO_FATAL_FAILURE(expect_equal_on_extremes(products(batch, m, n, k, {0, 1, 2}, true, 2047, 2047, false)));
}

TEST(Integer, SumsOfContractsAreWhatTheProverAsksFor) {
  const Program p = products(2, 5, 9, 20, {0, 1, 2}, true, 2047, 2047, true);
  Rng rng(3);
  const WeightStore weights = quantize::testing::random_weights(p, rng);
  const TensorStore inputs = quantize::testing::random_inputs(p, rng);
  std::vector<std::int64_t> want(90, 0);
  for (std::size_t y = 0; y < 90; ++y)
    for (std::size_t k = 0; k < 20; ++k)
      want[y] += static_cast<std::int64_t>(inputs[0][y / 9 * 20 + k]) * weights[0].narrow[(y / 45 * 9 + y % 9) * 20 + k];
  std::vector<std::int64_t> acc(90, -1);
  ASSERT_TRUE(accumulate(p, p.ops[0], weights, inputs, acc));
  EXPECT_EQ(acc, want);
  acc.assign(90, -1);
  ASSERT_TRUE(IntegerRunner::create(p, weights)->accumulate(0, inputs, acc));
  EXPECT_EQ(acc, want);
}

TEST(Integer, ReductionsAlongAnyAxes) {
  for (const std::uint32_t kept : {1U, 2U, 3U, 4U, 6U}) {  // bit k: axis k is kept
    Builder b;
    const TensorId x = b.input({3, 300, 5}, -65535, 65535);
    Reduce r{x, 0, {}, 0, {3, 300, 5}, std::vector<AxisMap>(3), 3, {}};
    for (const bool keep : {true, false}) {
      for (std::uint32_t k = 0; k < 3; ++k) {
        if (((kept >> k & 1U) != 0) != keep) continue;
        r.maps[k] = {0, {{static_cast<std::uint32_t>(r.letters.size()), 1}}};
        r.letters.push_back(r.axes[k]);
      }
      if (keep) r.kept = static_cast<std::uint32_t>(r.letters.size());
    }
    const Shape shape(r.letters.begin(), r.letters.begin() + r.kept);
    b.reduce(r, shape, simple_requant(6));
    ASSERT_NO_FATAL_FAILURE(expect_equal_on_extremes(b.done()));
  }
}

// Long sums of the largest factors: 12 x 12 bits, 16 x 16 bits (two planes), and short blocks in between.
TEST(Integer, LargestProductsNeverOverflow) {
  for (const std::int64_t rows : {1, 3, 9})
    for (const auto& [x_max, w_max] :
         {std::pair{2047, 2047}, {65535, 32767}, {32767, 32767}, {2047, 32767}, {16383, 32767}, {1, 1}})
      for (const std::int64_t inner : {1, 31, 1500}) {
        SCOPED_TRACE(std::to_string(rows) + " x " + std::to_string(inner) + ", " + std::to_string(x_max) + " x " +
                     std::to_string(w_max));
        Builder b;
        b.gemm(b.input({rows, inner}, -x_max, x_max), inner, 5, simple_requant(20), true, w_max);
        ASSERT_NO_FATAL_FAILURE(expect_equal_on_extremes(b.done()));
      }
  for (const std::int64_t low : {-32768, -32769}) {  // the ends of 16-bit values
    Builder b;
    b.gemm(b.input({9, 600}, low, 32767), 600, 20, simple_requant(20), true, 1);
    b.gemm(0, 600, 20, simple_requant(20), true, 32767);
    ASSERT_NO_FATAL_FAILURE(expect_equal_on_extremes(b.done()));
  }
  Builder b;
  b.gemm(b.input({40, 512}), 512, 200, simple_requant(20));  // enough work for several tasks
  b.gemm(b.input({3, 4096}), 4096, 200, simple_requant(20));
  ASSERT_NO_FATAL_FAILURE(expect_equal_on_extremes(b.done()));
}

TEST(Integer, ConvolutionsOfEveryShape) {
  struct Case {
    Shape x;
    std::int64_t outputs, groups;
    Window window;
    std::int64_t x_max = 2047;
  };
  const std::vector<Case> cases = {
      {{1, 9, 9, 3}, 65, 1, window({3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1})},        // odd runs, five panels
      {{2, 8, 7, 4}, 130, 1, window({2, 3}, {2, 1}, {1, 2}, {0, 2}, {1, 0})},       // batch, dilation
      {{1, 1, 1, 40}, 16, 1, window({1, 1})},                                       // a single pixel
      {{1, 6, 6, 64}, 64, 2, window({3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1})},       // groups of whole panels
      {{1, 6, 6, 40}, 40, 2, window({3, 3}, {2, 2}, {1, 1}, {1, 1}, {1, 1})},       // groups with a ragged panel
      {{1, 13, 11, 48}, 48, 48, window({3, 3}, {1, 2}, {1, 1}, {1, 1}, {1, 1})},    // depthwise, whole blocks
      {{2, 13, 11, 19}, 38, 19, window({3, 2}, {1, 1}, {2, 2}, {2, 0}, {1, 3})},    // depthwise, two outputs each, ragged
      {{1, 7, 7, 12}, 8, 4, window({3, 3})},                                        // groups of three inputs
      {{1, 7, 7, 150}, 150, 150, window({3, 3}), 65535},                            // depthwise, two planes, more than 128 lanes
      {{2, 13, 11, 19}, 19, 19, window({3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1})},    // depthwise, a ragged block, rows of three
      {{1, 13, 30, 33}, 33, 33, window({3, 3}, {2, 2}, {1, 1}, {0, 0}, {1, 1})},    // and every other pixel
      {{1, 12, 12, 40}, 40, 40, window({5, 2}, {3, 1}, {2, 3}, {4, 2}, {4, 2})},    // windows of another shape, dilated
      {{1, 4, 3, 16}, 16, 16, window({7, 7}, {1, 1}, {1, 1}, {3, 3}, {3, 3})},      // no window inside the image
      {{3, 9, 8, 20}, 24, 1, window({1, 1}, {2, 3})},                               // 1 x 1 that skips pixels, over a batch
      {{2, 9, 8, 20}, 24, 1, window({1, 1}, {2, 2}), 65535},                        // in two planes
      {{2, 70, 9, 33}, 50, 1, window({1, 1})},                                      // 1 x 1: one column of pixels
      {{1, 7, 7, 6}, 7, 1, window({5, 5}, {1, 1}, {1, 1}, {2, 2}, {2, 2}), 65535},  // two planes
      {{1, 5, 5, 2}, 3, 1, window({2, 2}, {3, 3}, {1, 1}, {9, 9}, {9, 9})},         // windows wholly in the padding
      {{1, 2, 2, 2}, 3, 1, window({2, 2}, {9, 9}, {1, 1}, {4, 4}, {0, 0})},         // nothing but padding
      {{1, 20, 20, 32}, 72, 1, window({3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1})},     // enough work for several tasks
      {{4, 10, 10, 32}, 72, 1, window({3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1})},     // and the same over a batch
      {{1, 120, 60, 64}, 64, 64, window({3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1})},   // and over bands of rows
  };
  for (std::size_t i = 0; i < cases.size(); ++i) {
    SCOPED_TRACE("case " + std::to_string(i));
    const Case& c = cases[i];
    Builder b;
    b.conv(b.input(c.x, -c.x_max, c.x_max), c.outputs, c.window, simple_requant(12, Function::leaky_relu), c.groups);
    ASSERT_NO_FATAL_FAILURE(expect_equal_on_extremes(b.done()));
  }
}

// Every form of finish in registers: shifts to both sides by channel, tables, ranges that clamp everything; groups that end
// inside a block of channels must not count their neighbours' elements as clamped.
TEST(Integer, FinishesInRegistersAsInMemory) {
  for (const std::int64_t groups : {1, 2, 40})
    for (const Function f : {Function::identity, Function::relu, Function::sigmoid, Function::leaky_relu, Function::clip}) {
      SCOPED_TRACE(std::to_string(groups) + " groups, function " + std::to_string(static_cast<int>(f)));
      Requant r = simple_requant(5, f);
      Requant channels = r;
      channels.shift.resize(40);
      for (std::size_t i = 0; i < 40; ++i) channels.shift[i] = static_cast<std::int32_t>(i % 13) - 2;
      Builder b;
      const auto x = b.input({1, 9, 10, 40}, -15, 15);
      b.conv(x, 40, window({3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}), r, groups);
      b.conv(x, 40, window({3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}), channels, groups);
      ASSERT_NO_FATAL_FAILURE(expect_equal_on_extremes(b.done()));
    }
}

// A padded copy of the image would have 2^40 elements.
TEST(Integer, HugePaddingNeedsNoMemory) {
  Builder b;
  const std::int64_t big = 1 << 20;
  b.conv(b.input({1, 3, 3, 2}), 3, window({2, 2}, {big, big}, {big - 1, big - 1}, {big, big}, {big, big}), simple_requant(8));
  ASSERT_NO_FATAL_FAILURE(expect_equal_on_extremes(b.done()));
}

TEST(Integer, SumsOfEveryBroadcast) {
  Builder b;
  const auto x = b.input({2, 3, 5, 7}), row = b.input({7}), column = b.input({3, 1, 1}), one = b.input({1, 1}),
             same = b.input({2, 3, 5, 7});
  Requant channels = simple_requant(3);
  channels.shift = {1, 0, -2, 3, 4, 40, -1};
  b.sum({{false, x, 5}, {false, same, -3}}, {2, 3, 5, 7}, channels);
  b.sum({{false, x, 1}, {false, row, -16}, {false, column, 64}, {false, one, std::int64_t{1} << 40}}, {2, 3, 5, 7},
        simple_requant(2));
  b.sum({{false, column, 1}, {false, row, 1}}, {3, 4, 7}, simple_requant(1, Function::tanh));
  b.sum({{false, x, 1}, {true, b.weight({3, 5, 1}, 1 << 20), -3}, {true, b.weight({7}, 100), 9}}, {2, 3, 5, 7}, channels);
  b.sum({{false, x, 1}}, {2, 3, 5, 7}, simple_requant(0, Function::clip));
  const auto wide = b.input({2, 1300});
  b.sum({{false, wide, 1}, {true, b.weight({1300}, 1 << 20), 1}}, {2, 1300}, simple_requant(1));
  ASSERT_NO_FATAL_FAILURE(expect_equal_on_extremes(b.done()));
}

TEST(Integer, PoolsOfManyChannels) {
  Builder b;
  const auto x = b.input({2, 6, 5, 700}, -65535, 65535);
  const Window w = window({3, 2}, {2, 1}, {1, 2}, {1, 1}, {2, 0});
  Requant r = simple_requant(16, Function::sigmoid);
  b.average(x, w, true, {1, 0}, r);
  b.average(x, w, false, {0, 0}, simple_requant(15));
  b.maximum(x, w);
  ASSERT_NO_FATAL_FAILURE(expect_equal_on_extremes(b.done()));
}

// Windows as a Rearrange: one axis of x is read by two letters, some positions are outside.
TEST(Integer, RearrangeWithSeveralLettersInAnAxis) {
  Builder b;
  const auto x = b.input({6, 4});
  Rearrange r;
  r.y_axes = {4, 3, 4};
  r.fill = 77;
  r.pieces = {{x, {6, 4}, {{-1, {{0, 2}, {1, 1}}}, {0, {{2, 1}}}}}};
  b.rearrange(r, r.y_axes, -2047, 2047);
  Rearrange flip;  // reversed, and only every other one is covered
  flip.y_axes = {6, 9};
  flip.fill = -5;
  flip.pieces = {{x, {6, 4}, {{5, {{0, -1}}}, {9, {{1, -2}}}}}};
  b.rearrange(flip, flip.y_axes, -2047, 2047);
  Rearrange repeat;  // a letter that x does not depend on, a constant index
  repeat.y_axes = {3, 4};
  repeat.pieces = {{x, {6, 4}, {{2, {}}, {0, {{1, 1}}}}}};
  b.rearrange(repeat, repeat.y_axes, -2047, 2047);
  ASSERT_NO_FATAL_FAILURE(expect_equal_on_extremes(b.done()));
}

TEST(Integer, AccumulatesWithoutBias) {
  std::vector<Program> programs;
  for (const std::int64_t rows : {1, 5, 70})
    for (const std::int64_t limit : {2047, 40000}) {
      Builder b;
      b.gemm(b.input({rows, 33}, -limit, limit), 33, 21, simple_requant(0), true);
      programs.push_back(b.done());
    }
  for (const auto& [groups, height] : {std::pair{1, 7}, {6, 7}, {1, 3}}) {  // three rows: few enough pixels to be gathered
    Builder b;
    b.conv(b.input({2, height, 6, 6}), 12, window({3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}), simple_requant(0), groups);
    programs.push_back(b.done());
  }
  Rng rng(3);
  for (Program& p : programs) {
    const WeightStore weights = quantize::testing::random_weights(p, rng);
    const TensorStore inputs = quantize::testing::random_inputs(p, rng);
    const TensorId y = op_output(p.ops[0]);
    const Shape& xs = p.tensors[0].shape;
    std::vector<std::int64_t> expected(static_cast<std::size_t>(elements(p.tensors[y].shape)), 0);
    if (const auto* gemm = std::get_if<Gemm>(&p.ops[0].body)) {
      const std::size_t k = 33, o = 21;
      for (std::size_t i = 0; i < expected.size(); ++i)
        for (std::size_t j = 0; j < k; ++j) expected[i] += inputs[0][i / o * k + j] * weights[gemm->w].at(i % o * k + j);
    } else {
      const auto& conv = std::get<Conv>(p.ops[0].body);
      const std::int64_t in = 6 / conv.groups, out = 12 / conv.groups;
      std::size_t i = 0;
      for (std::int64_t n = 0; n < xs[0]; ++n)
        for (std::int64_t oy = 0; oy < xs[1]; ++oy)
          for (std::int64_t ox = 0; ox < xs[2]; ++ox)
            for (std::int64_t o = 0; o < 12; ++o, ++i)
              for (std::int64_t ky = 0; ky < 3; ++ky)
                for (std::int64_t kx = 0; kx < 3; ++kx)
                  for (std::int64_t c = 0; c < in; ++c) {
                    const std::int64_t iy = oy + ky - 1, ix = ox + kx - 1;
                    if (iy < 0 || iy >= xs[1] || ix < 0 || ix >= xs[2]) continue;
                    expected[i] += inputs[0][static_cast<std::size_t>(((n * xs[1] + iy) * xs[2] + ix) * 6 + o / out * in + c)] *
                                   weights[conv.w].at(static_cast<std::size_t>(((o * 3 + ky) * 3 + kx) * in + c));
                  }
    }
    on_every_machine([&] {
      std::vector<std::int64_t> acc(expected.size(), -1);
      accumulate(p, p.ops[0], weights[0], inputs[0], acc);
      ASSERT_EQ(acc, expected);
      const auto runner = IntegerRunner::create(p, weights);
      ASSERT_TRUE(runner);
      acc.assign(expected.size(), -1);
      ASSERT_TRUE(runner->accumulate(0, inputs, acc));
      ASSERT_EQ(acc, expected);
    });
  }
}

TEST(Integer, OverwritesStaleTensorsAndRunsAgain) {
  Rng rng(11);
  const Program p = quantize::testing::random_program(rng, 10);
  const WeightStore weights = quantize::testing::random_weights(p, rng);
  const auto runner = IntegerRunner::create(p, weights);
  ASSERT_TRUE(runner);
  TensorStore trace = quantize::testing::random_inputs(p, rng), first = trace;
  ASSERT_TRUE(runner->run(first));
  for (const Op& op : p.ops) trace[op_output(op)].assign(3, 12345);
  ASSERT_TRUE(runner->run(trace));
  EXPECT_EQ(trace, first);
  ASSERT_TRUE(runner->run(trace));
  EXPECT_EQ(trace, first);
}

TEST(Integer, RefusesWrongInputs) {
  Builder b;
  const auto x = b.input({1, 3}, -5, 7);
  b.gemm(x, 3, 2, simple_requant(0));
  const Program p = b.done();
  const WeightStore weights{{{1, 2, 3, 4, 5, 6}, {}}, {{}, {0, 0}}};
  const auto runner = IntegerRunner::create(p, weights);
  ASSERT_TRUE(runner);
  const auto problem = [&](TensorStore trace) {
    const Status s = runner->run(trace);
    if (s) return std::string("ok");
    EXPECT_EQ(s.error().kind, ErrorKind::bad_input);
    EXPECT_EQ(s.error().where, "t0");
    EXPECT_NE(s.error().hint, "");
    return s.error().what;
  };
  EXPECT_EQ(problem({{-5, 7, 0}}), "ok");
  EXPECT_EQ(problem({{-6, 7, 0}}), "input has the value -6, outside of [-5, 7]");
  EXPECT_EQ(problem({{-5, 0, 8}}), "input has the value 8, outside of [-5, 7]");
  EXPECT_EQ(problem({{1, 2}}), "input has 2 elements, not 3");
  EXPECT_EQ(problem({}), "input has 0 elements, not 3");
}

TEST(Integer, RefusesWrongWeights) {
  Builder b;
  b.gemm(b.input({1, 2}), 2, 1, simple_requant(0), true, 100);
  const Program p = b.done();
  const auto problem = [&](const WeightStore& weights) {
    const auto runner = IntegerRunner::create(p, weights);
    if (runner) return std::string("ok");
    EXPECT_EQ(runner.error().kind, ErrorKind::bad_input);
    return runner.error().what;
  };
  EXPECT_EQ(problem({{{100, -100}, {}}, {{}, {1 << 20}}}), "ok");
  EXPECT_EQ(problem({{{100, -101}, {}}, {{}, {0}}}), "a value exceeds the largest magnitude 100");
  EXPECT_EQ(problem({{{1, 1}, {}}, {{}, {(1 << 20) + 1}}}), "a value exceeds the largest magnitude 1048576");
  EXPECT_EQ(problem({{{1, 1}, {}}}), "1 weight tensors for a program of 2");
  EXPECT_EQ(problem({{{1}, {}}, {{}, {0}}}), "1 values for a weight of 2");
  EXPECT_EQ(problem({{{}, {1, 1}}, {{}, {0}}}), "factors of products must be stored as 16-bit values");
  EXPECT_EQ(problem({{{1, 1}, {1, 1}}, {{}, {0}}}), "2 values for a weight of 2");
}

}  // namespace
}  // namespace dsperse::run
