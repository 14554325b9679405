// The random oracle of this program: crypto::Transcript, defined once more so that a test chooses the challenges.
//
// The program links oracle.cc in place of crypto/transcript/transcript.cc; prover and verifier are the product's. Without a
// FixedChallenges in scope challenges depend on everything absorbed, as in the product (other bytes, same rules), but for the
// places that program() was told. Tests only. Source: docs/protocol/zero-knowledge.md.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "dsperse/base/bytes.h"

namespace dsperse::soundness {

/// While it lives, draws depend on `seed`, on their labels and on the draws before them, never on messages. One at a time.
class FixedChallenges {
 public:
  explicit FixedChallenges(std::uint64_t seed);
  ~FixedChallenges();
  FixedChallenges(const FixedChallenges&) = delete;
  FixedChallenges& operator=(const FixedChallenges&) = delete;
  /// What the draws since the last call were made from, in order.
  static std::vector<Digest> answers();
};

/// Programs the oracle: the draws of `run` (a verifier on a finished proof) are answered by these, and from now on the same calls
/// with the same absorbed bytes get the same answers.
void program(const std::vector<Digest>& answers, const std::function<void()>& run);
/// Forgets all of it.
void forget_programmed();

}  // namespace dsperse::soundness
