#include "dsperse/pipeline/prove.h"

#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <map>
#include <thread>

#include "dsperse/base/parallel.h"
#include "dsperse/pipeline/memory.h"
#include "dsperse/pipeline/slice_prover.h"
#include "dsperse/proof/verify.h"

namespace dsperse::pipeline {
namespace {

std::string slice_name(std::uint32_t i) { return "slice " + std::to_string(i); }

/// A proof that exists has used its opening; counters that say otherwise were set back, and would use it again.
Status check_counted(store::OpeningStore& openings, const proof::SliceProof& proof) {
  if (!proof.weights) return {};
  DSPERSE_TRY(const bool uncounted, openings.uncounted(*proof.weights, proof.opening));
  if (!uncounted) return {};
  return fail(ErrorKind::bad_input,
              "the opening counters are older than this proof: they were restored from a backup, and would use openings again",
              slice_name(proof.slice), "delete openings.db in the state folder, then compile again or import a share");
}

/// A stored proof that verifies is kept; any other is dropped.
Result<bool> keep(ProveContext& context, std::uint32_t slice, const Digest& run_id, const std::vector<proof::Boundary>& table) {
  DSPERSE_TRY(const std::optional<proof::SliceProof> stored, context.run.proof(slice));
  if (stored) {
    const proof::ModelKey& key = context.model.model().key;
    proof::Statement statement = slice_statement(key, slice, run_id, table);
    statement.weights = stored->weights;
    statement.opening = stored->opening;
    if (proof::verify_slice(key.slices[slice], statement, stored->proof)) {
      DSPERSE_CHECK_OK(check_counted(context.openings, *stored));
      return true;
    }
    tell(context.observer,
         {Event::Kind::note, slice, 0, fmt::format("the stored proof of slice {} is damaged: proving it again", slice), 0, 0, 0});
  }
  DSPERSE_CHECK_OK(context.run.drop_proof(slice));
  return false;
}

/// Everything that would stop a slice later, before the first one starts.
Status check_before_work(ProveContext& context, const ProveOptions& options, const std::vector<std::uint32_t>& todo,
                         const Digest& run_id, const std::vector<proof::Boundary>& table) {
  const store::CompiledModel& model = context.model.model();
  const std::uint64_t process = rss_bytes();
  for (const std::uint32_t i : todo) {
    const proof::SliceKey& slice = model.key.slices[i];
    if (slice.in_float)
      return fail(ErrorKind::unsupported, "this slice runs in float by " + slice.in_float->engine_text() + " and has no proof",
                  slice_name(i), "nothing but trust can hold it: say so in the policy");
    if (const auto why = context.backend.unsupported(slice.program))
      return fail(ErrorKind::unsupported, "this slice cannot be proved: " + *why, slice_name(i));
    const slice::Cost& cost = model.predicted[i];
    const std::uint64_t need =
        process + (cost.lean_peak_bytes != 0 ? std::min(cost.peak_bytes, cost.lean_peak_bytes) : cost.peak_bytes);
    if (options.memory_bytes != 0 && need > options.memory_bytes)
      return fail(
          ErrorKind::resource,
          fmt::format("needs a predicted {} MiB, more than the {} MiB allowed", (need >> 20) + 1, options.memory_bytes >> 20),
          slice_name(i),
          fmt::format("allow {0}M with --memory, or cut smaller slices: `dsperse slice --memory`", (need >> 20) + 1));
    if (Status s = context.openings.check_boundaries(committed_roots(slice_statement(model.key, i, run_id, table).boundaries));
        !s)
      return std::unexpected(s.error().within(slice_name(i)));
    if (!slice.weight_root) continue;
    if (auto choice = context.openings.choose(slice.digest(), *slice.weight_root); !choice)
      return std::unexpected(choice.error().within(slice_name(i)));
  }
  return {};
}

/// Workers take the slices with the longest predicted time first, as long as the memory of those in work fits.
class Crew {
 public:
  Crew(ProveContext& context, const ProveOptions& options, std::vector<std::uint32_t> todo)
      : context_(context), options_(options), todo_(std::move(todo)), process_(rss_bytes()) {
    const auto& predicted = context.model.model().predicted;
    std::stable_sort(todo_.begin(), todo_.end(),
                     [&](auto a, auto b) { return predicted[a].prove_seconds > predicted[b].prove_seconds; });
    context_.measure = [this](store::SliceRecord& record) {
      record.work_bytes = meter_.peak();
      record.predicted_bytes = together_;
    };
  }
  ~Crew() { context_.measure = {}; }
  Crew(const Crew&) = delete;
  Crew& operator=(const Crew&) = delete;

  Status work(const Digest& run_id, std::map<std::uint32_t, store::SliceRecord>& records) {
    const auto loop = [&] {
      while (const auto slice = take()) {
        auto record = [&] {
          const OwnWork own;
          return prove_and_publish(context_, slice->index, run_id, slice->codewords);
        }();
        give_back(*slice, record ? Status{} : std::unexpected(record.error().within(slice_name(slice->index))));
        if (!record) return;
        const std::scoped_lock lock(context_.state);
        tell(context_.observer,
             {Event::Kind::finished, slice->index, slices(), "prove", record->prove_s, 0, record->proof_bytes});
        records.emplace(slice->index, std::move(*record));
      }
    };
    std::vector<std::thread> helpers;
    const std::size_t crew = std::min<std::size_t>(options_.workers, todo_.size());  // before the first one takes a slice
    for (std::size_t w = 1; w < crew; ++w) helpers.emplace_back(loop);
    loop();
    for (std::thread& t : helpers) t.join();
    return result_;
  }

 private:
  [[nodiscard]] std::uint32_t slices() const { return static_cast<std::uint32_t>(context_.model.model().key.slices.size()); }
  /// A slice that is begun, and how.
  struct Job {
    std::uint32_t index = 0;
    proof::Codewords codewords = proof::Codewords::kept;
    std::uint64_t bytes = 0;
  };

  /// How the slice fits beside what is in work: codewords kept if they may be, else recomputed. One alone always does: what it is
  /// allowed was checked before.
  [[nodiscard]] std::optional<Job> fit(std::uint32_t slice) const {
    const slice::Cost& cost = context_.model.model().predicted[slice];
    const std::uint64_t lean = cost.lean_peak_bytes != 0 ? std::min(cost.peak_bytes, cost.lean_peak_bytes) : cost.peak_bytes;
    const auto fits = [&](std::uint64_t bytes) {
      return options_.memory_bytes == 0 || process_ + in_use_ + bytes <= options_.memory_bytes;
    };
    const bool planned_lean = cost.codewords == slice::Codewords::recomputed;
    if (!planned_lean && fits(cost.peak_bytes)) return Job{slice, proof::Codewords::kept, cost.peak_bytes};
    if (in_work_ == 0 || fits(lean)) return Job{slice, proof::Codewords::recomputed, lean};
    return std::nullopt;
  }

  /// Next slice that fits; waits while none does; nothing when all are taken or one failed.
  std::optional<Job> take() {
    std::unique_lock lock(mutex_);
    for (;;) {
      if (!result_ || todo_.empty()) return std::nullopt;
      for (auto at = todo_.begin(); at != todo_.end(); ++at) {
        const std::optional<Job> job = fit(*at);
        if (!job) continue;
        todo_.erase(at);
        const double predicted = context_.model.model().predicted[job->index].prove_seconds;
        const std::scoped_lock state(context_.state);
        if (in_work_++ == 0) {
          meter_ = PeakMeter();
          together_ = 0;
        }
        in_use_ += job->bytes;
        together_ = std::max(together_, in_use_);
        tell(context_.observer, {Event::Kind::begin, job->index, slices(), "prove", 0, predicted, 0});
        return job;
      }
      changed_.wait(lock);
    }
  }

  void give_back(const Job& job, Status status) {
    const std::scoped_lock lock(mutex_);
    --in_work_;
    in_use_ -= job.bytes;
    if (!status && result_) result_ = std::move(status);
    changed_.notify_all();
  }

  ProveContext& context_;
  const ProveOptions& options_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::uint32_t> todo_;
  std::uint64_t process_;  ///< resident before work begins
  unsigned in_work_ = 0;
  std::uint64_t in_use_ = 0;
  // Under context_.state: memory since the first of those in work was begun, and the most that was predicted since then.
  PeakMeter meter_;
  std::uint64_t together_ = 0;
  Status result_;
};

}  // namespace

Result<std::vector<proof::Boundary>> boundary_table(const proof::ModelKey& key, const store::RunFolder& run) {
  std::vector<proof::Boundary> table;
  for (std::uint32_t c = 0; c < key.chunks.size(); ++c) {
    DSPERSE_TRY(store::StoredBoundary b, run.boundary(c, key.chunks[c].shape));
    if (b.root.has_value() == key.chunks[c].is_public)
      return fail(ErrorKind::bad_input, "run: a boundary is not what the key says", key.chunks[c].name,
                  "run again into another folder");
    table.push_back({c, b.root, key.chunks[c].is_public ? std::move(b.values) : quantize::IntTensor{}});
  }
  return table;
}

Result<ProveSummary> prove_run(const store::ModelFolder& model, store::RunFolder& run, store::OpeningStore& openings,
                               const backend::Backend& backend, const ProveOptions& options, const Observer& observer) {
  const proof::ModelKey& key = model.model().key;
  if (run.info().model_id != key.id())
    return fail(ErrorKind::bad_input, "the run was made with another compiled model", run.path(),
                "give the right one with --model, or run again");
  ProveContext context{model, run, openings, backend, observer, {}, {}};
  const Digest run_id = proof::run_id(run.info().model_id, run.info().nonce, run.info().salt);
  DSPERSE_TRY(const std::vector<proof::Boundary> table, boundary_table(key, run));

  std::map<std::uint32_t, store::SliceRecord> records;
  std::set<std::uint32_t> kept;
  std::vector<std::uint32_t> todo;
  for (const std::uint32_t i : options.slices) {
    if (i >= key.slices.size()) return fail(ErrorKind::usage, "the model has no such slice", slice_name(i));
    DSPERSE_TRY(const bool done, keep(context, i, run_id, table));
    if (!done) {
      todo.push_back(i);
      continue;
    }
    DSPERSE_TRY(const std::optional<store::SliceRecord> record, run.record(i));
    store::SliceRecord unknown;
    unknown.slice = i;
    records.emplace(i, record.value_or(unknown));
    kept.insert(i);
    tell(observer, {Event::Kind::kept, i, static_cast<std::uint32_t>(key.slices.size()), "prove", 0, 0, 0});
  }
  DSPERSE_CHECK_OK(check_before_work(context, options, todo, run_id, table));
  DSPERSE_CHECK_OK(Crew(context, options, todo).work(run_id, records));

  DSPERSE_TRY(Bytes answers, run.answers());
  proof::Certificate certificate{run.info().model_id, run.info().nonce, run.info().salt, table, {}, std::move(answers)};
  ProveSummary out;
  for (auto& [i, record] : records) {
    DSPERSE_TRY(std::optional<proof::SliceProof> proof, run.proof(i));
    if (!proof) return fail(ErrorKind::bad_input, "run: a finished proof vanished", slice_name(i), "prove again");
    certificate.slices.push_back(std::move(*proof));
    out.slices.push_back({std::move(record), kept.contains(i)});
  }
  out.certificate = proof::encode_certificate(certificate);
  return out;
}

}  // namespace dsperse::pipeline
