// A run's phases, and its effects: jobs for the engine, entries for the log, the record at the end.
#include <algorithm>
#include <array>

#include "dsperse/crypto/hash/hash.h"
#include "dsperse/work/coordinator/pass.h"
#include "dsperse/work/coordinator/queue.h"

namespace dsperse::work {
namespace {

namespace lottery = trust::lottery;

std::string label_of(const trust::NodeLabels& n, trust::Distinct distinct) {
  switch (distinct) {
    case trust::Distinct::operators:
      return n.operated_by;
    case trust::Distinct::regions:
      return n.region;
    case trust::Distinct::engines:
      return n.engine;
  }
  return {};
}

/// An opening can name it. Labels are the workers' own words: one that does not fit keeps its worker out, and nobody else.
bool nameable(const engine::NodeProfile& profile) {
  return std::ranges::all_of(std::array{&profile.operated_by, &profile.region, &profile.engine},
                             [](const std::string* label) { return trust::is_word(*label, trust::kMaxLabelBytes); });
}

/// Of more workers than an opening holds a random choice, in order: who can make many keys must not decide who is left out.
Status keep_some(std::vector<trust::NodeLabels>& nodes, engine::Rng& rng) {
  if (nodes.size() <= trust::kMaxOpeningNodes) return {};
  Digest random{};
  DSPERSE_CHECK_OK(rng.fill(random));
  crypto::SeedStream stream(random, "workers of an opening");
  for (std::size_t i = 0; i < trust::kMaxOpeningNodes; ++i)
    std::swap(nodes[i], nodes[i + static_cast<std::size_t>(stream.below(nodes.size() - i))]);
  nodes.resize(trust::kMaxOpeningNodes);
  std::ranges::sort(nodes, {}, &trust::NodeLabels::key);
  return {};
}

/// Why these workers can't keep the treatments, or nothing.
std::optional<std::string> too_few(const std::vector<trust::NodeLabels>& nodes, const std::vector<trust::Treatment>& treatments) {
  if (nodes.empty()) return "a worker";
  for (const trust::Treatment& t : treatments) {
    if (!t.replicate) continue;
    std::set<std::string> labels;
    for (const trust::NodeLabels& n : nodes) labels.insert(label_of(n, t.replicate->distinct));
    if (labels.size() < t.replicate->k)
      return "workers: " + trust::to_text(t) + " needs " + std::to_string(t.replicate->k) + " different " +
             std::string(trust::to_text(t.replicate->distinct)) + "s, there are " + std::to_string(labels.size());
  }
  return std::nullopt;
}

}  // namespace

bool Pass::under_way() const { return a_.phase != RunPhase::finished && a_.phase != RunPhase::failed; }

bool Pass::others() const {
  return !too_few(present(), run_.request.treatments) && std::ranges::any_of(c_.nodes, [&](const engine::Node& n) {
    return labels(n.profile.key) == nullptr && nameable(n.profile) && !keeper_.excluded(n.profile.key) &&
           keeper_.decide(n.profile.key, {}).mode != trust::audit::Mode::wait;
  });
}

Status Pass::end_attempt() {
  DSPERSE_CHECK_OK(pay());  // who worked is paid; who was struck is settled already
  for (const Errand& e : a_.errands) {
    run_.stale.push_back(e.job);
    run_.stale.push_back(job_of(OpenTask{e.job}));
  }
  return {};
}

Status Pass::fail_run(const std::string& why) {
  DSPERSE_CHECK_OK(end_attempt());
  a_.phase = RunPhase::failed;
  run_.failure = why;
  return {};
}

Status Pass::go() {
  used_up_.clear();
  DSPERSE_CHECK_OK(move_on());
  // The attempt's boundaries can't be opened any more: a new one has fresh ones.
  if (under_way() && !a_.slices.empty() && !used_up_.empty()) return restart(used_up_);
  return {};
}

Status Pass::move_on() {
  if (!under_way()) return {};
  run_.waits_for.clear();
  if (a_.slices.empty()) DSPERSE_CHECK_OK(begin_attempt());
  if (a_.slices.empty()) return {};
  DSPERSE_CHECK_OK(collect());
  for (std::uint32_t i = 0; i < a_.slices.size(); ++i) {
    if (a_.slices[i].phase != SlicePhase::settled || !disputed(i)) continue;
    DSPERSE_CHECK_OK(advance_dispute(i));
    if (a_.slices.empty() || disputed(i)) return {};
  }
  if (a_.phase == RunPhase::running) DSPERSE_CHECK_OK(advance_slices());
  if (a_.phase == RunPhase::waiting && a_.lottery.phase == lottery::Phase::ready) a_.phase = RunPhase::auditing;
  if (a_.phase == RunPhase::auditing && a_.lottery.phase == lottery::Phase::ready) DSPERSE_CHECK_OK(draw());
  if (a_.phase == RunPhase::auditing) DSPERSE_CHECK_OK(advance_audits());
  // Nobody of this attempt's workers can go on, and those who are there now may. A dispute ends by itself, with its strikes.
  const bool claimed = std::ranges::any_of(a_.slices, [](const SliceState& s) { return s.dispute.has_value(); });
  if (under_way() && !claimed && !run_.waits_for.empty() && c_.now - a_.moved > 6 * c_.settings.commit_ms &&
      !too_few(present(), run_.request.treatments))
    return restart("no worker of the attempt could go on: " + run_.waits_for);
  return {};
}

std::vector<trust::NodeLabels> Pass::present() const {
  std::vector<trust::NodeLabels> out;
  for (const engine::Node& n : c_.nodes)
    if (nameable(n.profile) && !keeper_.excluded(n.profile.key))
      out.push_back({n.profile.key, n.profile.operated_by, n.profile.region, n.profile.engine});
  return out;
}

Status Pass::begin_attempt() {
  Attempt next;
  next.number = a_.number;
  next.nodes = present();
  DSPERSE_CHECK_OK(keep_some(next.nodes, c_.ports.rng));
  if (const auto missing = too_few(next.nodes, run_.request.treatments)) {
    run_.waits_for = *missing;
    return {};
  }
  DSPERSE_CHECK_OK(c_.ports.rng.fill(next.secret));
  DSPERSE_CHECK_OK(c_.ports.rng.fill(next.salt));
  next.run = c_.ports.proofs.run_id(run_.request.nonce, next.salt);
  next.since = next.moved = c_.now;
  next.lottery = lottery::begin(next.run, lottery::commitment_of(next.run, lottery_secret(next)), run_.request.late);
  trust::RunOpening opening;
  opening.run = next.run;
  opening.model = c_.model.model;
  opening.commitment = next.lottery.commitment;
  opening.late = run_.request.late;
  opening.time_ms = now_ms();
  opening.treatments = run_.request.treatments;
  opening.nodes = next.nodes;
  DSPERSE_CHECK_OK(trust::check_opening(opening));
  DSPERSE_TRY(next.opening, keeper_.sign(trust::kOpeningType, trust::encode_opening(opening)));
  next.slices.resize(c_.model.slices.size());
  a_ = std::move(next);
  return {};
}

Status Pass::restart(const std::string& why) {
  const std::uint32_t number = a_.number + 1;
  if (number >= c_.settings.most_attempts) return fail_run("after " + std::to_string(number) + " attempts: " + why);
  DSPERSE_CHECK_OK(end_attempt());
  run_.notes.clear();
  a_ = Attempt{};
  a_.number = number;
  a_.moved = c_.now;
  return {};
}

Result<bool> Pass::act() {
  std::vector<Digest> stale = std::move(run_.stale);
  run_.stale.clear();
  for (const Digest& job : stale) {
    const auto state = c_.ports.engine.jobs().withdraw(job, "its attempt is over");
    if (!state && state.error().kind != ErrorKind::usage) return std::unexpected(state.error());
  }
  bool changed = !stale.empty();
  if (!under_way() || a_.slices.empty()) return changed;
  if (!c_.done.contains(a_.run)) {
    DSPERSE_TRY(const std::uint64_t index, c_.ports.ledger.add(a_.opening));
    static_cast<void>(index);
    c_.done.insert(a_.run);
  }
  DSPERSE_CHECK_OK(submit_jobs());
  if (a_.phase == RunPhase::sealing) {
    DSPERSE_TRY(const bool sealed, seal());
    changed |= sealed;
  }
  if (a_.phase == RunPhase::auditing && a_.lottery.phase == lottery::Phase::drawn) {
    DSPERSE_TRY(const bool finished, finish());
    changed |= finished;
  }
  return changed;
}

Status Pass::submit_jobs() {
  for (const Errand& e : a_.errands) {
    const bool wished = e.state == ErrandState::asked || (e.state == ErrandState::given && !e.lost);
    if (!wished || c_.done.contains(present_job(e))) continue;
    DSPERSE_CHECK_OK(submit(c_.ports.engine.jobs(), e, encode_task(task_of(c_.model, run_, e)), c_.model, c_.settings));
    c_.done.insert(present_job(e));
  }
  return {};
}

Result<bool> Pass::seal() {
  for (const Errand& e : a_.errands) {
    if (e.state != ErrandState::opened) continue;
    DSPERSE_TRY(const std::uint64_t index, c_.ports.ledger.add(e.shown->receipt));
    static_cast<void>(index);
  }
  DSPERSE_TRY(const trust::Envelope opening, trust::decode_envelope(a_.opening));
  DSPERSE_TRY(const trust::RunOpening said, trust::decode_opening(opening.payload));
  const trust::ClosingNote closing{a_.run, trust::opening_digest(said),
                                   lottery::entries_digest(lottery::published(a_.lottery).entries)};
  DSPERSE_TRY(a_.closing, keeper_.sign(trust::kClosingType, trust::encode_closing(closing)));
  DSPERSE_TRY(const trust::Envelope checkpoint, c_.ports.ledger.seal(a_.closing, now_ms()));
  a_.seal = trust::encode_envelope(checkpoint);
  DSPERSE_TRY(const lottery::Audits none, lottery::step(a_.lottery, lottery::Close{}));
  static_cast<void>(none);
  a_.phase = run_.request.late == lottery::Late::none ? RunPhase::auditing : RunPhase::waiting;
  a_.moved = c_.now;
  return true;
}

Result<bool> Pass::finish() {
  if (std::ranges::any_of(a_.slices, [](const SliceState& s) { return s.audit == AuditPhase::pending; })) return false;
  for (std::uint32_t i = 0; i < a_.slices.size(); ++i)
    if (disputed(i)) return false;
  DSPERSE_TRY(run_.record, make_record());
  a_.phase = RunPhase::finished;
  return true;
}

Result<trust::RunRecord> Pass::make_record() {
  Ledger& ledger = c_.ports.ledger;
  // Everything that the record names is in the log before the last checkpoint.
  for (const Errand& e : a_.errands) {
    if (e.state != ErrandState::opened) continue;
    DSPERSE_TRY(const std::uint64_t index, ledger.add(e.shown->receipt));
    static_cast<void>(index);
  }
  for (const Bytes& note : run_.notes) {
    DSPERSE_TRY(const std::uint64_t index, ledger.add(note));
    static_cast<void>(index);
  }
  trust::RunRecord out;
  out.keeper = c_.ports.signer.key();
  out.origin = ledger.origin();
  DSPERSE_TRY(out.opening, trust::decode_envelope(a_.opening));
  DSPERSE_TRY(out.seal, trust::decode_envelope(a_.seal));
  DSPERSE_TRY(out.checkpoint, ledger.checkpoint(now_ms()));
  DSPERSE_TRY(const trust::Checkpoint seal, trust::decode_checkpoint(out.seal.payload));
  DSPERSE_TRY(const trust::Checkpoint head, trust::decode_checkpoint(out.checkpoint.payload));
  DSPERSE_TRY(out.growth, ledger.consistency(seal.size, head.size));
  const auto place = [&](ByteView entry) -> Result<trust::Place> {
    DSPERSE_TRY(const std::uint64_t index, ledger.add(entry));
    DSPERSE_TRY(trust::InclusionProof proof, ledger.inclusion(index, head.size));
    return trust::Place{index, std::move(proof.path)};
  };
  const auto result = [&](const Errand& e) -> Result<trust::SignedResult> {
    trust::SignedResult r;
    DSPERSE_TRY(r.receipt, trust::decode_envelope(e.shown->receipt));
    r.salt = e.shown->opening.salt;
    DSPERSE_TRY(r.place, place(e.shown->receipt));
    return r;
  };
  DSPERSE_TRY(out.opening_place, place(a_.opening));
  DSPERSE_TRY(out.closing, trust::decode_envelope(a_.closing));
  DSPERSE_TRY(out.closing_place, place(a_.closing));
  out.secret = a_.lottery.secret;
  out.late_part = a_.lottery.late_part;
  for (std::uint32_t i = 0; i < a_.slices.size(); ++i) {
    const SliceState& s = a_.slices[i];
    if (s.settled->proof && !s.accepted) continue;
    trust::SliceAnswer answer;
    answer.slice = i;
    std::vector<const Errand*> all = claims(i);
    std::ranges::sort(all, {}, [](const Errand* e) { return e->job; });
    // Who committed after the decision could have read the answer in later jobs: no replica.
    const auto independent = [&](const Errand* e) {
      return e->purpose == Purpose::replica && s.replication &&
             std::ranges::any_of(s.replication->replicas, [&](const auto& r) { return r.job == e->job && !r.after_decision; });
    };
    for (const Errand* e : all) {
      if (!independent(e) || (s.accepted && e->job < *s.accepted)) continue;
      DSPERSE_TRY(trust::SignedResult r, result(*e));
      if (r.place.index < seal.size) answer.results.push_back(std::move(r));
    }
    if (s.accepted) answer.probability = a_.lottery.jobs.at(*s.accepted).probability;
    for (const Errand* e : all) {
      if (e->purpose != Purpose::audit || answer.audit || s.audit != AuditPhase::passed || s.settled->proof) continue;
      DSPERSE_TRY(answer.audit, result(*e));
    }
    out.slices.push_back(std::move(answer));
  }
  for (const Bytes& note : run_.notes) {
    trust::VerdictEntry entry;
    DSPERSE_TRY(entry.note, trust::decode_envelope(note));
    DSPERSE_TRY(entry.place, place(note));
    out.verdicts.push_back(std::move(entry));
  }
  std::ranges::sort(out.verdicts, {}, [](const trust::VerdictEntry& v) { return v.place.index; });
  return out;
}

}  // namespace dsperse::work
