#include "dsperse/work/coordinator/standings.h"

#include <gtest/gtest.h>

#include "dsperse/trust/sign/ed25519.h"
#include "dsperse/work/coordinator/testing/town.h"

namespace dsperse::work {
namespace {

using testing::digest;
using trust::StrikeKind;

class StandingsTest : public ::testing::Test {
 protected:
  StandingsTest() : signer(*trust::Ed25519Signer::from_seed(digest(1))), keeper(standings, settings, signer) {
    settings.points = true;
    settings.wage = 10;
    settings.slash = 50;
    settings.window_ms = 1000;
    auto points = trust::incentive::PointsContract::open(settings.reporter_share);
    standings.points.emplace(std::move(*points));
    keeper.now(10'000);
    EXPECT_TRUE(keeper.enroll({worker, "op", "", "toy/1", {}, 0}));
    using namespace trust::incentive;
    for (const MoneyEvent& e :
         {MoneyEvent{Mint{payer_account(), 15}}, MoneyEvent{Mint{worker, 60}}, MoneyEvent{Bond{worker, 60}}})
      EXPECT_TRUE(standings.points->submit(e));
  }
  [[nodiscard]] const trust::incentive::PointsContract& points() const { return *standings.points; }

  Standings standings;
  Settings settings;
  trust::Ed25519Signer signer;
  Keeper keeper;
  const Digest worker = digest(7);
};

TEST_F(StandingsTest, TimeNeverRunsBack) {
  EXPECT_EQ(keeper.now(11'000), 11'000);
  EXPECT_EQ(keeper.now(9'000), 11'000);
}

TEST_F(StandingsTest, AStrikeCountsOnceAJobAndKind) {
  const trust::Strike strike{worker, digest(1), StrikeKind::correctness, "wrong"};
  ASSERT_TRUE(keeper.strike(strike));
  ASSERT_TRUE(keeper.strike(strike));
  EXPECT_EQ(standings.outbox.size(), 1U) << "one note for the log";
  EXPECT_EQ(standings.book.at({worker, "toy/1"}).strikes[static_cast<std::size_t>(StrikeKind::correctness)], 1U);
  EXPECT_TRUE(keeper.excluded(worker));
  ASSERT_TRUE(keeper.pardon(worker, digest(1)));
  EXPECT_FALSE(keeper.excluded(worker));
  ASSERT_TRUE(keeper.pardon(worker, digest(2))) << "never struck: nothing to take back";
  EXPECT_EQ(standings.outbox.size(), 2U);
}

TEST_F(StandingsTest, ARecordIsEarnedByComparisonsAndLostByALie) {
  EXPECT_EQ(keeper.decide(worker, {}).mode, trust::audit::Mode::replicate);
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(keeper.valid(worker));
  EXPECT_EQ(keeper.decide(worker, {}).mode, trust::audit::Mode::audit);
  ASSERT_TRUE(keeper.strike({worker, digest(1), StrikeKind::liveness, "late"}));
  EXPECT_EQ(keeper.decide(worker, {}).mode, trust::audit::Mode::audit) << "lateness says nothing about results";
  ASSERT_TRUE(keeper.strike({worker, digest(1), StrikeKind::correctness, "wrong"}));
  EXPECT_EQ(keeper.decide(worker, {}).mode, trust::audit::Mode::replicate);
  EXPECT_EQ(keeper.decide(digest(8), {}).mode, trust::audit::Mode::wait) << "unknown";
}

TEST_F(StandingsTest, AWageWaitsForTheDrawAndTheWindow) {
  const Digest receipt = digest(20);
  ASSERT_TRUE(keeper.lock(receipt, worker));
  EXPECT_FALSE(keeper.can_pay()) << "5 of 15 are left";
  ASSERT_TRUE(keeper.lock(digest(21), worker));
  EXPECT_EQ(points().status(digest(21)), trust::incentive::EscrowStatus::open)
      << "for what there is: the bond answers all the same";
  EXPECT_EQ(points().balance(payer_account()), 0U);
  ASSERT_TRUE(keeper.drawn(receipt, false));
  ASSERT_TRUE(keeper.release(receipt));
  EXPECT_EQ(points().balance(worker), 0U) << "the window is open";
  keeper.now(11'000);
  ASSERT_TRUE(keeper.release_due());
  EXPECT_EQ(points().balance(worker), 10U);
  ASSERT_TRUE(keeper.release(receipt)) << "paid once";
  EXPECT_EQ(points().balance(worker), 10U);
  EXPECT_EQ(standings.outbox.size(), 1U) << "every payout has a note";
}

TEST_F(StandingsTest, ASlashGoesToTheReporterAndTheFire) {
  const Digest receipt = digest(20), reporter = digest(9);
  ASSERT_TRUE(keeper.lock(receipt, worker));
  ASSERT_TRUE(keeper.slash(receipt, reporter, digest(30)));
  EXPECT_EQ(points().bond(worker), 10U);
  EXPECT_EQ(points().balance(reporter), 25U);
  EXPECT_EQ(points().balance(payer_account()), 15U) << "the wage is back";
  ASSERT_TRUE(keeper.release(receipt));
  EXPECT_EQ(points().balance(worker), 0U);
}

}  // namespace
}  // namespace dsperse::work
