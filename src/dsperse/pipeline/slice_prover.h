// One slice of a stored run: its trace again, its trees, a weight epoch with a free opening, the proof. Publishes nothing by
// itself.
#pragma once

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
};

/// The statement of a slice of this run, boundaries filled from `table` (by chunk).
proof::Statement slice_statement(const proof::ModelKey& key, std::uint32_t slice, const Digest& run_id,
                                 const std::vector<proof::Boundary>& table);

/// Roots of the committed ones.
std::set<Digest> committed_roots(const std::vector<proof::Boundary>& boundaries);

/// Proves and publishes (openings claimed first, then the file).
[[nodiscard]] Result<store::SliceRecord> prove_and_publish(ProveContext& context, std::uint32_t slice, const Digest& run_id,
                                                           const std::vector<proof::Boundary>& table);

}  // namespace dsperse::pipeline
