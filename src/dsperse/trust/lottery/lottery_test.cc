#include "dsperse/trust/lottery/lottery.h"

#include <gtest/gtest.h>

#include <random>

namespace dsperse::trust::lottery {
namespace {

Digest id(std::uint8_t n) {
  Digest d{};
  d[0] = n;
  return d;
}
const Digest kRun = id(200), kSecret = id(201);

State fresh(Late late) { return begin(kRun, commitment_of(kRun, kSecret), late); }

TEST(Lottery, HonestWayToTheDraw) {
  State s = fresh(Late::user_nonce);
  ASSERT_TRUE(step(s, AddJob{id(1), Probability::always()}));
  ASSERT_TRUE(step(s, AddJob{id(2), Probability::never()}));
  ASSERT_TRUE(step(s, AddJob{id(3), Probability::always()}));
  EXPECT_EQ(standing(s, id(1)), Standing::pending);
  EXPECT_EQ(standing(s, id(9)), Standing::unknown);
  EXPECT_FALSE(step(s, Close{}));
  ASSERT_TRUE(step(s, Receipt{id(1), id(11)}));
  ASSERT_TRUE(step(s, Receipt{id(2), id(12)}));
  ASSERT_TRUE(step(s, Withdraw{id(3)}));
  EXPECT_FALSE(step(s, LatePart{id(5)})) << "before the lottery is closed it is not late";
  ASSERT_TRUE(step(s, Close{}));
  EXPECT_FALSE(step(s, Reveal{kSecret})) << "before the late part the coordinator would know the draw alone";
  ASSERT_TRUE(step(s, LatePart{id(5)}));
  EXPECT_FALSE(step(s, Reveal{id(202)}));
  EXPECT_EQ(standing(s, id(1)), Standing::pending);
  const auto drawn = step(s, Reveal{kSecret});
  ASSERT_TRUE(drawn);
  EXPECT_EQ(*drawn, Audits{id(1)});
  EXPECT_EQ(standing(s, id(1)), Standing::drawn);
  EXPECT_EQ(standing(s, id(2)), Standing::not_drawn);
  EXPECT_TRUE(verify_draw(published(s), {kSecret, *drawn}));
}

TEST(Lottery, PendingIsNotAccepted) {
  for (const bool passed : {false, true}) {
    EXPECT_EQ(acceptance(Standing::unknown, passed, true).reason, "the job is not in the lottery");
    EXPECT_EQ(acceptance(Standing::pending, passed, false).reason, "the audit is not yet drawn");
    EXPECT_TRUE(acceptance(Standing::pending, passed, true));
    EXPECT_TRUE(acceptance(Standing::not_drawn, passed, false));
    EXPECT_EQ(acceptance(Standing::drawn, passed, true).accepted, passed);
  }
  EXPECT_EQ(acceptance(Standing::drawn, false, true).reason, "the audit has not passed");
}

TEST(Lottery, JobsWithReceiptsStay) {
  State s = fresh(Late::none);
  ASSERT_TRUE(step(s, AddJob{id(1), Probability::always()}));
  ASSERT_TRUE(step(s, Receipt{id(1), id(11)}));
  EXPECT_FALSE(step(s, Withdraw{id(1)}));
  EXPECT_FALSE(step(s, Receipt{id(1), id(12)})) << "a salt is opened once";
  ASSERT_TRUE(step(s, Close{}));
  EXPECT_FALSE(step(s, AddJob{id(2), Probability::always()}));
  EXPECT_EQ(s.phase, Phase::ready);
  EXPECT_FALSE(step(s, LatePart{id(5)})) << "none was announced";
}

// All sequences of up to seven events over two jobs: no step that fails changes the state, every state survives its bytes, a
// secret is never out before all receipts and the late part are in.
TEST(Lottery, AllShortSequences) {
  const std::vector<Event> events = {AddJob{id(1), Probability::always()},
                                     AddJob{id(2), Probability::never()},
                                     Receipt{id(1), id(11)},
                                     Receipt{id(2), id(12)},
                                     Withdraw{id(1)},
                                     Close{},
                                     LatePart{id(5)},
                                     Reveal{kSecret},
                                     Reveal{id(9)}};
  std::size_t accepted = 0, drawn = 0;
  const auto walk = [&](auto&& self, const State& s, int depth) -> void {
    const auto back = decode(encode(s));
    ASSERT_TRUE(back);
    ASSERT_EQ(*back, s);
    if (s.phase == Phase::drawn) {
      ++drawn;
      for (const auto& [job, j] : s.jobs) ASSERT_TRUE(j.salt);
      ASSERT_EQ(s.late_part.has_value(), s.late != Late::none);
      ASSERT_TRUE(verify_draw(published(s), {*s.secret, *audits(s)}));
    }
    if (depth == 0) return;
    for (const Event& e : events) {
      State next = s;
      if (!step(next, e)) {
        ASSERT_EQ(next, s);
        continue;
      }
      ++accepted;
      self(self, next, depth - 1);
    }
  };
  for (const Late late : {Late::none, Late::user_nonce, Late::beacon}) walk(walk, fresh(late), 7);
  EXPECT_GT(accepted, 100U);
  EXPECT_GT(drawn, 10U);
}

TEST(Lottery, DamagedBytesAreNoOtherState) {
  State s = fresh(Late::beacon);
  ASSERT_TRUE(step(s, AddJob{id(1), Probability::of_threshold(7)}));
  ASSERT_TRUE(step(s, AddJob{id(2), Probability::of_threshold(7)}));
  ASSERT_TRUE(step(s, Receipt{id(1), id(11)}));
  const Bytes good = encode(s);
  for (std::size_t n = 0; n < good.size(); ++n) EXPECT_FALSE(decode(ByteView(good).first(n)));
  Bytes longer = good;
  longer.push_back(0);
  EXPECT_FALSE(decode(longer));
  std::mt19937_64 random(3);
  for (int i = 0; i < 20000; ++i) {
    Bytes bad = good;
    for (std::uint64_t k = 1 + random() % 3; k > 0; --k) bad[random() % bad.size()] = static_cast<std::uint8_t>(random());
    const auto d = decode(bad);
    ASSERT_TRUE(!d || encode(*d) == bad) << "one state, one encoding";
  }
}

}  // namespace
}  // namespace dsperse::trust::lottery
