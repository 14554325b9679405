// Honest slice proofs: every operator, table form, port kind and profile is accepted, on both sides with one schedule.
#include <gtest/gtest.h>

#include <cmath>

#include "dsperse/base/parallel.h"
#include "dsperse/proof/testing/harness.h"
#include "dsperse/run/testing/slow_run.h"

namespace dsperse::proof {
namespace {

using quantize::Function;
using quantize::Program;
using quantize::Rearrange;
using quantize::Requant;
using quantize::Shape;
using quantize::TensorId;
using quantize::Window;
using quantize::testing::Builder;
using quantize::testing::factor;
using quantize::testing::simple_requant;
using quantize::testing::weight_factor;
using testing::CaseOptions;
using testing::make_case;
using testing::SliceCase;

/// Proves and verifies; both transcripts are equal.
void accepted(Program program, CaseOptions options = {}, const std::string& what = {}) {
  SCOPED_TRACE(what);
  auto made = make_case(std::move(program), std::move(options));
  ASSERT_TRUE(made.has_value()) << made.error().text();
  const SliceCase& c = *made;
  EXPECT_TRUE(verify_ranges(c.key)) << verify_ranges(c.key).reason;
  std::vector<std::string> said, heard;
  Result<Bytes> proof;
  if (c.key.profile == Profile::bits100) {
    SliceForge<2> nothing;
    nothing.log = &said;
    proof = c.prove<2>(nothing);
  } else {
    SliceForge<3> nothing;
    nothing.log = &said;
    proof = c.prove<3>(nothing);
  }
  ASSERT_TRUE(proof.has_value()) << proof.error().text();
  const Verdict v = c.verify(*proof, &heard);
  EXPECT_TRUE(v) << v.reason << " at " << v.where;
  EXPECT_EQ(said, heard);
  const auto plain = c.prove();
  ASSERT_TRUE(plain.has_value()) << plain.error().text();
  EXPECT_TRUE(c.verify(*plain));
}

/// Without codewords in memory, weights, boundaries and witness alike, and on two threads: the same bytes.
TEST(HonestSlice, BytesDoNotDependOnCodewordsOrThreads) {
  Builder b;
  TensorId x = b.conv(b.input({1, 9, 9, 3}, -127, 127), 5, {{3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}}, simple_requant(9));
  b.gemm(b.conv(x, 7, {{2, 2}, {1, 1}, {1, 1}, {0, 0}, {0, 0}}, simple_requant(9)), 7, 40, simple_requant(9));
  auto made = make_case(b.done());
  ASSERT_TRUE(made.has_value()) << made.error().text();
  SliceCase& c = *made;
  SliceForge<2> fixed;
  fixed.argument.seed = [](Digest& seed) { seed = testing::test_seed(4); };
  const auto kept = c.prove<2>(fixed);
  ASSERT_TRUE(kept.has_value()) << kept.error().text();
  EXPECT_TRUE(c.verify(*kept));
  const std::size_t before = threads();
  for (const std::size_t n : {1UL, 2UL}) {
    set_threads(n);
    const auto tree = commit_weights(c.key, c.weights, testing::test_seed(c.options.seed, "weights"), Codewords::recomputed);
    ASSERT_TRUE(tree.has_value());
    ASSERT_EQ(tree->root(), c.weight_tree.root());
    SliceWitness witness = c.witness();
    witness.weight_tree = &*tree;
    witness.codewords = Codewords::recomputed;
    std::vector<BoundaryCommitment> boundaries;
    const std::vector<Port> ports = c.key.ports();
    boundaries.reserve(ports.size());
    for (std::size_t i = 0; i < ports.size(); ++i) {
      boundaries.push_back(*commit_boundary(c.key.profile, c.boundary, c.chunks[i], c.trace[ports[i].tensor],
                                            testing::test_seed(c.options.seed, "boundary"), Codewords::recomputed));
      witness.boundaries[i] = &boundaries.back();
    }
    const auto again = prove_slice_forged<2>(c.key, c.statement, witness, fixed);
    ASSERT_TRUE(again.has_value()) << again.error().text();
    EXPECT_TRUE(*again == *kept) << n << " threads";
  }
  set_threads(before);
}

Requant per_channel(std::vector<std::int32_t> shifts, Function f = Function::identity, unsigned bits = 12) {
  Requant r = simple_requant(0, f, bits);
  r.shift = std::move(shifts);
  return r;
}

Window window(std::array<std::int64_t, 2> kernel, std::array<std::int64_t, 2> stride = {1, 1},
              std::array<std::int64_t, 2> dilation = {1, 1}, std::array<std::int64_t, 2> begin = {0, 0},
              std::array<std::int64_t, 2> end = {0, 0}) {
  return {kernel, stride, dilation, begin, end};
}

Program conv(Shape x, std::int64_t outputs, const Window& w, const Requant& r, std::int64_t groups = 1, bool bias = true,
             std::int64_t x_max = 127, std::int64_t w_max = 127) {
  Builder b;
  b.conv(b.input(std::move(x), -x_max, x_max), outputs, w, r, groups, bias, w_max);
  return b.done();
}

TEST(HonestSlice, Conv) {
  accepted(conv({1, 5, 6, 3}, 4, window({3, 3}), simple_requant(8)), {}, "plain");
  accepted(conv({2, 5, 7, 2}, 3, window({3, 2}, {2, 3}, {1, 1}, {1, 0}, {0, 2}), simple_requant(7, Function::relu)), {},
           "stride and pad");
  accepted(conv({1, 7, 6, 2}, 2, window({2, 3}, {1, 2}, {3, 2}, {2, 1}, {1, 2}), simple_requant(7)), {}, "dilation");
  accepted(conv({1, 4, 4, 6}, 9, window({3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}), simple_requant(8), 3), {}, "groups");
  accepted(conv({1, 4, 5, 5}, 5, window({3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}), simple_requant(6), 5), {}, "depthwise");
  accepted(conv({1, 4, 5, 3}, 6, window({2, 2}), per_channel({5, 6, 0, -1, 9, 3}), 3, false), {},
           "depthwise multiplier, shifts per channel");
  accepted(conv({1, 3, 3, 2}, 3, window({1, 1}), per_channel({0, -2, 12})), {}, "shifts of one limb, none, two");
  accepted(conv({1, 1, 9, 4}, 3, window({1, 3}, {1, 2}), simple_requant(8, Function::leaky_relu)), {}, "one dimension");
}

TEST(HonestSlice, Gemm) {
  const auto gemm = [](Shape x, std::int64_t inner, std::int64_t outputs, const Requant& r, bool bias = true) {
    Builder b;
    b.gemm(b.input(std::move(x), -127, 127), inner, outputs, r, bias, 127);
    return b.done();
  };
  accepted(gemm({3, 5}, 5, 7, simple_requant(8)));
  accepted(gemm({1, 1}, 1, 1, simple_requant(4)));
  accepted(gemm({2, 3, 2, 2}, 12, 5, simple_requant(8, Function::sigmoid)));
  accepted(gemm({2, 3, 2, 2}, 4, 3, per_channel({9, 0, -1}, Function::tanh), false));
  accepted(gemm({1, 33}, 33, 17, simple_requant(9, Function::clip)));
}

TEST(HonestSlice, Sum) {
  Builder b;
  const TensorId x = b.input({2, 3, 4}, -127, 127), y = b.input({2, 3, 4}, -100, 20), row = b.input({4}, -9, 9),
                 column = b.input({3, 1}, 0, 30);
  const auto w = b.weight({1, 4}, 1 << 18), one = b.weight({1}, 100);
  b.sum({{false, x, 1}, {false, y, -16}, {false, row, 8}, {false, column, 1}, {true, w, -3}, {true, one, 1}}, {2, 3, 4},
        simple_requant(4));
  b.sum({{false, x, 1}}, {2, 3, 4}, simple_requant(0, Function::relu));
  b.sum({{false, x, 1}, {false, x, 1}}, {2, 3, 4}, simple_requant(-2));
  b.sum({{false, row, 1}}, {2, 2, 4}, per_channel({1, 0, 3, -1}));
  accepted(b.done());
}

TEST(HonestSlice, AveragePool) {
  for (const bool include : {false, true}) {
    Builder b;
    const TensorId x = b.input({2, 5, 6, 3}, -127, 127);
    b.average(x, window({2, 2}, {2, 2}), include, {0, 0}, simple_requant(16));
    b.average(x, window({3, 2}, {2, 1}, {1, 2}, {1, 1}, {2, 1}), include, {1, 0}, simple_requant(16));
    b.average(x, window({5, 6}), include, {0, 0}, per_channel({16, 15, 17}));
    accepted(b.done(), {}, include ? "padding counts" : "padding does not count");
  }
}

TEST(HonestSlice, MaxPool) {
  Builder b;
  const TensorId x = b.input({1, 5, 6, 3}, -30, 31);
  b.maximum(x, window({2, 2}, {2, 2}));
  b.maximum(x, window({3, 3}, {2, 1}, {1, 1}, {1, 2}, {2, 1}));
  b.maximum(x, window({2, 3}, {1, 2}, {2, 2}, {1, 1}, {0, 1}));
  b.maximum(x, window({1, 3}, {1, 1}));
  b.maximum(x, window({3, 1}, {1, 2}));
  b.maximum(x, window({1, 1}, {2, 2}));
  b.maximum(x, window({1, 1}, {1, 1}));
  accepted(b.done());
}

TEST(HonestSlice, MaxPoolOfPositiveRange) {  // what lies outside of the image is the lower end, not zero
  Builder b;
  b.maximum(b.input({1, 3, 3, 1}, 5, 20), window({3, 3}, {1, 1}, {1, 1}, {2, 2}, {2, 2}));
  b.maximum(b.input({1, 3, 3, 1}, -20, -5), window({3, 2}, {1, 2}, {1, 1}, {1, 1}, {2, 0}));
  accepted(b.done());
}

TEST(HonestSlice, Rearrange) {
  Builder b;
  const TensorId x = b.input({2, 3, 4}, -127, 127), y = b.input({2, 2, 4}, -127, 127);
  Rearrange transpose{0, {4, 2, 3}, 0, {{x, {2, 3, 4}, {{0, {{1, 1}}}, {0, {{2, 1}}}, {0, {{0, 1}}}}}}};
  b.rearrange(transpose, {4, 6}, -127, 127);
  Rearrange pad{0, {4, 4, 5}, 17, {{x, {2, 3, 4}, {{-1, {{0, 1}}}, {3, {{1, -1}}}, {-1, {{2, 1}}}}}}};
  b.rearrange(pad, {4, 4, 5}, -127, 127);
  Rearrange concat{0,
                   {2, 5, 4},
                   0,
                   {{x, {2, 3, 4}, {{0, {{0, 1}}}, {0, {{1, 1}}}, {0, {{2, 1}}}}},
                    {y, {2, 2, 4}, {{0, {{0, 1}}}, {-3, {{1, 1}}}, {0, {{2, 1}}}}}}};
  b.rearrange(concat, {2, 5, 4}, -127, 127);
  Rearrange slice{0, {2, 2}, 0, {{x, {2, 3, 4}, {{1, {}}, {0, {{0, 2}}}, {1, {{1, 2}}}}}}};
  b.rearrange(slice, {4}, -127, 127);
  Rearrange repeat{0, {3, 2, 12}, 0, {{x, {2, 12}, {{0, {{1, 1}}}, {0, {{2, 1}}}}}}};
  b.rearrange(repeat, {3, 24}, -127, 127);
  accepted(b.done());
}

/// y[batch][m][n] = sum of k of a[batch][m][k] b[batch][n][k], a lying as (m, batch, k).
Program attention(std::int64_t batch, std::int64_t m, std::int64_t n, std::int64_t k, const Requant& r) {
  Builder b;
  quantize::Contract c;
  c.letters = {batch, m, n, k}, c.kept = 3;
  c.a = factor(b.input({m, batch, k}, -127, 127), {m, batch, k}, {1, 0, 3});
  c.b = factor(b.input({batch, n, k}, -127, 127), {batch, n, k}, {0, 2, 3});
  b.contract(c, {batch, m, n}, r);
  return b.done();
}

TEST(HonestSlice, Contract) {
  accepted(attention(2, 3, 4, 5, simple_requant(8)), {}, "batch of products");
  accepted(attention(3, 1, 7, 6, per_channel({5, 6, 0, -1, 9, 3, 2})), {}, "shifts per channel");
  accepted(attention(1, 1, 1, 1, simple_requant(4, Function::relu)), {}, "one product");
  accepted(attention(2, 2, 3, 9, simple_requant(9, Function::tanh)), {.profile = Profile::bits128}, "128 bits");
  const Program p = attention(2, 3, 4, 5, simple_requant(8));
  accepted(p, {.publics = {p.inputs[0]}}, "a public");
  accepted(p, {.publics = {p.inputs[1]}}, "b public");
  accepted(p, {.publics = {p.inputs[0], p.inputs[1], p.outputs[0]}}, "all public");
}

TEST(HonestSlice, ElementWiseProducts) {
  Builder b;
  const TensorId x = b.input({2, 3, 4}, -127, 127), row = b.input({4}, -99, 99), column = b.input({3}, 0, 120);
  const auto product = [&](quantize::Contract::Factor a, quantize::Contract::Factor f, const Requant& r) {
    quantize::Contract c;
    c.letters = {2, 3, 4}, c.kept = 3, c.a = std::move(a), c.b = std::move(f);
    return b.contract(c, {2, 3, 4}, r);
  };
  const auto whole = factor(x, {2, 3, 4}, {0, 1, 2});
  const TensorId square = product(whole, whole, simple_requant(7));
  product(whole, factor(row, {4}, {2}), simple_requant(6, Function::sigmoid));
  product(factor(column, {3}, {1}), whole, simple_requant(0));
  product(whole, weight_factor(b.weight({1, 4}, 127), {4}, {2}), per_channel({3, 4, 5, 6}));
  product(whole, weight_factor(b.weight({1}, 127), {1}, {}), simple_requant(5));
  quantize::Contract outer;  // no letter in both
  outer.letters = {4, 3}, outer.kept = 2, outer.a = factor(row, {4}, {0}), outer.b = factor(column, {3}, {1});
  b.contract(outer, {4, 3}, simple_requant(6));
  quantize::Contract askew;  // read beyond its ends, with stride and flip
  askew.letters = {2, 3, 4, 2}, askew.kept = 3, askew.a = whole, askew.b = factor(square, {2, 3, 4}, {0, 1, 2});
  askew.b.maps = {{1, {{0, -1}}}, {-1, {{1, 1}, {3, 2}}}, {-1, {{2, 2}}}};
  b.contract(askew, {24}, simple_requant(7));
  accepted(b.done());
}

TEST(HonestSlice, Reduce) {
  Builder b;
  const TensorId x = b.input({2, 3, 4}, -127, 127);
  const auto reduce = [&](Shape letters, std::uint32_t kept, std::vector<std::uint32_t> of_axis, std::int64_t coef,
                          const Requant& r) {
    quantize::Reduce op{x, 0, letters, kept, {2, 3, 4}, {}, coef, {}};
    for (const auto l : of_axis) op.maps.push_back({0, {{l, 1}}});
    b.reduce(op, {letters.begin(), letters.begin() + kept}, r);
  };
  reduce({2, 3, 4}, 2, {0, 1, 2}, 1, simple_requant(2));
  reduce({4, 2, 3}, 1, {1, 2, 0}, 10923, simple_requant(16));
  reduce({3, 2, 4}, 1, {1, 0, 2}, -3, per_channel({1, 0, -1}));
  b.reduce({x, 0, {1, 24}, 1, {1, 24}, {{0, {{0, 1}}}, {0, {{1, 1}}}}, 1, {}}, {1}, simple_requant(0));
  accepted(b.done());
}

TEST(HonestSlice, WrittenTables) {
  const auto bump = +[](double v) { return 3 * std::exp(-v * v) - v / 8; };
  for (const std::uint64_t wide_rows : {std::uint64_t{0}, std::uint64_t{1} << 20}) {
    Builder b;
    const TensorId x = b.input({3, 5}, -127, 127);
    const TensorId y = b.sum({{false, x, 1}}, {3, 5}, quantize::testing::table_requant(-1, bump, 7, 4));
    b.gemm(y, 5, 4, quantize::testing::table_requant(5, bump, 7, 4), true, 31);
    b.gemm(y, 5, 4, quantize::testing::table_requant(5, [](double v) { return v > 1 ? 1.0 : 0.0; }, 7, 4), true, 31);
    accepted(b.done(), {.constraints = {8, wide_rows}});
  }
}

Program two_layers() {
  Builder b;
  const TensorId x = b.input({2, 6}, -127, 127);
  const TensorId y = b.gemm(x, 6, 5, simple_requant(7, Function::relu, 8), true, 127);
  b.gemm(y, 5, 4, simple_requant(7, Function::identity, 8), true, 127);
  return b.done();
}

TEST(HonestSlice, TableForms) {
  for (const std::uint64_t wide_rows : {std::uint64_t{0}, std::uint64_t{1} << 20})
    for (const std::uint32_t limb_bits : {1U, 3U, 7U, 16U})
      for (const std::uint32_t top_bits : {0U, 2U, 7U})
        accepted(two_layers(), {.constraints = {limb_bits, wide_rows, top_bits, 2 * top_bits}},
                 "rows " + std::to_string(wide_rows) + " limb " + std::to_string(limb_bits) + " top " + std::to_string(top_bits));
  // As the compiler chooses: a far accumulator behind a narrow clamp.
  Builder b;
  b.gemm(b.input({2, 40}), 40, 6, simple_requant(6, Function::relu), true, 2047);
  accepted(b.done(), {}, "saturating by choice");
}

TEST(HonestSlice, PortsAndProfiles) {
  Builder b;
  const TensorId x = b.input({2, 6}, -127, 127), z = b.input({2, 5}, -127, 127);
  const TensorId y = b.gemm(x, 6, 5, simple_requant(7, Function::relu, 8), true, 127);
  const TensorId s = b.sum({{false, y, 1}, {false, z, 1}}, {2, 5}, simple_requant(1, Function::identity, 8));
  b.gemm(s, 5, 3, simple_requant(7, Function::identity, 8), true, 127);
  Program p = b.done();
  p.outputs.push_back(y);  // consumed inside, too
  const TensorId last = p.outputs[0];
  for (const Profile profile : {Profile::bits100, Profile::bits128}) {
    accepted(p, {.profile = profile}, "all committed");
    accepted(p, {.profile = profile, .publics = {x}}, "public input");
    accepted(p, {.profile = profile, .publics = {y}}, "public inner output");
    accepted(p, {.profile = profile, .publics = {last}}, "public output");
    accepted(p, {.profile = profile, .publics = {x, z, y, last}}, "all public");
  }
}

TEST(HonestSlice, WithoutWeights) {
  Builder b;
  const TensorId x = b.input({1, 4, 4, 2}, -7, 7);
  b.maximum(b.average(x, window({2, 2}), false, {0, 0}, simple_requant(16, Function::identity, 4)), window({2, 2}));
  const Program p = b.done();
  accepted(p);
  accepted(p, {.profile = Profile::bits128, .publics = {x, p.outputs[0]}});
  Builder move;  // nothing is looked up but the range of the input; with a public input not even that
  const TensorId m = move.input({2, 3}, -7, 7);
  move.rearrange({0, {3, 2}, 0, {{m, {2, 3}, {{0, {{1, 1}}}, {0, {{0, 1}}}}}}}, {3, 2}, -7, 7);
  const Program q = move.done();
  accepted(q);
  accepted(q, {.publics = {m}});
  accepted(q, {.publics = {m, q.outputs[0]}});
}

/// The tests' own evaluator, which can be made to lie, is the reference interpreter where it does not.
TEST(HonestSlice, EvaluatorIsTheInterpreter) {
  quantize::testing::Rng rng(21);
  for (int i = 0; i < 100; ++i) {
    const Program p = quantize::testing::random_program(rng, 1 + static_cast<std::size_t>(i) % 6);
    const quantize::WeightStore weights = quantize::testing::random_weights(p, rng);
    quantize::TensorStore ours = quantize::testing::random_inputs(p, rng), theirs = ours;
    testing::evaluate(p, weights, ours);
    ASSERT_TRUE(run::testing::slow_run(p, weights, theirs).has_value());
    EXPECT_EQ(ours, theirs) << i;
  }
}

TEST(HonestSlice, RandomPrograms) {
  quantize::testing::Rng rng(20);
  int proved = 0;
  for (int i = 0; i < 24; ++i) {
    const Program p = quantize::testing::random_program(rng, 1 + static_cast<std::size_t>(i) % 5);
    const Profile profile = i % 4 == 3 ? Profile::bits128 : Profile::bits100;
    const std::set<TensorId> publics = i % 3 == 0 ? std::set<TensorId>{p.inputs[0]} : std::set<TensorId>{};
    auto made = make_case(p, {.profile = profile, .publics = publics, .seed = static_cast<std::uint64_t>(i)});
    if (!made && made.error().kind == ErrorKind::unsupported) continue;  // too many table rows
    ASSERT_TRUE(made.has_value()) << made.error().text();
    const auto proof = made->prove();
    ASSERT_TRUE(proof.has_value()) << i << ": " << proof.error().text();
    const Verdict v = made->verify(*proof);
    EXPECT_TRUE(v) << i << ": " << v.reason << " at " << v.where;
    ++proved;
  }
  EXPECT_GE(proved, 12);
}

}  // namespace
}  // namespace dsperse::proof
