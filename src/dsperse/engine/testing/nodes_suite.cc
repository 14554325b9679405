// Workers: enrolment, labels, states.
#include "dsperse/engine/testing/suite.h"

namespace dsperse::engine::testing {
namespace {

NodeProfile profile(std::uint32_t n) { return {id(n), "Bäckerei 日本", "eu-west", "native", {"op=Conv", "op=Gemm"}, 1U << 30}; }

TEST_P(EngineSuite, EnrolmentAddsOnceAndUpdatesAbilities) {
  EXPECT_FALSE(value(nodes().find(id(1))).has_value());
  EXPECT_TRUE(value(nodes().enroll(profile(1), 100)));
  EXPECT_EQ(value(nodes().find(id(1))), (Node{profile(1), NodeState::active, "", 100, 100}));
  NodeProfile grown = profile(1);
  grown.capabilities = {};
  grown.memory_bytes = 5;
  EXPECT_FALSE(value(nodes().enroll(grown, 200)));
  EXPECT_EQ(value(nodes().find(id(1))), (Node{grown, NodeState::active, "", 100, 200}));
  EXPECT_FALSE(value(nodes().enroll(grown, 150)));
  EXPECT_EQ(value(nodes().find(id(1)))->last_seen, 200);
}

TEST_P(EngineSuite, LabelsOfAKeyNeverChange) {
  value(nodes().enroll(profile(1), 0));
  const auto refused = [&](auto&& change) {
    NodeProfile other = profile(1);
    change(other);
    EXPECT_EQ(kind_of(nodes().enroll(other, 10)), ErrorKind::bad_input);
  };
  refused([](NodeProfile& p) { p.operated_by = "other"; });
  refused([](NodeProfile& p) { p.region = "us"; });
  refused([](NodeProfile& p) { p.engine = "reexec"; });
  EXPECT_EQ(value(nodes().find(id(1))), (Node{profile(1), NodeState::active, "", 0, 0}));
  NodeProfile liar = profile(2);
  liar.capabilities.push_back("operator=somebody");
  EXPECT_EQ(kind_of(nodes().enroll(liar, 0)), ErrorKind::usage);
}

TEST_P(EngineSuite, SeenNeverGoesBack) {
  EXPECT_EQ(kind_of(nodes().seen(id(1), 0)), ErrorKind::usage);
  value(nodes().enroll(profile(1), 100));
  ok(nodes().seen(id(1), 300));
  ok(nodes().seen(id(1), 200));
  EXPECT_EQ(value(nodes().find(id(1)))->last_seen, 300);
  EXPECT_EQ(value(nodes().find(id(1)))->first_seen, 100);
}

TEST_P(EngineSuite, StatesChangeAsTheyMayAndExcludedIsFinal) {
  EXPECT_EQ(kind_of(nodes().set_state(id(1), NodeState::active, "")), ErrorKind::usage);
  value(nodes().enroll(profile(1), 0));
  const auto state = [&] { return value(nodes().find(id(1)))->state; };
  ok(nodes().set_state(id(1), NodeState::suspended, "missed heartbeats"));
  EXPECT_EQ(state(), NodeState::suspended);
  EXPECT_EQ(value(nodes().find(id(1)))->reason, "missed heartbeats");
  EXPECT_FALSE(value(nodes().enroll(profile(1), 10)));
  EXPECT_EQ(state(), NodeState::suspended) << "enrolling again does not lift it";
  ok(nodes().set_state(id(1), NodeState::active, ""));
  EXPECT_EQ(state(), NodeState::active);
  ok(nodes().set_state(id(1), NodeState::excluded, "lost a dispute"));
  EXPECT_EQ(kind_of(nodes().set_state(id(1), NodeState::active, "")), ErrorKind::usage);
  EXPECT_EQ(kind_of(nodes().set_state(id(1), NodeState::suspended, "")), ErrorKind::usage);
  ok(nodes().set_state(id(1), NodeState::excluded, "twice"));
  bench_->restart();
  EXPECT_EQ(state(), NodeState::excluded);
  EXPECT_EQ(value(nodes().find(id(1)))->reason, "twice");
}

TEST_P(EngineSuite, NodesAreListedByKeyAndState) {
  for (const std::uint32_t n : {3U, 1U, 300U, 2U}) value(nodes().enroll(profile(n), n));
  ok(nodes().set_state(id(2), NodeState::suspended, ""));
  const auto keys = [&](std::optional<NodeState> state) {
    std::vector<WorkerKey> out;
    for (const Node& n : value(nodes().list(state))) out.push_back(n.profile.key);
    return out;
  };
  EXPECT_EQ(keys(std::nullopt), (std::vector{id(1), id(2), id(3), id(300)}));
  EXPECT_EQ(keys(NodeState::active), (std::vector{id(1), id(3), id(300)}));
  EXPECT_EQ(keys(NodeState::suspended), (std::vector{id(2)}));
  EXPECT_TRUE(keys(NodeState::excluded).empty());
}

}  // namespace
}  // namespace dsperse::engine::testing
