// One question to the verifier and its answer, both as bytes: everything that the WebAssembly module does.
//
// Compiled for this machine too, so that tests can hold the module against it. Source: docs/formats/expectation.md ("The
// module"). Tested by wasm/answer_test.cc and tests/wasm.
#pragma once

#include "dsperse/base/bytes.h"

namespace dsperse::wasm {

/// Version of the module's functions and of the bytes below.
inline constexpr std::uint32_t kAbiVersion = 1;

/// Decodes key, certificate and expectation (expectation_bytes.h) and verifies. Never fails: what cannot be decoded is an answer
/// of its own, an error with a `where` that starts with "expectation", "key" or "certificate".
Bytes answer(ByteView key, ByteView certificate, ByteView expectation);

}  // namespace dsperse::wasm
