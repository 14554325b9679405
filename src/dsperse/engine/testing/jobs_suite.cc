// Submission, order, who gets which job, deadlines, withdrawal. Delivery of results: delivery_suite.cc.
#include <limits>

#include "dsperse/engine/checks.h"
#include "dsperse/engine/testing/suite.h"

namespace dsperse::engine::testing {
namespace {

TEST_P(EngineSuite, SubmitIsIdempotentWhateverBecameOfTheJob) {
  EXPECT_EQ(value(jobs().submit(job(1))), Submitted::added);
  EXPECT_EQ(value(jobs().submit(job(1))), Submitted::known);
  const Lease lease = take(1, 0);
  EXPECT_EQ(value(jobs().submit(job(1))), Submitted::known);
  EXPECT_EQ(value(jobs().complete(lease.id, bytes("r"), 1)), Delivery::accepted);
  EXPECT_EQ(value(jobs().submit(job(1))), Submitted::known);
  EXPECT_TRUE(nothing_to_take(2));
  EXPECT_EQ(record(1).state, JobState::done);
}

TEST_P(EngineSuite, AnIdNeverStandsForTwoContents) {
  const Job first = job(1);
  ASSERT_EQ(value(jobs().submit(first)), Submitted::added);
  const auto refused = [&](auto&& change) {
    Job other = first;
    change(other);
    EXPECT_EQ(kind_of(jobs().submit(other)), ErrorKind::bad_input);
  };
  refused([](Job& j) { j.payload.push_back(0); });
  refused([](Job& j) { j.needs = {"a"}; });
  refused([](Job& j) { j.avoids = {"a"}; });
  refused([](Job& j) { j.priority = 1; });
  refused([](Job& j) { j.memory_bytes = 1; });
  refused([](Job& j) { ++j.time_ms; });
  refused([](Job& j) { ++j.max_leases; });
  EXPECT_EQ(record(1).job, first);
}

TEST_P(EngineSuite, RefusesWhatIsBeyondTheLimits) {
  Job large = job(1);
  large.payload.resize(kMaxPayloadBytes + 1);
  EXPECT_EQ(kind_of(jobs().submit(large)), ErrorKind::usage);
  EXPECT_FALSE(value(jobs().find(id(1))).has_value());
  value(jobs().submit(job(2)));
  EXPECT_EQ(kind_of(jobs().lease(Puller{id(1), {""}, 0}, 0, 100)), ErrorKind::usage);
  EXPECT_EQ(kind_of(jobs().lease(Puller{id(1), {}, 0}, 0, 0)), ErrorKind::usage);
  const Lease lease = take(1, 0);
  EXPECT_EQ(kind_of(jobs().heartbeat(lease.id, 0, 0)), ErrorKind::usage);
  EXPECT_EQ(kind_of(jobs().complete(lease.id, Bytes(kMaxResultBytes + 1), 0)), ErrorKind::usage);
  EXPECT_EQ(kind_of(jobs().fail(lease.id, std::string(kMaxReasonBytes + 1, 'x'), 0, 0)), ErrorKind::usage);
  EXPECT_EQ(kind_of(jobs().withdraw(id(2), std::string(kMaxReasonBytes + 1, 'x'))), ErrorKind::usage);
  EXPECT_EQ(record(2).state, JobState::leased);
}

TEST_P(EngineSuite, WhatIsUnknownIsAnErrorOrNothing) {
  EXPECT_FALSE(value(jobs().find(id(1))).has_value());
  EXPECT_TRUE(value(jobs().history(id(1))).empty());
  EXPECT_FALSE(value(jobs().forget(id(1))));
  EXPECT_EQ(kind_of(jobs().withdraw(id(1), "")), ErrorKind::usage);
  EXPECT_EQ(kind_of(jobs().heartbeat(7, 0, 1)), ErrorKind::usage);
  EXPECT_EQ(kind_of(jobs().complete(7, {}, 0)), ErrorKind::usage);
  EXPECT_EQ(kind_of(jobs().fail(7, "", 0, 0)), ErrorKind::usage);
  EXPECT_TRUE(nothing_to_take(0));
}

TEST_P(EngineSuite, PriorityThenOrderOfSubmission) {
  for (const auto& [n, priority] : {std::pair{1U, 0}, {2U, 5}, {3U, -5}, {4U, 5}, {5U, 0}}) {
    Job j = job(n);
    j.priority = priority;
    value(jobs().submit(j));
  }
  for (const std::uint32_t n : {2U, 4U, 1U, 5U, 3U}) EXPECT_EQ(take(1, 0).job.id, id(n));
  EXPECT_TRUE(nothing_to_take(0));
}

TEST_P(EngineSuite, TheWholeRangeOfPrioritiesIsInOrder) {
  constexpr std::int32_t kLeast = std::numeric_limits<std::int32_t>::min(), kMost = std::numeric_limits<std::int32_t>::max();
  for (const auto& [n, priority] : {std::pair{1U, kLeast}, {2U, 0}, {3U, kMost}, {4U, -1}}) {
    Job j = job(n);
    j.priority = priority;
    value(jobs().submit(j));
  }
  for (const std::uint32_t n : {3U, 2U, 4U, 1U}) EXPECT_EQ(take(1, 0).job.id, id(n));
}

TEST_P(EngineSuite, ARequeuedJobKeepsItsPlace) {
  for (std::uint32_t n = 1; n <= 3; ++n) value(jobs().submit(job(n)));
  const Lease first = take(1, 0);
  EXPECT_EQ(value(jobs().fail(first.id, "busy", 10, 5)), Delivery::accepted);
  EXPECT_EQ(take(2, 9).job.id, id(2));
  EXPECT_EQ(take(2, 10).job.id, id(1));
  EXPECT_EQ(take(2, 10).job.id, id(3));
}

TEST_P(EngineSuite, TagsAndMemoryDecideWhoGetsAJob) {
  Job j = job(1);
  j.needs = {"op=Conv", "größe=groß ✓"};
  j.avoids = {"operator=acme"};
  j.memory_bytes = 1000;
  value(jobs().submit(j));
  value(jobs().submit(job(2)));
  const auto got = [&](std::vector<std::string> tags, std::uint64_t memory) {
    const auto lease = value(jobs().lease(Puller{id(1), std::move(tags), memory}, 0, 100));
    if (!lease) return 0;
    EXPECT_EQ(lease->job, lease->job.id == id(1) ? j : job(2));
    EXPECT_EQ(value(jobs().fail(lease->id, "", 0, 0)), Delivery::accepted);
    return lease->job.id == id(1) ? 1 : 2;
  };
  EXPECT_EQ(got({"op=Conv"}, 1000), 2);
  EXPECT_EQ(got({"op=Conv", "größe=groß ✓"}, 999), 2);
  EXPECT_EQ(got({"op=Conv", "größe=groß ✓", "operator=acme"}, 1000), 2);
  EXPECT_EQ(got({"größe=groß ✓", "op=Conv", "operator=other"}, 1000), 1);
}

TEST_P(EngineSuite, ReplicasStayApartByTheLabelsOfTheRegistry) {
  const NodeProfile a{id(1), "acme", "eu", "native", {}, 0}, b{id(2), "acme", "us", "native", {}, 0},
      c{id(3), "other", "us", "native", {}, 0};
  Job second = job(2);
  second.avoids = {"operator=acme"};
  value(jobs().submit(second));
  EXPECT_FALSE(value(jobs().lease(puller_of(a), 0, 100)).has_value());
  EXPECT_FALSE(value(jobs().lease(puller_of(b), 0, 100)).has_value());
  Job meant = job(3);
  meant.needs = {"worker=" + to_hex(b.key)};
  value(jobs().submit(meant));
  EXPECT_EQ(value(jobs().lease(puller_of(c), 0, 100)).value().job.id, id(2));
  EXPECT_EQ(value(jobs().lease(puller_of(b), 0, 100)).value().job.id, id(3));
}

TEST_P(EngineSuite, ALeaseSaysAllThatAWorkerNeeds) {
  value(jobs().submit(job(1)));
  const Lease lease = take(5, 1000, 100);
  EXPECT_GT(lease.id, 0U);
  EXPECT_EQ(lease.worker, id(5));
  EXPECT_EQ(lease.since, 1000);
  EXPECT_EQ(lease.deadline, 1100);
  EXPECT_EQ(lease.job, job(1));
  const JobRecord r = record(1);
  EXPECT_EQ(r.state, JobState::leased);
  EXPECT_EQ(r.lease, lease.id);
  EXPECT_EQ(r.leases, 1U);
  EXPECT_TRUE(nothing_to_take(5000)) << "past its deadline a lease still lives";
}

TEST_P(EngineSuite, HeartbeatsExtendUpToTheJobsTime) {
  Job j = job(1);
  j.time_ms = 250;
  value(jobs().submit(j));
  const Lease lease = take(1, 1000, 100);
  EXPECT_EQ(value(jobs().heartbeat(lease.id, 1050, 100)), std::optional<TimeMs>(1150));
  EXPECT_EQ(value(jobs().heartbeat(lease.id, 1040, 100)), std::optional<TimeMs>(1150)) << "never back";
  EXPECT_EQ(value(jobs().expire(1149)), 0U);
  EXPECT_EQ(value(jobs().heartbeat(lease.id, 1200, 100)), std::optional<TimeMs>(1250)) << "late, but nobody noticed";
  EXPECT_EQ(value(jobs().heartbeat(lease.id, 1249, 100)), std::optional<TimeMs>(1250)) << "the job's time is up";
  EXPECT_EQ(value(jobs().expire(1250)), 1U);
  EXPECT_FALSE(value(jobs().heartbeat(lease.id, 1251, 100)).has_value());
}

TEST_P(EngineSuite, AnExpiredLeaseIsGivenAgain) {
  value(jobs().submit(job(1)));
  value(jobs().submit(job(2)));
  const Lease first = take(1, 0, 100), second = take(2, 50, 100);
  EXPECT_EQ(value(jobs().expire(99)), 0U);
  EXPECT_EQ(value(jobs().expire(100)), 1U);
  EXPECT_EQ(value(jobs().expire(100)), 0U);
  EXPECT_EQ(record(1).state, JobState::queued);
  EXPECT_EQ(record(2).lease, second.id);
  const Lease again = take(3, 100);
  EXPECT_EQ(again.job.id, id(1));
  EXPECT_GT(again.id, second.id) << "ids fence off older leases";
  const auto history = value(jobs().history(id(1)));
  ASSERT_EQ(history.size(), 2U);
  EXPECT_EQ(history[0], (LeaseRecord{first.id, id(1), id(1), 0, 100, LeaseState::lapsed, std::nullopt, ""}));
  EXPECT_EQ(history[1].state, LeaseState::live);
  const auto events = value(jobs().events(0, 10));
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0], (Event{events[0].sequence, EventKind::lapsed, first.id, id(1), id(1), 100}));
}

TEST_P(EngineSuite, AJobFailsWhenItsLeasesRunOut) {
  Job j = job(1);
  j.max_leases = 2;
  value(jobs().submit(j));
  take(1, 0, 100);
  EXPECT_EQ(value(jobs().expire(100)), 1U);
  const Lease last = take(2, 100, 100);
  EXPECT_EQ(value(jobs().expire(200)), 1U);
  EXPECT_EQ(record(1).state, JobState::failed);
  EXPECT_EQ(record(1).reason, kLapsedReason);
  EXPECT_TRUE(nothing_to_take(1000));
  EXPECT_EQ(kinds(), (std::vector{EventKind::lapsed, EventKind::lapsed, EventKind::gave_up}));
  EXPECT_EQ(value(jobs().events(0, 10)).back().lease, last.id);
}

TEST_P(EngineSuite, ManyLeasesLapseAtOnceInTheirOrder) {
  std::vector<LeaseId> ids;
  for (std::uint32_t n = 1; n <= 20; ++n) {
    value(jobs().submit(job(n)));
    ids.push_back(take(n, n, 100).id);
  }
  EXPECT_EQ(value(jobs().expire(110)), 10U);
  EXPECT_EQ(value(jobs().expire(10000)), 10U);
  const auto events = value(jobs().events(0, 100));
  ASSERT_EQ(events.size(), 20U);
  for (std::size_t i = 0; i < 20; ++i) EXPECT_EQ(events[i].lease, ids[i]);
}

TEST_P(EngineSuite, WithdrawnJobsAreNotGivenAndTheirLeaseEnds) {
  value(jobs().submit(job(1)));
  value(jobs().submit(job(2)));
  const Lease lease = take(1, 0);
  EXPECT_EQ(value(jobs().withdraw(id(1), "not needed: käse")), JobState::withdrawn);
  EXPECT_EQ(value(jobs().withdraw(id(2), "")), JobState::withdrawn);
  EXPECT_EQ(value(jobs().withdraw(id(2), "again")), JobState::withdrawn);
  EXPECT_EQ(record(2).reason, "");
  EXPECT_TRUE(nothing_to_take(10));
  EXPECT_FALSE(value(jobs().heartbeat(lease.id, 1, 100)).has_value());
  EXPECT_EQ(value(jobs().expire(10000)), 0U);
  EXPECT_EQ(record(1).reason, "not needed: käse");
  EXPECT_EQ(value(jobs().history(id(1)))[0].state, LeaseState::withdrawn);
  value(jobs().submit(job(3)));
  value(jobs().complete(take(1, 0).id, {}, 1));
  EXPECT_EQ(value(jobs().withdraw(id(3), "")), JobState::done);
}

TEST_P(EngineSuite, AForgottenJobIsANewOne) {
  value(jobs().submit(job(1)));
  EXPECT_EQ(kind_of(jobs().forget(id(1))), ErrorKind::usage);
  const Lease lease = take(1, 0);
  EXPECT_EQ(kind_of(jobs().forget(id(1))), ErrorKind::usage);
  value(jobs().complete(lease.id, bytes("r"), 1));
  const auto last = value(jobs().events(0, 10)).back().sequence;
  EXPECT_TRUE(value(jobs().forget(id(1))));
  EXPECT_TRUE(value(jobs().events(0, 10)).empty());
  EXPECT_EQ(kind_of(jobs().complete(lease.id, bytes("r"), 1)), ErrorKind::usage);
  bench_->restart();
  EXPECT_EQ(value(jobs().submit(job(1))), Submitted::added);
  const Lease again = take(1, 0);
  EXPECT_GT(again.id, lease.id) << "numbers are never used twice";
  value(jobs().complete(again.id, bytes("r"), 1));
  EXPECT_GT(value(jobs().events(0, 10)).at(0).sequence, last);
}

TEST_P(EngineSuite, CountsByState) {
  for (std::uint32_t n = 1; n <= 6; ++n) value(jobs().submit(job(n)));
  value(jobs().complete(take(1, 0).id, {}, 0));
  value(jobs().fail(take(1, 0).id, "no", std::nullopt, 0));
  take(1, 0);
  value(jobs().withdraw(id(6), ""));
  EXPECT_EQ(value(jobs().counts()), (std::array<std::uint64_t, 5>{2, 1, 1, 1, 1}));
}

}  // namespace
}  // namespace dsperse::engine::testing
