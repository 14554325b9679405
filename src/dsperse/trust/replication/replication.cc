#include "dsperse/trust/replication/replication.h"

#include <algorithm>

#include "dsperse/trust/receipt/job.h"

namespace dsperse::trust::replication {
namespace {

std::unexpected<Error> refuse(std::string what, const Digest& job) {
  return fail(ErrorKind::usage, std::move(what), "replication > job " + to_hex(job));
}

std::size_t count(const State& s, Status status) {
  return static_cast<std::size_t>(std::ranges::count(s.replicas, status, &Replica::status));
}

bool decided(const State& s) { return s.outcome == Outcome::agreed || s.outcome == Outcome::mismatch; }

Replica* find(State& s, const Digest& job) {
  const auto at = std::ranges::find(s.replicas, job, &Replica::job);
  return at == s.replicas.end() ? nullptr : &*at;
}

Strike strike(const Replica& r, StrikeKind kind, const char* reason) { return {r.worker.key, r.job, kind, reason}; }

void start_opening(State& s, Effects& out) {
  s.phase = Phase::opening;
  for (const Replica& r : s.replicas)
    if (r.status == Status::committed) out.emplace_back(AskOpening{r.job});
}

void settle(State& s, Effects& out) {
  // A mismatch stays one: after a decision openings are only added.
  const Outcome now = judge(s);
  s.phase = Phase::settled;
  if (now == s.outcome) return;
  s.outcome = now;
  out.emplace_back(Settled{now});
}

/// Moves on if nothing is awaited any more.
void advance(State& s, Effects& out) {
  if (s.phase == Phase::committing && count(s, Status::assigned) == 0 &&
      count(s, Status::committed) + count(s, Status::opened) >= s.k)
    start_opening(s, out);
  if (s.phase == Phase::settled || (s.phase == Phase::opening && count(s, Status::committed) + count(s, Status::assigned) == 0))
    settle(s, out);
}

Result<Effects> on(State& s, const Assign& e) {
  if (s.phase != Phase::committing) return refuse("assignments are over", e.job);
  DSPERSE_CHECK_OK(may_join(s, e.job, e.worker));
  Replica r;
  r.job = e.job;
  r.worker = e.worker;
  s.replicas.push_back(std::move(r));
  return Effects{};
}

Result<Effects> on(State& s, const Lost& e) {
  Replica* r = find(s, e.job);
  if (r == nullptr) return refuse("the job is unknown", e.job);
  if (r->status != Status::assigned) return refuse("the job is not leased", e.job);
  r->status = Status::lost;
  Effects out{strike(*r, StrikeKind::liveness, "lease lost")};
  advance(s, out);
  return out;
}

Result<Effects> on(State& s, const Commit& e) {
  Replica* r = find(s, e.job);
  if (r == nullptr) return refuse("the job is unknown", e.job);
  if (r->worker.key != e.worker) return refuse("the job belongs to another worker", e.job);
  if (r->status != Status::assigned && r->status != Status::lost) return refuse("the job has a commitment", e.job);
  r->status = Status::committed;
  r->commitment = e.commitment;
  r->after_decision = decided(s);
  Effects out;
  if (s.phase == Phase::committing)
    advance(s, out);
  else
    out.emplace_back(AskOpening{e.job});
  return out;
}

bool fits(const Replica& r) { return trust::commitment(r.job, r.worker.key, {r.h_out, r.salt}) == r.commitment; }

/// A salt that two workers know says that one of them did not compute: neither counts. After a decision salts are public, and
/// whoever comes with a known one is alone to blame: what is settled can't be undone by copying.
Effects invalidate_shared(State& s, Replica& r) {
  constexpr const char* kReason = "salt shared with another worker";
  Effects out;
  for (Replica& other : s.replicas) {
    const bool has_salt = other.status == Status::opened || (other.status == Status::invalid && fits(other));
    if (&other == &r || !has_salt || other.salt != r.salt) continue;
    r.status = Status::invalid;
    if (decided(s) || other.status == Status::invalid) continue;
    other.status = Status::invalid;
    out.emplace_back(strike(other, StrikeKind::commitment, kReason));
  }
  if (r.status == Status::invalid) out.emplace_back(strike(r, StrikeKind::commitment, kReason));
  return out;
}

Result<Effects> on(State& s, const Open& e) {
  Replica* r = find(s, e.job);
  if (r == nullptr) return refuse("the job is unknown", e.job);
  if (r->worker.key != e.worker) return refuse("the job belongs to another worker", e.job);
  if (r->status != Status::committed && r->status != Status::silent) return refuse("no opening is awaited", e.job);
  if (s.phase == Phase::committing && r->status == Status::committed)
    return refuse("the opening comes before all replicas committed", e.job);
  r->h_out = e.h_out;
  r->salt = e.salt;
  Effects out;
  if (!fits(*r)) {
    r->status = Status::invalid;
    out.emplace_back(strike(*r, StrikeKind::commitment, "opening does not fit the commitment"));
  } else {
    r->status = Status::opened;
    out = invalidate_shared(s, *r);
  }
  advance(s, out);
  return out;
}

Result<Effects> on(State& s, const Tick& e) {
  Effects out;
  const auto time_out = [&](Status from, Status to, const char* reason) {
    for (Replica& r : s.replicas) {
      if (r.status != from) continue;
      r.status = to;
      out.emplace_back(strike(r, StrikeKind::liveness, reason));
    }
  };
  if (s.phase == Phase::committing && e.now_ms >= s.commit_deadline_ms) {
    time_out(Status::assigned, Status::lost, "no commitment by the deadline");
    // A tick that comes late must not eat the time to open: nobody has been asked yet.
    const std::uint64_t window_ms = s.open_deadline_ms - s.commit_deadline_ms;
    s.open_deadline_ms = std::max(s.open_deadline_ms, e.now_ms + std::min(window_ms, ~std::uint64_t{0} - e.now_ms));
    start_opening(s, out);
    advance(s, out);
  } else if (s.phase == Phase::opening && e.now_ms >= s.open_deadline_ms) {
    time_out(Status::committed, Status::silent, "no opening by the deadline");
    settle(s, out);
  }
  return out;
}

Result<Effects> on(State& s, const Extend& e) {
  if (s.outcome != Outcome::incomplete)
    return fail(ErrorKind::usage, "only an incomplete replication can be extended", "replication");
  if (e.commit_deadline_ms < s.open_deadline_ms || e.open_deadline_ms < e.commit_deadline_ms)
    return fail(ErrorKind::usage, "deadlines are out of order", "replication");
  s.commit_deadline_ms = e.commit_deadline_ms;
  s.open_deadline_ms = e.open_deadline_ms;
  s.phase = Phase::committing;
  s.outcome = Outcome::open;
  return Effects{};
}

}  // namespace

Result<State> begin(std::uint32_t k, std::uint8_t distinct, std::uint64_t commit_deadline_ms, std::uint64_t open_deadline_ms) {
  if (k == 0 || k > kMaxReplicas) return fail(ErrorKind::usage, "replication needs 1 to 64 replicas", "replication");
  if (distinct > (kOperator | kRegion | kEngine)) return fail(ErrorKind::usage, "unknown kind of distinctness", "replication");
  if (open_deadline_ms < commit_deadline_ms) return fail(ErrorKind::usage, "deadlines are out of order", "replication");
  State s;
  s.k = k;
  s.distinct = distinct;
  s.commit_deadline_ms = commit_deadline_ms;
  s.open_deadline_ms = open_deadline_ms;
  return s;
}

Result<Effects> step(State& state, const Event& event) {
  return std::visit([&](const auto& e) { return on(state, e); }, event);
}

dsperse::Status may_join(const State& s, const Digest& job, const Worker& w) {
  if (s.replicas.size() == kMaxReplicas) return fail(ErrorKind::resource, "a replication has at most 64 replicas", "replication");
  for (const std::string* label : {&w.operator_name, &w.region, &w.engine})
    if (label->size() > kMaxLabelBytes) return refuse("a label has more than 255 bytes", job);
  for (const Replica& r : s.replicas) {
    if (r.job == job) return refuse("the job is already assigned", job);
    if (r.worker.key == w.key) return refuse("the worker has a replica", job);
    if ((s.distinct & kOperator) != 0 && r.worker.operator_name == w.operator_name)
      return refuse("the operator has a replica", job);
    if ((s.distinct & kRegion) != 0 && r.worker.region == w.region) return refuse("the region has a replica", job);
    if ((s.distinct & kEngine) != 0 && r.worker.engine == w.engine) return refuse("the engine has a replica", job);
  }
  return {};
}

std::map<Digest, std::vector<Digest>> claims(const State& s) {
  std::map<Digest, std::vector<Digest>> said;
  for (const Replica& r : s.replicas)
    if (r.status == Status::opened) said[r.h_out].push_back(r.job);
  return said;
}

Outcome judge(const State& s) {
  const Replica* first = nullptr;
  std::size_t independent = 0;
  for (const Replica& r : s.replicas) {
    if (r.status != Status::opened) continue;
    if (first != nullptr && r.h_out != first->h_out) return Outcome::mismatch;
    first = &r;
    if (!r.after_decision) ++independent;
  }
  return independent >= s.k ? Outcome::agreed : Outcome::incomplete;
}

Result<Digest> agreed_output(const State& s) {
  if (s.outcome != Outcome::agreed) return fail(ErrorKind::usage, "the replicas have not agreed", "replication");
  return claims(s).begin()->first;
}

}  // namespace dsperse::trust::replication
