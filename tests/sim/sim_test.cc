// A small part of `make sim`: it finds nothing, and a seed replays step by step.
#include <gtest/gtest.h>

#include "campaign.h"
#include "dsperse/base/parallel.h"

namespace dsperse::sim {
namespace {

std::string first_of(const Campaign& c) { return c.total.texts.empty() ? "" : c.total.texts.front(); }

TEST(Simulation, AdversariesAndPolicies) {
  set_threads(1);  // each town is one thread, and there are two of them
  const Extent extent{.seeds = 2, .real_seeds = 0, .matrix = true, .killed = false, .statistics = false, .keeper = false};
  const Campaign c = run_campaign(extent, 2, [](const std::string&) {});
  EXPECT_TRUE(c.clean()) << first_of(c);
  // Something happened: lies, some of them with success where the policy allows it; crashes; disputes; equivocations.
  EXPECT_GT(c.total.lies, 50U);
  EXPECT_GT(c.total.explained.size(), 2U);
  EXPECT_GT(c.total.keeper_kills, 50U);
  EXPECT_GT(c.total.worker_kills, 50U);
  EXPECT_GT(c.total.engine_crashes, 20U);
  EXPECT_GT(c.total.verdicts, 10U);
  EXPECT_GT(c.total.evidence, 0U);
}

TEST(Simulation, KilledAtEveryFewPlaces) {
  set_threads(1);  // each town is one thread, and there are two of them
  const Extent extent{.every = 60, .matrix = false, .killed = true, .statistics = false, .keeper = false};
  const Campaign c = run_campaign(extent, 2, [](const std::string&) {});
  EXPECT_TRUE(c.clean()) << first_of(c);
  EXPECT_GT(c.total.keeper_kills, 30U);
  EXPECT_GT(c.total.payouts, 100U);
}

TEST(Simulation, ASeedReplays) {
  std::vector<std::unique_ptr<Snapshot>> storage;
  const auto lived = [&](const char* name, std::uint64_t seed) {
    Town town(*scenario(name, seed, storage));
    town.live();
    return judge(town);
  };
  for (const char* name : {"lazy/replicate2/bad", "withholding/audit/bad", "flip/mixed/real"}) {
    const Findings a = lived(name, 5), b = lived(name, 5);
    EXPECT_EQ(a.trace, b.trace) << name;
    EXPECT_EQ(a.steps, b.steps) << name;
    EXPECT_NE(a.trace, lived(name, 6).trace) << name;
  }
}

}  // namespace
}  // namespace dsperse::sim
