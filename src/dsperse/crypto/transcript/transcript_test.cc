// Every byte, label, kind, order and length that went in changes every later challenge; challenges are uniform in all limbs.
#include "dsperse/crypto/transcript/transcript.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <set>
#include <tuple>

namespace dsperse::crypto {
namespace {

using E = Ext<2>;

Bytes bytes(std::string_view s) { return {s.begin(), s.end()}; }

/// The first challenge after this script.
E after(const std::function<void(Transcript&)>& script, std::string_view domain = "test") {
  Transcript t(domain);
  script(t);
  return t.challenge<2>("end");
}

TEST(Transcript, IsDeterministic) {
  const auto script = [](Transcript& t) {
    t.absorb("a", "root", bytes("x"));
    (void)t.challenge<2>("c");
  };
  EXPECT_EQ(after(script), after(script));
}

TEST(Transcript, DistinguishesEveryWayToSaySomethingElse) {
  const std::vector<E> challenges = {
      after([](Transcript& t) { t.absorb("a", "k", bytes("xy")), t.absorb("b", "k", bytes("z")); }),
      after([](Transcript& t) { t.absorb("b", "k", bytes("z")), t.absorb("a", "k", bytes("xy")); }),  // reordered
      after([](Transcript& t) { t.absorb("a", "k", bytes("xy")); }),                                  // second omitted
      after([](Transcript& t) { t.absorb("b", "k", bytes("z")); }),                                   // first omitted
      after([](Transcript&) {}),                                                                      // nothing
      after([](Transcript&) {}, "test2"),                                                             // another domain
      after([](Transcript& t) { t.absorb("a", "k", bytes("x")), t.absorb("b", "k", bytes("yz")); }),  // bytes moved
      after([](Transcript& t) { t.absorb("ak", "", bytes("xy")), t.absorb("b", "k", bytes("z")); }),  // label and kind
      after([](Transcript& t) { t.absorb("a", "kxy", {}), t.absorb("b", "k", bytes("z")); }),         // kind and data
      after([](Transcript& t) { t.absorb("a", "k", bytes("xybkz")); }),                               // joined
      after([](Transcript& t) { t.absorb("a", "k", bytes("xy")), t.absorb("b", "k", bytes("z")), t.absorb("", "", {}); }),
      after([](Transcript& t) { t.absorb("a", "k", bytes("xy")), (void)t.challenge<2>("b"), t.absorb("b", "k", bytes("z")); }),
      after([](Transcript& t) { t.absorb("a", "k", bytes("xy")), (void)t.challenge<3>("b"), t.absorb("b", "k", bytes("z")); }),
      after([](Transcript& t) { t.absorb("a", "k", bytes("xy")), (void)t.challenge<2>("c"), t.absorb("b", "k", bytes("z")); }),
      after([](Transcript& t) { (void)t.columns("b", 64, 3); }),
      after([](Transcript& t) { (void)t.columns("b", 64, 4); }),
      after([](Transcript& t) { (void)t.columns("b", 128, 3); }),
  };
  for (std::size_t i = 0; i < challenges.size(); ++i)
    for (std::size_t j = 0; j < i; ++j) EXPECT_NE(challenges[i], challenges[j]) << i << " and " << j;
}

TEST(Transcript, EveryByteMatters) {
  for (const std::size_t size : {1UL, 31UL, 64UL, 230UL, 231UL, 232UL, 256UL, 257UL, 1500UL}) {
    Bytes data(size, 0);
    const auto script = [&](Transcript& t) { t.absorb("m", "k", data); };
    std::set<std::array<std::uint64_t, 2>> seen;
    const auto add = [&] {
      const E x = after(script);
      seen.insert({x.c[0].v, x.c[1].v});
    };
    add();
    for (std::size_t i = 0; i < size; ++i) {
      data[i] ^= 1;
      add();
      data[i] ^= 1;
    }
    EXPECT_EQ(seen.size(), size + 1) << "a byte of " << size << " did not change the challenge";
  }
}

TEST(Transcript, AllLaterChallengesDependOnAnEarlyMessage) {
  Transcript a("t"), b("t");
  a.absorb("m", "k", bytes("0"));
  b.absorb("m", "k", bytes("1"));
  for (int i = 0; i < 20; ++i) {
    EXPECT_NE(a.challenge<2>("c"), b.challenge<2>("c"));
    a.absorb("same", "k", bytes("same"));
    b.absorb("same", "k", bytes("same"));
  }
  EXPECT_NE(a.columns("c", 1 << 20, 20), b.columns("c", 1 << 20, 20));
}

TEST(Transcript, ConsecutiveDrawsDiffer) {
  Transcript t("t");
  std::set<std::uint64_t> seen;
  for (int i = 0; i < 100; ++i) seen.insert(t.challenge<2>("same label").c[0].v);
  EXPECT_EQ(seen.size(), 100U);
}

TEST(Transcript, ElementsAreAbsorbedAsTheirCanonicalLimbs) {
  const std::vector<E> xs(40, E::from_signed(-3));
  for (const std::size_t n : {0UL, 1UL, 16UL, 17UL, 40UL}) {
    ByteWriter w;
    for (std::size_t i = 0; i < n; ++i)
      for (const Fp limb : xs[i].c) w.u64(limb.v);
    EXPECT_EQ(after([&](Transcript& t) { t.absorb_ext<2>("m", std::span(xs).first(n)); }),
              after([&](Transcript& t) { t.absorb("m", "E2", w.bytes()); }));
  }
}

template <int D>
void expect_uniform_limbs() {
  Transcript t("uniform");
  constexpr int kDraws = 16000;
  std::array<std::array<int, 16>, D> top{}, low{};
  for (int i = 0; i < kDraws; ++i) {
    const Ext<D> x = t.challenge<D>("c");
    for (std::size_t k = 0; k < D; ++k) {
      ASSERT_LT(x.c[k].v, kP);
      ++top[k][x.c[k].v >> 60];
      ++low[k][x.c[k].v & 15];
    }
  }
  for (std::size_t k = 0; k < D; ++k)
    for (std::size_t bin = 0; bin < 16; ++bin) {  // mean 1000, standard deviation 31
      EXPECT_NEAR(top[k][bin], kDraws / 16.0, 170) << "limb " << k;
      EXPECT_NEAR(low[k][bin], kDraws / 16.0, 170) << "limb " << k;
    }
}
TEST(Transcript, ChallengesAreUniformInEveryLimb) {
  expect_uniform_limbs<2>();
  expect_uniform_limbs<3>();
}

TEST(Transcript, ColumnsAreDistinctAscendingAndInRange) {
  Transcript t("columns");
  for (const auto& [n, count] :
       {std::pair{1UL, 1UL}, {64UL, 64UL}, {64UL, 63UL}, {4096UL, 151UL}, {16384UL, 151UL}, {8UL, 9UL}, {64UL, 0UL}}) {
    const auto columns = t.columns("c", n, count);
    ASSERT_EQ(columns.size(), std::min(n, count));
    for (const std::uint32_t j : columns) EXPECT_LT(j, n);
    for (std::size_t i = 1; i < columns.size(); ++i) EXPECT_LT(columns[i - 1], columns[i]);
  }
}
TEST(Transcript, ColumnsAreUniform) {
  Transcript t("columns");
  std::array<int, 16> hits{};
  for (int i = 0; i < 4000; ++i)
    for (const std::uint32_t j : t.columns("c", 16, 4)) ++hits[j];
  for (const int h : hits) EXPECT_NEAR(h, 1000, 150);  // standard deviation 27
}

TEST(Transcript, Work) {
  std::uint64_t sum = 0;
  for (std::uint8_t i = 0; i < 64; ++i) {
    Transcript prover("work"), verifier("work");
    for (Transcript* t : {&prover, &verifier}) t->absorb("m", "k", ByteView(&i, 1));
    Transcript other = verifier, bare = verifier;
    const std::uint64_t nonce = prover.work("w", 6);
    sum += nonce;
    EXPECT_TRUE(verifier.check_work("w", 6, nonce));
    const auto challenge = prover.challenge<2>("c");
    EXPECT_EQ(challenge, verifier.challenge<2>("c"));
    // It is the least good one, and says what was found before it is said.
    for (std::uint64_t k = 0; k < nonce; ++k) {
      Transcript t = other;
      EXPECT_FALSE(t.check_work("w", 6, k));
    }
    // The challenge depends on nonce, label and bits.
    for (const auto& [label, bits, n] : {std::tuple{"w", 6U, nonce + 1}, {"v", 6U, nonce}, {"w", 5U, nonce}}) {
      Transcript t = other;
      (void)t.check_work(label, bits, n);
      EXPECT_NE(challenge, t.challenge<2>("c"));
    }
    EXPECT_FALSE(other.check_work("w", 6, std::uint64_t{1} << 48));
    EXPECT_TRUE(bare.check_work("w", 0, 0));
    EXPECT_FALSE(bare.check_work("w", 0, 1));
    EXPECT_EQ(bare.work("w", 0), 0U);
  }
  EXPECT_NEAR(static_cast<double>(sum) / 64, 63, 32);  // geometric, mean 63, standard deviation of the mean 8
}

TEST(Transcript, LogsOnlyWhenAsked) {
  Transcript t("log");
  t.absorb("quiet", "k", {});
  t.keep_log(true);
  t.absorb("m", "root", bytes("abc"));
  (void)t.challenge<2>("c");
  (void)t.columns("q", 8, 2);
  EXPECT_EQ(t.log(), (std::vector<std::string>{"absorb m root 3", "draw c", "draw q"}));
}

}  // namespace
}  // namespace dsperse::crypto
