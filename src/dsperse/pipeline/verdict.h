// Verdict files of disputes on the verifier's side: recognised, read, checked with the model's key alone.
//
// Source: docs/formats/verdict.md. Tested by pipeline/dispute_test.cc and tests/e2e.
#pragma once

#include <optional>
#include <set>
#include <string>

#include "dsperse/trust/verdict/slice_evidence.h"

namespace dsperse::pipeline {

/// Whether the file begins as a verdict does. False for what cannot be read.
[[nodiscard]] bool is_verdict_file(const std::string& path);

struct VerdictRequest {
  std::optional<Digest> model_id;  ///< the model that must have been run
  std::set<Digest> known;          ///< as in VerifyRequest
};
struct VerdictReport {
  Verdict verdict;
  trust::dispute::VerdictFile file;
  double seconds = 0;
};
/// Errors (bad_input): bytes that are no verdict. Reasons: "the key is not the pinned model"; those of
/// trust::verify_dispute_verdict.
[[nodiscard]] Result<VerdictReport> verify_verdict_file(const proof::ModelKey& key, const std::string& path,
                                                        const VerdictRequest& request);

/// "a", "b", "neither", "unproved", "contradiction" (or "open").
std::string outcome_word(trust::dispute::Outcome outcome);

}  // namespace dsperse::pipeline
