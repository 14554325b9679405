#include "dsperse/work/coordinator/coordinator.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "dsperse/crypto/hash/hash.h"
#include "dsperse/trust/dispute/verdict_file.h"
#include "dsperse/work/coordinator/testing/town.h"

namespace dsperse::work {
namespace {

using testing::digest;
using testing::Town;
using testing::value_after;

const Digest kRun = digest(500);

/// The run is finished with the right output, and its record is accepted and holds what was asked.
FinishedRun right(Town& town, const Digest& id, const std::vector<std::string>& treatments,
                  const trust::RecordExpectation& user = {}) {
  auto finished = town.coordinator->finished(id);
  EXPECT_TRUE(finished) << finished.error().text();
  if (!finished) return {};
  EXPECT_EQ(town.output(*finished), town.truth());
  const trust::RecordVerdict v = trust::verify_record(finished->record, town.facts(*finished), user, town.check);
  EXPECT_TRUE(v.verdict) << v.verdict.reason << " " << v.verdict.where;
  for (std::size_t i = 0; i < v.slices.size() && i < treatments.size(); ++i) {
    const Verdict covered = trust::covers(v.slices[i], *trust::parse_treatment(treatments[i]), false);
    EXPECT_TRUE(covered) << covered.reason << " " << covered.where;
  }
  return std::move(*finished);
}

/// Submits, runs, expects the right end.
FinishedRun carry(Town& town, const std::vector<std::string>& treatments) {
  EXPECT_TRUE(town.coordinator->submit(kRun, town.request(treatments)));
  const RunView view = town.run(kRun);
  EXPECT_EQ(view.phase, RunPhase::finished) << view.waits_for << view.failure;
  return right(town, kRun, treatments);
}

void change(const SliceTask&, Bytes& values) { values[3] ^= 1; }

std::array<std::uint64_t, 3> strikes(Town& town, std::size_t worker) {
  return town.coordinator->standing(town.workers[worker]->key())->strikes;
}
constexpr std::size_t kCorrectness = static_cast<std::size_t>(trust::StrikeKind::correctness);

TEST(Coordinator, TrustsWithAReceipt) {
  Town town(1);
  const FinishedRun f = carry(town, {"trust", "trust", "trust"});
  EXPECT_EQ(f.record.slices.size(), 3U);
  EXPECT_EQ(f.attempts, 1U);
  EXPECT_TRUE(f.proofs.empty());
  EXPECT_EQ(town.own.runs, 0U) << "the coordinator does not run the model";
}

TEST(Coordinator, ReplicatesAndProves) {
  Town town(3);
  const std::vector<std::string> treatments{"replicate(2)", "proof", "replicate(3)"};
  const FinishedRun f = carry(town, treatments);
  ASSERT_EQ(f.proofs.size(), 1U);
  EXPECT_EQ(f.proofs[0].slice, 1U);
  EXPECT_EQ(f.record.slices[0].results.size(), 2U);
  EXPECT_EQ(f.record.slices[1].results.size(), 3U);
  EXPECT_EQ(town.own.runs, 0U);
}

TEST(Coordinator, AReplicaThatLiesIsProvedWrongAndTheRunGoesOn) {
  Town town(2);
  town.workers[1]->computer.lie = change;
  const FinishedRun f = carry(town, {"replicate(2)", "trust", "trust"});
  EXPECT_EQ(f.proofs.size(), 1U) << "the disputed slice ends as a proved one";
  EXPECT_EQ(f.attempts, 1U);
  EXPECT_EQ(strikes(town, 0)[kCorrectness], 0U);
  EXPECT_EQ(strikes(town, 1)[kCorrectness], 1U);
  EXPECT_TRUE(town.coordinator->standing(town.workers[1]->key())->excluded);
  ASSERT_EQ(f.verdicts.size(), 1U);
  const auto verdict = trust::dispute::decode_verdict(f.verdicts[0]);
  ASSERT_TRUE(verdict);
  EXPECT_EQ(verdict->claims[1].worker, town.workers[1]->key());
  EXPECT_EQ(verdict->outcome, trust::dispute::Outcome::a);
  EXPECT_EQ(f.record.verdicts.size(), 1U);
}

TEST(Coordinator, WithoutAProverOfItsOwnTheClaimantsMustProve) {
  Town town(2);
  town.proves = false;
  town.restart();
  town.workers[0]->computer.lie = change;
  const FinishedRun f = carry(town, {"replicate(2)", "trust", "trust"});
  EXPECT_EQ(f.proofs.size(), 1U);
  EXPECT_EQ(town.own.runs, 0U);
  EXPECT_EQ(strikes(town, 0)[kCorrectness], 1U);
  EXPECT_EQ(strikes(town, 1)[kCorrectness], 0U);
}

TEST(Coordinator, ALieThatIsAuditedCostsANewAttempt) {
  // Two who tell the same lie agree if both are chosen; the audit's draw is certain, and the auditor is somebody else.
  bool again = false;
  for (std::uint64_t seed = 0; seed < 12; ++seed) {
    Town town(4);
    const auto lie = [](const SliceTask& task, Bytes& values) {
      if (task.slice == 0) change(task, values);
    };
    town.workers[1]->computer.lie = town.workers[2]->computer.lie = lie;
    town.world.advance(static_cast<engine::TimeMs>(seed));
    for (std::uint64_t i = 0; i < seed; ++i) static_cast<void>(town.world.below(10));  // another choice of workers
    const FinishedRun f = carry(town, {"audit(1)", "trust", "trust"});
    again |= f.attempts > 1;
    EXPECT_EQ(strikes(town, 0)[kCorrectness] + strikes(town, 3)[kCorrectness], 0U);
    if (f.attempts > 1) {
      EXPECT_EQ(strikes(town, 1)[kCorrectness], 1U);
      EXPECT_EQ(strikes(town, 2)[kCorrectness], 1U);
      EXPECT_EQ(f.verdicts.size(), 2U);
    }
  }
  EXPECT_TRUE(again);
}

TEST(Coordinator, AuditsPassForTheHonest) {
  Town town(3);
  const FinishedRun f = carry(town, {"audit(1)", "audit(1, by=proof)", "replicate(2)+audit(1)"});
  EXPECT_EQ(f.attempts, 1U);
  EXPECT_EQ(f.proofs.size(), 1U);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(strikes(town, i)[kCorrectness], 0U);
}

TEST(Coordinator, WaitsForTheLatePart) {
  Town town(2);
  RunRequest request = town.request({"audit(0.5)", "trust", "trust"});
  request.late = trust::lottery::Late::user_nonce;
  ASSERT_TRUE(town.coordinator->submit(kRun, request));
  EXPECT_FALSE(town.coordinator->give_late_part(kRun, digest(9))) << "not sealed yet";
  RunView view = town.run(kRun);
  ASSERT_EQ(view.phase, RunPhase::waiting);
  ASSERT_TRUE(view.seal);
  const auto seal = trust::decode_checkpoint(trust::decode_envelope(*view.seal)->payload);
  ASSERT_TRUE(town.coordinator->give_late_part(kRun, digest(9)));
  view = town.run(kRun);
  ASSERT_EQ(view.phase, RunPhase::finished) << view.waits_for;
  trust::RecordExpectation user;
  user.late_part = digest(9);
  user.seal = *seal;
  right(town, kRun, {"audit(0.5)", "trust", "trust"}, user);
}

TEST(Coordinator, GoesOnAfterAStopAtAnyPass) {
  Town town(3);
  town.workers[2]->computer.lie = change;
  const std::vector<std::string> treatments{"replicate(3)", "audit(1)", "proof"};
  ASSERT_TRUE(town.coordinator->submit(kRun, town.request(treatments)));
  for (int i = 0; i < 400 && !town.coordinator->active().empty(); ++i) {
    town.pass();
    town.restart();
  }
  right(town, kRun, treatments);
  EXPECT_EQ(strikes(town, 0)[kCorrectness] + strikes(town, 1)[kCorrectness], 0U);
}

TEST(Coordinator, ReplacesWhoeverDoesNotAnswer) {
  Town town(4);
  town.workers[0]->absent = true;
  town.workers[1]->silent = true;
  town.workers[2]->naps = 1;
  ASSERT_TRUE(town.coordinator->submit(kRun, town.request({"replicate(2)", "replicate(2)", "trust"})));
  const RunView view = town.run(kRun, 4000);
  ASSERT_EQ(view.phase, RunPhase::finished) << view.waits_for;
  right(town, kRun, {"replicate(2)", "replicate(2)", "trust"});
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(strikes(town, i)[kCorrectness], 0U) << "lateness is no wrong result";
    EXPECT_EQ(strikes(town, i)[static_cast<std::size_t>(trust::StrikeKind::commitment)], 0U);
  }
}

TEST(Coordinator, SaysWhatItWaitsFor) {
  Town town(1);
  ASSERT_TRUE(town.coordinator->submit(kRun, town.request({"replicate(2)", "trust", "trust"})));
  const RunView view = town.run(kRun, 10);
  EXPECT_EQ(view.phase, RunPhase::running);
  EXPECT_NE(view.waits_for.find("2 different operators, there are 1"), std::string::npos) << view.waits_for;
}

TEST(Coordinator, RefusesRequestsThatDoNotFit) {
  Town town(1);
  RunRequest r = town.request({"trust", "trust"});
  EXPECT_FALSE(town.coordinator->submit(kRun, r));
  r = town.request({"trust", "trust", "trust"});
  r.inputs.clear();
  EXPECT_FALSE(town.coordinator->submit(kRun, r));
  EXPECT_FALSE(town.coordinator->view(kRun));
}

TEST(Coordinator, ARefusedProofIsAStrikeAndAnotherWorkerIsAsked) {
  Town town(2);
  town.workers[0]->computer.lie = change;
  town.workers[1]->computer.lie = [](const SliceTask&, Bytes&) {};
  const FinishedRun f = carry(town, {"proof", "proof", "proof"});
  EXPECT_EQ(f.proofs.size(), 3U);
  EXPECT_EQ(strikes(town, 1)[kCorrectness], 0U);
}

TEST(Coordinator, AStoreThatDoesNotAnswerIsNobodysFault) {
  Town town(2);
  ASSERT_TRUE(town.coordinator->submit(kRun, town.request({"proof", "replicate(2)", "proof"})));
  for (int i = 0; i < 2000 && !town.coordinator->active().empty(); ++i) {
    town.world.faults.drop = 0.05;  // while the coordinator acts
    static_cast<void>(town.coordinator->step());
    town.world.faults = {};
    for (const auto& w : town.workers) static_cast<void>(w->step());
    town.world.advance(100);
  }
  right(town, kRun, {"proof", "replicate(2)", "proof"});
  for (std::size_t i = 0; i < 2; ++i) EXPECT_EQ(strikes(town, i)[static_cast<std::size_t>(trust::StrikeKind::commitment)], 0U);
}

TEST(Coordinator, ABlobThatTheStoreDamagedIsNoBrokenCommitment) {
  Town town(2);
  ASSERT_TRUE(town.coordinator->submit(kRun, town.request({"replicate(2)", "trust", "trust"})));
  const Digest blob = crypto::hash(value_after(town.input, 0));
  bool damaged = false;
  for (int i = 0; i < 4000 && !town.coordinator->active().empty(); ++i) {
    town.pass();
    const auto there = town.engine.blobs().has(blob);
    if (damaged || !there || !*there) continue;
    town.engine.server().meddle([&](engine::simulated::Memory& m) { m.blobs.overwrite(blob, Bytes{1, 2, 3}); });
    damaged = true;
  }
  EXPECT_TRUE(damaged);
  right(town, kRun, {"replicate(2)", "trust", "trust"});
  for (std::size_t i = 0; i < 2; ++i) EXPECT_EQ(strikes(town, i)[static_cast<std::size_t>(trust::StrikeKind::commitment)], 0U);
}

TEST(Coordinator, FailsWhenNoOpeningIsLeft) {
  Town town(1);
  town.desk.most = 0;
  ASSERT_TRUE(town.coordinator->submit(kRun, town.request({"proof", "trust", "trust"})));
  const RunView view = town.run(kRun, 4000);
  EXPECT_EQ(view.phase, RunPhase::failed);
  EXPECT_NE(view.failure.find("no openings"), std::string::npos) << view.failure;
}

TEST(Coordinator, CountersThatFailForAWhileCostNoRun) {
  Town town(2);
  town.desk.most = 0;
  ASSERT_TRUE(town.coordinator->submit(kRun, town.request({"proof", "trust", "trust"})));
  for (int i = 0; i < 5; ++i) town.pass();
  RunView view = *town.coordinator->view(kRun);
  EXPECT_EQ(view.phase, RunPhase::running);
  EXPECT_NE(view.waits_for.find("no openings"), std::string::npos) << view.waits_for;
  town.desk.most = 1000;
  view = town.run(kRun);
  EXPECT_EQ(view.phase, RunPhase::finished) << view.failure;
  EXPECT_EQ(view.attempt, 0U);
}

TEST(Coordinator, AnAttemptWhoseBoundariesAreUsedUpBeginsAgain) {
  Town town(2);
  town.desk.refuses = 1;
  const FinishedRun f = carry(town, {"proof", "proof", "trust"});
  EXPECT_EQ(f.attempts, 2U);
  for (std::size_t i = 0; i < 2; ++i) EXPECT_EQ(strikes(town, i)[kCorrectness], 0U);
}

TEST(Coordinator, CanariesFindALiarThatNobodyReplicates) {
  Settings settings = Town::quick();
  settings.canaries = trust::Probability::always();
  Town town(2, settings);
  town.workers[0]->computer.lie = change;
  ASSERT_TRUE(town.coordinator->submit(kRun, town.request({"trust", "trust", "trust"})));
  town.run(kRun);
  for (int i = 0; i < 60; ++i) town.pass();
  for (std::uint64_t n = 1; n < 20 && strikes(town, 0)[kCorrectness] == 0; ++n) {
    ASSERT_TRUE(town.coordinator->submit(digest(600 + n), town.request({"trust", "trust", "trust"})));
    town.run(digest(600 + n));
  }
  EXPECT_GT(strikes(town, 0)[kCorrectness], 0U);
  EXPECT_EQ(strikes(town, 1)[kCorrectness], 0U);
}

// Whatever a worker remembers of its jobs, those of a fake run fit together as those of a real one do.
TEST(Coordinator, CanariesOfAWorkerAreSlicesOfOneWholeRun) {
  Settings settings = Town::quick();
  settings.canaries = trust::Probability::always();
  Town town(1, settings);
  struct Seen {
    Digest in{}, out{};
  };
  std::map<Digest, std::map<std::uint32_t, Seen>> runs;
  town.workers[0]->computer.lie = [&](const SliceTask& task, Bytes& values) {
    const OutputRef& o = task.outputs[0];
    auto& slices = runs[task.run];
    EXPECT_TRUE(slices.empty() || slices.rbegin()->first < task.slice) << "in order, each once";
    slices[task.slice] = {roots_in(task)[0].root, o.seed ? testing::toy_root(values, *o.seed) : public_root(values)};
  };
  for (std::uint64_t n = 0; n < 3; ++n) {
    ASSERT_TRUE(town.coordinator->submit(digest(700 + n), town.request({"trust", "trust", "trust"})));
    ASSERT_EQ(town.run(digest(700 + n)).phase, RunPhase::finished);
  }
  for (int i = 0; i < 20; ++i) town.pass();
  EXPECT_EQ(runs.size(), 6U) << "three real runs, and as many fake ones";
  for (const auto& [run, slices] : runs) {
    EXPECT_EQ(slices.size(), 3U);
    for (const auto& [slice, seen] : slices) {
      const auto next = slices.find(slice + 1);
      if (next != slices.end()) {
        EXPECT_EQ(next->second.in, seen.out);
      }
    }
  }
  EXPECT_EQ(strikes(town, 0)[kCorrectness], 0U);
}

TEST(Coordinator, PaysWagesAndTakesBonds) {
  Settings settings = Town::quick();
  settings.points = true;
  settings.wage = 10;
  settings.slash = 100;
  Town town(2, settings);
  town.workers[1]->computer.lie = change;
  ASSERT_TRUE(town.coordinator->fund(payer_account(), 1000, 0));
  for (const auto& w : town.workers) ASSERT_TRUE(town.coordinator->fund(w->key(), 0, 100));
  carry(town, {"replicate(2)", "trust", "trust"});
  for (int i = 0; i < 5; ++i) town.pass();
  const auto* points = town.coordinator->points();
  EXPECT_EQ(points->bond(town.workers[0]->key()), 100U);
  EXPECT_EQ(points->bond(town.workers[1]->key()), 0U) << "slashed";
  EXPECT_EQ(points->balance(town.workers[0]->key()), 30U + 50U) << "three wages, and half of the bond as reporter";
  EXPECT_EQ(points->balance(town.workers[1]->key()), 0U);
  const auto t = points->totals();
  EXPECT_EQ(t.balances + t.bonds + t.escrow + t.stakes + t.burned, t.minted);
  EXPECT_EQ(t.escrow, 0U);
}

TEST(Coordinator, AnAttemptThatEndsInItsAuditsLeavesNoEscrow) {
  Settings settings = Town::quick();
  settings.points = true;
  settings.wage = 10;
  settings.slash = 100;
  Town town(4, settings);
  ASSERT_TRUE(town.coordinator->fund(payer_account(), 100'000, 0));
  for (const auto& w : town.workers) ASSERT_TRUE(town.coordinator->fund(w->key(), 0, 1000));
  const auto carry_one = [&](std::uint64_t n, const std::vector<std::string>& treatments) {
    ASSERT_TRUE(town.coordinator->submit(digest(n), town.request(treatments)));
    ASSERT_EQ(town.run(digest(n), 2000).phase, RunPhase::finished);
    right(town, digest(n), treatments);
  };
  // Everybody gets a record; then one lies about the first slice while all slices are drawn.
  for (std::uint64_t n = 0; n < 6; ++n) carry_one(700 + n, {"replicate(4)", "replicate(4)", "replicate(4)"});
  town.workers[1]->computer.lie = [](const SliceTask& task, Bytes& values) {
    if (task.slice == 0) values[3] ^= 1;
  };
  for (std::uint64_t n = 0; n < 8; ++n) carry_one(800 + n, {"audit(1)", "audit(1)", "audit(1)"});
  EXPECT_EQ(strikes(town, 1)[kCorrectness], 1U);
  for (int i = 0; i < 5; ++i) town.pass();
  const auto t = town.coordinator->points()->totals();
  EXPECT_EQ(t.escrow, 0U);
  EXPECT_EQ(t.balances + t.bonds + t.burned, t.minted);
}

TEST(Coordinator, ARunThatIsStuckStopsNoOther) {
  Town town(3);
  bool lying = true, stuck = true;
  town.workers[2]->computer.lie = [&](const SliceTask& task, Bytes& values) {
    if (lying) change(task, values);
  };
  town.own.before = [&](const SliceTask&) -> Status {
    if (stuck) return fail(ErrorKind::bad_input, "the blob is damaged", "blob");
    return {};
  };
  ASSERT_TRUE(town.coordinator->submit(kRun, town.request({"replicate(3)", "trust", "trust"})));
  RunView view = town.run(kRun, 40);
  ASSERT_EQ(view.phase, RunPhase::running);
  EXPECT_NE(view.waits_for.find("the blob is damaged"), std::string::npos) << view.waits_for;
  lying = false;
  ASSERT_TRUE(town.coordinator->submit(digest(501), town.request({"replicate(3)", "proof", "audit(1)"})));
  view = town.run(digest(501));
  ASSERT_EQ(view.phase, RunPhase::finished) << view.waits_for;
  right(town, digest(501), {"replicate(3)", "proof", "audit(1)"});
  EXPECT_EQ(town.coordinator->view(kRun)->phase, RunPhase::running);
  stuck = false;
  view = town.run(kRun);
  ASSERT_EQ(view.phase, RunPhase::finished) << view.waits_for;
  right(town, kRun, {"replicate(3)", "trust", "trust"});
}

TEST(Coordinator, WorkersThatAreAwayGetNoJobsAndCostNoAttempt) {
  Settings settings = Town::quick();
  settings.absent_ms = 5000;
  settings.most_attempts = 2;
  Town town(2, settings);
  for (const auto& w : town.workers) w->absent = true;
  town.world.advance(10'000);
  ASSERT_TRUE(town.coordinator->submit(kRun, town.request({"replicate(2)", "trust", "trust"})));
  RunView view = town.run(kRun, 2000);
  EXPECT_EQ(view.phase, RunPhase::running) << view.failure;
  EXPECT_EQ(view.attempt, 0U);
  EXPECT_EQ(view.waits_for, "a worker");
  for (const auto& w : town.workers) w->absent = false;
  // They come, and go in the middle of the run; who is not there is waited for, however long.
  const auto passes = [&](int n, bool there) {
    for (int i = 0; i < n; ++i) {
      for (const auto& w : town.workers) {
        w->absent = !there;
        if (there) {
          EXPECT_TRUE(w->worker->enroll());
        }
      }
      town.pass();
    }
  };
  passes(3, true);
  EXPECT_EQ(town.coordinator->view(kRun)->phase, RunPhase::running);
  passes(2000, false);
  EXPECT_EQ(town.coordinator->view(kRun)->phase, RunPhase::running) << town.coordinator->view(kRun)->failure;
  passes(400, true);
  ASSERT_EQ(town.coordinator->view(kRun)->phase, RunPhase::finished) << town.coordinator->view(kRun)->waits_for;
  right(town, kRun, {"replicate(2)", "trust", "trust"});
}

TEST(Coordinator, StrikesAreJudgedByTheRulesOfToday) {
  Settings settings = Town::quick();
  settings.reputation.liveness_limit = 1;
  Town town(2, settings);
  town.workers[0]->naps = 1;
  town.workers[1]->naps = 1;
  ASSERT_TRUE(town.coordinator->submit(kRun, town.request({"replicate(2)", "trust", "trust"})));
  for (int i = 0; i < 60; ++i) town.pass();
  EXPECT_TRUE(town.coordinator->standing(town.workers[0]->key())->excluded);
  town.settings.reputation.liveness_limit = 0;
  town.restart();
  EXPECT_FALSE(town.coordinator->standing(town.workers[0]->key())->excluded);
  EXPECT_GE(strikes(town, 0)[static_cast<std::size_t>(trust::StrikeKind::liveness)], 1U);
  const RunView view = town.run(kRun, 4000);
  EXPECT_EQ(view.phase, RunPhase::finished) << view.waits_for;
}

}  // namespace
}  // namespace dsperse::work
