#include "dsperse/base/cpu.h"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <string_view>

namespace dsperse {
namespace {

std::atomic<int> chosen{-1};

}  // namespace

Kernel best_kernel() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512ifma"))
    return Kernel::avx512;
  if (__builtin_cpu_supports("avx2")) return Kernel::avx2;
#endif
  return Kernel::scalar;
}

Kernel kernel() {
  int k = chosen.load(std::memory_order_relaxed);
  if (k >= 0) return static_cast<Kernel>(k);
  Kernel best = best_kernel();
  if (const char* env = std::getenv("DSPERSE_KERNEL")) {
    const std::string_view want(env);
    if (want == "scalar") best = Kernel::scalar;
    if (want == "avx2") best = std::min(best, Kernel::avx2);
  }
  chosen.store(static_cast<int>(best), std::memory_order_relaxed);
  return best;
}

void force_kernel(Kernel k) { chosen.store(static_cast<int>(std::min(k, best_kernel())), std::memory_order_relaxed); }

const char* kernel_name(Kernel k) {
  switch (k) {
    case Kernel::avx512:
      return "avx512";
    case Kernel::avx2:
      return "avx2";
    case Kernel::scalar:
      break;
  }
  return "scalar";
}

}  // namespace dsperse
