// goldilocks.h against 128-bit integer arithmetic, extension.h against its defining relation and the field axioms, ext_vec.h.
#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "dsperse/crypto/field/ext_vec.h"
#include "dsperse/crypto/field/extension.h"

namespace dsperse::crypto {
namespace {

using U128 = unsigned __int128;

std::vector<std::uint64_t> samples() {
  std::vector<std::uint64_t> xs = {0,
                                   1,
                                   2,
                                   7,
                                   kEpsilon - 1,
                                   kEpsilon,
                                   1ULL << 32,
                                   kP - 1,
                                   kP - 2,
                                   kP >> 1,
                                   kP - kEpsilon,
                                   1ULL << 63,
                                   0x00000001FFFFFFFFULL,
                                   0xFFFFFFFE00000000ULL};
  std::mt19937_64 random(2);
  while (xs.size() < 200) xs.push_back(random() % kP);
  return xs;
}

TEST(Goldilocks, MatchesIntegerArithmetic) {
  for (const std::uint64_t a : samples()) {
    EXPECT_EQ((-Fp(a)).v, (kP - a) % kP);
    for (const std::uint64_t b : samples()) {
      ASSERT_EQ((Fp(a) + Fp(b)).v, static_cast<std::uint64_t>((U128{a} + b) % kP));
      ASSERT_EQ((Fp(a) - Fp(b)).v, static_cast<std::uint64_t>((U128{a} + kP - b) % kP));
      ASSERT_EQ((Fp(a) * Fp(b)).v, static_cast<std::uint64_t>(U128{a} * b % kP));
      ASSERT_TRUE(wide_product_by_halves(a, b) == U128{a} * b);
      ASSERT_TRUE(wide_product_by_halves(~a, ~b) == U128{~a} * ~b);
    }
  }
}

TEST(Goldilocks, ReducesAnyProduct) {
  const std::uint64_t words[] = {0, 1, kEpsilon, kEpsilon + 1, kP - 1, kP, kP + 1, ~0ULL, ~0ULL - 1, 1ULL << 63, ~kEpsilon};
  std::mt19937_64 random(3);
  for (const std::uint64_t hi : words)
    for (const std::uint64_t lo : words)
      EXPECT_EQ(reduce128(U128{hi} << 64 | lo), static_cast<std::uint64_t>((U128{hi} << 64 | lo) % kP));
  for (int i = 0; i < 10000; ++i) {
    const U128 x = U128{random()} << 64 | random();
    ASSERT_EQ(reduce128(x), static_cast<std::uint64_t>(x % kP));
  }
}

TEST(Goldilocks, ConvertsIntegers) {
  for (const std::int64_t x : {std::int64_t{0}, std::int64_t{1}, std::int64_t{-1}, INT64_MAX, INT64_MIN,
                               std::int64_t{-4294967295}, std::int64_t{-4294967296}}) {
    const __int128 r =
        (static_cast<__int128>(x) % static_cast<__int128>(kP) + static_cast<__int128>(kP)) % static_cast<__int128>(kP);
    EXPECT_EQ(Fp::from_signed(x).v, static_cast<std::uint64_t>(r)) << x;
  }
  EXPECT_EQ(Fp::from_u64(kP).v, 0U);
  EXPECT_EQ(Fp::from_u64(~0ULL).v, kEpsilon - 1);
  EXPECT_EQ(Fp::from_u64(kP - 1).v, kP - 1);
}

TEST(Goldilocks, InvertsAndHasItsRoots) {
  for (const std::uint64_t a : samples()) EXPECT_EQ((Fp(a) * inverse(Fp(a))).v, a == 0 ? 0U : 1U);
  for (unsigned log_n = 0; log_n <= kTwoAdicity; ++log_n) {
    Fp x = root_of_unity(log_n);
    for (unsigned i = 0; i + 1 < log_n; ++i) x *= x;
    EXPECT_EQ(x.v, log_n == 0 ? 1 : kP - 1) << "order 2^" << log_n;
  }
  // 7 generates F*: its power to (p - 1) / q is not one for any prime q that divides p - 1 = 2^32 3 5 17 257 65537.
  for (const std::uint64_t q : {2ULL, 3ULL, 5ULL, 17ULL, 257ULL, 65537ULL}) EXPECT_NE(power(Fp(kGenerator), (kP - 1) / q).v, 1U);
}

TEST(Goldilocks, PowersOfTwoHaveOrder192) {
  EXPECT_EQ(power_of_two(192).v, 1U);
  EXPECT_EQ(power_of_two(96).v, kP - 1);
  EXPECT_NE(power_of_two(64).v, 1U);
  EXPECT_EQ((power_of_two(-5) * Fp(32)).v, 1U);
}

template <class T>
class Extension : public ::testing::Test {};
using Degrees = ::testing::Types<Ext<2>, Ext<3>>;
TYPED_TEST_SUITE(Extension, Degrees);

template <class E>
std::vector<E> elements() {
  std::vector<E> out = {E::zero(), E::one(), -E::one(), E::basis(1), E(Fp(kP - 1))};
  std::mt19937_64 random(4);
  for (int i = 0; i < 12; ++i) {
    E e;
    for (Fp& limb : e.c) limb = Fp(random() % kP);
    out.push_back(e);
  }
  return out;
}

TYPED_TEST(Extension, PowersOfTheGeneratorWrapToSeven) {
  using E = TypeParam;
  E x = E::one();
  for (std::size_t i = 0; i < x.c.size(); ++i) x *= E::basis(1);
  EXPECT_EQ(x, E(Fp(7)));
}
TYPED_TEST(Extension, IsARing) {
  using E = TypeParam;
  const auto xs = elements<E>();
  for (const E& a : xs)
    for (const E& b : xs) {
      EXPECT_EQ(a * b, b * a);
      EXPECT_EQ(a - b + b, a);
      EXPECT_EQ(-a + a, E::zero());
      for (const E& c : xs) {
        ASSERT_EQ((a * b) * c, a * (b * c));
        ASSERT_EQ(a * (b + c), a * b + a * c);
      }
    }
}
TYPED_TEST(Extension, ScalesLimbByLimbAndInverts) {
  using E = TypeParam;
  for (const E& a : elements<E>()) {
    EXPECT_EQ(a * Fp(12345), a * E(Fp(12345)));
    EXPECT_EQ(a * inverse(a), a == E::zero() ? E::zero() : E::one());
  }
}

TYPED_TEST(Extension, VectorKeepsElementsAndAZeroTail) {
  using E = TypeParam;
  constexpr int kDegree = static_cast<int>(std::tuple_size_v<decltype(E::c)>);
  const auto xs = elements<E>();
  ExtVec<kDegree> v(xs.size());
  for (std::size_t i = 0; i < xs.size(); ++i) v.set(i, xs[i]);
  for (std::size_t i = 0; i < xs.size(); ++i) EXPECT_EQ(v[i], xs[i]);
  const ExtVec<kDegree> copy = v;
  v.truncate(9);
  ASSERT_EQ(v.size(), 9U);
  ASSERT_EQ(v.blocks(), 2U);
  for (std::size_t i = 9; i < 16; ++i) EXPECT_EQ(v[i], E::zero()) << "tail of a truncated vector";
  EXPECT_EQ(copy[xs.size() - 1], xs.back()) << "a copy is independent";
}

}  // namespace
}  // namespace dsperse::crypto
