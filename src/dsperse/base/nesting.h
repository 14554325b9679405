// How deep a JSON text nests, before it is parsed: copies and comparisons of parsed values recurse, and a stack is small.
//
// Not a parser: brackets outside of strings are counted, whatever else the text is. Tested by base/nesting_test.cc.
#pragma once

#include "dsperse/base/bytes.h"

namespace dsperse {

/// Deepest JSON that any reader takes; documents of this project need less than ten.
inline constexpr std::size_t kMaxNesting = 64;

/// No place of the text lies inside more than `limit` brackets.
[[nodiscard]] bool nests_at_most(ByteView json, std::size_t limit = kMaxNesting);

}  // namespace dsperse
