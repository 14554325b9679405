// The lottery as a state machine: which part may come when. The coordinator steps it; its state survives a crash.
//
// collecting --Receipt/Withdraw for every job, Close--> closed --LatePart--> ready --Reveal--> drawn   (Late::none: closed =
// ready) Until `drawn` every job's audit is pending. Not here: the mathematics (draw.h), signatures, the ledger. Source:
// docs/trust/machines.md. Tested by trust/lottery/lottery_test.cc.
#pragma once

#include <map>
#include <variant>

#include "dsperse/trust/lottery/draw.h"

namespace dsperse::trust::lottery {

enum class Phase : std::uint8_t { collecting, closed, ready, drawn };
/// pending: not yet drawn, so not accepted unless the user allows pending audits.
enum class Standing : std::uint8_t { unknown, pending, drawn, not_drawn };

inline constexpr std::size_t kMaxJobs = std::size_t{1} << 20;

struct State {
  struct Job {
    Probability probability;
    std::optional<Digest> salt;
    friend bool operator==(const Job&, const Job&) = default;
  };
  Digest run{}, commitment{};
  Late late = Late::none;
  Phase phase = Phase::collecting;
  std::map<Digest, Job> jobs;
  std::optional<Digest> late_part;
  std::optional<Digest> secret;  ///< once revealed
  friend bool operator==(const State&, const State&) = default;
};

/// A job is given out; its probability is fixed before its result exists.
struct AddJob {
  Digest job{};
  Probability probability;
};
/// Its receipt is in the ledger and its salt is opened.
struct Receipt {
  Digest job{}, salt{};
};
/// It will never have a receipt: nothing was claimed, so there is nothing to audit. Refused once it has one.
struct Withdraw {
  Digest job{};
};
/// No more jobs; refused while a job has no receipt.
struct Close {};
struct LatePart {
  Digest value{};
};
struct Reveal {
  Digest secret{};
};
using Event = std::variant<AddJob, Receipt, Withdraw, Close, LatePart, Reveal>;

/// Effect of Reveal: these jobs are to be audited. Nothing for other events.
using Audits = std::vector<Digest>;

/// A lottery whose commitment is published now.
State begin(const Digest& run, const Digest& commitment, Late late);
/// Steps, or says why the event is impossible here and leaves the state unchanged. Events are not repeated.
[[nodiscard]] Result<Audits> step(State& state, const Event& event);

/// Cost for drawn and not_drawn: one hash over all jobs' salts; see audits() for all jobs at once.
Standing standing(const State& state, const Digest& job);
/// Whether a job's result may be accepted as audited. audit_passed: of a drawn job. Reasons: "the job is not in the lottery",
/// "the audit is not yet drawn" (unless allow_pending), "the audit has not passed".
Verdict acceptance(Standing standing, bool audit_passed, bool allow_pending);
/// The drawn jobs, ascending. Errors (usage): not yet drawn.
[[nodiscard]] Result<Audits> audits(const State& state);
/// What the world may see: input to verify_draw().
Published published(const State& state);

/// Canonical bytes (docs/trust/machines.md) and their strict inverse. Errors (bad_input): any other bytes, a state that no
/// sequence of events reaches.
Bytes encode(const State& state);
[[nodiscard]] Result<State> decode(ByteView bytes);

}  // namespace dsperse::trust::lottery
