// What can be read of jobs, leases and events; each call is one statement, thus one state of the database.
#include "dsperse/engine/embedded/job_rows.h"
#include "dsperse/engine/embedded/rows.h"
#include "dsperse/engine/embedded/stores.h"

namespace dsperse::engine::embedded {
namespace {

using store::Database;
using store::Query;

constexpr const char* kLeaseColumns = "SELECT id, job, worker, since, deadline, state, reason, result FROM leases WHERE ";

Result<LeaseRecord> lease_of(const Query& q) {
  LeaseRecord out;
  out.id = unsigned_of(q.integer(0));
  out.job = q.digest(1);
  out.worker = q.digest(2);
  out.since = q.integer(3);
  out.deadline = q.integer(4);
  DSPERSE_TRY(out.state, enum_column(q, 5, LeaseState::withdrawn));
  out.reason = q.text(6);
  if (!q.is_null(7)) out.result = q.blob(7);
  return out;
}

/// All rows that the query still has.
template <class T, class F>
Result<std::vector<T>> rows(Query& q, const F& row_of) {
  std::vector<T> out;
  for (;;) {
    DSPERSE_TRY(const bool row, q.step());
    if (!row) return out;
    DSPERSE_TRY(T value, row_of(q));
    out.push_back(std::move(value));
  }
}

}  // namespace

Result<std::optional<LeaseRecord>> load_lease(Database& db, LeaseId id) {
  DSPERSE_TRY(Query q, db.prepare(std::string(kLeaseColumns) + "id = ?"));
  DSPERSE_TRY(const bool row, q.bind(signed_of(id)).step());
  if (!row) return std::optional<LeaseRecord>{};
  DSPERSE_TRY(LeaseRecord record, lease_of(q));
  return std::optional<LeaseRecord>(std::move(record));
}

Result<std::optional<JobRecord>> Jobs::find(const Digest& job) {
  DSPERSE_TRY(Query q, db_.prepare("SELECT payload, needs, avoids, priority, memory, time_ms, max_leases, state, not_before, "
                                   "leases, lease, reason FROM jobs JOIN payloads ON payloads.job = jobs.id WHERE id = ?"));
  DSPERSE_TRY(const bool row, q.bind(ByteView(job)).step());
  if (!row) return std::optional<JobRecord>{};
  JobRecord out;
  out.job.id = job;
  out.job.payload = q.blob(0);
  DSPERSE_TRY(out.job.needs, unpack(q.blob(1)));
  DSPERSE_TRY(out.job.avoids, unpack(q.blob(2)));
  out.job.priority = static_cast<std::int32_t>(q.integer(3));
  out.job.memory_bytes = unsigned_of(q.integer(4));
  out.job.time_ms = q.integer(5);
  out.job.max_leases = static_cast<std::uint32_t>(q.integer(6));
  DSPERSE_TRY(out.state, enum_column(q, 7, JobState::withdrawn));
  out.not_before = q.integer(8);
  out.leases = static_cast<std::uint32_t>(q.integer(9));
  out.lease = unsigned_of(q.integer(10));
  out.reason = q.text(11);
  return std::optional<JobRecord>(std::move(out));
}

Result<std::vector<LeaseRecord>> Jobs::history(const Digest& job) {
  DSPERSE_TRY(Query q, db_.prepare(std::string(kLeaseColumns) + "job = ? ORDER BY id"));
  q.bind(ByteView(job));
  return rows<LeaseRecord>(q, lease_of);
}

Result<std::vector<Event>> Jobs::events(std::uint64_t after, std::size_t limit) {
  if (after > std::uint64_t{std::numeric_limits<std::int64_t>::max()}) return std::vector<Event>{};
  DSPERSE_TRY(Query q, db_.prepare("SELECT sequence, kind, lease, job, worker, at FROM events WHERE sequence > ? "
                                   "ORDER BY sequence LIMIT ?"));
  q.bind(signed_of(after)).bind(limit_of(limit));
  return rows<Event>(q, [](const Query& row) -> Result<Event> {
    Event out;
    out.sequence = unsigned_of(row.integer(0));
    DSPERSE_TRY(out.kind, enum_column(row, 1, EventKind::gave_up));
    out.lease = unsigned_of(row.integer(2));
    out.job = row.digest(3);
    out.worker = row.digest(4);
    out.at = row.integer(5);
    return out;
  });
}

Result<std::array<std::uint64_t, 5>> Jobs::counts() {
  DSPERSE_TRY(Query q, db_.prepare("SELECT state, count(*) FROM jobs GROUP BY state"));
  std::array<std::uint64_t, 5> out{};
  for (;;) {
    DSPERSE_TRY(const bool row, q.step());
    if (!row) return out;
    DSPERSE_TRY(const JobState state, enum_column(q, 0, JobState::withdrawn));
    out[static_cast<std::size_t>(state)] = unsigned_of(q.integer(1));
  }
}

}  // namespace dsperse::engine::embedded
