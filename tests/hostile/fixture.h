// A small real model for the fuzz targets: a key and a certificate under it, read from tests/hostile/model once.
//
// No prover is linked: write_corpus.cc made the files. Used by the targets of this folder and tests/hostile.
#pragma once

#include "dsperse/proof/verify.h"

namespace dsperse::fuzz {

struct Fixture {
  Bytes key_bytes, certificate_bytes;
  proof::ModelKey key;
  proof::Certificate certificate;
  proof::Expectation user;  ///< the certificate's own tensors and nonce; range proofs were verified

  /// The statement that a slice's proof is for.
  [[nodiscard]] proof::Statement statement(const proof::ModelKey& under, const proof::SliceProof& slice) const;
};

/// Ends the program with a message if the files are missing or the certificate is not accepted.
const Fixture& fixture();

/// What the certificate itself says of the model's inputs and outputs.
proof::Expectation expectation_of(const proof::ModelKey& key, const proof::Certificate& certificate);

}  // namespace dsperse::fuzz
