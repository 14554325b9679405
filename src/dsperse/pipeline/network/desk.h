// The coordinator's knowledge of proofs, for a compiled model on this machine: commitments, counted openings, the verifier.
//
// Tested by pipeline/network/network_test.cc.
#pragma once

#include <mutex>

#include "dsperse/store/model_folder.h"
#include "dsperse/store/openings.h"
#include "dsperse/trust/verdict/boundaries.h"
#include "dsperse/work/coordinator/ports.h"

namespace dsperse::pipeline {

class ModelDesk final : public work::ProofDesk {
 public:
  /// model, openings: outlive it.
  ModelDesk(const store::ModelFolder& model, store::OpeningStore& openings);

  Digest run_id(ByteView nonce, const Digest& salt) override;
  Result<Digest> root_of(std::uint32_t chunk, ByteView values, const Digest& seed) override;
  Result<std::optional<work::WeightOpening>> reserve(std::uint32_t slice) override;
  Result<Verdict> take(const work::SliceTask& task, const trust::BoundaryRoots& roots_out, const work::OutputBlobs& outputs,
                       ByteView proof, engine::BlobStore& blobs) override;
  Result<Bytes> evidence(const work::SliceTask& task, const trust::BoundaryRoots& roots_out, const work::OutputBlobs& outputs,
                         ByteView proof, engine::BlobStore& blobs) override;

  /// A proof as certificates carry it, with the links from the origin to its tree. Errors (bad_input): a tree that this
  /// installation does not know.
  [[nodiscard]] Result<proof::SliceProof> slice_proof(std::uint32_t slice, const std::optional<work::WeightOpening>& weights,
                                                      ByteView proof);

 private:
  [[nodiscard]] const proof::ModelKey& key() const { return model_.model().key; }
  /// The task's boundaries by port, with values of public ones.
  [[nodiscard]] Result<proof::Statement> statement(const work::SliceTask& task, const trust::BoundaryRoots& roots_out,
                                                   const work::OutputBlobs& outputs, engine::BlobStore& blobs);
  const store::ModelFolder& model_;
  store::OpeningStore& openings_;
  std::mutex state_;
  std::vector<Digest> slice_digests_;
  Digest model_id_{};
  proof::Geometry boundary_;
};

}  // namespace dsperse::pipeline
