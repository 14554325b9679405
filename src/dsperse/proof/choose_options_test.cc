// Counts of lookups against the constraints themselves, for every choice; the choice is the cheapest that fits.
#include "dsperse/proof/choose_options.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <random>

#include "dsperse/ops/constrain.h"
#include "dsperse/quantize/testing/programs.h"

namespace dsperse::proof {
namespace {

using quantize::Function;
using quantize::LookupCounts;
using quantize::Program;
using quantize::TensorId;
using quantize::testing::Builder;
using quantize::testing::simple_requant;

constexpr Optimize kGoals[] = {Optimize::time, Optimize::size, Optimize::verify};

LookupCounts counts_of(const relation::Relation& r) {
  LookupCounts out;
  for (const relation::Lookup& l : r.lookups) out.lookups += static_cast<std::uint64_t>(quantize::elements(l.shape));
  for (const relation::LeafBlock& b : relation::leaf_cube(r).blocks) out.leaves += std::uint64_t{1} << b.vars;
  for (const relation::Table& t : r.tables) out.rows += t.rows.size();
  for (const relation::Tensor& t : r.tensors)
    if (t.kind == relation::Kind::limb || t.kind == relation::Kind::top || t.kind == relation::Kind::relu ||
        t.kind == relation::Kind::row)
      out.symbols += static_cast<std::uint64_t>(quantize::elements(t.shape));
  return out;
}

quantize::LookupTally tally_of(const Program& p, const std::vector<TensorId>& ranged) {
  quantize::LookupTally out(p);
  for (const TensorId t : ranged) out.add_range(t);
  for (const quantize::Op& op : p.ops) out.add(op);
  return out;
}

TEST(ChooseOptions, CountsAreThoseOfTheConstraints) {
  std::size_t compared = 0;
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    quantize::testing::Rng rng(seed);
    const Program p = quantize::testing::random_program(rng, 6);
    const quantize::LookupTally tally = tally_of(p, p.inputs);
    std::vector<relation::Options> all = tally.choices();
    std::shuffle(all.begin(), all.end(), std::mt19937_64(seed));
    all.resize(std::min<std::size_t>(all.size(), 60));
    all.push_back({});
    for (const relation::Options& o : all) {
      const auto r = ops::constrain(p, p.inputs, o);
      if (!r) continue;  // too large for the proof field or the tables
      const LookupCounts want = counts_of(*r), got = tally.counts(o);
      EXPECT_EQ(got.lookups, want.lookups) << seed << " limbs of " << o.limb_bits << ", " << o.wide_rows;
      EXPECT_EQ(got.leaves, want.leaves) << seed << " limbs of " << o.limb_bits << ", " << o.wide_rows;
      EXPECT_EQ(got.rows, want.rows) << seed << " limbs of " << o.limb_bits << ", " << o.wide_rows;
      EXPECT_EQ(got.symbols, want.symbols) << seed << " limbs of " << o.limb_bits << ", " << o.wide_rows;
      ++compared;
    }
  }
  EXPECT_GT(compared, 300U);
}

/// Tops so long that remainders would need no limb, in more rows than a slice may have.
TEST(ChooseOptions, WhatNoProofTakesIsNeverTheCheapest) {
  quantize::testing::Builder b;
  const TensorId x = b.input({1, 16384}, -2047, 2047, 8);
  b.gemm(x, 16384, 8, quantize::testing::simple_requant(16), false);
  const Program p = b.done();
  const quantize::LookupTally tally = tally_of(p, p.inputs);
  std::size_t beyond = 0;
  double most = 0, least_beyond = std::numeric_limits<double>::infinity();
  for (const relation::Options& o : tally.choices()) {
    const LookupCounts counts = tally.counts(o);
    const double cost = lookup_cost(counts, 0, Optimize::time);
    if (!beyond_a_proof(counts)) {
      most = std::max(most, cost);
      continue;
    }
    ++beyond;
    least_beyond = std::min(least_beyond, cost);
    EXPECT_FALSE(ops::constrain(p, p.inputs, o));
  }
  EXPECT_GT(beyond, 0U);
  EXPECT_GT(most, 0);
  EXPECT_GT(least_beyond, most);
  EXPECT_TRUE(ops::constrain(p, p.inputs, choose_options(p, p.inputs, Optimize::time)));
}

TEST(ChooseOptions, IsTheCheapestThatFits) {
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    quantize::testing::Rng rng(seed + 100);
    const Program p = quantize::testing::random_program(rng, 5);
    const quantize::LookupTally tally = tally_of(p, p.inputs);
    std::uint64_t symbols = 0;
    for (const quantize::TensorSpec& t : p.tensors) symbols += static_cast<std::uint64_t>(quantize::elements(t.shape));
    for (const Optimize goal : kGoals) {
      const relation::Options chosen = choose_options(p, p.inputs, goal);
      const double cost = lookup_cost(tally.counts(chosen), symbols, goal);
      bool some = false;
      for (const std::uint32_t bits : {1U, 2U, 3U, 5U, 8U, 13U, 16U})
        for (const std::uint32_t top : {0U, 1U, 7U})
          for (const std::uint64_t rows :
               {std::uint64_t{0}, std::uint64_t{1} << 12, std::uint64_t{1} << 14, std::uint64_t{1} << 18}) {
            const relation::Options other{bits, rows, top, (bits * 5 + top) % 13};
            if (!ops::constrain(p, p.inputs, other)) continue;
            some = true;
            EXPECT_LE(cost, lookup_cost(tally.counts(other), symbols, goal))
                << seed << ": limbs of " << bits << ", " << rows << ", tops of " << top;
          }
      if (some) {
        EXPECT_TRUE(ops::constrain(p, p.inputs, chosen)) << seed;
      }
    }
  }
}

/// Ten outputs need no table of remainders, and no wide table of 2^14 rows; many outputs pay for both.
TEST(ChooseOptions, TablesGrowWithTheLookups) {
  const auto layer = [](std::int64_t rows, std::int32_t shift) {
    Builder b;
    b.gemm(b.input({rows, 16}), 16, 10, simple_requant(shift, Function::relu), true, 127);
    return b.done();
  };
  const Program few = layer(1, 9), many = layer(3000, 9);
  const relation::Options small = choose_options(few, few.inputs, Optimize::time),
                          large = choose_options(many, many.inputs, Optimize::time);
  EXPECT_LE(small.limb_bits, 5U);
  EXPECT_GE(large.limb_bits + large.top_bits, 8U);
  EXPECT_LT(tally_of(few, few.inputs).counts(small).rows, tally_of(few, few.inputs).counts({}).rows);
  EXPECT_LT(tally_of(many, many.inputs).counts(large).symbols, tally_of(many, many.inputs).counts(small).symbols);
}

/// Where the default's tables have too many rows, another choice is found.
TEST(ChooseOptions, FindsWhatFits) {
  Builder b;
  b.gemm(b.input({1, 16}), 16, 4, simple_requant(-2, Function::relu), true, 2047);
  const Program p = b.done();
  const relation::Options chosen = choose_options(p, p.inputs, Optimize::time);
  EXPECT_TRUE(ops::constrain(p, p.inputs, chosen));
}

}  // namespace
}  // namespace dsperse::proof
