#include "dsperse/crypto/commit/kernels.h"

namespace dsperse::crypto {

namespace lanes_scalar {
extern const CommitKernels kCommitKernels;
}
namespace lanes_avx2 {
extern const CommitKernels kCommitKernels;
}
namespace lanes_avx512 {
extern const CommitKernels kCommitKernels;
}

const CommitKernels& commit_kernels(Kernel level) {
  switch (level) {
    case Kernel::avx512:
      return lanes_avx512::kCommitKernels;
    case Kernel::avx2:
      return lanes_avx2::kCommitKernels;
    default:
      return lanes_scalar::kCommitKernels;
  }
}

}  // namespace dsperse::crypto
