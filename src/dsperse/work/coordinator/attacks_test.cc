// What somebody tries against a coordinator, one attack a test: workers that stop it, workers that make others pay for their
// lies, faults that cost the honest.
#include <gtest/gtest.h>

#include <algorithm>

#include "dsperse/work/coordinator/state.h"
#include "dsperse/work/coordinator/testing/town.h"

namespace dsperse::work {
namespace {

using testing::digest;
using testing::Town;
using testing::TownWorker;

const Digest kRun = digest(500);
constexpr auto kCorrectness = static_cast<std::size_t>(trust::StrikeKind::correctness);

void change(const SliceTask&, Bytes& values) { values[3] ^= 1; }
void change_proofs(const SliceTask& task, Bytes& values) {
  if (task.prove) change(task, values);
}

std::uint64_t wrong(Town& town, std::size_t worker) {
  return town.coordinator->standing(town.workers[worker]->key())->strikes[kCorrectness];
}

RunView start(Town& town, const std::vector<std::string>& treatments, std::uint32_t passes = 4000) {
  EXPECT_TRUE(town.coordinator->submit(kRun, town.request(treatments)));
  return town.run(kRun, passes);
}

/// Other choices of workers for each seed.
void shuffle(Town& town, std::uint64_t seed) {
  for (std::uint64_t i = 0; i < seed; ++i) static_cast<void>(town.world.below(10));
}

FinishedRun right(Town& town) {
  auto finished = town.coordinator->finished(kRun);
  EXPECT_TRUE(finished) << finished.error().text();
  if (!finished) return {};
  EXPECT_EQ(town.output(*finished), town.truth());
  const trust::RecordVerdict v = trust::verify_record(finished->record, town.facts(*finished), {}, town.check);
  EXPECT_TRUE(v.verdict) << v.verdict.reason << " " << v.verdict.where;
  return std::move(*finished);
}

Settings with_points() {
  Settings s = Town::quick();
  s.points = true;
  s.wage = 10;
  s.slash = 100;
  return s;
}

void fund(Town& town, std::uint64_t payer) {
  EXPECT_TRUE(town.coordinator->fund(payer_account(), payer, 0));
  for (const auto& w : town.workers) EXPECT_TRUE(town.coordinator->fund(w->key(), 0, 100));
}

/// Nothing is left in escrow, so that every bond is free.
void settled(Town& town) {
  for (int i = 0; i < 5; ++i) town.pass();
  const auto t = town.coordinator->points()->totals();
  EXPECT_EQ(t.escrow, 0U);
  EXPECT_EQ(t.balances + t.bonds + t.escrow + t.stakes + t.burned, t.minted);
}

TEST(Attack, ALieThatEndsAnAttemptWhileAnotherAuditIsOutStopsNothing) {
  bool again = false;
  for (std::uint64_t seed = 0; seed < 12; ++seed) {
    Town town(4, with_points());
    fund(town, 10'000);
    shuffle(town, seed);
    town.workers[1]->computer.lie = town.workers[2]->computer.lie = [](const SliceTask& task, Bytes& values) {
      if (task.slice == 0) change(task, values);
    };
    const RunView view = start(town, {"audit(1)", "audit(1)", "trust"});
    ASSERT_EQ(view.phase, RunPhase::finished) << view.waits_for << view.failure;
    again |= right(town).attempts > 1;
    EXPECT_EQ(wrong(town, 0) + wrong(town, 3), 0U);
    settled(town);
  }
  EXPECT_TRUE(again);
}

TEST(Attack, AWorkerThatContradictsItsOwnProofIsStruck) {
  Town town(1);
  TownWorker& w = *town.workers[0];
  w.absent = true;
  ASSERT_TRUE(town.coordinator->submit(kRun, town.request({"proof", "trust", "trust"})));
  for (int i = 0; i < 90; ++i) town.pass();  // the first job is overdue, and the same worker is asked again
  const auto first = w.worker->take(), second = w.worker->take();
  ASSERT_TRUE(first && *first && second && *second);
  const auto honest = w.worker->work(**second);
  ASSERT_TRUE(honest && w.worker->deliver(**second, *honest));
  town.pass();
  ASSERT_EQ(town.coordinator->view(kRun)->slices_settled, 1U);
  w.computer.lie = change;
  const auto lie = w.worker->work(**first);
  ASSERT_TRUE(lie && w.worker->deliver(**first, *lie));
  town.pass();
  EXPECT_EQ(wrong(town, 0), 1U);
}

TEST(Attack, LabelsThatNoOpeningHoldsKeepOthersFromNothing) {
  Town town(2);
  for (const std::string& label : {std::string(100, 'x'), std::string("a\"b"), std::string("\xff")})
    ASSERT_TRUE(town.engine.nodes().enroll({digest(700 + label.size()), label, "r", "toy/1", {}, 1U << 20}, 0));
  const RunView view = start(town, {"replicate(2)", "trust", "trust"});
  ASSERT_EQ(view.phase, RunPhase::finished) << view.waits_for << view.failure;
  right(town);
}

TEST(Attack, WhoeverSawTheClaimDoesNotAuditWhereOthersCan) {
  for (std::uint64_t seed = 0; seed < 12; ++seed) {
    Town town(5);
    shuffle(town, seed);
    ASSERT_EQ(start(town, {"audit(1)", "trust", "trust"}).phase, RunPhase::finished);
    const FinishedRun f = right(town);
    ASSERT_TRUE(f.record.slices[0].audit);
    const trust::PublicKey auditor = f.record.slices[0].audit->receipt.signatures[0].key;
    // h_in of a later slice's job is the h_out that is audited, or it lives on in it.
    for (std::size_t i = 1; i < 3; ++i) EXPECT_NE(f.record.slices[i].results[0].receipt.signatures[0].key, auditor) << seed;
  }
}

TEST(Attack, TheOnlyAuditorMayHaveSeenTheClaim) {
  Town town(3);
  ASSERT_EQ(start(town, {"replicate(2)+audit(1)", "replicate(3)", "trust"}).phase, RunPhase::finished);
  right(town);
}

TEST(Attack, AClaimantHasTheTimeThatAProofTakes) {
  Settings settings = Town::quick();
  settings.dispute_ms = 100;
  Town town(2, settings);
  town.proves = false;
  town.restart();
  town.workers[0]->computer.lie = change;
  town.workers[1]->computer.before = [n = 6](const SliceTask& task) mutable -> Status {
    if (task.prove && n-- > 0) return fail(ErrorKind::resource, "busy");
    return {};
  };
  ASSERT_EQ(start(town, {"replicate(2)", "trust", "trust"}).phase, RunPhase::finished);
  EXPECT_EQ(right(town).attempts, 1U);
  EXPECT_GT(wrong(town, 0), 0U);
  EXPECT_EQ(wrong(town, 1), 0U);
}

TEST(Attack, AnAttemptDoesNotEndBeforeItsDispute) {
  Settings settings = Town::quick();
  settings.commit_ms = 5'000;
  settings.dispute_ms = 300'000;
  Town town(2, settings);
  town.proves = false;
  town.restart();
  town.workers[0]->computer.lie = change;
  ASSERT_TRUE(town.coordinator->submit(kRun, town.request({"replicate(2)", "trust", "trust"})));
  for (int i = 0; i < 100 && town.coordinator->view(kRun)->waits_for.find("proofs") == std::string::npos; ++i) town.pass();
  town.workers[0]->absent = town.workers[1]->absent = true;
  for (int i = 0; i < 100; ++i) town.pass();
  town.workers[0]->absent = town.workers[1]->absent = false;
  ASSERT_EQ(town.run(kRun, 4000).phase, RunPhase::finished);
  EXPECT_EQ(right(town).attempts, 1U);
  EXPECT_EQ(wrong(town, 1), 0U);
}

TEST(Attack, AProverWithoutAProofMakesNobodyProve) {
  std::uint64_t refused = 0;
  for (std::uint64_t seed = 0; seed < 12; ++seed) {
    Town town(4);
    shuffle(town, seed);
    town.proves = false;
    town.restart();
    for (const std::size_t i : {0U, 1U})
      town.workers[i]->computer.before = [](const SliceTask& task) -> Status {
        if (task.prove) return fail(ErrorKind::unsupported, "no prover here");
        return {};
      };
    town.workers[2]->computer.lie = change_proofs;
    ASSERT_EQ(start(town, {"audit(1, by=proof)", "trust", "trust"}).phase, RunPhase::finished);
    right(town);
    for (const std::size_t i : {0U, 1U, 3U}) EXPECT_EQ(wrong(town, i), 0U) << "seed " << seed << " worker " << i;
    refused += wrong(town, 2);
  }
  EXPECT_GT(refused, 0U);
}

TEST(Attack, WhoProvesItsClaimIsPaidForTheProof) {
  Town town(2, with_points());
  town.proves = false;
  town.restart();
  fund(town, 1'000);
  town.workers[0]->computer.lie = change;
  ASSERT_EQ(start(town, {"replicate(2)", "trust", "trust"}).phase, RunPhase::finished);
  right(town);
  settled(town);
  EXPECT_EQ(town.coordinator->points()->balance(town.workers[1]->key()), 40U + 50U) << "four wages, and the reporter's share";
}

TEST(Attack, ARunThatFailsPaysForWhatWasDone) {
  Town town(1, with_points());
  fund(town, 1'000);
  town.desk.most = 0;
  ASSERT_EQ(start(town, {"trust", "proof", "trust"}).phase, RunPhase::failed);
  settled(town);
  EXPECT_EQ(town.coordinator->points()->balance(town.workers[0]->key()), 10U);
}

TEST(Attack, NobodyIsPaidWhereResultsDifferAndNothingIsProved) {
  Town town(2, with_points());
  town.proves = false;
  town.restart();
  fund(town, 1'000);
  town.desk.most = 1;
  town.workers[0]->computer.lie = change;
  ASSERT_EQ(start(town, {"replicate(2)", "trust", "trust"}).phase, RunPhase::failed);
  settled(town);
  EXPECT_EQ(town.coordinator->points()->balance(town.workers[0]->key()), 0U);
  EXPECT_EQ(town.coordinator->points()->balance(payer_account()), 1'000U);
}

TEST(Attack, APayerWithoutMoneyFreesNobodyOfItsBond) {
  for (std::uint64_t seed = 0; seed < 8; ++seed) {
    Town town(2, with_points());
    fund(town, 10);  // for one wage of two
    shuffle(town, seed);
    town.workers[0]->computer.lie = change;
    start(town, {"replicate(2)", "trust", "trust"}, 60);
    EXPECT_EQ(wrong(town, 0), 1U);
    EXPECT_EQ(town.coordinator->points()->bond(town.workers[0]->key()), 0U) << seed;
    EXPECT_EQ(town.coordinator->points()->bond(town.workers[1]->key()), 100U) << seed;
  }
}

TEST(Attack, WhoAnswersAfterTheDecisionIsNoReplica) {
  bool late = false;
  for (std::uint64_t seed = 0; seed < 12; ++seed) {
    Town town(4);
    shuffle(town, seed);
    town.workers[0]->absent = true;
    ASSERT_TRUE(town.coordinator->submit(kRun, town.request({"replicate(3)", "replicate(3)", "replicate(3)"})));
    for (int i = 0; i < 400 && town.coordinator->view(kRun)->slices_settled == 0; ++i) town.pass();
    town.workers[0]->absent = false;
    ASSERT_EQ(town.run(kRun, 4000).phase, RunPhase::finished);
    const FinishedRun f = right(town);
    late |= town.workers[0]->computer.runs > 2;
    for (const trust::SliceAnswer& a : f.record.slices) EXPECT_EQ(a.results.size(), 3U) << seed;
  }
  EXPECT_TRUE(late);
}

TEST(Attack, WorkersThatStayAwayDoNotKeepNewOnesOut) {
  Town town(3);
  town.workers[2]->absent = true;
  ASSERT_TRUE(town.coordinator->submit(kRun, town.request({"replicate(3)", "trust", "trust"})));
  for (int i = 0; i < 200; ++i) town.pass();
  town.workers.push_back(std::make_unique<TownWorker>(town.engine, town.world, 3, town.folder.path(), "operator-3"));
  const RunView view = town.run(kRun, 2000);
  ASSERT_EQ(view.phase, RunPhase::finished) << view.waits_for << view.failure;
  right(town);
}

TEST(Attack, KeysThatComeFirstDoNotFillTheOpening) {
  Town town(2);
  for (std::uint64_t i = 0; i < 300; ++i) {  // a key begins with a zero byte: whoever likes can make such keys
    const engine::NodeProfile sybil{digest((i + 1) << 8), "operator " + std::to_string(i), "r", "toy/1", {}, 1U << 20};
    ASSERT_TRUE(town.engine.nodes().enroll(sybil, 0));
  }
  ASSERT_TRUE(town.coordinator->submit(kRun, town.request({"trust", "trust", "trust"})));
  ASSERT_TRUE(town.coordinator->step());
  const auto saved = town.state->load("run/" + to_hex(kRun));
  ASSERT_TRUE(saved && *saved);
  const auto run = decode_run(**saved);
  ASSERT_TRUE(run);
  const auto& nodes = run->attempt.nodes;
  ASSERT_EQ(nodes.size(), trust::kMaxOpeningNodes);
  EXPECT_TRUE(std::ranges::is_sorted(nodes, {}, &trust::NodeLabels::key));
  EXPECT_GT(nodes.back().key, digest(257U << 8)) << "not the first by key";
}

}  // namespace
}  // namespace dsperse::work
