// How a worker behaves, and the computing half of it: results that are right, made up, agreed upon, or old.
//
// Not here: what it does with leases, commitments and receipts (worker_process.h). Tested by tests/sim/truth_test.cc.
#pragma once

#include "desk.h"
#include "grapevine.h"

namespace dsperse::sim {

enum class Kind : std::uint8_t {
  honest,
  lazy,          ///< never computes: a constant
  cached,        ///< never computes twice: the outputs of an older task of the slice
  flip,          ///< at a rate, one value is changed
  targeted,      ///< lies about one slice alone
  colluding,     ///< lies about one slice as the others of its clique do
  copying,       ///< sends what another replica sent
  withholding,   ///< commits and never opens
  stalling,      ///< takes leases and never answers
  beating,       ///< the same with heartbeats
  replaying,     ///< sends answers to older jobs
  equivocating,  ///< has two books
  lazy_auditor,  ///< honest while a run is under way, made-up results afterwards
};
inline constexpr std::size_t kKinds = 13;
std::string_view name_of(Kind kind);

/// What a liar does when it is asked to prove.
enum class Proves : std::uint8_t { nothing, rubbish, truth };

struct WorkerSpec {
  Kind kind = Kind::honest;
  std::string operated_by = "op", region = "eu", engine = "native";
  double rate = 1;           ///< of lies: flip, targeted, colluding
  std::uint32_t target = 0;  ///< slice: targeted, colluding
  std::uint32_t clique = 0;  ///< colluding: the same lie within one
  Proves proves = Proves::nothing;
  TimeMs clock_offset_ms = 0;
  std::int64_t clock_drift_ppm = 0;
  TimeMs longest_work_ms = 1000;  ///< of one task
};

/// The computing half. Right outputs for the honest; lies are noted in the grapevine for the judges.
class Hand final : public work::Computer {
 public:
  Hand(Fuse& fuse, Truth& truth, Grapevine& grapevine, const Digest& key, const WorkerSpec& spec, const Digest& seed)
      : fuse_(fuse), truth_(truth), grapevine_(grapevine), key_(key), spec_(spec), seed_(seed) {}
  Result<work::Computed> compute(const work::SliceTask& task, engine::BlobStore& blobs) override;

  bool lies = true;  ///< a liar can be told to be good for a while

 private:
  /// What it says of the task's outputs.
  [[nodiscard]] Values claim(const work::SliceTask& task, const Values& right, Dice& dice);
  [[nodiscard]] bool seems_an_audit(const work::SliceTask& task) const;
  Fuse& fuse_;
  Truth& truth_;
  Grapevine& grapevine_;
  Digest key_;
  WorkerSpec spec_;
  Digest seed_;
  std::map<std::uint32_t, Values> cache_;  ///< by slice
};

/// `values` with element `at` moved by `by` within the chunk's range, which wraps.
Bytes changed(const proof::Chunk& chunk, const Bytes& values, std::size_t at, std::int64_t by);

}  // namespace dsperse::sim
