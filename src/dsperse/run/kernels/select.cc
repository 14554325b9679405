// Chooses the kernel table for the level that base/cpu.h allows; VNNI where the CPU has it.
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

const Kernels& kernels() {
  switch (kernel()) {
    case Kernel::avx512: {
#if defined(__x86_64__)
      static const bool vnni = __builtin_cpu_supports("avx512vnni") != 0;
      if (vnni) return isa_vnni::table;
#endif
      return isa_avx512::table;
    }
    case Kernel::avx2: return isa_avx2::table;
    case Kernel::scalar: break;
  }
  return isa_scalar::table;
}

}  // namespace dsperse::run
