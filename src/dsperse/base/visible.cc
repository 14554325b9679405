#include "dsperse/base/visible.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>

namespace dsperse {
namespace {

/// Of a sequence of n bytes.
std::uint32_t code_of(std::string_view sequence) {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint32_t>(static_cast<unsigned char>(sequence[i])); };
  if (sequence.size() == 1) return byte(0);
  std::uint32_t code = byte(0) & (0xFFU >> (sequence.size() + 1));
  for (std::size_t i = 1; i < sequence.size(); ++i) code = code << 6 | (byte(i) & 0x3FU);
  return code;
}

/// Shown as nothing, or as something else than it is.
bool hidden(std::uint32_t code) {
  const auto in = [code](std::uint32_t first, std::uint32_t last) { return code >= first && code <= last; };
  return code < 0x20 || in(0x7F, 0x9F) || code == 0xAD || code == 0x61C || in(0x200B, 0x200F) || in(0x2028, 0x202E) ||
         in(0x2060, 0x206F) || code == 0xFEFF || in(0xFFF9, 0xFFFB) || in(0xE0000, 0xE007F);
}

}  // namespace

std::size_t utf8_length(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) -> unsigned { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0; };
  const auto tail = [&](std::size_t i) { return (byte(i) & 0xC0U) == 0x80U; };
  const unsigned a = byte(at), b = byte(at + 1);
  if (a < 0x80) return 1;
  if (a >= 0xC2 && a < 0xE0 && tail(at + 1)) return 2;
  if (a >= 0xE0 && a < 0xF0 && tail(at + 1) && tail(at + 2) && !(a == 0xE0 && b < 0xA0) && !(a == 0xED && b >= 0xA0)) return 3;
  if (a >= 0xF0 && a < 0xF5 && tail(at + 1) && tail(at + 2) && tail(at + 3) && !(a == 0xF0 && b < 0x90) &&
      !(a == 0xF4 && b >= 0x90))
    return 4;
  return 0;
}

std::string visible(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t bytes = utf8_length(text, at);
    const std::string_view sequence = text.substr(at, std::max<std::size_t>(bytes, 1));
    const std::uint32_t code = code_of(sequence);
    std::array<char, 16> escape{};
    if (bytes == 0 || (code < 0x80 && hidden(code))) {
      std::snprintf(escape.data(), escape.size(), "\\x%02X", code);
      out += escape.data();
    } else if (hidden(code)) {
      std::snprintf(escape.data(), escape.size(), "\\u{%X}", code);
      out += escape.data();
    } else {
      out += sequence;
    }
    at += sequence.size();
  }
  return out;
}

}  // namespace dsperse
