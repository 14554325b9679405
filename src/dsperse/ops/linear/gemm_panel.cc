// Rows times a panel of columns, in registers; compiled once per instruction set and without contraction: a product is rounded
// before it is added. Nothing from a shared header is instantiated here.
#include "dsperse/ops/linear/gemm_panel.h"

#if defined(__AVX512BW__)
#define DSPERSE_GEMM_ISA isa_avx512
#elif defined(__AVX2__)
#define DSPERSE_GEMM_ISA isa_avx2
#else
#define DSPERSE_GEMM_ISA isa_scalar
#endif

#define DSPERSE_UNROLL _Pragma("GCC unroll 16")

namespace dsperse::ops::DSPERSE_GEMM_ISA {
namespace {

#if defined(__AVX512BW__)
constexpr int kWidth = 16, kMostVectors = 4;
constexpr int kRows[kMostVectors + 1] = {0, 12, 12, 8, 6};
#elif defined(__AVX2__)
constexpr int kWidth = 8, kMostVectors = 2;
constexpr int kRows[kMostVectors + 1] = {0, 6, 4};
#else
constexpr int kWidth = 4, kMostVectors = 2;
constexpr int kRows[kMostVectors + 1] = {0, 6, 4};
#endif

using Vec = float __attribute__((vector_size(kWidth * sizeof(float))));

inline __attribute__((always_inline)) Vec load(const float* p) {
  Vec v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}

/// R rows, V registers of columns.
template <int R, int V>
void tile(std::int64_t k, const float* a, const float* panel, std::int64_t columns, float* c, std::int64_t ldc) {
  Vec acc[R][V] = {};
  for (std::int64_t t = 0; t < k; ++t, panel += kPanel) {
    Vec b[V];
    DSPERSE_UNROLL for (int v = 0; v < V; ++v) b[v] = load(panel + v * kWidth);
    DSPERSE_UNROLL for (int r = 0; r < R; ++r) {
      const Vec x = a[r * k + t] - Vec{};
      DSPERSE_UNROLL for (int v = 0; v < V; ++v) acc[r][v] += x * b[v];
    }
  }
  DSPERSE_UNROLL for (int r = 0; r < R; ++r) {
    if (columns == V * kWidth)
      __builtin_memcpy(c + r * ldc, acc[r], sizeof acc[r]);
    else
      __builtin_memcpy(c + r * ldc, acc[r], static_cast<unsigned long>(columns) * sizeof(float));
  }
}

template <int V>
void rows_of(std::int64_t m, std::int64_t k, const float* a, const float* panel, std::int64_t columns, float* c,
             std::int64_t ldc) {
  std::int64_t i = 0;
  for (; i + kRows[V] <= m; i += kRows[V]) tile<kRows[V], V>(k, a + i * k, panel, columns, c + i * ldc, ldc);
  for (; i + 2 <= m; i += 2) tile<2, V>(k, a + i * k, panel, columns, c + i * ldc, ldc);
  if (i < m) tile<1, V>(k, a + i * k, panel, columns, c + i * ldc, ldc);
}

void product(std::int64_t m, std::int64_t k, const float* a, const float* panel, std::int64_t columns, float* c,
             std::int64_t ldc) {
  for (std::int64_t j = 0; j < columns; j += kMostVectors * kWidth) {
    const std::int64_t left = columns - j, now = left < kMostVectors * kWidth ? left : kMostVectors * kWidth;
    switch ((now + kWidth - 1) / kWidth) {
#if defined(__AVX512BW__)
      case 4:
        rows_of<4>(m, k, a, panel + j, now, c + j, ldc);
        break;
      case 3:
        rows_of<3>(m, k, a, panel + j, now, c + j, ldc);
        break;
#endif
      case 2:
        rows_of<2>(m, k, a, panel + j, now, c + j, ldc);
        break;
      default:
        rows_of<1>(m, k, a, panel + j, now, c + j, ldc);
    }
  }
}

}  // namespace

extern const PanelProduct panel_product;
const PanelProduct panel_product = product;

}  // namespace dsperse::ops::DSPERSE_GEMM_ISA
