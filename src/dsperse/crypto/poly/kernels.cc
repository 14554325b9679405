// Loops over blocks, compiled once per instruction set (kernels.h says what each does).
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"  // GCC 12's own AVX-512 header (bug 105593)
#endif

#include "dsperse/crypto/poly/kernels.h"

#include "dsperse/crypto/poly/packed_ext.h"

namespace dsperse::crypto::DSPERSE_LANES {
namespace {

using Word = std::uint64_t;

/// Eight neighbouring symbols as field elements.
DSPERSE_INLINE F8 load_symbols(const Word* p) { return load(p); }
#if defined(__AVX512F__) && defined(__AVX512DQ__) && defined(__AVX512IFMA__)
DSPERSE_INLINE F8 from_signed(__m512i x) {
  return {_mm512_mask_add_epi64(x, _mm512_movepi64_mask(x), x, _mm512_set1_epi64(static_cast<long long>(kPrime)))};
}
[[maybe_unused]] DSPERSE_INLINE F8 load_symbols(const std::int16_t* p) {
  return from_signed(_mm512_cvtepi16_epi64(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))));
}
[[maybe_unused]] DSPERSE_INLINE F8 load_symbols(const std::int32_t* p) {
  return from_signed(_mm512_cvtepi32_epi64(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p))));
}
DSPERSE_INLINE F8 load_symbols(const std::int64_t* p) { return from_signed(_mm512_loadu_si512(p)); }
#else
template <class T>
DSPERSE_INLINE F8 load_symbols(const T* p) {
  Word lane[kLaneCount];
  for (std::size_t i = 0; i < kLaneCount; ++i) {
    const auto x = static_cast<std::int64_t>(p[i]);
    lane[i] = static_cast<Word>(x) + (x < 0 ? kPrime : 0);
  }
  return load(lane);
}
#endif

template <int D>
struct Loops {
  using E = E8<D>;
  static constexpr std::size_t kBlock = kLaneCount * static_cast<std::size_t>(D);

  DSPERSE_INLINE static E at(const Word* t, std::size_t b) { return load_ext<D>(t + b * kBlock); }
  DSPERSE_INLINE static E at_or_zero(const Word* t, std::size_t b, std::size_t n) { return b < n ? at(t, b) : zero_ext<D>(); }
  DSPERSE_INLINE static void put(Word* t, std::size_t b, const E& e) { store_ext<D>(t + b * kBlock, e); }

  /// even, odd of blocks 2b, 2b + 1.
  DSPERSE_INLINE static void pair(const Word* t, std::size_t b, std::size_t in, E& even, E& odd) {
    deinterleave<D>(at(t, 2 * b), at_or_zero(t, 2 * b + 1, in), even, odd);
  }
  DSPERSE_INLINE static E folded(const Word* t, std::size_t b, std::size_t in, const Const<D>& x) {
    if (2 * b >= in) return zero_ext<D>();
    E even, odd;
    pair(t, b, in, even, odd);
    return add_product<D>(even, odd - even, x);
  }
  DSPERSE_INLINE static E summed(const Word* t, std::size_t b, std::size_t in) {
    if (2 * b >= in) return zero_ext<D>();
    E even, odd;
    pair(t, b, in, even, odd);
    return even + odd;
  }
  /// The line through (0, even), (1, odd) at 2.
  DSPERSE_INLINE static E at_two(const E& even, const E& odd) { return odd + (odd - even); }

  static void eq_double(Word* lo, Word* hi, std::size_t blocks, const Word* p) {
    const Const<D> c = constant<D>(p);
    for (std::size_t b = 0; b < blocks; ++b) {
      const E a = at(lo, b), high = add_product<D>(zero_ext<D>(), a, c);
      put(hi, b, high);
      put(lo, b, a - high);
    }
  }
  static void add_scaled(Word* t, const Word* x, std::size_t blocks, const Word* c) {
    const Const<D> factor = constant<D>(c);
    for (std::size_t b = 0; b < blocks; ++b) put(t, b, add_product<D>(at(t, b), at(x, b), factor));
  }
  static void fold(Word* out, const Word* t, std::size_t in, const Word* x) {
    const Const<D> c = constant<D>(x);
    for (std::size_t b = 0; 2 * b < in; ++b) put(out, b, folded(t, b, in, c));
  }
  static void sum_pairs(Word* out, const Word* t, std::size_t in) {
    for (std::size_t b = 0; 2 * b < in; ++b) put(out, b, summed(t, b, in));
  }
  static void inner(const Word* a, const Word* b, std::size_t blocks, Word* sum) {
    Acc<D> acc = zero_acc<D>();
    for (std::size_t i = 0; i < blocks; ++i) mac(acc, at(a, i), at(b, i));
    total<D>(acc, sum);
  }
  static void inner_base(const Word* a, const Word* b, std::size_t blocks, Word* sum) {
    Acc<D> acc = zero_acc<D>();
    for (std::size_t i = 0; i < blocks; ++i) mac(acc, load(a + kLaneCount * i), at(b, i));
    total<D>(acc, sum);
  }

  /// (a0 + a1, a2 + a3, ..., b0 + b1, ...)
  DSPERSE_INLINE static F8 pair_sums(F8 a, F8 b) {
    F8 even, odd;
    deinterleave(a, b, even, odd);
    return even + odd;
  }
  /// The sums of eight vectors' lanes.
  DSPERSE_INLINE static F8 lane_sums(const F8* v) {
    const F8 low = pair_sums(pair_sums(v[0], v[1]), pair_sums(v[2], v[3]));
    return pair_sums(low, pair_sums(pair_sums(v[4], v[5]), pair_sums(v[6], v[7])));
  }
  template <class T>
  static void contract(Word* out, const T* row, std::size_t n, const Word* eq, std::size_t width) {
    Factor factors[PolyKernels::kWidth][D];
    for (std::size_t b = 0; b < width; ++b)
      for (int m = 0; m < D; ++m)
        factors[b][m] = factor(load(eq + (b * static_cast<std::size_t>(D) + static_cast<std::size_t>(m)) * kLaneCount));
    for (std::size_t first = 0; first < n; first += kLaneCount) {
      F8 part[D][kLaneCount];  // per output: sums lane by lane
      for (std::size_t i = 0; i < kLaneCount; ++i) {
        FactorSum sum[D];
        if (first + i < n)
          for (std::size_t b = 0; b < width; ++b) {
            const F8 x = load_symbols(row + ((first + i) * width + b) * kLaneCount);
            for (int m = 0; m < D; ++m) sum[m].add(x, factors[b][m]);
          }
        for (int m = 0; m < D; ++m) part[m][i] = sum[m].reduced();
      }
      E sums;
      for (int m = 0; m < D; ++m) {
        sums.c[m] = lane_sums(part[m]);
      }
      put(out, first / kLaneCount, sums);
    }
  }

  DSPERSE_INLINE static void quadratic_step(Acc<D>& g0, Acc<D>& g2, const E& a0, const E& a1, const E& b0, const E& b1) {
    mac(g0, a0, b0);
    mac(g2, at_two(a0, a1), at_two(b0, b1));
  }
  static void quadratic(const Word* a, const Word* b, std::size_t in, Word* sums) {
    Acc<D> g0 = zero_acc<D>(), g2 = zero_acc<D>();
    for (std::size_t i = 0; 2 * i < in; ++i) {
      E a0, a1, b0, b1;
      pair(a, i, in, a0, a1);
      pair(b, i, in, b0, b1);
      quadratic_step(g0, g2, a0, a1, b0, b1);
    }
    total<D>(g0, sums);
    total<D>(g2, sums + D);
  }
  /// Folds blocks 4i ... 4i + 3 to two, stores them and splits them.
  DSPERSE_INLINE static void fold_pair(Word* out, const Word* t, std::size_t i, std::size_t in, const Const<D>& c, E& even,
                                       E& odd) {
    const E low = folded(t, 2 * i, in, c), high = folded(t, 2 * i + 1, in, c);
    put(out, 2 * i, low);
    if (4 * i + 2 < in) put(out, 2 * i + 1, high);
    deinterleave<D>(low, high, even, odd);
  }
  static void fold_quadratic(Word* out_a, Word* out_b, const Word* a, const Word* b, std::size_t in, const Word* x, Word* sums) {
    const Const<D> c = constant<D>(x);
    Acc<D> g0 = zero_acc<D>(), g2 = zero_acc<D>();
    for (std::size_t i = 0; 4 * i < in; ++i) {
      E a0, a1, b0, b1;
      fold_pair(out_a, a, i, in, c, a0, a1);
      fold_pair(out_b, b, i, in, c, b0, b1);
      quadratic_step(g0, g2, a0, a1, b0, b1);
    }
    total<D>(g0, sums);
    total<D>(g2, sums + D);
  }
};

// Rows. Sums of a tile of columns stay unreduced in a buffer in L1 while groups of eight rows stream by.

/// Eight values of a row from column k on; beyond `columns` zero.
template <class T>
DSPERSE_INLINE void load_tail(const T* row, std::size_t k, std::size_t columns, T* out) {
  for (std::size_t i = 0; i < kLaneCount; ++i) out[i] = k + i < columns ? row[k + i] : T{};
}

#if defined(__AVX512F__) && defined(__AVX512DQ__) && defined(__AVX512IFMA__)

// A weight w times a digit: as in packed_ext.h for digits of 32 bits (words a0, a1 of w; b0, b1 of w 2^32); for 16-bit values
// w is cut at bit 36, so that each product fits 52 bits. Signed integers are offset to be unsigned and the offset times the
// sum of the weights is taken off at the end.
template <int D, class T>
struct Rows {
  static constexpr bool kNarrow = sizeof(T) == 2, kBase = sizeof(T) == 8;
  static constexpr std::size_t kWords = kBase ? 4 : 2;  // per limb of a weight
  static constexpr std::size_t kD = static_cast<std::size_t>(D);

  static void split_weight(Word* out, Word w) {
    if constexpr (kNarrow) {
      out[0] = w & ((Word{1} << 36) - 1), out[1] = w >> 36;
    } else {
      const Word mask = (Word{1} << 52) - 1;
      out[0] = w & mask, out[1] = w >> 52;
      if constexpr (kBase) {
        const Word b = mul_scalar(w, Word{1} << 32);
        out[2] = b & mask, out[3] = b >> 52;
      }
    }
  }
  DSPERSE_INLINE static __m512i value(const T* p) {
    if constexpr (kNarrow) {
      const __m128i x = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
      return _mm512_cvtepu16_epi64(_mm_xor_si128(x, _mm_set1_epi16(static_cast<short>(0x8000))));
    } else if constexpr (sizeof(T) == 4) {
      const __m256i x = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
      return _mm512_cvtepu32_epi64(_mm256_xor_si256(x, _mm256_set1_epi32(static_cast<int>(0x80000000U))));
    } else {
      return load_symbols(p).v;
    }
  }
  DSPERSE_INLINE static void step(__m512i* lo, __m512i* hi, __m512i x, const Word* w) {
    if constexpr (kNarrow) {
      for (std::size_t m = 0; m < kD; ++m) {
        lo[m] = _mm512_madd52lo_epu64(lo[m], x, word(w[2 * m]));
        hi[m] = _mm512_madd52lo_epu64(hi[m], x, word(w[2 * m + 1]));
      }
    } else {
      const __m512i l = kBase ? _mm512_and_si512(x, word(kEps)) : x, h = _mm512_srli_epi64(x, 32);
      for (std::size_t m = 0; m < kD; ++m) {
        const Word* v = w + kWords * m;
        lo[m] = _mm512_madd52lo_epu64(lo[m], l, word(v[0]));
        hi[m] = _mm512_madd52hi_epu64(hi[m], l, word(v[0]));
        hi[m] = _mm512_madd52lo_epu64(hi[m], l, word(v[1]));
        if constexpr (kBase) {
          lo[m] = _mm512_madd52lo_epu64(lo[m], h, word(v[2]));
          hi[m] = _mm512_madd52hi_epu64(hi[m], h, word(v[2]));
          hi[m] = _mm512_madd52lo_epu64(hi[m], h, word(v[3]));
        }
      }
    }
  }
  DSPERSE_INLINE static F8 finish(__m512i lo, __m512i hi) {
    if constexpr (!kNarrow) return reduce52(lo, hi);
    const __m512i low = _mm512_add_epi64(lo, _mm512_slli_epi64(hi, 36));
    const __m512i high = _mm512_srli_epi64(hi, 28);
    return reduce(low, _mm512_mask_add_epi64(high, _mm512_cmplt_epu64_mask(low, lo), high, word(1)));
  }

  /// R rows over all columns of the tile.
  template <std::size_t R>
  static void group(__m512i* sums, const Word* weights, const T* const* rows, std::size_t first, std::size_t columns) {
    const T* row[R];
    for (std::size_t r = 0; r < R; ++r) row[r] = rows[r] + first;
    const std::size_t whole = columns / kLaneCount;
    const auto block = [&](std::size_t b, auto fetch) __attribute__((always_inline)) {
      __m512i lo[kD], hi[kD];
      for (std::size_t m = 0; m < kD; ++m) lo[m] = sums[2 * (kD * b + m)], hi[m] = sums[2 * (kD * b + m) + 1];
      for (std::size_t r = 0; r < R; ++r) step(lo, hi, fetch(r), weights + r * kD * kWords);
      for (std::size_t m = 0; m < kD; ++m) sums[2 * (kD * b + m)] = lo[m], sums[2 * (kD * b + m) + 1] = hi[m];
    };
    for (std::size_t b = 0; b < whole; ++b)
      block(b, [&](std::size_t r) __attribute__((always_inline)) { return value(row[r] + kLaneCount * b); });
    if (whole * kLaneCount == columns) return;
    block(whole, [&](std::size_t r) {
      T tail[kLaneCount];
      load_tail(row[r], kLaneCount * whole, columns, tail);
      return value(tail);
    });
  }

  static void run(Word* out, const Word* weights, const T* const* rows, std::size_t n, std::size_t first, std::size_t columns) {
    const std::size_t blocks = (columns + kLaneCount - 1) / kLaneCount;
    __m512i sums[2 * kD * PolyKernels::kTile / kLaneCount];
    for (std::size_t i = 0; i < 2 * kD * blocks; ++i) sums[i] = _mm512_setzero_si512();
    Word offset[kD] = {};  // sum of the weights
    for (std::size_t i = 0; i < n; i += 8) {
      const std::size_t count = n - i < 8 ? n - i : 8;
      Word split[8 * kD * kWords];
      for (std::size_t r = 0; r < count; ++r)
        for (std::size_t m = 0; m < kD; ++m) {
          split_weight(split + (r * kD + m) * kWords, weights[(i + r) * kD + m]);
          offset[m] = add_scalar(offset[m], weights[(i + r) * kD + m]);
        }
      if (count == 8)
        group<8>(sums, split, rows + i, first, columns);
      else
        for (std::size_t r = 0; r < count; ++r) group<1>(sums, split + r * kD * kWords, rows + i + r, first, columns);
    }
    F8 bias[kD];
    for (std::size_t m = 0; m < kD; ++m)
      bias[m] = kBase ? zero() : broadcast(mul_scalar(offset[m], Word{1} << (8 * sizeof(T) - 1) % 64));
    for (std::size_t b = 0; b < blocks; ++b)
      for (std::size_t m = 0; m < kD; ++m) {
        Word* to = out + (b * kD + m) * kLaneCount;
        F8 sum = finish(sums[2 * (kD * b + m)], sums[2 * (kD * b + m) + 1]) - bias[m];
        if ((b + 1) * kLaneCount > columns) {  // offsets of the lanes beyond the end
          sum.v = _mm512_maskz_mov_epi64(static_cast<__mmask8>((1U << (columns - b * kLaneCount)) - 1), sum.v);
        }
        store(to, load(to) + sum);
      }
  }
};

/// Contraction of small integers: as rows, with the vector's elements in the place of the weights. Four outputs at a time, so
/// that no multiply-add waits for the one before.
template <int D, class T>
struct Contract {
  using R = Rows<D, T>;
  static constexpr std::size_t kD = R::kD, kAtOnce = 4;
  using Vector = __m512i[PolyKernels::kWidth][kD][2];

  DSPERSE_INLINE static void step(__m512i* lo, __m512i* hi, __m512i x, const __m512i (*w)[2]) {
    for (std::size_t m = 0; m < kD; ++m) {
      lo[m] = _mm512_madd52lo_epu64(lo[m], x, w[m][0]);
      if constexpr (!R::kNarrow) hi[m] = _mm512_madd52hi_epu64(hi[m], x, w[m][0]);
      hi[m] = _mm512_madd52lo_epu64(hi[m], x, w[m][1]);
    }
  }
  /// Sums of four outputs, lane by lane; rows beyond `last` are read as that one.
  static void four(F8 (*part)[kLaneCount], std::size_t at, const T* row, std::size_t first, std::size_t last, const Vector& w,
                   std::size_t width, const F8* bias) {
    const T* from[kAtOnce];
    for (std::size_t k = 0; k < kAtOnce; ++k) from[k] = row + (first + k < last ? first + k : last) * width * kLaneCount;
    __m512i lo[kAtOnce][kD], hi[kAtOnce][kD];
    for (std::size_t k = 0; k < kAtOnce; ++k)
      for (std::size_t m = 0; m < kD; ++m) lo[k][m] = hi[k][m] = _mm512_setzero_si512();
    for (std::size_t b = 0; b < width; ++b)
      for (std::size_t k = 0; k < kAtOnce; ++k) step(lo[k], hi[k], R::value(from[k] + b * kLaneCount), w[b]);
    for (std::size_t k = 0; k < kAtOnce; ++k)
      for (std::size_t m = 0; m < kD; ++m) part[m][at + k] = first + k <= last ? R::finish(lo[k][m], hi[k][m]) - bias[m] : zero();
  }
  static void run(Word* out, const T* row, std::size_t n, const Word* eq, std::size_t width) {
    constexpr int kCut = R::kNarrow ? 36 : 52;
    Vector w;
    F8 bias[kD];
    for (F8& b : bias) b = zero();
    for (std::size_t b = 0; b < width; ++b)
      for (std::size_t m = 0; m < kD; ++m) {
        const F8 e = load(eq + (b * kD + m) * kLaneCount);
        w[b][m][0] = _mm512_and_si512(e.v, word((Word{1} << kCut) - 1));
        w[b][m][1] = _mm512_srli_epi64(e.v, kCut);
        bias[m] = bias[m] + e;
      }
    for (F8& b : bias) b = b * broadcast(Word{1} << (8 * sizeof(T) - 1));
    for (std::size_t first = 0; first < n; first += kLaneCount) {
      F8 part[kD][kLaneCount];
      for (std::size_t at = 0; at < kLaneCount; at += kAtOnce) four(part, at, row, first + at, n - 1, w, width, bias);
      E8<D> sums;
      for (std::size_t m = 0; m < kD; ++m) sums.c[m] = Loops<D>::lane_sums(part[m]);
      Loops<D>::put(out, first / kLaneCount, sums);
    }
  }
};

#else

template <int D, class T>
struct Contract {
  static constexpr auto run = Loops<D>::template contract<T>;
};

template <int D, class T>
struct Rows {
  static void run(Word* out, const Word* weights, const T* const* rows, std::size_t n, std::size_t first, std::size_t columns) {
    for (std::size_t i = 0; i < n; ++i) {
      F8 w[D];
      for (std::size_t m = 0; m < D; ++m) w[m] = broadcast(weights[i * D + m]);
      for (std::size_t k = 0; k < columns; k += kLaneCount) {
        T value[kLaneCount];
        load_tail(rows[i] + first, k, columns, value);
        const F8 x = load_symbols(value);
        for (std::size_t m = 0; m < D; ++m) {
          Word* to = out + (k / kLaneCount * D + m) * kLaneCount;
          store(to, load(to) + x * w[m]);
        }
      }
    }
  }
};

#endif

template <int D>
constexpr PolyKernels table() {
  using L = Loops<D>;
  return {L::eq_double,
          L::add_scaled,
          L::fold,
          L::sum_pairs,
          L::inner,
          L::inner_base,
          L::template contract<Word>,
          Contract<D, std::int16_t>::run,
          Contract<D, std::int32_t>::run,
          L::template contract<std::int64_t>,
          L::quadratic,
          L::fold_quadratic,
          Rows<D, Word>::run,
          Rows<D, std::int16_t>::run,
          Rows<D, std::int32_t>::run,
          Rows<D, std::int64_t>::run};
}

}  // namespace

extern const PolyKernels kPoly2;
extern const PolyKernels kPoly3;
constexpr PolyKernels kPoly2 = table<2>();
constexpr PolyKernels kPoly3 = table<3>();

}  // namespace dsperse::crypto::DSPERSE_LANES
