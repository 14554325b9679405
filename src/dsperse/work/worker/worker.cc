#include "dsperse/work/worker/worker.h"

#include <algorithm>

#include "dsperse/crypto/hash/hash.h"
#include "dsperse/engine/checks.h"

namespace dsperse::work {
namespace {

/// Calls without an answer are made again so often: each is idempotent (docs/engine.md).
constexpr int kTries = 3;

std::unexpected<Error> no_task(const std::string& what, const Digest& job) {
  return fail(ErrorKind::usage, what, "job " + to_hex(job));
}

/// The same call again while nobody answers.
template <class Call>
auto insist(Call call) {
  auto result = call();
  for (int i = 1; i < kTries && !result && result.error().kind == ErrorKind::backend; ++i) result = call();
  return result;
}

/// The engine does not know the lease: its job was withdrawn and forgotten meanwhile. Answer and reason are within its limits.
bool forgotten(const Result<engine::Delivery>& delivery) { return !delivery && delivery.error().kind == ErrorKind::usage; }

Bytes answer_of(const Done& done, bool proved, const trust::PublicKey& worker) {
  if (proved) return encode_answer(Proved{done.opening, done.receipt, done.outputs, *done.proof});
  return encode_answer(Committed{trust::commitment(done.job, worker, done.opening)});
}

}  // namespace

Digest salt_of(const Digest& secret, const Digest& job) { return crypto::hash_tagged("dsperse worker salt v1", {secret, job}); }

Status Worker::enroll() {
  if (parts_.profile.key != parts_.signer.key())
    return fail(ErrorKind::usage, "a worker enrolls with the key that it signs with");
  if (!trust::is_word(parts_.profile.engine, trust::kMaxEngineBytes))
    return fail(ErrorKind::usage, "the engine's name can't stand in receipts", parts_.profile.engine,
                "choose at most 128 printable ASCII characters without \" and \\");
  DSPERSE_CHECK_OK(insist([&] { return parts_.engine.nodes().enroll(parts_.profile, parts_.clock.now()); }));
  return {};
}

Result<std::optional<engine::Lease>> Worker::take() {
  DSPERSE_TRY(const auto node, parts_.engine.nodes().find(parts_.profile.key));
  if (!node) return fail(ErrorKind::usage, "this worker is not enrolled", to_hex(parts_.profile.key));
  if (node->state == engine::NodeState::excluded)
    return fail(ErrorKind::usage, "this worker is excluded: " + node->reason, to_hex(parts_.profile.key),
                "what was struck stays struck; a new worker starts with a new state folder");
  if (node->state == engine::NodeState::suspended) return std::nullopt;
  return parts_.engine.jobs().lease(engine::puller_of(node->profile), parts_.clock.now(), parts_.beat_ms);
}

Result<Bytes> Worker::work(const engine::Lease& lease) {
  const Digest& job = lease.job.id;
  const auto task = decode_task(lease.job.payload);
  if (!task) return no_task(task.error().text(), job);
  if (std::visit([](const auto& t) { return job_of(t); }, *task) != job) return no_task("the task is another job's", job);
  if (const auto* open = std::get_if<OpenTask>(&*task)) {
    DSPERSE_TRY(const std::optional<Done> done, parts_.book.find(open->job));
    if (!done) return no_task("unknown job: nothing was committed for " + to_hex(open->job), job);
    return encode_answer(Opened{done->opening, done->receipt, done->outputs});
  }
  const auto& slice = std::get<SliceTask>(*task);
  DSPERSE_TRY(std::optional<Done> done, parts_.book.find(job));
  if (!done) {
    DSPERSE_TRY(done, do_slice(slice, lease));
  }
  if (slice.prove && !done->proof) return no_task("this job was done without a proof before", job);
  return answer_of(*done, slice.prove, parts_.signer.key());
}

Result<Done> Worker::do_slice(const SliceTask& task, const engine::Lease& lease) {
  const engine::TimeMs started = std::max<engine::TimeMs>(0, parts_.clock.now());
  engine::BlobStore& blobs = parts_.engine.blobs();
  DSPERSE_TRY(const Computed computed, parts_.computer.compute(task, blobs));
  Done done{lease.job.id, {}, {}, {}, std::nullopt};
  trust::Receipt r;
  for (const Computed::Output& o : computed.outputs) {
    DSPERSE_TRY(const Digest values, insist([&] { return blobs.put(o.values); }));
    done.outputs.emplace_back(o.chunk, values);
    r.roots_out.push_back({o.chunk, o.root});
  }
  if (computed.proof) {
    DSPERSE_TRY(done.proof, insist([&] { return blobs.put(*computed.proof); }));
  }
  DSPERSE_TRY(const trust::BoundaryRoots live, live_after(task, r.roots_out));
  done.opening = {trust::trace_digest(live), salt_of(parts_.secret, done.job)};
  r.job = done.job, r.run = task.run, r.model = task.model, r.slice_key = task.slice_key;
  r.h_in = h_in_of(task), r.h_out = done.opening.h_out;
  r.commitment = trust::commitment(done.job, parts_.signer.key(), done.opening);
  r.roots_in = roots_in(task);
  r.engine = parts_.profile.engine;
  r.proof = done.proof;
  r.started_ms = static_cast<std::uint64_t>(started);
  r.finished_ms = static_cast<std::uint64_t>(std::max(started, parts_.clock.now()));  // clocks may jump back
  r.lease = lease.id;
  r.worker = parts_.signer.key();
  DSPERSE_TRY(r.prev, parts_.book.last());
  DSPERSE_TRY(const trust::Envelope envelope, trust::sign_receipt(r, parts_.signer));
  done.receipt = trust::encode_envelope(envelope);
  const Status recorded = parts_.book.record(done, trust::receipt_digest(r), r.prev);
  if (!recorded) {
    Error error = recorded.error();
    // The job may come back to a worker that is alone with its key.
    if (error.kind == ErrorKind::usage) error.kind = ErrorKind::resource;
    return std::unexpected(std::move(error));
  }
  return done;
}

Status Worker::deliver(const engine::Lease& lease, ByteView answer) {
  const auto delivery = parts_.engine.jobs().complete(lease.id, answer, parts_.clock.now());
  if (forgotten(delivery)) return {};
  if (!delivery) return std::unexpected(delivery.error());
  if (*delivery == engine::Delivery::conflicting)
    return fail(ErrorKind::usage, "the lease has another answer: another process has this worker's key",
                "job " + to_hex(lease.job.id), "stop one of the two");
  return {};
}

Status Worker::give_up(const engine::Lease& lease, const Error& why) {
  std::string reason = why.text();
  reason.resize(std::min(reason.size(), engine::kMaxReasonBytes));
  const engine::TimeMs now = parts_.clock.now();
  const bool hopeless = why.kind == ErrorKind::usage || why.kind == ErrorKind::unsupported;
  const auto retry_at = hopeless ? std::nullopt : std::optional(now + parts_.retry_ms);
  const auto delivery = parts_.engine.jobs().fail(lease.id, reason, retry_at, now);
  if (forgotten(delivery)) return {};
  if (!delivery) return std::unexpected(delivery.error());
  return {};
}

Result<bool> Worker::step() {
  DSPERSE_TRY(const std::optional<engine::Lease> lease, take());
  if (!lease) return false;
  const auto answer = work(*lease);
  DSPERSE_CHECK_OK(insist([&] { return answer ? deliver(*lease, *answer) : give_up(*lease, answer.error()); }));
  return true;
}

}  // namespace dsperse::work
