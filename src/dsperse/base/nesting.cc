#include "dsperse/base/nesting.h"

namespace dsperse {

bool nests_at_most(ByteView json, std::size_t limit) {
  std::size_t depth = 0;
  bool quoted = false, escaped = false;
  for (const std::uint8_t c : json) {
    if (quoted) {
      if (!escaped && c == '"') quoted = false;
      escaped = !escaped && c == '\\';
      continue;
    }
    if (c == '"') quoted = true;
    if ((c == '[' || c == '{') && ++depth > limit) return false;
    if ((c == ']' || c == '}') && depth > 0) --depth;
  }
  return true;
}

}  // namespace dsperse
