// A task's slice out of the blob store: package and weights, fetched, decoded, checked, and kept for the next task.
//
// Tested by work/compute/compute_test.cc.
#pragma once

#include <utility>
#include <vector>

#include "dsperse/backend/backend.h"
#include "dsperse/engine/blob_store.h"
#include "dsperse/work/compute/recent.h"
#include "dsperse/work/task/task.h"

namespace dsperse::work {

/// Larger packages are not fetched.
inline constexpr std::uint64_t kMaxPackageBytes = std::uint64_t{1} << 31;

/// A weights blob: the seed of the slice's origin weight tree, then the weights. With the seed a worker sees that the weights are
/// those that the key commits to, so that its receipt never speaks of other ones. Who has the weights learns nothing by it.
Bytes encode_weights_blob(const proof::SliceKey& key, const quantize::WeightStore& weights, const Digest& seed);

struct LoadedSlice {
  backend::Artefacts artefacts;      ///< the key
  Digest digest{};                   ///< of the key
  std::vector<proof::Port> ports;    ///< inputs, then outputs
  std::vector<proof::Chunk> chunks;  ///< by port
  quantize::WeightStore hidden;      ///< of the blob; empty if the key shows the weights, or there are none
  [[nodiscard]] const proof::SliceKey& key() const { return artefacts.key; }
  [[nodiscard]] const quantize::WeightStore& weights() const { return key().weight_root ? hidden : key().public_weights; }
};

class Slices {
 public:
  /// cache_bytes: of blobs whose contents are kept.
  explicit Slices(std::uint64_t cache_bytes) : kept_(cache_bytes) {}
  /// Errors: the store's; bad_input: not the task's slice, its ports, or the weights that its key commits to. Cost, once for what
  /// is kept: a commitment to the weights.
  [[nodiscard]] Result<std::shared_ptr<const LoadedSlice>> load(const SliceTask& task, engine::BlobStore& blobs);
  [[nodiscard]] std::uint64_t cached_bytes() const { return kept_.bytes(); }

 private:
  Recent<std::pair<Digest, Digest>, LoadedSlice> kept_;  ///< by package and weights
};

/// What stands for these values in a task and a receipt: the root of their commitment, or public_root. tree: if not null, gets
/// the commitment. Errors (bad_input): a seed for public values, or none for hidden ones; values that the chunk does not take.
[[nodiscard]] Result<Digest> boundary_root(const proof::SliceKey& key, const proof::Chunk& chunk,
                                           const quantize::IntTensor& values, const std::optional<Digest>& seed,
                                           proof::BoundaryCommitment* tree = nullptr);

}  // namespace dsperse::work
