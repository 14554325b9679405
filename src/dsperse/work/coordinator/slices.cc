// A slice from waiting to settled: by replicas that agree, or by a proof.
#include <algorithm>

#include "dsperse/crypto/hash/hash.h"
#include "dsperse/work/coordinator/pass.h"

namespace dsperse::work {
namespace {

namespace replication = trust::replication;

constexpr std::uint64_t kMostBlobBytes = std::uint64_t{1} << 30;

std::uint8_t bits_of(trust::Distinct distinct) {
  switch (distinct) {
    case trust::Distinct::operators:
      return replication::kOperator;
    case trust::Distinct::regions:
      return replication::kRegion;
    case trust::Distinct::engines:
      return replication::kEngine;
  }
  return 0;
}

replication::Worker worker_of(const trust::NodeLabels& n) { return {n.key, n.operated_by, n.region, n.engine}; }

std::string slice_name(std::uint32_t slice) { return "slice " + std::to_string(slice); }

std::uint32_t alive(const replication::State& s) {
  return static_cast<std::uint32_t>(std::ranges::count_if(s.replicas, [](const replication::Replica& r) {
    using enum replication::Status;
    return r.status == assigned || r.status == committed || (r.status == opened && !r.after_decision);
  }));
}

}  // namespace

Status Pass::advance_slices() {
  for (std::uint32_t i = 0; i < a_.slices.size(); ++i) {
    if (a_.slices[i].phase != SlicePhase::settled) DSPERSE_CHECK_OK(advance(i));
    if (!under_way() || a_.slices.empty() || a_.slices[i].phase != SlicePhase::settled) return {};
    if (disputed(i)) {  // somebody came late with another result
      DSPERSE_CHECK_OK(advance_dispute(i));
      return {};
    }
  }
  a_.phase = RunPhase::sealing;
  return {};
}

Status Pass::advance(std::uint32_t slice) {
  // A phase may lead to the next one at once; none leads back within a pass but waiting, which then waits for the next.
  SliceState& s = a_.slices[slice];
  if (s.phase == SlicePhase::waiting) DSPERSE_CHECK_OK(treatment(slice).proof ? start_proof(slice) : start_replication(slice));
  if (s.phase == SlicePhase::proving) return advance_proof(slice);
  if (s.phase == SlicePhase::replicating) DSPERSE_CHECK_OK(advance_replication(slice));
  if (a_.slices.empty()) return {};  // the attempt is over
  if (s.phase == SlicePhase::disputed) return advance_dispute(slice);
  return {};
}

const trust::NodeLabels* Pass::labels(const Digest& worker) const {
  const auto at = std::ranges::lower_bound(a_.nodes, worker, {}, &trust::NodeLabels::key);
  return at == a_.nodes.end() || at->key != worker ? nullptr : &*at;
}

bool Pass::eligible(const trust::NodeLabels& node, std::uint64_t memory_bytes) const {
  const auto at = std::ranges::lower_bound(c_.nodes, node.key, {}, [](const engine::Node& n) { return n.profile.key; });
  if (at == c_.nodes.end() || at->profile.key != node.key || std::ranges::find(a_.silent, node.key) != a_.silent.end())
    return false;
  return at->profile.memory_bytes >= memory_bytes && !keeper_.excluded(node.key) &&
         keeper_.decide(node.key, {}).mode != trust::audit::Mode::wait;
}

Result<std::optional<Digest>> Pass::choose(std::uint64_t memory_bytes,
                                           const std::function<bool(const trust::NodeLabels&)>& also) {
  std::vector<Digest> able;
  if (keeper_.can_pay())
    for (const trust::NodeLabels& n : a_.nodes)
      if (eligible(n, memory_bytes) && also(n)) able.push_back(n.key);
  if (able.empty()) return std::nullopt;
  Digest random{};
  DSPERSE_CHECK_OK(c_.ports.rng.fill(random));
  return able[static_cast<std::size_t>(crypto::SeedStream(random, "choice of a worker").below(able.size()))];
}

bool Pass::has_record(const Digest& worker) const { return keeper_.decide(worker, {}).mode == trust::audit::Mode::audit; }

void Pass::waits_for(const std::string& what) { run_.waits_for = keeper_.can_pay() ? what : "the payer's balance is used up"; }

Result<bool> Pass::reserve(std::uint32_t slice, std::optional<WeightOpening>& weights) {
  auto reserved = c_.ports.proofs.reserve(slice);
  if (!reserved && reserved.error().kind == ErrorKind::resource) {
    // A full disk, or somebody else at the counters, may be over soon; openings that are used up are not.
    const std::string why = reserved.error().within(slice_name(slice)).text();
    if (c_.now - a_.moved > 3 * c_.settings.commit_ms) DSPERSE_CHECK_OK(fail_run(why));
    run_.waits_for = why;
    return false;
  }
  DSPERSE_TRY(weights, std::move(reserved));
  return true;
}

Status Pass::start_proof(std::uint32_t slice) {
  SliceState& s = a_.slices[slice];
  const auto tried = [&](const trust::NodeLabels& n) {
    return std::ranges::any_of(s.errands, [&](std::uint32_t e) { return errand(e).worker == n.key; });
  };
  const std::uint64_t memory = c_.model.slices[slice].prove_bytes;
  DSPERSE_TRY(std::optional<Digest> worker, choose(memory, [&](const auto& n) { return !tried(n); }));
  if (!worker) {
    DSPERSE_TRY(worker, choose(memory, [](const auto&) { return true; }));
  }
  if (!worker) {
    waits_for("a worker that can prove " + slice_name(slice));
    return {};
  }
  std::optional<WeightOpening> weights;
  DSPERSE_TRY(const bool reserved, reserve(slice, weights));
  if (!reserved) return {};
  give(Purpose::prove, slice, *worker, weights);
  s.phase = SlicePhase::proving;
  return {};
}

Status Pass::advance_proof(std::uint32_t slice) {
  SliceState& s = a_.slices[slice];
  bool open = false;
  for (const std::uint32_t number : s.errands) {
    const Errand& e = errand(number);
    open |= e.state == ErrandState::given && !e.lost;
    if (e.state != ErrandState::opened) continue;
    DSPERSE_TRY(std::optional<Settled> settled, accepted_proof(e));
    if (!settled) {
      errand(number).state = ErrandState::dead;
      continue;
    }
    s.settled = std::move(settled);
    s.phase = SlicePhase::settled;
    return {};
  }
  if (!open) s.phase = SlicePhase::waiting;  // the next pass asks another worker
  return {};
}

Result<std::optional<Settled>> Pass::accepted_proof(const Errand& e) {
  const auto proof = c_.ports.engine.blobs().get(*e.shown->proof, kMostBlobBytes);
  if (!proof && proof.error().kind == ErrorKind::backend) return std::unexpected(proof.error());
  DSPERSE_TRY(const Blobs blobs, look_at_blobs(e));
  if (!proof || blobs != Blobs::fit) {
    DSPERSE_CHECK_OK(blame_for(e, proof ? blobs : Blobs::gone));
    return std::nullopt;
  }
  const auto verdict =
      c_.ports.proofs.take(task_of(c_.model, run_, e), e.shown->roots_out, e.shown->outputs, *proof, c_.ports.engine.blobs());
  if (!verdict && verdict.error().kind == ErrorKind::resource) {
    used_up_ = verdict.error().text();
    return std::nullopt;
  }
  if (!verdict) return std::unexpected(verdict.error());
  if (!*verdict) {
    DSPERSE_CHECK_OK(keeper_.strike({e.worker, e.job, trust::StrikeKind::correctness, "the proof is refused"}));
    // A claimant's bond answers for its claim, once the dispute is decided, and to whoever was right.
    if (e.purpose != Purpose::claim) DSPERSE_CHECK_OK(keeper_.slash(e.shown->receipt_digest, {}, {}));
    return std::nullopt;
  }
  return Settled{e.shown->opening.h_out, e.shown->roots_out, e.shown->outputs, Proof{*e.shown->proof, e.weights}};
}

Status Pass::start_replication(std::uint32_t slice) {
  SliceState& s = a_.slices[slice];
  const trust::Treatment& t = treatment(slice);
  DSPERSE_TRY(const std::optional<Digest> first, choose(c_.model.slices[slice].run_bytes, [](const auto&) { return true; }));
  if (!first) {
    waits_for("a worker for " + slice_name(slice));
    return {};
  }
  std::uint32_t k = t.replicate ? t.replicate->k : 1;
  std::uint8_t distinct = t.replicate ? bits_of(t.replicate->distinct) : std::uint8_t{replication::kOperator};
  // R5: an audit holds only those with a record; others are replicated as well.
  if (t.audit && !has_record(*first)) k = std::max(k, 2U);
  const std::uint64_t commit = now_ms() + static_cast<std::uint64_t>(c_.settings.commit_ms);
  DSPERSE_TRY(s.replication, replication::begin(k, distinct, commit, commit + static_cast<std::uint64_t>(c_.settings.commit_ms)));
  s.phase = SlicePhase::replicating;
  return fill_replication(slice);
}

Status Pass::fill_replication(std::uint32_t slice) {
  SliceState& s = a_.slices[slice];
  // One result that only an audit holds comes from a worker with a record (R5).
  const bool needs_record = treatment(slice).audit && s.replication->k == 1;
  while (s.replication->phase == replication::Phase::committing && alive(*s.replication) < s.replication->k) {
    DSPERSE_TRY(const std::optional<Digest> worker, choose(c_.model.slices[slice].run_bytes, [&](const trust::NodeLabels& n) {
                  return replication::may_join(*s.replication, {}, worker_of(n)).has_value() &&
                         (!needs_record || has_record(n.key));
                }));
    if (!worker) {
      waits_for(std::to_string(s.replication->k) + " different workers for " + slice_name(slice) + ": " +
                std::to_string(alive(*s.replication)) + " found");
      return {};
    }
    const Digest job = give(Purpose::replica, slice, *worker).job;
    DSPERSE_CHECK_OK(replicate(s, replication::Assign{job, worker_of(*labels(*worker))}));
    if (const auto& audit = treatment(slice).audit) {
      trust::Probability p = trust::probability_of(audit->p);
      if (const auto decision = keeper_.decide(*worker, p); decision.mode == trust::audit::Mode::audit) p = decision.probability;
      DSPERSE_TRY(const auto none, step(a_.lottery, trust::lottery::AddJob{job, p}));
      static_cast<void>(none);
    }
    DSPERSE_CHECK_OK(maybe_canary(slice));
  }
  return {};
}

Status Pass::advance_replication(std::uint32_t slice) {
  SliceState& s = a_.slices[slice];
  DSPERSE_CHECK_OK(replicate(s, replication::Tick{now_ms()}));
  if (s.replication->outcome == replication::Outcome::agreed) return settle_agreed(slice);
  if (s.replication->outcome == replication::Outcome::mismatch) {
    s.phase = SlicePhase::disputed;
    return {};
  }
  if (s.replication->outcome == replication::Outcome::incomplete) {
    const std::uint64_t commit =
        std::max(now_ms(), s.replication->open_deadline_ms) + static_cast<std::uint64_t>(c_.settings.commit_ms);
    DSPERSE_CHECK_OK(replicate(s, replication::Extend{commit, commit + static_cast<std::uint64_t>(c_.settings.commit_ms)}));
  }
  DSPERSE_CHECK_OK(fill_replication(slice));
  if (run_.waits_for.empty() || c_.now - a_.moved <= 2 * c_.settings.commit_ms) return {};
  // Workers that were lost may be back, but not in this replication; new ones only in another attempt.
  return others() ? restart("no worker of the attempt could go on: " + run_.waits_for) : forget_replication(slice);
}

Status Pass::settle_agreed(std::uint32_t slice) {
  SliceState& s = a_.slices[slice];
  DSPERSE_TRY(const Digest h_out, replication::agreed_output(*s.replication));
  std::vector<const Errand*> agreeing;
  for (const Errand* e : claims(slice))
    if (e->shown->opening.h_out == h_out) agreeing.push_back(e);
  const Errand* holder = nullptr;
  for (const Errand* e : agreeing) {
    DSPERSE_TRY(const Blobs blobs, look_at_blobs(*e));
    if (blobs == Blobs::fit) {
      holder = e;
      break;
    }
    DSPERSE_CHECK_OK(blame_for(*e, blobs));
  }
  if (holder == nullptr) return forget_replication(slice);
  s.settled = Settled{h_out, holder->shown->roots_out, holder->shown->outputs, std::nullopt};
  s.phase = SlicePhase::settled;
  a_.moved = c_.now;
  if (agreeing.size() > 1)
    for (const Errand* e : agreeing) DSPERSE_CHECK_OK(keeper_.valid(e->worker));
  return enter_lottery(slice);
}

Result<Pass::Blobs> Pass::look_at_blobs(const Errand& e) {
  for (std::size_t i = 0; i < e.shown->outputs.size(); ++i) {
    const auto& [chunk, blob] = e.shown->outputs[i];
    const auto values = c_.ports.engine.blobs().get(blob, kMostBlobBytes);
    if (!values && values.error().kind == ErrorKind::backend) return std::unexpected(values.error());
    if (!values) return Blobs::gone;
    Digest root = public_root(*values);
    if (c_.model.committed[chunk]) {
      const auto committed = c_.ports.proofs.root_of(chunk, *values, seed_of(a_, chunk));
      if (!committed && committed.error().kind != ErrorKind::bad_input) return std::unexpected(committed.error());
      if (!committed) return Blobs::unlike;
      root = *committed;
    }
    if (root != e.shown->roots_out[i].root) return Blobs::unlike;
  }
  return Blobs::fit;
}

Status Pass::blame_for(const Errand& e, Blobs blobs) {
  if (blobs == Blobs::gone)
    return keeper_.strike({e.worker, e.job, trust::StrikeKind::liveness, "its blobs are missing or damaged"});
  return keeper_.strike({e.worker, e.job, trust::StrikeKind::commitment, "its blobs are not what it signed"});
}

Status Pass::forget_replication(std::uint32_t slice) {
  SliceState& s = a_.slices[slice];
  DSPERSE_CHECK_OK(leave_lottery(slice));
  s = SliceState{};
  a_.moved = c_.now;
  return {};
}

}  // namespace dsperse::work
