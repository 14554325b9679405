// Arguments to look at: one small slice with two different witnesses (inputs and weights), its range proof and an epoch link, at
// toy geometries so that hundreds of proofs cost seconds. Challenges and columns are fixed. Tests only.
#pragma once

#include "../slices.h"
#include "classes.h"
#include "recorder.h"

namespace dsperse::soundness {

enum class What { slice, ranges, link };

template <int D>
class Subject {
 public:
  Subject(What what, const NamedSlice& slice);

  [[nodiscard]] const proof::Layout& layout() const { return layout_; }
  /// `count` honest proofs of witness 0 or 1, everything fresh in each; also the trees that the statement names.
  Sample prove(int witness, std::size_t count, const Faults& faults = {});
  /// The same without a witness.
  Sample simulate(std::size_t count);
  /// The last proof made, and whether the verifier accepts it.
  [[nodiscard]] const Bytes& proof() const { return proof_; }
  [[nodiscard]] Verdict verify() const;
  /// The transcript's lines of the last honest proof.
  [[nodiscard]] const std::vector<std::string>& log() const { return log_; }
  /// Other challenges and columns from now on.
  void choose(std::uint64_t challenges) { challenges_ = challenges; }

 private:
  Classes read(const std::vector<Digest>& given);
  struct Hidden {
    quantize::WeightStore weights;
    quantize::TensorStore trace;
  };
  What what_;
  SliceCase case_;
  std::array<Hidden, 2> hidden_;
  proof::Layout layout_;
  crypto::Ext<D> rho_, eps_;
  std::uint64_t made_ = 0, challenges_ = 21;
  std::vector<std::string> log_;
  Bytes proof_;
  proof::SliceKey key_;         ///< of the last proof
  proof::Statement statement_;  ///< likewise
  proof::EpochLink link_;
};

}  // namespace dsperse::soundness
