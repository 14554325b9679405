// F8: eight canonical Goldilocks elements in the registers of the instruction set that this translation unit is compiled for.
//
// Kernel files only: each is compiled once per instruction set (cmake: dsperse_kernels) and sees one of the namespaces
// lanes_avx512, lanes_avx2, lanes_scalar as `lanes`. Everything here is always inlined and nothing from a shared header may be
// instantiated in a kernel file: a function that the linker merges across instruction sets would crash older CPUs.
// Not here: extension elements (poly/), NTTs (commit/). Tested by crypto/field/packed_test.cc against goldilocks.h.
#pragma once

#include <cstddef>
#include <cstdint>

#if defined(__AVX512F__) || defined(__AVX2__)
#pragma GCC diagnostic push
#ifndef __clang__
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"  // g++ 12 about its own _mm512_undefined_epi32
#endif
#pragma GCC diagnostic ignored "-Wuninitialized"
#include <immintrin.h>
#pragma GCC diagnostic pop
#endif

#define DSPERSE_INLINE inline __attribute__((always_inline))

#if defined(__AVX512F__) && defined(__AVX512DQ__) && defined(__AVX512IFMA__)
#define DSPERSE_LANES lanes_avx512
#elif defined(__AVX2__)
#define DSPERSE_LANES lanes_avx2
#else
#define DSPERSE_LANES lanes_scalar
#endif

namespace dsperse::crypto::DSPERSE_LANES {

inline constexpr std::uint64_t kPrime = 0xFFFFFFFF00000001ULL;
inline constexpr std::uint64_t kEps = 0xFFFFFFFFULL;  // 2^64 mod p

#if defined(__AVX512F__) && defined(__AVX512DQ__) && defined(__AVX512IFMA__)

struct F8 {
  __m512i v;
};

DSPERSE_INLINE F8 load(const std::uint64_t* p) { return {_mm512_loadu_si512(p)}; }
DSPERSE_INLINE void store(std::uint64_t* p, F8 a) { _mm512_storeu_si512(p, a.v); }
DSPERSE_INLINE F8 broadcast(std::uint64_t x) { return {_mm512_set1_epi64(static_cast<long long>(x))}; }
DSPERSE_INLINE F8 zero() { return {_mm512_setzero_si512()}; }

DSPERSE_INLINE F8 operator-(F8 a, F8 b) {
  const __m512i r = _mm512_sub_epi64(a.v, b.v);
  const __mmask8 borrow = _mm512_cmplt_epu64_mask(a.v, b.v);
  return {_mm512_mask_add_epi64(r, borrow, r, _mm512_set1_epi64(static_cast<long long>(kPrime)))};
}
/// a + b as a - (p - b), so that one comparison corrects carry and range together.
DSPERSE_INLINE F8 operator+(F8 a, F8 b) {
  return a - F8{_mm512_sub_epi64(_mm512_set1_epi64(static_cast<long long>(kPrime)), b.v)};
}

/// hi 2^64 + lo mod p, canonical, for any lo and hi.
DSPERSE_INLINE F8 reduce(__m512i lo, __m512i hi) {
  const __m512i eps = _mm512_set1_epi64(static_cast<long long>(kEps));
  const __m512i hi_hi = _mm512_srli_epi64(hi, 32);
  __m512i t = _mm512_sub_epi64(lo, hi_hi);
  t = _mm512_mask_sub_epi64(t, _mm512_cmplt_epu64_mask(lo, hi_hi), t, eps);
  const __m512i m = _mm512_mul_epu32(hi, eps);
  __m512i r = _mm512_add_epi64(t, m);
  r = _mm512_mask_add_epi64(r, _mm512_cmplt_epu64_mask(r, m), r, eps);
  return {_mm512_min_epu64(r, _mm512_sub_epi64(r, _mm512_set1_epi64(static_cast<long long>(kPrime))))};
}
DSPERSE_INLINE F8 operator*(F8 a, F8 b) {
  const __m512i ah = _mm512_srli_epi64(a.v, 32), bh = _mm512_srli_epi64(b.v, 32);
  const __m512i ll = _mm512_mul_epu32(a.v, b.v), lh = _mm512_mul_epu32(a.v, bh);
  const __m512i hl = _mm512_mul_epu32(ah, b.v), hh = _mm512_mul_epu32(ah, bh);
  const __m512i t0 = _mm512_add_epi64(hl, _mm512_srli_epi64(ll, 32));
  const __m512i t1 = _mm512_add_epi64(lh, _mm512_and_si512(t0, _mm512_set1_epi64(static_cast<long long>(kEps))));
  const __m512i hi = _mm512_add_epi64(_mm512_add_epi64(hh, _mm512_srli_epi64(t0, 32)), _mm512_srli_epi64(t1, 32));
  const __m512i lo = _mm512_mask_blend_epi32(0xAAAA, ll, _mm512_slli_epi64(t1, 32));
  return reduce(lo, hi);
}

/// 2^S x, S < 192: shifts in place of a multiplication (2^64 = 2^32 - 1, 2^96 = -1).
template <unsigned S>
DSPERSE_INLINE F8 times_power_of_two(F8 x) {
  static_assert(S < 192);
  const __m512i eps = _mm512_set1_epi64(static_cast<long long>(kEps));
  if constexpr (S == 0) {
    return x;
  } else if constexpr (S >= 96) {
    return zero() - times_power_of_two<S - 96>(x);
  } else if constexpr (S >= 64) {
    // x = x0 + 2^(96 - S) x1: 2^S x = 2^64 (2^(S - 64) x0) - x1.
    const F8 low{_mm512_mul_epu32(S == 64 ? x.v : _mm512_slli_epi64(x.v, S - 64), eps)};
    return low - F8{_mm512_srli_epi64(x.v, 96 - S)};
  } else if constexpr (S > 32) {
    return reduce(_mm512_slli_epi64(x.v, S), _mm512_srli_epi64(x.v, 64 - S));
  } else {
    const __m512i m = _mm512_mul_epu32(_mm512_srli_epi64(x.v, 64 - S), eps);
    const __m512i r = _mm512_add_epi64(_mm512_slli_epi64(x.v, S), m);
    const __m512i t = _mm512_mask_add_epi64(r, _mm512_cmplt_epu64_mask(r, m), r, eps);
    return {_mm512_min_epu64(t, _mm512_sub_epi64(t, _mm512_set1_epi64(static_cast<long long>(kPrime))))};
  }
}

/// As many elements as one register holds, for loops that keep many values alive.
using Reg = F8;
inline constexpr std::size_t kRegLanes = 8;
DSPERSE_INLINE Reg load_reg(const std::uint64_t* p) { return load(p); }
DSPERSE_INLINE Reg broadcast_reg(std::uint64_t x) { return broadcast(x); }

#elif defined(__AVX2__)

struct F8 {
  __m256i v[2];
};
/// As many elements as one register holds, for loops that keep many values alive.
struct Reg {
  __m256i v;
};
inline constexpr std::size_t kRegLanes = 4;

DSPERSE_INLINE F8 load(const std::uint64_t* p) {
  return {{_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)), _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p) + 1)}};
}
DSPERSE_INLINE void store(std::uint64_t* p, F8 a) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), a.v[0]);
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p) + 1, a.v[1]);
}
DSPERSE_INLINE F8 broadcast(std::uint64_t x) {
  const __m256i b = _mm256_set1_epi64x(static_cast<long long>(x));
  return {{b, b}};
}
DSPERSE_INLINE F8 zero() { return {{_mm256_setzero_si256(), _mm256_setzero_si256()}}; }

/// All ones where a < b, unsigned.
DSPERSE_INLINE __m256i below(__m256i a, __m256i b) {
  const __m256i sign = _mm256_set1_epi64x(static_cast<long long>(0x8000000000000000ULL));
  return _mm256_cmpgt_epi64(_mm256_xor_si256(b, sign), _mm256_xor_si256(a, sign));
}
DSPERSE_INLINE __m256i sub_mod(__m256i a, __m256i b) {
  const __m256i r = _mm256_sub_epi64(a, b);
  return _mm256_add_epi64(r, _mm256_and_si256(below(a, b), _mm256_set1_epi64x(static_cast<long long>(kPrime))));
}
DSPERSE_INLINE __m256i reduce4(__m256i lo, __m256i hi) {
  const __m256i eps = _mm256_set1_epi64x(static_cast<long long>(kEps)),
                prime = _mm256_set1_epi64x(static_cast<long long>(kPrime));
  const __m256i hi_hi = _mm256_srli_epi64(hi, 32);
  __m256i t = _mm256_sub_epi64(lo, hi_hi);
  t = _mm256_sub_epi64(t, _mm256_and_si256(below(lo, hi_hi), eps));
  const __m256i m = _mm256_mul_epu32(hi, eps);
  __m256i r = _mm256_add_epi64(t, m);
  r = _mm256_add_epi64(r, _mm256_and_si256(below(r, m), eps));
  return _mm256_sub_epi64(r, _mm256_andnot_si256(below(r, prime), prime));
}
DSPERSE_INLINE __m256i mul4(__m256i a, __m256i b) {
  const __m256i ah = _mm256_srli_epi64(a, 32), bh = _mm256_srli_epi64(b, 32);
  const __m256i ll = _mm256_mul_epu32(a, b), lh = _mm256_mul_epu32(a, bh), hl = _mm256_mul_epu32(ah, b),
                hh = _mm256_mul_epu32(ah, bh);
  const __m256i t0 = _mm256_add_epi64(hl, _mm256_srli_epi64(ll, 32));
  const __m256i t1 = _mm256_add_epi64(lh, _mm256_and_si256(t0, _mm256_set1_epi64x(static_cast<long long>(kEps))));
  const __m256i hi = _mm256_add_epi64(_mm256_add_epi64(hh, _mm256_srli_epi64(t0, 32)), _mm256_srli_epi64(t1, 32));
  return reduce4(_mm256_blend_epi32(ll, _mm256_slli_epi64(t1, 32), 0xAA), hi);
}

DSPERSE_INLINE F8 operator-(F8 a, F8 b) { return {{sub_mod(a.v[0], b.v[0]), sub_mod(a.v[1], b.v[1])}}; }
DSPERSE_INLINE F8 operator+(F8 a, F8 b) {
  const __m256i prime = _mm256_set1_epi64x(static_cast<long long>(kPrime));
  return {{sub_mod(a.v[0], _mm256_sub_epi64(prime, b.v[0])), sub_mod(a.v[1], _mm256_sub_epi64(prime, b.v[1]))}};
}
DSPERSE_INLINE F8 operator*(F8 a, F8 b) { return {{mul4(a.v[0], b.v[0]), mul4(a.v[1], b.v[1])}}; }

template <unsigned S>
DSPERSE_INLINE __m256i shift4(__m256i x) {
  const __m256i eps = _mm256_set1_epi64x(static_cast<long long>(kEps));
  if constexpr (S >= 96) {
    return sub_mod(_mm256_setzero_si256(), shift4<S - 96>(x));
  } else if constexpr (S >= 64) {
    return sub_mod(_mm256_mul_epu32(_mm256_slli_epi64(x, S - 64), eps), _mm256_srli_epi64(x, 96 - S));
  } else if constexpr (S > 0) {
    return reduce4(_mm256_slli_epi64(x, S), _mm256_srli_epi64(x, 64 - S));
  } else {
    return x;
  }
}
/// 2^S x, S < 192: shifts in place of a multiplication (2^64 = 2^32 - 1, 2^96 = -1).
template <unsigned S>
DSPERSE_INLINE F8 times_power_of_two(F8 x) {
  static_assert(S < 192);
  return {{shift4<S>(x.v[0]), shift4<S>(x.v[1])}};
}

DSPERSE_INLINE Reg load_reg(const std::uint64_t* p) { return {_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p))}; }
DSPERSE_INLINE void store(std::uint64_t* p, Reg a) { _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), a.v); }
DSPERSE_INLINE Reg broadcast_reg(std::uint64_t x) { return {_mm256_set1_epi64x(static_cast<long long>(x))}; }
DSPERSE_INLINE Reg operator-(Reg a, Reg b) { return {sub_mod(a.v, b.v)}; }
DSPERSE_INLINE Reg operator+(Reg a, Reg b) {
  return {sub_mod(a.v, _mm256_sub_epi64(_mm256_set1_epi64x(static_cast<long long>(kPrime)), b.v))};
}
DSPERSE_INLINE Reg operator*(Reg a, Reg b) { return {mul4(a.v, b.v)}; }
template <unsigned S>
DSPERSE_INLINE Reg times_power_of_two(Reg x) {
  static_assert(S < 192);
  return {shift4<S>(x.v)};
}

#else

struct F8 {
  std::uint64_t v[8];
};
/// As many elements as one register holds, for loops that keep many values alive.
struct Reg {
  std::uint64_t v;
};
inline constexpr std::size_t kRegLanes = 1;

/// a - b + (p if a < b), without a branch.
DSPERSE_INLINE std::uint64_t sub_mod(std::uint64_t a, std::uint64_t b) {
  return a - b - (kEps & (0 - static_cast<std::uint64_t>(a < b)));
}
DSPERSE_INLINE std::uint64_t reduce1(unsigned __int128 x) {
  const auto lo = static_cast<std::uint64_t>(x), hi = static_cast<std::uint64_t>(x >> 64);
  const std::uint64_t t = sub_mod(lo, hi >> 32), m = (hi & kEps) * kEps, sum = t + m;
  const std::uint64_t r = sum + (kEps & (0 - static_cast<std::uint64_t>(sum < m)));
  return r - (kPrime & (0 - static_cast<std::uint64_t>(r >= kPrime)));
}

DSPERSE_INLINE Reg load_reg(const std::uint64_t* p) { return {*p}; }
DSPERSE_INLINE void store(std::uint64_t* p, Reg a) { *p = a.v; }
DSPERSE_INLINE Reg broadcast_reg(std::uint64_t x) { return {x}; }
DSPERSE_INLINE Reg operator-(Reg a, Reg b) { return {sub_mod(a.v, b.v)}; }
DSPERSE_INLINE Reg operator+(Reg a, Reg b) { return {sub_mod(a.v, kPrime - b.v)}; }
DSPERSE_INLINE Reg operator*(Reg a, Reg b) { return {reduce1(static_cast<unsigned __int128>(a.v) * b.v)}; }
template <unsigned S>
DSPERSE_INLINE Reg times_power_of_two(Reg x) {
  static_assert(S < 192);
  if constexpr (S >= 96) {
    return {sub_mod(0, times_power_of_two<S - 96>(x).v)};
  } else if constexpr (S >= 64) {
    return {sub_mod(((x.v << (S - 64)) & kEps) * kEps, x.v >> (96 - S))};
  } else {
    return {reduce1(static_cast<unsigned __int128>(x.v) << S)};
  }
}

DSPERSE_INLINE F8 load(const std::uint64_t* p) {
  F8 a;
  for (int i = 0; i < 8; ++i) a.v[i] = p[i];
  return a;
}
DSPERSE_INLINE void store(std::uint64_t* p, F8 a) {
  for (int i = 0; i < 8; ++i) p[i] = a.v[i];
}
DSPERSE_INLINE F8 broadcast(std::uint64_t x) {
  F8 a;
  for (int i = 0; i < 8; ++i) a.v[i] = x;
  return a;
}
DSPERSE_INLINE F8 zero() { return broadcast(0); }
DSPERSE_INLINE F8 operator-(F8 a, F8 b) {
  for (int i = 0; i < 8; ++i) a.v[i] = sub_mod(a.v[i], b.v[i]);
  return a;
}
DSPERSE_INLINE F8 operator+(F8 a, F8 b) {
  for (int i = 0; i < 8; ++i) a.v[i] = sub_mod(a.v[i], kPrime - b.v[i]);
  return a;
}
DSPERSE_INLINE F8 operator*(F8 a, F8 b) {
  for (int i = 0; i < 8; ++i) a.v[i] = reduce1(static_cast<unsigned __int128>(a.v[i]) * b.v[i]);
  return a;
}
/// 2^S x, S < 192: shifts in place of a multiplication (2^64 = 2^32 - 1, 2^96 = -1).
template <unsigned S>
DSPERSE_INLINE F8 times_power_of_two(F8 x) {
  for (int i = 0; i < 8; ++i) x.v[i] = times_power_of_two<S>(Reg{x.v[i]}).v;
  return x;
}

#endif

}  // namespace dsperse::crypto::DSPERSE_LANES

namespace dsperse::crypto {
namespace lanes = DSPERSE_LANES;  // NOLINT: one per translation unit, by design
}
