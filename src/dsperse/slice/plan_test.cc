#include "dsperse/slice/plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "dsperse/quantize/testing/programs.h"
#include "dsperse/run/testing/slow_run.h"
#include "dsperse/slice/cut.h"
#include "dsperse/slice/testing/costing.h"

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

/// With predictions.
Result<Plan> make(const Program& p, const CutRequest& request) { return make_plan(p, request, testing::costing()); }

std::string problem(const Result<Plan>& plan) { return plan ? "" : plan.error().text(); }

const Costing& testing_costing() {
  static const Costing costing = testing::costing();
  return costing;
}

/// Every way to cut the program that plan_at accepts.
std::vector<Plan> all_plans(const Program& p) {
  std::vector<Plan> out;
  for (std::uint32_t mask = 0; mask < 1U << (p.ops.size() - 1); ++mask) {
    Cuts cuts;
    for (std::uint32_t i = 0; i + 1 < p.ops.size(); ++i)
      if ((mask >> i & 1U) != 0) cuts.push_back(i);
    auto plan = plan_at(p, cuts);
    if (!plan) continue;
    price(*plan, p, testing_costing());
    out.push_back(std::move(*plan));
  }
  return out;
}

double slowest(const Plan& plan) {
  double t = 0;
  for (const Slice& s : plan.slices) t = std::max(t, s.cost.prove_seconds);
  return t;
}

double total_seconds(const Plan& plan) {
  double t = 0;
  for (const Slice& s : plan.slices) t += s.cost.prove_seconds;
  return t;
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
  const auto plan = make(residual(), {});
  ASSERT_EQ(problem(plan), "");
  EXPECT_THAT(last_ops(*plan), ElementsAre(1, 2, 4));  // gemm relu | gemm | gemm add | gemm add
  Builder b;
  layer(b, activation(b, activation(b, b.input({1, 4}))));
  const auto one = make(b.done(), {});  // what comes before the first layer joins it
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
  const auto plan = make(p, {});
  ASSERT_EQ(problem(plan), "");
  EXPECT_EQ(plan->slices.size(), 5U);  // the producer's and four readers'
  for (const Boundary& b : plan->boundaries) EXPECT_LE(b.consumers.size(), kMaxConsumers);
  CutRequest count;
  count.count = 15;  // every op alone: seven sums would read t1
  const auto fewer = make(p, count);
  ASSERT_EQ(problem(fewer), "");
  EXPECT_LT(fewer->slices.size(), 15U);
  EXPECT_GE(fewer->slices.size(), 4U);
  EXPECT_THAT(problem(plan_at(p, {0, 2, 4, 6, 8, 10})), HasSubstr("more than four slices read this tensor (t1)"));
  // Inputs are public: no limit.
  const auto free = make(fan_out(7, true), {});
  ASSERT_EQ(problem(free), "");
  EXPECT_EQ(free->slices.size(), 7U);
}

TEST(Plan, CutsAfterNamedTensors) {
  CutRequest r;
  r.after_tensors = {"t5", "t2", "t5", "t7"};  // any order, twice, and the very end
  const auto plan = make(residual(), r);
  ASSERT_EQ(problem(plan), "");
  EXPECT_THAT(last_ops(*plan), ElementsAre(1, 4));
  r.after_tensors = {"nowhere"};
  EXPECT_THAT(problem(make(residual(), r)), HasSubstr("no tensor of this model has this name (nowhere)"));
  r.after_tensors = {"t0"};
  EXPECT_THAT(problem(make(residual(), r)), HasSubstr("a model input is no place to cut (t0)"));
}

TEST(Plan, PlansKeepTheirOwnPredictions) {
  std::size_t compared = 0;
  const Costing& costing = testing_costing();
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    Rng rng(seed);
    const Program p = quantize::testing::random_program(rng, 7);
    const std::vector<Plan> all = all_plans(p);
    std::vector<std::uint64_t> peaks;
    for (const Plan& plan : all) peaks.push_back(plan.peak_bytes(costing));
    std::sort(peaks.begin(), peaks.end());
    for (const std::uint64_t limit : {peaks.front() + peaks.front() / 50, peaks[peaks.size() / 2], 2 * peaks.back()}) {
      CutRequest r;
      r.by_memory = true;
      r.memory_bytes = limit;
      const auto plan = make(p, r);
      if (!plan) {
        // Only where the limit is tight, or four readers forbid it.
        const bool crowded = problem(plan).find("more than four slices") != std::string::npos;
        EXPECT_TRUE(crowded || limit < peaks.front() + peaks.front() / 20) << problem(plan);
        continue;
      }
      EXPECT_LE(plan->peak_bytes(costing), limit);
      // No other cut that fits is faster, but for what differs between a search's guesses and a plan's own setting.
      double best = std::numeric_limits<double>::infinity();
      for (const Plan& other : all)
        if (other.peak_bytes(costing) <= limit - limit / 20) best = std::min(best, total_seconds(other));
      EXPECT_LE(total_seconds(*plan), 1.02 * best) << "seed " << seed;
      ++compared;
    }
    CutRequest least;
    least.least_memory = true;
    const auto plan = make(p, least);
    if (plan) {
      EXPECT_LE(plan->peak_bytes(costing), peaks.front() + peaks.front() / 50);
    }
  }
  EXPECT_GT(compared, 40U);
}

TEST(Plan, ObjectivesDiffer) {
  Rng rng(4);
  const Program p = quantize::testing::random_program(rng, 8);
  const auto with = [&](Optimize what) {
    CutRequest r;
    r.by_memory = true;
    r.memory_bytes = std::uint64_t{1} << 40;
    r.optimize = what;
    return make(p, r).value();
  };
  const Plan fast = with(Optimize::time), small = with(Optimize::size);
  std::uint64_t fast_bytes = 0, small_bytes = 0;
  for (const Slice& s : fast.slices) fast_bytes += s.cost.proof_bytes;
  for (const Slice& s : small.slices) small_bytes += s.cost.proof_bytes;
  EXPECT_LE(small_bytes, fast_bytes);
  EXPECT_EQ(small.slices.size(), 1U);  // one proof is always the smallest
}

TEST(Plan, DeadlinesAreKeptByThePlansOwnPredictions) {
  Builder b;
  TensorId t = b.input({1, 512});
  for (int i = 0; i < 12; ++i) t = b.gemm(t, 512, 512, simple_requant(10, Function::relu));
  const Program p = b.done();
  CutRequest r;
  r.deadline_seconds = 1e6;
  r.workers = 3;
  const auto calm = make(p, r);
  ASSERT_EQ(problem(calm), "");
  EXPECT_EQ(calm->slices.size(), 1U);
  r.deadline_seconds = 0.75 * total_seconds(*calm);
  const auto fast = make(p, r);
  ASSERT_EQ(problem(fast), "");
  EXPECT_GT(fast->slices.size(), 1U);
  EXPECT_LE(slowest(*fast), *r.deadline_seconds);
  r.deadline_seconds = 1e-6;
  EXPECT_THAT(problem(make(p, r)), HasSubstr("3 worker(s) would take"));
  EXPECT_THAT(problem(make(p, r)), HasSubstr("allow "));
}

/// Four convolutions over an image, of which the first alone needs much more than the others.
Program image() {
  Builder b;
  const Window w{{3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}};
  TensorId t = b.input({1, 160, 160, 3});
  t = b.conv(t, 16, w, simple_requant(12, Function::relu));
  t = b.conv(t, 16, w, simple_requant(12, Function::relu));
  t = b.maximum(t, {{2, 2}, {2, 2}, {1, 1}, {0, 0}, {0, 0}});
  t = b.conv(t, 32, w, simple_requant(12, Function::relu));
  b.gemm(t, 80 * 80 * 32, 10, simple_requant(16));
  return b.done();
}

TEST(Plan, TooLargeLayersAreSplit) {
  const Program p = image();
  const Costing& costing = testing_costing();
  CutRequest r;
  r.least_memory = true;
  const auto whole = make(p, r);
  ASSERT_EQ(problem(whole), "");
  CutRequest half;
  half.by_memory = true;
  half.memory_bytes = whole->peak_bytes(costing) * 6 / 10;
  const auto plan = make(p, half);
  ASSERT_EQ(problem(plan), "");
  ASSERT_TRUE(plan->tiled);
  EXPECT_LE(plan->peak_bytes(costing), *half.memory_bytes);
  EXPECT_TRUE(check_program(plan->tiled->program));
  // As plan_at sees it: the cuts are of the tiled program.
  EXPECT_TRUE(plan_at(plan->tiled->program, last_ops(*plan)));
  // With enough memory nothing is split.
  half.memory_bytes = whole->peak_bytes(costing) * 2;
  const auto roomy = make(p, half);
  ASSERT_EQ(problem(roomy), "");
  EXPECT_FALSE(roomy->tiled);
}

/// VGG-16 over 224 x 224 images: 138 million weights, 15 billion multiply-adds.
Program vgg16() {
  Builder b;
  const Window w{{3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}};
  TensorId t = b.input({1, 224, 224, 3});
  std::int64_t inner = 224 * 224 * 3;
  for (const auto& [channels, layers] : {std::pair(64, 2), {128, 2}, {256, 3}, {512, 3}, {512, 3}}) {
    for (int i = 0; i < layers; ++i) t = b.conv(t, channels, w, simple_requant(14, Function::relu));
    t = b.maximum(t, {{2, 2}, {2, 2}, {1, 1}, {0, 0}, {0, 0}});
    inner = elements(b.spec(t).shape);
  }
  for (const std::int64_t outputs : {4096, 4096, 1000}) {
    t = b.gemm(t, inner, outputs, simple_requant(17, outputs == 1000 ? Function::identity : Function::relu));
    inner = outputs;
  }
  return b.done();
}

TEST(Plan, Vgg16FitsOneGibibyte) {
  const Program p = vgg16();
  CutRequest r;
  r.by_memory = true;
  r.memory_bytes = std::uint64_t{1} << 30;
  const auto plan = make(p, r);
  ASSERT_EQ(problem(plan), "");
  EXPECT_LE(plan->peak_bytes(testing_costing()), *r.memory_bytes);
  ASSERT_TRUE(plan->tiled);
  EXPECT_TRUE(check_program(plan->tiled->program));
  EXPECT_LE(plan->slices.size(), 200U);
}

TEST(Plan, ValuesSurviveTiling) {
  const Program p = image();
  CutRequest r;
  r.least_memory = true;
  CutRequest half;
  half.by_memory = true;
  half.memory_bytes = make(p, r)->peak_bytes(testing_costing()) * 6 / 10;
  const auto plan = make(p, half);
  ASSERT_EQ(problem(plan), "");
  ASSERT_TRUE(plan->tiled);
  Rng rng(9);
  const WeightStore weights = quantize::testing::random_weights(p, rng);
  TensorStore whole = quantize::testing::random_inputs(p, rng), parts(plan->tiled->program.tensors.size());
  for (std::size_t i = 0; i < p.inputs.size(); ++i) parts[plan->tiled->program.inputs[i]] = whole[p.inputs[i]];
  ASSERT_TRUE(run::testing::slow_run(p, weights, whole));
  ASSERT_TRUE(run::testing::slow_run(plan->tiled->program, tile_weights(*plan->tiled, weights), parts));
  for (std::size_t i = 0; i < p.outputs.size(); ++i) EXPECT_EQ(parts[plan->tiled->program.outputs[i]], whole[p.outputs[i]]);
}

TEST(Plan, RefusesWhatCannotBe) {
  const Program p = residual();
  CutRequest r;
  r.by_memory = true;
  r.memory_bytes = 1000;
  EXPECT_THAT(problem(make(p, r)), HasSubstr("nothing of the 1 MiB is left for slices"));
  r.memory_bytes = testing_costing().process_bytes(0) + (1 << 20);  // less than any slice takes
  EXPECT_THAT(problem(make(p, r)), HasSubstr("the least that fits this cut of the model is"));
  EXPECT_THAT(problem(make_plan(p, r, Costing())), HasSubstr("needs predictions"));
  r.count = 2;
  EXPECT_THAT(problem(make(p, r)), HasSubstr("more than one way to cut"));
  r = {};
  r.count = 8;
  EXPECT_THAT(problem(make(p, r)), HasSubstr("8 slices asked for, but this model can be cut into 1 to 7"));
  r.count = 0;
  EXPECT_THAT(problem(make(p, r)), HasSubstr("0 slices asked for"));
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
  const auto plan = make(p, r);
  ASSERT_EQ(problem(plan), "");
  EXPECT_EQ(plan->slices.size(), 10U);
  for (const Slice& s : plan->slices) EXPECT_GT(s.cost.prove_seconds, 0.95 * slowest(*plan));
  r.count = 2000;
  EXPECT_THAT(problem(make(p, r)), HasSubstr("slices"));
}

}  // namespace
}  // namespace dsperse::slice
