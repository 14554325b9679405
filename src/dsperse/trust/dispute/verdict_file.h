// The verdict as a file that stands alone: who claimed what about which slice, and the proof that decides.
//
// A third party needs it, the model's key and a verifier; the proof check is passed in, so this room knows no proof system. What
// no proof decides (silence) rests on the coordinator's word, and rests_on_proof() says so. Not here: signatures around the file
// (the ledger). Source: docs/trust/machines.md. Tested by trust/dispute/verdict_file_test.cc.
#pragma once

#include <functional>
#include <optional>

#include "dsperse/trust/dispute/dispute.h"

namespace dsperse::trust::dispute {

inline constexpr std::size_t kMaxProofBytes = std::size_t{64} << 20;

/// A proof with its bytes: that the slice maps h_in to h_out.
struct Evidence {
  Digest h_out{};
  Bytes proof;
  friend bool operator==(const Evidence&, const Evidence&) = default;
};

struct VerdictFile {
  Subject subject;
  std::vector<Digest> prefix;  ///< T[0 .. slice], the part of the traces both agree on; ends with subject.h_in
  std::array<Claim, 2> claims;
  Outcome outcome = Outcome::unproved;  ///< never open
  std::vector<Evidence> evidence;       ///< none for unproved, two for contradiction, else one
  friend bool operator==(const VerdictFile&, const VerdictFile&) = default;
};

/// Checks a proof of the statement (slice key, h_in, h_out). Must not throw.
using ProofCheck = std::function<Verdict(const Subject& subject, const Digest& h_out, ByteView proof)>;

/// Digest by which a dispute's state names a proof.
Digest proof_digest(ByteView proof);

/// Of a decided dispute. prefix: as above. proofs: the bytes of state.proofs in their order. Errors (usage): undecided, bytes
/// that do not have the state's digests, a prefix that does not lead to h_in.
[[nodiscard]] Result<VerdictFile> make_verdict(const State& state, std::span<const Digest> prefix, std::span<const Bytes> proofs);
/// Anyone's check of content, not of signatures. Reasons: "the claims are no dispute", "the prefix does not lead to the disputed
/// slice", "the outcome does not follow from the evidence", "a deciding proof is not valid" (where: the checker's reason).
Verdict verify_verdict(const VerdictFile& file, const ProofCheck& check);
/// False for unproved: that nobody answered in time can't be seen by others.
[[nodiscard]] bool rests_on_proof(Outcome outcome);

/// Canonical bytes and their strict inverse. Errors (bad_input): wrong form, too long a proof or prefix. Content is for
/// verify_verdict().
Bytes encode(const VerdictFile& file);
[[nodiscard]] Result<VerdictFile> decode_verdict(ByteView bytes);

}  // namespace dsperse::trust::dispute
