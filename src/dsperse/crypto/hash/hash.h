// BLAKE3: the only hash. Incremental hashing, keyed domains, and its XOF as the expander of seeds.
//
// The C implementation with its assembly comes as a package and is compiled by our CMake. Tested by crypto/hash/hash_test.cc.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "dsperse/base/bytes.h"
#include "dsperse/crypto/field/extension.h"

namespace dsperse::crypto {

/// 32-byte BLAKE3 of the bytes.
Digest hash(ByteView data);
/// Domain-separated hash: BLAKE3 in key-derivation mode with this context string, over length-prefixed parts.
Digest hash_tagged(std::string_view context, std::initializer_list<ByteView> parts);

/// An unbounded deterministic byte stream from a 32-byte seed and a label (BLAKE3 XOF). Distinct (seed, label, index) give
/// independent streams. Field elements come by rejection sampling, so they are uniform.
class SeedStream {
 public:
  SeedStream(const Digest& seed, std::string_view label, std::uint64_t index = 0);
  void fill(std::span<std::uint8_t> out);
  std::uint64_t u64();
  /// Uniform in [0, bound), bound >= 1.
  std::uint64_t below(std::uint64_t bound);
  Fp fp();
  void fill(std::span<Fp> out);
  template <int D>
  Ext<D> ext() {
    Ext<D> e;
    for (auto& limb : e.c) limb = fp();
    return e;
  }

 private:
  void refill();
  Digest key_;
  std::uint64_t block_ = 0;
  std::vector<std::uint8_t> buffer_;
  std::size_t at_ = 0;
};

}  // namespace dsperse::crypto
