#include "dsperse/ops/linear/gemm_kernel.h"

#include <algorithm>
#include <vector>

#include "dsperse/base/parallel.h"

namespace dsperse::ops {

namespace {

template <int kRows>
void rows_times_panel(std::int64_t k, const float* a, const float* panel, std::int64_t columns, float* c, std::int64_t ldc) {
  float acc[kRows][kPanel] = {};
  for (std::int64_t t = 0; t < k; ++t) {
    const float* b = panel + t * kPanel;
    for (int r = 0; r < kRows; ++r) {
      const float x = a[r * k + t];
      for (int j = 0; j < kPanel; ++j) acc[r][j] += x * b[j];
    }
  }
  for (int r = 0; r < kRows; ++r)
    for (std::int64_t j = 0; j < columns; ++j) c[r * ldc + j] = acc[r][j];
}

}  // namespace

void gemm_packed(std::int64_t m, std::int64_t n, std::int64_t k, const float* a, float* c, std::int64_t ldc,
                 const std::function<void(std::int64_t, std::int64_t, float*)>& pack) {
  const std::int64_t panels = (n + kPanel - 1) / kPanel;
  parallel_for(static_cast<std::size_t>(panels), 4, [&](std::size_t begin, std::size_t end) {
    std::vector<float> panel(static_cast<std::size_t>(k * kPanel), 0.0F);
    for (auto p = static_cast<std::int64_t>(begin); p < static_cast<std::int64_t>(end); ++p) {
      const std::int64_t j0 = p * kPanel, columns = std::min(kPanel, n - j0);
      pack(j0, columns, panel.data());
      std::int64_t i = 0;
      for (; i + 4 <= m; i += 4) rows_times_panel<4>(k, a + i * k, panel.data(), columns, c + i * ldc + j0, ldc);
      for (; i < m; ++i) rows_times_panel<1>(k, a + i * k, panel.data(), columns, c + i * ldc + j0, ldc);
    }
  });
}

void gemm(std::int64_t m, std::int64_t n, std::int64_t k, const float* a, const float* b, float* c) {
  if (m < 4) {  // packing b would cost as much as the product
    std::fill_n(c, m * n, 0.0F);
    for (std::int64_t i = 0; i < m; ++i)
      for (std::int64_t t = 0; t < k; ++t) {
        const float x = a[i * k + t];
        for (std::int64_t j = 0; j < n; ++j) c[i * n + j] += x * b[t * n + j];
      }
    return;
  }
  gemm_packed(m, n, k, a, c, n, [&](std::int64_t j0, std::int64_t columns, float* panel) {
    for (std::int64_t t = 0; t < k; ++t) std::copy_n(b + t * n + j0, columns, panel + t * kPanel);
  });
}

}  // namespace dsperse::ops
