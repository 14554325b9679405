// One dispute about one slice: inputs agree, outputs differ, whoever can prove (h_in, h_out) wins.
//
// open --a valid proof, or both sides out, or deadline--> decided. Silence loses by the deadline to who proves; if nobody does,
// all are struck for liveness, since nobody knows who is wrong, and the job goes on with others. The coordinator may prove the
// slice itself: that decides too, also against both. A later valid proof of another output can't exist unless the proof system is
// broken; if it does, the outcome says so and nobody is struck. Not here: checking proofs (events carry the verifier's decision),
// clocks, the file for third parties (verdict_file.h). Source: docs/trust/machines.md. Tested by trust/dispute/dispute_test.cc.
#pragma once

#include <array>
#include <variant>
#include <vector>

#include "dsperse/trust/dispute/trace.h"
#include "dsperse/trust/types/strike.h"

namespace dsperse::trust::dispute {

enum class Side : std::uint8_t { a, b };

/// open: undecided. a, b: that side is right. neither: a third output is proved. unproved: nobody proved anything.
/// contradiction: two outputs are proved.
enum class Outcome : std::uint8_t { open, a, b, neither, unproved, contradiction };

/// What is disputed; fixed when the dispute opens.
struct Subject {
  Digest run{}, model{}, slice_key{};
  std::uint32_t slice = 0;
  Digest h_in{};
  friend bool operator==(const Subject&, const Subject&) = default;
};
struct Claim {
  Digest worker{}, job{}, receipt{}, h_out{};
  friend bool operator==(const Claim&, const Claim&) = default;
};
/// A valid proof: of this output, with these bytes (their digest).
struct Proved {
  Digest h_out{}, proof{};
  friend bool operator==(const Proved&, const Proved&) = default;
};

/// A side's proofs that may be refused before it is out: checking costs the coordinator.
inline constexpr std::uint8_t kAttempts = 3;

struct State {
  Subject subject;
  std::array<Claim, 2> claims;
  std::uint64_t deadline_ms = 0;
  Outcome outcome = Outcome::open;
  std::array<std::uint8_t, 2> refused{};  ///< proofs of each side that were refused; kAttempts: out
  std::vector<Proved> proofs;             ///< in order; at most two, of different outputs
  friend bool operator==(const State&, const State&) = default;
};

/// A side's proof of its own claim was checked.
struct Proof {
  Side side = Side::a;
  Digest proof{};
  bool accepted = false;
};
/// The coordinator proved the slice itself.
struct OwnProof {
  Digest h_out{}, proof{};
};
struct Deadline {
  std::uint64_t now_ms = 0;
};
using Event = std::variant<Proof, OwnProof, Deadline>;

/// The outcome changed. proved: h_out with which the job goes on is known; else the slice goes to other workers.
struct Decided {
  Outcome outcome = Outcome::open;
  bool proved = false;
  Digest h_out{};
};
/// A strike was given that the contradiction shows to be unfounded: take it back.
struct Pardon {
  Digest worker{}, job{};
};
using Effect = std::variant<Decided, Strike, Pardon>;
using Effects = std::vector<Effect>;

/// Errors (usage): both claim the same output, both claims are one worker's, slice out of range.
[[nodiscard]] Result<State> begin(const Subject& subject, const Claim& a, const Claim& b, std::uint64_t deadline_ms);
/// Steps, or says why the event is impossible here and leaves the state unchanged.
[[nodiscard]] Result<Effects> step(State& state, const Event& event);
/// What the proofs of the state decide, ignoring attempts and time: open if there is none.
Outcome outcome_of(const State& state);

/// Canonical bytes and their strict inverse. Errors (bad_input).
Bytes encode(const State& state);
[[nodiscard]] Result<State> decode(ByteView bytes);

}  // namespace dsperse::trust::dispute
