#include "dsperse/trust/types/probability.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

namespace dsperse::trust {
namespace {

constexpr std::uint64_t kTop = ~std::uint64_t{0};

// The definition: word < num / den * 2^64 over the rationals.
bool hits_by_definition(std::uint64_t word, std::uint64_t num, std::uint64_t den) {
  return static_cast<unsigned __int128>(word) * den < static_cast<unsigned __int128>(num) << 64U;
}

TEST(Probability, ZeroAndOneAreExact) {
  for (const std::uint64_t den : {std::uint64_t{1}, std::uint64_t{7}, kTop}) {
    const auto zero = Probability::ratio(0, den), one = Probability::ratio(den, den);
    ASSERT_TRUE(zero && one);
    EXPECT_TRUE(zero->is_never());
    EXPECT_TRUE(one->is_always());
    for (const std::uint64_t word : {std::uint64_t{0}, std::uint64_t{1}, kTop}) {
      EXPECT_FALSE(zero->hits(word));
      EXPECT_TRUE(one->hits(word));
    }
  }
  EXPECT_FALSE(Probability::of_threshold(kTop).hits(kTop));
  EXPECT_TRUE(Probability::of_threshold(1).hits(0));
  EXPECT_FALSE(Probability::of_threshold(1).hits(1));
}

TEST(Probability, RatiosMatchTheDefinitionAroundTheThreshold) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 20000; ++i) {
    const std::uint64_t den = std::max<std::uint64_t>(1, random() >> (random() % 64));
    const std::uint64_t num = den == kTop ? random() : random() % (den + 1);
    const auto p = Probability::ratio(num, den);
    ASSERT_TRUE(p);
    const auto near = static_cast<std::uint64_t>((static_cast<unsigned __int128>(num) << 64U) / den);
    for (std::uint64_t word : {near - 2, near - 1, near, near + 1, near + 2, std::uint64_t{0}, kTop, random()})
      ASSERT_EQ(p->hits(word), hits_by_definition(word, num, den)) << num << "/" << den << " " << word;
  }
  const auto near_one = Probability::ratio(kTop - 1, kTop);
  ASSERT_TRUE(near_one);
  EXPECT_EQ(near_one->hits(kTop), hits_by_definition(kTop, kTop - 1, kTop));
}

TEST(Probability, WrongRatiosAreErrors) {
  EXPECT_FALSE(Probability::ratio(0, 0));
  EXPECT_FALSE(Probability::ratio(2, 1));
}

// The definition, in long double: the least threshold t with t 2^-64 >= p.
TEST(Probability, RatesAreRoundedUp) {
  EXPECT_TRUE(probability_of(0).is_never());
  EXPECT_TRUE(probability_of(-1).is_never());
  EXPECT_TRUE(probability_of(std::numeric_limits<double>::quiet_NaN()).is_never());
  EXPECT_TRUE(probability_of(1).is_always());
  EXPECT_TRUE(probability_of(2).is_always());
  EXPECT_EQ(probability_of(0.5), Probability::of_threshold(std::uint64_t{1} << 63));
  EXPECT_EQ(probability_of(0x1p-64), Probability::of_threshold(1));
  EXPECT_EQ(probability_of(0x1p-70), Probability::of_threshold(1)) << "up, never to nothing";
  EXPECT_EQ(probability_of(std::nextafter(1.0, 0.0)), Probability::of_threshold(kTop - 2047));
  std::mt19937_64 random(4);
  for (int i = 0; i < 20000; ++i) {
    const double p = std::ldexp(static_cast<double>(random() >> 11U) * 0x1p-53, -static_cast<int>(random() % 40));
    const std::uint64_t t = probability_of(p).threshold();
    const long double exact = std::ldexp(static_cast<long double>(p), 64);
    ASSERT_GE(static_cast<long double>(t), exact) << p;
    ASSERT_LT(static_cast<long double>(t) - 1, exact) << p;
    ASSERT_GE(rate_of(probability_of(p)), p);
    ASSERT_EQ(probability_of(rate_of(probability_of(p))), probability_of(p));
    const auto any = Probability::of_threshold(random());
    ASSERT_LE(probability_of(rate_of(any)), any);
    ASSERT_GT(probability_of(std::nextafter(rate_of(any), 1.0)), any) << "the largest";
  }
  EXPECT_EQ(rate_of(Probability::always()), 1);
  EXPECT_EQ(rate_of(Probability::never()), 0);
  EXPECT_EQ(rate_of(probability_of(0.05)), 0.05);
}

TEST(Probability, OrderIsTheOrderOfValues) {
  EXPECT_LT(Probability::never(), Probability::of_threshold(1));
  EXPECT_LT(Probability::of_threshold(kTop), Probability::always());
  EXPECT_LT(*Probability::ratio(1, 11), *Probability::ratio(1, 10));
  EXPECT_NEAR(Probability::ratio(1, 10)->value(), 0.1, 1e-15);
}

TEST(Probability, BytesAreCanonical) {
  for (const auto& p : {Probability::never(), Probability::always(), Probability::of_threshold(kTop)}) {
    ByteWriter w;
    p.write(w);
    ByteReader r(w.bytes());
    EXPECT_EQ(Probability::read(r), p);
    EXPECT_TRUE(r.finished());
  }
  for (const Bytes& bad : {Bytes{2, 0, 0, 0, 0, 0, 0, 0, 0}, Bytes{1, 1, 0, 0, 0, 0, 0, 0, 0}, Bytes{1, 0}}) {
    ByteReader r(bad);
    (void)Probability::read(r);
    EXPECT_FALSE(r.finished());
  }
}

}  // namespace
}  // namespace dsperse::trust
