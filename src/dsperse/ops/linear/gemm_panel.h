// The inner loop of the float matrix product, one per instruction set: what gemm_panel.cc gives to gemm_kernel.cc.
//
// Plain pointers and sizes; nothing else may be included by a file that is compiled for a certain CPU.
#pragma once

#include <cstdint>

namespace dsperse::ops {

/// Columns of a panel.
inline constexpr std::int64_t kPanel = 64;

/// c[i * ldc + j] = sum over t < k of a[i * k + t] panel[t * kPanel + j] for i < m, j < columns <= kPanel; the panel is readable
/// to its full width.
using PanelProduct = void (*)(std::int64_t m, std::int64_t k, const float* a, const float* panel, std::int64_t columns, float* c,
                              std::int64_t ldc);

}  // namespace dsperse::ops
