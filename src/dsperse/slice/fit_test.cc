// Measurements that a model made give back the model's predictions.
#include "dsperse/slice/fit.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

#include "dsperse/slice/testing/costing.h"

namespace dsperse::slice {
namespace {

/// Slices of many sizes, as if measured on a machine with these constants and this much noise.
std::vector<Measured> measured(const CostModel& machine, double noise) {
  const Costing costing = testing::costing(machine);
  std::mt19937_64 rng(11);
  std::vector<Measured> out;
  const auto scale = [&](unsigned low, unsigned high) { return std::uint64_t{1} << (low + rng() % (high - low + 1)); };
  for (int i = 0; i < 40; ++i) {
    Measured m;
    Counts& c = m.counts;
    c.ops = 1 + rng() % 6;
    c.macs = scale(16, 28), c.folds = scale(12, 22);
    c.lookups = scale(12, 21), c.table_rows = scale(8, 15), c.leaves = 2 * c.lookups, c.filled = c.lookups * 5 / 4;
    c.auxiliary = c.lookups / 2, c.accumulators = c.lookups / 3, c.values = c.lookups / 2, c.largest = c.values / 2;
    c.weights = c.largest_weight = scale(8, 22), c.weight_bytes = 2 * c.weights;
    c.range_lookups = c.weights, c.range_leaves = c.range_filled = c.weights, c.range_rows = 4095;
    c.witness = c.auxiliary + c.table_rows, c.read = c.values / 3, c.written = c.values / 3;
    c.boundaries = 2, c.boundary_rows = c.values >> 10, c.chunks = c.boundary_rows / 8 + 2, c.largest_boundary = c.read;
    m.largest = c.read, m.slices = 3;
    const Cost cost = costing.cost(c, costing.setting(m.slices, m.largest));
    const auto seen = [&](double x) { return x * (1 + noise * (static_cast<double>(rng() % 2001) / 1000 - 1)); };
    m.prove_seconds = seen(cost.prove_seconds), m.run_seconds = seen(cost.run_seconds);
    m.compile_seconds = seen(cost.compile_seconds), m.verify_seconds = seen(cost.verify_seconds);
    m.prove_bytes = seen(static_cast<double>(cost.peak_bytes)), m.run_bytes = seen(static_cast<double>(cost.run_bytes));
    m.compile_bytes = seen(static_cast<double>(cost.compile_bytes)), m.proof_bytes = static_cast<double>(cost.proof_bytes);
    out.push_back(m);
  }
  return out;
}

TEST(Fit, FindsAnotherMachine) {
  CostModel machine;
  machine.s_leaf *= 2.5, machine.s_code *= 0.6, machine.s_column *= 3, machine.s_mac *= 4;
  machine.b_leaf *= 0.4, machine.b_column *= 0.5, machine.b_code *= 1.3, machine.p_fixed *= 2;
  const std::vector<Measured> m = measured(machine, 0);
  const Costing before = testing::costing();
  double off = 0;
  for (const Measured& x : m)
    off =
        std::max(off, std::abs(before.cost(x.counts, before.setting(x.slices, x.largest)).prove_seconds / *x.prove_seconds - 1));
  EXPECT_GT(off, 0.3);  // the defaults are not this machine
  const Fit f = fit(m, testing::prover(), {});
  EXPECT_LT(f.seconds.median, 0.05);
  EXPECT_LT(f.seconds.largest, 0.15);
  EXPECT_LT(f.bytes.median, 0.05);
  EXPECT_LT(f.bytes.largest, 0.15);
  EXPECT_LT(f.compile_bytes.largest, 0.15);
  EXPECT_LT(f.proof.largest, 0.02);
}

TEST(Fit, StandsNoise) {
  CostModel machine;
  machine.s_leaf *= 2, machine.b_leaf *= 0.5;
  const Fit f = fit(measured(machine, 0.2), testing::prover(), {});
  EXPECT_LT(f.seconds.median, 0.2);
  EXPECT_LT(f.bytes.median, 0.2);
  for (const Constant& c : kConstants) EXPECT_GT(f.model.*c.value, 0) << c.name;
}

TEST(Fit, WithoutMeasurementsNothingChanges) {
  const CostModel start;
  const Fit f = fit({}, testing::prover(), start);
  for (const Constant& c : kConstants) EXPECT_EQ(f.model.*c.value, start.*c.value) << c.name;
  EXPECT_EQ(f.seconds.largest, 0);
}

TEST(Fit, EveryConstantHasAName) {
  // A constant that kConstants does not list would be lost in files and never fitted.
  EXPECT_EQ(kConstants.size() * sizeof(double), sizeof(CostModel));
  std::set<std::string_view> names;
  CostModel m;
  for (const Constant& c : kConstants) {
    names.insert(c.name);
    m.*c.value = 0;
  }
  EXPECT_EQ(names.size(), kConstants.size());
  for (std::size_t i = 0; i < kConstants.size(); ++i) EXPECT_EQ(reinterpret_cast<const double*>(&m)[i], 0);
}

}  // namespace
}  // namespace dsperse::slice
