// A test switch: a computer that now and then changes one output by one quantum and commits to that, well-formed and wrong.
//
// Which jobs and which values follow from its seed, so that a repeated job gets the repeated lie. Prove tasks are done honestly:
// nobody can prove a lie. Behind the hidden flag --test-lie of `dsperse worker` (cli/worker.cc) and in tests, nowhere else.
// Tested by work/compute/compute_test.cc.
#pragma once

#include "dsperse/work/compute/compute.h"

namespace dsperse::work {

class Liar final : public Computer {
 public:
  /// rate: probability of a lie, per job. inner: outlives it.
  Liar(LocalComputer& inner, double rate, const Digest& seed) : inner_(inner), rate_(rate), seed_(seed) {}
  [[nodiscard]] Result<Computed> compute(const SliceTask& task, engine::BlobStore& blobs) override;
  [[nodiscard]] bool lies(const Digest& job) const;

 private:
  LocalComputer& inner_;
  double rate_;
  Digest seed_;
};

}  // namespace dsperse::work
