// packed.h on every instruction set that this CPU has, against the scalar class of goldilocks.h.
#include "dsperse/crypto/field/packed.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "dsperse/base/cpu.h"
#include "dsperse/crypto/field/goldilocks.h"
#include "dsperse/crypto/field/testing/packed_probe.h"

namespace dsperse::crypto {
namespace {

struct Variant {
  Kernel kernel;
  const testing::PackedProbe* probe;
};

class Packed : public ::testing::TestWithParam<Variant> {
 protected:
  void SetUp() override {
    if (GetParam().kernel > best_kernel()) GTEST_SKIP() << "this CPU has no " << kernel_name(GetParam().kernel);
    static constexpr std::uint64_t kEdges[] = {0,
                                               1,
                                               2,
                                               kP - 1,
                                               kP - 2,
                                               kEpsilon,
                                               kEpsilon - 1,
                                               kEpsilon + 1,
                                               kEpsilon + 2,
                                               kP - kEpsilon,
                                               kP - kEpsilon - 1,
                                               kP >> 1,
                                               (kP >> 1) + 1,
                                               1ULL << 63,
                                               0x00000001FFFFFFFFULL,
                                               0xFFFFFFFE00000000ULL,
                                               0xFFFFFFFEFFFFFFFFULL,
                                               0x8000000000000001ULL};
    for (const std::uint64_t a : kEdges) {
      for (const std::uint64_t b : kEdges) {
        a_.push_back(a);
        b_.push_back(b);
      }
    }
    std::mt19937_64 random(1);
    while (a_.size() < 40000 || a_.size() % 8 != 0) {
      a_.push_back(random() % kP);
      b_.push_back(random() % kP);
    }
    out_.resize(a_.size());
  }

  template <class Op>
  void expect_equal(void (*vector)(const std::uint64_t*, const std::uint64_t*, std::uint64_t*, std::size_t), Op scalar) {
    vector(a_.data(), b_.data(), out_.data(), a_.size());
    for (std::size_t i = 0; i < a_.size(); ++i)
      ASSERT_EQ(out_[i], scalar(Fp(a_[i]), Fp(b_[i])).v) << "a = " << a_[i] << ", b = " << b_[i];
  }

  std::vector<std::uint64_t> a_, b_, out_;
};

TEST_P(Packed, AddsLikeTheScalarField) {
  expect_equal(GetParam().probe->add, [](Fp a, Fp b) { return a + b; });
}
TEST_P(Packed, SubtractsLikeTheScalarField) {
  expect_equal(GetParam().probe->sub, [](Fp a, Fp b) { return a - b; });
}
TEST_P(Packed, MultipliesLikeTheScalarField) {
  expect_equal(GetParam().probe->mul, [](Fp a, Fp b) { return a * b; });
}
TEST_P(Packed, ComputesInSingleRegisters) {
  expect_equal(GetParam().probe->reg, [](Fp a, Fp b) { return (a + b) * (a - b) + power_of_two(84) * a; });
}
TEST_P(Packed, BroadcastsAndZeroes) {
  const std::uint64_t x = kP - 5;
  GetParam().probe->fill(&x, out_.data(), 16);
  for (std::size_t i = 0; i < 16; ++i) EXPECT_EQ(out_[i], x);
  GetParam().probe->fill(nullptr, out_.data(), 16);
  for (std::size_t i = 0; i < 16; ++i) EXPECT_EQ(out_[i], 0U);
}
TEST_P(Packed, ShiftsLikeMultiplicationByThePower) {
  const std::size_t n = a_.size();
  std::vector<std::uint64_t> shifted(std::size(testing::kShifts) * n);
  GetParam().probe->shift(a_.data(), shifted.data(), n);
  for (std::size_t e = 0; e < std::size(testing::kShifts); ++e)
    for (std::size_t i = 0; i < n; ++i)
      ASSERT_EQ(shifted[e * n + i], (power_of_two(static_cast<int>(testing::kShifts[e])) * Fp(a_[i])).v)
          << "2^" << testing::kShifts[e] << " * " << a_[i];
}

INSTANTIATE_TEST_SUITE_P(EveryKernel, Packed,
                         ::testing::Values(Variant{Kernel::scalar, &testing::kProbeScalar},
                                           Variant{Kernel::avx2, &testing::kProbeAvx2},
                                           Variant{Kernel::avx512, &testing::kProbeAvx512}),
                         [](const auto& variant) { return std::string(kernel_name(variant.param.kernel)); });

}  // namespace
}  // namespace dsperse::crypto
