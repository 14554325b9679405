// The first round at the leaves from 16-bit columns, without extension elements but for the weights; AVX-512 alone.
//
// Y = c + w v (+ z y), so Y0 Y1 = c^2 + c w (v0 + v1) + w^2 v0 v1 + ...: sums of eq times small integers, put together at the
// end. Integers are offset to be unsigned: x + 2^35 < 2^36, and 2^35 times the sum of eq is taken off.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"  // GCC 12's own AVX-512 header (bug 105593)
#endif

#include "dsperse/crypto/lookup/kernels.h"
#include "dsperse/crypto/poly/packed_ext.h"

namespace dsperse::crypto::DSPERSE_LANES {

#if defined(__AVX512F__) && defined(__AVX512DQ__) && defined(__AVX512IFMA__)

namespace {

using Word = std::uint64_t;
constexpr Word kOffset = Word{1} << 35;

/// Sums of eq x for one x, limb by limb: lo + 2^52 hi.
template <int D>
struct IntegerSum {
  __m512i lo[D], hi[D];
};
/// A block of eq, cut at bit 52.
template <int D>
struct Weights {
  __m512i a0[D], a1[D];
};

template <int D>
DSPERSE_INLINE void add(IntegerSum<D>& s, const Weights<D>& w, __m512i x) {
  const __m512i v = _mm512_add_epi64(x, word(kOffset));
  for (int m = 0; m < D; ++m) {
    s.lo[m] = _mm512_madd52lo_epu64(s.lo[m], w.a0[m], v);
    s.hi[m] = _mm512_madd52hi_epu64(s.hi[m], w.a0[m], v);
    s.hi[m] = _mm512_madd52lo_epu64(s.hi[m], w.a1[m], v);
  }
}

template <int D>
struct Scalar {
  Word c[D] = {};
};
template <int D>
Scalar<D> times(const Scalar<D>& a, const Scalar<D>& b) {
  Scalar<D> out;
  for (int i = 0; i < D; ++i)
    for (int j = 0; j < D; ++j) {
      const Word x = mul_scalar(a.c[i], b.c[j]);
      Word& to = out.c[(i + j) % D];
      to = add_scalar(to, i + j < D ? x : mul_scalar(x, 7));
    }
  return out;
}
template <int D>
void add_to(Scalar<D>& sum, const Scalar<D>& a) {
  for (int m = 0; m < D; ++m) sum.c[m] = add_scalar(sum.c[m], a.c[m]);
}

/// Every fourth of 32 integers, as 64-bit ones.
DSPERSE_INLINE void split(const std::int16_t* p, __m512i* out) {
  alignas(64) static constexpr std::int16_t kOrder[32] = {0, 4, 8,  12, 16, 20, 24, 28, 1, 5, 9,  13, 17, 21, 25, 29,
                                                          2, 6, 10, 14, 18, 22, 26, 30, 3, 7, 11, 15, 19, 23, 27, 31};
  const __m512i v = _mm512_permutexvar_epi16(_mm512_load_si512(kOrder), _mm512_loadu_si512(p));
  out[0] = _mm512_cvtepi16_epi64(_mm512_castsi512_si128(v));
  out[1] = _mm512_cvtepi16_epi64(_mm512_extracti32x4_epi32(v, 1));
  out[2] = _mm512_cvtepi16_epi64(_mm512_extracti32x4_epi32(v, 2));
  out[3] = _mm512_cvtepi16_epi64(_mm512_extracti32x4_epi32(v, 3));
}
/// The line through (0, even), (1, odd) at 2.
DSPERSE_INLINE __m512i at_two(__m512i even, __m512i odd) { return _mm512_sub_epi64(_mm512_add_epi64(odd, odd), even); }

template <int D, std::size_t kColumns>
void integer_round(const Word* eq, const TupleColumns& columns, const TupleMap& map, std::size_t blocks, Word* sums) {
  constexpr std::size_t kTerms = kColumns == 1 ? 2 : 5;  // v0 v1, v0 + v1; v0 y1 + y0 v1, y0 y1, y0 + y1
  const __m512i z = _mm512_setzero_si512();
  IntegerSum<D> sum[2][kTerms], ones;
  for (int m = 0; m < D; ++m) {
    for (auto& at : sum)
      for (auto& s : at) s.lo[m] = s.hi[m] = z;
    ones.lo[m] = ones.hi[m] = z;
  }
  for (std::size_t i = 0; 4 * i < blocks; ++i) {
    Weights<D> w;
    for (int m = 0; m < D; ++m) {
      const __m512i e = load(eq + (i * static_cast<std::size_t>(D) + static_cast<std::size_t>(m)) * kLaneCount).v;
      w.a0[m] = _mm512_and_si512(e, word((Word{1} << 52) - 1));
      w.a1[m] = _mm512_srli_epi64(e, 52);
      ones.lo[m] = _mm512_add_epi64(ones.lo[m], w.a0[m]);
      ones.hi[m] = _mm512_add_epi64(ones.hi[m], w.a1[m]);
    }
    __m512i x[kColumns][4];
    for (std::size_t c = 0; c < kColumns; ++c) split(static_cast<const std::int16_t*>(columns.data[c]) + 32 * i, x[c]);
    for (std::size_t at = 0; at < 2; ++at) {
      __m512i v[kColumns][2];  // Y0's and Y1's integer
      for (std::size_t c = 0; c < kColumns; ++c)
        for (std::size_t k = 0; k < 2; ++k) v[c][k] = at == 0 ? x[c][k] : at_two(x[c][k], x[c][k + 2]);
      add(sum[at][0], w, _mm512_mul_epi32(v[0][0], v[0][1]));
      add(sum[at][1], w, _mm512_add_epi64(v[0][0], v[0][1]));
      if constexpr (kColumns == 2) {
        add(sum[at][2], w, _mm512_add_epi64(_mm512_mul_epi32(v[0][0], v[1][1]), _mm512_mul_epi32(v[1][0], v[0][1])));
        add(sum[at][3], w, _mm512_mul_epi32(v[1][0], v[1][1]));
        add(sum[at][4], w, _mm512_add_epi64(v[1][0], v[1][1]));
      }
    }
  }
  const auto value = [](const IntegerSum<D>& s) {
    Scalar<D> out;
    for (int m = 0; m < D; ++m) out.c[m] = total(reduce52(s.lo[m], s.hi[m]));
    return out;
  };
  Scalar<D> c, w[kColumns];
  for (int m = 0; m < D; ++m) {
    c.c[m] = map.base[m];
    for (std::size_t k = 0; k < kColumns; ++k) w[k].c[m] = map.weight[k][m];
  }
  const Scalar<D> weight = value(ones);
  Scalar<D> offset = weight;
  for (Word& limb : offset.c) limb = sub_scalar(0, mul_scalar(limb, kOffset));
  Scalar<D> factor[kTerms] = {times(w[0], w[0]), times(c, w[0])};
  if constexpr (kColumns == 2) factor[2] = times(w[0], w[1]), factor[3] = times(w[1], w[1]), factor[4] = times(c, w[1]);
  for (std::size_t at = 0; at < 2; ++at) {
    Scalar<D> h = times(times(c, c), weight);
    for (std::size_t k = 0; k < kTerms; ++k) {
      Scalar<D> s = value(sum[at][k]);
      add_to(s, offset);
      add_to(h, times(s, factor[k]));
    }
    for (int m = 0; m < D; ++m) sums[static_cast<int>(at) * D + m] = h.c[m];
  }
}

template <int D>
void round_of(const Word* eq, const TupleColumns& columns, const TupleMap& map, std::size_t blocks, Word* sums) {
  columns.count == 1 ? integer_round<D, 1>(eq, columns, map, blocks, sums) : integer_round<D, 2>(eq, columns, map, blocks, sums);
}

}  // namespace

extern const IntegerRoundKernel kIntegerRound2;
extern const IntegerRoundKernel kIntegerRound3;
constexpr IntegerRoundKernel kIntegerRound2 = round_of<2>;
constexpr IntegerRoundKernel kIntegerRound3 = round_of<3>;

#else

extern const IntegerRoundKernel kIntegerRound2;
extern const IntegerRoundKernel kIntegerRound3;
constexpr IntegerRoundKernel kIntegerRound2 = nullptr;
constexpr IntegerRoundKernel kIntegerRound3 = nullptr;

#endif

}  // namespace dsperse::crypto::DSPERSE_LANES
