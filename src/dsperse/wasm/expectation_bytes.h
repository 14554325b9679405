// What the user knows (proof::Expectation) as canonical bytes, for verifiers behind a border that carries bytes only.
//
// Source: docs/formats/expectation.md, which also has the same as JSON. Not here: known_ranges and known_links, the memory of
// one installation. Tested by wasm/answer_test.cc.
#pragma once

#include "dsperse/proof/verify.h"

namespace dsperse::wasm {

/// Without known_ranges and known_links.
Bytes encode_expectation(const proof::Expectation& user);
/// Canonical and bounded. Errors (bad_input): anything that encode_expectation does not write.
[[nodiscard]] Result<proof::Expectation> decode_expectation(ByteView bytes);

}  // namespace dsperse::wasm
