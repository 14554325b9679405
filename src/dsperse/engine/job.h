// What a queue keeps: jobs, their leases, and what happened to them. Plain values.
//
// Not here: what a payload or a result means; replicas, modes and commitments are the coordinator's (docs/engine.md).
// Checked by checks.h. Tested by engine/testing/jobs_suite.cc.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dsperse/base/bytes.h"
#include "dsperse/engine/clock.h"

namespace dsperse::engine {

using WorkerKey = Digest;  ///< Ed25519 public key
using LeaseId = std::uint64_t;

inline constexpr std::size_t kMaxPayloadBytes = 16U << 20, kMaxResultBytes = 16U << 20;  ///< larger things are blobs
inline constexpr std::string_view kLapsedReason = "the last lease lapsed";  ///< of a job whose leases ran out that way
inline constexpr std::size_t kMaxTags = 64, kMaxTagBytes = 256, kMaxReasonBytes = 4096;

/// One piece of work. Equal ids with equal content are one job; the rest of the trust half makes ids by R2.
struct Job {
  Digest id{};
  Bytes payload;
  std::vector<std::string> needs;   ///< the worker must have all of these tags
  std::vector<std::string> avoids;  ///< and none of these: how the coordinator keeps replicas apart
  std::int32_t priority = 0;        ///< higher first; among equals the one submitted first
  std::uint64_t memory_bytes = 0;   ///< only for workers with at least so much
  TimeMs time_ms = 3600 * 1000;     ///< longest life of one lease, heartbeats or not; at least 1
  std::uint32_t max_leases = 5;     ///< after so many leases without a result the job has failed; at least 1

  bool operator==(const Job&) const = default;
};

enum class JobState : std::uint8_t { queued, leased, done, failed, withdrawn };

/// Who asks for work. Tags come from the coordinator's registry, never from the worker's own words.
struct Puller {
  WorkerKey worker{};
  std::vector<std::string> tags;
  std::uint64_t memory_bytes = 0;
};

/// The right to work on a job until the deadline. Ids grow and are never used twice: an id also fences off older leases.
struct Lease {
  LeaseId id = 0;
  WorkerKey worker{};
  TimeMs since = 0, deadline = 0;
  Job job;

  bool operator==(const Lease&) const = default;
};

enum class LeaseState : std::uint8_t { live, completed, failed, lapsed, withdrawn };

/// One lease of a job's history. A result under any other state than completed came late.
struct LeaseRecord {
  LeaseId id = 0;
  Digest job{};
  WorkerKey worker{};
  TimeMs since = 0, deadline = 0;
  LeaseState state = LeaseState::live;
  std::optional<Bytes> result;
  std::string reason;  ///< of a failed or withdrawn one

  bool operator==(const LeaseRecord&) const = default;
};

struct JobRecord {
  Job job;
  JobState state = JobState::queued;
  TimeMs not_before = 0;     ///< of a queued one
  std::string reason;        ///< of a failed or withdrawn one
  std::uint32_t leases = 0;  ///< given so far
  LeaseId lease = 0;         ///< the live or the completed one, else 0

  bool operator==(const JobRecord&) const = default;
};

/// What the coordinator has to answer to, in the order in which it happened.
enum class EventKind : std::uint8_t {
  completed,  ///< the job is done
  failed,     ///< the worker gave up the lease
  lapsed,     ///< the deadline passed: a liveness strike, never a correctness strike (R11)
  late,       ///< a result arrived for a lease that was no longer live; it still counts as a replica (R11)
  gave_up,    ///< follows failed or lapsed: the job has failed and will not be leased again
};
struct Event {
  std::uint64_t sequence = 0;  ///< grows, never used twice; gaps mean nothing
  EventKind kind = EventKind::completed;
  LeaseId lease = 0;
  Digest job{};
  WorkerKey worker{};
  TimeMs at = 0;

  bool operator==(const Event&) const = default;
};

}  // namespace dsperse::engine
