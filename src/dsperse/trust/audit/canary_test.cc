#include "dsperse/trust/audit/canary.h"

#include <gtest/gtest.h>

#include <cmath>

namespace dsperse::trust::audit {
namespace {

Digest id(std::uint8_t n) {
  Digest d{};
  d[0] = n;
  return d;
}
const Digest kTrue = id(90), kWrong = id(91);

TEST(Canary, RateAndIndependenceOfSlots) {
  constexpr double kSlots = 200000;
  for (const auto& [num, den] : {std::pair{1U, 4U}, {1U, 100U}}) {
    const Probability phi = *Probability::ratio(num, den);
    const double p = static_cast<double>(num) / den;
    double hits = 0, pairs = 0;
    bool last = false;
    for (std::uint64_t slot = 0; slot < 200000; ++slot) {
      const bool now = is_canary(id(1), slot, phi);
      hits += now ? 1 : 0;
      pairs += now && last ? 1 : 0;
      last = now;
    }
    EXPECT_LE(std::abs(hits - kSlots * p), 3 * std::sqrt(kSlots * p * (1 - p)));
    // The last slot says nothing about the next: pairs at rate p^2 (neighbouring pairs overlap, so the variance has a term of 2
    // p^3).
    const double var = kSlots * (p * p * (1 - p * p) + 2 * (p * p * p - p * p * p * p));
    EXPECT_LE(std::abs(pairs - kSlots * p * p), 3 * std::sqrt(var));
  }
  EXPECT_FALSE(is_canary(id(1), 5, Probability::never()));
  EXPECT_TRUE(is_canary(id(1), 5, Probability::always()));
  int differ = 0;
  for (std::uint64_t slot = 0; slot < 64; ++slot)
    differ += is_canary(id(1), slot, *Probability::ratio(1, 2)) != is_canary(id(2), slot, *Probability::ratio(1, 2)) ? 1 : 0;
  EXPECT_GT(differ, 8) << "the secret decides";
}

// Every kind of canary against every kind of answer.
TEST(Canary, JudgementTable) {
  struct Case {
    std::optional<Digest> claim;
    Digest answer;
    CanaryStatus status;
  };
  const Case cases[] = {{{}, kTrue, CanaryStatus::passed},     {{}, kWrong, CanaryStatus::wrong},
                        {kTrue, kTrue, CanaryStatus::passed},  {kTrue, kWrong, CanaryStatus::wrong},
                        {kWrong, kTrue, CanaryStatus::passed}, {kWrong, kWrong, CanaryStatus::echoed},
                        {kWrong, id(92), CanaryStatus::wrong}};
  for (const bool late : {false, true})
    for (const Case& c : cases) {
      Pool pool;
      ASSERT_TRUE(step(pool, Stock{id(1), kTrue, c.claim}));
      ASSERT_TRUE(step(pool, Issue{id(1), id(7)}));
      if (late) {
        const auto silence = step(pool, Expire{id(1)});
        ASSERT_TRUE(silence && silence->has_value());
        EXPECT_EQ((*silence)->kind, StrikeKind::liveness);
      }
      const auto strike = step(pool, Reply{id(1), id(7), c.answer});
      ASSERT_TRUE(strike);
      EXPECT_EQ(pool.at(id(1)).status, c.status);
      ASSERT_EQ(strike->has_value(), c.status != CanaryStatus::passed);
      if (*strike) {
        EXPECT_EQ((*strike)->kind, StrikeKind::correctness);
        EXPECT_EQ((*strike)->worker, id(7));
      }
      EXPECT_EQ(*decode_pool(encode(pool)), pool);
    }
}

// All sequences of up to six events over two jobs and two workers.
TEST(Canary, AllShortSequences) {
  const std::vector<CanaryEvent> events = {Stock{id(1), kTrue, {}},
                                           Stock{id(2), kTrue, kWrong},
                                           Issue{id(1), id(7)},
                                           Issue{id(2), id(8)},
                                           Reply{id(1), id(7), kTrue},
                                           Reply{id(1), id(8), kTrue},
                                           Reply{id(2), id(8), kWrong},
                                           Expire{id(1)},
                                           Expire{id(2)}};
  std::size_t accepted = 0;
  const auto walk = [&](auto&& self, const Pool& pool, int depth) -> void {
    const auto back = decode_pool(encode(pool));
    ASSERT_TRUE(back);
    ASSERT_EQ(*back, pool);
    if (depth == 0) return;
    for (const CanaryEvent& e : events) {
      Pool next = pool;
      if (!step(next, e)) {
        ASSERT_EQ(next, pool);
        continue;
      }
      ++accepted;
      self(self, next, depth - 1);
    }
  };
  walk(walk, {}, 6);
  EXPECT_GT(accepted, 50U);
}

TEST(Canary, DamagedPoolsAreRefused) {
  Pool pool;
  ASSERT_TRUE(step(pool, Stock{id(1), kTrue, kWrong}));
  const Bytes good = encode(pool);
  for (std::size_t n = 0; n < good.size(); ++n) EXPECT_FALSE(decode_pool(ByteView(good).first(n)));
  Pool forged = pool;
  forged.at(id(1)).status = CanaryStatus::echoed;
  forged.at(id(1)).claim.reset();
  EXPECT_FALSE(decode_pool(encode(forged)));
}

}  // namespace
}  // namespace dsperse::trust::audit
