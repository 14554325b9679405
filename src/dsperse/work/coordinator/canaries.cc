// Canaries (R9): jobs whose answer the coordinator knows, out of runs that nobody asked for.
//
// Each worker has a fake run of its own: an input disturbed from a real one (a sixteenth of its elements overwritten by others of
// the same tensor, so that it keeps every bound and most of its look), seeds and roots that fit from slice to slice, a run id
// like any. The worker gets slices of it in order, as it does of real runs; when a canary is due for a slice that its fake run
// has passed, a new one begins. So neither a job nor several of them together tell a canary, but to who sees which runs the log
// opened, or shares the blob store. The coordinator runs the slices of fake runs itself, to know the answers.
#include <algorithm>

#include "dsperse/crypto/hash/hash.h"
#include "dsperse/work/coordinator/pass.h"
#include "dsperse/work/coordinator/queue.h"

namespace dsperse::work {
namespace {

namespace audit = trust::audit;

constexpr std::uint64_t kMostBlobBytes = std::uint64_t{1} << 30;
constexpr std::size_t kElement = 4;

Bytes disturbed(Bytes values, const Digest& seed) {
  const std::size_t n = values.size() / kElement;
  if (n < 2) return values;
  crypto::SeedStream stream(seed, "canary input");
  for (std::size_t i = 0; i < n / 16 + 1; ++i) {
    const std::size_t from = stream.below(n) * kElement, to = stream.below(n) * kElement;
    std::copy_n(values.begin() + static_cast<std::ptrdiff_t>(from), kElement, values.begin() + static_cast<std::ptrdiff_t>(to));
  }
  return values;
}

}  // namespace

Status Pass::begin_fake(Run& fake) {
  Standings& s = c_.standings;
  fake = Run{};
  fake.model = c_.model.model;
  fake.attempt.secret = derive(s.secret, "fake run", s.next_canary);
  fake.attempt.salt = derive(fake.attempt.secret, "salt");
  fake.attempt.run = c_.ports.proofs.run_id({}, fake.attempt.salt);
  fake.attempt.slices.resize(c_.model.slices.size());
  for (RunRequest::Input in : run_.request.inputs) {
    DSPERSE_TRY(Bytes values, c_.ports.engine.blobs().get(in.values, kMostBlobBytes));
    values = disturbed(std::move(values), derive(fake.attempt.secret, "input", in.chunk));
    DSPERSE_TRY(in.values, c_.ports.engine.blobs().put(values));
    in.root = public_root(values);
    if (in.seed) {
      in.seed = seed_of(fake.attempt, in.chunk);
      DSPERSE_TRY(in.root, c_.ports.proofs.root_of(in.chunk, values, *in.seed));
    }
    fake.request.inputs.push_back(in);
  }
  return {};
}

Result<bool> Pass::settle_fake(Run& fake, std::uint32_t slice, const SliceTask& task) {
  const auto known = c_.ports.own->compute(task, c_.ports.engine.blobs());
  if (!known) return false;  // a canary that can't be made is none
  Settled settled;
  for (const Computed::Output& o : known->outputs) {
    settled.roots.push_back({o.chunk, o.root});
    DSPERSE_TRY(const Digest blob, c_.ports.engine.blobs().put(o.values));
    settled.values.emplace_back(o.chunk, blob);
  }
  DSPERSE_TRY(const trust::BoundaryRoots live, live_after(task, settled.roots));
  settled.h_out = trust::trace_digest(live);
  fake.attempt.slices[slice].settled = std::move(settled);
  return true;
}

Status Pass::maybe_canary(std::uint32_t slice) {
  Standings& s = c_.standings;
  if (c_.ports.own == nullptr || !audit::is_canary(s.secret, s.slots, c_.settings.canaries)) return {};
  DSPERSE_TRY(const std::optional<Digest> worker, choose(c_.model.slices[slice].run_bytes, [](const auto&) { return true; }));
  if (!worker) return {};
  const std::uint32_t number = s.next_canary++;
  Run& fake = s.fakes[*worker];
  if (fake.model != c_.model.model || fake.attempt.slices[slice].settled) DSPERSE_CHECK_OK(begin_fake(fake));
  SliceTask task;
  for (std::uint32_t i = 0; i <= slice; ++i) {
    if (fake.attempt.slices[i].settled) continue;
    task = slice_task(c_.model, fake, i, derive(fake.attempt.secret, "nonce", number));
    DSPERSE_TRY(const bool settled, settle_fake(fake, i, task));
    if (!settled) return {};
  }
  CanaryErrand out;
  out.errand.number = number;
  out.errand.slice = slice;
  out.errand.purpose = Purpose::canary;
  out.errand.job = job_of(task);
  out.errand.worker = *worker;
  out.errand.since = c_.now;
  out.errand.deadline = c_.now + 2 * c_.settings.commit_ms;
  out.task = encode_task(task);
  const Digest expected = fake.attempt.slices[slice].settled->h_out;
  DSPERSE_TRY(const auto stocked, audit::step(s.canaries, audit::Stock{out.errand.job, expected, {}}));
  DSPERSE_TRY(const auto issued, audit::step(s.canaries, audit::Issue{out.errand.job, *worker}));
  static_cast<void>(stocked), static_cast<void>(issued);
  s.out.push_back(std::move(out));
  return {};
}

Status CanaryPass::collect() {
  for (CanaryErrand& c : c_.standings.out) DSPERSE_CHECK_OK(collect(c.errand));
  std::erase_if(c_.standings.out, [&](const CanaryErrand& c) {
    const bool over = c.errand.state == ErrandState::opened || c.errand.state == ErrandState::dead;
    if (over) c_.standings.canaries.erase(c.errand.job);
    return over;
  });
  return {};
}

Status CanaryPass::collect(Errand& e) {
  const bool asked = e.state == ErrandState::asked;
  DSPERSE_TRY(const Answered answered, answer_of(c_.ports.engine.jobs(), present_job(e)));
  if (!answered.result) {
    if (!answered.over && c_.now < e.deadline) return {};
    e.state = ErrandState::dead;
    return end(audit::Expire{e.job});
  }
  const auto answer = decode_answer(*answered.result);
  if (!asked) {
    const auto* committed = answer ? std::get_if<Committed>(&*answer) : nullptr;
    if (committed == nullptr) return misbehaved(e, "malformed answer");
    e.commitment = committed->commitment;
    e.state = ErrandState::asked;
    e.deadline = c_.now + c_.settings.commit_ms;
    return {};
  }
  const auto* opened = answer ? std::get_if<Opened>(&*answer) : nullptr;
  if (opened == nullptr) return misbehaved(e, "malformed answer");
  trust::Receipt receipt;
  if (!trust::verify_receipt(opened->receipt, c_.ports.check, receipt) || receipt.job != e.job || receipt.worker != e.worker ||
      receipt.h_out != opened->opening.h_out || receipt.commitment != e.commitment ||
      !trust::verify_opening(e.commitment, e.job, e.worker, opened->opening))
    return misbehaved(e, "the receipt is not valid");
  DSPERSE_CHECK_OK(note_chain(c_.ports, c_.standings, keeper_, receipt, opened->receipt));
  c_.standings.outbox.push_back(opened->receipt);
  e.state = ErrandState::opened;
  const Digest digest = trust::receipt_digest(receipt);
  DSPERSE_CHECK_OK(keeper_.lock(digest, e.worker));
  DSPERSE_CHECK_OK(keeper_.drawn(digest, false));
  DSPERSE_CHECK_OK(end(audit::Reply{e.job, e.worker, opened->opening.h_out}));
  if (c_.standings.canaries.at(e.job).status == audit::CanaryStatus::passed) {
    DSPERSE_CHECK_OK(keeper_.valid(e.worker));
    return keeper_.release(digest);
  }
  return keeper_.slash(digest, {}, e.job);
}

Status CanaryPass::end(const audit::CanaryEvent& event) {
  DSPERSE_TRY(const std::optional<trust::Strike> strike, audit::step(c_.standings.canaries, event));
  return strike ? keeper_.strike(*strike) : Status{};
}

Status CanaryPass::misbehaved(Errand& e, const char* reason) {
  e.state = ErrandState::dead;
  return keeper_.strike({e.worker, e.job, trust::StrikeKind::commitment, reason});
}

Status CanaryPass::act() {
  for (const CanaryErrand& c : c_.standings.out) {
    if (c_.done.contains(present_job(c.errand))) continue;
    DSPERSE_CHECK_OK(submit(c_.ports.engine.jobs(), c.errand, c.task, c_.model, c_.settings));
    c_.done.insert(present_job(c.errand));
  }
  return {};
}

}  // namespace dsperse::work
