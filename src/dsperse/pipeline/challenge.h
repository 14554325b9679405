// Challenge after commitment, on files: which slices a late nonce draws, whether a certificate answers, what a prover that lied
// about some slices had to hope for.
//
// The asker holds a digest of all boundary roots that the prover gave away before the nonce existed. Not here: the draw's
// mathematics and the machine (trust/lottery/challenge.h), the file (published.h). Source: docs/trust/challenge.md. Tested by
// pipeline/challenge_test.cc and tests/e2e.
#pragma once

#include <optional>
#include <set>
#include <vector>

#include "dsperse/pipeline/published.h"

namespace dsperse::pipeline {

/// What the asker knows without the certificate. bound, draw: as published, from the asker's own copy.
struct ChallengeQuestion {
  Digest bound{};
  std::uint32_t draw = 0;
  Digest nonce{};
};

/// A nonce of any length as the draw takes it: H("dsperse challenge nonce v1"; nonce). Errors (usage): empty, above 64 bytes.
[[nodiscard]] Result<Digest> challenge_nonce(ByteView nonce);

/// The slices that the nonce draws. Errors (usage): draw above the model's number of slices.
[[nodiscard]] Result<std::set<std::uint32_t>> drawn_slices(const proof::ModelKey& key, const ChallengeQuestion& question);

/// Reasons: "the published roots are not the certificate's"; those of lottery::verify_challenge. Whether the proofs are valid is
/// for verify_certificate.
Verdict check_challenge(const proof::ModelKey& key, const proof::Certificate& certificate, const ChallengeQuestion& question);

/// With so many wrong slices a prover escapes the draw with this probability.
struct Escape {
  std::uint32_t wrong = 0;
  double probability = 0;
};
/// Of one wrong slice, a tenth and half of the slices, as far as so many can be wrong: `proved` others are proved in any case.
[[nodiscard]] Result<std::vector<Escape>> escapes(std::uint32_t slices, std::uint32_t draw, std::uint32_t proved);

}  // namespace dsperse::pipeline
