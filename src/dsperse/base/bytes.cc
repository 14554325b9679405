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
/// Zero if there are fewer bytes than T has.
template <class T>
T little_endian(ByteView b) {
  if (b.size() < sizeof(T)) return 0;
  T x = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i) x |= static_cast<T>(static_cast<T>(b[i]) << (8 * i));
  return x;
}
}  // namespace

std::uint32_t ByteReader::u32() { return little_endian<std::uint32_t>(take(4)); }
std::uint64_t ByteReader::u64() { return little_endian<std::uint64_t>(take(8)); }

void ByteReader::u64s(std::span<std::uint64_t> out) {
  const ByteView b = take(8 * out.size());
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = b.empty() ? 0 : little_endian<std::uint64_t>(b.subspan(8 * i, 8));
}

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

namespace {
template <class T>
void append(Bytes& out, T x) {
  const std::size_t at = out.size();
  out.resize(at + sizeof(T));
  for (std::size_t i = 0; i < sizeof(T); ++i) out[at + i] = static_cast<std::uint8_t>(x >> (8 * i));
}
}  // namespace

void ByteWriter::u32(std::uint32_t x) { append(out_, x); }
void ByteWriter::u64(std::uint64_t x) { append(out_, x); }
void ByteWriter::u64s(std::span<const std::uint64_t> xs) {
  const std::size_t at = out_.size();
  out_.resize(at + 8 * xs.size());
  for (std::size_t k = 0; k < xs.size(); ++k)
    for (std::size_t i = 0; i < 8; ++i) out_[at + 8 * k + i] = static_cast<std::uint8_t>(xs[k] >> (8 * i));
}

// Out of line: g++ 12 warns wrongly (-Wstringop-overflow) where it inlines the first insertion into an empty vector.
void ByteWriter::raw(ByteView bytes) { out_.insert(out_.end(), bytes.begin(), bytes.end()); }

void ByteWriter::text(std::string_view s) {
  u32(static_cast<std::uint32_t>(s.size()));
  out_.insert(out_.end(), s.begin(), s.end());
}

}  // namespace dsperse
