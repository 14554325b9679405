// The verifier's side of the files: what the user knows (key, tensors, policy, nonce) against a certificate.
//
// Thin: the rules are proof::verify_certificate's and trust::verify_record's. Tested by pipeline/pipeline_test.cc and tests/e2e.
#pragma once

#include <string>
#include <vector>

#include "dsperse/pipeline/challenge.h"
#include "dsperse/pipeline/greedy.h"
#include "dsperse/pipeline/holding.h"
#include "dsperse/pipeline/input.h"
#include "dsperse/pipeline/output.h"
#include "dsperse/proof/security.h"
#include "dsperse/proof/verify.h"
#include "dsperse/trust/policy/policy.h"

namespace dsperse::pipeline {

struct VerifyRequest {
  const proof::ModelKey* key = nullptr;
  ByteView certificate;
  EdgeTensors inputs;     ///< public ones
  EdgeRoots input_roots;  ///< committed ones
  ClaimedOutput output;
  std::optional<trust::Policy> policy;         ///< absent: every slice must be proved
  std::optional<GreedyAnswer> greedy;          ///< the tokens of this part of the input must be the model's likeliest
  std::optional<ChallengeQuestion> challenge;  ///< asks for the drawn slices too; without a policy for them alone
  std::optional<Digest> model_id;
  std::optional<Bytes> nonce;
  std::set<Digest> known;           ///< weight range proofs and epoch links that this user verified before (store/verified.h)
  trust::RecordExpectation record;  ///< what the user knows of a record
  /// Decides the record's signatures; needed if the certificate has a record.
  const trust::SignatureCheck* signatures = nullptr;
};

/// A challenge that was answered.
struct ChallengeReport {
  ChallengeQuestion question;
  std::set<std::uint32_t> drawn;
  std::vector<Escape> escapes;
};

struct VerifyReport {
  proof::CertificateVerdict verdict;
  Holding holding;  ///< what holds each slice; empty if rejected
  double seconds = 0;
  std::optional<proof::SecurityTable> security;  ///< of all that an accepted certificate proves
  std::optional<GreedyAnswer> greedy;            ///< of an accepted certificate: what was asked, and holds
  std::optional<ChallengeReport> challenge;      ///< of an accepted certificate that was asked for with one
  std::vector<std::string> notes;                ///< what the verdict does not say: model not pinned, freshness not checked
};

/// Errors: bad_input (bytes that are no certificate of this key), usage (a challenge draws more slices than there are).
/// Everything else is a verdict, slices timed.
[[nodiscard]] Result<VerifyReport> verify_run(const VerifyRequest& request);

/// Treatment of each slice under a policy, expanded from the key.
[[nodiscard]] Result<std::vector<trust::Treatment>> wanted_treatments(const proof::ModelKey& key, const trust::Policy& policy);
/// The slices among them that must be proved.
[[nodiscard]] Result<std::set<std::uint32_t>> wanted_slices(const proof::ModelKey& key, const trust::Policy& policy);

/// What this request asks for each slice: its policy's treatments, proof for what its challenge draws; without either a proof of
/// all, with a challenge alone nothing of the others.
[[nodiscard]] Result<std::vector<trust::Treatment>> asked_treatments(const VerifyRequest& request);

/// "3 of 4 slices, 17 of 20 operators, 98.2 % of multiply-adds proved; 91.0 % with everything they depend on".
std::string coverage_text(const proof::ModelKey& key, const proof::Coverage& coverage);

}  // namespace dsperse::pipeline
