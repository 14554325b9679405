#include "worker_process.h"

#include <algorithm>

namespace dsperse::sim {

WorkerProcess::WorkerProcess(Around around, const WorkerSpec& spec, const Digest& person, const Digest& seed, TimeMs beat_ms)
    : around_(around),
      spec_(spec),
      dice_(seed, "worker"),
      fuse_(around.world),
      tap_(around.engine, fuse_, around.grapevine),
      clock_(around.world, spec.clock_offset_ms, spec.clock_drift_ppm),
      signer_(around.signatures.signer(crypto::hash_tagged("dsperse simulation: signer", {person}))),
      hand_(fuse_, around.truth, around.grapevine, signer_->key(), spec, seed),
      beat_ms_(beat_ms),
      secret_(crypto::hash_tagged("dsperse simulation: secret", {person})),
      books_{MemoryBook(fuse_, around.disk, signer_->key()), MemoryBook(fuse_, around.disk, signer_->key())} {}

void WorkerProcess::act() {
  try {
    live();
  } catch (const Killed&) {
    for (auto& w : workers_) w.reset();
    for (MemoryBook& b : books_) b.crash();
    enrolled_ = false;
    lease_.reset();
    ready_.reset();
    next_at = around_.world.now() + 100 + static_cast<TimeMs>(dice_.below(2000));
  }
}

Status WorkerProcess::enroll() {
  start();
  DSPERSE_CHECK_OK(workers_[0]->enroll());
  enrolled_ = true;
  return {};
}

void WorkerProcess::start() {
  for (int i = 0; i < (spec_.kind == Kind::equivocating ? 2 : 1); ++i)
    workers_[i] = std::make_unique<work::Worker>(
        work::Worker::Parts{tap_,
                            clock_,
                            *signer_,
                            books_[i],
                            hand_,
                            secret_,
                            {signer_->key(), spec_.operated_by, spec_.region, spec_.engine, {}, std::uint64_t{1} << 30},
                            beat_ms_});
}

void WorkerProcess::live() {
  next_at = around_.world.now() + 20 + static_cast<TimeMs>(dice_.below(200));
  if (!workers_[0]) start();
  if (!enrolled_) {
    enrolled_ = workers_[0]->enroll().has_value();
    return;
  }
  if (!lease_) {
    auto got = workers_[0]->take();
    if (!got || !*got) {
      next_at += static_cast<TimeMs>(dice_.below(300));
      return;
    }
    lease_ = std::move(**got);
    ready_at_ = around_.world.now() + static_cast<TimeMs>(dice_.below(static_cast<std::uint64_t>(spec_.longest_work_ms) + 1));
    return;
  }
  if (spec_.kind == Kind::stalling || spec_.kind == Kind::beating || around_.world.now() < ready_at_)
    hold();
  else
    finish();
}

/// Not done yet. The lease is looked after, or (stalling) forgotten.
void WorkerProcess::hold() {
  next_at += static_cast<TimeMs>(dice_.below(static_cast<std::uint64_t>(beat_ms_) / 3 + 1));
  if (spec_.kind == Kind::stalling) {
    lease_.reset();
    return;
  }
  const auto beat = tap_.jobs().heartbeat(lease_->id, clock_.now(), beat_ms_);
  // Told to stop: half of them deliver all the same, which is allowed.
  if (beat && !*beat && (spec_.kind == Kind::beating || dice_.below(2) == 0)) lease_.reset();
}

void WorkerProcess::finish() {
  if (!ready_) {
    auto made = answer();
    if (!made) {
      if (made.error().kind == ErrorKind::backend && dice_.below(4) != 0) return;  // no answer: again later
      (void)workers_[0]->give_up(*lease_, made.error());
      lease_.reset();
      return;
    }
    if (!*made) {
      lease_.reset();
      return;
    }
    ready_ = std::move(*made);
  }
  const Status delivered = workers_[0]->deliver(*lease_, *ready_);
  if (!delivered && delivered.error().kind == ErrorKind::backend) return;
  ++finished_;
  ready_.reset();
  lease_.reset();
}

Result<std::optional<Bytes>> WorkerProcess::answer() {
  const auto task = work::decode_task(lease_->job.payload);
  const bool opens = task && std::holds_alternative<work::OpenTask>(*task);
  const bool runs = task && !opens && !std::get<work::SliceTask>(*task).prove;
  if (spec_.kind == Kind::withholding && opens) return std::optional<Bytes>();
  if (spec_.kind == Kind::copying && (opens || runs))
    if (auto copy = copied(*task)) return copy;
  if (spec_.kind == Kind::replaying && (opens || runs))
    if (const auto it = old_.find(opens ? 1 : 0); it != old_.end()) return it->second;
  work::Worker* worker = workers_[0].get();
  if (spec_.kind == Kind::equivocating) {
    // New jobs go into either book; openings are in the one that has them.
    std::size_t which = static_cast<std::size_t>(lease_->job.id[0] & 1);
    if (opens) {
      const auto first = books_[0].find(std::get<work::OpenTask>(*task).job);
      which = first && *first ? 0 : 1;
    }
    worker = workers_[which].get();
  }
  auto made = worker->work(*lease_);
  if (!made) return std::unexpected(made.error());
  if (opens || runs) old_.emplace(opens ? 1 : 0, *made);
  return std::optional<Bytes>(std::move(*made));
}

/// Another worker's answer to the same question.
std::optional<Bytes> WorkerProcess::copied(const work::Task& task) const {
  const Grapevine& heard = around_.grapevine;
  const auto* open = std::get_if<work::OpenTask>(&task);
  const work::SliceTask* mine = open != nullptr ? heard.slice_task(open->job) : &std::get<work::SliceTask>(task);
  if (mine == nullptr) return std::nullopt;
  for (const Grapevine::Answered& a : heard.answers) {
    if (a.worker == key()) continue;
    const auto job = heard.jobs.find(a.job);
    if (job == heard.jobs.end() || !job->second.task) continue;
    const auto* their_open = std::get_if<work::OpenTask>(&*job->second.task);
    if ((their_open != nullptr) != (open != nullptr)) continue;
    const work::SliceTask* theirs = their_open != nullptr ? heard.slice_task(their_open->job) : heard.slice_task(a.job);
    if (theirs != nullptr && theirs->run == mine->run && theirs->slice == mine->slice) return a.bytes;
  }
  return std::nullopt;
}

}  // namespace dsperse::sim
