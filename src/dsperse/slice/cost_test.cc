// The counts against the constraints themselves, over random intervals of random Programs; geometries and formulas against their
// definitions.
#include "dsperse/slice/cost.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <set>

#include "dsperse/ops/constrain.h"
#include "dsperse/proof/layout.h"
#include "dsperse/quantize/testing/programs.h"
#include "dsperse/slice/plan.h"
#include "dsperse/slice/testing/costing.h"

namespace dsperse::slice {
namespace {

using namespace quantize;  // NOLINT
using quantize::testing::Builder;
using quantize::testing::Rng;
using quantize::testing::simple_requant;

std::uint64_t size(const relation::Tensor& t) { return static_cast<std::uint64_t>(elements(t.shape)); }

/// The same numbers read off the constraints of a slice. boundary: by tensor of the slice, whether it is committed by itself.
Counts counted(const Program& program, const relation::Relation& r, const std::vector<bool>& is_public,
               const std::vector<bool>& boundary) {
  Counts out;
  for (const relation::Tensor& t : r.tensors) {
    if (t.kind == relation::Kind::value && !is_public[t.index]) (boundary[t.index] ? out.read : out.witness) += size(t);
    if (t.kind == relation::Kind::limb || t.kind == relation::Kind::top || t.kind == relation::Kind::relu ||
        t.kind == relation::Kind::row)
      out.auxiliary += size(t), out.witness += size(t);
    if (t.kind == relation::Kind::multiplicity) out.table_rows += size(t), out.witness += size(t);
  }
  for (const relation::Lookup& l : r.lookups) {
    const auto n = static_cast<std::uint64_t>(elements(l.shape));
    out.lookups += n;
  }
  out.leaves = r.lookups.empty() ? 0 : std::uint64_t{1} << leaf_cube(r).vars;
  for (const relation::Product& p : r.products) out.accumulators += static_cast<std::uint64_t>(elements(p.shape));
  for (const TensorSpec& t : program.tensors) out.values += static_cast<std::uint64_t>(elements(t.shape));
  return out;
}

TEST(Counts, EqualTheConstraints) {
  std::size_t compared = 0;
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Rng rng(seed);
    const Program p = quantize::testing::random_program(rng, 10);
    std::vector<std::uint32_t> cuts;
    for (std::uint32_t i = 0; i + 1 < p.ops.size(); ++i)
      if (rng() % 3 == 0) cuts.push_back(i);
    const auto plan = plan_at(p, cuts);
    if (!plan) continue;
    const Tally::Facts facts(p);
    for (const Slice& s : plan->slices) {
      std::vector<bool> is_public, boundary(s.tensors.size(), false);
      for (const TensorId id : s.tensors) is_public.push_back(facts.is_public[id]);
      std::vector<TensorId> ranged;
      for (const TensorId t : s.program.inputs)
        if (!is_public[t]) ranged.push_back(t), boundary[t] = true;
      for (const TensorId t : s.program.outputs) boundary[t] = !is_public[t];
      Tally tally(facts, 12);
      for (std::uint32_t i = s.first_op; i < s.last_op; ++i) tally.add(i);
      const Counts is = seed % 2 == 0 ? tally.counts() : tally.counts(testing::lookup_cost);
      const auto r = ops::constrain(s.program, ranged, is.options);
      if (!r) continue;  // too large for the proof field or the tables
      const Counts want = counted(s.program, *r, is_public, boundary);
      EXPECT_EQ(is.lookups, want.lookups);
      EXPECT_EQ(is.table_rows, want.table_rows);
      EXPECT_EQ(is.leaves, want.leaves);
      EXPECT_EQ(is.auxiliary, want.auxiliary);
      EXPECT_EQ(is.accumulators, want.accumulators);
      EXPECT_EQ(is.witness, want.witness);
      EXPECT_EQ(is.read + is.written, want.read);
      EXPECT_EQ(is.values, want.values);
      ++compared;
    }
  }
  EXPECT_GT(compared, 60U);
}

TEST(Counts, OptionsAreThoseThatTheCompilerChooses) {
  std::size_t same = 0;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    Rng rng(seed);
    const Program p = quantize::testing::random_program(rng, 6);
    const relation::Options chosen = proof::choose_options(p, {}, proof::Optimize::time);  // inputs are public here
    same += count(p, 12, testing::lookup_cost).options == chosen;
  }
  EXPECT_GE(same, 18U);  // but where the cheapest choice does not fit the field or the tables
}

/// A tree's layout says which weights are padded; this room has the rule for itself.
TEST(Counts, PaddedWeightsAreThoseOfTheLayout) {
  unsigned padded = 0;
  for (const auto& [outputs, inputs] : {std::pair<std::int64_t, std::int64_t>{128, 1568},
                                        {10, 98304},
                                        {512, 512},
                                        {10, 84},
                                        {64, 864},
                                        {3, 1},
                                        {7, 333},
                                        {100, 4095},
                                        {24, 1000}}) {
    Builder b;
    b.gemm(b.input({1, inputs}), inputs, outputs, simple_requant(12, Function::relu));
    const Program p = b.done();
    const Tally::Facts facts(p);
    for (std::size_t w = 0; w < p.weights.size(); ++w) {
      const proof::Placed placed = proof::Placed::plan(p.weights[w].shape, 0, 12);
      EXPECT_EQ(facts.padded[w], placed.stride != placed.run) << outputs << " x " << inputs;
      padded += facts.padded[w] ? 1 : 0;
    }
  }
  EXPECT_GE(padded, 2U);
}

TEST(Counts, OneLayerByHand) {
  Builder b;
  b.gemm(b.input({1, 4}), 4, 4, simple_requant(12, Function::relu));
  const Counts c = count(b.done());
  EXPECT_EQ(c.macs, 16U);
  EXPECT_EQ(c.weights, 16U + 4);
  EXPECT_EQ(c.weight_bytes, 2 * 16U + 8 * 4);
  EXPECT_EQ(c.digits, 2 * 2 * 4U);  // biases below 2^20 + 1: two digits a side
  EXPECT_EQ(c.range_lookups, 16U + 16);
  EXPECT_EQ(c.range_leaves, 32U);
  // v_max = ((4 * 2047^2 + 2^20 + 2^11) >> 12) + 1 = 4349, so the table has 8700 rows; limbs of 8 and of 4 bits.
  EXPECT_EQ(c.lookups, 4U + 4 + 4);
  EXPECT_EQ(c.table_rows, 8700U + 256 + 16);
  EXPECT_EQ(c.leaves, 16U);
  EXPECT_EQ(c.filled, 12U);
  EXPECT_EQ(c.symbols(), 4U + 4 + 8700 + 256 + 16);  // input and output are public
  EXPECT_EQ(c.public_values, 8U);
}

TEST(Counts, SharedWeightsCountOnce) {
  Builder b;
  const auto x = b.input({1, 4});
  b.gemm(x, 4, 4, simple_requant(8));
  Program p = b.done();
  const std::uint64_t one = count(p).weights;
  p.ops.push_back(p.ops[0]);
  p.tensors.push_back(p.tensors[1]);
  std::get<Gemm>(p.ops[1].body).y = 2;
  p.outputs.push_back(2);
  ASSERT_TRUE(check_program(p));
  EXPECT_EQ(count(p).weights, one);
  EXPECT_EQ(count(p).macs, 32U);
}

TEST(Counts, TensorsChangeTreesWithTheirLastReader) {
  Builder b;
  const auto x = b.input({1, 64});
  const auto h = b.gemm(x, 64, 32, simple_requant(8));
  const auto r = b.sum({{false, h, 1}}, {1, 32}, simple_requant(0, Function::relu));
  b.sum({{false, r, 1}, {false, h, 1}}, {1, 32}, simple_requant(0));
  const Program p = b.done();
  const Tally::Facts facts(p);
  Tally tally(facts, 4);
  tally.add(0);
  EXPECT_EQ(tally.counts().written, 32U);
  EXPECT_EQ(tally.counts().boundaries, 1U);
  EXPECT_EQ(tally.counts().boundary_rows, 2U);
  tally.add(1);  // h is read later, too
  EXPECT_EQ(tally.counts().written, 64U);
  tally.add(2);
  EXPECT_EQ(tally.counts().written, 0U);
  EXPECT_EQ(tally.counts().boundary_rows, 0U);
  Tally reader(facts, 4);
  reader.add(2);
  EXPECT_EQ(reader.counts().read, 64U);
  EXPECT_EQ(reader.counts().boundaries, 2U);
}

TEST(Geometries, AreTheSolversNearEverySize) {
  const Geometries kept(testing::solve);
  for (std::uint64_t symbols = 1; symbols < std::uint64_t{1} << 27; symbols = symbols * 7 / 5 + 1)
    for (const std::uint32_t openings : {1U, kBoundaryOpenings, kWeightOpenings}) {
      const Geometry exact = testing::solve(symbols, openings, 9), near = kept.of(symbols, openings, 9);
      // Never another shape by more than a neighbouring size, and openings for the same soundness.
      EXPECT_LE(std::abs(static_cast<int>(exact.c) - static_cast<int>(near.c)), 1) << symbols;
      EXPECT_NEAR(exact.t, near.t, 0.2 * exact.t) << symbols;
      const auto bytes = [&](const Geometry& g) { return static_cast<double>(g.rows(symbols) * g.n()); };
      EXPECT_NEAR(bytes(near), bytes(exact), 0.5 * bytes(exact) + 4 * static_cast<double>(exact.n())) << symbols;
    }
  EXPECT_EQ(kept.of(1000, 1, 9).t, kept.of(1000, 1, 16).t);  // one slack for both
}

TEST(Geometries, MultiPathsHaveAboutTheExpectedLength) {
  Geometry g = Geometries(testing::solve).of(100000, 1, 1);
  std::mt19937_64 rng(3);
  double sum = 0;
  constexpr int kTries = 200;
  for (int i = 0; i < kTries; ++i) {
    std::set<std::uint64_t> known;
    while (known.size() < g.t) known.insert(rng() % g.n());
    for (std::uint64_t level = g.n(); level > 1; level /= 2) {
      std::set<std::uint64_t> above;
      for (const std::uint64_t k : known) {
        if (!known.contains(k ^ 1)) ++sum;
        above.insert(k / 2);
      }
      known = std::move(above);
    }
  }
  EXPECT_NEAR(g.path, sum / kTries, 0.05 * g.path);
}

TEST(Cost, PeakIsTheLargestStageAndTheSumOfItsParts) {
  Builder b;
  auto t = b.input({1, 16, 16, 8});
  t = b.conv(t, 16, {{3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}}, simple_requant(12, Function::relu));
  b.conv(t, 16, {{3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}}, simple_requant(12));
  const Counts c = count(b.done());
  const Costing costing = testing::costing();
  const Setting setting = costing.setting(1, 1);
  const Cost cost = costing.cost(c, setting);
  for (const auto& [verb, bytes] : {std::pair(Verb::prove, cost.peak_bytes), std::pair(Verb::run, cost.run_bytes),
                                    std::pair(Verb::compile, cost.compile_bytes)}) {
    const Stage stage = costing.peak(c, setting, verb);
    double sum = 0;
    for (const double part : stage.parts) {
      EXPECT_GE(part, 0);
      sum += part;
    }
    EXPECT_EQ(static_cast<std::uint64_t>(sum), bytes) << stage.name;
  }
  EXPECT_EQ(cost.most_bytes(), std::max({cost.peak_bytes, cost.run_bytes, cost.compile_bytes}));
}

TEST(Cost, MoreOfAnythingCostsMore) {
  Rng rng(5);
  const Program p = quantize::testing::random_program(rng, 8);
  const Counts c = count(p);
  const Costing costing = testing::costing();
  const Setting setting = costing.setting(4, 100);
  const Cost before = costing.cost(c, setting);
  for (auto field : {&Counts::macs, &Counts::lookups, &Counts::table_rows, &Counts::values, &Counts::folds}) {
    Counts more = c;
    more.*field += 1000000;
    EXPECT_GT(costing.cost(more, setting).prove_seconds, before.prove_seconds);
  }
  for (auto field : {&Counts::filled, &Counts::weights, &Counts::witness, &Counts::lookups}) {
    Counts more = c;
    more.*field += 1000000;
    EXPECT_GT(costing.cost(more, setting).peak_bytes, before.peak_bytes);
  }
  Counts weights = c;
  weights.weights += 1000000;
  weights.range_filled += 1 << 20;
  EXPECT_GT(costing.cost(weights, setting).compile_bytes, before.compile_bytes);
  EXPECT_GT(costing.cost(weights, setting).proof_bytes, before.proof_bytes);
}

TEST(Cost, WithoutASolverNothingIsPredicted) {
  Rng rng(6);
  const Program p = quantize::testing::random_program(rng, 4);
  const Cost c = predict(p, Costing());
  EXPECT_EQ(c.prove_seconds, 0);
  EXPECT_EQ(c.peak_bytes, 0U);
  EXPECT_EQ(c.lookups, count(p).lookups + count(p).table_rows);
}

}  // namespace
}  // namespace dsperse::slice
