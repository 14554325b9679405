#include "dsperse/work/coordinator/queue.h"

#include <algorithm>

#include "dsperse/trust/receipt/evidence.h"

namespace dsperse::work {
namespace {

constexpr std::uint32_t kMostLeases = 3;  ///< a worker that was stopped may take its job up again
/// A claimant that gives up for a passing reason (memory, disk) may try until the dispute's deadline: silence would be a strike.
constexpr std::uint32_t kMostClaimLeases = 1000;

}  // namespace

Result<Answered> answer_of(engine::JobQueue& jobs, const Digest& id) {
  Answered out;
  DSPERSE_TRY(const std::optional<engine::JobRecord> job, jobs.find(id));
  if (!job) return out;
  using enum engine::JobState;
  out.over = job->state == failed || job->state == withdrawn;
  out.lapsed = job->leases > 1 || (job->leases == 1 && (job->state == queued || job->state == failed));
  if (job->state != done && !out.lapsed && !out.over) return out;
  DSPERSE_TRY(const std::vector<engine::LeaseRecord> history, jobs.history(id));
  const auto has_result = [](const engine::LeaseRecord& l) { return l.result.has_value(); };
  auto at = std::ranges::find_if(history, [&](const engine::LeaseRecord& l) { return l.id == job->lease && has_result(l); });
  if (at == history.end()) at = std::ranges::find_if(history, has_result);
  if (at != history.end()) out.result = at->result;
  return out;
}

Digest present_job(const Errand& e) { return e.state == ErrandState::asked ? job_of(OpenTask{e.job}) : e.job; }

Status submit(engine::JobQueue& jobs, const Errand& e, ByteView slice_task, const ModelFacts& model, const Settings& settings) {
  const bool asks = e.state == ErrandState::asked;
  const ModelFacts::Slice& facts = model.slices[e.slice];
  engine::Job job;
  job.id = present_job(e);
  // A coordinator that was started anew with other limits keeps the jobs that are out as they are.
  DSPERSE_TRY(const std::optional<engine::JobRecord> known, jobs.find(job.id));
  if (known) return {};
  job.payload = asks ? encode_task(OpenTask{e.job}) : Bytes(slice_task.begin(), slice_task.end());
  job.needs = {"worker=" + to_hex(e.worker)};
  job.priority = asks || e.purpose == Purpose::claim ? 1 : 0;  // what others wait for, against a deadline
  job.memory_bytes = asks ? 0 : proves(e.purpose) ? facts.prove_bytes : facts.run_bytes;
  job.time_ms = asks ? settings.commit_ms : proves(e.purpose) ? facts.prove_ms : facts.run_ms;
  job.max_leases = e.purpose == Purpose::claim ? kMostClaimLeases : kMostLeases;
  DSPERSE_TRY(const engine::Submitted submitted, jobs.submit(job));
  static_cast<void>(submitted);
  return {};
}

Status note_chain(Coordinator::Ports& ports, Standings& standings, Keeper& keeper, const trust::Receipt& receipt,
                  const Bytes& text) {
  const std::string name = "chain/" + to_hex(receipt.worker) + "/" + to_hex(receipt.prev);
  DSPERSE_TRY(const std::optional<Bytes> known, ports.state.load(name));
  if (!known) return ports.state.save({{name, text}});
  if (*known == text) return {};
  DSPERSE_TRY(trust::Envelope first, trust::decode_envelope(*known));
  DSPERSE_TRY(trust::Envelope second, trust::decode_envelope(text));
  const trust::Evidence evidence = trust::make_evidence(trust::kEquivocation, std::move(first), std::move(second));
  trust::PublicKey worker{};
  if (!trust::verify_equivocation(evidence, ports.check, worker)) return {};  // one receipt, signed twice
  DSPERSE_TRY(const Digest blob, ports.engine.blobs().put(trust::encode_evidence(evidence)));
  if (std::ranges::find(standings.evidence, blob) == standings.evidence.end()) standings.evidence.push_back(blob);
  return keeper.strike({worker, receipt.job, trust::StrikeKind::commitment, "two receipts follow one"});
}

}  // namespace dsperse::work
