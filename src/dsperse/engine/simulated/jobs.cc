#include <algorithm>

#include "dsperse/engine/checks.h"
#include "dsperse/engine/simulated/tables.h"

namespace dsperse::engine::simulated {
namespace {

std::unexpected<Error> unknown_lease(LeaseId lease) {
  return dsperse::fail(ErrorKind::usage, "no such lease", "lease " + std::to_string(lease), "its job may have been forgotten");
}

}  // namespace

void JobTable::add_event(EventKind kind, const LeaseRecord& lease, TimeMs at) {
  events_[next_event_] = {next_event_, kind, lease.id, lease.job, lease.worker, at};
  ++next_event_;
}

void JobTable::move(Entry& entry, JobState state, LeaseId lease, TimeMs not_before, std::string_view reason) {
  if (state == JobState::queued)
    queued_[order_of(entry)] = entry.record.job.id;
  else
    queued_.erase(order_of(entry));
  entry.record.state = state;
  entry.record.lease = lease;
  entry.record.not_before = not_before;
  entry.record.reason = reason;
}

void JobTable::requeue(const LeaseRecord& lease, std::optional<TimeMs> retry_at, std::string_view reason, TimeMs now) {
  Entry& entry = jobs_.at(lease.job);
  if (retry_at && entry.record.leases < entry.record.job.max_leases) {
    move(entry, JobState::queued, 0, *retry_at, {});
    return;
  }
  move(entry, JobState::failed, 0, 0, reason);
  add_event(EventKind::gave_up, lease, now);
}

Result<Submitted> JobTable::submit(const Job& job) {
  DSPERSE_CHECK_OK(check(job));
  if (const auto known = jobs_.find(job.id); known != jobs_.end()) {
    if (known->second.record.job == job) return Submitted::known;
    return dsperse::fail(ErrorKind::bad_input, "this id is known with other content", "job " + to_hex(job.id));
  }
  Entry& entry = jobs_[job.id];
  entry.record.job = job;
  entry.place = next_place_++;
  move(entry, JobState::queued, 0, 0, {});
  return Submitted::added;
}

Result<std::optional<Lease>> JobTable::lease(const Puller& puller, TimeMs now, TimeMs beat_ms) {
  DSPERSE_CHECK_OK(check(puller));
  DSPERSE_CHECK_OK(check_beat(beat_ms));
  for (const auto& [order, id] : queued_) {
    Entry& entry = jobs_.at(id);
    const Job& job = entry.record.job;
    if (entry.record.not_before > now || !takes(puller, job)) continue;
    const LeaseId lease = next_lease_++;
    const TimeMs deadline = deadline_of(now, job.time_ms, now, beat_ms);
    leases_[lease] = {lease, job.id, puller.worker, now, deadline, LeaseState::live, std::nullopt, {}};
    ++entry.record.leases;
    Lease out{lease, puller.worker, now, deadline, job};
    move(entry, JobState::leased, lease, entry.record.not_before, {});  // the last: it ends the loop's iterator
    return out;
  }
  return std::optional<Lease>{};
}

Result<std::optional<TimeMs>> JobTable::heartbeat(LeaseId lease, TimeMs now, TimeMs beat_ms) {
  DSPERSE_CHECK_OK(check_beat(beat_ms));
  const auto it = leases_.find(lease);
  if (it == leases_.end()) return unknown_lease(lease);
  LeaseRecord& record = it->second;
  if (record.state != LeaseState::live) return std::optional<TimeMs>{};
  const TimeMs time_ms = jobs_.at(record.job).record.job.time_ms;
  record.deadline = std::max(record.deadline, deadline_of(record.since, time_ms, now, beat_ms));
  return record.deadline;
}

Result<Delivery> JobTable::complete(LeaseId lease, ByteView result, TimeMs now) {
  DSPERSE_CHECK_OK(check_result(result));
  const auto it = leases_.find(lease);
  if (it == leases_.end()) return unknown_lease(lease);
  LeaseRecord& record = it->second;
  if (record.result) return std::ranges::equal(*record.result, result) ? Delivery::repeated : Delivery::conflicting;
  record.result = Bytes(result.begin(), result.end());
  if (record.state != LeaseState::live) {
    add_event(EventKind::late, record, now);
    return Delivery::late;
  }
  record.state = LeaseState::completed;
  move(jobs_.at(record.job), JobState::done, lease, 0, {});
  add_event(EventKind::completed, record, now);
  return Delivery::accepted;
}

Result<Delivery> JobTable::fail(LeaseId lease, std::string_view reason, std::optional<TimeMs> retry_at, TimeMs now) {
  DSPERSE_CHECK_OK(check_reason(reason));
  const auto it = leases_.find(lease);
  if (it == leases_.end()) return unknown_lease(lease);
  LeaseRecord& record = it->second;
  if (record.state == LeaseState::failed) return Delivery::repeated;
  if (record.result) return Delivery::conflicting;
  if (record.state != LeaseState::live) return Delivery::late;
  record.state = LeaseState::failed;
  record.reason = reason;
  add_event(EventKind::failed, record, now);
  requeue(record, retry_at, reason, now);
  return Delivery::accepted;
}

Result<std::uint64_t> JobTable::expire(TimeMs now) {
  std::uint64_t lapsed = 0;
  for (auto& [id, record] : leases_) {
    if (record.state != LeaseState::live || record.deadline > now) continue;
    record.state = LeaseState::lapsed;
    add_event(EventKind::lapsed, record, now);
    requeue(record, now, kLapsedReason, now);
    ++lapsed;
  }
  return lapsed;
}

Result<JobState> JobTable::withdraw(const Digest& job, std::string_view reason) {
  DSPERSE_CHECK_OK(check_reason(reason));
  const auto it = jobs_.find(job);
  if (it == jobs_.end()) return dsperse::fail(ErrorKind::usage, "no such job", "job " + to_hex(job));
  JobRecord& record = it->second.record;
  if (record.state != JobState::queued && record.state != JobState::leased) return record.state;
  if (record.lease != 0) {
    LeaseRecord& lease = leases_.at(record.lease);
    lease.state = LeaseState::withdrawn;
    lease.reason = reason;
  }
  move(it->second, JobState::withdrawn, 0, 0, reason);
  return JobState::withdrawn;
}

Result<bool> JobTable::forget(const Digest& job) {
  const auto it = jobs_.find(job);
  if (it == jobs_.end()) return false;
  if (it->second.record.state == JobState::queued || it->second.record.state == JobState::leased)
    return dsperse::fail(ErrorKind::usage, "the job is still open", "job " + to_hex(job), "withdraw it first");
  std::erase_if(events_, [&](const auto& e) { return e.second.job == job; });
  std::erase_if(leases_, [&](const auto& l) { return l.second.job == job; });
  jobs_.erase(it);
  return true;
}

Result<std::optional<JobRecord>> JobTable::find(const Digest& job) {
  const auto it = jobs_.find(job);
  return it == jobs_.end() ? std::optional<JobRecord>{} : it->second.record;
}

Result<std::vector<LeaseRecord>> JobTable::history(const Digest& job) {
  std::vector<LeaseRecord> out;
  for (const auto& [id, record] : leases_)
    if (record.job == job) out.push_back(record);
  return out;
}

Result<std::vector<Event>> JobTable::events(std::uint64_t after, std::size_t limit) {
  std::vector<Event> out;
  for (auto it = events_.upper_bound(after); it != events_.end() && out.size() < limit; ++it) out.push_back(it->second);
  return out;
}

Result<std::array<std::uint64_t, 5>> JobTable::counts() {
  std::array<std::uint64_t, 5> out{};
  for (const auto& [id, entry] : jobs_) ++out[static_cast<std::size_t>(entry.record.state)];
  return out;
}

}  // namespace dsperse::engine::simulated
