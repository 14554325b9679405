// The queue of jobs: at-least-once delivery under leases, and every result kept, the late ones apart.
//
// Every call is one transaction: it happened wholly and durably when it returns ok, and wholly or not at all otherwise. After an
// error of kind `backend` (no answer) it may have happened, or still happen; every call but lease() can then simply be made
// again, and a lease whose answer got lost lapses at its deadline. Time is the caller's. No dependences between jobs: a job names
// its inputs by digest (R2), so it can't be written down before its predecessors are done, and the coordinator submits it then.
// Source: docs/engine.md, R2, R11. Tested by engine/testing/jobs_suite.cc for every engine.
#pragma once

#include <array>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "dsperse/engine/job.h"

namespace dsperse::engine {

enum class Submitted : std::uint8_t { added, known };

/// What became of a result or a failure.
enum class Delivery : std::uint8_t {
  accepted,     ///< the lease was live: the job has moved
  repeated,     ///< the lease had just this already: nothing changed
  late,         ///< the lease was no longer live: a result is kept apart, a failure is not; the job did not move
  conflicting,  ///< the lease has another result, or failed after a result: nothing changed; the caller has the evidence
};

class JobQueue {
 public:
  virtual ~JobQueue() = default;

  /// Idempotent by id, whatever has become of the job. Errors: usage (limits, see checks.h); bad_input: the id is known with
  /// other content.
  [[nodiscard]] virtual Result<Submitted> submit(const Job& job) = 0;

  /// The first job (priority, then order of submission) that is due and that the puller takes (checks.h), or nothing. The
  /// deadline is now + `beat_ms`, at most now + the job's time_ms. One job has at most one live lease. Cost: linear in the queued
  /// jobs before it. Errors: usage (limits, beat_ms < 1).
  [[nodiscard]] virtual Result<std::optional<Lease>> lease(const Puller& puller, TimeMs now, TimeMs beat_ms) = 0;

  /// Moves the deadline to now + beat_ms, at most since + time_ms, never back. A lease lives until expire() or withdraw() says
  /// otherwise, so a heartbeat after the deadline may still save it. Gives the deadline, or nothing if the lease is not live: the
  /// worker should stop, and may still deliver. Errors: usage (unknown lease, beat_ms < 1).
  [[nodiscard]] virtual Result<std::optional<TimeMs>> heartbeat(LeaseId lease, TimeMs now, TimeMs beat_ms) = 0;

  /// Delivers the lease's result. Each lease has at most one. Errors: usage (unknown lease, result too large).
  [[nodiscard]] virtual Result<Delivery> complete(LeaseId lease, ByteView result, TimeMs now) = 0;

  /// The worker gives the lease up. With `retry_at` the job may be leased again from then on, if leases are left; without, or
  /// when none is left, it has failed. Errors: usage (unknown lease, reason too long).
  [[nodiscard]] virtual Result<Delivery> fail(LeaseId lease, std::string_view reason, std::optional<TimeMs> retry_at,
                                              TimeMs now) = 0;

  /// Every live lease whose deadline is <= now lapses, in the order of their ids; its job is due again, or has failed if no lease
  /// is left. Gives their number; who they were is in events().
  [[nodiscard]] virtual Result<std::uint64_t> expire(TimeMs now) = 0;

  /// Takes back a job that is queued or leased; its live lease ends. Gives the state that the job now has: withdrawn, or done or
  /// failed if it was that already. Errors: usage (unknown job, reason too long).
  [[nodiscard]] virtual Result<JobState> withdraw(const Digest& job, std::string_view reason) = 0;

  /// Forgets a job that is neither queued nor leased, with its leases and events; the same id is then a new job, and its leases
  /// are unknown. False if there is no such job. Errors: usage (it is queued or leased).
  [[nodiscard]] virtual Result<bool> forget(const Digest& job) = 0;

  [[nodiscard]] virtual Result<std::optional<JobRecord>> find(const Digest& job) = 0;
  /// All leases of a job by id, with their results, late ones too; empty for an unknown job.
  [[nodiscard]] virtual Result<std::vector<LeaseRecord>> history(const Digest& job) = 0;
  /// At most `limit` events after this sequence number. Reading changes nothing: the coordinator remembers how far it got.
  [[nodiscard]] virtual Result<std::vector<Event>> events(std::uint64_t after, std::size_t limit) = 0;
  /// Number of jobs by state.
  [[nodiscard]] virtual Result<std::array<std::uint64_t, 5>> counts() = 0;
};

}  // namespace dsperse::engine
