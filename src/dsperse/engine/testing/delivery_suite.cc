// Results and failures: live, repeated, late, conflicting; what survives a restart.
#include <limits>

#include "dsperse/engine/testing/suite.h"

namespace dsperse::engine::testing {
namespace {

TEST_P(EngineSuite, AResultIsAcceptedOnceAndRepeatsAreHarmless) {
  value(jobs().submit(job(1)));
  const Lease lease = take(1, 0);
  EXPECT_EQ(value(jobs().complete(lease.id, bytes("result"), 10)), Delivery::accepted);
  EXPECT_EQ(value(jobs().complete(lease.id, bytes("result"), 11)), Delivery::repeated);
  EXPECT_EQ(value(jobs().complete(lease.id, bytes("other"), 12)), Delivery::conflicting);
  EXPECT_EQ(value(jobs().complete(lease.id, bytes("resul"), 12)), Delivery::conflicting);
  EXPECT_EQ(value(jobs().fail(lease.id, "no", 0, 13)), Delivery::conflicting);
  EXPECT_FALSE(value(jobs().heartbeat(lease.id, 14, 100)).has_value());
  EXPECT_EQ(record(1).state, JobState::done);
  EXPECT_EQ(record(1).lease, lease.id);
  const auto history = value(jobs().history(id(1)));
  ASSERT_EQ(history.size(), 1U);
  EXPECT_EQ(history[0].state, LeaseState::completed);
  EXPECT_EQ(history[0].result, bytes("result"));
  EXPECT_EQ(kinds(), std::vector{EventKind::completed});
}

TEST_P(EngineSuite, AResultAfterTheDeadlineCountsIfNobodyNoticed) {
  value(jobs().submit(job(1)));
  const Lease lease = take(1, 0, 100);
  EXPECT_EQ(value(jobs().complete(lease.id, bytes("r"), 5000)), Delivery::accepted);
  EXPECT_EQ(value(jobs().expire(6000)), 0U);
}

TEST_P(EngineSuite, ALateResultIsKeptApartAndReported) {
  value(jobs().submit(job(1)));
  const Lease first = take(1, 0, 100);
  value(jobs().expire(100));
  EXPECT_EQ(value(jobs().complete(first.id, bytes("late"), 101)), Delivery::late);
  EXPECT_EQ(record(1).state, JobState::queued) << "the coordinator decides what it is worth";
  const Lease second = take(2, 102);
  EXPECT_EQ(second.job.id, id(1));
  EXPECT_EQ(value(jobs().complete(second.id, bytes("result"), 103)), Delivery::accepted);
  EXPECT_EQ(value(jobs().complete(first.id, bytes("late"), 104)), Delivery::repeated);
  EXPECT_EQ(value(jobs().complete(first.id, bytes("else"), 104)), Delivery::conflicting);
  const auto history = value(jobs().history(id(1)));
  ASSERT_EQ(history.size(), 2U);
  EXPECT_EQ(history[0].state, LeaseState::lapsed);
  EXPECT_EQ(history[0].result, bytes("late"));
  EXPECT_EQ(history[1].result, bytes("result"));
  EXPECT_EQ(record(1).lease, second.id);
  EXPECT_EQ(kinds(), (std::vector{EventKind::lapsed, EventKind::late, EventKind::completed}));
}

TEST_P(EngineSuite, ResultsOfWithdrawnAndFailedLeasesAreLate) {
  value(jobs().submit(job(1)));
  value(jobs().submit(job(2)));
  const Lease one = take(1, 0), two = take(2, 0);
  value(jobs().withdraw(id(1), ""));
  EXPECT_EQ(value(jobs().complete(one.id, bytes("r"), 1)), Delivery::late);
  EXPECT_EQ(record(1).state, JobState::withdrawn);
  EXPECT_EQ(value(jobs().fail(two.id, "out of memory", std::nullopt, 1)), Delivery::accepted);
  EXPECT_EQ(value(jobs().complete(two.id, bytes("r"), 2)), Delivery::late);
  EXPECT_EQ(record(2).state, JobState::failed);
  EXPECT_EQ(record(2).reason, "out of memory");
}

TEST_P(EngineSuite, FailuresRetryOrEnd) {
  value(jobs().submit(job(1)));
  const Lease first = take(1, 0);
  EXPECT_EQ(value(jobs().fail(first.id, "kernel 日本", 1000, 10)), Delivery::accepted);
  EXPECT_EQ(value(jobs().fail(first.id, "kernel 日本", 1000, 10)), Delivery::repeated);
  EXPECT_EQ(record(1).not_before, 1000);
  EXPECT_TRUE(nothing_to_take(999));
  const Lease second = take(2, 1000);
  EXPECT_EQ(value(jobs().fail(first.id, "again", 5000, 1001)), Delivery::repeated) << "an old lease moves nothing";
  EXPECT_EQ(record(1).lease, second.id);
  EXPECT_EQ(value(jobs().fail(second.id, "unsupported", std::nullopt, 1002)), Delivery::accepted);
  EXPECT_EQ(record(1).state, JobState::failed);
  EXPECT_EQ(value(jobs().history(id(1)))[0].reason, "kernel 日本");
  EXPECT_EQ(kinds(), (std::vector{EventKind::failed, EventKind::failed, EventKind::gave_up}));
}

TEST_P(EngineSuite, AFailureOfALostLeaseMovesNothing) {
  value(jobs().submit(job(1)));
  const Lease first = take(1, 0, 100);
  value(jobs().expire(100));
  EXPECT_EQ(value(jobs().fail(first.id, "", std::nullopt, 101)), Delivery::late);
  EXPECT_EQ(record(1).state, JobState::queued);
  EXPECT_EQ(kinds(), std::vector{EventKind::lapsed});
}

TEST_P(EngineSuite, EventsAreReadInPieces) {
  for (std::uint32_t n = 1; n <= 5; ++n) {
    value(jobs().submit(job(n)));
    value(jobs().complete(take(n, 0).id, {}, n));
  }
  const auto all = value(jobs().events(0, 100));
  ASSERT_EQ(all.size(), 5U);
  EXPECT_TRUE(value(jobs().events(0, 0)).empty());
  EXPECT_EQ(value(jobs().events(0, 2)), std::vector(all.begin(), all.begin() + 2));
  EXPECT_EQ(value(jobs().events(all[1].sequence, 2)), std::vector(all.begin() + 2, all.begin() + 4));
  EXPECT_TRUE(value(jobs().events(all[4].sequence, 2)).empty());
  EXPECT_TRUE(value(jobs().events(std::numeric_limits<std::uint64_t>::max(), 2)).empty());
  EXPECT_EQ(value(jobs().events(0, std::numeric_limits<std::size_t>::max())), all);
}

TEST_P(EngineSuite, LargeAndOddBytesComeBackAsTheyWere) {
  Job j = job(1);
  j.payload.resize(kMaxPayloadBytes);
  for (std::size_t i = 0; i < j.payload.size(); ++i) j.payload[i] = static_cast<std::uint8_t>(i * 31 + i / 257);
  j.needs = {"日本語", std::string("a\0b", 3), "\xff\xfe"};
  j.priority = std::numeric_limits<std::int32_t>::min();
  value(jobs().submit(j));
  Job empty = job(2);
  empty.payload.clear();
  value(jobs().submit(empty));
  bench_->restart();
  EXPECT_EQ(value(jobs().submit(j)), Submitted::known);
  const Lease no_payload = take(1, 0);
  EXPECT_EQ(no_payload.job, empty);
  EXPECT_EQ(value(jobs().complete(no_payload.id, {}, 0)), Delivery::accepted);
  EXPECT_EQ(value(jobs().complete(no_payload.id, {}, 0)), Delivery::repeated);
  const auto lease = value(jobs().lease(Puller{id(1), j.needs, 0}, 0, 100));
  ASSERT_TRUE(lease.has_value());
  EXPECT_EQ(lease->job, j);
  EXPECT_EQ(value(jobs().complete(lease->id, j.payload, 0)), Delivery::accepted);
  bench_->restart();
  EXPECT_EQ(value(jobs().history(j.id))[0].result, j.payload);
  EXPECT_EQ(value(jobs().history(id(2)))[0].result, Bytes{});
}

TEST_P(EngineSuite, ARestartChangesNothing) {
  for (std::uint32_t n = 1; n <= 5; ++n) value(jobs().submit(job(n)));
  const Lease done = take(1, 0), live = take(2, 0, 100), failed = take(3, 0), lapsed = take(4, 0, 50);
  value(jobs().complete(done.id, bytes("r"), 1));
  value(jobs().fail(failed.id, "why", std::nullopt, 2));
  value(jobs().expire(50));
  value(jobs().complete(lapsed.id, bytes("late"), 51));
  std::vector<JobRecord> records;
  std::vector<std::vector<LeaseRecord>> histories;
  for (std::uint32_t n = 1; n <= 5; ++n) {
    records.push_back(record(n));
    histories.push_back(value(jobs().history(id(n))));
  }
  const auto events = value(jobs().events(0, 100));
  bench_->restart();
  for (std::uint32_t n = 1; n <= 5; ++n) {
    EXPECT_EQ(record(n), records[n - 1]);
    EXPECT_EQ(value(jobs().history(id(n))), histories[n - 1]);
  }
  EXPECT_EQ(value(jobs().events(0, 100)), events);
  EXPECT_EQ(value(jobs().heartbeat(live.id, 60, 100)), std::optional<TimeMs>(160));
  EXPECT_EQ(value(jobs().complete(live.id, bytes("r"), 70)), Delivery::accepted);
}

}  // namespace
}  // namespace dsperse::engine::testing
