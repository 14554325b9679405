// E8<D>: eight extension elements in registers, their products, and sums of products that are reduced late.
//
// Kernel files only (see crypto/field/packed.h: one compilation per instruction set, nothing shared with other files). With
// AVX-512 products use 52-bit multiply-adds: a = l + h F with F = 2^32 and F^2 = F - 1 mod p, so
//   a b = (ll - hh) + F (kk - ll),  ll = l l', hh = h h', kk = (l + h)(l' + h'),
// each digit product summed in two 64-bit halves (weights 1 and 2^52), schoolbook over the limbs, X^D = 7 by 7 times a digit.
// A constant c is split once: c and c F mod p at bit 52; the variable's two digits then need three multiply-adds each.
// Elsewhere the same interface does plain canonical arithmetic. Tested by crypto/poly/poly_test.cc.
#pragma once

#include "dsperse/crypto/field/packed.h"

namespace dsperse::crypto::DSPERSE_LANES {

inline constexpr std::size_t kLaneCount = 8;

template <int D>
struct E8 {
  F8 c[D];
};

template <int D>
DSPERSE_INLINE E8<D> load_ext(const std::uint64_t* block) {
  E8<D> e;
  for (int m = 0; m < D; ++m) e.c[m] = load(block + kLaneCount * static_cast<std::size_t>(m));
  return e;
}
template <int D>
DSPERSE_INLINE void store_ext(std::uint64_t* block, const E8<D>& e) {
  for (int m = 0; m < D; ++m) store(block + kLaneCount * static_cast<std::size_t>(m), e.c[m]);
}
template <int D>
DSPERSE_INLINE E8<D> zero_ext() {
  E8<D> e;
  for (int m = 0; m < D; ++m) e.c[m] = zero();
  return e;
}
template <int D>
DSPERSE_INLINE E8<D> operator+(const E8<D>& a, const E8<D>& b) {
  E8<D> e;
  for (int m = 0; m < D; ++m) e.c[m] = a.c[m] + b.c[m];
  return e;
}
template <int D>
DSPERSE_INLINE E8<D> operator-(const E8<D>& a, const E8<D>& b) {
  E8<D> e;
  for (int m = 0; m < D; ++m) e.c[m] = a.c[m] - b.c[m];
  return e;
}

/// Lanes 0, 2, ... and 1, 3, ... of the sixteen lanes (a, b).
DSPERSE_INLINE void deinterleave(F8 a, F8 b, F8& even, F8& odd) {
#if defined(__AVX512F__) && defined(__AVX512DQ__) && defined(__AVX512IFMA__)
  even.v = _mm512_permutex2var_epi64(a.v, _mm512_setr_epi64(0, 2, 4, 6, 8, 10, 12, 14), b.v);
  odd.v = _mm512_permutex2var_epi64(a.v, _mm512_setr_epi64(1, 3, 5, 7, 9, 11, 13, 15), b.v);
#elif defined(__AVX2__)
  const auto half = [](__m256i x, __m256i y, __m256i& e, __m256i& o) {
    e = _mm256_permute4x64_epi64(_mm256_unpacklo_epi64(x, y), 0xD8);
    o = _mm256_permute4x64_epi64(_mm256_unpackhi_epi64(x, y), 0xD8);
  };
  half(a.v[0], a.v[1], even.v[0], odd.v[0]);
  half(b.v[0], b.v[1], even.v[1], odd.v[1]);
#else
  for (int i = 0; i < 4; ++i) {
    even.v[i] = a.v[2 * i], odd.v[i] = a.v[2 * i + 1];
    even.v[4 + i] = b.v[2 * i], odd.v[4 + i] = b.v[2 * i + 1];
  }
#endif
}
template <int D>
DSPERSE_INLINE void deinterleave(const E8<D>& a, const E8<D>& b, E8<D>& even, E8<D>& odd) {
  for (int m = 0; m < D; ++m) deinterleave(a.c[m], b.c[m], even.c[m], odd.c[m]);
}

/// Scalar remainder and arithmetic mod p, for the ends of sums.
DSPERSE_INLINE std::uint64_t reduce_scalar(unsigned __int128 x) {
  const auto lo = static_cast<std::uint64_t>(x), hi = static_cast<std::uint64_t>(x >> 64);
  std::uint64_t t = lo - (hi >> 32);
  if (lo < (hi >> 32)) t -= kEps;
  const std::uint64_t m = (hi & kEps) * kEps;
  std::uint64_t r = t + m;
  if (r < m) r += kEps;
  return r >= kPrime ? r - kPrime : r;
}
DSPERSE_INLINE std::uint64_t add_scalar(std::uint64_t a, std::uint64_t b) {
  return reduce_scalar(static_cast<unsigned __int128>(a) + b);
}
DSPERSE_INLINE std::uint64_t sub_scalar(std::uint64_t a, std::uint64_t b) { return add_scalar(a, b == 0 ? 0 : kPrime - b); }
DSPERSE_INLINE std::uint64_t mul_scalar(std::uint64_t a, std::uint64_t b) {
  return reduce_scalar(static_cast<unsigned __int128>(a) * b);
}

#if defined(__AVX512F__) && defined(__AVX512DQ__) && defined(__AVX512IFMA__)

DSPERSE_INLINE __m512i word(std::uint64_t x) { return _mm512_set1_epi64(static_cast<long long>(x)); }

/// Digits of a value: l + h 2^32, and k = l + h (33 bits).
struct Digits {
  __m512i l, h, k;
};
DSPERSE_INLINE Digits digits(F8 a) {
  Digits d;
  d.l = _mm512_and_si512(a.v, word(kEps));
  d.h = _mm512_srli_epi64(a.v, 32);
  d.k = _mm512_add_epi64(d.l, d.h);
  return d;
}
/// 7 times each digit (36 bits at most).
DSPERSE_INLINE Digits times7(const Digits& d) {
  const auto seven = [](__m512i x) { return _mm512_sub_epi64(_mm512_slli_epi64(x, 3), x); };
  return {seven(d.l), seven(d.h), seven(d.k)};
}

/// A sum of base products: digit products' low and high 52-bit halves, each a 64-bit sum.
struct Sum {
  __m512i ll0, ll1, hh0, hh1, kk0, kk1;
};
DSPERSE_INLINE void mac(Sum& s, const Digits& a, const Digits& b) {
  s.ll0 = _mm512_madd52lo_epu64(s.ll0, a.l, b.l);
  s.ll1 = _mm512_madd52hi_epu64(s.ll1, a.l, b.l);
  s.hh0 = _mm512_madd52lo_epu64(s.hh0, a.h, b.h);
  s.hh1 = _mm512_madd52hi_epu64(s.hh1, a.h, b.h);
  s.kk0 = _mm512_madd52lo_epu64(s.kk0, a.k, b.k);
  s.kk1 = _mm512_madd52hi_epu64(s.kk1, a.k, b.k);
}
/// A sum as X + F Y mod p, 0 <= X, Y < 2^57. Of at most six products of digits below 2^39: with X = ll0 - hh0 - 2^20 (kk1 - ll1)
/// and Y = kk0 - ll0 + 2^20 (kk1 - hh1), |X|, |Y| < 2^55 + 2^50. Adding 2^24 p spread over both makes them positive.
struct Carried {
  __m512i x, y;
};
DSPERSE_INLINE Carried carried(const Sum& s) {
  const std::uint64_t two24 = std::uint64_t{1} << 24, two56 = std::uint64_t{1} << 56;
  Carried c;
  c.x = _mm512_sub_epi64(_mm512_add_epi64(_mm512_sub_epi64(s.ll0, s.hh0), word(two56 + two24)),
                         _mm512_slli_epi64(_mm512_sub_epi64(s.kk1, s.ll1), 20));
  c.y = _mm512_add_epi64(_mm512_add_epi64(_mm512_sub_epi64(s.kk0, s.ll0), word(two56 - 2 * two24)),
                         _mm512_slli_epi64(_mm512_sub_epi64(s.kk1, s.hh1), 20));
  return c;
}
DSPERSE_INLINE F8 reduce(const Sum& s) {
  const auto [x, y] = carried(s);
  const __m512i yh = _mm512_srli_epi64(y, 32), xx = _mm512_sub_epi64(x, yh);
  const __m512i t = _mm512_add_epi64(_mm512_add_epi64(_mm512_and_si512(y, word(kEps)), yh), _mm512_srli_epi64(xx, 32));
  __m512i r = _mm512_mask_blend_epi32(0xAAAA, xx, _mm512_slli_epi64(t, 32));
  r = _mm512_mask_add_epi64(r, _mm512_test_epi64_mask(t, word(std::uint64_t{1} << 32)), r, word(kEps));
  return {_mm512_min_epu64(r, _mm512_sub_epi64(r, word(kPrime)))};
}
/// The same as digits, l below 2^32 and h below 2^33: enough for a product, without the last carries.
DSPERSE_INLINE Digits loose(const Sum& s) {
  const auto [x, y] = carried(s);
  const __m512i yh = _mm512_srli_epi64(y, 32), xx = _mm512_sub_epi64(x, yh);
  Digits d;
  d.l = _mm512_and_si512(xx, word(kEps));
  d.h = _mm512_add_epi64(_mm512_add_epi64(_mm512_and_si512(y, word(kEps)), yh), _mm512_srli_epi64(xx, 32));
  d.k = _mm512_add_epi64(d.l, d.h);
  return d;
}
template <int D>
struct Acc {
  Sum c[D];
};
template <int D>
DSPERSE_INLINE Acc<D> zero_acc() {
  Acc<D> acc;
  const __m512i z = _mm512_setzero_si512();
  for (int m = 0; m < D; ++m) acc.c[m] = {z, z, z, z, z, z};
  return acc;
}
/// An element as digits, ready for products: canonical ones, or sums and differences that were never carried.
template <int D>
struct X8 {
  Digits c[D];
};
template <int D>
DSPERSE_INLINE X8<D> digits(const E8<D>& a) {
  X8<D> x;
  for (int m = 0; m < D; ++m) x.c[m] = digits(a.c[m]);
  return x;
}
template <int D>
DSPERSE_INLINE X8<D> operator+(const X8<D>& a, const X8<D>& b) {
  X8<D> x;
  for (int m = 0; m < D; ++m)
    x.c[m] = {_mm512_add_epi64(a.c[m].l, b.c[m].l), _mm512_add_epi64(a.c[m].h, b.c[m].h), _mm512_add_epi64(a.c[m].k, b.c[m].k)};
  return x;
}
/// 2 odd - even of canonical digits: 2 p = F + 2 + F (2 F - 3) is added, so that no digit is negative; below 2^34.
template <int D>
DSPERSE_INLINE X8<D> at_two(const X8<D>& even, const X8<D>& odd) {
  X8<D> x;
  for (int m = 0; m < D; ++m) {
    const Digits &e = even.c[m], &o = odd.c[m];
    Digits& d = x.c[m];
    d.l = _mm512_add_epi64(_mm512_sub_epi64(word(kEps + 3), e.l), _mm512_add_epi64(o.l, o.l));
    d.h = _mm512_add_epi64(_mm512_sub_epi64(word(2 * kEps - 1), e.h), _mm512_add_epi64(o.h, o.h));
    d.k = _mm512_add_epi64(d.l, d.h);
  }
  return x;
}
/// acc += a b. At most kMaxTerms of these before total(), at most two (D = 2: three) before reduced() and loose().
template <int D>
DSPERSE_INLINE void mac(Acc<D>& acc, const X8<D>& x, const X8<D>& y) {
  Digits y7[D];
  for (int m = 1; m < D; ++m) y7[m] = times7(y.c[m]);
  for (int m = 0; m < D; ++m)
    for (int i = 0; i < D; ++i) mac(acc.c[m], x.c[i], i <= m ? y.c[m - i] : y7[m - i + D]);
}
template <int D>
DSPERSE_INLINE void mac(Acc<D>& acc, const E8<D>& a, const E8<D>& b) {
  mac(acc, digits<D>(a), digits<D>(b));
}
template <int D>
DSPERSE_INLINE X8<D> loose(const Acc<D>& acc) {
  X8<D> x;
  for (int m = 0; m < D; ++m) x.c[m] = loose(acc.c[m]);
  return x;
}
/// acc += a b, a in F.
template <int D>
DSPERSE_INLINE void mac(Acc<D>& acc, F8 a, const E8<D>& b) {
  const Digits x = digits(a);
  for (int m = 0; m < D; ++m) mac(acc.c[m], x, digits(b.c[m]));
}
template <int D>
DSPERSE_INLINE E8<D> reduced(const Acc<D>& acc) {
  E8<D> e;
  for (int m = 0; m < D; ++m) e.c[m] = reduce(acc.c[m]);
  return e;
}

/// lo + 2^52 hi for any lo, hi.
DSPERSE_INLINE F8 reduce52(__m512i lo, __m512i hi) {
  const __m512i up = _mm512_add_epi64(hi, _mm512_srli_epi64(lo, 52));
  const __m512i low = _mm512_or_si512(_mm512_and_si512(lo, word((std::uint64_t{1} << 52) - 1)), _mm512_slli_epi64(up, 52));
  return reduce(low, _mm512_srli_epi64(up, 12));
}

/// The eight lanes' total, mod p.
DSPERSE_INLINE std::uint64_t total(F8 x) {
  const __m512i low = _mm512_and_si512(x.v, word(kEps)), high = _mm512_srli_epi64(x.v, 32);
  return reduce_scalar(static_cast<std::uint64_t>(_mm512_reduce_add_epi64(low)) +
                       (static_cast<unsigned __int128>(static_cast<std::uint64_t>(_mm512_reduce_add_epi64(high))) << 32));
}
/// The same of sums; any number of terms that the 64-bit halves hold.
template <int D>
inline void total(const Acc<D>& acc, std::uint64_t* out) {
  for (int m = 0; m < D; ++m) {
    const Sum& s = acc.c[m];
    const F8 ll = reduce52(s.ll0, s.ll1), hh = reduce52(s.hh0, s.hh1), kk = reduce52(s.kk0, s.kk1);
    out[m] = total((ll - hh) + times_power_of_two<32>(kk - ll));
  }
}

/// A constant of F as four 52-bit words: c = a0 + 2^52 a1, c 2^32 mod p = b0 + 2^52 b1.
struct Factor {
  __m512i a0, a1, b0, b1;
};
DSPERSE_INLINE Factor factor(std::uint64_t c) {
  const std::uint64_t mask = (std::uint64_t{1} << 52) - 1, d = mul_scalar(c, std::uint64_t{1} << 32);
  return {word(c & mask), word(c >> 52), word(d & mask), word(d >> 52)};
}
/// (lo, hi) += (l + 2^32 h) c.
DSPERSE_INLINE void mac(__m512i& lo, __m512i& hi, __m512i l, __m512i h, const Factor& f) {
  lo = _mm512_madd52lo_epu64(lo, l, f.a0);
  hi = _mm512_madd52hi_epu64(hi, l, f.a0);
  hi = _mm512_madd52lo_epu64(hi, l, f.a1);
  lo = _mm512_madd52lo_epu64(lo, h, f.b0);
  hi = _mm512_madd52hi_epu64(hi, h, f.b0);
  hi = _mm512_madd52lo_epu64(hi, h, f.b1);
}

/// The same for eight different factors.
DSPERSE_INLINE Factor factor(F8 c) {
  const __m512i mask = word((std::uint64_t{1} << 52) - 1), d = (c * broadcast(std::uint64_t{1} << 32)).v;
  return {_mm512_and_si512(c.v, mask), _mm512_srli_epi64(c.v, 52), _mm512_and_si512(d, mask), _mm512_srli_epi64(d, 52)};
}
/// A sum of values of F times factors, lane by lane; up to 2^10 of them.
struct FactorSum {
  __m512i lo = _mm512_setzero_si512(), hi = _mm512_setzero_si512();
  DSPERSE_INLINE void add(F8 x, const Factor& f) {
    mac(lo, hi, _mm512_and_si512(x.v, word(kEps)), _mm512_srli_epi64(x.v, 32), f);
  }
  DSPERSE_INLINE F8 reduced() const { return reduce52(lo, hi); }
};

/// A constant of E, ready for multiplication.
template <int D>
struct Const {
  Factor c[D], c7[D];  // c7: 7 times, not used at 0
};
template <int D>
DSPERSE_INLINE Const<D> constant(const std::uint64_t* limbs) {
  Const<D> out;
  for (int m = 0; m < D; ++m) {
    out.c[m] = factor(limbs[m]);
    out.c7[m] = factor(mul_scalar(limbs[m], 7));
  }
  return out;
}
/// base + x c. Two chains of sums, so that less waits.
template <int D>
DSPERSE_INLINE E8<D> add_product(const E8<D>& base, const E8<D>& x, const Const<D>& c) {
  __m512i l[D], h[D];
  for (int m = 0; m < D; ++m) {
    l[m] = _mm512_and_si512(x.c[m].v, word(kEps));
    h[m] = _mm512_srli_epi64(x.c[m].v, 32);
  }
  E8<D> e;
  for (int m = 0; m < D; ++m) {
    __m512i lo = _mm512_and_si512(base.c[m].v, word((std::uint64_t{1} << 52) - 1)), hi = _mm512_srli_epi64(base.c[m].v, 52);
    __m512i lo2 = _mm512_setzero_si512(), hi2 = lo2;
    for (int i = 0; i < D; ++i) {
      const Factor& f = i <= m ? c.c[m - i] : c.c7[m - i + D];
      lo = _mm512_madd52lo_epu64(lo, l[i], f.a0);
      hi = _mm512_madd52hi_epu64(hi, l[i], f.a0);
      hi2 = _mm512_madd52lo_epu64(hi2, l[i], f.a1);
      lo2 = _mm512_madd52lo_epu64(lo2, h[i], f.b0);
      hi2 = _mm512_madd52hi_epu64(hi2, h[i], f.b0);
      hi = _mm512_madd52lo_epu64(hi, h[i], f.b1);
    }
    e.c[m] = reduce52(_mm512_add_epi64(lo, lo2), _mm512_add_epi64(hi, hi2));
  }
  return e;
}

#else

/// x 7 by additions.
DSPERSE_INLINE F8 times7(F8 x) {
  const F8 x2 = x + x, x4 = x2 + x2;
  return x4 + x4 - x;
}

template <int D>
struct Acc {
  E8<D> sum;
};
template <int D>
DSPERSE_INLINE Acc<D> zero_acc() {
  return {zero_ext<D>()};
}
template <int D>
DSPERSE_INLINE void mac(Acc<D>& acc, const E8<D>& a, const E8<D>& b) {
  for (int m = 0; m < D; ++m) {
    F8 low = a.c[0] * b.c[m];
    for (int i = 1; i <= m; ++i) low = low + a.c[i] * b.c[m - i];
    if (m + 1 < D) {
      F8 high = a.c[m + 1] * b.c[D - 1];
      for (int i = m + 2; i < D; ++i) high = high + a.c[i] * b.c[m - i + D];
      low = low + times7(high);
    }
    acc.sum.c[m] = acc.sum.c[m] + low;
  }
}
template <int D>
DSPERSE_INLINE void mac(Acc<D>& acc, F8 a, const E8<D>& b) {
  for (int m = 0; m < D; ++m) acc.sum.c[m] = acc.sum.c[m] + a * b.c[m];
}
/// Ready for products: nothing to do here.
template <int D>
using X8 = E8<D>;
template <int D>
DSPERSE_INLINE const E8<D>& digits(const E8<D>& a) {
  return a;
}
/// 2 odd - even.
template <int D>
DSPERSE_INLINE E8<D> at_two(const E8<D>& even, const E8<D>& odd) {
  return odd + (odd - even);
}
template <int D>
DSPERSE_INLINE const E8<D>& loose(const Acc<D>& acc) {
  return acc.sum;
}
template <int D>
DSPERSE_INLINE E8<D> reduced(const Acc<D>& acc) {
  return acc.sum;
}
template <int D>
inline void total(const Acc<D>& acc, std::uint64_t* out) {
  for (int m = 0; m < D; ++m) {
    std::uint64_t lane[8];
    store(lane, acc.sum.c[m]);
    unsigned __int128 sum = 0;
    for (const std::uint64_t x : lane) sum += x;
    out[m] = reduce_scalar(sum);
  }
}

struct Factor {
  F8 c;
};
DSPERSE_INLINE Factor factor(F8 c) { return {c}; }
struct FactorSum {
  F8 sum = zero();
  DSPERSE_INLINE void add(F8 x, const Factor& f) { sum = sum + x * f.c; }
  DSPERSE_INLINE F8 reduced() const { return sum; }
};

template <int D>
struct Const {
  F8 c[D], c7[D];
};
template <int D>
DSPERSE_INLINE Const<D> constant(const std::uint64_t* limbs) {
  Const<D> out;
  for (int m = 0; m < D; ++m) {
    out.c[m] = broadcast(limbs[m]);
    out.c7[m] = broadcast(mul_scalar(limbs[m], 7));
  }
  return out;
}
template <int D>
DSPERSE_INLINE E8<D> add_product(const E8<D>& base, const E8<D>& x, const Const<D>& c) {
  E8<D> e;
  for (int m = 0; m < D; ++m) {
    F8 sum = base.c[m];
    for (int i = 0; i < D; ++i) sum = sum + x.c[i] * (i <= m ? c.c[m - i] : c.c7[m - i + D]);
    e.c[m] = sum;
  }
  return e;
}

#endif

/// Terms that an Acc holds before total().
inline constexpr std::size_t kMaxTerms = 1024;

template <int D>
DSPERSE_INLINE E8<D> operator*(const E8<D>& a, const E8<D>& b) {
  Acc<D> acc = zero_acc<D>();
  mac(acc, a, b);
  return reduced(acc);
}
/// The product ready for another.
template <int D>
DSPERSE_INLINE X8<D> loose_product(const X8<D>& a, const X8<D>& b) {
  Acc<D> acc = zero_acc<D>();
  mac<D>(acc, a, b);
  return loose<D>(acc);
}

}  // namespace dsperse::crypto::DSPERSE_LANES
