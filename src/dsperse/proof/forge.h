// A prover that lies where a test tells it to and is honest everywhere else. Tests only: no product target includes this
// but prove.cc, which implements it.
//
// Tested by, and for, tests/soundness.
#pragma once

#include "dsperse/proof/argument_prove.h"
#include "dsperse/relation/prover.h"

namespace dsperse::proof {

struct WeightCommitment::Impl {
  CommittedTree tree;
};
struct BoundaryCommitment::Impl {
  CommittedTree tree;
};

template <int D>
struct SliceForge {
  relation::ValueForge values;
  relation::ScheduleForge<D> schedule;
  Forge<D> argument;
  std::vector<std::string>* log = nullptr;  ///< the transcript's annotated messages
};

template <int D>
[[nodiscard]] Result<Bytes> prove_slice_forged(const SliceKey& key, const Statement& statement, const SliceWitness& witness,
                                               const SliceForge<D>& forge);

/// The weight range proof of a key whose root is set.
template <int D>
[[nodiscard]] Result<Bytes> prove_ranges_forged(const SliceKey& key, const quantize::WeightStore& weights,
                                                const WeightCommitment& commitment, const SliceForge<D>& forge);
/// An epoch link.
template <int D>
[[nodiscard]] Result<Bytes> prove_link_forged(const SliceKey& key, const EpochLink& link, const WeightCommitment& base,
                                              const WeightCommitment& epoch, const SliceForge<D>& forge);

/// Geometries are the tie's.
template <int D>
[[nodiscard]] Result<Bytes> prove_tie_forged(const ModelKey& key, const WeightTie& tie, const WeightCommitment& base,
                                             const WeightCommitment& slice, const SliceForge<D>& forge);

}  // namespace dsperse::proof
