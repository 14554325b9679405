// Evidence: two signed statements that one honest signer never makes, in a file that anybody can check.
//
//   {"evidence":"KIND","first":ENVELOPE,"second":ENVELOPE}
//
// Kinds: "equivocation", two receipts of a worker after one receipt (here); "split-view", two checkpoints of a log
// (trust/ledger/checkpoint.h). Whoever may judge needs nothing but the file and a SignatureCheck.
// Source: docs/formats/receipt.md. Tested by trust/receipt/evidence_test.cc and evidence_fuzz.cc.
#pragma once

#include "dsperse/trust/receipt/receipt.h"

namespace dsperse::trust {

inline constexpr std::string_view kEquivocation = "equivocation";
inline constexpr std::size_t kMaxEvidenceBytes = 2 * kMaxEnvelopeBytes + 256;

/// first's payload is the smaller one (bytes in order, a prefix first), so the same two statements make the same file.
struct Evidence {
  std::string kind;
  Envelope first, second;
  friend bool operator==(const Evidence&, const Evidence&) = default;
};

/// Orders the two. Says nothing of what they prove.
Evidence make_evidence(std::string_view kind, Envelope a, Envelope b);
Bytes encode_evidence(const Evidence& evidence);
/// Errors (bad_input): anything that encode_evidence does not write of make_evidence's.
[[nodiscard]] Result<Evidence> decode_evidence(ByteView text);

/// The verdict on one of the two, its place put behind `outer > `.
Verdict within(Verdict verdict, const std::string& outer);

/// Evidence of an equivocation by `worker`: both receipts are valid (verify_receipt), one worker's, after one receipt, and
/// differ. Reasons: verify_receipt's, where "first > ..." or "second > ..."; "evidence: another kind", "evidence: one receipt
/// twice", "evidence: two workers", "evidence: receipts follow different ones".
Verdict verify_equivocation(const Evidence& evidence, const SignatureCheck& check, PublicKey& worker);
/// The same of a file; reason also "evidence: not canonical".
Verdict verify_equivocation(ByteView text, const SignatureCheck& check, PublicKey& worker);

}  // namespace dsperse::trust
