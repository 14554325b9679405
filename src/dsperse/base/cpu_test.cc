#include "dsperse/base/cpu.h"

#include <gtest/gtest.h>

#include <cstdlib>

namespace dsperse {
namespace {

TEST(Cpu, ForcedLevelHoldsAndNeverExceedsTheCpu) {
  const Kernel before = kernel();
  for (const Kernel k : {Kernel::scalar, Kernel::avx2, Kernel::avx512}) {
    force_kernel(k);
    EXPECT_LE(kernel(), best_kernel());
    if (k <= best_kernel()) {
      EXPECT_EQ(kernel(), k);
    }
  }
  force_kernel(before);
}

TEST(Cpu, NamesAreTheWordsOfTheEnvironmentVariable) {
  EXPECT_STREQ(kernel_name(Kernel::scalar), "scalar");
  EXPECT_STREQ(kernel_name(Kernel::avx2), "avx2");
  EXPECT_STREQ(kernel_name(Kernel::avx512), "avx512");
}

/// The choice is made once in a process, so each value is tried in a fresh one.
Kernel chosen_with(const char* value) {
  if (value == nullptr)
    unsetenv("DSPERSE_KERNEL");
  else
    setenv("DSPERSE_KERNEL", value, 1);
  return kernel();
}

TEST(CpuDeathTest, EnvironmentVariableLowersTheLevel) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(std::_Exit(chosen_with("scalar") == Kernel::scalar ? 0 : 1), testing::ExitedWithCode(0), "");
  EXPECT_EXIT(std::_Exit(chosen_with("avx2") <= Kernel::avx2 ? 0 : 1), testing::ExitedWithCode(0), "");
  EXPECT_EXIT(std::_Exit(chosen_with("avx512") == best_kernel() ? 0 : 1), testing::ExitedWithCode(0), "");
  EXPECT_EXIT(std::_Exit(chosen_with(nullptr) == best_kernel() ? 0 : 1), testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace dsperse
