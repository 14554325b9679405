#include "dsperse/crypto/lookup/kernels.h"

#include "dsperse/base/cpu.h"

namespace dsperse::crypto {

template <int D>
const LookupKernels& lookup_kernels() {
  switch (kernel()) {
    case Kernel::avx512:
      return D == 2 ? lanes_avx512::kLookup2 : lanes_avx512::kLookup3;
    case Kernel::avx2:
      return D == 2 ? lanes_avx2::kLookup2 : lanes_avx2::kLookup3;
    case Kernel::scalar:
      break;
  }
  return D == 2 ? lanes_scalar::kLookup2 : lanes_scalar::kLookup3;
}

template <int D>
CompressKernel compress_kernel() {
  switch (kernel()) {
    case Kernel::avx512:
      return D == 2 ? lanes_avx512::kCompress2 : lanes_avx512::kCompress3;
    case Kernel::avx2:
      return D == 2 ? lanes_avx2::kCompress2 : lanes_avx2::kCompress3;
    case Kernel::scalar:
      break;
  }
  return D == 2 ? lanes_scalar::kCompress2 : lanes_scalar::kCompress3;
}

template <int D>
IntegerRoundKernel integer_round_kernel() {
  switch (kernel()) {
    case Kernel::avx512:
      return D == 2 ? lanes_avx512::kIntegerRound2 : lanes_avx512::kIntegerRound3;
    case Kernel::avx2:
      return D == 2 ? lanes_avx2::kIntegerRound2 : lanes_avx2::kIntegerRound3;
    case Kernel::scalar:
      break;
  }
  return D == 2 ? lanes_scalar::kIntegerRound2 : lanes_scalar::kIntegerRound3;
}

template const LookupKernels& lookup_kernels<2>();
template const LookupKernels& lookup_kernels<3>();
template CompressKernel compress_kernel<2>();
template CompressKernel compress_kernel<3>();
template IntegerRoundKernel integer_round_kernel<2>();
template IntegerRoundKernel integer_round_kernel<3>();

}  // namespace dsperse::crypto
