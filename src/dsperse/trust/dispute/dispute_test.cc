#include "dsperse/trust/dispute/dispute.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace dsperse::trust::dispute {
namespace {

Digest id(std::uint8_t n) {
  Digest d{};
  d[0] = n;
  return d;
}
const Claim kA{id(1), id(11), id(21), id(31)}, kB{id(2), id(12), id(22), id(32)};
const Digest kThird = id(33);

State fresh() { return *begin({id(5), id(6), id(7), 3, id(8)}, kA, kB, 100); }
Effects must(State& s, const Event& e) {
  auto r = step(s, e);
  EXPECT_TRUE(r) << (r ? "" : r.error().text());
  return r ? *r : Effects{};
}
std::vector<Digest> struck(const Effects& effects, StrikeKind kind = StrikeKind::correctness) {
  std::vector<Digest> out;
  for (const Effect& e : effects)
    if (const auto* strike = std::get_if<Strike>(&e); strike != nullptr && strike->kind == kind) out.push_back(strike->worker);
  return out;
}
std::vector<Digest> pardoned(const Effects& effects) {
  std::vector<Digest> out;
  for (const Effect& e : effects)
    if (const auto* pardon = std::get_if<Pardon>(&e)) out.push_back(pardon->worker);
  return out;
}

TEST(Trace, FirstDifferenceIsFoundAtEveryPlace) {
  for (std::uint8_t slices = 1; slices <= 6; ++slices) {
    std::vector<Digest> a;
    for (std::uint8_t i = 0; i <= slices; ++i) a.push_back(id(i));
    EXPECT_EQ(*first_difference(a, a), std::nullopt);
    for (std::uint8_t at = 1; at <= slices; ++at) {
      std::vector<Digest> b = a;
      for (std::uint8_t i = at; i <= slices; i = static_cast<std::uint8_t>(i + 2)) b[i] = id(static_cast<std::uint8_t>(100 + i));
      const auto d = first_difference(a, b);
      ASSERT_TRUE(d && d->has_value());
      EXPECT_EQ(**d, (Difference{static_cast<std::uint32_t>(at - 1), a[at - 1], a[at], b[at]}));
    }
    std::vector<Digest> other = a;
    other[0] = id(99);
    const auto inputs = first_difference(a, other);
    ASSERT_FALSE(inputs);
    EXPECT_EQ(inputs.error().what, "the traces start from different inputs");
    other = a;
    other.push_back(id(50));
    EXPECT_EQ(first_difference(a, other).error().what, "the traces have different lengths");
  }
  const std::vector<Digest> one = {id(1)};
  EXPECT_FALSE(first_difference(one, one));
  EXPECT_FALSE(first_difference({}, {}));
}

TEST(Dispute, WhoeverProvesWins) {
  for (const Side side : {Side::a, Side::b}) {
    State s = fresh();
    const Effects e = must(s, Proof{side, id(40), true});
    EXPECT_EQ(s.outcome, side == Side::a ? Outcome::a : Outcome::b);
    EXPECT_EQ(struck(e), std::vector{side == Side::a ? kB.worker : kA.worker});
    const auto& decided = std::get<Decided>(e[0]);
    EXPECT_TRUE(decided.proved);
    EXPECT_EQ(decided.h_out, side == Side::a ? kA.h_out : kB.h_out);
    EXPECT_TRUE(must(s, Proof{side, id(41), true}).empty()) << "a second proof of the same output changes nothing";
    EXPECT_FALSE(step(s, Deadline{100}));
  }
}

TEST(Dispute, SilenceLosesAndTheJobGoesOn) {
  State s = fresh();
  EXPECT_FALSE(step(s, Deadline{99}));
  const Effects e = must(s, Deadline{100});
  EXPECT_EQ(s.outcome, Outcome::unproved);
  EXPECT_EQ(struck(e, StrikeKind::liveness), (std::vector{kA.worker, kB.worker}));
  EXPECT_TRUE(struck(e).empty()) << "nobody knows who is wrong";
  EXPECT_FALSE(std::get<Decided>(e[0]).proved);
}

TEST(Dispute, RefusedProofsRunOut) {
  State s = fresh();
  for (const Side side : {Side::a, Side::b})
    for (int i = 0; i < kAttempts; ++i) {
      EXPECT_EQ(s.outcome, Outcome::open);
      must(s, Proof{side, id(40), false});
    }
  EXPECT_EQ(s.outcome, Outcome::unproved);
  EXPECT_FALSE(step(s, Proof{Side::a, id(40), true})) << "a side that used its attempts is not checked again";
}

TEST(Dispute, LateProofAfterSilenceStillTellsWhoWasRight) {
  State s = fresh();
  must(s, Deadline{100});
  const Effects e = must(s, Proof{Side::b, id(40), true});
  EXPECT_EQ(s.outcome, Outcome::b);
  EXPECT_TRUE(pardoned(e).empty()) << "nobody was called wrong before";
  EXPECT_EQ(struck(e), std::vector{kA.worker});
}

TEST(Dispute, CoordinatorProvesItself) {
  for (const auto& [h_out, outcome] : {std::pair{kA.h_out, Outcome::a}, {kB.h_out, Outcome::b}, {kThird, Outcome::neither}}) {
    State s = fresh();
    const Effects e = must(s, OwnProof{h_out, id(40)});
    EXPECT_EQ(s.outcome, outcome);
    EXPECT_EQ(struck(e).size(), outcome == Outcome::neither ? 2U : 1U);
    EXPECT_EQ(std::get<Decided>(e[0]).h_out, h_out);
  }
}

TEST(Dispute, TwoProvedOutputsAreReportedAsABreak) {
  State s = fresh();
  must(s, Proof{Side::a, id(40), true});
  const Effects e = must(s, Proof{Side::b, id(41), true});
  EXPECT_EQ(s.outcome, Outcome::contradiction);
  EXPECT_TRUE(struck(e).empty());
  EXPECT_EQ(pardoned(e), std::vector{kB.worker});
  EXPECT_EQ(s.proofs.size(), 2U) << "both are kept as evidence";
  EXPECT_TRUE(must(s, OwnProof{kThird, id(42)}).empty());
  EXPECT_EQ(s.proofs.size(), 2U);
}

TEST(Dispute, ThereMustBeTwoSides) {
  Claim same = kB;
  same.h_out = kA.h_out;
  EXPECT_FALSE(begin({}, kA, same, 100));
  same = kB;
  same.worker = kA.worker;
  EXPECT_FALSE(begin({}, kA, same, 100));
  EXPECT_FALSE(begin({id(5), id(6), id(7), kMaxSlices, id(8)}, kA, kB, 100));
}

// All sequences of up to six events. The sum of strikes and pardons per worker is always what the outcome says; failed steps
// change nothing; states survive their bytes.
TEST(Dispute, AllShortSequences) {
  const std::vector<Event> events = {Proof{Side::a, id(40), true},
                                     Proof{Side::a, id(41), false},
                                     Proof{Side::b, id(42), true},
                                     Proof{Side::b, id(43), false},
                                     OwnProof{kThird, id(44)},
                                     Deadline{99},
                                     Deadline{100},
                                     Proof{static_cast<Side>(2), id(45), true}};
  std::size_t visited[6] = {};
  const auto walk = [&](auto&& self, const State& s, std::array<int, 2> blame, int depth) -> void {
    ++visited[static_cast<std::size_t>(s.outcome)];
    const auto back = decode(encode(s));
    ASSERT_TRUE(back);
    ASSERT_EQ(*back, s);
    const bool both = s.outcome == Outcome::neither;
    ASSERT_EQ(blame[0], both || s.outcome == Outcome::b ? 1 : 0);
    ASSERT_EQ(blame[1], both || s.outcome == Outcome::a ? 1 : 0);
    if (depth == 0) return;
    for (const Event& e : events) {
      State next = s;
      const auto effects = step(next, e);
      if (!effects) {
        ASSERT_EQ(next, s);
        continue;
      }
      auto sum = blame;
      for (const Digest& w : struck(*effects)) ++sum[w == kA.worker ? 0 : 1];
      for (const Digest& w : pardoned(*effects)) --sum[w == kA.worker ? 0 : 1];
      self(self, next, sum, depth - 1);
    }
  };
  walk(walk, fresh(), {0, 0}, 6);
  for (const std::size_t n : visited) EXPECT_GT(n, 10U);
}

TEST(Dispute, DamagedBytesAreNoOtherState) {
  State s = fresh();
  must(s, Proof{Side::b, id(43), false});
  must(s, Proof{Side::a, id(40), true});
  const Bytes good = encode(s);
  for (std::size_t n = 0; n < good.size(); ++n) EXPECT_FALSE(decode(ByteView(good).first(n)));
  std::mt19937_64 random(11);
  for (int i = 0; i < 20000; ++i) {
    Bytes bad = good;
    bad[random() % bad.size()] = static_cast<std::uint8_t>(random());
    const auto d = decode(bad);
    ASSERT_TRUE(!d || encode(*d) == bad);
  }
  s.outcome = Outcome::b;
  EXPECT_FALSE(decode(encode(s))) << "an outcome that its proof does not decide";
}

}  // namespace
}  // namespace dsperse::trust::dispute
