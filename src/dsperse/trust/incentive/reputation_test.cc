#include "dsperse/trust/incentive/reputation.h"

#include <gtest/gtest.h>

#include <random>

namespace dsperse::trust::incentive {
namespace {

Digest id(std::uint64_t n) {
  Digest d{};
  for (std::size_t i = 0; i < 8; ++i) d[i] = static_cast<std::uint8_t>(n >> (8 * i));
  return d;
}
const ReputationRules kRules{1000, 500, 3, 100, 50};

TEST(Reputation, StrikesExcludeForTheirTime) {
  for (const auto& [kind, ms] : {std::pair{StrikeKind::correctness, 1000U}, {StrikeKind::commitment, 500U}}) {
    Reputation r(kRules);
    ASSERT_TRUE(r.submit(Blame{id(1), id(11), kind, 10}));
    EXPECT_EQ(r.excluded_until_ms(id(1)), 10U + ms);
    EXPECT_TRUE(r.excluded(id(1), 9 + ms));
    EXPECT_FALSE(r.excluded(id(1), 10 + ms));
    EXPECT_FALSE(r.excluded(id(2), 10));
  }
  Reputation forever{ReputationRules{}};
  ASSERT_TRUE(forever.submit(Blame{id(1), id(11), StrikeKind::correctness, 10}));
  EXPECT_TRUE(forever.excluded(id(1), kForEver));
}

TEST(Reputation, LatenessExcludesOnlyInCrowds) {
  Reputation sparse(kRules), dense(kRules);
  for (std::uint64_t i = 0; i < 10; ++i) {
    ASSERT_TRUE(sparse.submit(Blame{id(1), id(i), StrikeKind::liveness, i * 51}));
    ASSERT_TRUE(dense.submit(Blame{id(1), id(i), StrikeKind::liveness, i * 50}));
  }
  EXPECT_EQ(sparse.excluded_until_ms(id(1)), 0U);
  EXPECT_EQ(dense.excluded_until_ms(id(1)), 450U + 50U);
}

TEST(Reputation, AcquittalUndoesOneStrike) {
  Reputation r(kRules);
  ASSERT_TRUE(r.submit(Blame{id(1), id(11), StrikeKind::correctness, 10}));
  ASSERT_TRUE(r.submit(Blame{id(1), id(12), StrikeKind::correctness, 20}));
  EXPECT_FALSE(r.submit(Acquit{id(1), id(13)}));
  EXPECT_FALSE(r.submit(Acquit{id(2), id(12)}));
  ASSERT_TRUE(r.submit(Acquit{id(1), id(12)}));
  EXPECT_EQ(r.excluded_until_ms(id(1)), 1010U);
  EXPECT_FALSE(r.submit(Acquit{id(1), id(12)}));
}

TEST(Reputation, ImpossibleEventsChangeNothing) {
  Reputation r(kRules);
  ASSERT_TRUE(r.submit(Blame{id(1), id(11), StrikeKind::liveness, 10}));
  const Bytes before = r.encode();
  EXPECT_FALSE(r.submit(Blame{id(1), id(11), StrikeKind::liveness, 20})) << "twice";
  EXPECT_FALSE(r.submit(Blame{id(1), id(12), StrikeKind::liveness, 9})) << "backwards";
  EXPECT_FALSE(r.submit(Blame{id(1), id(12), static_cast<StrikeKind>(3), 20}));
  EXPECT_EQ(r.encode(), before);
  EXPECT_TRUE(r.submit(Blame{id(1), id(11), StrikeKind::correctness, 20})) << "another kind for the same job";
}

TEST(Reputation, HistoriesReplayAndDamageIsRefusedOrCanonical) {
  std::mt19937_64 random(6);
  Reputation r(kRules);
  std::uint64_t now = 0;
  for (int i = 0; i < 300; ++i) {
    const Digest worker = id(random() % 4), job = id(random() % 60);
    if (random() % 5 == 0) {
      (void)r.submit(Acquit{worker, job});
    } else {
      (void)r.submit(Blame{worker, job, static_cast<StrikeKind>(random() % 3), now += random() % 40});
    }
  }
  const Bytes good = r.encode();
  const auto back = Reputation::decode(good);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->history().head(), r.history().head());
  for (std::uint64_t w = 0; w < 4; ++w) {
    EXPECT_EQ(back->marks(id(w)), r.marks(id(w)));
    EXPECT_EQ(back->excluded_until_ms(id(w)), r.excluded_until_ms(id(w)));
  }
  for (std::size_t n = 0; n < good.size(); n += 7) EXPECT_FALSE(Reputation::decode(ByteView(good).first(n)));
  for (int i = 0; i < 2000; ++i) {
    Bytes bad = good;
    bad[random() % bad.size()] = static_cast<std::uint8_t>(random());
    const auto d = Reputation::decode(bad);
    ASSERT_TRUE(!d || d->encode() == bad);
  }
}

TEST(Reputation, ImpliedBondIsTheSmallerOfLossAndFreshStart) {
  ReputationRules rules;
  rules.correctness_ms = 7200000;
  EXPECT_EQ(implied_bond(rules, 10, 100), 20U);
  EXPECT_EQ(implied_bond(rules, 10, 15), 15U);
  EXPECT_EQ(implied_bond(rules, kForEver, kForEver), kForEver) << "no overflow";
  rules.correctness_ms = 5400001;
  EXPECT_EQ(implied_bond(rules, 1, 100), 1U) << "rounded down";
  rules.correctness_ms = kForEver;
  EXPECT_EQ(implied_bond(rules, 1, 100), 100U);
  EXPECT_EQ(implied_bond(rules, 0, 100), 0U) << "who earns nothing loses nothing";
}

}  // namespace
}  // namespace dsperse::trust::incentive
