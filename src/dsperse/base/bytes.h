// Bounded byte reader and canonical byte writer: the only way untrusted bytes become values.
//
// Little-endian, exact lengths, no optional parts. A reader never allocates more than the bytes it still has.
// After the first error every further read yields zero or empty, and ok() stays false: decoders check once at the end
// of a group of reads, and before they use a value as a size. Tested by base/bytes_test.cc.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace dsperse {

using Bytes = std::vector<std::uint8_t>;
using ByteView = std::span<const std::uint8_t>;
using Digest = std::array<std::uint8_t, 32>;

/// Lower-case hexadecimal of the bytes.
std::string to_hex(ByteView bytes);
/// Strict inverse of to_hex (either case); false if odd length or a foreign character.
[[nodiscard]] bool from_hex(std::string_view text, Bytes& out);

class ByteReader {
 public:
  explicit ByteReader(ByteView data) : data_(data) {}

  std::uint8_t u8();
  std::uint32_t u32();
  std::uint64_t u64();
  std::int64_t i64();
  /// As many u64; all zero if fewer are left.
  void u64s(std::span<std::uint64_t> out);
  Digest digest();
  /// Length-prefixed (u32) bytes of at most `limit`; a longer one is an error.
  std::string text(std::size_t limit);
  /// The next n bytes as a view into the input; empty and not ok() if fewer are left.
  ByteView take(std::size_t n);
  /// A u32 count that must be at most `limit`, and for which at least count * unit_bytes bytes are left.
  std::size_t count(std::size_t limit, std::size_t unit_bytes);

  [[nodiscard]] bool ok() const { return ok_; }
  void set_bad() { ok_ = false; }
  [[nodiscard]] std::size_t left() const { return data_.size() - at_; }
  [[nodiscard]] std::size_t position() const { return at_; }
  /// All bytes read and none failed.
  [[nodiscard]] bool finished() const { return ok_ && left() == 0; }

 private:
  ByteView data_;
  std::size_t at_ = 0;
  bool ok_ = true;
};

class ByteWriter {
 public:
  /// Makes room for so many bytes in all; writing more is fine.
  void reserve(std::size_t bytes) { out_.reserve(bytes); }
  void u8(std::uint8_t x) { out_.push_back(x); }
  void u32(std::uint32_t x);
  void u64(std::uint64_t x);
  void u64s(std::span<const std::uint64_t> xs);
  void i64(std::int64_t x) { u64(static_cast<std::uint64_t>(x)); }
  void raw(ByteView bytes);
  void text(std::string_view s);

  [[nodiscard]] const Bytes& bytes() const { return out_; }
  [[nodiscard]] Bytes take() { return std::move(out_); }

 private:
  Bytes out_;
};

}  // namespace dsperse
