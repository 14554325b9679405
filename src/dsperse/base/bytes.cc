#include "dsperse/base/bytes.h"

#include <cstring>

#include "dsperse/base/rule.h"

namespace dsperse {

std::string to_hex(ByteView bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  out.reserve(bytes.size() * 2);
  for (auto b : bytes) {
    out.push_back(kDigits[b >> 4]);
    out.push_back(kDigits[b & 15]);
  }
  return out;
}

bool from_hex(std::string_view text, Bytes& out) {
  out.clear();
  if (text.size() % 2 != 0) return false;
  auto value = [](char c) -> int {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
  };
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const int hi = value(text[i]), lo = value(text[i + 1]);
    if (hi < 0 || lo < 0) return false;
    out.push_back(static_cast<std::uint8_t>(hi * 16 + lo));
  }
  return true;
}

ByteView ByteReader::take(std::size_t n) {
  if (!ok_ || violated("bytes: read within the input", n > left())) {
    ok_ = false;
    return {};
  }
  at_ += n;
  return data_.subspan(at_ - n, n);
}

std::uint8_t ByteReader::u8() {
  const auto b = take(1);
  return b.empty() ? std::uint8_t{0} : b[0];
}

namespace {
template <class T>
T little_endian(ByteView b) {
  T x = 0;
  for (std::size_t i = 0; i < b.size(); ++i) x |= static_cast<T>(static_cast<T>(b[i]) << (8 * i));
  return x;
}
}  // namespace

std::uint32_t ByteReader::u32() { return little_endian<std::uint32_t>(take(4)); }
std::uint64_t ByteReader::u64() { return little_endian<std::uint64_t>(take(8)); }
std::int64_t ByteReader::i64() { return static_cast<std::int64_t>(u64()); }

Digest ByteReader::digest() {
  Digest d{};
  if (const auto b = take(d.size()); !b.empty()) std::memcpy(d.data(), b.data(), d.size());
  return d;
}

std::size_t ByteReader::count(std::size_t limit, std::size_t unit_bytes) {
  const std::size_t n = u32();
  if (!ok_ || violated("bytes: count within its limit", n > limit) ||
      violated("bytes: count within the input", unit_bytes != 0 && n > left() / unit_bytes)) {
    ok_ = false;
    return 0;
  }
  return n;
}

std::string ByteReader::text(std::size_t limit) {
  const auto b = take(count(limit, 1));
  return {b.begin(), b.end()};
}

void ByteWriter::u32(std::uint32_t x) {
  for (int i = 0; i < 4; ++i) out_.push_back(static_cast<std::uint8_t>(x >> (8 * i)));
}

void ByteWriter::u64(std::uint64_t x) {
  std::array<std::uint8_t, 8> bytes;
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(x >> (8 * i));
  out_.insert(out_.end(), bytes.begin(), bytes.end());
}

// Out of line: g++ 12 warns wrongly (-Wstringop-overflow) where it inlines the first insertion into an empty vector.
void ByteWriter::raw(ByteView bytes) { out_.insert(out_.end(), bytes.begin(), bytes.end()); }

void ByteWriter::text(std::string_view s) {
  u32(static_cast<std::uint32_t>(s.size()));
  out_.insert(out_.end(), s.begin(), s.end());
}

}  // namespace dsperse
