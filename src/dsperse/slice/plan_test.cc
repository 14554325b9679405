#include "dsperse/slice/plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "dsperse/quantize/testing/programs.h"
#include "dsperse/run/testing/slow_run.h"
#include "dsperse/slice/cut.h"

namespace dsperse::slice {
namespace {

using namespace quantize;  // NOLINT
using quantize::testing::Builder;
using quantize::testing::Rng;
using quantize::testing::simple_requant;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// A Gemm of 4 x 4 and the ids it makes; op k is named op<k>, tensor k is named t<k>.
TensorId layer(Builder& b, TensorId x) { return b.gemm(x, 4, 4, simple_requant(8)); }
TensorId activation(Builder& b, TensorId x) { return b.sum({{false, x, 1}}, {1, 4}, simple_requant(0, Function::relu)); }
TensorId add(Builder& b, TensorId x, TensorId y) { return b.sum({{false, x, 1}, {false, y, 1}}, {1, 4}, simple_requant(0)); }

/// t0 (input) -> gemm t1 -> relu t2 -> gemm t3 -> gemm t4 -> add(t1, t4) t5 -> gemm t6 -> add(t1, t0, ...) t7.
Program residual() {
  Builder b;
  const auto x = b.input({1, 4});
  const auto t1 = layer(b, x), t2 = activation(b, t1), t3 = layer(b, t2), t4 = layer(b, t3), t5 = add(b, t1, t4),
             t6 = layer(b, t5);
  b.sum({{false, t6, 1}, {false, t1, 1}, {false, x, 1}}, {1, 4}, simple_requant(0));
  return b.done();
}

std::vector<std::uint32_t> last_ops(const Plan& plan) {
  std::vector<std::uint32_t> out;
  for (std::size_t s = 0; s + 1 < plan.slices.size(); ++s) out.push_back(plan.slices[s].last_op - 1);
  return out;
}

const Boundary* boundary(const Plan& plan, TensorId tensor) {
  const auto it =
      std::find_if(plan.boundaries.begin(), plan.boundaries.end(), [&](const Boundary& b) { return b.tensor == tensor; });
  return it == plan.boundaries.end() ? nullptr : &*it;
}

std::string problem(const Result<Plan>& plan) { return plan ? "" : plan.error().text(); }

/// Every way to cut the program that plan_at accepts.
std::vector<Plan> all_plans(const Program& p) {
  std::vector<Plan> out;
  for (std::uint32_t mask = 0; mask < 1U << (p.ops.size() - 1); ++mask) {
    Cuts cuts;
    for (std::uint32_t i = 0; i + 1 < p.ops.size(); ++i)
      if ((mask >> i & 1U) != 0) cuts.push_back(i);
    if (auto plan = plan_at(p, cuts)) out.push_back(std::move(*plan));
  }
  return out;
}

double slowest(const Plan& plan) {
  double t = 0;
  for (const Slice& s : plan.slices) t = std::max(t, s.cost.prove_seconds);
  return t;
}

std::uint64_t largest(const Plan& plan) {
  std::uint64_t m = 0;
  for (const Slice& s : plan.slices) m = std::max(m, s.cost.peak_bytes);
  return m;
}

// Runs every slice on nothing but its boundaries and puts what it makes back into the model's tensors.
TEST(Plan, SlicedRunEqualsTheWholeRun) {
  std::size_t sliced = 0;
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Rng rng(seed);
    const Program p = quantize::testing::random_program(rng, 14);
    const WeightStore weights = quantize::testing::random_weights(p, rng);
    TensorStore whole = quantize::testing::random_inputs(p, rng);
    const TensorStore inputs = whole;
    ASSERT_TRUE(run::testing::slow_run(p, weights, whole));
    for (int round = 0; round < 5; ++round) {
      Cuts cuts;
      for (std::uint32_t i = 0; i + 1 < p.ops.size(); ++i)
        if (rng() % 3 == 0) cuts.push_back(i);
      const auto plan = plan_at(p, cuts);
      if (!plan) {
        ASSERT_EQ(plan.error().what, "more than four slices read this tensor");
        continue;
      }
      sliced += plan->slices.size() > 1;
      ASSERT_EQ(last_ops(*plan), cuts);
      TensorStore crossing = inputs;
      for (std::uint32_t s = 0; s < plan->slices.size(); ++s) {
        const Slice& slice = plan->slices[s];
        ASSERT_TRUE(check_program(slice.program)) << check_program(slice.program).error().text();
        TensorStore trace = slice_trace(slice, crossing);
        ASSERT_TRUE(run::testing::slow_run(slice.program, slice_weights(slice, weights), trace));
        for (const TensorId t : slice.program.outputs) {
          const Boundary* b = boundary(*plan, slice.tensors[t]);
          ASSERT_NE(b, nullptr);
          ASSERT_EQ(b->producer, s);
          crossing[slice.tensors[t]] = trace[t];
        }
        for (TensorId t = 0; t < trace.size(); ++t) ASSERT_EQ(trace[t], whole[slice.tensors[t]]) << slice.program.tensors[t].name;
        ASSERT_EQ(slice_trace(slice, whole), trace);
      }
      for (const Boundary& b : plan->boundaries) ASSERT_EQ(crossing[b.tensor], whole[b.tensor]);
    }
  }
  EXPECT_GT(sliced, 100U);
}

TEST(Plan, SlicesKeepOrderNamesAndSpecs) {
  const Program p = residual();
  const auto plan = plan_at(p, {1, 4});
  ASSERT_EQ(problem(plan), "");
  const Slice& last = plan->slices[2];
  EXPECT_EQ(last.first_op, 5U);
  EXPECT_EQ(last.last_op, 7U);
  EXPECT_THAT(last.tensors, ElementsAre(0, 1, 5, 6, 7));  // x, the skip tensor, what slice 1 made, its own
  EXPECT_THAT(last.program.inputs, ElementsAre(0, 1, 2));
  EXPECT_THAT(last.program.outputs, ElementsAre(4));
  for (TensorId t = 0; t < last.tensors.size(); ++t) EXPECT_EQ(last.program.tensors[t], p.tensors[last.tensors[t]]);
  for (WeightId w = 0; w < last.weights.size(); ++w) EXPECT_EQ(last.program.weights[w], p.weights[last.weights[w]]);
  EXPECT_EQ(last.program.ops[0].name, "op5");
}

TEST(Plan, SkipTensorIsOneBoundaryWithAllItsReaders) {
  const auto plan = plan_at(residual(), {0, 1, 3, 5});
  ASSERT_EQ(problem(plan), "");
  ASSERT_EQ(plan->slices.size(), 5U);
  const Boundary* skip = boundary(*plan, 1);
  ASSERT_NE(skip, nullptr);
  EXPECT_EQ(skip->producer, 0U);
  EXPECT_THAT(skip->consumers, ElementsAre(1, 3, 4));
  EXPECT_FALSE(skip->is_input || skip->is_output);
  EXPECT_EQ(boundary(*plan, 3), nullptr);  // made and read inside slice 2
  const Boundary* input = boundary(*plan, 0);
  ASSERT_NE(input, nullptr);
  EXPECT_EQ(input->producer, Boundary::kUser);
  EXPECT_THAT(input->consumers, ElementsAre(0, 4));
  EXPECT_TRUE(input->is_input);
  const Boundary* output = boundary(*plan, 7);
  ASSERT_NE(output, nullptr);
  EXPECT_TRUE(output->is_output);
  EXPECT_THAT(output->consumers, ElementsAre());
  EXPECT_TRUE(std::is_sorted(plan->boundaries.begin(), plan->boundaries.end(),
                             [](const auto& a, const auto& b) { return a.tensor < b.tensor; }));
}

TEST(Plan, OutputsMayBeReadInsideAndInputsMayBeOutputs) {
  Program p = residual();
  p.outputs = {0, 1, 7};
  const auto plan = plan_at(p, {1});
  ASSERT_EQ(problem(plan), "");
  EXPECT_THAT(plan->slices[0].program.outputs, ElementsAre(1, 2));
  EXPECT_TRUE(boundary(*plan, 0)->is_input && boundary(*plan, 0)->is_output);
  EXPECT_TRUE(boundary(*plan, 1)->is_output);
  EXPECT_THAT(boundary(*plan, 1)->consumers, ElementsAre(1));
  // An output that only its own slice reads still leaves it.
  const auto one = plan_at(p, {});
  ASSERT_EQ(problem(one), "");
  EXPECT_THAT(one->slices[0].program.outputs, ElementsAre(1, 7));
  EXPECT_THAT(boundary(*one, 1)->consumers, ElementsAre());
}

TEST(Plan, DefaultIsOneSlicePerLayer) {
  const auto plan = make_plan(residual(), {});
  ASSERT_EQ(problem(plan), "");
  EXPECT_THAT(last_ops(*plan), ElementsAre(1, 2, 4));  // gemm relu | gemm | gemm add | gemm add
  Builder b;
  layer(b, activation(b, activation(b, b.input({1, 4}))));
  const auto one = make_plan(b.done(), {});  // what comes before the first layer joins it
  ASSERT_EQ(problem(one), "");
  EXPECT_EQ(one->slices.size(), 1U);
}

/// One tensor that `readers` layers read, one after the other.
Program fan_out(std::size_t readers, bool of_input) {
  Builder b;
  const auto x = b.input({1, 4});
  const auto t = of_input ? x : layer(b, x);
  TensorId y = t;
  for (std::size_t i = 0; i < readers; ++i) y = add(b, layer(b, y), t);
  return b.done();
}

TEST(Plan, AtMostFourSlicesReadACommittedTensor) {
  const Program p = fan_out(7, false);
  const auto plan = make_plan(p, {});
  ASSERT_EQ(problem(plan), "");
  EXPECT_EQ(plan->slices.size(), 5U);  // the producer's and four readers'
  for (const Boundary& b : plan->boundaries) EXPECT_LE(b.consumers.size(), kMaxConsumers);
  CutRequest count;
  count.count = 15;  // every op alone: seven sums would read t1
  const auto fewer = make_plan(p, count);
  ASSERT_EQ(problem(fewer), "");
  EXPECT_LT(fewer->slices.size(), 15U);
  EXPECT_GE(fewer->slices.size(), 4U);
  EXPECT_THAT(problem(plan_at(p, {0, 2, 4, 6, 8, 10})), HasSubstr("more than four slices read this tensor (t1)"));
  // Inputs are public: no limit.
  const auto free = make_plan(fan_out(7, true), {});
  ASSERT_EQ(problem(free), "");
  EXPECT_EQ(free->slices.size(), 7U);
}

TEST(Plan, CutsAfterNamedTensors) {
  CutRequest r;
  r.after_tensors = {"t5", "t2", "t5", "t7"};  // any order, twice, and the very end
  const auto plan = make_plan(residual(), r);
  ASSERT_EQ(problem(plan), "");
  EXPECT_THAT(last_ops(*plan), ElementsAre(1, 4));
  r.after_tensors = {"nowhere"};
  EXPECT_THAT(problem(make_plan(residual(), r)), HasSubstr("no tensor of this model has this name (nowhere)"));
  r.after_tensors = {"t0"};
  EXPECT_THAT(problem(make_plan(residual(), r)), HasSubstr("a model input is no place to cut (t0)"));
}

TEST(Plan, CountCutsMinimiseTheSlowestSlice) {
  std::size_t compared = 0;
  for (std::uint64_t seed = 1; seed <= 25; ++seed) {
    Rng rng(seed);
    const Program p = quantize::testing::random_program(rng, 7);
    const std::vector<Plan> all = all_plans(p);
    for (std::uint32_t k = 1; k <= p.ops.size(); ++k) {
      CutRequest r;
      r.count = k;
      const auto plan = make_plan(p, r);
      ASSERT_EQ(problem(plan), "");
      if (plan->slices.size() != k) continue;  // more than four readers
      double best = std::numeric_limits<double>::infinity();
      for (const Plan& other : all)
        if (other.slices.size() == k) best = std::min(best, slowest(other));
      EXPECT_DOUBLE_EQ(slowest(*plan), best) << "seed " << seed << ", " << k << " slices";
      ++compared;
    }
  }
  EXPECT_GT(compared, 50U);
}

TEST(Plan, MemoryCutsAreTheFewestThatFit) {
  std::size_t compared = 0;
  for (std::uint64_t seed = 1; seed <= 25; ++seed) {
    Rng rng(seed);
    const Program p = quantize::testing::random_program(rng, 7);
    const std::vector<Plan> all = all_plans(p);
    for (const Plan& goal : {all.front(), all[all.size() / 2], all.back()}) {
      CutRequest r;
      r.memory_bytes = largest(goal);
      const auto plan = make_plan(p, r);
      if (!plan) {
        EXPECT_THAT(problem(plan), HasSubstr("more than four slices"));
        continue;
      }
      EXPECT_LE(largest(*plan), *r.memory_bytes);
      std::size_t fewest = p.ops.size();
      for (const Plan& other : all)
        if (largest(other) <= *r.memory_bytes) fewest = std::min(fewest, other.slices.size());
      EXPECT_EQ(plan->slices.size(), fewest) << "seed " << seed;
      ++compared;
    }
  }
  EXPECT_GT(compared, 50U);
}

TEST(Plan, RefusesWhatCannotBe) {
  const Program p = residual();
  CutRequest r;
  r.memory_bytes = 1000;
  EXPECT_THAT(problem(make_plan(p, r)), HasSubstr("more than the memory limit (op0)"));
  r.count = 2;
  EXPECT_THAT(problem(make_plan(p, r)), HasSubstr("more than one way to cut"));
  r = {};
  r.count = 8;
  EXPECT_THAT(problem(make_plan(p, r)), HasSubstr("8 slices asked for, but this model can be cut into 1 to 7"));
  r.count = 0;
  EXPECT_THAT(problem(make_plan(p, r)), HasSubstr("0 slices asked for"));
  EXPECT_THAT(problem(plan_at(p, {3, 3})), HasSubstr("out of order or range"));
  EXPECT_THAT(problem(plan_at(p, {6})), HasSubstr("out of order or range"));  // nothing would follow
  Program unused = p;
  unused.ops.push_back(p.ops[1]);
  std::get<Sum>(unused.ops.back().body).y = 8;
  unused.tensors.push_back(p.tensors[2]);
  unused.outputs = {7};
  ASSERT_TRUE(check_program(unused));
  EXPECT_THAT(problem(plan_at(unused, {6})), HasSubstr("computes nothing that is used"));
}

TEST(Plan, LongProgramsAreCutToo) {
  Builder b;
  TensorId t = b.input({1, 4});
  for (int i = 0; i < 2500; ++i) t = activation(b, t);
  const Program p = b.done();
  CutRequest r;
  r.count = 10;
  const auto plan = make_plan(p, r);
  ASSERT_EQ(problem(plan), "");
  EXPECT_EQ(plan->slices.size(), 10U);
  for (const Slice& s : plan->slices) EXPECT_GT(s.cost.prove_seconds, 0.95 * slowest(*plan));
  r.count = 2000;
  EXPECT_THAT(problem(make_plan(p, r)), HasSubstr("slices"));
}

}  // namespace
}  // namespace dsperse::slice
