// BLAKE3's compression function on many independent blocks, one a lane, for the instruction set of the including kernel file.
//
// Our own, since the official assembly wants each input's bytes together and finishes a chunk at once, whereas columns grow by
// one block a tile. Source: BLAKE3 specification, section 2. Tested by crypto/commit/tree_test.cc against the official hasher.
#pragma once

#include "dsperse/crypto/field/packed.h"

namespace dsperse::crypto::DSPERSE_LANES {

#if defined(__AVX512F__)

inline constexpr std::size_t kWidth = 16;
using U32 = __m512i;
DSPERSE_INLINE U32 load_u32(const std::uint32_t* p) { return _mm512_loadu_si512(p); }
DSPERSE_INLINE void store_u32(std::uint32_t* p, U32 x) { _mm512_storeu_si512(p, x); }
DSPERSE_INLINE U32 all_u32(std::uint32_t x) { return _mm512_set1_epi32(static_cast<int>(x)); }
DSPERSE_INLINE U32 add_u32(U32 a, U32 b) { return _mm512_add_epi32(a, b); }
DSPERSE_INLINE U32 xor_u32(U32 a, U32 b) { return _mm512_xor_si512(a, b); }
template <int R>
DSPERSE_INLINE U32 rotate_right(U32 x) {
  return _mm512_ror_epi32(x, R);
}
/// m[w] lane i = word w of the i-th 64-byte block.
DSPERSE_INLINE void load_blocks(const std::uint64_t* data, U32* m) {
  __m512i a[16], b[16];
#pragma GCC unroll 16
  for (std::size_t i = 0; i < 16; ++i) a[i] = _mm512_loadu_si512(data + 8 * i);
#pragma GCC unroll 8
  for (std::size_t i = 0; i < 16; i += 2) {
    b[i] = _mm512_unpacklo_epi32(a[i], a[i + 1]);
    b[i + 1] = _mm512_unpackhi_epi32(a[i], a[i + 1]);
  }
#pragma GCC unroll 4
  for (std::size_t i = 0; i < 16; i += 4) {
    a[i] = _mm512_unpacklo_epi64(b[i], b[i + 2]);
    a[i + 1] = _mm512_unpackhi_epi64(b[i], b[i + 2]);
    a[i + 2] = _mm512_unpacklo_epi64(b[i + 1], b[i + 3]);
    a[i + 3] = _mm512_unpackhi_epi64(b[i + 1], b[i + 3]);
  }
  // a[4 g + w]: 128-bit lane q holds word 4 q + w of blocks 4 g ... 4 g + 3.
#pragma GCC unroll 4
  for (std::size_t w = 0; w < 4; ++w) {
    const __m512i x = _mm512_shuffle_i32x4(a[w], a[4 + w], 0x88), y = _mm512_shuffle_i32x4(a[w], a[4 + w], 0xDD);
    const __m512i z = _mm512_shuffle_i32x4(a[8 + w], a[12 + w], 0x88), t = _mm512_shuffle_i32x4(a[8 + w], a[12 + w], 0xDD);
    m[w] = _mm512_shuffle_i32x4(x, z, 0x88);
    m[8 + w] = _mm512_shuffle_i32x4(x, z, 0xDD);
    m[4 + w] = _mm512_shuffle_i32x4(y, t, 0x88);
    m[12 + w] = _mm512_shuffle_i32x4(y, t, 0xDD);
  }
}

#elif defined(__AVX2__)

inline constexpr std::size_t kWidth = 8;
using U32 = __m256i;
DSPERSE_INLINE U32 load_u32(const std::uint32_t* p) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)); }
DSPERSE_INLINE void store_u32(std::uint32_t* p, U32 x) { _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), x); }
DSPERSE_INLINE U32 all_u32(std::uint32_t x) { return _mm256_set1_epi32(static_cast<int>(x)); }
DSPERSE_INLINE U32 add_u32(U32 a, U32 b) { return _mm256_add_epi32(a, b); }
DSPERSE_INLINE U32 xor_u32(U32 a, U32 b) { return _mm256_xor_si256(a, b); }
template <int R>
DSPERSE_INLINE U32 rotate_right(U32 x) {
  if constexpr (R == 16) {
    return _mm256_shuffle_epi8(x, _mm256_set_epi8(13, 12, 15, 14, 9, 8, 11, 10, 5, 4, 7, 6, 1, 0, 3, 2, 13, 12, 15, 14, 9, 8, 11,
                                                  10, 5, 4, 7, 6, 1, 0, 3, 2));
  } else if constexpr (R == 8) {
    return _mm256_shuffle_epi8(x, _mm256_set_epi8(12, 15, 14, 13, 8, 11, 10, 9, 4, 7, 6, 5, 0, 3, 2, 1, 12, 15, 14, 13, 8, 11, 10,
                                                  9, 4, 7, 6, 5, 0, 3, 2, 1));
  } else {
    return _mm256_or_si256(_mm256_srli_epi32(x, R), _mm256_slli_epi32(x, 32 - R));
  }
}
/// m[w] lane i = word w of the i-th 64-byte block.
DSPERSE_INLINE void load_blocks(const std::uint64_t* data, U32* m) {
  for (std::size_t half = 0; half < 2; ++half) {
    __m256i a[8], b[8];
#pragma GCC unroll 8
    for (std::size_t i = 0; i < 8; ++i) a[i] = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(data + 8 * i + 4 * half));
#pragma GCC unroll 4
    for (std::size_t i = 0; i < 8; i += 2) {
      b[i] = _mm256_unpacklo_epi32(a[i], a[i + 1]);
      b[i + 1] = _mm256_unpackhi_epi32(a[i], a[i + 1]);
    }
#pragma GCC unroll 2
    for (std::size_t i = 0; i < 8; i += 4) {
      a[i] = _mm256_unpacklo_epi64(b[i], b[i + 2]);
      a[i + 1] = _mm256_unpackhi_epi64(b[i], b[i + 2]);
      a[i + 2] = _mm256_unpacklo_epi64(b[i + 1], b[i + 3]);
      a[i + 3] = _mm256_unpackhi_epi64(b[i + 1], b[i + 3]);
    }
#pragma GCC unroll 4
    for (std::size_t w = 0; w < 4; ++w) {
      m[8 * half + w] = _mm256_permute2x128_si256(a[w], a[4 + w], 0x20);
      m[8 * half + 4 + w] = _mm256_permute2x128_si256(a[w], a[4 + w], 0x31);
    }
  }
}

#else

inline constexpr std::size_t kWidth = 4;
using U32 = std::uint32_t __attribute__((vector_size(16)));
DSPERSE_INLINE U32 load_u32(const std::uint32_t* p) { return U32{p[0], p[1], p[2], p[3]}; }
DSPERSE_INLINE void store_u32(std::uint32_t* p, U32 x) {
  for (std::size_t i = 0; i < kWidth; ++i) p[i] = x[i];
}
DSPERSE_INLINE U32 all_u32(std::uint32_t x) { return U32{x, x, x, x}; }
DSPERSE_INLINE U32 add_u32(U32 a, U32 b) { return a + b; }
DSPERSE_INLINE U32 xor_u32(U32 a, U32 b) { return a ^ b; }
template <int R>
DSPERSE_INLINE U32 rotate_right(U32 x) {
  return (x >> R) | (x << (32 - R));
}
/// m[w] lane i = word w of the i-th 64-byte block.
DSPERSE_INLINE void load_blocks(const std::uint64_t* data, U32* m) {
  for (std::size_t w = 0; w < 8; ++w) {
    for (std::size_t i = 0; i < kWidth; ++i) {
      m[2 * w][i] = static_cast<std::uint32_t>(data[8 * i + w]);
      m[2 * w + 1][i] = static_cast<std::uint32_t>(data[8 * i + w] >> 32);
    }
  }
}

#endif

inline constexpr unsigned char kSchedule[7][16] = {
    {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}, {2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8},
    {3, 4, 10, 12, 13, 2, 7, 14, 6, 5, 9, 0, 11, 15, 8, 1}, {10, 7, 12, 9, 14, 3, 13, 15, 4, 0, 11, 2, 5, 8, 1, 6},
    {12, 13, 9, 11, 15, 10, 14, 8, 7, 2, 5, 3, 0, 1, 6, 4}, {9, 14, 11, 5, 8, 12, 15, 1, 13, 3, 0, 10, 2, 6, 4, 7},
    {11, 15, 5, 0, 1, 9, 8, 6, 14, 10, 2, 12, 3, 4, 7, 13}};

DSPERSE_INLINE void mix(U32& a, U32& b, U32& c, U32& d, U32 x, U32 y) {
  a = add_u32(add_u32(a, b), x);
  d = rotate_right<16>(xor_u32(d, a));
  c = add_u32(c, d);
  b = rotate_right<12>(xor_u32(b, c));
  a = add_u32(add_u32(a, b), y);
  d = rotate_right<8>(xor_u32(d, a));
  c = add_u32(c, d);
  b = rotate_right<7>(xor_u32(b, c));
}

template <int R>
DSPERSE_INLINE void rounds(U32* v, const U32* m) {
  constexpr const unsigned char* s = kSchedule[R];
  mix(v[0], v[4], v[8], v[12], m[s[0]], m[s[1]]);
  mix(v[1], v[5], v[9], v[13], m[s[2]], m[s[3]]);
  mix(v[2], v[6], v[10], v[14], m[s[4]], m[s[5]]);
  mix(v[3], v[7], v[11], v[15], m[s[6]], m[s[7]]);
  mix(v[0], v[5], v[10], v[15], m[s[8]], m[s[9]]);
  mix(v[1], v[6], v[11], v[12], m[s[10]], m[s[11]]);
  mix(v[2], v[7], v[8], v[13], m[s[12]], m[s[13]]);
  mix(v[3], v[4], v[9], v[14], m[s[14]], m[s[15]]);
  if constexpr (R < 6) rounds<R + 1>(v, m);
}

/// cv <- chaining value after one block of 64 bytes with message words m.
DSPERSE_INLINE void compress(U32* cv, const U32* m, U32 counter_low, std::uint32_t counter_high, std::uint32_t flags) {
  U32 v[16] = {cv[0],
               cv[1],
               cv[2],
               cv[3],
               cv[4],
               cv[5],
               cv[6],
               cv[7],
               all_u32(0x6A09E667U),
               all_u32(0xBB67AE85U),
               all_u32(0x3C6EF372U),
               all_u32(0xA54FF53AU),
               counter_low,
               all_u32(counter_high),
               all_u32(64),
               all_u32(flags)};
  rounds<0>(v, m);
#pragma GCC unroll 8
  for (std::size_t i = 0; i < 8; ++i) cv[i] = xor_u32(v[i], v[i + 8]);
}

}  // namespace dsperse::crypto::DSPERSE_LANES
