#include "dsperse/trust/lottery/lottery.h"

#include <algorithm>

namespace dsperse::trust::lottery {
namespace {

std::unexpected<Error> refuse(std::string what, const Digest* job = nullptr) {
  return fail(ErrorKind::usage, std::move(what), job ? "lottery > job " + to_hex(*job) : "lottery");
}

Result<Audits> on(State& s, const AddJob& e) {
  if (s.phase != Phase::collecting) return refuse("a job comes after the lottery was closed", &e.job);
  if (s.jobs.size() == kMaxJobs) return fail(ErrorKind::resource, "a lottery has at most 1048576 jobs", "lottery");
  if (!s.jobs.try_emplace(e.job, State::Job{e.probability, {}}).second) return refuse("the job is already known", &e.job);
  return Audits{};
}

Result<Audits> on(State& s, const Receipt& e) {
  const auto at = s.jobs.find(e.job);
  if (at == s.jobs.end()) return refuse("a receipt of an unknown job", &e.job);
  if (at->second.salt) return refuse("the job has a receipt", &e.job);
  at->second.salt = e.salt;
  return Audits{};
}

Result<Audits> on(State& s, const Withdraw& e) {
  const auto at = s.jobs.find(e.job);
  if (at == s.jobs.end()) return refuse("an unknown job is withdrawn", &e.job);
  if (at->second.salt) return refuse("a job with a receipt can't be withdrawn", &e.job);
  s.jobs.erase(at);
  return Audits{};
}

Result<Audits> on(State& s, const Close&) {
  if (s.phase != Phase::collecting) return refuse("the lottery is already closed");
  const auto open = std::ranges::find_if(s.jobs, [](const auto& j) { return !j.second.salt; });
  if (open != s.jobs.end()) return refuse("a job has no receipt yet", &open->first);
  s.phase = s.late == Late::none ? Phase::ready : Phase::closed;
  return Audits{};
}

Result<Audits> on(State& s, const LatePart& e) {
  if (s.phase != Phase::closed)
    return refuse(s.phase == Phase::collecting ? "the late part comes before the last receipt" : "no late part is awaited");
  s.late_part = e.value;
  s.phase = Phase::ready;
  return Audits{};
}

Result<Audits> on(State& s, const Reveal& e) {
  if (s.phase != Phase::ready)
    return refuse(s.phase == Phase::drawn ? "the secret is already revealed" : "the secret comes too early");
  if (commitment_of(s.run, e.secret) != s.commitment) return refuse("the secret does not open the commitment");
  s.secret = e.secret;
  s.phase = Phase::drawn;
  return audits(s);
}

std::vector<Entry> entries_of(const State& s) {
  std::vector<Entry> entries;
  entries.reserve(s.jobs.size());
  for (const auto& [job, j] : s.jobs) entries.push_back({job, j.salt.value_or(Digest{}), j.probability});
  return entries;
}

}  // namespace

State begin(const Digest& run, const Digest& commitment, Late late) {
  State s;
  s.run = run;
  s.commitment = commitment;
  s.late = late;
  return s;
}

Result<Audits> step(State& state, const Event& event) {
  return std::visit([&](const auto& e) { return on(state, e); }, event);
}

Result<Audits> audits(const State& s) {
  if (s.phase != Phase::drawn || !s.secret) return refuse("the lottery is not drawn yet");
  const auto entries = entries_of(s);
  return draw(seed_of(s.run, *s.secret, entries, s.late, s.late_part), entries);
}

Standing standing(const State& s, const Digest& job) {
  const auto at = s.jobs.find(job);
  if (at == s.jobs.end()) return Standing::unknown;
  if (s.phase != Phase::drawn || !s.secret) return Standing::pending;
  const Digest seed = seed_of(s.run, *s.secret, entries_of(s), s.late, s.late_part);
  return at->second.probability.hits(word_of(seed, job)) ? Standing::drawn : Standing::not_drawn;
}

Verdict acceptance(Standing standing, bool audit_passed, bool allow_pending) {
  switch (standing) {
    case Standing::unknown:
      break;
    case Standing::pending:
      return allow_pending ? Verdict::accept() : Verdict::reject("the audit is not yet drawn");
    case Standing::drawn:
      return audit_passed ? Verdict::accept() : Verdict::reject("the audit has not passed");
    case Standing::not_drawn:
      return Verdict::accept();
  }
  return Verdict::reject("the job is not in the lottery");
}

Published published(const State& s) { return {s.run, s.commitment, s.late, s.late_part, entries_of(s)}; }

}  // namespace dsperse::trust::lottery
