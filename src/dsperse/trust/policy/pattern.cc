#include "dsperse/trust/policy/pattern.h"

#include <cstddef>

namespace dsperse::trust {
namespace {

/// Length of the pattern's first element (not a star) and whether it matches c.
struct Element {
  std::size_t length = 1;
  bool matched = false;
};

Element bracket(std::string_view p, char c) {
  std::size_t i = 1;
  const bool negated = i < p.size() && (p[i] == '!' || p[i] == '^');
  if (negated) ++i;
  bool in = false;
  for (const std::size_t first = i; i < p.size() && (p[i] != ']' || i == first);) {
    if (i + 2 < p.size() && p[i + 1] == '-' && p[i + 2] != ']') {
      in = in || (p[i] <= c && c <= p[i + 2]);
      i += 3;
    } else {
      in = in || p[i] == c;
      ++i;
    }
  }
  if (i >= p.size()) return {1, c == '['};  // never closed
  return {i + 1, in != negated};
}

Element element(std::string_view p, char c) {
  if (p[0] == '?') return {1, true};
  if (p[0] == '[') return bracket(p, c);
  if (p[0] == '\\' && p.size() > 1) return {2, p[1] == c};
  return {1, p[0] == c};
}

}  // namespace

bool matches(std::string_view pattern, std::string_view text) {
  std::size_t p = 0, t = 0, star = std::string_view::npos, resume = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = t;
      continue;
    }
    if (p < pattern.size()) {
      if (const Element e = element(pattern.substr(p), text[t]); e.matched) {
        p += e.length;
        ++t;
        continue;
      }
    }
    if (star == std::string_view::npos) return false;
    p = star + 1;
    t = ++resume;
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

}  // namespace dsperse::trust
