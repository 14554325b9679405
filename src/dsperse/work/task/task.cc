// What a task has to satisfy, and what follows from it. Bytes are in codec.cc.
#include "dsperse/work/task/task.h"

#include <algorithm>

#include "dsperse/crypto/hash/hash.h"

namespace dsperse::work {
namespace {

std::unexpected<Error> bad(const std::string& what) {
  return fail(ErrorKind::bad_input, "task: " + what, {}, "docs/formats/tasks.md says what a task holds");
}

/// Strictly ascending by what `of` says of each.
template <class T, class Of>
bool strictly(const std::vector<T>& items, Of of) {
  return std::adjacent_find(items.begin(), items.end(), [&](const T& a, const T& b) { return of(a) >= of(b); }) == items.end();
}

const trust::BoundaryRoot* find(const trust::BoundaryRoots& live, std::uint32_t chunk) {
  const auto at = std::lower_bound(live.begin(), live.end(), chunk, [](const auto& r, std::uint32_t c) { return r.chunk < c; });
  return at != live.end() && at->chunk == chunk ? &*at : nullptr;
}

Status check(const SliceTask& t) {
  const auto chunk = [](const auto& x) { return x.chunk; };
  if (std::max({t.inputs.size(), t.outputs.size(), t.live.size(), t.ended.size()}) > kMaxPorts)
    return bad("more than " + std::to_string(kMaxPorts) + " inputs, outputs, live roots or ended chunks");
  if (t.outputs.empty()) return bad("no outputs");
  if (!strictly(t.inputs, chunk) || !strictly(t.outputs, chunk) || !trust::ascends(t.live) ||
      !strictly(t.ended, [](std::uint32_t c) { return c; }))
    return bad("chunks that do not ascend");
  for (const TensorRef& i : t.inputs)
    if (find(t.live, i.chunk) == nullptr) return bad("input " + std::to_string(i.chunk) + " has no live root");
  for (const OutputRef& o : t.outputs)
    if (find(t.live, o.chunk) != nullptr) return bad("output " + std::to_string(o.chunk) + " is live before it is made");
  for (const std::uint32_t c : t.ended) {
    const bool made = std::any_of(t.outputs.begin(), t.outputs.end(), [&](const OutputRef& o) { return o.chunk == c; });
    if (!made && find(t.live, c) == nullptr) return bad("chunk " + std::to_string(c) + " ends, but does not live");
  }
  if (t.opening && !t.prove) return bad("an opening of the weights, and nothing to prove");
  if (t.opening && t.weights == Digest{}) return bad("an opening of weights that are not hidden");
  return {};
}

}  // namespace

Status check_task(const Task& task) {
  const auto* slice = std::get_if<SliceTask>(&task);
  return slice != nullptr ? check(*slice) : Status{};
}

trust::BoundaryRoots roots_in(const SliceTask& task) {
  trust::BoundaryRoots out;
  for (const TensorRef& i : task.inputs)
    if (const auto* root = find(task.live, i.chunk); root != nullptr) out.push_back(*root);
  return out;
}

Digest job_of(const SliceTask& task) { return trust::job_id(task.run, task.slice_key, roots_in(task), task.nonce); }
Digest job_of(const OpenTask& task) { return crypto::hash_tagged("dsperse open job v1", {task.job}); }
Digest h_in_of(const SliceTask& task) { return trust::trace_digest(task.live); }

Result<trust::BoundaryRoots> live_after(const SliceTask& task, const trust::BoundaryRoots& roots_out) {
  const trust::TraceStep step{roots_out, task.ended};
  // The rules are canonical_trace's; the roots themselves it keeps to itself.
  DSPERSE_CHECK_OK(trust::canonical_trace(task.live, {&step, 1}));
  trust::BoundaryRoots out = task.live;
  out.insert(out.end(), roots_out.begin(), roots_out.end());
  std::erase_if(out, [&](const auto& r) { return std::binary_search(task.ended.begin(), task.ended.end(), r.chunk); });
  std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.chunk < b.chunk; });
  return out;
}

}  // namespace dsperse::work
