// Both engines pass the suite, and answer alike, call by call, to thousands of random calls.
#include <random>

#include "dsperse/engine/testing/benches.h"

namespace dsperse::engine::testing {
namespace {

INSTANTIATE_TEST_SUITE_P(Engines, EngineSuite,
                         ::testing::Values(Subject{"embedded", [] { return std::make_unique<EmbeddedBench>(); }},
                                           Subject{"simulated", [] { return std::make_unique<SimulatedBench>(); }}),
                         subject_name);

/// The same answer: equal values, or errors of one kind and text.
template <class T>
void expect_same(const Result<T>& a, const Result<T>& b, std::size_t step) {
  ASSERT_EQ(a.has_value(), b.has_value()) << step;
  if (a)
    ASSERT_TRUE(*a == *b) << step;
  else
    ASSERT_EQ(a.error().text(), b.error().text()) << step;
}

TEST(TwoEngines, AnswerAlike) {
  EmbeddedBench a;
  SimulatedBench b;
  std::mt19937_64 random(20);
  const auto below = [&](std::uint64_t n) { return random() % n; };
  constexpr std::uint32_t kJobs = 40;
  TimeMs now = 1000;
  std::uint64_t leases = 0, accepted = 0, late = 0, gave_up = 0;
  for (std::size_t step = 0; step < 6000; ++step) {
    JobQueue &p = a.engine().jobs(), &q = b.engine().jobs();
    now += static_cast<TimeMs>(below(20));
    const auto n = static_cast<std::uint32_t>(below(kJobs));
    const LeaseId lease = leases == 0 ? 1 : leases - below(std::min<std::uint64_t>(leases, 6));
    const TimeMs at = now - static_cast<TimeMs>(below(10)), beat = static_cast<TimeMs>(below(120));
    switch (below(12)) {
      case 0:
      case 1: {
        Job j = job(n);
        j.priority = static_cast<std::int32_t>(n % 3);
        j.needs = n % 4 == 0 ? std::vector<std::string>{"a"} : std::vector<std::string>{};
        j.avoids = n % 5 == 0 ? std::vector<std::string>{"b"} : std::vector<std::string>{};
        j.memory_bytes = n % 7;
        j.time_ms = 50 + n;
        j.max_leases = 1 + n % 3 + (below(50) == 0 ? 1U : 0U);
        expect_same(p.submit(j), q.submit(j), step);
        break;
      }
      case 2:
      case 3:
      case 4: {
        Puller puller{id(n), {}, below(9)};
        if (below(2) == 0) puller.tags.push_back("a");
        if (below(2) == 0) puller.tags.push_back("b");
        const auto got = p.lease(puller, at, beat);
        expect_same(got, q.lease(puller, at, beat), step);
        if (got && *got) leases = (*got)->id;
        break;
      }
      case 5:
        expect_same(p.heartbeat(lease, at, beat), q.heartbeat(lease, at, beat), step);
        break;
      case 6:
      case 7: {
        const Bytes result{static_cast<std::uint8_t>(below(2))};
        const auto got = p.complete(lease, result, at);
        expect_same(got, q.complete(lease, result, at), step);
        accepted += got && *got == Delivery::accepted ? 1 : 0;
        late += got && *got == Delivery::late ? 1 : 0;
        break;
      }
      case 8: {
        const std::optional<TimeMs> retry = below(3) == 0 ? std::nullopt : std::optional<TimeMs>(now + 10);
        expect_same(p.fail(lease, "r" + std::to_string(n), retry, at), q.fail(lease, "r" + std::to_string(n), retry, at), step);
        break;
      }
      case 9:
        expect_same(p.expire(now), q.expire(now), step);
        break;
      case 10:
        if (below(4) == 0) expect_same(p.withdraw(id(n), "w"), q.withdraw(id(n), "w"), step);
        if (below(2) == 0) expect_same(p.forget(id(n)), q.forget(id(n)), step);
        break;
      default:
        if (below(40) == 0) a.restart();
        if (below(40) == 0) b.restart();
    }
    if (HasFatalFailure()) return;
    JobQueue &left = a.engine().jobs(), &right = b.engine().jobs();  // those of before a restart are gone
    expect_same(left.find(id(n)), right.find(id(n)), step);
    expect_same(left.history(id(n)), right.history(id(n)), step);
    expect_same(left.counts(), right.counts(), step);
    const std::uint64_t after = below(200);
    const auto events = left.events(after, 20);
    expect_same(events, right.events(after, 20), step);
    for (const Event& e : *events) gave_up += e.kind == EventKind::gave_up ? 1 : 0;
    if (HasFatalFailure()) return;
  }
  // The walk was one through all states.
  EXPECT_GT(leases, 200U);
  EXPECT_GT(accepted, 50U);
  EXPECT_GT(late, 20U);
  EXPECT_GT(gave_up, 20U);
}

}  // namespace
}  // namespace dsperse::engine::testing
