// The coordinator's proof desk over Truth, with durable counters on the coordinator's faulty disk.
//
// Tested by tests/sim/truth_test.cc.
#pragma once

#include "disk.h"
#include "dsperse/trust/dispute/verdict_file.h"
#include "truth.h"

namespace dsperse::sim {

class Desk final : public work::ProofDesk {
 public:
  struct Counters {
    std::map<std::uint32_t, std::uint32_t> reserved;  ///< by slice, over all its trees
    std::map<Digest, std::uint32_t> boundaries;
  };
  Desk(Fuse& fuse, const DiskFaults& faults, Truth& truth) : fuse_(fuse), truth_(truth), counters_(fuse, faults) {}
  Digest run_id(ByteView nonce, const Digest& salt) override { return proof::run_id(truth_.model().facts.model, nonce, salt); }
  Result<Digest> root_of(std::uint32_t chunk, ByteView values, const Digest& seed) override;
  Result<std::optional<work::WeightOpening>> reserve(std::uint32_t slice) override;
  Result<Verdict> take(const work::SliceTask& task, const trust::BoundaryRoots& roots_out, const work::OutputBlobs& outputs,
                       ByteView proof, engine::BlobStore& blobs) override;
  Result<Bytes> evidence(const work::SliceTask& task, const trust::BoundaryRoots& roots_out, const work::OutputBlobs& outputs,
                         ByteView proof, engine::BlobStore& blobs) override;
  void crash() { counters_.crash(); }

  /// Hooks of tests, each of which must break an invariant: the same opening again and again; verdicts turned round; evidence
  /// without a proof.
  bool reserves_twice = false, judges_wrongly = false, shows_nothing = false;

  [[nodiscard]] const Counters& counters() const { return counters_.get(); }
  void set(Counters counters) { counters_.set(std::move(counters)); }

 private:
  Fuse& fuse_;
  Truth& truth_;
  Durable<Counters> counters_;
};

/// What a task with these outputs says. values: of all its ports, fetched and checked against the roots by the caller or here.
/// Errors (bad_input): an input or output that is missing or does not fit.
[[nodiscard]] Result<Said> said_of(const Model& model, const work::SliceTask& task, Values values,
                                   const trust::BoundaryRoots& roots_out);
/// Evidence of a dispute, as Desk makes it: whether it shows that the slice maps h_in to h_out in this run.
Verdict check_evidence(const Truth& truth, const trust::dispute::Subject& subject, const Digest& h_out, ByteView evidence);
/// Digest of the proof in evidence; zero if it is malformed.
Digest proof_in(ByteView evidence);
/// The task's inputs, from blobs. Errors (bad_input): missing, damaged, another root than the task says.
[[nodiscard]] Result<Values> fetch_inputs(Truth& truth, const work::SliceTask& task, engine::BlobStore& blobs);

}  // namespace dsperse::sim
