#include "conduct.h"

#include <algorithm>

#include "dsperse/crypto/hash/hash.h"

namespace dsperse::sim {
namespace {

Bytes lowest(const proof::Chunk& chunk) {
  return to_bytes(
      quantize::IntTensor(static_cast<std::size_t>(quantize::elements(chunk.shape)), static_cast<std::int32_t>(chunk.lo)));
}

}  // namespace

std::string_view name_of(Kind kind) {
  static constexpr std::string_view names[kKinds] = {"honest",    "lazy",         "cached",      "flip",     "targeted",
                                                     "colluding", "copying",      "withholding", "stalling", "beating",
                                                     "replaying", "equivocating", "lazy_auditor"};
  return names[static_cast<std::size_t>(kind)];
}

Bytes changed(const proof::Chunk& chunk, const Bytes& values, std::size_t at, std::int64_t by) {
  auto tensor = to_values(chunk, values);
  if (!tensor) return values;
  const std::int64_t span = chunk.hi - chunk.lo + 1;
  std::int32_t& v = (*tensor)[at % tensor->size()];
  v = static_cast<std::int32_t>(chunk.lo + (((v - chunk.lo + by) % span) + span) % span);
  return to_bytes(*tensor);
}

bool Hand::seems_an_audit(const work::SliceTask& task) const {
  const auto last = static_cast<std::uint32_t>(truth_.model().facts.slices.size() - 1);
  return std::ranges::any_of(grapevine_.order, [&](const Digest& job) {
    const work::SliceTask* other = grapevine_.slice_task(job);
    return other != nullptr && other->run == task.run && other->slice == last && job != work::job_of(task);
  });
}

Values Hand::claim(const work::SliceTask& task, const Values& right, Dice& dice) {
  if (!lies) return right;
  Values out = right;
  const auto chunk = [&](std::uint32_t c) -> const proof::Chunk& { return truth_.model().key.chunks[c]; };
  switch (spec_.kind) {
    case Kind::lazy:
      for (auto& [c, values] : out) values = lowest(chunk(c));
      break;
    case Kind::lazy_auditor:
      if (seems_an_audit(task))
        for (auto& [c, values] : out) values = lowest(chunk(c));
      break;
    case Kind::cached:
      out = cache_.emplace(task.slice, right).first->second;
      break;
    case Kind::flip:
      if (dice.chance(spec_.rate)) {
        auto& [c, values] = *out.begin();
        values = changed(chunk(c), values, dice.below(1000), 1 + static_cast<std::int64_t>(dice.below(20)));
      }
      break;
    case Kind::targeted:
      if (task.slice == spec_.target && dice.chance(spec_.rate)) {
        auto& [c, values] = *out.begin();
        for (std::size_t i = 0; i < values.size() / 4; ++i)
          values = changed(chunk(c), values, i, static_cast<std::int64_t>(dice.below(1000)));
      }
      break;
    case Kind::colluding:
      if (task.slice == spec_.target) {
        auto& [c, values] = *out.begin();
        values = changed(chunk(c), values, 0, 1 + spec_.clique);
      }
      break;
    default:
      break;
  }
  return out;
}

Result<work::Computed> Hand::compute(const work::SliceTask& task, engine::BlobStore& blobs) {
  fuse_.pass("compute");
  const work::ModelFacts::Slice* slice = nullptr;
  for (const auto& s : truth_.model().facts.slices)
    if (s.key == task.slice_key) slice = &s;
  if (slice == nullptr) return fail(ErrorKind::bad_input, "no slice has this key");
  for (const Digest& blob : {task.package, task.weights}) {
    DSPERSE_TRY(const Bytes bytes, blobs.get(blob, 1 << 20));
    if (bytes.empty()) return fail(ErrorKind::bad_input, "an empty package");
  }
  DSPERSE_TRY(Values values, fetch_inputs(truth_, task, blobs));
  DSPERSE_TRY(const Values right, truth_.run(task.slice, values));
  ++grapevine_.worked;
  // What a liar does follows from the job: a worker that is restarted does the same again.
  const Digest job = work::job_of(task);
  Dice dice(crypto::hash_tagged("dsperse simulation: conduct", {seed_, job}), "conduct");
  const bool asked_for_truth = task.prove && spec_.proves == Proves::truth;
  const Values said = asked_for_truth ? right : claim(task, right, dice);
  if (said != right) {
    grapevine_.lies.insert({task.run, job, key_, task.slice});
    if (task.prove && spec_.proves == Proves::nothing) return fail(ErrorKind::resource, "no memory to prove this");
  }
  work::Computed out;
  trust::BoundaryRoots roots;
  for (const work::OutputRef& o : task.outputs) {
    const auto value = said.find(o.chunk);
    if (value == said.end()) return fail(ErrorKind::bad_input, "the slice does not make this chunk");
    Digest root = work::public_root(value->second);
    if (o.seed) {
      DSPERSE_TRY(root, truth_.root(o.chunk, value->second, *o.seed));
    }
    out.outputs.push_back({o.chunk, root, value->second});
    roots.push_back({o.chunk, root});
  }
  if (!task.prove) return out;
  if (said != right) {
    out.proof = Bytes(64, 7);
    return out;
  }
  values.insert(said.begin(), said.end());
  DSPERSE_TRY(const Said statement, said_of(truth_.model(), task, std::move(values), roots));
  DSPERSE_TRY(out.proof, truth_.prove(statement));
  fuse_.pass("compute");
  return out;
}

}  // namespace dsperse::sim
