#include "dsperse/trust/receipt/base64.h"

#include <algorithm>

namespace dsperse::trust {
namespace {

constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// -1: not a letter.
int value_of(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  return c == '+' ? 62 : c == '/' ? 63 : -1;
}

bool decode(std::string_view text, Bytes& out) {
  if (text.size() % 4 != 0) return false;
  std::size_t letters = text.size();
  while (letters > 0 && text.size() - letters < 2 && text[letters - 1] == '=') --letters;
  out.reserve(text.size() / 4 * 3);
  std::uint32_t bits = 0, held = 0;
  for (const char c : text.substr(0, letters)) {
    const int v = value_of(c);
    if (v < 0) return false;
    bits = bits << 6 | static_cast<std::uint32_t>(v);
    held += 6;
    if (held < 8) continue;
    held -= 8;
    out.push_back(static_cast<std::uint8_t>(bits >> held));
    bits &= (1U << held) - 1;
  }
  return bits == 0;
}

}  // namespace

std::string to_base64(ByteView bytes) {
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t n = std::min<std::size_t>(3, bytes.size() - i);
    std::uint32_t bits = 0;
    for (std::size_t k = 0; k < 3; ++k) bits = bits << 8 | (k < n ? bytes[i + k] : 0U);
    for (std::size_t k = 0; k < 4; ++k) out.push_back(k <= n ? kLetters[bits >> (18 - 6 * k) & 63] : '=');
  }
  return out;
}

bool from_base64(std::string_view text, Bytes& out) {
  out.clear();
  if (decode(text, out)) return true;
  out.clear();
  return false;
}

}  // namespace dsperse::trust
