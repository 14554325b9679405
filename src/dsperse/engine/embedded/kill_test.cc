// Processes that work a queue are killed 200 times: what was answered is there, no job is lost, none is done twice.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <map>
#include <random>
#include <set>

#include "dsperse/engine/embedded/embedded.h"
#include "dsperse/engine/testing/suite.h"
#include "dsperse/store/testing/temporary_folder.h"

namespace dsperse::engine::embedded {
namespace {

using testing::id;
using testing::value;

/// Written to the parent after the engine answered.
struct Ack {
  char what = 0;  // s: submitted, c: completed, l: leased, b: blob
  std::array<char, 7> pad{};
  LeaseId lease = 0;
  Digest digest{};
};

Job task(std::uint32_t n) {
  Job j = testing::job(n);
  j.max_leases = 1'000'000;
  return j;
}
Bytes result_of(const Digest& job) { return {job[31], job[30], 7}; }

/// Works until killed; comes back only if something is wrong.
int work(const std::string& folder, int out, std::uint32_t number) {
  const auto opened = open(folder);
  if (!opened) return 2;
  JobQueue& jobs = (*opened)->jobs();
  std::mt19937_64 random(number);
  std::uint32_t made = 0;
  const auto ack = [&](char what, LeaseId lease, const Digest& digest) {
    const Ack a{what, {}, lease, digest};
    return ::write(out, &a, sizeof a) == sizeof a;
  };
  for (TimeMs now = TimeMs{number} * 1000;; ++now) {
    switch (random() % 8) {
      case 0:
      case 1: {
        const Job j = task(number * 10'000 + made++);
        if (!jobs.submit(j) || !ack('s', 0, j.id)) return 3;
        break;
      }
      case 2: {
        const Bytes blob(1 + random() % 20'000, static_cast<std::uint8_t>(number));
        const auto digest = (*opened)->blobs().put(blob);
        if (!digest || !ack('b', 0, *digest)) return 4;
        break;
      }
      case 3:
        if (!jobs.expire(now - 500)) return 5;
        break;
      default: {
        const auto lease = jobs.lease(Puller{id(number), {}, 0}, now, 100);
        if (!lease) return 6;
        if (!*lease) break;
        if (!ack('l', (*lease)->id, (*lease)->job.id)) return 7;
        if (!jobs.heartbeat((*lease)->id, now, 200)) return 8;
        if (random() % 4 == 0) {
          if (!jobs.fail((*lease)->id, "busy", now, now)) return 9;
        } else {
          const auto done = jobs.complete((*lease)->id, result_of((*lease)->job.id), now);
          if (!done) return 10;
          if (*done == Delivery::accepted && !ack('c', (*lease)->id, (*lease)->job.id)) return 11;
        }
      }
    }
  }
}

/// All that was ever answered.
struct Answered {
  std::set<Digest> submitted, blobs;
  std::map<Digest, LeaseId> completed;
  std::set<LeaseId> leases;
  std::size_t acks = 0;

  void read(int in) {
    Ack a;
    while (::read(in, &a, sizeof a) == sizeof a) {
      ++acks;
      if (a.what == 's') submitted.insert(a.digest);
      if (a.what == 'b') blobs.insert(a.digest);
      const bool twice =
          (a.what == 'l' && !leases.insert(a.lease).second) || (a.what == 'c' && !completed.emplace(a.digest, a.lease).second);
      EXPECT_FALSE(twice) << "lease " << a.lease << " was given twice, or its job done twice";
    }
  }
};

TEST(Kill, NothingAnsweredIsLostAndNothingIsDoneTwice) {
  const store::testing::TemporaryFolder folder;
  std::mt19937_64 random(7);
  Answered all;
  std::uint32_t number = 0;
  for (int round = 0; round < 100; ++round) {  // two processes each
    std::array<int, 2> ends{};
    ASSERT_EQ(::pipe(ends.data()), 0);
    std::array<pid_t, 2> children{};
    for (pid_t& child : children) {
      ++number;
      child = ::fork();
      ASSERT_GE(child, 0);
      if (child == 0) {
        ::close(ends[0]);
        ::_exit(work(folder / "engine", ends[1], number));
      }
    }
    ::close(ends[1]);
    for (const pid_t child : children) {
      ::usleep(static_cast<useconds_t>(random() % 25'000));
      ASSERT_EQ(::kill(child, SIGKILL), 0);
      int status = 0;
      ASSERT_EQ(::waitpid(child, &status, 0), child);
      ASSERT_TRUE(WIFSIGNALED(status)) << "the worker gave up with " << WEXITSTATUS(status);
    }
    const Answered before = all;
    all.read(ends[0]);
    ::close(ends[0]);
    const auto engine = value(open(folder / "engine"));
    for (const Digest& d : all.submitted)
      ASSERT_TRUE(before.submitted.contains(d) || value(engine->jobs().find(d)).has_value()) << "an answered job is lost";
    for (const auto& [job, lease] : all.completed) {
      if (before.completed.contains(job)) continue;
      const auto record = value(engine->jobs().find(job));
      ASSERT_TRUE(record.has_value());
      ASSERT_EQ(record->state, JobState::done);
      ASSERT_EQ(record->lease, lease);
    }
    for (const Digest& d : all.blobs) ASSERT_TRUE(before.blobs.contains(d) || !value(engine->blobs().get(d, 1U << 20)).empty());
  }

  // What is left can be finished: every job, answered or not, is done exactly once, with its own result.
  const auto engine = value(open(folder / "engine"));
  JobQueue& jobs = engine->jobs();
  const TimeMs late = 1'000'000'000;
  value(jobs.expire(late));
  std::size_t finished_here = 0;
  while (const auto lease = value(jobs.lease(Puller{id(1), {}, 0}, late, 100))) {
    ASSERT_EQ(value(jobs.complete(lease->id, result_of(lease->job.id), late)), Delivery::accepted);
    ++finished_here;
  }
  const auto counts = value(jobs.counts());
  const std::uint64_t done = counts[static_cast<std::size_t>(JobState::done)];
  EXPECT_EQ(done, counts[0] + counts[1] + counts[2] + counts[3] + counts[4]);
  EXPECT_GE(done, all.submitted.size());
  std::map<Digest, int> times;
  for (const Event& e : value(jobs.events(0, 1'000'000))) times[e.job] += e.kind == EventKind::completed ? 1 : 0;
  for (const Digest& d : all.submitted) {
    EXPECT_EQ(times[d], 1);
    std::size_t completed = 0;
    for (const LeaseRecord& l : value(jobs.history(d))) {
      EXPECT_NE(l.state, LeaseState::live);
      if (l.state != LeaseState::completed) continue;
      ++completed;
      EXPECT_EQ(l.result, result_of(d));
    }
    EXPECT_EQ(completed, 1U);
  }
  // The test has seen something: children got work done before they died.
  EXPECT_GT(all.submitted.size(), 200U);
  EXPECT_GT(all.completed.size(), 50U);
  RecordProperty("answers", std::to_string(all.acks));
  RecordProperty("finished_at_the_end", std::to_string(finished_here));
}

}  // namespace
}  // namespace dsperse::engine::embedded
