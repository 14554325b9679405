#include "dsperse/trust/receipt/canonical.h"

#include <algorithm>

#include "dsperse/trust/receipt/base64.h"

namespace dsperse::trust {

bool is_word(std::string_view text, std::size_t limit) {
  return text.size() <= limit &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~' && c != '"' && c != '\\'; });
}

void CanonicalReader::literal(std::string_view expected) {
  if (!take_if(expected)) ok_ = false;
}

bool CanonicalReader::take_if(std::string_view next) {
  if (!ok_ || !rest().starts_with(next)) return false;
  at_ += next.size();
  return true;
}

std::uint64_t CanonicalReader::number() {
  const std::size_t start = at_;
  std::uint64_t value = 0;
  while (ok_ && at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9') {
    value = 10 * value + static_cast<std::uint64_t>(text_[at_++] - '0');
    if (value > kMaxNumber) ok_ = false;
  }
  if (at_ == start || (text_[start] == '0' && at_ - start > 1)) ok_ = false;
  return ok_ ? value : 0;
}

std::string_view CanonicalReader::quoted(std::size_t limit) {
  literal("\"");
  if (!ok_) return {};
  const std::string_view window = rest().substr(0, limit + 1);
  const std::size_t end = window.find('"');
  if (end == std::string_view::npos) {
    ok_ = false;
    return {};
  }
  at_ += end + 1;
  return window.substr(0, end);
}

Digest CanonicalReader::digest() {
  Digest out{};
  const std::string_view digits = quoted(2 * out.size());
  Bytes bytes;
  const bool lower = std::none_of(digits.begin(), digits.end(), [](char c) { return c >= 'A' && c <= 'F'; });
  if (!lower || digits.size() != 2 * out.size() || !from_hex(digits, bytes)) {
    ok_ = false;
    return out;
  }
  std::copy(bytes.begin(), bytes.end(), out.begin());
  return out;
}

std::string CanonicalReader::word(std::size_t limit) {
  const std::string_view text = quoted(limit);
  if (!is_word(text, limit)) ok_ = false;
  return ok_ ? std::string(text) : std::string{};
}

Bytes CanonicalReader::base64(std::size_t limit) {
  Bytes out;
  if (!from_base64(quoted((limit + 2) / 3 * 4), out) || out.size() > limit) ok_ = false;
  return ok_ ? out : Bytes{};
}

CanonicalWriter& CanonicalWriter::literal(std::string_view text) {
  out_.insert(out_.end(), text.begin(), text.end());
  return *this;
}
CanonicalWriter& CanonicalWriter::digest(const Digest& value) { return word(to_hex(value)); }
CanonicalWriter& CanonicalWriter::word(std::string_view text) { return literal("\"").literal(text).literal("\""); }
CanonicalWriter& CanonicalWriter::base64(ByteView bytes) { return word(to_base64(bytes)); }

}  // namespace dsperse::trust
