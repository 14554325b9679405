// BLAKE3: the only hash. Incremental hashing, keyed domains, and an expander of seeds.
//
// The C implementation with its assembly comes as a package and is compiled by our CMake; it chooses its instruction set by
// itself. Portable, no threads: the verifier links it. Source: docs/protocol/transcript.md. Tested by crypto/hash/hash_test.cc.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string_view>

#include "dsperse/base/bytes.h"
#include "dsperse/crypto/field/extension.h"

namespace dsperse::crypto {

/// 32-byte BLAKE3 of the bytes.
Digest hash(ByteView data);
/// Domain-separated hash: BLAKE3 in key-derivation mode with this context string, over length-prefixed (u64) parts.
Digest hash_tagged(std::string_view context, std::initializer_list<ByteView> parts);

/// Incremental BLAKE3 with output of any length. Copies are independent.
class Hasher {
 public:
  Hasher();                            ///< plain mode
  explicit Hasher(const Digest& key);  ///< keyed mode
  /// Starts anew in keyed mode.
  void restart(const Digest& key);
  void update(ByteView data);
  /// Bytes [offset, offset + out.size()) of the output stream (XOF) of everything absorbed so far; absorbing may go on.
  void output(std::uint64_t offset, std::span<std::uint8_t> out) const;
  [[nodiscard]] Digest digest() const;

 private:
  static constexpr std::size_t kStateBytes = 1920;  // at least sizeof(blake3_hasher)
  alignas(8) std::array<std::uint8_t, kStateBytes> state_;
};

/// An unbounded deterministic byte stream from a 32-byte seed and a label. Distinct (seed, label, index) give independent
/// streams. With key = hash_tagged("dsperse seed stream v1", seed, label, index), stream bytes [32 i, 32 i + 32) are output bytes
/// [64 i, 64 i + 32) of keyed BLAKE3 of 64 zero bytes: the first half of each output block, since that is what BLAKE3's
/// assembly computes for sixteen blocks at once. Cost: about 0.3-0.5 ns a byte in bulk.
class SeedStream {
 public:
  SeedStream(const Digest& seed, std::string_view label, std::uint64_t index = 0);
  /// The next bytes of the stream.
  void fill(std::span<std::uint8_t> out);
  /// The next 8 bytes, little-endian.
  std::uint64_t u64();
  /// Uniform in [0, bound), bound >= 1, by rejection.
  std::uint64_t below(std::uint64_t bound);
  /// Uniform field elements by rejection: the next words below p.
  Fp fp();
  void fill(std::span<Fp> out);
  template <int D>
  Ext<D> ext() {
    Ext<D> e;
    for (auto& limb : e.c) limb = fp();
    return e;
  }
  /// Continues at this byte of the stream.
  void seek(std::uint64_t byte);
  /// Bytes [32 first, 32 first + out.size()) of the stream, out.size() a multiple of 32; where it continues stays.
  void blocks(std::uint64_t first, std::span<std::uint8_t> out) const;
  /// The key of the stream, for kernels that expand it themselves.
  [[nodiscard]] const Digest& key() const { return key_; }

 private:
  static constexpr std::size_t kBlock = 32, kBuffer = 16 * kBlock;
  void refill();
  Digest key_;
  std::uint64_t next_block_ = 0;  ///< first block after the buffer
  std::size_t at_ = kBuffer;      ///< first unread byte of the buffer
  std::array<std::uint8_t, kBuffer> buffer_;
};

}  // namespace dsperse::crypto
