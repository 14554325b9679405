// k blind replicas of one slice: commit before reveal, unanimity, and who said what if they differ.
//
// committing --all committed, or deadline--> opening --all opened, or deadline--> settled(agreed | mismatch | incomplete)
// incomplete --Extend--> committing; late results are taken in any phase. Each replica is a job of its own (own nonce, own id): a
// worker sees a job and later a request to open it, nothing else; k = 1 runs the same way, so a worker can't tell the mode.
// Openings go to the coordinator alone and are shown to nobody before the outcome is agreed or mismatch. Hence a result that is
// late for its lease still counts in full as long as the outcome is undecided; after it, a late result counts against an
// agreement but not for one. Not here: leases and clocks, receipts, what a dispute decides (trust/dispute).
// Source: docs/trust/machines.md. Tested by trust/replication/replication_test.cc.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "dsperse/base/bytes.h"
#include "dsperse/base/result.h"
#include "dsperse/trust/types/strike.h"

namespace dsperse::trust::replication {

inline constexpr std::uint32_t kMaxReplicas = 64;
inline constexpr std::size_t kMaxLabelBytes = 255;

/// What no two replicas may share, beside the worker key, which they never may.
enum Distinct : std::uint8_t { kOperator = 1, kRegion = 2, kEngine = 4 };

struct Worker {
  Digest key{};
  std::string operator_name, region, engine;  ///< at most kMaxLabelBytes each
  friend bool operator==(const Worker&, const Worker&) = default;
};

enum class Status : std::uint8_t {
  assigned,   ///< leased, nothing heard
  lost,       ///< lease lost or commitment overdue: struck for liveness, may still come
  committed,  ///< its opening is awaited
  silent,     ///< opening overdue: struck for liveness, may still come
  opened,     ///< counts
  invalid,    ///< its opening does not count, for good
};

struct Replica {
  Digest job{};
  Worker worker;
  Status status = Status::assigned;
  bool after_decision = false;  ///< committed when the outcome was already decided: no evidence for it
  Digest commitment{};          ///< zero until committed
  Digest h_out{}, salt{};       ///< zero until opened or invalid
  friend bool operator==(const Replica&, const Replica&) = default;
};

enum class Phase : std::uint8_t { committing, opening, settled };
/// open: not settled yet. incomplete: fewer than k valid openings, none of them differs.
enum class Outcome : std::uint8_t { open, incomplete, agreed, mismatch };

struct State {
  std::uint32_t k = 0;
  std::uint8_t distinct = 0;  ///< bits of Distinct
  std::uint64_t commit_deadline_ms = 0, open_deadline_ms = 0;
  Phase phase = Phase::committing;
  Outcome outcome = Outcome::open;
  std::vector<Replica> replicas;  ///< in order of assignment
  friend bool operator==(const State&, const State&) = default;
};

/// Gives the slice to one more worker, first or as a replacement.
struct Assign {
  Digest job{};
  Worker worker;
};
struct Lost {
  Digest job{};
};
struct Commit {
  Digest job{}, worker{}, commitment{};
};
struct Open {
  Digest job{}, worker{}, h_out{}, salt{};
};
/// Time passes: the deadline of the current phase takes effect if it is reached. A tick that ends the commitments late moves the
/// deadline of the openings, so that these have at least the time between the two.
struct Tick {
  std::uint64_t now_ms = 0;
};
/// After an incomplete outcome: new deadlines, so that further workers can be assigned.
struct Extend {
  std::uint64_t commit_deadline_ms = 0, open_deadline_ms = 0;
};
using Event = std::variant<Assign, Lost, Commit, Open, Tick, Extend>;

/// To the worker of this job: open your commitment.
struct AskOpening {
  Digest job{};
};
/// The outcome changed to this.
struct Settled {
  Outcome outcome = Outcome::open;
};
using Effect = std::variant<AskOpening, Strike, Settled>;
using Effects = std::vector<Effect>;

/// Errors (usage): k = 0 or above kMaxReplicas, unknown bits, deadlines out of order.
[[nodiscard]] Result<State> begin(std::uint32_t k, std::uint8_t distinct, std::uint64_t commit_deadline_ms,
                                  std::uint64_t open_deadline_ms);
/// Steps, or says why the event is impossible here and leaves the state unchanged.
[[nodiscard]] Result<Effects> step(State& state, const Event& event);

/// The common result. Errors (usage): the outcome is not agreed.
[[nodiscard]] Result<Digest> agreed_output(const State& state);
/// Who said what: valid results to the jobs that claim them.
std::map<Digest, std::vector<Digest>> claims(const State& state);
/// What the valid openings seen so far amount to (never open): the rule of unanimity.
Outcome judge(const State& state);

/// Canonical bytes and their strict inverse. Errors (bad_input): any other bytes, a state that contradicts itself.
Bytes encode(const State& state);
[[nodiscard]] Result<State> decode(ByteView bytes);
/// The rule of assignment, for step() and decode(). Errors (usage): what `worker` shares with a replica.
[[nodiscard]] dsperse::Status may_join(const State& state, const Digest& job, const Worker& worker);

}  // namespace dsperse::trust::replication
