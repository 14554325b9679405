// Shell patterns over names: * ? [abc] [a-z] [!a] and \ before a character that stands for itself. Linear in practice: only the
// last star is ever retried. Tested by trust/policy/policy_test.cc.
#pragma once

#include <string_view>

namespace dsperse::trust {

/// Whether the whole text matches. An unclosed bracket stands for itself.
bool matches(std::string_view pattern, std::string_view text);

}  // namespace dsperse::trust
