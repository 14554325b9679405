// What follows from an attempt's secret and its settled slices: seeds, nonces, tasks, trace. Pure.
//
// Tested by work/coordinator/tasks_test.cc.
#pragma once

#include "dsperse/work/coordinator/state.h"

namespace dsperse::work {

/// Independent values by label and number.
Digest derive(const Digest& secret, std::string_view label, std::uint64_t number = 0);
/// Seed of a chunk's commitment in this attempt (R2); the input's own for model inputs.
Digest seed_of(const Attempt& attempt, std::uint32_t chunk);
Digest lottery_secret(const Attempt& attempt);

/// Roots that live before slice `slice`; all earlier slices are settled.
trust::BoundaryRoots live_before(const ModelFacts& model, const Run& run, std::uint32_t slice);
/// [h_0 .. h_slice].
std::vector<Digest> trace_before(const ModelFacts& model, const Run& run, std::uint32_t slice);
/// Where a chunk's values are; the chunk is an input of the model, or a settled slice made it.
TensorRef tensor_of(const ModelFacts& model, const Run& run, std::uint32_t chunk);

/// The slice's task with this nonce; all earlier slices are settled.
SliceTask slice_task(const ModelFacts& model, const Run& run, std::uint32_t slice, const Digest& nonce);
/// What this errand's worker was asked.
SliceTask task_of(const ModelFacts& model, const Run& run, const Errand& errand);
/// Proves the slice, whatever its errands; `number` makes the nonce.
SliceTask own_task(const ModelFacts& model, const Run& run, std::uint32_t slice, std::uint64_t number,
                   const std::optional<WeightOpening>& weights);

[[nodiscard]] inline bool proves(Purpose purpose) { return purpose == Purpose::prove || purpose == Purpose::claim; }

}  // namespace dsperse::work
