#include "dsperse/trust/incentive/points_contract.h"

#include "dsperse/trust/incentive/testing/escrow_contract.h"

namespace dsperse::trust::incentive {
namespace {

std::unique_ptr<EscrowContract> make_points() { return std::make_unique<PointsContract>(*PointsContract::open({1, 2})); }

INSTANTIATE_TEST_SUITE_P(Points, EscrowContractTest, testing::Values(&make_points));

PointsContract random_contract(std::uint64_t seed, int events) {
  std::mt19937_64 random(seed);
  auto c = *PointsContract::open({1, 3});
  for (int i = 0; i < events; ++i) (void)c.submit(random_event(random));
  return c;
}

TEST(PointsContract, StateIsWhatTheHistoryLeadsTo) {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    const PointsContract c = random_contract(seed, 200);
    Points replayed = *begin_points({1, 3});
    for (const MoneyEvent& e : c.history().events()) ASSERT_TRUE(step(replayed, e));
    ASSERT_EQ(replayed, c.state());
    const auto back = PointsContract::decode(c.encode());
    ASSERT_TRUE(back);
    ASSERT_EQ(back->state(), c.state());
    ASSERT_EQ(back->head(), c.head());
    ASSERT_EQ(back->encode(), c.encode());
  }
}

TEST(PointsContract, RefusedEventsLeaveNoTrace) {
  PointsContract c = random_contract(1, 100);
  const Digest head = c.head();
  EXPECT_FALSE(c.submit(Bond{account(77), 1}));
  EXPECT_EQ(c.head(), head);
  ASSERT_TRUE(c.submit(Mint{account(77), 1}));
  EXPECT_NE(c.head(), head);
}

TEST(PointsContract, DamagedHistoriesAreRefused) {
  const PointsContract c = random_contract(2, 150);
  ASSERT_GT(c.history().events().size(), 20U);
  const Bytes good = c.encode();
  for (std::size_t n = 0; n < good.size(); n += 3) EXPECT_FALSE(PointsContract::decode(ByteView(good).first(n)));
  // The head covers every event; the share (bytes 4 to 12) is a parameter beside it.
  std::mt19937_64 random(5);
  for (int i = 0; i < 2000; ++i) {
    Bytes bad = good;
    bad[12 + random() % (bad.size() - 12)] ^= static_cast<std::uint8_t>(1 + random() % 255);
    EXPECT_FALSE(PointsContract::decode(bad));
  }
}

}  // namespace
}  // namespace dsperse::trust::incentive
