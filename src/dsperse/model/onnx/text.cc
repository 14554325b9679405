#include "dsperse/model/onnx/text.h"

#include <cstdint>

namespace dsperse::model::onnx_file {

namespace {

constexpr std::size_t kMaxText = 1024;

/// Length of the UTF-8 character at `at`, 0 if it is none or a control character.
std::size_t character(const std::string& s, std::size_t at) {
  const auto byte = [&](std::size_t i) { return i < s.size() ? static_cast<std::uint8_t>(s[i]) : std::uint8_t{0}; };
  const std::uint32_t first = byte(at);
  if (first < 0x80) return first < 0x20 || first == 0x7F ? 0 : 1;
  const std::size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4) return 0;
  std::uint32_t code = first & (0x7FU >> length);
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(at + i) & 0xC0) != 0x80) return 0;
    code = code << 6 | (byte(at + i) & 0x3FU);
  }
  const bool overlong = (length == 3 && code < 0x800) || (length == 4 && code < 0x10000);
  const bool surrogate = code >= 0xD800 && code <= 0xDFFF;
  return overlong || surrogate || code > 0x10FFFF || code < 0xA0 ? 0 : length;
}

}  // namespace

Status check_text(const std::string& text, const std::string& what) {
  if (text.size() > kMaxText) return fail(ErrorKind::bad_input, what + " is longer than 1024 bytes");
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = character(text, at);
    if (length == 0) return fail(ErrorKind::bad_input, what + " holds control characters or is not UTF-8");
    at += length;
  }
  return {};
}

}  // namespace dsperse::model::onnx_file
