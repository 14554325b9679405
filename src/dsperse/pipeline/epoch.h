// Weight epochs: the tree of one, and a new one with the proof that it holds the same weights.
#pragma once

#include <mutex>
#include <optional>

#include "dsperse/proof/prove.h"
#include "dsperse/store/model_folder.h"
#include "dsperse/store/openings.h"

namespace dsperse::pipeline {

/// The epoch's weight tree. Errors: the weights do not have the epoch's root (damaged model).
[[nodiscard]] Result<proof::WeightCommitment> epoch_tree(const proof::SliceKey& slice, const store::ProvingKey& secret,
                                                         const store::Epoch& epoch,
                                                         proof::Codewords codewords = proof::Codewords::kept);

struct FreshEpoch {
  Digest root{};
  proof::WeightCommitment tree;
};
/// A new epoch under `choice` (make_epoch), recorded with its link. state: held around the counters. nullopt: another process
/// used that opening meanwhile.
[[nodiscard]] Result<std::optional<FreshEpoch>> make_epoch(store::OpeningStore& openings, std::mutex& state,
                                                           const proof::SliceKey& slice, const store::ProvingKey& secret,
                                                           const store::Choice& choice,
                                                           proof::Codewords codewords = proof::Codewords::kept);

}  // namespace dsperse::pipeline
