// dispute A B: the first slice that two parties disagree about, and the proof that says who is right.
//
// What proofs the parties have is looked at first; then the slice is run between the boundaries that both agree on and proved.
// The result is a verdict file that stands alone. Not here: signatures, strikes' consequences. Source: docs/formats/verdict.md,
// docs/trust/machines.md. Tested by pipeline/dispute_test.cc and tests/e2e.
#pragma once

#include <set>
#include <string>

#include "dsperse/backend/backend.h"
#include "dsperse/pipeline/claims.h"
#include "dsperse/pipeline/progress.h"
#include "dsperse/pipeline/verdict.h"
#include "dsperse/store/openings.h"

namespace dsperse::pipeline {

struct DisputeRequest {
  std::string a, b;        ///< run folders or certificates
  std::string model = {};  ///< the .dsm that proves; empty: where a run folder says it is
};

struct DisputeReport {
  std::optional<trust::dispute::VerdictFile> verdict;  ///< absent: the two agree about every slice
  bool proved_here = false;                            ///< else a proof that a party had decided, or none did
};

/// Decides. Openings that a proof uses are counted before it is in the report. Errors: bad_input (not comparable, different
/// inputs, damaged), resource (no openings), those of proving. If a party is a run folder, an error stops the dispute; without
/// any there may be nobody to prove, and the outcome is `unproved`.
[[nodiscard]] Result<DisputeReport> settle_dispute(const proof::ModelKey& key, const DisputeRequest& request,
                                                   const backend::Backend& backend, store::OpeningStore& openings,
                                                   const Observer& observer);

}  // namespace dsperse::pipeline
