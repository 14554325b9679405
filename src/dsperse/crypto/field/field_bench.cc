// Nanoseconds per element of packed.h's operations, per instruction set, on arrays that stay in cache.
#include <benchmark/benchmark.h>

#include <vector>

#include "dsperse/base/cpu.h"
#include "dsperse/crypto/field/goldilocks.h"
#include "dsperse/crypto/field/testing/packed_probe.h"

namespace dsperse::crypto {
namespace {

using Op = void (*)(const std::uint64_t*, const std::uint64_t*, std::uint64_t*, std::size_t);

void run(benchmark::State& state, Kernel kernel, Op op) {
  if (kernel > best_kernel()) {
    state.SkipWithError("this CPU lacks the instruction set");
    return;
  }
  constexpr std::size_t kCount = 1024;
  std::vector<std::uint64_t> a(kCount), b(kCount), out(kCount);
  Fp x(kGenerator);
  for (std::size_t i = 0; i < kCount; ++i, x *= Fp(kGenerator)) a[i] = (x * x).v, b[i] = (x + x).v;
  for (auto _ : state) {
    op(a.data(), b.data(), out.data(), kCount);
    benchmark::ClobberMemory();
  }
  state.counters["ns_per_element"] = benchmark::Counter(static_cast<double>(state.iterations()) * kCount / 1e9,
                                                        benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

BENCHMARK_CAPTURE(run, mul_scalar, Kernel::scalar, testing::kProbeScalar.mul);
BENCHMARK_CAPTURE(run, mul_avx2, Kernel::avx2, testing::kProbeAvx2.mul);
BENCHMARK_CAPTURE(run, mul_avx512, Kernel::avx512, testing::kProbeAvx512.mul);
BENCHMARK_CAPTURE(run, add_scalar, Kernel::scalar, testing::kProbeScalar.add);
BENCHMARK_CAPTURE(run, add_avx2, Kernel::avx2, testing::kProbeAvx2.add);
BENCHMARK_CAPTURE(run, add_avx512, Kernel::avx512, testing::kProbeAvx512.add);

}  // namespace
}  // namespace dsperse::crypto
