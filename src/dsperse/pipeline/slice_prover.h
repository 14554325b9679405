// One slice between commitments that exist: its trace again, its trees, a weight epoch with a free opening, the proof. Openings
// are claimed before anybody sees it.
#pragma once

#include <functional>
#include <mutex>
#include <set>

#include "dsperse/pipeline/prove.h"

namespace dsperse::pipeline {

/// What all slices of one prove_run share. `state` guards run, openings and observer.
struct ProveContext {
  const store::ModelFolder& model;
  store::RunFolder& run;
  store::OpeningStore& openings;
  const backend::Backend& backend;
  const Observer& observer;
  std::mutex state;
  std::function<void(store::SliceRecord&)> measure;  ///< adds what several slices in work together took; may be empty
};

/// What proving a slice needs, whoever's run it is of. `state` guards openings and observer.
struct ProvingParts {
  const store::ModelFolder& model;
  store::OpeningStore& openings;
  const backend::Backend& backend;
  const Observer& observer;
  std::mutex& state;
  proof::Codewords codewords = proof::Codewords::kept;  ///< of all its trees
  std::function<void(store::SliceRecord&)> measure = {};
};
/// Told under the lock, openings used: the proof may be shown from now on.
using Publish = std::function<Status(proof::SliceProof, const store::SliceRecord&)>;

/// Proves the slice between these boundaries (by port, with the seeds of their commitments) under this run id. Errors
/// (bad_input): values that the slice does not compute, or that do not have their commitment.
[[nodiscard]] Status prove_between(const ProvingParts& parts, std::uint32_t slice, const Digest& run_id,
                                   const std::vector<store::StoredBoundary>& boundaries, const Publish& publish);

/// The statement of a slice of this run, boundaries filled from `table` (by chunk).
proof::Statement slice_statement(const proof::ModelKey& key, std::uint32_t slice, const Digest& run_id,
                                 const std::vector<proof::Boundary>& table);

/// Roots of the committed ones.
std::set<Digest> committed_roots(const std::vector<proof::Boundary>& boundaries);

/// Proves a slice of the context's run and publishes (openings claimed first, then the file).
[[nodiscard]] Result<store::SliceRecord> prove_and_publish(ProveContext& context, std::uint32_t slice, const Digest& run_id,
                                                           proof::Codewords codewords);

}  // namespace dsperse::pipeline
