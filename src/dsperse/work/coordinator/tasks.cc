#include "dsperse/work/coordinator/tasks.h"

#include <algorithm>

#include "dsperse/crypto/hash/hash.h"

namespace dsperse::work {
namespace {

/// Roots after the slice, or what of them is known.
void pass(const ModelFacts& model, const Run& run, std::uint32_t slice, trust::BoundaryRoots& live) {
  const auto& settled = run.attempt.slices[slice].settled;
  if (settled) live.insert(live.end(), settled->roots.begin(), settled->roots.end());
  const auto& ended = model.slices[slice].ended;
  std::erase_if(live, [&](const trust::BoundaryRoot& r) { return std::ranges::binary_search(ended, r.chunk); });
  std::ranges::sort(live, {}, &trust::BoundaryRoot::chunk);
}

trust::BoundaryRoots first_roots(const Run& run) {
  trust::BoundaryRoots out;
  for (const RunRequest::Input& i : run.request.inputs) out.push_back({i.chunk, i.root});
  return out;
}

}  // namespace

Digest derive(const Digest& secret, std::string_view label, std::uint64_t number) {
  ByteWriter w;
  w.text(label);
  w.u64(number);
  return crypto::hash_tagged("dsperse coordinator secret v1", {secret, w.bytes()});
}

Digest seed_of(const Attempt& attempt, std::uint32_t chunk) { return derive(attempt.secret, "output seed", chunk); }
Digest lottery_secret(const Attempt& attempt) { return derive(attempt.secret, "lottery"); }

trust::BoundaryRoots live_before(const ModelFacts& model, const Run& run, std::uint32_t slice) {
  trust::BoundaryRoots live = first_roots(run);
  for (std::uint32_t i = 0; i < slice; ++i) pass(model, run, i, live);
  return live;
}

std::vector<Digest> trace_before(const ModelFacts& model, const Run& run, std::uint32_t slice) {
  trust::BoundaryRoots live = first_roots(run);
  std::vector<Digest> out{trust::trace_digest(live)};
  for (std::uint32_t i = 0; i < slice; ++i) {
    pass(model, run, i, live);
    out.push_back(trust::trace_digest(live));
  }
  return out;
}

TensorRef tensor_of(const ModelFacts& model, const Run& run, std::uint32_t chunk) {
  for (const RunRequest::Input& i : run.request.inputs)
    if (i.chunk == chunk) return {chunk, i.values, i.seed};
  for (const SliceState& s : run.attempt.slices) {
    if (!s.settled) continue;
    for (const auto& [made, values] : s.settled->values)
      if (made == chunk)
        return {chunk, values, model.committed[chunk] ? std::optional(seed_of(run.attempt, chunk)) : std::nullopt};
  }
  return {chunk, {}, std::nullopt};
}

SliceTask slice_task(const ModelFacts& model, const Run& run, std::uint32_t slice, const Digest& nonce) {
  const ModelFacts::Slice& facts = model.slices[slice];
  SliceTask task;
  task.run = run.attempt.run;
  task.model = model.model;
  task.slice_key = facts.key;
  task.nonce = nonce;
  task.slice = slice;
  task.package = facts.package;
  task.weights = facts.weights;
  for (const std::uint32_t c : facts.inputs) task.inputs.push_back(tensor_of(model, run, c));
  for (const std::uint32_t c : facts.outputs)
    task.outputs.push_back({c, model.committed[c] ? std::optional(seed_of(run.attempt, c)) : std::nullopt});
  task.live = live_before(model, run, slice);
  task.ended = facts.ended;
  return task;
}

SliceTask task_of(const ModelFacts& model, const Run& run, const Errand& errand) {
  SliceTask task = slice_task(model, run, errand.slice, derive(run.attempt.secret, "nonce", errand.number));
  task.prove = proves(errand.purpose);
  task.opening = errand.weights;
  return task;
}

SliceTask own_task(const ModelFacts& model, const Run& run, std::uint32_t slice, std::uint64_t number,
                   const std::optional<WeightOpening>& weights) {
  SliceTask task = slice_task(model, run, slice, derive(run.attempt.secret, "own nonce", number));
  task.prove = true;
  task.opening = weights;
  return task;
}

}  // namespace dsperse::work
