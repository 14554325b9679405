#include "dsperse/work/coordinator/tasks.h"

#include <gtest/gtest.h>

#include <set>

#include "dsperse/work/coordinator/testing/town.h"

namespace dsperse::work {
namespace {

using testing::digest;

/// A run of a diamond: 0 -> 1 -> {2, 3} -> 4; chunk 5 is an output that slice 1 makes and nobody reads.
struct Diamond {
  ModelFacts model;
  Run run;
  Diamond() {
    model.model = digest(1);
    model.committed = {false, true, true, true, false, false};
    model.inputs = {0};
    const std::vector<std::vector<std::uint32_t>> inputs{{0}, {1}, {1}, {2, 3}}, outputs{{1}, {2, 5}, {3}, {4}},
        ended{{0}, {}, {1}, {2, 3}};
    for (std::uint32_t i = 0; i < 4; ++i) {
      ModelFacts::Slice s;
      s.key = digest(10 + i);
      s.inputs = inputs[i], s.outputs = outputs[i], s.ended = ended[i];
      model.slices.push_back(s);
    }
    run.request.inputs = {{0, digest(20), digest(30), std::nullopt}};
    run.attempt.secret = digest(40);
    run.attempt.run = digest(41);
    run.attempt.slices.resize(4);
  }
  void settle(std::uint32_t i) {
    Settled s;
    for (const std::uint32_t c : model.slices[i].outputs) {
      s.roots.push_back({c, digest(100 + c)});
      s.values.emplace_back(c, digest(200 + c));
    }
    run.attempt.slices[i].settled = s;
  }
};

std::vector<std::uint32_t> chunks(const trust::BoundaryRoots& roots) {
  std::vector<std::uint32_t> out;
  for (const auto& r : roots) out.push_back(r.chunk);
  return out;
}

TEST(Tasks, LiveRootsFollowTheGraph) {
  Diamond d;
  EXPECT_EQ(chunks(live_before(d.model, d.run, 0)), (std::vector<std::uint32_t>{0}));
  for (std::uint32_t i = 0; i < 4; ++i) d.settle(i);
  EXPECT_EQ(chunks(live_before(d.model, d.run, 1)), (std::vector<std::uint32_t>{1}));
  EXPECT_EQ(chunks(live_before(d.model, d.run, 2)), (std::vector<std::uint32_t>{1, 2, 5}));
  EXPECT_EQ(chunks(live_before(d.model, d.run, 3)), (std::vector<std::uint32_t>{2, 3, 5}));
  const auto trace = trace_before(d.model, d.run, 4);
  ASSERT_EQ(trace.size(), 5U);
  std::vector<trust::TraceStep> steps;
  for (std::uint32_t i = 0; i < 4; ++i) steps.push_back({d.run.attempt.slices[i].settled->roots, d.model.slices[i].ended});
  EXPECT_EQ(trace, *trust::canonical_trace({{0, digest(30)}}, steps)) << "as anybody else computes it";
}

TEST(Tasks, ATaskIsWellFormedAndItsErrandsDiffer) {
  Diamond d;
  for (std::uint32_t i = 0; i < 3; ++i) d.settle(i);
  std::set<Digest> jobs;
  for (std::uint32_t number = 0; number < 10; ++number) {
    Errand e;
    e.number = number;
    e.slice = 3;
    const SliceTask task = task_of(d.model, d.run, e);
    EXPECT_TRUE(check_task(task)) << check_task(task).error().text();
    EXPECT_EQ(h_in_of(task), trace_before(d.model, d.run, 3).back());
    EXPECT_EQ(task.inputs[0].seed, seed_of(d.run.attempt, 2)) << "the seed that its maker was given";
    EXPECT_FALSE(task.outputs[0].seed) << "public";
    jobs.insert(job_of(task));
  }
  EXPECT_EQ(jobs.size(), 10U);
}

// A seed serves one tensor of one attempt: trees of different data under one seed would say how they differ.
TEST(Tasks, SeedsAreFreshByChunkAndAttempt) {
  std::set<Digest> seeds;
  for (std::uint64_t attempt = 0; attempt < 20; ++attempt) {
    Attempt a;
    a.secret = digest(attempt);
    for (std::uint32_t chunk = 0; chunk < 20; ++chunk) seeds.insert(seed_of(a, chunk));
    seeds.insert(lottery_secret(a));
  }
  EXPECT_EQ(seeds.size(), 20U * 21);
}

}  // namespace
}  // namespace dsperse::work
