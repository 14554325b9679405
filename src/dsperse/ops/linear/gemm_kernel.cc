#include "dsperse/ops/linear/gemm_kernel.h"

#include <algorithm>
#include <vector>

#include "dsperse/base/cpu.h"
#include "dsperse/base/parallel.h"

namespace dsperse::ops {

namespace isa_scalar {
extern const PanelProduct panel_product;
}
namespace isa_avx2 {
extern const PanelProduct panel_product;
}
namespace isa_avx512 {
extern const PanelProduct panel_product;
}

namespace {

/// Rows of one task: a multiple of every tile's.
constexpr std::int64_t kTaskRows = 48;

PanelProduct panel_product() {
  switch (kernel()) {
    case Kernel::avx512:
      return isa_avx512::panel_product;
    case Kernel::avx2:
      return isa_avx2::panel_product;
    case Kernel::scalar:
      break;
  }
  return isa_scalar::panel_product;
}

}  // namespace

void gemm_packed(std::int64_t m, std::int64_t n, std::int64_t k, const float* a, float* c, std::int64_t ldc,
                 const std::function<void(std::int64_t, std::int64_t, float*)>& pack) {
  const PanelProduct product = panel_product();
  const std::int64_t panels = (n + kPanel - 1) / kPanel, tasks = (m + kTaskRows - 1) / kTaskRows;
  // A single panel is multiplied by several threads; of more, each thread packs its own.
  parallel_for(static_cast<std::size_t>(panels), 1, [&](std::size_t begin, std::size_t end) {
    std::vector<float> panel(static_cast<std::size_t>(std::max<std::int64_t>(k, 1) * kPanel), 0.0F);
    for (auto p = static_cast<std::int64_t>(begin); p < static_cast<std::int64_t>(end); ++p) {
      const std::int64_t j0 = p * kPanel, columns = std::min(kPanel, n - j0);
      pack(j0, columns, panel.data());
      parallel_for(static_cast<std::size_t>(tasks), 1, [&](std::size_t first, std::size_t last) {
        const std::int64_t i = static_cast<std::int64_t>(first) * kTaskRows,
                           rows = std::min(m, static_cast<std::int64_t>(last) * kTaskRows) - i;
        product(rows, k, a + i * k, panel.data(), columns, c + i * ldc + j0, ldc);
      });
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

void gemm_transposed(std::int64_t m, std::int64_t n, std::int64_t k, const float* a, const float* b, float* c) {
  // The transpose of c is b times the transpose of a.
  std::vector<float> transpose(m == 1 ? 0 : static_cast<std::size_t>(n * m));
  float* const out = m == 1 ? c : transpose.data();
  gemm_packed(n, m, k, b, out, m, [&](std::int64_t i0, std::int64_t columns, float* panel) {
    for (std::int64_t t = 0; t < k; ++t)
      for (std::int64_t i = 0; i < columns; ++i) panel[t * kPanel + i] = a[(i0 + i) * k + t];
  });
  if (m == 1) return;
  for (std::int64_t i = 0; i < m; ++i)
    for (std::int64_t j = 0; j < n; ++j) c[i * n + j] = transpose[static_cast<std::size_t>(j * m + i)];
}

}  // namespace dsperse::ops
