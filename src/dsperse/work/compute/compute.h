// Slices done on this machine: blobs in, checked; values and roots out; a proof if the task asks for one.
//
// What a worker can check, it checks: the package is the named slice, hidden weights are those that its key commits to, every
// input has its live root under its seed, values are within their ranges. Not here: receipts, leases. Source: docs/design/0010.
// Tested by work/compute/compute_test.cc.
#pragma once

#include "dsperse/work/compute/slices.h"
#include "dsperse/work/task/computer.h"

namespace dsperse::work {

class LocalComputer final : public Computer {
 public:
  /// backend: outlives it. cache_bytes: of packages and weights that are kept decoded.
  explicit LocalComputer(const backend::Backend& backend, std::uint64_t cache_bytes = std::uint64_t{1} << 30)
      : backend_(backend), slices_(cache_bytes) {}
  /// Errors: as Computer says; backend when the blob store does not answer.
  [[nodiscard]] Result<Computed> compute(const SliceTask& task, engine::BlobStore& blobs) override;
  [[nodiscard]] Slices& slices() { return slices_; }

 private:
  const backend::Backend& backend_;
  Slices slices_;
};

}  // namespace dsperse::work
