#include "dsperse/trust/incentive/points.h"

#include <gtest/gtest.h>

#include "dsperse/trust/incentive/testing/events.h"

namespace dsperse::trust::incentive {
namespace {

TEST(Points, ShareIsAtMostHalf) {
  EXPECT_TRUE(begin_points({0, 1}));
  EXPECT_TRUE(begin_points({1, 2}));
  EXPECT_FALSE(begin_points({1, 0}));
  EXPECT_FALSE(begin_points({2, 3}));
  EXPECT_FALSE(begin_points({0xFFFFFFFFU, 0xFFFFFFFFU}));
}

// What a worker loses with an accomplice as reporter is at least half of the slash, for every small amount and share.
TEST(Points, SelfReportThroughAnAccompliceStillCosts) {
  for (std::uint32_t den = 2; den <= 7; ++den)
    for (std::uint32_t num = 0; 2 * num <= den; ++num)
      for (std::uint64_t amount = 0; amount <= 20; ++amount) {
        Points p = *begin_points({num, den});
        const Digest payer = account(1), worker = account(2), friend_of = account(3), receipt = account(100);
        ASSERT_TRUE(step(p, Mint{worker, 20}));
        ASSERT_TRUE(step(p, Bond{worker, 20}));
        ASSERT_TRUE(step(p, Lock{receipt, payer, worker, 0, 0}));
        ASSERT_TRUE(step(p, Slash{receipt, friend_of, {}, amount}));
        ASSERT_GE(p.burned * 2, amount);
        ASSERT_EQ(p.burned + (p.balances.contains(friend_of) ? p.balances.at(friend_of) : 0), amount);
      }
}

// All sequences of up to seven events on one receipt: conservation, no change by failed steps, one settlement.
TEST(Points, AllShortSequences) {
  const Digest payer = account(1), worker = account(2), other = account(3), receipt = account(100);
  Points start = *begin_points({1, 2});
  for (const Digest& who : {payer, worker, other}) ASSERT_TRUE(step(start, Mint{who, 10}));
  ASSERT_TRUE(step(start, Bond{worker, 9}));
  const std::vector<MoneyEvent> events = {Lock{receipt, payer, worker, 5, 7},
                                          Drawn{receipt, true},
                                          Drawn{receipt, false},
                                          AuditPassed{receipt},
                                          Challenged{receipt, other, 3},
                                          Dismissed{receipt},
                                          Release{receipt, 6},
                                          Release{receipt, 7},
                                          Refund{receipt},
                                          Slash{receipt, other, {}, 7},
                                          Unbond{worker, 9}};
  std::size_t paid = 0, slashed = 0;
  const auto walk = [&](auto&& self, const Points& p, int depth) -> void {
    const Totals t = totals_of(p);
    ASSERT_EQ(t.balances + t.bonds + t.escrow + t.stakes + t.burned, 30U);
    ASSERT_EQ(t.minted, 30U);
    if (const auto at = p.escrows.find(receipt); at != p.escrows.end()) {
      const bool open = at->second.status == EscrowStatus::open;
      ASSERT_EQ(p.open_receipts.contains(worker), open);
      ASSERT_TRUE(open || (!at->second.challenged && at->second.stake == 0));
      if (at->second.status == EscrowStatus::paid) {
        ++paid;
        ASSERT_EQ(at->second.audit, AuditState::clear);
      }
      slashed += at->second.status == EscrowStatus::slashed ? 1 : 0;
    }
    if (depth == 0) return;
    for (const MoneyEvent& e : events) {
      Points next = p;
      if (!step(next, e)) {
        ASSERT_EQ(next, p);
        continue;
      }
      self(self, next, depth - 1);
    }
  };
  walk(walk, start, 7);
  EXPECT_GT(paid, 10U);
  EXPECT_GT(slashed, 10U);
}

}  // namespace
}  // namespace dsperse::trust::incentive
