// Text from elsewhere (names in keys and networks, file names, messages of other machines) as it may be shown on a terminal.
//
// A name could hold the bytes that move the cursor, begin a line, or turn the direction of writing around, and so show a verdict
// that nobody gave. Tested by base/visible_test.cc.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace dsperse {

/// Bytes of the well-formed UTF-8 sequence of `text` at `at`, which is inside; 0 if none begins there.
[[nodiscard]] std::size_t utf8_length(std::string_view text, std::size_t at);

/// `text` with printable UTF-8 as it is; every control character (line breaks and tabs too), mark of direction, invisible
/// separator, and every byte that is no UTF-8 as \xNN or \u{NNNN}. A backslash stays: what is shown is for reading, not for
/// parsing.
[[nodiscard]] std::string visible(std::string_view text);

}  // namespace dsperse
