// Chooses the kernel table for the level that base/cpu.h allows; VNNI where the CPU has it.
#include <atomic>

#include "dsperse/base/cpu.h"
#include "dsperse/run/kernels/kernels.h"

namespace dsperse::run {

namespace isa_scalar {
extern const Kernels table;
}
namespace isa_avx2 {
extern const Kernels table;
}
namespace isa_avx512 {
extern const Kernels table;
}
namespace isa_vnni {
extern const Kernels table;
}

namespace {

bool has_vnni() {
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx512vnni") != 0;
#else
  return false;
#endif
}

std::atomic<bool>& vnni() {
  static std::atomic<bool> use{has_vnni()};
  return use;
}

}  // namespace

void allow_vnni(bool allow) { vnni() = allow && has_vnni(); }

const Kernels& kernels() {
  switch (kernel()) {
    case Kernel::avx512:
      return vnni().load(std::memory_order_relaxed) ? isa_vnni::table : isa_avx512::table;
    case Kernel::avx2:
      return isa_avx2::table;
    case Kernel::scalar:
      break;
  }
  return isa_scalar::table;
}

}  // namespace dsperse::run
