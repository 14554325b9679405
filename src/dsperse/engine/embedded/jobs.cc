// Transitions of jobs and leases; jobs_read.cc has the calls that change nothing.
#include <algorithm>

#include "dsperse/engine/checks.h"
#include "dsperse/engine/embedded/job_rows.h"
#include "dsperse/engine/embedded/rows.h"
#include "dsperse/engine/embedded/stores.h"

namespace dsperse::engine::embedded {
namespace {

using store::Database;
using store::Query;
using store::Transaction;

Status add_event(Database& db, EventKind kind, const LeaseRecord& lease, TimeMs at) {
  DSPERSE_TRY(Query q, db.prepare("INSERT INTO events(kind, lease, job, worker, at) VALUES(?, ?, ?, ?, ?)"));
  q.bind(number(kind)).bind(signed_of(lease.id)).bind(ByteView(lease.job)).bind(ByteView(lease.worker)).bind(at);
  return db.run(q);
}

Status set_lease(Database& db, LeaseId lease, LeaseState state, std::string_view reason) {
  DSPERSE_TRY(Query q, db.prepare("UPDATE leases SET state = ?, reason = ? WHERE id = ?"));
  q.bind(number(state)).bind(reason).bind(signed_of(lease));
  return db.run(q);
}

Status set_result(Database& db, LeaseId lease, ByteView result) {
  DSPERSE_TRY(Query q, db.prepare("UPDATE leases SET result = ? WHERE id = ?"));
  q.bind(result).bind(signed_of(lease));
  return db.run(q);
}

Status set_job(Database& db, const Digest& job, JobState state, LeaseId lease, TimeMs not_before, std::string_view reason) {
  DSPERSE_TRY(Query q, db.prepare("UPDATE jobs SET state = ?, lease = ?, not_before = ?, reason = ? WHERE id = ?"));
  q.bind(number(state)).bind(signed_of(lease)).bind(not_before).bind(reason).bind(ByteView(job));
  return db.run(q);
}

/// After a lease that ended without a result: the job is due again at `retry_at`, or has failed.
Status requeue(Database& db, const LeaseRecord& lease, std::optional<TimeMs> retry_at, std::string_view reason, TimeMs now) {
  bool left = false;
  {
    DSPERSE_TRY(Query q, db.prepare("SELECT leases < max_leases FROM jobs WHERE id = ?"));
    DSPERSE_TRY(const bool row, q.bind(ByteView(lease.job)).step());
    if (!row) return damaged("a lease without its job");
    left = q.integer(0) != 0;
  }
  if (retry_at && left) return set_job(db, lease.job, JobState::queued, 0, *retry_at, {});
  DSPERSE_CHECK_OK(set_job(db, lease.job, JobState::failed, 0, 0, reason));
  return add_event(db, EventKind::gave_up, lease, now);
}

std::unexpected<Error> unknown_lease(LeaseId lease) {
  return dsperse::fail(ErrorKind::usage, "no such lease", "lease " + std::to_string(lease), "its job may have been forgotten");
}

}  // namespace

Result<Submitted> Jobs::submit(const Job& job) {
  DSPERSE_CHECK_OK(check(job));
  DSPERSE_TRY(Transaction transaction, Transaction::begin(db_));
  DSPERSE_TRY(const std::optional<JobRecord> known, find(job.id));
  if (known) {
    if (known->job == job) return Submitted::known;
    return dsperse::fail(ErrorKind::bad_input, "this id is known with other content", "job " + to_hex(job.id));
  }
  DSPERSE_TRY(Query q, db_.prepare("INSERT INTO jobs(id, needs, avoids, priority, memory, time_ms, max_leases, state, "
                                   "not_before, leases, lease, reason) VALUES(?, ?, ?, ?, ?, ?, ?, ?, 0, 0, 0, x'')"));
  q.bind(ByteView(job.id)).bind(ByteView(pack(job.needs))).bind(ByteView(pack(job.avoids)));
  q.bind(std::int64_t{job.priority}).bind(signed_of(job.memory_bytes)).bind(job.time_ms).bind(std::int64_t{job.max_leases});
  q.bind(number(JobState::queued));
  DSPERSE_CHECK_OK(db_.run(q));
  DSPERSE_TRY(Query p, db_.prepare("INSERT INTO payloads(job, payload) VALUES(?, ?)"));
  p.bind(ByteView(job.id)).bind(ByteView(job.payload));
  DSPERSE_CHECK_OK(db_.run(p));
  DSPERSE_CHECK_OK(transaction.commit());
  return Submitted::added;
}

Result<std::optional<Lease>> Jobs::lease(const Puller& puller, TimeMs now, TimeMs beat_ms) {
  DSPERSE_CHECK_OK(check(puller));
  DSPERSE_CHECK_OK(check_beat(beat_ms));
  DSPERSE_TRY(Transaction transaction, Transaction::begin(db_));
  std::optional<Digest> chosen;
  {
    DSPERSE_TRY(Query q, db_.prepare("SELECT id, needs, avoids FROM jobs WHERE state = ? AND not_before <= ? AND memory <= ? "
                                     "ORDER BY priority DESC, place"));
    q.bind(number(JobState::queued)).bind(now).bind(signed_of(puller.memory_bytes));
    while (!chosen) {
      DSPERSE_TRY(const bool row, q.step());
      if (!row) return std::optional<Lease>{};
      Job job;
      job.id = q.digest(0);
      DSPERSE_TRY(job.needs, unpack(q.blob(1)));
      DSPERSE_TRY(job.avoids, unpack(q.blob(2)));
      if (takes(puller, job)) chosen = job.id;
    }
  }
  DSPERSE_TRY(std::optional<JobRecord> record, find(*chosen));
  if (!record) return damaged("an index without its job");
  const TimeMs deadline = deadline_of(now, record->job.time_ms, now, beat_ms);
  LeaseId id = 0;
  {
    DSPERSE_TRY(Query q, db_.prepare("INSERT INTO leases(job, worker, since, deadline, state, reason) "
                                     "VALUES(?, ?, ?, ?, ?, x'') RETURNING id"));
    q.bind(ByteView(*chosen)).bind(ByteView(puller.worker)).bind(now).bind(deadline).bind(number(LeaseState::live));
    DSPERSE_TRY(const bool row, q.step());
    if (!row) return damaged("a new lease has no number");
    id = unsigned_of(q.integer(0));
    DSPERSE_TRY(const bool more, q.step());
    if (more) return damaged("a new lease has two numbers");
  }
  {
    DSPERSE_TRY(Query q, db_.prepare("UPDATE jobs SET state = ?, lease = ?, leases = leases + 1 WHERE id = ?"));
    q.bind(number(JobState::leased)).bind(signed_of(id)).bind(ByteView(*chosen));
    DSPERSE_CHECK_OK(db_.run(q));
  }
  DSPERSE_CHECK_OK(transaction.commit());
  return Lease{id, puller.worker, now, deadline, std::move(record->job)};
}

Result<std::optional<TimeMs>> Jobs::heartbeat(LeaseId lease, TimeMs now, TimeMs beat_ms) {
  DSPERSE_CHECK_OK(check_beat(beat_ms));
  DSPERSE_TRY(Transaction transaction, Transaction::begin(db_));
  DSPERSE_TRY(const std::optional<LeaseRecord> record, load_lease(db_, lease));
  if (!record) return unknown_lease(lease);
  if (record->state != LeaseState::live) return std::optional<TimeMs>{};
  TimeMs time_ms = 0;
  {
    DSPERSE_TRY(Query q, db_.prepare("SELECT time_ms FROM jobs WHERE id = ?"));
    DSPERSE_TRY(const bool row, q.bind(ByteView(record->job)).step());
    if (!row) return damaged("a lease without its job");
    time_ms = q.integer(0);
  }
  const TimeMs deadline = std::max(record->deadline, deadline_of(record->since, time_ms, now, beat_ms));
  DSPERSE_TRY(Query q, db_.prepare("UPDATE leases SET deadline = ? WHERE id = ?"));
  q.bind(deadline).bind(signed_of(lease));
  DSPERSE_CHECK_OK(db_.run(q));
  DSPERSE_CHECK_OK(transaction.commit());
  return deadline;
}

Result<Delivery> Jobs::complete(LeaseId lease, ByteView result, TimeMs now) {
  DSPERSE_CHECK_OK(check_result(result));
  DSPERSE_TRY(Transaction transaction, Transaction::begin(db_));
  DSPERSE_TRY(const std::optional<LeaseRecord> record, load_lease(db_, lease));
  if (!record) return unknown_lease(lease);
  if (record->result)
    return std::equal(result.begin(), result.end(), record->result->begin(), record->result->end()) ? Delivery::repeated
                                                                                                    : Delivery::conflicting;
  const bool live = record->state == LeaseState::live;
  if (live) {
    DSPERSE_CHECK_OK(set_lease(db_, lease, LeaseState::completed, {}));
    DSPERSE_CHECK_OK(set_job(db_, record->job, JobState::done, lease, 0, {}));
  }
  DSPERSE_CHECK_OK(set_result(db_, lease, result));
  DSPERSE_CHECK_OK(add_event(db_, live ? EventKind::completed : EventKind::late, *record, now));
  DSPERSE_CHECK_OK(transaction.commit());
  return live ? Delivery::accepted : Delivery::late;
}

Result<Delivery> Jobs::fail(LeaseId lease, std::string_view reason, std::optional<TimeMs> retry_at, TimeMs now) {
  DSPERSE_CHECK_OK(check_reason(reason));
  DSPERSE_TRY(Transaction transaction, Transaction::begin(db_));
  DSPERSE_TRY(const std::optional<LeaseRecord> record, load_lease(db_, lease));
  if (!record) return unknown_lease(lease);
  if (record->state == LeaseState::failed) return Delivery::repeated;
  if (record->result) return Delivery::conflicting;
  if (record->state != LeaseState::live) return Delivery::late;
  DSPERSE_CHECK_OK(set_lease(db_, lease, LeaseState::failed, reason));
  DSPERSE_CHECK_OK(add_event(db_, EventKind::failed, *record, now));
  DSPERSE_CHECK_OK(requeue(db_, *record, retry_at, reason, now));
  DSPERSE_CHECK_OK(transaction.commit());
  return Delivery::accepted;
}

Result<std::uint64_t> Jobs::expire(TimeMs now) {
  DSPERSE_TRY(Transaction transaction, Transaction::begin(db_));
  std::vector<LeaseId> ids;
  {
    DSPERSE_TRY(Query q, db_.prepare("SELECT id FROM leases WHERE state = ? AND deadline <= ? ORDER BY id"));
    q.bind(number(LeaseState::live)).bind(now);
    for (;;) {
      DSPERSE_TRY(const bool row, q.step());
      if (!row) break;
      ids.push_back(unsigned_of(q.integer(0)));
    }
  }
  if (ids.empty()) return 0;
  for (const LeaseId id : ids) {
    DSPERSE_TRY(const std::optional<LeaseRecord> record, load_lease(db_, id));
    if (!record) return damaged("an index without its lease");
    DSPERSE_CHECK_OK(set_lease(db_, id, LeaseState::lapsed, {}));
    DSPERSE_CHECK_OK(add_event(db_, EventKind::lapsed, *record, now));
    DSPERSE_CHECK_OK(requeue(db_, *record, now, kLapsedReason, now));
  }
  DSPERSE_CHECK_OK(transaction.commit());
  return ids.size();
}

Result<JobState> Jobs::withdraw(const Digest& job, std::string_view reason) {
  DSPERSE_CHECK_OK(check_reason(reason));
  DSPERSE_TRY(Transaction transaction, Transaction::begin(db_));
  DSPERSE_TRY(const std::optional<JobRecord> record, find(job));
  if (!record) return dsperse::fail(ErrorKind::usage, "no such job", "job " + to_hex(job));
  if (record->state != JobState::queued && record->state != JobState::leased) return record->state;
  if (record->lease != 0) DSPERSE_CHECK_OK(set_lease(db_, record->lease, LeaseState::withdrawn, reason));
  DSPERSE_CHECK_OK(set_job(db_, job, JobState::withdrawn, 0, 0, reason));
  DSPERSE_CHECK_OK(transaction.commit());
  return JobState::withdrawn;
}

Result<bool> Jobs::forget(const Digest& job) {
  DSPERSE_TRY(Transaction transaction, Transaction::begin(db_));
  DSPERSE_TRY(const std::optional<JobRecord> record, find(job));
  if (!record) return false;
  if (record->state == JobState::queued || record->state == JobState::leased)
    return dsperse::fail(ErrorKind::usage, "the job is still open", "job " + to_hex(job), "withdraw it first");
  for (const char* sql : {"DELETE FROM events WHERE job = ?", "DELETE FROM leases WHERE job = ?",
                          "DELETE FROM payloads WHERE job = ?", "DELETE FROM jobs WHERE id = ?"}) {
    DSPERSE_TRY(Query q, db_.prepare(sql));
    DSPERSE_CHECK_OK(db_.run(q.bind(ByteView(job))));
  }
  DSPERSE_CHECK_OK(transaction.commit());
  return true;
}

}  // namespace dsperse::engine::embedded
