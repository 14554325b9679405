// Checkpoints: a log's keeper signs how large the log is and what its root is. A keeper that signs two roots for one size shows
// different logs to different people; the two checkpoints are the evidence.
//
// Not here: the tree (merkle.h), storage (log/). Source: docs/formats/ledger.md. Tested by trust/ledger/checkpoint_test.cc and
// ledger_fuzz.cc.
#pragma once

#include "dsperse/trust/ledger/merkle.h"
#include "dsperse/trust/receipt/evidence.h"

namespace dsperse::trust {

inline constexpr std::string_view kCheckpointType = "application/vnd.dsperse.checkpoint+json";
inline constexpr std::string_view kSplitView = "split-view";
inline constexpr std::size_t kMaxOriginBytes = 128;

/// origin: the log's name, a word (is_word), not empty. size <= kMaxLeaves. time_ms: the keeper's clock, Unix time, <=
/// kMaxNumber.
struct Checkpoint {
  std::string origin;
  std::uint64_t size = 0;
  Digest root{};
  std::uint64_t time_ms = 0;
  friend bool operator==(const Checkpoint&, const Checkpoint&) = default;
};

/// Errors (bad_input): a bound of Checkpoint; an empty log with another root than empty_root().
[[nodiscard]] Status check_checkpoint(const Checkpoint& checkpoint);
Bytes encode_checkpoint(const Checkpoint& checkpoint);
[[nodiscard]] Result<Checkpoint> decode_checkpoint(ByteView payload);
/// Errors (bad_input): check_checkpoint's. Witnesses add theirs by add_signature.
[[nodiscard]] Result<Envelope> sign_checkpoint(const Checkpoint& checkpoint, const Signer& keeper);

/// The log `origin` whose keeper has this key says so. Every signature in the envelope must be valid, the keeper's be among them.
/// Reasons: verify_envelope's; "checkpoint: not signed by its keeper", "checkpoint: not canonical", "checkpoint: another log".
Verdict verify_checkpoint(const Envelope& envelope, std::string_view origin, const PublicKey& keeper, const SignatureCheck& check,
                          Checkpoint& out);
/// The same of a text; reason also "envelope: not canonical".
Verdict verify_checkpoint(ByteView envelope, std::string_view origin, const PublicKey& keeper, const SignatureCheck& check,
                          Checkpoint& out);

/// The entry is number proof.index of the log that a verified checkpoint speaks of.
/// Reasons: "checkpoint: proof of other sizes"; verify_inclusion's.
Verdict verify_entry(ByteView entry, const InclusionProof& proof, const Checkpoint& checkpoint);

/// Two verified checkpoints of one log, at different times or of different people: `proof` leads from the smaller to the larger.
/// Reasons: "checkpoint: split view" (one size, two roots: keep both, they are evidence); "checkpoint: proof of other sizes";
/// verify_consistency's.
Verdict verify_growth(const Checkpoint& smaller, const Checkpoint& larger, const ConsistencyProof& proof);

/// Evidence that `keeper` showed two logs under one name: both checkpoints are valid and of one origin and size, the roots
/// differ. Reasons: verify_checkpoint's, where "first > ..." or "second > ..."; "evidence: another kind", "evidence: two logs",
/// "evidence: two sizes", "evidence: one root".
Verdict verify_split_view(const Evidence& evidence, const PublicKey& keeper, const SignatureCheck& check);
/// The same of a file; reason also "evidence: not canonical".
Verdict verify_split_view(ByteView text, const PublicKey& keeper, const SignatureCheck& check);

}  // namespace dsperse::trust
