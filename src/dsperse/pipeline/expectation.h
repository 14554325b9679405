// What a user knows without the certificate, from a request to the verifier's own form and to a file for other verifiers.
//
// Source: docs/formats/expectation.md. Tested by pipeline/pipeline_test.cc and tests/wasm.
#pragma once

#include <string>

#include "dsperse/pipeline/verify.h"

namespace dsperse::pipeline {

/// The question that this request asks. The certificate is no part of it.
[[nodiscard]] Result<proof::Expectation> expectation_of(const VerifyRequest& request);

/// The same as JSON; known_ranges and known_links are left out: they are the memory of this
/// installation.
std::string expectation_document(const proof::Expectation& user);

}  // namespace dsperse::pipeline
