// The committed vectors are what the code says today, byte for byte; the small proofs among them are made anew and verified.
#include "vectors.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "dsperse/base/cpu.h"

namespace dsperse::vectors {
namespace {

Bytes read(const std::string& name) {
  std::ifstream in(DSPERSE_SOURCE_DIR "/tests/vectors/" + name, std::ios::binary);
  EXPECT_TRUE(in) << name;
  return {std::istreambuf_iterator<char>(in), {}};
}

TEST(Vectors, AreWhatTheCodeSays) {
  for (const Kernel level : {Kernel::scalar, best_kernel()}) {
    SCOPED_TRACE(kernel_name(level));
    force_kernel(level);
    for (const auto& [name, bytes] : all_files())
      EXPECT_TRUE(bytes == read(name)) << name << " differs; what to do: tests/vectors/README.md";
  }
  force_kernel(best_kernel());
}

TEST(Vectors, AreSmall) {
  std::size_t total = 0;
  for (const auto& [name, bytes] : all_files()) total += bytes.size();
  EXPECT_LT(total, std::size_t{700} << 10);
}

}  // namespace
}  // namespace dsperse::vectors
