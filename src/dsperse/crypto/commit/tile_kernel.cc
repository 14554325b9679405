// Rows of any width into a tile of eight lanes, lane = row: widened to field elements, then transposed in registers.
#include "dsperse/crypto/commit/column_kernel.h"
#include "dsperse/crypto/commit/kernels.h"
#include "dsperse/crypto/field/packed.h"

namespace dsperse::crypto::DSPERSE_LANES {
namespace {

constexpr std::size_t kStretch = 64;  ///< symbols of a row that are widened at once: eight rows of them stay in cache

/// Symbols of one row from memory, canonical.
template <class T>
void widen(const T* from, std::size_t n, std::uint64_t* to) {
  for (std::size_t j = 0; j < n; ++j) {
    const auto x = static_cast<std::int64_t>(from[j]);
    to[j] = static_cast<std::uint64_t>(x) + (x < 0 ? kPrime : 0);
  }
}
void widen(const TileRow& row, std::size_t first, std::size_t n, std::uint64_t* to) {
  if (row.data == nullptr) {
    for (std::size_t j = 0; j < n; ++j) to[j] = 0;
    return;
  }
  switch (row.width) {
    case Width::i16:
      return widen(static_cast<const std::int16_t*>(row.data) + first, n, to);
    case Width::i32:
      return widen(static_cast<const std::int32_t*>(row.data) + first, n, to);
    case Width::i64:
      return widen(static_cast<const std::int64_t*>(row.data) + first, n, to);
    case Width::field:
      break;
  }
  for (std::size_t j = 0; j < n; ++j) to[j] = static_cast<const std::uint64_t*>(row.data)[first + j];
}

#if defined(__AVX512F__) && defined(__AVX512DQ__) && defined(__AVX512IFMA__)

/// out[8 j + i] = in[i kStretch + j] for i, j < 8.
DSPERSE_INLINE void transpose_square(const std::uint64_t* in, std::uint64_t* out) {
  __m512i a[8], b[8];
#pragma GCC unroll 8
  for (std::size_t i = 0; i < 8; ++i) a[i] = _mm512_loadu_si512(in + kStretch * i);
#pragma GCC unroll 4
  for (std::size_t i = 0; i < 8; i += 2) {
    b[i] = _mm512_unpacklo_epi64(a[i], a[i + 1]);      // columns 0, 2, 4, 6 of a pair of rows
    b[i + 1] = _mm512_unpackhi_epi64(a[i], a[i + 1]);  // columns 1, 3, 5, 7
  }
#pragma GCC unroll 2
  for (std::size_t odd = 0; odd < 2; ++odd) {
    const __m512i x0 = _mm512_shuffle_i64x2(b[odd], b[2 + odd], 0x44), x1 = _mm512_shuffle_i64x2(b[4 + odd], b[6 + odd], 0x44);
    const __m512i y0 = _mm512_shuffle_i64x2(b[odd], b[2 + odd], 0xEE), y1 = _mm512_shuffle_i64x2(b[4 + odd], b[6 + odd], 0xEE);
    _mm512_storeu_si512(out + 8 * (0 + odd), _mm512_shuffle_i64x2(x0, x1, 0x88));
    _mm512_storeu_si512(out + 8 * (2 + odd), _mm512_shuffle_i64x2(x0, x1, 0xDD));
    _mm512_storeu_si512(out + 8 * (4 + odd), _mm512_shuffle_i64x2(y0, y1, 0x88));
    _mm512_storeu_si512(out + 8 * (6 + odd), _mm512_shuffle_i64x2(y0, y1, 0xDD));
  }
}

#elif defined(__AVX2__)

DSPERSE_INLINE void transpose_square(const std::uint64_t* in, std::uint64_t* out) {
  for (std::size_t rows = 0; rows < 8; rows += 4)
    for (std::size_t columns = 0; columns < 8; columns += 4) {
      __m256i a[4];
      for (std::size_t i = 0; i < 4; ++i)
        a[i] = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(in + kStretch * (rows + i) + columns));
      const __m256i low0 = _mm256_unpacklo_epi64(a[0], a[1]), high0 = _mm256_unpackhi_epi64(a[0], a[1]);
      const __m256i low1 = _mm256_unpacklo_epi64(a[2], a[3]), high1 = _mm256_unpackhi_epi64(a[2], a[3]);
      const __m256i column[4] = {_mm256_permute2x128_si256(low0, low1, 0x20), _mm256_permute2x128_si256(high0, high1, 0x20),
                                 _mm256_permute2x128_si256(low0, low1, 0x31), _mm256_permute2x128_si256(high0, high1, 0x31)};
      for (std::size_t j = 0; j < 4; ++j)
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + 8 * (columns + j) + rows), column[j]);
    }
}

#else

DSPERSE_INLINE void transpose_square(const std::uint64_t* in, std::uint64_t* out) {
  for (std::size_t j = 0; j < 8; ++j)
    for (std::size_t i = 0; i < 8; ++i) out[8 * j + i] = in[kStretch * i + j];
}

#endif

/// n <= kStretch columns.
void transpose(const std::uint64_t* in, std::size_t n, std::uint64_t* out) {
  std::size_t j = 0;
  for (; j + 8 <= n; j += 8) transpose_square(in + j, out + kTileRows * j);
  for (; j < n; ++j)
    for (std::size_t i = 0; i < kTileRows; ++i) out[kTileRows * j + i] = in[kStretch * i + j];
}

}  // namespace

void load_tile(const TileRow* rows, std::size_t kd, std::size_t r, std::uint64_t* tile) {
  std::uint64_t stretch[kTileRows * kStretch];
  for (std::size_t first = 0; first < kd; first += kStretch) {
    const std::size_t n = kd - first < kStretch ? kd - first : kStretch;
    for (std::size_t i = 0; i < kTileRows; ++i) widen(rows[i], first, n, stretch + kStretch * i);
    transpose(stretch, n, tile + kTileRows * first);
  }
  for (std::size_t first = 0; first < r; first += kStretch) {
    const std::size_t n = r - first < kStretch ? r - first : kStretch;
    for (std::size_t i = 0; i < kTileRows; ++i)
      for (std::size_t j = 0; j < n; ++j) stretch[kStretch * i + j] = rows[i].data == nullptr ? 0 : rows[i].pads[first + j];
    transpose(stretch, n, tile + kTileRows * (kd + first));
  }
}

}  // namespace dsperse::crypto::DSPERSE_LANES
