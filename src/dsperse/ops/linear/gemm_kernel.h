// Blocked float matrix product: the one inner loop of Conv, Gemm and MatMul.
//
// Every result is the sum over k in increasing order in float, product and sum rounded apart, whatever the number of threads and
// the instruction set: calibration gives the same plan everywhere. Not for the prover (integers).
// Tested by ops/schema_test.cc against a plain triple loop, over instruction sets.
#pragma once

#include <cstdint>
#include <functional>

#include "dsperse/ops/linear/gemm_panel.h"

namespace dsperse::ops {

/// c[i * ldc + j] = sum over k of a[i * K + k] b(k, j), i < m, j < n. pack(j0, columns, panel) writes b(k, j0 + t) to
/// panel[k * kPanel + t] for t < columns <= kPanel; the other entries of the panel are ignored. Called from several threads.
void gemm_packed(std::int64_t m, std::int64_t n, std::int64_t k, const float* a, float* c, std::int64_t ldc,
                 const std::function<void(std::int64_t, std::int64_t, float*)>& pack);

/// The same with b row major (k, n) and c row major (m, n).
void gemm(std::int64_t m, std::int64_t n, std::int64_t k, const float* a, const float* b, float* c);
/// The same with b row major (n, k): its rows are read where they lie.
void gemm_transposed(std::int64_t m, std::int64_t n, std::int64_t k, const float* a, const float* b, float* c);

}  // namespace dsperse::ops
