// One slice as a model of its own: key, certificate and a user's expectation from a SliceCase.
//
// For tests of whole files (corpus/, tests/vectors). Not here: models of several slices (proof/testing/model.h).
#pragma once

#include "dsperse/proof/testing/harness.h"

namespace dsperse::soundness {

/// A slice as a model of its own: each port an edge, known to the user as input or output.
proof::ModelKey key_of(const proof::testing::SliceCase& c);
/// Ties the statement to the run of that model, as a certificate will. After every restate() and change of the key.
void bind(proof::testing::SliceCase& c);
proof::Certificate certificate_of(const proof::testing::SliceCase& c, Bytes proof);
/// A user who wants this very run and knows its tensors, be they right or wrong.
proof::Expectation user_of(const proof::testing::SliceCase& c);

}  // namespace dsperse::soundness
