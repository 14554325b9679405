// The prime field F, p = 2^64 - 2^32 + 1 (Goldilocks). Values are canonical: 0 <= v < p, always.
//
// Multiplicative generator 7; two-adicity 32. Scalar arithmetic only; loops over arrays are in poly/ and commit/.
// Tested by crypto/field/field_test.cc.
#pragma once

#include <cstdint>

namespace dsperse::crypto {

inline constexpr std::uint64_t kP = 0xFFFFFFFF00000001ULL;
inline constexpr std::uint64_t kEpsilon = 0xFFFFFFFFULL;  ///< 2^64 mod p
inline constexpr std::uint64_t kGenerator = 7;
inline constexpr unsigned kTwoAdicity = 32;

/// a - b + (p if a < b): a - b mod p for canonical a and b <= p. Without branches, which random data would mispredict.
constexpr std::uint64_t subtract_mod(std::uint64_t a, std::uint64_t b) {
  return a - b - (kEpsilon & (0 - static_cast<std::uint64_t>(a < b)));
}

/// a b as 128 bits out of four products of 32 bits: for machines without a 64-bit multiplication that gives both halves.
constexpr unsigned __int128 wide_product_by_halves(std::uint64_t a, std::uint64_t b) {
  const std::uint64_t a0 = a & kEpsilon, a1 = a >> 32, b0 = b & kEpsilon, b1 = b >> 32;
  const std::uint64_t low = a0 * b0, left = a1 * b0 + (low >> 32), right = a0 * b1 + (left & kEpsilon);
  const std::uint64_t high = a1 * b1 + (left >> 32) + (right >> 32);
  return static_cast<unsigned __int128>(high) << 64 | (right << 32 | (low & kEpsilon));
}
/// a b as 128 bits. On WebAssembly the compiler would call a library for it.
constexpr unsigned __int128 wide_product(std::uint64_t a, std::uint64_t b) {
#ifdef __wasm__
  return wide_product_by_halves(a, b);
#else
  return static_cast<unsigned __int128>(a) * b;
#endif
}

/// x mod p of a 128-bit value. Cost: a few adds; 2^64 = 2^32 - 1 and 2^96 = -1 mod p.
constexpr std::uint64_t reduce128(unsigned __int128 x) {
  const auto lo = static_cast<std::uint64_t>(x), hi = static_cast<std::uint64_t>(x >> 64);
  const std::uint64_t t = subtract_mod(lo, hi >> 32), m = (hi & kEpsilon) * kEpsilon;
  const std::uint64_t sum = t + m;
  const std::uint64_t r = sum + (kEpsilon & (0 - static_cast<std::uint64_t>(sum < m)));
  return r - (kP & (0 - static_cast<std::uint64_t>(r >= kP)));
}

struct Fp {
  std::uint64_t v = 0;

  constexpr Fp() = default;
  /// x must be canonical.
  constexpr explicit Fp(std::uint64_t x) : v(x) {}
  /// A signed integer mod p (which is above 2^63).
  static constexpr Fp from_signed(std::int64_t x) { return Fp(static_cast<std::uint64_t>(x) + (x < 0 ? kP : 0)); }
  /// Any 64-bit value mod p.
  static constexpr Fp from_u64(std::uint64_t x) { return Fp(x >= kP ? x - kP : x); }

  friend constexpr Fp operator+(Fp a, Fp b) { return Fp(subtract_mod(a.v, kP - b.v)); }
  friend constexpr Fp operator-(Fp a, Fp b) { return Fp(subtract_mod(a.v, b.v)); }
  friend constexpr Fp operator-(Fp a) { return Fp(a.v == 0 ? 0 : kP - a.v); }
  friend constexpr Fp operator*(Fp a, Fp b) { return Fp(reduce128(wide_product(a.v, b.v))); }
  constexpr Fp& operator+=(Fp b) { return *this = *this + b; }
  constexpr Fp& operator-=(Fp b) { return *this = *this - b; }
  constexpr Fp& operator*=(Fp b) { return *this = *this * b; }
  friend constexpr bool operator==(Fp, Fp) = default;
};

constexpr Fp power(Fp x, std::uint64_t e) {
  Fp r(1);
  for (; e != 0; e >>= 1, x *= x)
    if ((e & 1) != 0) r *= x;
  return r;
}
/// x^(2^n).
constexpr Fp squared(Fp x, unsigned n) {
  for (; n != 0; --n) x *= x;
  return x;
}
/// 1 / x for x != 0; 0 for 0. p - 2 = (2^31 - 1) 2^33 + 2^32 - 1: 64 squarings and 8 products.
constexpr Fp inverse(Fp x) {
  const Fp ones2 = squared(x, 1) * x, ones3 = squared(ones2, 1) * x;  // onesN = x^(2^N - 1)
  const Fp ones6 = squared(ones3, 3) * ones3, ones12 = squared(ones6, 6) * ones6, ones24 = squared(ones12, 12) * ones12;
  const Fp ones30 = squared(ones24, 6) * ones6, ones31 = squared(ones30, 1) * x;
  return squared(ones31, 33) * (squared(ones31, 1) * x);
}
/// A primitive root of unity of order 2^log_n, log_n <= 32.
constexpr Fp root_of_unity(unsigned log_n) { return power(Fp(kGenerator), (kP - 1) >> log_n); }
/// 2^k mod p for any integer k (negative: inverse power). 2 has order 192.
constexpr Fp power_of_two(int k) {
  const int e = ((k % 192) + 192) % 192;
  return power(Fp(2), static_cast<std::uint64_t>(e));
}

}  // namespace dsperse::crypto
