#include "dsperse/trust/lottery/challenge.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>

namespace dsperse::trust::lottery {
namespace {

Digest id(std::uint64_t n) {
  Digest d{};
  for (std::size_t i = 0; i < 8; ++i) d[i] = static_cast<std::uint8_t>(n >> (8 * i));
  return d;
}

TEST(Challenge, EverySetOfSlicesIsEquallyLikely) {
  constexpr int kDraws = 20000;
  std::map<std::vector<std::uint32_t>, int> seen;
  for (int i = 0; i < kDraws; ++i) ++seen[*draw_slices(id(1), 5, 2, id(static_cast<std::uint64_t>(i)))];
  ASSERT_EQ(seen.size(), 10U);
  for (const auto& [set, n] : seen) EXPECT_LE(std::abs(n - kDraws / 10), 3 * std::sqrt(kDraws * 0.1 * 0.9));
}

TEST(Challenge, SizesAreExact) {
  for (std::uint32_t n = 1; n <= 9; ++n)
    for (std::uint32_t k = 0; k <= n; ++k) {
      const auto drawn = draw_slices(id(1), n, k, id(2));
      ASSERT_TRUE(drawn);
      ASSERT_EQ(drawn->size(), k);
      for (std::size_t i = 0; i < k; ++i) ASSERT_TRUE((*drawn)[i] < n && (i == 0 || (*drawn)[i - 1] < (*drawn)[i]));
    }
  EXPECT_FALSE(draw_slices(id(1), 0, 0, id(2)));
  EXPECT_FALSE(draw_slices(id(1), 3, 4, id(2)));
  EXPECT_FALSE(draw_slices(id(1), kMaxSlices + 1, 1, id(2)));
}

TEST(Challenge, RootsAndRunAreBound) {
  const std::vector<Digest> roots = {id(1), id(2)}, swapped = {id(2), id(1)};
  EXPECT_NE(bind_roots(id(7), 3, roots), bind_roots(id(7), 3, swapped));
  EXPECT_NE(bind_roots(id(7), 3, roots), bind_roots(id(8), 3, roots));
  EXPECT_NE(bind_roots(id(7), 3, roots), bind_roots(id(7), 4, roots));
  EXPECT_NE(*draw_slices(bind_roots(id(7), 3, roots), 1000, 20, id(2)),
            *draw_slices(bind_roots(id(7), 3, swapped), 1000, 20, id(2)));
}

TEST(Challenge, AnswersCloseIt) {
  auto c = publish(id(1), 10, 3);
  ASSERT_TRUE(c);
  EXPECT_FALSE(step(*c, Answer{0, true})) << "no nonce yet";
  const auto drawn = step(*c, Nonce{id(2), 100});
  ASSERT_TRUE(drawn);
  EXPECT_FALSE(step(*c, Nonce{id(3), 100})) << "one nonce";
  EXPECT_FALSE(step(*c, Deadline{99}));
  ASSERT_TRUE(step(*c, Answer{drawn->at(0), false}));
  EXPECT_EQ(c->open.size(), 3U);
  for (const std::uint32_t slice : *drawn) ASSERT_TRUE(step(*c, Answer{slice, true}));
  EXPECT_EQ(c->phase, ChallengePhase::answered);
  EXPECT_FALSE(step(*c, Deadline{100}));
  EXPECT_TRUE(verify_challenge(id(1), 10, 3, id(2), *drawn));
  const Verdict missing = verify_challenge(id(1), 10, 3, id(2), std::span(*drawn).first(2));
  EXPECT_EQ(missing.reason, "a drawn slice is not proved");
  EXPECT_EQ(missing.where, "slice " + std::to_string(drawn->back()));
  EXPECT_EQ(verify_challenge(id(1), 2, 3, id(2), *drawn).reason, "the challenge is malformed");
}

TEST(Challenge, SilenceExpires) {
  auto c = publish(id(1), 10, 3);
  ASSERT_TRUE(c);
  const auto drawn = step(*c, Nonce{id(2), 100});
  ASSERT_TRUE(drawn);
  ASSERT_TRUE(step(*c, Answer{drawn->at(1), true}));
  const auto left = step(*c, Deadline{100});
  ASSERT_TRUE(left);
  EXPECT_EQ(*left, (std::vector{drawn->at(0), drawn->at(2)}));
  EXPECT_EQ(c->phase, ChallengePhase::expired);
  EXPECT_FALSE(step(*c, Answer{drawn->at(0), true}));
}

TEST(Challenge, StatesSurviveTheirBytesAndNothingElseDoes) {
  auto c = publish(id(1), 10, 3);
  ASSERT_TRUE(c);
  EXPECT_EQ(*decode_challenge(encode(*c)), *c);
  const auto drawn = step(*c, Nonce{id(2), 100});
  ASSERT_TRUE(drawn && step(*c, Answer{drawn->at(1), true}));
  const Bytes good = encode(*c);
  EXPECT_EQ(*decode_challenge(good), *c);
  for (std::size_t n = 0; n < good.size(); ++n) EXPECT_FALSE(decode_challenge(ByteView(good).first(n)));
  Challenge forged = *c;
  forged.open.clear();
  EXPECT_FALSE(decode_challenge(encode(forged))) << "challenged with nothing open";
  forged = *c;
  forged.open = {};
  for (std::uint32_t s = 0; s < 10; ++s)
    if (std::ranges::find(*drawn, s) == drawn->end()) forged.open = {s};
  EXPECT_FALSE(decode_challenge(encode(forged))) << "an open slice that was not drawn";
}

}  // namespace
}  // namespace dsperse::trust::lottery
