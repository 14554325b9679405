// Which instruction set the hot loops use: chosen once at run time, forced by DSPERSE_KERNEL=scalar|avx2|avx512.
// Results never depend on it. Tested by base/cpu_test.cc.
#pragma once

namespace dsperse {

enum class Kernel { scalar, avx2, avx512 };  // avx512: F, DQ, BW, VL and IFMA

/// Best level that this CPU (and, when set, DSPERSE_KERNEL) allows. Cached.
Kernel kernel();
/// The CPU's best level, whatever the environment says.
Kernel best_kernel();
/// For tests and benchmarks: use this level from now on (at most best_kernel()).
void force_kernel(Kernel k);
const char* kernel_name(Kernel k);

}  // namespace dsperse
