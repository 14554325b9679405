// Numbers as text: the shortest decimal that reads back the same, and a rounded one for people. Tested by
// policy/treatment_test.cc.
#pragma once

#include <array>
#include <charconv>
#include <string>

namespace dsperse::trust {

/// Shortest decimal that parses back to exactly `x`: "0.05", "1e-06".
inline std::string exact_text(double x) {
  std::array<char, 64> buffer{};
  return {buffer.data(), std::to_chars(buffer.data(), buffer.data() + buffer.size(), x).ptr};
}

/// Four significant digits: "0.08333", "1.2e-09".
inline std::string short_text(double x) {
  std::array<char, 64> buffer{};
  return {buffer.data(), std::to_chars(buffer.data(), buffer.data() + buffer.size(), x, std::chars_format::general, 4).ptr};
}

}  // namespace dsperse::trust
