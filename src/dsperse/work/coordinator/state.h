// What a coordinator knows, as plain values with canonical bytes: it is saved whole after every change.
//
// Not here: how it changes. Source: docs/design/0010. Tested by work/coordinator/state_test.cc.
#pragma once

#include "dsperse/trust/audit/canary.h"
#include "dsperse/trust/dispute/dispute.h"
#include "dsperse/trust/lottery/lottery.h"
#include "dsperse/trust/replication/replication.h"
#include "dsperse/work/coordinator/coordinator.h"

namespace dsperse::work {

using engine::TimeMs;

/// Why a worker was asked. claim: a side of a dispute proves what it claimed.
enum class Purpose : std::uint8_t { replica, prove, audit, claim, canary };
/// given: the run or prove job is out. committed: its answer came, the opening is not asked for yet. asked: the open job is out.
/// opened: all is known. dead: it will give nothing, or what it gave does not count.
enum class ErrandState : std::uint8_t { given, committed, asked, opened, dead };

/// What a worker showed: checked to be well-formed, signed by it, and the answer to what was asked. Not that it is right.
struct Shown {
  trust::Opening opening;
  Bytes receipt;  ///< text of the envelope
  Digest receipt_digest{};
  trust::BoundaryRoots roots_out;
  OutputBlobs outputs;
  std::optional<Digest> proof;  ///< blob
};

/// One job of one worker. number: fresh in its attempt (or among the canaries); the job's nonce follows from it.
struct Errand {
  std::uint32_t number = 0, slice = 0;
  Purpose purpose = Purpose::replica;
  ErrandState state = ErrandState::given;
  bool lost = false;  ///< its lease was lost or it is overdue: what comes now is late
  Digest job{}, worker{};
  TimeMs since = 0, deadline = 0;
  Digest commitment{};  ///< from committed on
  std::optional<WeightOpening> weights;
  std::optional<Shown> shown;  ///< from opened on
};

/// A proof of a slice that the verifier accepted.
struct Proof {
  Digest blob{};
  std::optional<WeightOpening> weights;
};

/// A result with which the run goes on.
struct Settled {
  Digest h_out{};
  trust::BoundaryRoots roots;
  OutputBlobs values;
  std::optional<Proof> proof;
};

enum class SlicePhase : std::uint8_t { waiting, replicating, proving, disputed, settled };
enum class AuditPhase : std::uint8_t { none, pending, passed };

struct SliceState {
  SlicePhase phase = SlicePhase::waiting;
  std::optional<trust::replication::State> replication;
  std::vector<std::uint32_t> errands;            ///< numbers that count here: replicas of the present replication, audits, claims
  std::optional<trust::dispute::State> dispute;  ///< between claimants, where they must prove
  std::optional<Settled> settled;
  std::optional<Digest> accepted;  ///< job of the accepted result, if the lottery has it
  AuditPhase audit = AuditPhase::none;
};

/// One try at a run. Its seeds, nonces and lottery secret follow from `secret`.
struct Attempt {
  std::uint32_t number = 0;
  Digest secret{}, salt{}, run{};
  TimeMs since = 0, moved = 0;           ///< began; last went on
  std::vector<trust::NodeLabels> nodes;  ///< ascending
  Bytes opening;                         ///< text of the signed RunOpening
  std::vector<Digest> silent;            ///< workers that did not prove what they claimed: no more jobs of this attempt
  std::vector<Errand> errands;           ///< by number
  std::vector<SliceState> slices;
  trust::lottery::State lottery;
  Bytes closing, seal;  ///< texts of ClosingNote and checkpoint; empty until sealed
  RunPhase phase = RunPhase::running;
};

struct Run {
  Digest id{}, model{};
  RunRequest request;
  Attempt attempt;
  std::uint32_t disputes = 0;
  std::vector<Digest> verdicts;  ///< blobs of verdict files, all attempts
  std::vector<Bytes> notes;      ///< texts of their log entries
  std::vector<Digest> stale;     ///< jobs of former attempts, still to be withdrawn
  std::string failure, waits_for;
  std::optional<trust::RunRecord> record;  ///< of a finished run
};

/// A canary that is out, with its whole task.
struct CanaryErrand {
  Errand errand;
  Bytes task;
};

/// What outlives runs.
struct Standings {
  Digest secret{};  ///< canary slots follow from it
  TimeMs last_ms = 0;
  trust::audit::Book book;
  trust::incentive::Reputation reputation{trust::incentive::ReputationRules{}};
  std::optional<trust::incentive::PointsContract> points;
  std::map<Digest, std::string> engines;  ///< of each worker, as enrolled
  trust::audit::Pool canaries;
  std::map<Digest, Run> fakes;  ///< by worker: the run that its canaries come from
  std::vector<CanaryErrand> out;
  std::uint64_t slots = 0;  ///< jobs given out so far
  std::uint32_t next_canary = 0;
  std::vector<Bytes> outbox;       ///< entries that the log must have; appended, then dropped
  std::vector<Digest> to_release;  ///< receipts whose window is still open
  std::vector<Digest> evidence;    ///< blobs
};

Bytes encode(const Run& run);
/// Errors (bad_input): bytes that encode() does not write.
[[nodiscard]] Result<Run> decode_run(ByteView bytes);
Bytes encode(const Standings& standings);
[[nodiscard]] Result<Standings> decode_standings(ByteView bytes);

}  // namespace dsperse::work
