// The operations of packed.h as plain functions over arrays, once per instruction set, for tests and benchmarks only.
#pragma once

#include <cstddef>
#include <cstdint>

namespace dsperse::crypto::testing {

/// All arrays hold n words, n a multiple of 8; words are canonical unless said otherwise.
struct PackedProbe {
  void (*add)(const std::uint64_t* a, const std::uint64_t* b, std::uint64_t* out, std::size_t n);
  void (*sub)(const std::uint64_t* a, const std::uint64_t* b, std::uint64_t* out, std::size_t n);
  void (*mul)(const std::uint64_t* a, const std::uint64_t* b, std::uint64_t* out, std::size_t n);
  /// out = (a + b) (a - b) + 2^84 a, one register at a time (Reg).
  void (*reg)(const std::uint64_t* a, const std::uint64_t* b, std::uint64_t* out, std::size_t n);
  /// out = broadcast(x), and out = zero() for x = nullptr.
  void (*fill)(const std::uint64_t* x, std::uint64_t* out, std::size_t n);
  /// out[e * n + i] = 2^(kShifts[e]) a[i].
  void (*shift)(const std::uint64_t* a, std::uint64_t* out, std::size_t n);
};

inline constexpr unsigned kShifts[] = {0,  1,  4,  8,  12, 16, 20, 24, 31, 32, 33, 36,  40,  48,  56,  60,  63,
                                       64, 65, 68, 72, 76, 80, 84, 88, 95, 96, 97, 108, 120, 144, 168, 180, 191};

extern const PackedProbe kProbeScalar, kProbeAvx2, kProbeAvx512;

}  // namespace dsperse::crypto::testing
