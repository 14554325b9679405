#include "dsperse/work/compute/liar.h"

#include <algorithm>

#include "dsperse/crypto/hash/hash.h"
#include "dsperse/work/task/values.h"

namespace dsperse::work {
namespace {

crypto::SeedStream dice(const Digest& seed, const Digest& job) {
  return {crypto::hash_tagged("dsperse test lie v1", {seed, job}), "lie"};
}

}  // namespace

bool Liar::lies(const Digest& job) const {
  constexpr std::uint64_t kSteps = std::uint64_t{1} << 53;
  crypto::SeedStream stream = dice(seed_, job);
  return static_cast<double>(stream.below(kSteps)) < rate_ * static_cast<double>(kSteps);
}

Result<Computed> Liar::compute(const SliceTask& task, engine::BlobStore& blobs) {
  DSPERSE_TRY(Computed out, inner_.compute(task, blobs));
  const Digest job = job_of(task);
  if (task.prove || !lies(job)) return out;
  DSPERSE_TRY(const std::shared_ptr<const LoadedSlice> slice, inner_.slices().load(task, blobs));
  crypto::SeedStream stream = dice(seed_, job);
  stream.seek(64);  // behind what lies() drew
  // From a random value on, the first whose range has room for a lie.
  const std::size_t first = stream.below(out.outputs.size());
  for (std::size_t k = 0; k < out.outputs.size(); ++k) {
    Computed::Output& output = out.outputs[(first + k) % out.outputs.size()];
    std::size_t port = slice->key().inputs.size();
    while (slice->ports[port].chunk != output.chunk) ++port;
    const proof::Chunk& chunk = slice->chunks[port];
    if (chunk.lo == chunk.hi) continue;
    DSPERSE_TRY(quantize::IntTensor values, decode_values(output.values, output.values.size() / 4));
    std::int32_t& x = values[stream.below(values.size())];
    x += x < chunk.hi ? 1 : -1;
    const auto ref =
        std::find_if(task.outputs.begin(), task.outputs.end(), [&](const auto& r) { return r.chunk == output.chunk; });
    DSPERSE_TRY(output.root, boundary_root(slice->key(), chunk, values, ref->seed));
    output.values = encode_values(values);
    return out;
  }
  return out;
}

}  // namespace dsperse::work
