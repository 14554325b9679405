// Answers of workers: from the queue's results to facts about errands.
#include <algorithm>

#include "dsperse/work/coordinator/pass.h"
#include "dsperse/work/coordinator/queue.h"

namespace dsperse::work {
namespace {

namespace replication = trust::replication;

/// The job is a replica of the slice's present replication.
const replication::Replica* part_of(const SliceState& s, const Digest& job) {
  if (!s.replication) return nullptr;
  const auto at = std::ranges::find(s.replication->replicas, job, &replication::Replica::job);
  return at == s.replication->replicas.end() ? nullptr : &*at;
}

std::vector<std::uint32_t> chunks_of(const trust::BoundaryRoots& roots) {
  std::vector<std::uint32_t> out;
  for (const trust::BoundaryRoot& r : roots) out.push_back(r.chunk);
  return out;
}

}  // namespace

Errand* Pass::errand_of(const Digest& job) {
  const auto at = std::ranges::find(a_.errands, job, &Errand::job);
  return at == a_.errands.end() ? nullptr : &*at;
}

Errand& Pass::give(Purpose purpose, std::uint32_t slice, const Digest& worker, const std::optional<WeightOpening>& weights) {
  Errand e;
  e.number = static_cast<std::uint32_t>(a_.errands.size());
  e.slice = slice;
  e.purpose = purpose;
  e.worker = worker;
  e.weights = weights;
  e.since = c_.now;
  const ModelFacts::Slice& facts = c_.model.slices[slice];
  e.deadline = c_.now + (purpose == Purpose::claim ? time_to_claim(slice)
                         : proves(purpose)         ? facts.prove_ms + c_.settings.commit_ms
                                                   : 2 * c_.settings.commit_ms);
  e.job = job_of(task_of(c_.model, run_, e));
  a_.slices[slice].errands.push_back(e.number);
  a_.moved = c_.now;
  a_.errands.push_back(std::move(e));
  ++c_.standings.slots;
  return a_.errands.back();
}

Status Pass::collect() {
  for (std::size_t i = 0; i < a_.errands.size(); ++i) {
    Errand& e = a_.errands[i];
    if (e.state == ErrandState::given) DSPERSE_CHECK_OK(collect_result(e));
    if (e.state == ErrandState::asked) DSPERSE_CHECK_OK(collect_opening(e));
  }
  return {};
}

Status Pass::collect_result(Errand& e) {
  DSPERSE_TRY(const Answered answered, answer_of(c_.ports.engine.jobs(), e.job));
  if (answered.lapsed) DSPERSE_CHECK_OK(keeper_.strike({e.worker, e.job, trust::StrikeKind::liveness, "lease lost"}));
  if (!answered.result) return lost_if_over(e, answered.over);
  auto answer = decode_answer(*answered.result);
  if (!answer) return misbehaved(e, "malformed answer");
  if (const auto* committed = std::get_if<Committed>(&*answer); committed != nullptr && !proves(e.purpose)) {
    e.commitment = committed->commitment;
    e.state = ErrandState::committed;
    return on_committed(e);
  }
  if (auto* proved = std::get_if<Proved>(&*answer); proved != nullptr && proves(e.purpose)) {
    e.commitment = trust::commitment(e.job, e.worker, proved->opening);
    return on_shown(e, proved->opening, std::move(proved->receipt), std::move(proved->outputs), proved->proof);
  }
  return misbehaved(e, "answer to another question");
}

Status Pass::collect_opening(Errand& e) {
  // A replication that was extended meanwhile takes openings again once the new replicas have committed.
  const SliceState& s = a_.slices[e.slice];
  if (const auto* r = part_of(s, e.job);
      r != nullptr && r->status == replication::Status::committed && s.replication->phase == replication::Phase::committing)
    return {};
  DSPERSE_TRY(const Answered answered, answer_of(c_.ports.engine.jobs(), present_job(e)));
  if (!answered.result) return lost_if_over(e, answered.over);
  auto answer = decode_answer(*answered.result);
  auto* opened = answer ? std::get_if<Opened>(&*answer) : nullptr;
  if (opened == nullptr) return misbehaved(e, "malformed answer");
  return on_shown(e, opened->opening, std::move(opened->receipt), std::move(opened->outputs), std::nullopt);
}

Status Pass::lost_if_over(Errand& e, bool over) { return !e.lost && (over || c_.now >= e.deadline) ? on_lost(e) : Status{}; }

Status Pass::on_lost(Errand& e) {
  e.lost = true;
  SliceState& s = a_.slices[e.slice];
  const replication::Replica* replica = part_of(s, e.job);
  if (replica != nullptr && replica->status == replication::Status::assigned) return replicate(s, replication::Lost{e.job});
  return keeper_.strike({e.worker, e.job, trust::StrikeKind::liveness, "no answer in time"});
}

Status Pass::on_committed(Errand& e) {
  a_.moved = c_.now;
  if (e.purpose == Purpose::replica) {
    SliceState& s = a_.slices[e.slice];
    if (!part_of(s, e.job)) {
      e.state = ErrandState::dead;
      return {};
    }
    return replicate(s, replication::Commit{e.job, e.worker, e.commitment});
  }
  e.state = ErrandState::asked;
  return {};
}

Status Pass::misbehaved(Errand& e, const char* reason) {
  e.state = ErrandState::dead;
  DSPERSE_CHECK_OK(keeper_.strike({e.worker, e.job, trust::StrikeKind::commitment, reason}));
  SliceState& s = a_.slices[e.slice];
  const replication::Replica* replica = part_of(s, e.job);
  if (replica == nullptr) return {};
  if (replica->status == replication::Status::assigned) return replicate(s, replication::Lost{e.job});
  // What shows nothing usable is no opening: the machine gets one that does not fit.
  if (replica->status == replication::Status::committed || replica->status == replication::Status::silent)
    return replicate(s, replication::Open{e.job, e.worker, {}, {}});
  return {};
}

Status Pass::on_shown(Errand& e, const trust::Opening& opening, Bytes text, OutputBlobs outputs,
                      const std::optional<Digest>& proof) {
  a_.moved = c_.now;
  const SliceTask task = task_of(c_.model, run_, e);
  trust::Receipt receipt;
  if (!trust::verify_receipt(text, c_.ports.check, receipt)) return misbehaved(e, "the receipt is not valid");
  const bool answers = receipt.job == e.job && receipt.run == task.run && receipt.model == task.model &&
                       receipt.slice_key == task.slice_key && receipt.h_in == h_in_of(task) &&
                       receipt.roots_in == roots_in(task) && receipt.worker == e.worker && receipt.h_out == opening.h_out &&
                       receipt.commitment == e.commitment && receipt.proof == proof;
  if (!answers) return misbehaved(e, "the receipt answers another job");
  if (!trust::verify_opening(e.commitment, e.job, e.worker, opening)) return misbehaved(e, "opening does not fit the commitment");
  const auto live = live_after(task, receipt.roots_out);
  std::vector<std::uint32_t> made;
  for (const auto& [chunk, blob] : outputs) made.push_back(chunk);
  if (!live || trust::trace_digest(*live) != opening.h_out || chunks_of(receipt.roots_out) != c_.model.slices[e.slice].outputs ||
      made != c_.model.slices[e.slice].outputs)
    return misbehaved(e, "the receipt's roots are not the slice's");
  DSPERSE_CHECK_OK(note_chain(c_.ports, c_.standings, keeper_, receipt, text));
  c_.standings.outbox.push_back(text);  // whatever becomes of it: strikes and payouts name it
  e.shown = Shown{opening, std::move(text), trust::receipt_digest(receipt), receipt.roots_out, std::move(outputs), proof};
  e.state = ErrandState::opened;
  DSPERSE_CHECK_OK(keeper_.lock(e.shown->receipt_digest, e.worker));
  if (e.purpose != Purpose::replica) return {};
  SliceState& s = a_.slices[e.slice];
  if (!part_of(s, e.job)) return {};
  return replicate(s, replication::Open{e.job, e.worker, opening.h_out, opening.salt});
}

Status Pass::replicate(SliceState& s, const replication::Event& event) {
  DSPERSE_TRY(const replication::Effects effects, replication::step(*s.replication, event));
  for (const replication::Effect& effect : effects) {
    if (const auto* ask = std::get_if<replication::AskOpening>(&effect)) {
      if (Errand* e = errand_of(ask->job); e != nullptr && e->state == ErrandState::committed) {
        e->state = ErrandState::asked;
        e->deadline = c_.now + c_.settings.commit_ms;
      }
    } else if (const auto* strike = std::get_if<trust::Strike>(&effect)) {
      DSPERSE_CHECK_OK(keeper_.strike(*strike));
      if (Errand* e = errand_of(strike->job); e != nullptr && strike->kind == trust::StrikeKind::commitment)
        e->state = ErrandState::dead;
    }
  }
  return {};
}

}  // namespace dsperse::work
