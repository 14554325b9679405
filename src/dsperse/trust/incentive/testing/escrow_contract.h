// The tests every EscrowContract must pass. An implementation's test includes this once and instantiates the suite:
//   INSTANTIATE_TEST_SUITE_P(Points, EscrowContractTest, testing::Values(&make_points));
// where the factory makes an empty contract with reporter's share 1/2. Not for product code.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>

#include "dsperse/trust/incentive/testing/events.h"

namespace dsperse::trust::incentive {

using MakeContract = std::unique_ptr<EscrowContract> (*)();

class EscrowContractTest : public testing::TestWithParam<MakeContract> {
 protected:
  void SetUp() override { c_ = GetParam()(); }
  std::vector<Payout> must(const MoneyEvent& e) {
    auto r = c_->submit(e);
    EXPECT_TRUE(r) << (r ? "" : r.error().text());
    return r ? *r : std::vector<Payout>{};
  }
  void refused(const MoneyEvent& e) {
    const Totals before = c_->totals();
    EXPECT_FALSE(c_->submit(e));
    EXPECT_EQ(c_->totals(), before);
  }
  /// A payer with 1000, a worker with a bond of 100, 10 locked for the receipt until time 50.
  void locked() {
    must(Mint{kPayer, 1000});
    must(Mint{kWorker, 100});
    must(Mint{kOther, 100});
    must(Bond{kWorker, 100});
    must(Lock{kReceipt, kPayer, kWorker, 10, 50});
  }
  static constexpr Digest kPayer = account(1), kWorker = account(2), kOther = account(3), kReceipt = account(100),
                          kVerdict = account(200);
  std::unique_ptr<EscrowContract> c_;
};

TEST_P(EscrowContractTest, WageIsPaidOnceAfterDrawAndWindow) {
  locked();
  EXPECT_EQ(c_->balance(kPayer), 990U);
  EXPECT_EQ(c_->status(kReceipt), EscrowStatus::open);
  refused(Release{kReceipt, 50});  // not drawn
  must(Drawn{kReceipt, true});
  refused(Drawn{kReceipt, false});
  refused(Release{kReceipt, 50});  // not audited
  must(AuditPassed{kReceipt});
  refused(AuditPassed{kReceipt});
  refused(Release{kReceipt, 49});  // window
  EXPECT_EQ(must(Release{kReceipt, 50}), (std::vector<Payout>{{kReceipt, kWorker, 10, PayoutKind::wage}}));
  EXPECT_EQ(c_->status(kReceipt), EscrowStatus::paid);
  refused(Release{kReceipt, 50});
  refused(Refund{kReceipt});
  refused(Slash{kReceipt, kOther, kVerdict, 100});
  refused(Lock{kReceipt, kPayer, kWorker, 10, 50});
  EXPECT_EQ(c_->balance(kWorker), 10U);
}

TEST_P(EscrowContractTest, NotDrawnNeedsNoAudit) {
  locked();
  must(Drawn{kReceipt, false});
  refused(AuditPassed{kReceipt});
  must(Release{kReceipt, 50});
  EXPECT_EQ(c_->balance(kWorker), 10U);
}

TEST_P(EscrowContractTest, BondAnswersForOpenReceipts) {
  locked();
  refused(Unbond{kWorker, 1});
  must(Drawn{kReceipt, false});
  must(Release{kReceipt, 50});
  refused(Unbond{kWorker, 101});
  must(Unbond{kWorker, 100});
  EXPECT_EQ(c_->bond(kWorker), 0U);
  EXPECT_EQ(c_->balance(kWorker), 110U);
}

TEST_P(EscrowContractTest, SlashSharesHalfAndBurnsTheRest) {
  locked();
  refused(Slash{kReceipt, kWorker, kVerdict, 31});  // itself
  EXPECT_EQ(must(Slash{kReceipt, kOther, kVerdict, 31}),
            (std::vector<Payout>{{kReceipt, kOther, 15, PayoutKind::share}, {kReceipt, kPayer, 10, PayoutKind::refund}}));
  EXPECT_EQ(c_->bond(kWorker), 69U);
  EXPECT_EQ(c_->balance(kPayer), 1000U);
  EXPECT_EQ(c_->totals().burned, 16U);
  EXPECT_EQ(c_->status(kReceipt), EscrowStatus::slashed);
}

TEST_P(EscrowContractTest, SlashTakesAtMostTheBond) {
  locked();
  must(Slash{kReceipt, kOther, kVerdict, ~std::uint64_t{0}});
  EXPECT_EQ(c_->bond(kWorker), 0U);
  EXPECT_EQ(c_->balance(kOther), 150U);
  EXPECT_EQ(c_->totals().burned, 50U);
}

TEST_P(EscrowContractTest, ChallengeHoldsThePaymentAndCostsTheLoser) {
  locked();
  must(Drawn{kReceipt, false});
  refused(Challenged{kReceipt, kWorker, 0});
  refused(Challenged{kReceipt, kOther, 101});
  must(Challenged{kReceipt, kOther, 21});
  refused(Challenged{kReceipt, kPayer, 1});
  refused(Release{kReceipt, 50});
  EXPECT_EQ(c_->totals().stakes, 21U);
  EXPECT_EQ(must(Dismissed{kReceipt}), (std::vector<Payout>{{kReceipt, kWorker, 10, PayoutKind::share}}));
  refused(Dismissed{kReceipt});
  EXPECT_EQ(c_->totals().burned, 11U);
  must(Challenged{kReceipt, kOther, 5});
  refused(Slash{kReceipt, kPayer, kVerdict, 10});  // not the challenger
  EXPECT_EQ(must(Slash{kReceipt, kOther, kVerdict, 10}), (std::vector<Payout>{{kReceipt, kOther, 5, PayoutKind::stake_back},
                                                                              {kReceipt, kOther, 5, PayoutKind::share},
                                                                              {kReceipt, kPayer, 10, PayoutKind::refund}}));
}

TEST_P(EscrowContractTest, RefundReturnsEverything) {
  locked();
  must(Challenged{kReceipt, kOther, 7});
  must(Refund{kReceipt});
  EXPECT_EQ(c_->balance(kPayer), 1000U);
  EXPECT_EQ(c_->balance(kOther), 100U);
  EXPECT_EQ(c_->bond(kWorker), 100U);
  EXPECT_EQ(c_->status(kReceipt), EscrowStatus::refunded);
}

TEST_P(EscrowContractTest, NothingComesFromNothing) {
  refused(Bond{kWorker, 1});
  refused(Unbond{kWorker, 1});
  refused(Lock{kReceipt, kPayer, kWorker, 1, 0});
  for (const MoneyEvent& e :
       std::vector<MoneyEvent>{Drawn{kReceipt, true}, AuditPassed{kReceipt}, Challenged{kReceipt, kOther, 0}, Dismissed{kReceipt},
                               Release{kReceipt, 0}, Refund{kReceipt}, Slash{kReceipt, kOther, kVerdict, 0}})
    refused(e);
  EXPECT_EQ(c_->status(kReceipt), std::nullopt);
  must(Mint{kPayer, ~std::uint64_t{0}});
  refused(Mint{kOther, 1});
}

TEST_P(EscrowContractTest, UnitsAreConservedAndPayoutsNameTheirReceipt) {
  std::mt19937_64 random(17);
  for (int run = 0; run < 300; ++run) {
    c_ = GetParam()();
    std::map<Digest, int> settled;
    for (int i = 0; i < 300; ++i) {
      const MoneyEvent e = random_event(random);
      const Totals before = c_->totals();
      const auto payouts = c_->submit(e);
      const Totals t = c_->totals();
      ASSERT_EQ(t.balances + t.bonds + t.escrow + t.stakes + t.burned, t.minted);
      ASSERT_GE(t.burned, before.burned);
      if (!payouts) {
        ASSERT_EQ(t, before);
        continue;
      }
      for (const Payout& p : *payouts) {
        ASSERT_TRUE(c_->status(p.receipt));
        ASSERT_GT(p.amount, 0U);
        if (p.kind == PayoutKind::wage || p.kind == PayoutKind::refund) {
          ASSERT_EQ(++settled[p.receipt], 1) << "paid for twice";
        }
      }
    }
  }
}

}  // namespace dsperse::trust::incentive
