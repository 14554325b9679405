// Programs of a few hundred bytes that ask a verifier for hours or for terabytes: each is refused with a reason, at once.
#include <gtest/gtest.h>

#include "dsperse/ops/constrain.h"
#include "dsperse/quantize/testing/row_programs.h"
#include "dsperse/relation/work.h"

namespace dsperse::ops {
namespace {

using quantize::Program;
using quantize::Window;
using quantize::testing::Builder;
using quantize::testing::simple_requant;

/// The reason why no key can hold this program, from whichever check sees it first; empty: it is fine.
std::string refusal(const Program& program) {
  if (const Status s = quantize::check_program(program); !s) return s.error().what;
  const auto relation = constrain(program, program.inputs, {});
  return relation ? "" : relation.error().what;
}

Window window(std::int64_t kernel, std::int64_t pad, std::int64_t dilation = 1) {
  return {{kernel, 1}, {1, 1}, {dilation, 1}, {pad, 0}, {pad, 0}};
}

TEST(Limits, WindowsBeyondThePicture) {
  Builder pool;
  pool.average(pool.input({1, 1, 1, 1}), window(1 << 20, 1 << 20), true, {1 << 20, 0}, simple_requant(16));
  EXPECT_EQ(refusal(pool.done()), "a window reads more than 2^24 taps along one axis");
  Builder conv;
  conv.conv(conv.input({1, 1, 1, 1}, -3, 3), 1, window(1 << 20, 1 << 20), simple_requant(20), 1, false, 1);
  EXPECT_EQ(refusal(conv.done()), "a window reads more than 2^24 taps along one axis");
  Builder jump;
  jump.maximum(jump.input({1, 1 << 16, 1, 1}), window(2, 1 << 17, 1 << 17));
  EXPECT_EQ(refusal(jump.done()), "a dilation is longer than the image, at more than 2^12 positions");
}

TEST(Limits, MaximaOverHugeWindows) {  // every tap adds terms to all later ones
  Builder b;
  b.maximum(b.input({1, 4096, 1, 1}, -1, 1), window(4096, 0));
  EXPECT_EQ(refusal(b.done()), "the slice would make a verifier work on more than 2^26 field elements");
  Builder fits;
  fits.maximum(fits.input({1, 64, 1, 1}, -1, 1), window(64, 0));
  EXPECT_EQ(refusal(fits.done()), "");
}

TEST(Limits, AveragesWithManyBorders) {
  Builder b;
  const Window w{{2048, 2048}, {1, 1}, {1, 1}, {2047, 2047}, {2047, 2047}};
  b.average(b.input({1, 2048, 2048, 1}), w, false, {0, 0}, simple_requant(16));
  EXPECT_EQ(refusal(b.done()), "an average pool with too many different borders");
}

TEST(Limits, TensorsThatNoProofCovers) {
  Builder sum;
  sum.sum({{false, sum.input({1, 1 << 27}), 1}}, {1, 1 << 27}, simple_requant(1));
  EXPECT_NE(refusal(sum.done()).find("lookups, more than 2^25"), std::string::npos);
  Builder copy;  // no lookup at all
  quantize::Rearrange r{0, {1 << 27}, 0, {{copy.input({1 << 27}), {1 << 27}, {{0, {{0, 1}}}}}}};
  copy.rearrange(r, {1 << 27}, -2047, 2047);
  Program p = copy.done();
  EXPECT_EQ(constrain(p, {}, {}).error().what, "an output of more than 2^25 elements cannot be proved");
}

TEST(Limits, MapsOfManyLetters) {  // one axis addressed by all letters: a table over their product
  Builder b;
  const std::int64_t n = 1 << 21;
  quantize::Rearrange r{0, quantize::Shape(21, 2), 0, {{b.input({n}), {n}, {{0, {}}}}}};
  for (std::uint32_t k = 0; k < 21; ++k) r.pieces[0].maps[0].parts.emplace_back(k, std::int64_t{1} << (20 - k));
  b.rearrange(r, {n}, -2047, 2047);
  EXPECT_EQ(refusal(b.done()), "");  // 2^21 and its range check: large, but within the budget
  Builder many;
  const auto x = many.input({n});
  for (int i = 0; i < 16; ++i) {
    quantize::Rearrange copy = r;
    copy.pieces[0].x = x;
    many.rearrange(copy, {n}, -2047, 2047);
  }
  EXPECT_EQ(refusal(many.done()), "the slice would make a verifier work on more than 2^26 field elements");
}

TEST(Limits, TablesAndShifts) {
  Builder b;  // a thousand activations, each with a table of its own
  auto x = b.input({1, 4});
  for (int i = 0; i < 1000; ++i) {
    quantize::Requant r = simple_requant(1, quantize::Function::clip, 12);
    r.activation.a = -i, r.activation.b = i;
    x = b.sum({{false, x, 1}}, {1, 4}, r);
  }
  EXPECT_NE(refusal(b.done()).find("lookup tables need more than 2^20 rows"), std::string::npos);
}

TEST(Limits, MasksOfManyDifferentRows) {  // each row a term with a value for every row: refused before any is made
  constexpr std::int64_t n = 12, rows = 300'000;
  std::vector<std::uint8_t> visible;
  for (std::int64_t r = 0; r < rows; ++r)
    for (std::int64_t i = 0; i < n; ++i) visible.push_back(i == 0 ? 1 : r >> i & 1);
  Builder b;
  quantize::testing::add_softmax(b, b.input({rows, n}, -12, 12, 1), n, 10, 7, visible);
  EXPECT_EQ(refusal(b.done()), "a mask with too many different rows");
  Builder causal;
  visible.clear();
  for (std::int64_t r = 0; r < 64; ++r)
    for (std::int64_t i = 0; i < 64; ++i) visible.push_back(i <= r ? 1 : 0);
  quantize::testing::add_softmax(causal, causal.input({64, 64}, -12, 12, 1), 64, 10, 7, visible);
  EXPECT_EQ(refusal(causal.done()), "");
}

TEST(Limits, WorkIsAnUpperBoundThatSticks) {
  relation::Lookup lookup{"l", {4, 8}, 0, {}};
  relation::Term term;
  term.of = relation::Term::Of::tensor;
  term.view = relation::identity_view({4, 8});
  lookup.columns = {{term}};
  EXPECT_GE(relation::work_of(lookup), 4U + 8U);
  EXPECT_LE(relation::work_of(lookup), 200U + relation::kTermWork);
  EXPECT_EQ(relation::add_work(UINT64_MAX - 1, 5), UINT64_MAX);
  relation::Product huge;
  huge.letters = {std::int64_t{1} << 40, std::int64_t{1} << 40};
  huge.a.view = {{1}, {{0, {{0, 1}, {1, 1}}}}};
  huge.b.view = {{1}, {{0, {}}}};
  EXPECT_EQ(relation::work_of(huge), UINT64_MAX);
}

}  // namespace
}  // namespace dsperse::ops
