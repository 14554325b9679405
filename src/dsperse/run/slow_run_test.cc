// The slow interpreter against values worked out by hand: it is the reference of all other runs.
#include "dsperse/run/testing/slow_run.h"

#include <gtest/gtest.h>

#include "dsperse/quantize/testing/programs.h"

namespace dsperse::run {
namespace {

using namespace quantize;  // NOLINT
using quantize::testing::Builder;
using quantize::testing::simple_requant;
using testing::slow_run;

WeightValues narrow(std::vector<std::int16_t> v) { return {std::move(v), {}}; }
WeightValues wide(std::vector<std::int64_t> v) { return {{}, std::move(v)}; }

/// Output of a one-op program on one input.
IntTensor output(const Program& program, const WeightStore& weights, IntTensor x,
                 std::vector<std::uint64_t>* saturated = nullptr) {
  EXPECT_TRUE(check_program(program)) << check_program(program).error().text();
  TensorStore trace{std::move(x)};
  const Status s = slow_run(program, weights, trace, saturated);
  EXPECT_TRUE(s) << s.error().text();
  return trace.back();
}

TEST(SlowRun, GemmRoundsHalfUpThenSaturates) {
  Builder b;
  b.gemm(b.input({1, 2}), 2, 3, simple_requant(1, Function::identity, 8));  // clamp to [-128, 127], range +-127
  std::vector<std::uint64_t> saturated;
  // acc: 3 * 1 + 4 * 0 + 0 = 3 -> 2 (1.5 up); 3 * -1 = -3 -> -1 (-1.5 up); 3 * 1000 -> saturates.
  const IntTensor y = output(b.done(), {narrow({1, 0, -1, 0, 1000, 0}), wide({0, 0, 0})}, {3, 4}, &saturated);
  EXPECT_EQ(y, (IntTensor{2, -1, 127}));
  EXPECT_EQ(saturated, (std::vector<std::uint64_t>{1}));
}

TEST(SlowRun, ConvPadsWithZerosAndReadsItsGroup) {
  Builder b;
  Window w;
  w.kernel = {1, 2}, w.pad_begin = {0, 1};
  b.conv(b.input({1, 1, 2, 2}), 2, w, simple_requant(0), 2);
  // x: pixels (1, 10), (2, 20). Output pixel 0 sees (padding, pixel 0), pixel 1 sees (pixel 0, pixel 1).
  // Channel 0: 3 left + 5 right + 7; channel 1: left - right + 100.
  const IntTensor y = output(b.done(), {narrow({3, 5, 1, -1}), wide({7, 100})}, {1, 10, 2, 20});
  EXPECT_EQ(y, (IntTensor{5 + 7, -10 + 100, 3 + 10 + 7, 10 - 20 + 100}));
}

TEST(SlowRun, SumBroadcastsAndShiftsLeft) {
  Builder b;
  const auto x = b.input({2, 2});
  b.sum({{false, x, 3}, {true, b.weight({2}, 100000), -1}}, {2, 2}, simple_requant(-1));
  EXPECT_EQ(output(b.done(), {wide({1, 2})}, {1, 2, 3, 4}), (IntTensor{4, 8, 16, 20}));
}

TEST(SlowRun, AverageCountsAsDeclared) {
  Window w;
  w.kernel = {1, 3}, w.stride = {1, 2}, w.pad_begin = {0, 1}, w.pad_end = {0, 2};
  for (const bool include : {false, true}) {
    Builder b;
    b.average(b.input({1, 1, 4, 1}), w, include, {0, 1}, simple_requant(16));
    // Windows: (pad, 12, 24), (24, 36, 60), (60, counted pad, uncounted pad).
    const IntTensor y = output(b.done(), {}, {12, 24, 36, 60});
    EXPECT_EQ(y, include ? (IntTensor{12, 40, 30}) : (IntTensor{18, 40, 60}));
  }
}

TEST(SlowRun, MaximumIgnoresPadding) {
  Builder b;
  Window w;
  w.kernel = {1, 2}, w.pad_begin = {0, 1}, w.pad_end = {0, 1};
  b.maximum(b.input({1, 1, 3, 1}), w);
  EXPECT_EQ(output(b.done(), {}, {-5, -7, -6}), (IntTensor{-5, -5, -6, -6}));
}

TEST(SlowRun, RearrangeFillsWhatNoPieceCovers) {
  Builder b;
  const auto x = b.input({2, 2});
  Rearrange r;
  r.y_axes = {2, 3};
  r.fill = 9;
  r.pieces = {{x, {2, 2}, {{0, {{0, 1}}}, {-1, {{1, 1}}}}}};  // one column to the right
  b.rearrange(r, {2, 3}, -2047, 2047);
  EXPECT_EQ(output(b.done(), {}, {1, 2, 3, 4}), (IntTensor{9, 1, 2, 9, 3, 4}));
}

TEST(SlowRun, RefusesWrongInputsAndWeights) {
  Builder b;
  b.gemm(b.input({1, 2}, -5, 5), 2, 1, simple_requant(0), false, 10);
  const Program p = b.done();
  const auto kind = [&](const WeightStore& w, IntTensor x) {
    TensorStore trace{std::move(x)};
    const Status s = slow_run(p, w, trace);
    return s ? std::string() : s.error().what;
  };
  EXPECT_EQ(kind({narrow({1, 2})}, {5, -5}), "");
  EXPECT_EQ(kind({narrow({1, 2})}, {6, 0}), "input outside of its range");
  EXPECT_EQ(kind({narrow({1, 2})}, {1}), "input has a wrong size");
  EXPECT_EQ(kind({narrow({1})}, {1, 1}), "weight has a wrong size");
  EXPECT_EQ(kind({narrow({1, 11})}, {1, 1}), "weight exceeds max_abs");
  EXPECT_EQ(kind({}, {1, 1}), "wrong number of weights");
}

}  // namespace
}  // namespace dsperse::run
