// Base64 of RFC 4648, section 4, strictly: padded, no other character, unused bits zero; so one text a value.
//
// Tested by trust/receipt/canonical_test.cc.
#pragma once

#include <string>
#include <string_view>

#include "dsperse/base/bytes.h"

namespace dsperse::trust {

std::string to_base64(ByteView bytes);
/// False for anything that to_base64 does not write; `out` is then empty.
[[nodiscard]] bool from_base64(std::string_view text, Bytes& out);

}  // namespace dsperse::trust
