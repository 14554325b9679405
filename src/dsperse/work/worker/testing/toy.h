// Slices that cost nothing, a coordinator's jobs for them, and a worker around: for tests of what a worker does between take and
// deliver. work/compute has the real slices.
#pragma once

#include <functional>
#include <stdexcept>

#include "dsperse/engine/checks.h"
#include "dsperse/engine/testing/suite.h"
#include "dsperse/trust/receipt/testing/sample.h"
#include "dsperse/trust/sign/ed25519.h"
#include "dsperse/work/task/values.h"
#include "dsperse/work/worker/worker.h"

namespace dsperse::work::testing {

using engine::testing::ok;
using engine::testing::value;
using trust::testing::named;

/// An output is a hash of the slice, the inputs' bytes and its chunk; a root one of values and seed.
class ToyComputer final : public Computer {
 public:
  std::function<Status()> before = [] { return Status{}; };  ///< may fail
  std::size_t done = 0;

  Result<Computed> compute(const SliceTask& task, engine::BlobStore& blobs) override {
    DSPERSE_CHECK_OK(before());
    ++done;
    crypto::Hasher in;
    in.update(task.slice_key);
    for (const TensorRef& i : task.inputs) {
      DSPERSE_TRY(const Bytes values, blobs.get(i.values, 1U << 20));
      in.update(values);
    }
    Computed out;
    for (const OutputRef& o : task.outputs) {
      crypto::Hasher h = in;
      h.update(Bytes{static_cast<std::uint8_t>(o.chunk)});
      const Digest values = h.digest();
      const Digest root = o.seed ? crypto::hash_tagged("toy root", {values, *o.seed}) : public_root(values);
      out.outputs.push_back({o.chunk, root, {values.begin(), values.end()}});
    }
    if (task.prove) out.proof = Bytes{'p', 'r', 'o', 'o', 'f', static_cast<std::uint8_t>(done)};
    return out;
  }
};

/// Goes on by a millisecond whenever it is asked.
struct ToyClock final : engine::Clock {
  engine::TimeMs time = 1'700'000'000'000;
  engine::TimeMs now() override { return ++time; }
};

/// The number'th task; its input's values are `input_of`.
inline Bytes input_of(unsigned number) { return encode_values(std::vector<std::int32_t>{static_cast<std::int32_t>(number), 7}); }
inline SliceTask toy_task(unsigned number, bool prove = false) {
  SliceTask t;
  t.run = named("run"), t.model = named("model"), t.slice_key = named("slice");
  t.nonce = named("nonce " + std::to_string(number));
  t.inputs = {{1, crypto::hash(input_of(number)), named("seed in")}};
  t.outputs = {{2, named("seed out")}, {3, std::nullopt}};
  t.live = {{0, named("root 0")}, {1, named("root 1 of " + std::to_string(number))}};
  t.ended = {1};
  t.prove = prove;
  return t;
}
inline engine::Job job_for(const Task& task, const trust::PublicKey& worker) {
  engine::Job job;
  job.id = std::visit([](const auto& t) { return job_of(t); }, task);
  job.payload = encode_task(task);
  job.needs = {"worker=" + to_hex(worker)};
  job.max_leases = 1'000'000;
  return job;
}

inline engine::NodeProfile profile_of(const trust::PublicKey& key) { return {key, "acme", "earth", "toy/1", {}, 1U << 20}; }

/// What a finished job was answered with; the last answer if late ones came, too.
inline Answer answer_to(engine::JobQueue& jobs, const Digest& job) {
  std::optional<Bytes> result;
  for (const engine::LeaseRecord& l : value(jobs.history(job)))
    if (l.result) result = l.result;
  if (!result) throw std::runtime_error("no answer");
  return value(decode_answer(*result));
}

/// The receipt in an opened answer, if the signature is right and it opens `commitment` of the task.
inline trust::Receipt receipt_of(const Opened& opened, const SliceTask& task, const Digest& commitment,
                                 const trust::PublicKey& worker) {
  trust::Receipt r;
  if (const Verdict v = trust::verify_receipt(opened.receipt, trust::Ed25519Check(), r); !v) throw std::runtime_error(v.reason);
  const trust::Assignment asked{task.run,       task.model, task.slice_key, h_in_of(task), task.nonce,
                                roots_in(task), worker,     r.lease,        commitment};
  if (const Verdict v = trust::verify_answer(r, asked); !v) throw std::runtime_error(v.reason + " " + v.where);
  if (const Verdict v = trust::verify_opening(commitment, job_of(task), worker, opened.opening); !v)
    throw std::runtime_error(v.reason);
  if (r.h_out != opened.opening.h_out || r.h_out != trust::trace_digest(value(live_after(task, r.roots_out))))
    throw std::runtime_error("another trace");
  return r;
}

}  // namespace dsperse::work::testing
