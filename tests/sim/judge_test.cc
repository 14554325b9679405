// Each finding of the judges can be brought about: by a town in which something outside of the product is broken on purpose.
#include "judge.h"

#include <gtest/gtest.h>

#include "keeper_attacks.h"
#include "scenarios.h"
#include "statistics.h"

namespace dsperse::sim {
namespace {

trust::Treatment treated(const char* text) { return *trust::parse_treatment(text); }

TownSpec plain(std::vector<WorkerSpec> workers, const char* policy) {
  TownSpec spec;
  spec.settings = quick_settings();
  spec.workers = std::move(workers);
  spec.policy.assign(4, treated(policy));
  return spec;
}
std::vector<WorkerSpec> with_liars(std::size_t honest, std::size_t liars, Kind kind) {
  std::vector<WorkerSpec> out = honest_workers(honest + liars);
  for (std::size_t i = 0; i < liars; ++i) {
    out[i].kind = kind;
    out[i].target = 2;
  }
  return out;
}
Findings lived(const TownSpec& spec) {
  Town town(spec);
  town.live();
  return judge(town);
}
/// With four replicas a liar that is found leaves too few for another slice: its target is the last one.
TownSpec one_liar_of_four() {
  TownSpec spec = plain(with_liars(3, 1, Kind::targeted), "replicate(4)");
  spec.workers[0].target = 3;
  return spec;
}
/// The first seed's findings for which `found` says that the hook had an effect; at most `most` seeds.
Findings until(TownSpec spec, std::uint64_t most, const std::function<bool(const Findings&)>& found) {
  Findings f;
  for (spec.seed = 1; spec.seed <= most; ++spec.seed)
    if (f = lived(spec); found(f)) break;
  return f;
}

TEST(Judge, FindsNothingInAnHonestTown) {
  const Findings f = lived(plain(honest_workers(4), "replicate(2)"));
  EXPECT_TRUE(f.clean()) << f.texts.front();
  EXPECT_EQ(f.finished, 1U);
  EXPECT_EQ(f.wrong_finals, 0U);
}

TEST(Judge, ExplainsALieThatThePolicyAllows) {
  const Findings f = lived(plain(with_liars(0, 2, Kind::lazy), "trust"));
  EXPECT_TRUE(f.clean()) << f.texts.front();
  EXPECT_EQ(f.wrong_finals, 1U);
  ASSERT_EQ(f.explained.size(), 1U);
  EXPECT_GE(f.explained.at("the operator lies (trust)"), 2U) << "slices whose right output is not the liars' constant";
}

TEST(Judge, WrongFinalUnexplained) {
  // The coordinator is told less than the user wanted: as if it left replicas out.
  TownSpec spec = plain(with_liars(1, 2, Kind::lazy), "replicate(2)");
  spec.asked.assign(4, {});
  const Findings f = until(spec, 5, [](const Findings& g) { return g.wrong_final_unexplained > 0; });
  EXPECT_GT(f.wrong_final_unexplained, 0U);
  EXPECT_GT(f.record_refused, 0U) << "and the record says so";
}

TEST(Judge, AuditsThatAreSkippedAreNoticed) {
  const std::vector<WorkerSpec> workers = honest_workers(3);
  const Snapshot warm = warmed(workers, quick_settings());
  TownSpec spec = plain(with_liars(1, 2, Kind::targeted), "audit(1)");
  spec.from = &warm;
  spec.asked.assign(4, {});
  const Findings f = until(spec, 5, [](const Findings& g) { return g.wrong_final_unexplained > 0; });
  EXPECT_GT(f.wrong_final_unexplained, 0U);
  EXPECT_GT(f.record_refused, 0U);
  spec.asked.clear();
  EXPECT_TRUE(lived(spec).clean());
}

TEST(Judge, HonestSlashed) {
  TownSpec spec = plain(honest_workers(2), "proof");
  spec.desk_judges_wrongly = true;
  spec.faults_last_ms = 0;
  spec.bound_ms = 120'000;
  EXPECT_GT(lived(spec).honest_slashed, 0U);
}

TEST(Judge, Lost) {
  TownSpec spec = plain(honest_workers(1), "replicate(2)");
  spec.faults_last_ms = 0;
  spec.bound_ms = 60'000;
  EXPECT_EQ(lived(spec).lost, 1U);
}

TEST(Judge, PayoutsReceiptsAndMoney) {
  TownSpec spec = one_liar_of_four();
  spec.settings.points = true;
  spec.settings.wage = 10;
  spec.settings.slash = 100;
  spec.bond = 200;
  spec.purse = 10'000;
  const Findings honest = lived(spec);
  EXPECT_TRUE(honest.clean()) << honest.texts.front();
  EXPECT_GT(honest.payouts, 12U);
  EXPECT_EQ(honest.verdicts, 1U);
  spec.ledger_forgets = "vnd.dsperse.payout";
  EXPECT_EQ(lived(spec).payout_without_proof, honest.payouts);
  spec.ledger_forgets.clear();
  spec.mints_twice = true;
  EXPECT_EQ(lived(spec).money_not_conserved, 1U);
}

TEST(Judge, OpeningsBeyondBudget) {
  TownSpec spec = plain(honest_workers(2), "proof");
  spec.runs = 2;
  EXPECT_TRUE(lived(spec).clean());
  spec.desk_reserves_twice = true;
  EXPECT_GT(lived(spec).openings_beyond_budget, 0U);
}

TEST(Judge, FalseEvidence) {
  TownSpec spec = one_liar_of_four();
  EXPECT_EQ(lived(spec).verdicts, 1U);
  spec.desk_shows_nothing = true;
  EXPECT_EQ(lived(spec).false_evidence, 1U);
}

TEST(Cells, ThreeSigmaAndTheRightSide) {
  EXPECT_FALSE(share_cell("fair", 10'000, 5'100, 0.5).outside());
  EXPECT_TRUE(share_cell("loaded", 10'000, 5'200, 0.5).outside());
  EXPECT_TRUE(share_cell("nothing", 0, 0, 0.5).outside());
  std::vector<double> sample;
  for (int i = 0; i < 1000; ++i) sample.push_back(i % 2 == 0 ? 9 : -11);
  EXPECT_FALSE(mean_cell("loses", sample, -1, -1).outside());
  EXPECT_TRUE(mean_cell("does not win", sample, -1, 1).outside());
  EXPECT_TRUE(mean_cell("another mean", sample, 2, 0).outside());
}

TEST(Keeper, ARecordThatSaysMoreIsCaughtOrSaysOnWhoseWord) {
  const auto attacks = keeper_attacks(1);
  EXPECT_GE(attacks.size(), 21U);
  std::size_t stated = 0;
  for (const KeeperAttack& a : attacks) {
    EXPECT_NE(a.outcome, KeeperAttack::Outcome::survived) << a.name;
    stated += a.outcome == KeeperAttack::Outcome::stated ? 1 : 0;
  }
  EXPECT_EQ(stated, 2U) << "labels, and a draw without a late part";
}

}  // namespace
}  // namespace dsperse::sim
