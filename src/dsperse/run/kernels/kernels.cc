// Compiled once per instruction set (cmake: dsperse_kernels, and once more with VNNI). Nothing from a shared header is
// instantiated here: a function that the linker merges across instruction sets would crash older CPUs.
#include "dsperse/run/kernels/kernels.h"

#if defined(__AVX512BW__) || defined(__AVX2__)
#include <immintrin.h>
#endif

#if defined(__AVX512VNNI__)
#define DSPERSE_RUN_ISA isa_vnni
#elif defined(__AVX512BW__)
#define DSPERSE_RUN_ISA isa_avx512
#elif defined(__AVX2__)
#define DSPERSE_RUN_ISA isa_avx2
#else
#define DSPERSE_RUN_ISA isa_scalar
#endif

#define DSPERSE_RUN_INLINE inline __attribute__((always_inline))
#define DSPERSE_UNROLL _Pragma("GCC unroll 16")

namespace dsperse::run::DSPERSE_RUN_ISA {

DSPERSE_RUN_INLINE std::int32_t load_pair(const std::int16_t* p) {
  std::int32_t x;
  __builtin_memcpy(&x, p, sizeof x);
  return x;
}

}  // namespace dsperse::run::DSPERSE_RUN_ISA

// One of these defines Vec (int32 sums of kWidth outputs), Sum64 helpers and finish().
#if defined(__AVX512BW__)
#include "dsperse/run/kernels/vec_avx512.inc"
#elif defined(__AVX2__)
#include "dsperse/run/kernels/vec_avx2.inc"
#else
#include "dsperse/run/kernels/vec_scalar.inc"
#endif

namespace dsperse::run::DSPERSE_RUN_ISA {
namespace {

/// Vec registers of a panel.
constexpr int kParts = kLanes / kWidth;

/// M rows, P panels. `first`: acc is overwritten (or combined) instead of added to.
template <int M, int P>
void panel_tile(const std::int16_t* const* x, const Step* steps, std::size_t n_steps, const std::int16_t* w,
                std::int64_t panel_stride, Combine combine, std::int64_t* acc, std::int64_t ld) {
  constexpr int V = P * kParts;
  Vec c[M][V];
  DSPERSE_UNROLL for (int r = 0; r < M; ++r) DSPERSE_UNROLL for (int v = 0; v < V; ++v) c[r][v] = zero();
  bool first = true;
  for (const Step* s = steps; s != steps + n_steps; ++s) {
    const std::int16_t* row[M];
    DSPERSE_UNROLL for (int r = 0; r < M; ++r) row[r] = x[r] + s->x;
    for (std::int64_t j = 0; j < s->pairs; ++j) {
      Vec b[V];
      DSPERSE_UNROLL for (int v = 0; v < V; ++v) b[v] = load(w + (v / kParts) * panel_stride + (v % kParts) * 2 * kWidth);
      DSPERSE_UNROLL for (int r = 0; r < M; ++r) {
        const Vec a = broadcast(load_pair(row[r] + 2 * j));
        DSPERSE_UNROLL for (int v = 0; v < V; ++v) c[r][v] = multiply_add(c[r][v], a, b[v]);
      }
      w += 2 * kLanes;
    }
    if (!s->flush) continue;
    DSPERSE_UNROLL for (int r = 0; r < M; ++r) DSPERSE_UNROLL for (int v = 0; v < V; ++v) {
      widen(c[r][v], acc + r * ld + v * kWidth, first, combine);
      c[r][v] = zero();
    }
    first = false;
  }
}

template <int P, int Full, int Half, int Quarter>
DSPERSE_RUN_INLINE void rows_of(int m, const std::int16_t* const* x, const Step* steps, std::size_t n_steps,
                                const std::int16_t* w, std::int64_t panel_stride, Combine combine, std::int64_t* acc,
                                std::int64_t ld) {
  if (m > Half)
    panel_tile<Full, P>(x, steps, n_steps, w, panel_stride, combine, acc, ld);
  else if (m > Quarter)
    panel_tile<Half, P>(x, steps, n_steps, w, panel_stride, combine, acc, ld);
  else if (m > 1)
    panel_tile<Quarter, P>(x, steps, n_steps, w, panel_stride, combine, acc, ld);
  else
    panel_tile<1, P>(x, steps, n_steps, w, panel_stride, combine, acc, ld);
}

void panels(const std::int16_t* const* x, int m, const Step* steps, std::size_t n_steps, const std::int16_t* w,
            std::int64_t panel_stride, int panel_count, Combine combine, std::int64_t* acc, std::int64_t ld) {
#if defined(__AVX512BW__)
  switch (panel_count) {
    case 4:
      return rows_of<4, 6, 4, 2>(m, x, steps, n_steps, w, panel_stride, combine, acc, ld);
    case 3:
      return rows_of<3, 8, 4, 2>(m, x, steps, n_steps, w, panel_stride, combine, acc, ld);
    case 2:
      return rows_of<2, 12, 6, 3>(m, x, steps, n_steps, w, panel_stride, combine, acc, ld);
    default:
      return rows_of<1, 12, 6, 3>(m, x, steps, n_steps, w, panel_stride, combine, acc, ld);
  }
#else
  for (int p = 0; p < panel_count; ++p)
    rows_of<1, kTileRows, kTileRows / 2, 2>(m, x, steps, n_steps, w + p * panel_stride, panel_stride, combine, acc + p * kLanes,
                                            ld);
#endif
}

template <int M>
void lane_tile(const std::int32_t* const* x, const Step* steps, std::size_t n_steps, const std::int32_t* w, Combine combine,
               std::int64_t* acc, std::int64_t ld) {
  for (int part = 0; part < kParts; ++part) {
    Vec c[M];
    DSPERSE_UNROLL for (int r = 0; r < M; ++r) c[r] = zero();
    bool first = true;
    for (std::size_t s = 0; s < n_steps; ++s) {
      const Vec b = load(w + s * kLanes + static_cast<std::size_t>(part * kWidth));
      DSPERSE_UNROLL for (int r = 0; r < M; ++r) c[r] = multiply_add(c[r], load(x[r] + steps[s].x + part * kWidth), b);
      if (!steps[s].flush) continue;
      DSPERSE_UNROLL for (int r = 0; r < M; ++r) {
        widen(c[r], acc + r * ld + part * kWidth, first, combine);
        c[r] = zero();
      }
      first = false;
    }
  }
}

void lanes(const std::int32_t* const* x, int m, const Step* steps, std::size_t n_steps, const std::int32_t* w, Combine combine,
           std::int64_t* acc, std::int64_t ld) {
  if (m > 4) return lane_tile<8>(x, steps, n_steps, w, combine, acc, ld);
  if (m > 2) return lane_tile<4>(x, steps, n_steps, w, combine, acc, ld);
  return lane_tile<2>(x, steps, n_steps, w, combine, acc, ld);
}

template <int M, int Q>
DSPERSE_RUN_INLINE void dot_tile(const std::int16_t* x, std::int64_t x_stride, const std::int16_t* w, std::int64_t w_stride,
                                 std::int64_t k, std::int64_t block, Combine combine, std::int64_t* acc, std::int64_t ld) {
  std::int64_t total[M][Q] = {};
  constexpr std::int64_t kStep = 2 * kWidth;
  for (std::int64_t begin = 0; begin < k;) {
    const std::int64_t end = k - begin > block * kStep ? begin + block * kStep : k, whole = end - (end - begin) % kStep;
    Vec c[M][Q];
    DSPERSE_UNROLL for (int r = 0; r < M; ++r) DSPERSE_UNROLL for (int q = 0; q < Q; ++q) c[r][q] = zero();
    for (std::int64_t i = begin; i < whole; i += kStep) {
      Vec a[M];
      DSPERSE_UNROLL for (int r = 0; r < M; ++r) a[r] = load(x + r * x_stride + i);
      DSPERSE_UNROLL for (int q = 0; q < Q; ++q) {
        const Vec b = load(w + q * w_stride + i);
        DSPERSE_UNROLL for (int r = 0; r < M; ++r) c[r][q] = multiply_add(c[r][q], a[r], b);
      }
    }
    if (whole < end) DSPERSE_UNROLL for (int q = 0; q < Q; ++q) {
        const Vec b = load_factors(w + q * w_stride + whole, end - whole);
        DSPERSE_UNROLL for (int r = 0; r < M; ++r) c[r][q] =
            multiply_add(c[r][q], load_factors(x + r * x_stride + whole, end - whole), b);
      }
    DSPERSE_UNROLL for (int r = 0; r < M; ++r) DSPERSE_UNROLL for (int q = 0; q < Q; ++q) total[r][q] += reduce(c[r][q]);
    begin = end;
  }
  DSPERSE_UNROLL for (int r = 0; r < M; ++r) DSPERSE_UNROLL for (int q = 0; q < Q; ++q) {
    std::int64_t& out = acc[r * ld + q];
    out = combine == Combine::set ? total[r][q] : out * 256 + total[r][q];
  }
}

template <int M>
void dot_rows(const std::int16_t* x, std::int64_t x_stride, const std::int16_t* w, std::int64_t w_stride, std::int64_t outputs,
              std::int64_t k, std::int64_t block, Combine combine, std::int64_t* acc, std::int64_t ld) {
  std::int64_t o = 0;
  for (; o + 4 <= outputs; o += 4) dot_tile<M, 4>(x, x_stride, w + o * w_stride, w_stride, k, block, combine, acc + o, ld);
  for (; o < outputs; ++o) dot_tile<M, 1>(x, x_stride, w + o * w_stride, w_stride, k, block, combine, acc + o, ld);
}

void dots(const std::int16_t* x, std::int64_t x_stride, int m, const std::int16_t* w, std::int64_t w_stride, std::int64_t outputs,
          std::int64_t k, std::int64_t block, Combine combine, std::int64_t* acc, std::int64_t ld) {
#if defined(__AVX512BW__)
  if (m == 4) return dot_rows<4>(x, x_stride, w, w_stride, outputs, k, block, combine, acc, ld);
#endif
  int r = 0;
  for (; r + 2 <= m; r += 2) dot_rows<2>(x + r * x_stride, x_stride, w, w_stride, outputs, k, block, combine, acc + r * ld, ld);
  for (; r < m; ++r) dot_rows<1>(x + r * x_stride, x_stride, w, w_stride, outputs, k, block, combine, acc + r * ld, ld);
}

}  // namespace
}  // namespace dsperse::run::DSPERSE_RUN_ISA

#include "dsperse/run/kernels/finished.inc"
#include "dsperse/run/kernels/rows.inc"

namespace dsperse::run::DSPERSE_RUN_ISA {

extern const Kernels table;
const Kernels table{
#if defined(__AVX512BW__)
    {0, 12, 12, 8, 6},
#else
    {0, kTileRows, kTileRows, kTileRows, kTileRows},
#endif
    panels,
    panels_finish,
    taps_finish,
    narrow_finish,
    lanes,
    dots,
    finish,
    narrow,
    to_pairs,
    add_narrow,
    add_scaled,
    add_wide,
    multiply,
    add_constant,
    maximum,
    maximum_row,
    extremes,
    extremes16,
    signed_sums};

}  // namespace dsperse::run::DSPERSE_RUN_ISA
