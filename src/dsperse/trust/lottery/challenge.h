// Challenge after commitment: a late nonce draws which slices must be proved, after all boundary roots are published.
//
// published --Nonce--> challenged --Answer for each drawn slice--> answered, or --Deadline--> expired. The prover is bound to
// every slice's result before it learns which ones count. Not here: checking proofs (the answer carries the verifier's decision),
// the chance of missing a bad slice (trust/policy). Source: docs/trust/machines.md. Tested by trust/lottery/challenge_test.cc.
#pragma once

#include <optional>
#include <set>
#include <span>
#include <variant>
#include <vector>

#include "dsperse/base/bytes.h"
#include "dsperse/base/result.h"

namespace dsperse::trust::lottery {

inline constexpr std::uint32_t kMaxSlices = 1U << 16;

/// One digest of everything the prover published: H(run, slices, roots in the plan's order of boundaries).
Digest bind_roots(const Digest& run, std::uint32_t slices, std::span<const Digest> roots);
/// `count` distinct slices of [0, slices), ascending; every set is equally likely. Errors (usage): slices = 0 or above
/// kMaxSlices, count above slices.
[[nodiscard]] Result<std::vector<std::uint32_t>> draw_slices(const Digest& bound, std::uint32_t slices, std::uint32_t count,
                                                             const Digest& nonce);
/// The verifier redraws. proved: slices with an accepted proof, any order; more than the drawn ones are welcome. Reasons: "the
/// challenge is malformed", "a drawn slice is not proved" (where: "slice n").
Verdict verify_challenge(const Digest& bound, std::uint32_t slices, std::uint32_t count, const Digest& nonce,
                         std::span<const std::uint32_t> proved);

enum class ChallengePhase : std::uint8_t { published, challenged, answered, expired };

struct Challenge {
  Digest bound{};
  std::uint32_t slices = 0, count = 0;
  ChallengePhase phase = ChallengePhase::published;
  std::optional<Digest> nonce;
  std::uint64_t deadline_ms = 0;  ///< once challenged
  std::set<std::uint32_t> open;   ///< drawn, not yet proved
  friend bool operator==(const Challenge&, const Challenge&) = default;
};

struct Nonce {
  Digest value{};
  std::uint64_t deadline_ms = 0;
};
/// proof_accepted: the verifier's decision. A rejected proof changes nothing: the prover may try until the deadline.
struct Answer {
  std::uint32_t slice = 0;
  bool proof_accepted = false;
};
struct Deadline {
  std::uint64_t now_ms = 0;
};
using ChallengeEvent = std::variant<Nonce, Answer, Deadline>;

/// count: how many slices will be drawn; fixed before the nonce. Errors (usage): as draw_slices().
[[nodiscard]] Result<Challenge> publish(const Digest& bound, std::uint32_t slices, std::uint32_t count);
/// The effect: slices that must be proved now (of Nonce), or that stay unproved (of Deadline). Errors (usage) leave the state
/// unchanged.
[[nodiscard]] Result<std::vector<std::uint32_t>> step(Challenge& challenge, const ChallengeEvent& event);

Bytes encode(const Challenge& challenge);
/// Strict. Errors (bad_input): other bytes, a state that no sequence of events reaches.
[[nodiscard]] Result<Challenge> decode_challenge(ByteView bytes);

}  // namespace dsperse::trust::lottery
