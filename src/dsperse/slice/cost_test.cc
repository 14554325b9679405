// The counts against the constraints themselves, over random intervals of random Programs; the formulas against their constants.
#include "dsperse/slice/cost.h"

#include <gtest/gtest.h>

#include <cmath>

#include "dsperse/ops/constrain.h"
#include "dsperse/quantize/testing/programs.h"
#include "dsperse/slice/cut.h"

namespace dsperse::slice {
namespace {

using namespace quantize;  // NOLINT
using quantize::testing::Builder;
using quantize::testing::Rng;
using quantize::testing::simple_requant;

/// Elements of all committed tensors of the slice's constraints but the weights.
std::uint64_t committed(const relation::Relation& r, const std::vector<bool>& is_public) {
  std::uint64_t n = 0;
  for (const relation::Tensor& t : r.tensors) {
    if (t.kind == relation::Kind::weight || (t.kind == relation::Kind::value && is_public[t.index])) continue;
    n += static_cast<std::uint64_t>(elements(t.shape));
  }
  return n;
}

TEST(Cost, CountsEqualTheConstraints) {
  std::size_t compared = 0;
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Rng rng(seed);
    const Program p = quantize::testing::random_program(rng, 10);
    Cuts cuts;
    for (std::uint32_t i = 0; i + 1 < p.ops.size(); ++i)
      if (rng() % 3 == 0) cuts.push_back(i);
    const auto plan = plan_at(p, cuts);
    if (!plan) continue;
    const std::vector<bool> model_public = public_tensors(p);
    for (const Slice& s : plan->slices) {
      std::vector<bool> is_public;
      for (const TensorId id : s.tensors) is_public.push_back(model_public[id]);
      std::vector<TensorId> ranged;
      for (const TensorId t : s.program.inputs)
        if (!is_public[t]) ranged.push_back(t);
      const auto r = ops::constrain(s.program, ranged, {});
      if (!r) continue;  // too large for the proof field or the tables
      EXPECT_EQ(s.cost.lookups, r->lookup_size());
      EXPECT_EQ(s.cost.witness_symbols, committed(*r, is_public));
      ++compared;
    }
  }
  EXPECT_GT(compared, 60U);
}

TEST(Cost, OptionsAreThoseOfTheConstraints) {
  const relation::Options options;
  EXPECT_EQ(cost_model().limb_bits, static_cast<std::int64_t>(options.limb_bits));
  EXPECT_EQ(cost_model().wide_rows, static_cast<std::int64_t>(options.wide_rows));
}

TEST(Cost, OneLayerByHand) {
  Builder b;
  b.gemm(b.input({1, 4}), 4, 4, simple_requant(12, Function::relu));
  const Cost c = predict(b.done());
  EXPECT_EQ(c.macs, 16U);
  EXPECT_EQ(c.weight_symbols, 16U + 4);
  // v_max = ((4 * 2047^2 + 2^20 + 2^11) >> 12) + 1 = 4349, so the activation is wide with 8699 rows; limbs of 8 and of 4 bits.
  EXPECT_EQ(c.lookups, 4U + 4 + 4 + 8699 + 256 + 16);
  EXPECT_EQ(c.witness_symbols, 4U + 4 + 8699 + 256 + 16);  // input and output are public
}

TEST(Cost, SharedWeightsCountOnce) {
  Builder b;
  const auto x = b.input({1, 4});
  b.gemm(x, 4, 4, simple_requant(8));
  Program p = b.done();
  const std::uint64_t one = predict(p).weight_symbols;
  p.ops.push_back(p.ops[0]);
  p.tensors.push_back(p.tensors[1]);
  std::get<Gemm>(p.ops[1].body).y = 2;
  p.outputs.push_back(2);
  ASSERT_TRUE(check_program(p));
  EXPECT_EQ(predict(p).weight_symbols, one);
  EXPECT_EQ(predict(p).macs, 32U);
}

TEST(Cost, PredictionsFollowTheModel) {
  Builder b;
  b.gemm(b.input({1, 4}), 4, 4, simple_requant(12));
  const Program p = b.done();
  const std::vector<bool> is_public = public_tensors(p);
  Tally tally(p, is_public);
  tally.add(p.ops[0]);
  CostModel m;
  m.seconds_fixed = 1, m.seconds_per_mac = 2, m.seconds_per_lookup = 3, m.seconds_per_weight_symbol = 5,
  m.seconds_per_witness_symbol = 7;
  m.bytes_fixed = 11, m.bytes_per_lookup = 13, m.bytes_per_weight_symbol = 17, m.bytes_per_witness_symbol = 19;
  m.proof_bytes_fixed = 23, m.proof_bytes_weights = 31, m.proof_bytes_per_root = 29;
  const Cost c = tally.cost(m);
  const auto d = [](std::uint64_t x) { return static_cast<double>(x); };
  EXPECT_DOUBLE_EQ(c.prove_seconds, 1 + 2 * d(c.macs) + 3 * d(c.lookups) + 5 * d(c.weight_symbols) + 7 * d(c.witness_symbols));
  EXPECT_EQ(c.peak_bytes, 11 + 13 * c.lookups + 17 * c.weight_symbols + 19 * c.witness_symbols);
  EXPECT_EQ(c.proof_bytes,
            static_cast<std::uint64_t>(23 + 31 + 29 * (std::sqrt(d(c.weight_symbols)) + std::sqrt(d(c.witness_symbols)))));
}

}  // namespace
}  // namespace dsperse::slice
