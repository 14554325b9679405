// Canaries (R9): jobs whose answer the coordinator knows, made from a run's own job by disturbing its inputs.
//
// A canary's inputs are the job's with a sixteenth of the elements overwritten by others of the same tensor, so they keep every
// bound of the tensor and most of its look; its run id and the roots that the slice does not read are random. Its payload has the
// form of any job. The coordinator runs the slice itself to know the answer.
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

Status Pass::maybe_canary(std::uint32_t slice) {
  Standings& s = c_.standings;
  if (c_.ports.own == nullptr || !audit::is_canary(s.secret, s.slots, c_.settings.canaries)) return {};
  DSPERSE_TRY(const std::optional<Digest> worker, choose(c_.model.slices[slice].run_bytes, [](const auto&) { return true; }));
  if (!worker) return {};
  const std::uint32_t number = s.next_canary++;
  const auto fresh = [&](const char* label, std::uint64_t i) { return derive(derive(s.secret, label, number), "part", i); };
  SliceTask task = slice_task(c_.model, run_, slice, fresh("canary nonce", 0));
  task.run = fresh("canary run", 0);
  for (trust::BoundaryRoot& r : task.live) r.root = fresh("canary root", r.chunk);
  for (OutputRef& o : task.outputs)
    if (o.seed) o.seed = fresh("canary output", o.chunk);
  for (TensorRef& in : task.inputs) {
    DSPERSE_TRY(Bytes values, c_.ports.engine.blobs().get(in.values, kMostBlobBytes));
    values = disturbed(std::move(values), fresh("canary values", in.chunk));
    DSPERSE_TRY(in.values, c_.ports.engine.blobs().put(values));
    Digest root = public_root(values);
    if (in.seed) {
      in.seed = fresh("canary input", in.chunk);
      DSPERSE_TRY(root, c_.ports.proofs.root_of(in.chunk, values, *in.seed));
    }
    std::ranges::find(task.live, in.chunk, &trust::BoundaryRoot::chunk)->root = root;
  }
  const auto known = c_.ports.own->compute(task, c_.ports.engine.blobs());
  if (!known) return {};  // a canary that can't be made is none
  trust::BoundaryRoots made;
  for (const Computed::Output& o : known->outputs) made.push_back({o.chunk, o.root});
  DSPERSE_TRY(const trust::BoundaryRoots live, live_after(task, made));

  CanaryErrand out;
  out.errand.number = number;
  out.errand.slice = slice;
  out.errand.purpose = Purpose::canary;
  out.errand.job = job_of(task);
  out.errand.worker = *worker;
  out.errand.since = c_.now;
  out.errand.deadline = c_.now + 2 * c_.settings.commit_ms;
  out.task = encode_task(task);
  DSPERSE_TRY(const auto stocked, audit::step(s.canaries, audit::Stock{out.errand.job, trust::trace_digest(live), {}}));
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
  return keeper_.slash(digest, c_.ports.signer.key(), e.job);
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
