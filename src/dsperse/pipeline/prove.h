// Proves the slices of a run, several at a time within a memory budget, and writes each proof when its openings are used up.
//
// Resumable: finished proofs are checked and kept. A slice that cannot be proved stops everything before work starts.
// Tested by pipeline/pipeline_test.cc and tests/e2e.
#pragma once

#include <optional>
#include <set>
#include <vector>

#include "dsperse/backend/backend.h"
#include "dsperse/pipeline/progress.h"
#include "dsperse/store/model_folder.h"
#include "dsperse/store/openings.h"
#include "dsperse/store/run_folder.h"

namespace dsperse::pipeline {

struct ProveOptions {
  std::set<std::uint32_t> slices;   ///< to prove; the certificate has exactly these
  std::optional<Digest> challenge;  ///< a late nonce (challenge_nonce): prove_step adds the slices that it draws
  unsigned workers = 1;             ///< slices at a time
  std::uint64_t memory_bytes = 0;   ///< the process with the predicted peaks of the slices in work stays below; 0: no limit
};

struct SliceOutcome {
  store::SliceRecord record;
  bool kept = false;  ///< proved before this call
};

struct ProveSummary {
  std::vector<SliceOutcome> slices;
  Bytes certificate;
};

/// One entry a chunk out of the stored run. Errors (bad_input): boundaries are not what the key says.
[[nodiscard]] Result<std::vector<proof::Boundary>> boundary_table(const proof::ModelKey& key, const store::RunFolder& run);

/// Errors: unsupported (names the slice and op), resource (memory, openings), bad_input (damaged run). Finished slices stay.
[[nodiscard]] Result<ProveSummary> prove_run(const store::ModelFolder& model, store::RunFolder& run,
                                             store::OpeningStore& openings, const backend::Backend& backend,
                                             const ProveOptions& options, const Observer& observer);

}  // namespace dsperse::pipeline
