// Doing a slice: what a worker needs of the machine. The real one is work/compute; tests have liars.
#pragma once

#include "dsperse/engine/blob_store.h"
#include "dsperse/work/task/task.h"

namespace dsperse::work {

/// What a slice gave. outputs: ascending by chunk, values int32 little-endian; root: the commitment's, or public_root.
struct Computed {
  struct Output {
    std::uint32_t chunk = 0;
    Digest root{};
    Bytes values;
  };
  std::vector<Output> outputs;
  std::optional<Bytes> proof;  ///< of a prove task: bytes of the slice proof
};

class Computer {
 public:
  virtual ~Computer() = default;
  /// Fetches blobs, checks that the inputs have the roots that the task says, runs, commits, proves if asked.
  /// Errors: bad_input (blobs missing, damaged or not the task's), resource, unsupported, backend (the blob store does not
  /// answer). They say nothing about results: the worker gives the lease up.
  [[nodiscard]] virtual Result<Computed> compute(const SliceTask& task, engine::BlobStore& blobs) = 0;
};

}  // namespace dsperse::work
