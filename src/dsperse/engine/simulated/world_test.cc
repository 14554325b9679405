#include "dsperse/engine/simulated/world.h"

#include <gtest/gtest.h>

#include <vector>

namespace dsperse::engine::simulated {
namespace {

TEST(World, DeliversByTimeThenByOrderOfSending) {
  World world(Digest{1}, 100);
  std::vector<std::pair<int, TimeMs>> got;
  const auto send = [&](int what, TimeMs after) { world.later(after, [&, what] { got.emplace_back(what, world.now()); }); };
  send(1, 50);
  send(2, 10);
  send(3, 50);
  send(4, 51);
  world.advance(50);
  EXPECT_EQ(got, (std::vector<std::pair<int, TimeMs>>{{2, 110}, {1, 150}, {3, 150}}));
  EXPECT_EQ(world.now(), 150);
  EXPECT_EQ(world.in_flight(), 1U);
  world.advance(1);
  EXPECT_EQ(got.back(), (std::pair<int, TimeMs>{4, 151}));
}

TEST(World, WhatADeliverySendsIsDeliveredInTheSameStride) {
  World world(Digest{1}, 0);
  std::vector<TimeMs> got;
  world.later(1, [&] { world.later(2, [&] { got.push_back(world.now()); }); });
  world.advance(10);
  EXPECT_EQ(got, std::vector<TimeMs>{3});
}

TEST(World, TheSeedDecides) {
  const auto draw = [](std::uint8_t seed) {
    World world(Digest{seed});
    std::vector<std::uint64_t> out;
    for (int i = 0; i < 20; ++i) out.push_back(world.below(1000));
    out.push_back(world.chance(0.5) ? 1 : 0);
    std::array<std::uint8_t, 8> bytes{};
    EXPECT_TRUE(world.fill(bytes).has_value());
    out.insert(out.end(), bytes.begin(), bytes.end());
    return out;
  };
  EXPECT_EQ(draw(1), draw(1));
  EXPECT_NE(draw(1), draw(2));
}

TEST(World, ChancesAreWhatTheySay) {
  World world(Digest{3});
  int hits = 0;
  for (int i = 0; i < 20000; ++i) {
    hits += world.chance(0.1) ? 1 : 0;
    EXPECT_FALSE(world.chance(0));
    EXPECT_TRUE(world.chance(1));
  }
  EXPECT_NEAR(hits, 2000, 5 * 42.4);  // five standard deviations; the seed is fixed
}

TEST(World, TheTraceSeesEveryStepItsTimeAndItsOrder) {
  const auto trace = [](auto&& act) {
    World world(Digest{1}, 0);
    act(world);
    return world.trace();
  };
  const Digest base = trace([](World& w) { w.note("a"), w.note("b"); });
  EXPECT_EQ(base, trace([](World& w) { w.note("a"), w.note("b"); }));
  EXPECT_NE(base, trace([](World& w) { w.note("b"), w.note("a"); }));
  EXPECT_NE(base, trace([](World& w) { w.note("ab"); }));
  EXPECT_NE(base, trace([](World& w) { w.note("a"), w.advance(1), w.note("b"); }));
  World world(Digest{1});
  world.note("a");
  world.note("b");
  EXPECT_EQ(world.steps(), 2U);
}

}  // namespace
}  // namespace dsperse::engine::simulated
