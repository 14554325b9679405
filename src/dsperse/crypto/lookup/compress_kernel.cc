// Tuples of integers to extension elements, compiled once per instruction set (kernels.h says what it does).
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"  // GCC 12's own AVX-512 header (bug 105593)
#endif

#include "dsperse/crypto/lookup/kernels.h"
#include "dsperse/crypto/poly/packed_ext.h"

namespace dsperse::crypto::DSPERSE_LANES {
namespace {

using Word = std::uint64_t;

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

  Tuples(const TupleColumns& c, const TupleMap& map) {
    for (int m = 0; m < D; ++m) {
      Word base = map.base[m];
      for (std::size_t k = 0; k < c.count; ++k) {
        weight[k].limb[m] = factor(map.weight[k][m]);
        if (c.bytes[k] != 8) base = sub_scalar(base, mul_scalar(map.weight[k][m], Word{1} << (8 * c.bytes[k] - 1)));
      }
      lo[m] = word(base & ((Word{1} << 52) - 1)), hi[m] = word(base >> 52);
    }
  }
  struct Value {
    __m512i lo[D], hi[D];
  };
  DSPERSE_INLINE void begin(Value& v) const {
    for (int m = 0; m < D; ++m) v.lo[m] = lo[m], v.hi[m] = hi[m];
  }
  DSPERSE_INLINE static E8<D> end(const Value& v) {
    E8<D> e;
    for (int m = 0; m < D; ++m) e.c[m] = reduce52(v.lo[m], v.hi[m]);
    return e;
  }
  DSPERSE_INLINE static __m512i integers(const std::int16_t* p) {
    const __m128i v = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    return _mm512_cvtepu16_epi64(_mm_xor_si128(v, _mm_set1_epi16(static_cast<short>(0x8000))));
  }
  DSPERSE_INLINE static __m512i integers(const std::int32_t* p) {
    const __m256i v = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
    return _mm512_cvtepu32_epi64(_mm256_xor_si256(v, _mm256_set1_epi32(static_cast<int>(0x80000000U))));
  }
  DSPERSE_INLINE void step(Value& v, std::size_t k, __m512i x) const {
    for (int m = 0; m < D; ++m) {
      const Factor& f = weight[k].limb[m];
      v.lo[m] = _mm512_madd52lo_epu64(v.lo[m], x, f.a0);
      v.hi[m] = _mm512_madd52hi_epu64(v.hi[m], x, f.a0);
      v.hi[m] = _mm512_madd52lo_epu64(v.hi[m], x, f.a1);
    }
  }
  template <class T>
  DSPERSE_INLINE void add(Value& v, std::size_t k, const T* p) const {
    if constexpr (sizeof(T) == 8) {
      const __m512i x = _mm512_loadu_si512(p), up = _mm512_srli_epi64(x, 32);
      step(v, k, _mm512_and_si512(x, word(kEps)));
      for (int m = 0; m < D; ++m) {
        const Factor& f = weight[k].limb[m];
        v.lo[m] = _mm512_madd52lo_epu64(v.lo[m], up, f.b0);
        v.hi[m] = _mm512_madd52hi_epu64(v.hi[m], up, f.b0);
        v.hi[m] = _mm512_madd52lo_epu64(v.hi[m], up, f.b1);
      }
    } else {
      step(v, k, integers(p));
    }
  }
};

DSPERSE_INLINE F8 select(unsigned bits, F8 x, F8 y) { return {_mm512_mask_mov_epi64(y.v, static_cast<__mmask8>(bits), x.v)}; }

#else

template <int D>
struct Tuples {
  const TupleMap& map;
  using Value = E8<D>;

  Tuples(const TupleColumns&, const TupleMap& m) : map(m) {}
  DSPERSE_INLINE void begin(Value& v) const {
    for (int m = 0; m < D; ++m) v.c[m] = broadcast(map.base[m]);
  }
  DSPERSE_INLINE static E8<D> end(const Value& v) { return v; }
  template <class T>
  DSPERSE_INLINE void add(Value& v, std::size_t k, const T* p) const {
    Word lane[kLaneCount];
    for (std::size_t i = 0; i < kLaneCount; ++i) {
      if constexpr (sizeof(T) == 8) {
        lane[i] = p[i];
      } else {
        const auto x = static_cast<std::int64_t>(p[i]);
        lane[i] = x < 0 ? kPrime - static_cast<Word>(-x) : static_cast<Word>(x);
      }
    }
    const F8 x = load(lane);
    for (int m = 0; m < D; ++m) v.c[m] = v.c[m] + x * broadcast(map.weight[k][m]);
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

/// n tuples, whose block b `add` adds to a value.
template <int D, class Add>
DSPERSE_INLINE void compress_with(Word* out, std::size_t blocks, std::size_t n, const TupleMap& map, const std::uint8_t* real,
                                  const Tuples<D>& tuples, const Add& add) {
  E8<D> other;
  for (int m = 0; m < D; ++m) other.c[m] = broadcast(map.other[m]);
  for (std::size_t b = 0; b < blocks; ++b) {
    E8<D> e = other;
    const std::size_t first = b * kLaneCount;
    unsigned bits = 0;
    if (first < n) {
      bits = real == nullptr ? 0xFFU : real[b];
      if (n - first < kLaneCount) bits &= (1U << (n - first)) - 1;
      typename Tuples<D>::Value v;
      tuples.begin(v);
      add(v, first);
      e = Tuples<D>::end(v);
    }
    if (bits != 0xFFU)
      for (int m = 0; m < D; ++m) e.c[m] = select(bits, e.c[m], other.c[m]);
    store_ext<D>(out + first * static_cast<std::size_t>(D), e);
  }
}

/// Tuple `first` and the seven after it; fewer than n are there.
template <int D, class T>
DSPERSE_INLINE void add_column(const Tuples<D>& tuples, typename Tuples<D>::Value& v, std::size_t k, const void* column,
                               std::size_t first, std::size_t n) {
  const T* const p = static_cast<const T*>(column) + first;
  if (first + kLaneCount <= n) return tuples.template add<T>(v, k, p);
  T tail[kLaneCount] = {};
  for (std::size_t i = 0; first + i < n; ++i) tail[i] = p[i];
  tuples.template add<T>(v, k, tail);
}

/// Columns that are all 16 bits wide, the usual ones, or any.
template <int D, std::size_t kNarrow>
void compress_columns(Word* out, std::size_t blocks, std::size_t n, const TupleColumns& columns, const TupleMap& map,
                      const std::uint8_t* real) {
  const Tuples<D> tuples(columns, map);
  compress_with<D>(out, blocks, n, map, real, tuples,
                   [&](typename Tuples<D>::Value& v, std::size_t first) __attribute__((always_inline)) {
                     if constexpr (kNarrow != 0) {
                       for (std::size_t k = 0; k < kNarrow; ++k)
                         add_column<D, std::int16_t>(tuples, v, k, columns.data[k], first, n);
                     } else {
                       for (std::size_t k = 0; k < columns.count; ++k)
                         if (columns.bytes[k] == 2)
                           add_column<D, std::int16_t>(tuples, v, k, columns.data[k], first, n);
                         else if (columns.bytes[k] == 4)
                           add_column<D, std::int32_t>(tuples, v, k, columns.data[k], first, n);
                         else
                           add_column<D, Word>(tuples, v, k, columns.data[k], first, n);
                     }
                   });
}

template <int D>
void compress(Word* out, std::size_t blocks, std::size_t n, const TupleColumns& columns, const TupleMap& map,
              const std::uint8_t* real) {
  bool narrow = true;
  for (std::size_t k = 0; k < columns.count; ++k) narrow = narrow && columns.bytes[k] == 2;
  const auto run = narrow && columns.count == 1   ? compress_columns<D, 1>
                   : narrow && columns.count == 2 ? compress_columns<D, 2>
                                                  : compress_columns<D, 0>;
  run(out, blocks, n, columns, map, real);
}

}  // namespace

extern const CompressKernel kCompress2;
extern const CompressKernel kCompress3;
constexpr CompressKernel kCompress2 = compress<2>;
constexpr CompressKernel kCompress3 = compress<3>;

}  // namespace dsperse::crypto::DSPERSE_LANES
