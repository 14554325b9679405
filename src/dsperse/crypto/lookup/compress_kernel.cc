// Tuples of integers to extension elements, compiled once per instruction set (kernels.h says what it does).
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"  // GCC 12's own AVX-512 header (bug 105593)
#endif

#include "dsperse/crypto/lookup/kernels.h"

#include "dsperse/crypto/poly/packed_ext.h"

namespace dsperse::crypto::DSPERSE_LANES {
namespace {

using Word = std::uint64_t;

/// Values first ... first + 7 of a column, zero from n on. What they are is up to Value.
template <class T, class Value>
DSPERSE_INLINE auto fetch(const void* column, std::size_t first, std::size_t n, Value value) {
  const T* const p = static_cast<const T*>(column) + first;
  if (first + kLaneCount <= n) return value(p);
  T tail[kLaneCount] = {};
  for (std::size_t i = 0; first + i < n; ++i) tail[i] = p[i];
  return value(tail);
}

#if defined(__AVX512F__) && defined(__AVX512DQ__) && defined(__AVX512IFMA__)

/// As in packed_ext.h: sums lo + 2^52 hi. Signed integers are offset to be unsigned, and the offset times the weight is taken
/// off the base.
template <int D>
struct Tuples {
  struct Weight {
    Factor limb[D];
  };
  Weight weight[TupleColumns::kMax];
  __m512i lo[D], hi[D];
  const TupleColumns& columns;

  Tuples(const TupleColumns& c, const TupleMap& map) : columns(c) {
    for (int m = 0; m < D; ++m) {
      Word base = map.base[m];
      for (std::size_t k = 0; k < c.count; ++k) {
        weight[k].limb[m] = factor(map.weight[k][m]);
        if (c.bytes[k] != 8) base = sub_scalar(base, mul_scalar(map.weight[k][m], Word{1} << (8 * c.bytes[k] - 1)));
      }
      lo[m] = word(base & ((Word{1} << 52) - 1)), hi[m] = word(base >> 52);
    }
  }
  DSPERSE_INLINE E8<D> at(std::size_t first, std::size_t n) const {
    __m512i l[D], h[D];
    for (int m = 0; m < D; ++m) l[m] = lo[m], h[m] = hi[m];
    for (std::size_t k = 0; k < columns.count; ++k) {
      __m512i x;
      if (columns.bytes[k] == 2) {
        x = fetch<std::int16_t>(columns.data[k], first, n, [](const std::int16_t* p) {
          const __m128i v = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
          return _mm512_cvtepu16_epi64(_mm_xor_si128(v, _mm_set1_epi16(static_cast<short>(0x8000))));
        });
      } else if (columns.bytes[k] == 4) {
        x = fetch<std::int32_t>(columns.data[k], first, n, [](const std::int32_t* p) {
          const __m256i v = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
          return _mm512_cvtepu32_epi64(_mm256_xor_si256(v, _mm256_set1_epi32(static_cast<int>(0x80000000U))));
        });
      } else {
        const __m512i v = fetch<Word>(columns.data[k], first, n, [](const Word* p) { return _mm512_loadu_si512(p); });
        x = _mm512_and_si512(v, word(kEps));
        const __m512i up = _mm512_srli_epi64(v, 32);
        for (int m = 0; m < D; ++m) {
          const Factor& f = weight[k].limb[m];
          l[m] = _mm512_madd52lo_epu64(l[m], up, f.b0);
          h[m] = _mm512_madd52hi_epu64(h[m], up, f.b0);
          h[m] = _mm512_madd52lo_epu64(h[m], up, f.b1);
        }
      }
      for (int m = 0; m < D; ++m) {
        const Factor& f = weight[k].limb[m];
        l[m] = _mm512_madd52lo_epu64(l[m], x, f.a0);
        h[m] = _mm512_madd52hi_epu64(h[m], x, f.a0);
        h[m] = _mm512_madd52lo_epu64(h[m], x, f.a1);
      }
    }
    E8<D> e;
    for (int m = 0; m < D; ++m) e.c[m] = reduce52(l[m], h[m]);
    return e;
  }
};

DSPERSE_INLINE F8 select(unsigned bits, F8 x, F8 y) { return {_mm512_mask_mov_epi64(y.v, static_cast<__mmask8>(bits), x.v)}; }

#else

template <int D>
struct Tuples {
  const TupleColumns& columns;
  const TupleMap& map;

  Tuples(const TupleColumns& c, const TupleMap& m) : columns(c), map(m) {}
  template <class T>
  DSPERSE_INLINE static F8 integers(const T* p) {
    Word lane[kLaneCount];
    for (std::size_t i = 0; i < kLaneCount; ++i) {
      const auto v = static_cast<std::int64_t>(p[i]);
      lane[i] = v < 0 ? kPrime - static_cast<Word>(-v) : static_cast<Word>(v);
    }
    return load(lane);
  }
  DSPERSE_INLINE E8<D> at(std::size_t first, std::size_t n) const {
    E8<D> e;
    for (int m = 0; m < D; ++m) e.c[m] = broadcast(map.base[m]);
    for (std::size_t k = 0; k < columns.count; ++k) {
      F8 x;
      if (columns.bytes[k] == 2)
        x = fetch<std::int16_t>(columns.data[k], first, n, [](const std::int16_t* p) { return integers(p); });
      else if (columns.bytes[k] == 4)
        x = fetch<std::int32_t>(columns.data[k], first, n, [](const std::int32_t* p) { return integers(p); });
      else
        x = fetch<Word>(columns.data[k], first, n, [](const Word* p) { return load(p); });
      for (int m = 0; m < D; ++m) e.c[m] = e.c[m] + x * broadcast(map.weight[k][m]);
    }
    return e;
  }
};

DSPERSE_INLINE F8 select(unsigned bits, F8 x, F8 y) {
  Word a[kLaneCount], b[kLaneCount];
  store(a, x);
  store(b, y);
  for (unsigned i = 0; i < kLaneCount; ++i) a[i] = ((bits >> i) & 1) != 0 ? a[i] : b[i];
  return load(a);
}

#endif

template <int D>
void compress(Word* out, std::size_t blocks, std::size_t n, const TupleColumns& columns, const TupleMap& map,
              const std::uint8_t* real) {
  const Tuples<D> tuples(columns, map);
  E8<D> other;
  for (int m = 0; m < D; ++m) other.c[m] = broadcast(map.other[m]);
  for (std::size_t b = 0; b < blocks; ++b) {
    const std::size_t first = b * kLaneCount;
    E8<D> e = other;
    if (first < n) {
      e = tuples.at(first, n);
      unsigned bits = real == nullptr ? 0xFFU : real[b];
      if (n - first < kLaneCount) bits &= (1U << (n - first)) - 1;
      if (bits != 0xFFU)
        for (int m = 0; m < D; ++m) e.c[m] = select(bits, e.c[m], other.c[m]);
    }
    store_ext<D>(out + b * kLaneCount * static_cast<std::size_t>(D), e);
  }
}

}  // namespace

extern const CompressKernel kCompress2;
extern const CompressKernel kCompress3;
constexpr CompressKernel kCompress2 = compress<2>;
constexpr CompressKernel kCompress3 = compress<3>;

}  // namespace dsperse::crypto::DSPERSE_LANES
