#include "town.h"

#include <algorithm>
#include <cstdio>
#include <utility>

#include "dsperse/work/coordinator/standings.h"

namespace dsperse::sim {
namespace {

Digest seed_of(std::uint64_t seed) {
  ByteWriter w;
  w.u64(seed);
  return crypto::hash_tagged("dsperse simulation: seed", {w.bytes()});
}

}  // namespace

work::Settings quick_settings() {
  work::Settings s;
  s.beat_ms = 4'000;
  s.commit_ms = 20'000;
  s.dispute_ms = 60'000;
  return s;
}

Town::Town(TownSpec spec)
    : spec_(std::move(spec)),
      seed_(seed_of(spec_.seed)),
      people_(spec_.from != nullptr ? seed_of(spec_.from->people) : seed_),
      world_(seed_, spec_.from != nullptr ? spec_.from->now : TimeMs{1'000'000'000'000}),
      engine_(world_),
      dice_(seed_, "town"),
      signatures_(spec_.real),
      truth_(spec_.real ? real_truth(model(spec_.private_input), people_) : ideal_truth(model(spec_.private_input), people_)),
      fuse_(world_),
      tap_(engine_, fuse_, grapevine_),
      clock_(world_, spec_.keeper_offset_ms, spec_.keeper_drift_ppm),
      keeper_dice_(seed_, "keeper"),
      keeper_(signatures_.signer(crypto::hash_tagged("dsperse simulation: keeper", {people_}))) {
  state_ = std::make_unique<MemoryState>(fuse_, spec_.disk);
  ledger_ = std::make_unique<MemoryLedger>(fuse_, spec_.disk, "simulation", *keeper_);
  ledger_->forgets = spec_.ledger_forgets;
  desk_ = std::make_unique<Desk>(fuse_, spec_.disk, *truth_);
  desk_->reserves_twice = spec_.desk_reserves_twice;
  desk_->judges_wrongly = spec_.desk_judges_wrongly;
  desk_->shows_nothing = spec_.desk_shows_nothing;
  WorkerSpec own;
  own_ = std::make_unique<Hand>(fuse_, *truth_, grapevine_, keeper_->key(), own, seed_);
  began_at_ = world_.now();
  disk_ = std::exchange(spec_.disk, {});  // everybody's disk works until live() begins

  const Model& m = truth_->model();
  engine_.server().meddle([&](engine::simulated::Memory& memory) {
    for (const Bytes& blob : m.blobs) (void)memory.blobs.put(blob);
  });
  for (std::size_t i = 0; i < spec_.workers.size(); ++i) {
    ByteWriter w;
    w.u64(i);
    workers_.push_back(std::make_unique<WorkerProcess>(
        WorkerProcess::Around{world_, engine_, *truth_, grapevine_, signatures_, spec_.disk}, spec_.workers[i],
        crypto::hash_tagged("dsperse simulation: worker", {people_, w.bytes()}),
        crypto::hash_tagged("dsperse simulation: worker", {seed_, w.bytes()}), spec_.settings.beat_ms));
  }
  if (spec_.from != nullptr) {
    const Snapshot& before = *spec_.from;
    state_->set(before.state);
    ledger_->set(before.ledger);
    desk_->set(before.desk);
    for (std::size_t i = 0; i < workers_.size(); ++i) workers_[i]->set_book(before.books[i]);
    engine_.server().meddle([&](engine::simulated::Memory& memory) { memory = before.engine; });
  }
  for (std::uint32_t i = 0; i < spec_.runs; ++i) {
    Run run{dice_.digest(), random_input(m, dice_), {}, {}, 0};
    work::RunRequest request;
    work::RunRequest::Input input{m.facts.inputs[0], crypto::hash(run.input), work::public_root(run.input), {}};
    if (m.facts.committed[input.chunk]) {
      input.seed = dice_.digest();
      if (const auto root = truth_->root(input.chunk, run.input, *input.seed)) input.root = *root;
    }
    request.inputs.push_back(input);
    request.treatments = spec_.asked.empty() ? spec_.policy : spec_.asked;
    request.nonce = {'n', static_cast<std::uint8_t>(i)};
    request.late = spec_.late;
    engine_.server().meddle([&](engine::simulated::Memory& memory) { (void)memory.blobs.put(run.input); });
    requests_.push_back(std::move(request));
    runs_.push_back(std::move(run));
  }
  submitted_.assign(spec_.runs, false);
}

void Town::tell(const std::string& text) {
  if (spec_.log) std::printf("%9lld ms  %s\n", static_cast<long long>(world_.now() - began_at_), text.c_str());
}

bool Town::noted(const Status& status, std::string_view what) {
  if (status) return true;
  last_error_ = std::string(what) + ": " + status.error().text();
  tell(last_error_);
  return false;
}

Status Town::open() {
  if (coordinator_) return {};
  DSPERSE_TRY(coordinator_, work::Coordinator::open({tap_, clock_, keeper_dice_, *state_, *ledger_, *keeper_, signatures_, *desk_,
                                                     spec_.own ? own_.get() : nullptr},
                                                    truth_->model().facts, spec_.settings));
  return {};
}

work::Coordinator* Town::coordinator() {
  end_faults();
  for (int i = 0; i < 3 && !coordinator_; ++i) {
    try {
      noted(open(), "open");
    } catch (const Killed&) {
      coordinator_.reset();
    }
  }
  return coordinator_.get();
}

WorkerProcess* Town::worker_of(const Digest& key) {
  const auto it = std::ranges::find_if(workers_, [&](const auto& w) { return w->key() == key; });
  return it == workers_.end() ? nullptr : it->get();
}

Snapshot Town::snapshot() {
  Snapshot out;
  out.people = spec_.from != nullptr ? spec_.from->people : spec_.seed;
  out.state = state_->content();
  out.ledger = ledger_->content();
  out.desk = desk_->counters();
  for (const auto& w : workers_) out.books.push_back(w->book());
  engine_.server().meddle([&](engine::simulated::Memory& memory) { out.engine = memory; });
  out.now = world_.now();
  return out;
}

void Town::end_faults() {
  if (!faulty_) return;
  faulty_ = false;
  world_.faults = {};
  fuse_.rate = 0;
  spec_.disk = {};
  for (auto& w : workers_) w->fuse().rate = 0;
  tell("faults are over");
}

void Town::act_keeper() {
  try {
    serve();
  } catch (const Killed&) {
    tell("the coordinator is killed");
    coordinator_.reset();
    state_->crash();
    ledger_->crash();
    desk_->crash();
    keeper_next_at_ = world_.now() + 100 + static_cast<TimeMs>(dice_.below(3000));
  }
}

void Town::serve() {
  keeper_next_at_ = world_.now() + 50 + static_cast<TimeMs>(dice_.below(200));
  if (!noted(open(), "open")) return;
  for (std::size_t i = 0; i < runs_.size(); ++i)
    if (!submitted_[i] && noted(coordinator_->submit(runs_[i].id, requests_[i]), "submit")) submitted_[i] = true;
  noted(coordinator_->step(), "step");
  for (Run& run : runs_) {
    if (run.ended_at != 0) continue;
    const auto view = coordinator_->view(run.id);
    if (!view) continue;
    if (spec_.log && (view->phase != run.view.phase || view->slices_settled != run.view.slices_settled ||
                      view->attempt != run.view.attempt || view->disputes != run.view.disputes))
      tell("run " + std::to_string(&run - runs_.data()) + ": phase " + std::to_string(static_cast<int>(view->phase)) +
           ", attempt " + std::to_string(view->attempt) + ", " + std::to_string(view->slices_settled) + " slices settled, " +
           std::to_string(view->disputes) + " disputes, " + std::to_string(view->audits_passed) + "/" +
           std::to_string(view->audits_drawn) + " audits" + (view->waits_for.empty() ? "" : ", waits for " + view->waits_for));
    run.view = *view;
    if (!view->waits_for.empty()) last_error_ = view->waits_for;
    if (view->phase == work::RunPhase::waiting && spec_.late != trust::lottery::Late::none)
      noted(coordinator_->give_late_part(run.id, crypto::hash_tagged("dsperse simulation: late part", {run.id})), "late part");
    if (view->phase == work::RunPhase::finished) {
      auto finished = coordinator_->finished(run.id);
      if (!finished) {
        last_error_ = "finished: " + finished.error().text();
        continue;
      }
      run.finished = std::move(*finished);
    }
    if (view->phase == work::RunPhase::finished || view->phase == work::RunPhase::failed) run.ended_at = world_.now();
  }
}

bool Town::over() const {
  return std::ranges::all_of(runs_, [](const Run& run) { return run.ended_at != 0; });
}

void Town::live() {
  for (auto& w : workers_) noted(w->enroll(), "enroll");
  if (spec_.settings.points && spec_.from == nullptr) {
    // The mint: before anything goes wrong, and once.
    work::Coordinator* c = nullptr;
    if (noted(open(), "open")) c = coordinator_.get();
    if (c != nullptr) {
      for (int i = 0; i < (spec_.mints_twice ? 2 : 1); ++i) noted(c->fund(work::payer_account(), spec_.purse, 0), "fund");
      for (auto& w : workers_) noted(c->fund(w->key(), 0, spec_.bond), "fund");
    }
  }
  if (spec_.keeper_jumps_ms != 0)
    world_.later(spec_.jump_after_ms, [this] {
      clock_.jump(spec_.keeper_jumps_ms);
      tell("the coordinator's clock jumps");
    });
  world_.faults = spec_.faults;
  spec_.disk = disk_;
  fuse_.rate = spec_.keeper_killed;
  if (spec_.keeper_killed_at) fuse_.blow_at(fuse_.passed() + *spec_.keeper_killed_at);
  for (auto& w : workers_) w->fuse().rate = spec_.worker_killed;
  if (spec_.worker_killed_at) workers_[spec_.worker_killed_at->first]->fuse().blow_at(spec_.worker_killed_at->second);

  while (!over()) {
    if (faulty_ && world_.now() - began_at_ >= spec_.faults_last_ms) end_faults();
    if (world_.now() - began_at_ >= spec_.faults_last_ms + spec_.bound_ms) break;
    // Who is due first acts next; calls block, so the clock may be ahead of several.
    WorkerProcess* next = nullptr;
    for (auto& w : workers_)
      if (next == nullptr || w->next_at < next->next_at) next = w.get();
    const TimeMs at = next == nullptr ? keeper_next_at_ : std::min(next->next_at, keeper_next_at_);
    if (at > world_.now()) world_.advance(at - world_.now());
    if (next == nullptr || keeper_next_at_ <= next->next_at)
      act_keeper();
    else
      next->act();
  }
  end_faults();
  // What is due later than the runs: canaries, escrow under its window.
  for (int i = 0; i < 8; ++i) {
    world_.advance(spec_.settings.window_ms / 4 + 100);
    act_keeper();
  }
}

}  // namespace dsperse::sim
