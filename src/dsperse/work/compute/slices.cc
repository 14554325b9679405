#include "dsperse/work/compute/slices.h"

#include <algorithm>

#include "dsperse/proof/package.h"
#include "dsperse/store/weights_codec.h"
#include "dsperse/work/task/values.h"

namespace dsperse::work {
namespace {

constexpr std::size_t kSeedBytes = sizeof(Digest);

std::unexpected<Error> bad(const std::string& what, const std::string& where = {}) {
  return fail(ErrorKind::bad_input, what, where, "the task and its blobs don't belong together");
}

Status check_named(const SliceTask& task, const LoadedSlice& slice) {
  if (slice.digest != task.slice_key) return bad("the package holds another slice than the task names");
  return {};
}

/// The task's inputs and outputs are the ports, hidden where they have seeds.
Status check_ports(const SliceTask& task, const LoadedSlice& slice) {
  const std::size_t inputs = slice.key().inputs.size();
  if (task.inputs.size() != inputs || task.outputs.size() != slice.ports.size() - inputs)
    return bad("the slice has another number of inputs or outputs");
  const auto same = [](const auto& refs, const proof::Port& p) {
    const auto at = std::find_if(refs.begin(), refs.end(), [&](const auto& r) { return r.chunk == p.chunk; });
    return at != refs.end() && at->seed.has_value() != p.is_public;
  };
  for (std::size_t i = 0; i < slice.ports.size(); ++i) {
    const proof::Port& p = slice.ports[i];
    if (i < inputs ? !same(task.inputs, p) : !same(task.outputs, p))
      return bad("the task's inputs and outputs are not the slice's", "chunk " + std::to_string(p.chunk));
  }
  return {};
}

Result<LoadedSlice> fetch(const SliceTask& task, engine::BlobStore& blobs, std::uint64_t& bytes) {
  const auto package_blob = blobs.get(task.package, kMaxPackageBytes);
  if (!package_blob) return std::unexpected(package_blob.error().within("slice package"));
  DSPERSE_TRY(proof::SlicePackage package, proof::decode_slice_package(*package_blob));
  bytes = package_blob->size();
  LoadedSlice out;
  out.digest = package.key.digest();
  DSPERSE_CHECK_OK(check_named(task, out));
  out.ports = package.key.ports();
  for (const proof::Port& p : out.ports) out.chunks.push_back(*package.chunk(p.chunk));
  out.artefacts.key = std::move(package.key);
  if (!out.key().weight_root) {
    if (task.weights != Digest{}) return bad("weights for a slice that has none hidden");
    return out;
  }
  if (task.weights == Digest{}) return bad("no weights for a slice whose weights are hidden");
  const auto blob = blobs.get(task.weights, kSeedBytes + store::weights_bytes(out.key().program));
  if (!blob) return std::unexpected(blob.error().within("weights"));
  ByteReader reader(*blob);
  const Digest seed = reader.digest();
  if (!reader.ok()) return bad("a weights blob without its seed");
  auto weights = store::decode_weights(out.key().program, ByteView(*blob).subspan(kSeedBytes));
  if (!weights) return std::unexpected(weights.error().within("weights"));
  DSPERSE_TRY(const proof::WeightCommitment tree, proof::commit_weights(out.key(), *weights, seed, proof::Codewords::recomputed));
  if (tree.root() != out.key().weight_root) return bad("the weights are not those that the key commits to");
  out.hidden = std::move(*weights);
  bytes += blob->size();
  return out;
}

}  // namespace

Bytes encode_weights_blob(const proof::SliceKey& key, const quantize::WeightStore& weights, const Digest& seed) {
  ByteWriter w;
  w.raw(seed);
  w.raw(store::encode_weights(key.program, weights));
  return w.take();
}

Result<std::shared_ptr<const LoadedSlice>> Slices::load(const SliceTask& task, engine::BlobStore& blobs) {
  const std::pair name(task.package, task.weights);
  std::shared_ptr<const LoadedSlice> slice = kept_.find(name);
  if (!slice) {
    std::uint64_t bytes = 0;
    DSPERSE_TRY(LoadedSlice fetched, fetch(task, blobs, bytes));
    slice = std::make_shared<const LoadedSlice>(std::move(fetched));
    kept_.keep(name, slice, bytes);
  }
  DSPERSE_CHECK_OK(check_named(task, *slice));
  DSPERSE_CHECK_OK(check_ports(task, *slice));
  return slice;
}

Result<Digest> boundary_root(const proof::SliceKey& key, const proof::Chunk& chunk, const quantize::IntTensor& values,
                             const std::optional<Digest>& seed, proof::BoundaryCommitment* tree) {
  if (seed.has_value() == chunk.is_public) return bad("a seed for public values, or none for hidden ones", chunk.name);
  if (!seed) return public_root(encode_values(values));
  DSPERSE_TRY(proof::BoundaryCommitment made,
              proof::commit_boundary(key.profile, key.boundary, chunk, values, *seed,
                                     tree != nullptr ? proof::Codewords::kept : proof::Codewords::recomputed));
  const Digest root = made.root();
  if (tree != nullptr) *tree = std::move(made);
  return root;
}

}  // namespace dsperse::work
