// One table of packed.h's operations; this file is compiled once per instruction set. Used by packed_test.cc and field_bench.cc.
#include "dsperse/crypto/field/testing/packed_probe.h"

#include "dsperse/crypto/field/packed.h"

namespace dsperse::crypto::DSPERSE_LANES {
namespace {

void add(const std::uint64_t* a, const std::uint64_t* b, std::uint64_t* out, std::size_t n) {
  for (std::size_t i = 0; i < n; i += 8) store(out + i, load(a + i) + load(b + i));
}
void sub(const std::uint64_t* a, const std::uint64_t* b, std::uint64_t* out, std::size_t n) {
  for (std::size_t i = 0; i < n; i += 8) store(out + i, load(a + i) - load(b + i));
}
void mul(const std::uint64_t* a, const std::uint64_t* b, std::uint64_t* out, std::size_t n) {
  for (std::size_t i = 0; i < n; i += 8) store(out + i, load(a + i) * load(b + i));
}
void reg(const std::uint64_t* a, const std::uint64_t* b, std::uint64_t* out, std::size_t n) {
  for (std::size_t i = 0; i < n; i += kRegLanes) {
    const Reg x = load_reg(a + i), y = load_reg(b + i);
    store(out + i, (x + y) * (x - y) + times_power_of_two<84>(x));
  }
}
void fill(const std::uint64_t* x, std::uint64_t* out, std::size_t n) {
  for (std::size_t i = 0; i < n; i += 8) store(out + i, x == nullptr ? zero() : broadcast(*x));
}

template <std::size_t E>
void shift_from(const std::uint64_t* a, std::uint64_t* out, std::size_t n) {
  if constexpr (E < sizeof(testing::kShifts) / sizeof(testing::kShifts[0])) {
    for (std::size_t i = 0; i < n; i += 8) store(out + E * n + i, times_power_of_two<testing::kShifts[E]>(load(a + i)));
    shift_from<E + 1>(a, out, n);
  }
}

constexpr testing::PackedProbe kTable{add, sub, mul, reg, fill, shift_from<0>};

}  // namespace
}  // namespace dsperse::crypto::DSPERSE_LANES

namespace dsperse::crypto::testing {
#if defined(__AVX512F__)
extern const PackedProbe kProbeAvx512 = lanes::kTable;
#elif defined(__AVX2__)
extern const PackedProbe kProbeAvx2 = lanes::kTable;
#else
extern const PackedProbe kProbeScalar = lanes::kTable;
#endif
}  // namespace dsperse::crypto::testing
