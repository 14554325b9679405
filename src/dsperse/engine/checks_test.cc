#include "dsperse/engine/checks.h"

#include <gtest/gtest.h>

#include <limits>

namespace dsperse::engine {
namespace {

constexpr TimeMs kForever = std::numeric_limits<TimeMs>::max();

void expect_usage(const Status& status) {
  ASSERT_FALSE(status.has_value());
  EXPECT_EQ(status.error().kind, ErrorKind::usage);
}

TEST(Checks, LimitsOfAJobAreInclusive) {
  Job job;
  EXPECT_TRUE(check(job).has_value());
  job.payload.resize(kMaxPayloadBytes);
  job.needs.assign(kMaxTags, std::string(kMaxTagBytes, 'x'));
  job.avoids = job.needs;
  job.memory_bytes = std::numeric_limits<std::int64_t>::max();
  job.time_ms = 1;
  job.max_leases = 1;
  EXPECT_TRUE(check(job).has_value());

  const auto broken = [&](auto&& change) {
    Job other = job;
    change(other);
    expect_usage(check(other));
  };
  broken([](Job& j) { j.payload.push_back(0); });
  broken([](Job& j) { j.needs.push_back("x"); });
  broken([](Job& j) { j.avoids.push_back("x"); });
  broken([](Job& j) { j.needs[0] += 'x'; });
  broken([](Job& j) { j.needs[0].clear(); });
  broken([](Job& j) { ++j.memory_bytes; });
  broken([](Job& j) { j.time_ms = 0; });
  broken([](Job& j) { j.max_leases = 0; });
}

TEST(Checks, LimitsOfResultsReasonsAndBeats) {
  EXPECT_TRUE(check_result(Bytes(kMaxResultBytes)).has_value());
  expect_usage(check_result(Bytes(kMaxResultBytes + 1)));
  EXPECT_TRUE(check_reason(std::string(kMaxReasonBytes, 'x')).has_value());
  expect_usage(check_reason(std::string(kMaxReasonBytes + 1, 'x')));
  EXPECT_TRUE(check_beat(1).has_value());
  expect_usage(check_beat(0));
}

TEST(Checks, AJobGoesToWhoHasAllItNeedsAndNothingItAvoids) {
  const Puller puller{{}, {"conv", "operator=a"}, 100};
  Job job;
  EXPECT_TRUE(takes(puller, job));
  job.needs = {"conv"};
  job.memory_bytes = 100;
  EXPECT_TRUE(takes(puller, job));
  job.avoids = {"operator=b"};
  EXPECT_TRUE(takes(puller, job));
  job.avoids = {"operator=b", "operator=a"};
  EXPECT_FALSE(takes(puller, job));
  job.avoids.clear();
  job.needs = {"conv", "gemm"};
  EXPECT_FALSE(takes(puller, job));
  job.needs.clear();
  job.memory_bytes = 101;
  EXPECT_FALSE(takes(puller, job));
}

TEST(Checks, DeadlinesDontOverflow) {
  EXPECT_EQ(deadline_of(1000, 500, 1100, 100), 1200);
  EXPECT_EQ(deadline_of(1000, 500, 1450, 100), 1500);
  EXPECT_EQ(deadline_of(1000, kForever, kForever - 1, 100), kForever);
  EXPECT_EQ(deadline_of(-5, 10, -5, 3), -2);
}

TEST(Checks, NoCapabilityPosesAsALabel) {
  NodeProfile node{{1}, "acme", "eu", "native", {"conv"}, 5};
  ASSERT_TRUE(check(node).has_value());
  const Puller puller = puller_of(node);
  EXPECT_TRUE(check(puller).has_value());
  EXPECT_EQ(puller.worker, node.key);
  EXPECT_EQ(puller.memory_bytes, 5U);
  Job job;
  job.needs = {"conv", "worker=" + to_hex(node.key), "operator=acme", "region=eu", "engine=native"};
  EXPECT_TRUE(takes(puller, job));
  for (const char* tag : {"operator=other", "region=us", "engine=x", "worker=00"}) {
    NodeProfile liar = node;
    liar.capabilities.push_back(tag);
    expect_usage(check(liar));
  }
  node.capabilities.assign(kMaxTags, "x");
  EXPECT_TRUE(check(node).has_value());
  EXPECT_TRUE(check(puller_of(node)).has_value()) << "whoever may enroll may pull";
  node.region.clear();
  expect_usage(check(node));
}

TEST(Checks, ExcludedIsFinal) {
  for (const NodeState to : {NodeState::active, NodeState::suspended}) {
    expect_usage(check_change(NodeState::excluded, to));
    EXPECT_TRUE(check_change(to, NodeState::excluded).has_value());
  }
  EXPECT_TRUE(check_change(NodeState::active, NodeState::suspended).has_value());
  EXPECT_TRUE(check_change(NodeState::suspended, NodeState::active).has_value());
  EXPECT_TRUE(check_change(NodeState::excluded, NodeState::excluded).has_value());
}

}  // namespace
}  // namespace dsperse::engine
