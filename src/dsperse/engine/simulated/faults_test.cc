// Workers and a coordinator on an engine whose network and disk misbehave: every seed ends with every job done once, and replays.
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "dsperse/engine/simulated/simulated.h"
#include "dsperse/engine/testing/suite.h"

namespace dsperse::engine::simulated {
namespace {

using testing::bytes;
using testing::id;
using testing::value;

Faults bad_day() {
  Faults f;
  f.drop = 0.05;
  f.duplicate = 0.1;
  f.slow = 0.05;
  f.crash = 0.03;
  f.min_delay_ms = 1;
  f.max_delay_ms = 80;
  f.timeout_ms = 200;
  f.max_down_ms = 500;
  return f;
}

/// Makes the call again until there is an answer.
template <class F>
auto insist(const F& call) {
  for (;;) {
    auto answer = call();
    if (answer || answer.error().kind != ErrorKind::backend) return answer;
  }
}

struct Outcome {
  Digest trace{};
  std::uint64_t steps = 0, crashes = 0, leases = 0, late = 0, lapsed = 0, lost = 0;
};

struct Worker {
  std::optional<Lease> lease;
  int left = 0;  ///< steps of work until the result
};

constexpr std::uint32_t kJobs = 30, kSeeds = 500;
constexpr TimeMs kBeat = 3000;

Bytes result_of(const Digest& job) { return {job[31], 9}; }

void act(World& world, JobQueue& jobs, Worker& worker, std::uint32_t number) {
  if (!worker.lease) {
    const auto got = jobs.lease(Puller{id(number), {}, 0}, world.now(), kBeat);
    if (got && *got) worker = {**got, static_cast<int>(world.below(6))};
    return;
  }
  if (world.chance(0.02)) {  // the worker dies, and a new one takes its place
    worker = {};
  } else if (worker.left-- > 0) {
    const auto beat = jobs.heartbeat(worker.lease->id, world.now(), kBeat);
    if (beat && !*beat && world.chance(0.5)) worker = {};  // told to stop; half of them deliver all the same
  } else if (world.chance(0.1)) {
    if (jobs.fail(worker.lease->id, "busy", world.now() + 100, world.now())) worker = {};
  } else if (jobs.complete(worker.lease->id, result_of(worker.lease->job.id), world.now())) {
    worker = {};
  }
}

/// Submits kJobs jobs and lets five workers work until all are done (or `most_steps` steps are over).
Outcome simulate(std::uint32_t seed, const Faults& faults, std::uint64_t most_steps = 200'000) {
  World world(id(seed));
  world.faults = faults;
  SimulatedEngine engine(world);
  JobQueue& jobs = engine.jobs();
  for (std::uint32_t n = 0; n < kJobs; ++n) {
    Job j = testing::job(n);
    j.max_leases = 1'000'000;
    (void)value(insist([&] { return jobs.submit(j); }));
  }
  std::array<Worker, 5> workers;
  bool all_done = false;
  while (!all_done && world.steps() < most_steps) {
    const auto number = static_cast<std::uint32_t>(world.below(workers.size() + 1));
    if (number < workers.size()) {
      act(world, jobs, workers[number], number + 1);
    } else {
      (void)jobs.expire(world.now());
      const auto counts = jobs.counts();
      all_done = counts && (*counts)[static_cast<std::size_t>(JobState::done)] == kJobs;
    }
    world.advance(static_cast<TimeMs>(world.below(50)));
  }
  world.faults = {};
  world.advance(100'000);  // whatever still flies arrives

  Outcome out{world.trace(), world.steps(), engine.server().crashes()};
  std::map<Digest, int> completed;
  for (const Event& e : value(jobs.events(0, 1'000'000))) {
    completed[e.job] += e.kind == EventKind::completed ? 1 : 0;
    out.late += e.kind == EventKind::late ? 1 : 0;
    out.lapsed += e.kind == EventKind::lapsed ? 1 : 0;
  }
  std::set<LeaseId> ids;
  for (std::uint32_t n = 0; n < kJobs; ++n) {
    const auto record = value(jobs.find(id(n)));
    if (!record || record->state != JobState::done || completed[id(n)] != 1) {
      ++out.lost;
      continue;
    }
    int with_state = 0;
    for (const LeaseRecord& l : value(jobs.history(id(n)))) {
      EXPECT_TRUE(ids.insert(l.id).second);
      EXPECT_NE(l.state, LeaseState::live);
      EXPECT_EQ(l.result.value_or(result_of(id(n))), result_of(id(n)));
      with_state += l.state == LeaseState::completed ? 1 : 0;
      ++out.leases;
    }
    EXPECT_EQ(with_state, 1);
  }
  return out;
}

TEST(Faults, EveryJobIsDoneOnceOnAnyBadDay) {
  Outcome sum;
  for (std::uint32_t seed = 1; seed <= kSeeds; ++seed) {
    const Outcome one = simulate(seed, bad_day());
    ASSERT_EQ(one.lost, 0U) << "seed " << seed;
    sum.crashes += one.crashes;
    sum.leases += one.leases;
    sum.late += one.late;
    sum.lapsed += one.lapsed;
    sum.steps += one.steps;
  }
  // Something went wrong on the way: crashes, lost leases, results of leases that were given up.
  EXPECT_GT(sum.crashes, 3 * kSeeds);
  EXPECT_GT(sum.lapsed, kSeeds);
  EXPECT_GT(sum.late, kSeeds / 10);
  EXPECT_GT(sum.leases, kSeeds * (kJobs + 3));
  RecordProperty("steps", std::to_string(sum.steps));
}

TEST(Faults, ASeedReplaysExactly) {
  for (std::uint32_t seed = 1; seed <= 3; ++seed) {
    const Outcome a = simulate(seed, bad_day()), b = simulate(seed, bad_day());
    EXPECT_EQ(a.trace, b.trace);
    EXPECT_EQ(a.steps, b.steps);
    EXPECT_EQ(a.crashes, b.crashes);
  }
  EXPECT_NE(simulate(1, bad_day()).trace, simulate(2, bad_day()).trace);
}

TEST(Faults, ADiskThatLiesLosesWhatWasAnswered) {
  // The invariants above can fail: with syncs that don't, they do.
  Faults f = bad_day();
  f.lying_sync = 0.5;
  std::uint64_t lost = 0;
  for (std::uint32_t seed = 1; seed <= 20; ++seed) {
    World world(id(seed));
    world.faults = f;
    SimulatedEngine engine(world);
    for (std::uint32_t n = 0; n < 40; ++n) (void)value(insist([&] { return engine.jobs().submit(testing::job(n)); }));
    engine.server().crash();
    world.faults = {};
    world.advance(1000);
    for (std::uint32_t n = 0; n < 40; ++n) lost += value(engine.jobs().find(id(n))).has_value() ? 0 : 1;
  }
  EXPECT_GT(lost, 10U);
}

TEST(Faults, EachMessageFaultAloneDoesWhatItSays) {
  World world(Digest{9});
  SimulatedEngine engine(world);
  JobQueue& jobs = engine.jobs();
  world.faults.drop = 1;
  const TimeMs before = world.now();
  EXPECT_EQ(testing::kind_of(jobs.submit(testing::job(1))), ErrorKind::backend);
  EXPECT_EQ(world.now() - before, world.faults.timeout_ms);
  world.faults = {};
  EXPECT_FALSE(value(jobs.find(id(1))).has_value());

  world.faults.slow = 1;
  EXPECT_EQ(testing::kind_of(jobs.submit(testing::job(1))), ErrorKind::backend);
  EXPECT_EQ(world.in_flight(), 1U);
  EXPECT_FALSE(value(jobs.find(id(1))).has_value());
  world.faults = {};
  value(jobs.submit(testing::job(2)));
  world.advance(20 * world.faults.timeout_ms);
  EXPECT_TRUE(value(jobs.find(id(1))).has_value());
  EXPECT_EQ(value(jobs.lease(Puller{}, 0, 10)).value().job.id, id(2)) << "overtaken";

  world.faults.duplicate = 1;
  value(jobs.submit(testing::job(3)));
  EXPECT_EQ(value(jobs.lease(Puller{}, 0, 10)).value().job.id, id(1));
  world.advance(20 * world.faults.timeout_ms);
  world.faults = {};
  EXPECT_EQ(value(jobs.find(id(3)))->state, JobState::leased) << "the second request leased one that nobody knows of";
  EXPECT_EQ(value(jobs.expire(10)), 3U) << "it lapses like any other";

  world.faults.min_delay_ms = world.faults.max_delay_ms = 40;
  const TimeMs sent = world.now();
  value(jobs.counts());
  EXPECT_EQ(world.now() - sent, 80);
}

TEST(Faults, ACrashBeforeTheSyncCostsOnlyWhatWasNotAnswered) {
  int kept = 0, gone = 0;
  for (std::uint32_t seed = 1; seed <= 60; ++seed) {
    World world(id(seed));
    SimulatedEngine engine(world);
    value(engine.jobs().submit(testing::job(1)));
    world.faults.crash = 1;
    EXPECT_EQ(testing::kind_of(engine.jobs().submit(testing::job(2))), ErrorKind::backend);
    world.faults = {};
    EXPECT_TRUE(value(engine.jobs().find(id(1))).has_value());
    (value(engine.jobs().find(id(2))).has_value() ? kept : gone) += 1;
  }
  EXPECT_GT(kept, 10);
  EXPECT_GT(gone, 10);
}

TEST(Faults, ATornBlobIsNoticed) {
  int damaged = 0, missing = 0, whole = 0;
  for (std::uint32_t seed = 1; seed <= 60; ++seed) {
    World world(id(seed));
    SimulatedEngine engine(world);
    world.faults.lying_sync = 1;
    const Digest digest = value(engine.blobs().put(bytes("a blob of some length")));
    engine.server().crash();
    world.faults = {};
    const auto got = engine.blobs().get(digest, 1000);
    if (got) {
      EXPECT_EQ(*got, bytes("a blob of some length"));
      ++whole;
    } else {
      ++(got.error().what.find("damaged") != std::string::npos ? damaged : missing);
    }
  }
  EXPECT_GT(damaged, 3);
  EXPECT_GT(missing, 3);
  EXPECT_GT(whole, 3);
}

TEST(Faults, WhileItIsDownNobodyAnswers) {
  World world(Digest{1});
  SimulatedEngine engine(world);
  value(engine.jobs().submit(testing::job(1)));
  world.faults.max_down_ms = 1'000'000;
  world.faults.timeout_ms = 10;
  engine.server().crash();
  EXPECT_EQ(testing::kind_of(engine.jobs().find(id(1))), ErrorKind::backend);
  EXPECT_EQ(testing::kind_of(engine.jobs().submit(testing::job(2))), ErrorKind::backend);
  world.advance(1'000'000);
  EXPECT_TRUE(value(engine.jobs().find(id(1))).has_value());
  EXPECT_FALSE(value(engine.jobs().find(id(2))).has_value());
}

TEST(Faults, BlobsAndWorkersSurviveABadDay) {
  for (std::uint32_t seed = 1; seed <= 50; ++seed) {
    World world(id(seed));
    world.faults = bad_day();
    SimulatedEngine engine(world);
    std::vector<Digest> blobs;
    for (std::uint32_t n = 0; n < 20; ++n) {
      blobs.push_back(value(insist([&] { return engine.blobs().put(Bytes(n + 1, 7)); })));
      const NodeProfile node{id(n), "acme", "eu", "native", {}, n};
      (void)value(insist([&] { return engine.nodes().enroll(node, world.now()); }));
      if (n % 2 == 0) testing::ok(insist([&] { return engine.nodes().set_state(id(n), NodeState::excluded, "lost"); }));
    }
    world.faults = {};
    world.advance(100'000);
    engine.server().crash();
    for (std::uint32_t n = 0; n < 20; ++n) {
      EXPECT_EQ(value(engine.blobs().get(blobs[n], 100)), Bytes(n + 1, 7));
      const Node node = value(engine.nodes().find(id(n))).value();
      EXPECT_EQ(node.state, n % 2 == 0 ? NodeState::excluded : NodeState::active);
      EXPECT_EQ(node.profile.memory_bytes, n);
    }
  }
}

TEST(Faults, MessagesToAnEngineThatIsGoneAreLost) {
  World world(Digest{1});
  {
    SimulatedEngine engine(world);
    world.faults.slow = 1;
    EXPECT_EQ(testing::kind_of(engine.jobs().submit(testing::job(1))), ErrorKind::backend);
  }
  EXPECT_EQ(world.in_flight(), 1U);
  const std::uint64_t before = world.steps();
  world.advance(100'000);
  EXPECT_EQ(world.in_flight(), 0U);
  EXPECT_EQ(world.steps(), before);
}

}  // namespace
}  // namespace dsperse::engine::simulated
