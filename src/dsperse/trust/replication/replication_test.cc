#include "dsperse/trust/replication/replication.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "dsperse/trust/receipt/job.h"

namespace dsperse::trust::replication {
namespace {

Digest id(std::uint8_t n) {
  Digest d{};
  d[0] = n;
  return d;
}
const Digest kTrue = id(90), kWrong = id(91);

Worker worker(std::uint8_t n) {
  const std::string s = std::to_string(n);
  return {id(static_cast<std::uint8_t>(100 + n)), "op" + s, "region" + s, "engine" + s};
}
Digest key(std::uint8_t n) { return worker(n).key; }
Digest salt(std::uint8_t n) { return id(static_cast<std::uint8_t>(200 + n)); }
Assign assign(std::uint8_t n) { return {id(n), worker(n)}; }
Commit commit(std::uint8_t n, const Digest& h, std::uint8_t salt_of) {
  return {id(n), key(n), trust::commitment(id(n), key(n), {h, salt(salt_of)})};
}
Commit commit(std::uint8_t n, const Digest& h) { return commit(n, h, n); }
Open open(std::uint8_t n, const Digest& h, std::uint8_t salt_of) { return {id(n), key(n), h, salt(salt_of)}; }
Open open(std::uint8_t n, const Digest& h) { return open(n, h, n); }

State with(std::uint32_t k, std::uint8_t replicas) {
  State s = *begin(k, 0, 100, 200);
  for (std::uint8_t n = 1; n <= replicas; ++n) EXPECT_TRUE(step(s, assign(n)));
  return s;
}
Effects must(State& s, const Event& e) {
  auto r = step(s, e);
  EXPECT_TRUE(r) << (r ? "" : r.error().text());
  return r ? *r : Effects{};
}
std::vector<Strike> strikes(const Effects& effects) {
  std::vector<Strike> out;
  for (const Effect& e : effects)
    if (const auto* strike = std::get_if<Strike>(&e)) out.push_back(*strike);
  return out;
}
std::size_t asked(const Effects& effects) {
  return static_cast<std::size_t>(
      std::ranges::count_if(effects, [](const Effect& e) { return std::holds_alternative<AskOpening>(e); }));
}

TEST(Replication, UnanimousReplicasAgree) {
  for (std::uint8_t k = 1; k <= 5; ++k) {
    State s = with(k, k);
    for (std::uint8_t n = 1; n <= k; ++n) {
      EXPECT_FALSE(step(s, open(n, kTrue))) << "before the commitment";
      const Effects e = must(s, commit(n, kTrue));
      EXPECT_EQ(asked(e), n == k ? k : 0U) << "openings are asked for once all have committed";
      if (n < k) {
        EXPECT_FALSE(step(s, open(n, kTrue))) << "before all have committed";
      }
    }
    for (std::uint8_t n = 1; n <= k; ++n) must(s, open(n, kTrue));
    EXPECT_EQ(s.outcome, Outcome::agreed);
    EXPECT_EQ(*agreed_output(s), kTrue);
  }
}

TEST(Replication, OneThatDiffersIsAMismatchAndAllIsSaid) {
  State s = with(3, 3);
  for (const auto& [n, h] : {std::pair{1, kTrue}, {2, kWrong}, {3, kTrue}}) must(s, commit(static_cast<std::uint8_t>(n), h));
  must(s, open(1, kTrue));
  must(s, open(2, kWrong));
  EXPECT_EQ(s.outcome, Outcome::open) << "the third is heard first";
  must(s, open(3, kTrue));
  EXPECT_EQ(s.outcome, Outcome::mismatch);
  EXPECT_EQ(claims(s), (std::map<Digest, std::vector<Digest>>{{kTrue, {id(1), id(3)}}, {kWrong, {id(2)}}}));
  EXPECT_FALSE(agreed_output(s));
}

TEST(Replication, CopiedCommitmentCannotBeOpened) {
  State s = with(2, 2);
  const Commit honest = commit(1, kTrue);
  must(s, Commit{id(2), key(2), honest.commitment});  // the copier may even be first
  must(s, honest);
  EXPECT_FALSE(step(s, Open{id(1), key(2), kTrue, salt(1)})) << "not its job";
  must(s, open(1, kTrue));
  const auto blamed = strikes(must(s, open(2, kTrue, 1)));
  ASSERT_EQ(blamed.size(), 1U);
  EXPECT_EQ(blamed[0].worker, key(2));
  EXPECT_EQ(blamed[0].kind, StrikeKind::commitment);
  EXPECT_EQ(s.outcome, Outcome::incomplete);
  EXPECT_FALSE(step(s, open(2, kTrue, 2))) << "an opening is tried once";
}

TEST(Replication, ChangedResultDoesNotFitTheCommitment) {
  State s = with(2, 2);
  must(s, commit(1, kTrue));
  must(s, commit(2, kWrong));
  must(s, open(1, kTrue));
  const auto blamed = strikes(must(s, open(2, kTrue)));
  ASSERT_EQ(blamed.size(), 1U);
  EXPECT_STREQ(blamed[0].reason, "opening does not fit the commitment");
  EXPECT_EQ(s.outcome, Outcome::incomplete);
}

TEST(Replication, SharedSaltMakesBothInvalid) {
  State s = with(3, 3);
  must(s, commit(1, kTrue));
  must(s, commit(2, kTrue, 1));
  must(s, commit(3, kTrue));
  must(s, open(1, kTrue));
  const auto blamed = strikes(must(s, open(2, kTrue, 1)));
  ASSERT_EQ(blamed.size(), 2U);
  EXPECT_STREQ(blamed[0].reason, "salt shared with another worker");
  must(s, open(3, kTrue));
  EXPECT_EQ(s.outcome, Outcome::incomplete);
  EXPECT_EQ(claims(s).at(kTrue), std::vector<Digest>{id(3)});
}

TEST(Replication, FalseOpeningWithAnothersSaltFramesNobody) {
  State s = with(2, 2);
  must(s, commit(1, kTrue));
  must(s, commit(2, kTrue));
  must(s, open(2, kWrong, 1));  // does not fit, but names the salt of 1
  EXPECT_TRUE(strikes(must(s, open(1, kTrue))).empty());
  EXPECT_EQ(claims(s).at(kTrue), std::vector<Digest>{id(1)});
}

TEST(Replication, KnownSaltAfterTheDecisionHurtsOnlyTheLateOne) {
  State s = with(1, 2);
  must(s, commit(1, kTrue));
  must(s, Tick{100});
  must(s, open(1, kTrue));
  ASSERT_EQ(s.outcome, Outcome::agreed);
  must(s, commit(2, kWrong, 1));
  const auto blamed = strikes(must(s, open(2, kWrong, 1)));
  ASSERT_EQ(blamed.size(), 1U);
  EXPECT_EQ(blamed[0].worker, key(2));
  EXPECT_EQ(s.outcome, Outcome::agreed);
}

TEST(Replication, LateResultCountsAndIsALivenessStrikeOnly) {
  State s = with(2, 2);
  must(s, commit(1, kTrue));
  auto blamed = strikes(must(s, Lost{id(2)}));
  ASSERT_EQ(blamed.size(), 1U);
  EXPECT_EQ(blamed[0].kind, StrikeKind::liveness);
  must(s, Tick{99});
  EXPECT_EQ(s.phase, Phase::committing);
  EXPECT_EQ(asked(must(s, Tick{100})), 1U);
  must(s, open(1, kTrue));
  EXPECT_EQ(s.outcome, Outcome::incomplete);
  EXPECT_EQ(asked(must(s, commit(2, kTrue))), 1U) << "late, but nothing has been shown to anybody";
  EXPECT_TRUE(strikes(must(s, open(2, kTrue))).empty());
  EXPECT_EQ(s.outcome, Outcome::agreed);
}

TEST(Replication, LateResultAfterADecisionCountsAgainstItOnly) {
  for (const Digest& late : {kTrue, kWrong}) {
    State s = with(1, 2);
    must(s, commit(1, kTrue));
    must(s, Tick{100});
    must(s, open(1, kTrue));
    ASSERT_EQ(s.outcome, Outcome::agreed);
    must(s, commit(2, late));
    must(s, open(2, late));
    EXPECT_EQ(s.outcome, late == kTrue ? Outcome::agreed : Outcome::mismatch);
    EXPECT_TRUE(s.replicas[1].after_decision);
  }
}

TEST(Replication, WithheldOpeningIsStruckAndMayStillCome) {
  State s = with(2, 2);
  must(s, commit(1, kTrue));
  must(s, commit(2, kTrue));
  must(s, open(1, kTrue));
  const auto blamed = strikes(must(s, Tick{200}));
  ASSERT_EQ(blamed.size(), 1U);
  EXPECT_STREQ(blamed[0].reason, "no opening by the deadline");
  EXPECT_EQ(blamed[0].kind, StrikeKind::liveness);
  EXPECT_EQ(s.outcome, Outcome::incomplete);
  must(s, open(2, kTrue));
  EXPECT_EQ(s.outcome, Outcome::agreed);
}

TEST(Replication, LateTickLeavesTimeToOpen) {
  State s = with(2, 2);
  must(s, commit(1, kTrue));
  EXPECT_EQ(asked(must(s, Tick{1000})), 1U) << "both deadlines are past, but nobody has been asked yet";
  EXPECT_EQ(s.phase, Phase::opening);
  EXPECT_TRUE(strikes(must(s, Tick{1099})).empty());
  EXPECT_EQ(strikes(must(s, Tick{1100})).size(), 1U);
  State end = with(2, 2);
  must(end, commit(1, kTrue));
  must(end, Tick{~std::uint64_t{0}});
  EXPECT_EQ(end.open_deadline_ms, ~std::uint64_t{0}) << "no overflow";
}

TEST(Replication, IncompleteOnesGetReplacements) {
  State s = with(2, 2);
  must(s, commit(1, kTrue));
  EXPECT_FALSE(step(s, Extend{300, 400})) << "not settled";
  must(s, Tick{100});
  EXPECT_FALSE(step(s, assign(3)));
  must(s, open(1, kTrue));
  EXPECT_FALSE(step(s, Extend{150, 400})) << "deadlines only grow";
  must(s, Extend{300, 400});
  must(s, assign(3));
  must(s, commit(3, kTrue));
  must(s, open(3, kTrue));
  EXPECT_EQ(s.outcome, Outcome::agreed);
  EXPECT_FALSE(step(s, Extend{500, 600})) << "decided";
}

TEST(Replication, ReplicasAreDistinct) {
  State s = *begin(2, kOperator | kRegion | kEngine, 1, 2);
  must(s, assign(1));
  for (const int shared : {0, 1, 2, 3}) {
    Worker w = worker(2);
    if (shared == 0) w.key = key(1);
    if (shared == 1) w.operator_name = "op1";
    if (shared == 2) w.region = "region1";
    if (shared == 3) w.engine = "engine1";
    EXPECT_FALSE(step(s, Assign{id(2), w})) << shared;
  }
  EXPECT_FALSE(step(s, Assign{id(1), worker(2)})) << "the same job";
  EXPECT_TRUE(step(s, assign(2)));
  State free = *begin(2, 0, 1, 2);
  must(free, assign(1));
  Worker same = worker(1);
  same.key = key(2);
  EXPECT_TRUE(step(free, Assign{id(2), same}));
  EXPECT_FALSE(begin(0, 0, 1, 2));
  EXPECT_FALSE(begin(65, 0, 1, 2));
  EXPECT_FALSE(begin(2, 8, 1, 2));
  EXPECT_FALSE(begin(2, 0, 2, 1));
}

// Random events, mostly impossible ones: failed steps change nothing, states survive their bytes, decisions obey their
// definition, a worker that only does what it is asked for, in time, is never struck.
TEST(Replication, RandomEventsKeepTheInvariants) {
  std::mt19937_64 random(7);
  std::size_t outcomes[4] = {};
  for (int run = 0; run < 3000; ++run) {
    State s = *begin(1 + static_cast<std::uint32_t>(random() % 3), 0, 100, 200);
    std::uint64_t now = 0, deadline = 200;
    const std::uint64_t liars = random() & random();  // by worker; each changes its mind now and then
    for (int i = 0; i < 60; ++i) {
      const auto n = static_cast<std::uint8_t>(1 + random() % 4);
      const bool lies = ((liars >> n) & 1U) != (random() % 10 == 0 ? 1U : 0U);
      const Digest h = lies ? kWrong : kTrue;
      const auto salt_of = static_cast<std::uint8_t>(random() % 8 == 0 ? 1 : n);
      Event e;
      switch (random() % 12) {
        case 0:
        case 1:
          e = assign(n);
          break;
        case 2:
          e = Lost{id(n)};
          break;
        case 3:
        case 4:
        case 5:
          e = commit(n, h, salt_of);
          break;
        case 6:
        case 7:
        case 8:
        case 9:
          e = open(n, h, salt_of);
          break;
        case 10:
          e = Tick{now += random() % 120};
          break;
        default:
          e = Extend{deadline + 10, deadline + 20};
      }
      const State before = s;
      const auto effects = step(s, e);
      if (!effects) {
        ASSERT_EQ(s, before);
        continue;
      }
      deadline = s.open_deadline_ms;
      if (s.outcome != before.outcome) ++outcomes[static_cast<std::size_t>(s.outcome)];
      const auto back = decode(encode(s));
      ASSERT_TRUE(back);
      ASSERT_EQ(*back, s);
      const auto said = claims(s);
      if (s.outcome == Outcome::agreed) {
        ASSERT_EQ(said.size(), 1U);
        ASSERT_GE(said.begin()->second.size(), s.k);
      }
      ASSERT_EQ(s.phase == Phase::settled, s.outcome != Outcome::open);
      if (before.outcome == Outcome::mismatch) {
        ASSERT_EQ(s.outcome, Outcome::mismatch);
      }
      if (before.outcome == Outcome::agreed) {
        ASSERT_TRUE(s.outcome == Outcome::agreed || s.outcome == Outcome::mismatch);
      }
      for (const Strike& strike : strikes(*effects)) ASSERT_NE(strike.kind, StrikeKind::correctness);
    }
  }
  for (std::size_t o = 0; o < 4; ++o) EXPECT_GT(outcomes[o], 50U) << "outcome " << o << " is hardly reached";
}

// Worker 1 commits when assigned and opens when asked, always in time. The others do anything: copy its commitment, claim its
// salt in openings, use it once it is public. Nobody can make it struck or its result invalid.
TEST(Replication, NobodyCanHarmAnHonestWorker) {
  std::mt19937_64 random(8);
  std::size_t opened = 0;
  for (int run = 0; run < 3000; ++run) {
    State s = *begin(1 + static_cast<std::uint32_t>(random() % 3), 0, 100, 200);
    const std::size_t start = random() % 5;
    const auto hear = [&](const Effects& effects, auto&& self) -> void {
      for (const Strike& strike : strikes(effects)) ASSERT_NE(strike.worker, key(1));
      for (const Effect& e : effects)
        if (const auto* ask = std::get_if<AskOpening>(&e); ask != nullptr && ask->job == id(1))
          self(must(s, open(1, kTrue)), self);
    };
    for (std::size_t i = 0; i < 30; ++i) {
      if (i == start && step(s, assign(1))) hear(must(s, commit(1, kTrue)), hear);
      const auto n = static_cast<std::uint8_t>(2 + random() % 3);
      const bool decided = s.outcome == Outcome::agreed || s.outcome == Outcome::mismatch;
      Event e;
      switch (random() % 8) {
        case 0:
        case 1:
          e = assign(n);
          break;
        case 2:
          e = Lost{id(n)};
          break;
        case 3:
          e = Commit{id(n), key(n), commit(1, kTrue).commitment};
          break;
        case 4:
          e = commit(n, kTrue, decided ? 1 : n);
          break;
        case 5:
          e = open(n, kTrue, n);
          break;
        case 6:
          e = open(n, kTrue, 1);
          break;
        default:
          e = Tick{random() % 300};
      }
      if (const auto effects = step(s, e)) hear(*effects, hear);
      for (const Replica& r : s.replicas)
        ASSERT_TRUE(r.job != id(1) || r.status == Status::committed || r.status == Status::opened);
    }
    for (const Replica& r : s.replicas) opened += r.job == id(1) && r.status == Status::opened ? 1 : 0;
  }
  EXPECT_GT(opened, 500U);
}

TEST(Replication, DamagedBytesAreNoOtherState) {
  State s = with(2, 3);
  must(s, commit(1, kTrue));
  must(s, commit(2, kTrue));
  must(s, Lost{id(3)});
  must(s, open(1, kTrue));
  const Bytes good = encode(s);
  for (std::size_t n = 0; n < good.size(); ++n) EXPECT_FALSE(decode(ByteView(good).first(n)));
  std::mt19937_64 random(9);
  for (int i = 0; i < 20000; ++i) {
    Bytes bad = good;
    bad[random() % bad.size()] = static_cast<std::uint8_t>(random());
    const auto d = decode(bad);
    ASSERT_TRUE(!d || encode(*d) == bad);
  }
  s.replicas[0].h_out = kWrong;
  EXPECT_FALSE(decode(encode(s))) << "an opening that does not fit its commitment";
}

}  // namespace
}  // namespace dsperse::trust::replication
