// The evidence that decides a dispute: that a slice maps h_in to h_out, checkable from these bytes and the model's key alone.
//
// A slice proof speaks of boundaries, a dispute of trace digests: evidence carries the roots that live before the slice, so that
// h_in and h_out are recomputed, and the slice's boundaries with its proof. Made by whoever proves in a dispute: `dsperse
// dispute`, a coordinator. Pure, no rule of its own about proofs. Not here: who claimed what (trust/dispute/verdict_file.h).
// Source: docs/formats/verdict.md. Tested by trust/verdict/slice_evidence_test.cc and slice_evidence_fuzz.cc.
#pragma once

#include <set>

#include "dsperse/proof/verify.h"
#include "dsperse/trust/dispute/verdict_file.h"
#include "dsperse/trust/verdict/boundaries.h"

namespace dsperse::trust {

/// live: before the slice, ascending; boundaries: of the slice's ports (inputs, then outputs), under the run of the dispute.
struct SliceEvidence {
  BoundaryRoots live;
  std::vector<proof::Boundary> boundaries;
  proof::SliceProof proof;
};

/// What the evidence says: the digest of all live roots before and after the slice. The boundaries are the key's in number.
Digest h_in_of(const SliceEvidence& evidence);
Digest h_out_of(const proof::ModelKey& key, const Lives& lives, const SliceEvidence& evidence);

/// Canonical bytes: VerdictFile's Evidence::proof. At most dispute::kMaxProofBytes can be in a verdict.
Bytes encode_slice_evidence(const SliceEvidence& evidence);
/// Evidence for this slice of the key, which fixes counts and presence. Errors (bad_input): anything else.
[[nodiscard]] Result<SliceEvidence> decode_slice_evidence(const proof::ModelKey& key, std::uint32_t slice, ByteView bytes);

/// Of a key that came from decode_model_key (or passed check_model_key). known: proof::range_digest and link_digest that this
/// user verified before. Reasons: "evidence: another model", "evidence: not the key's slice", "evidence: not canonical",
/// "evidence: live boundaries" (not those that the key says), "evidence: h_in differs", "evidence: an input is not the live one"
/// (where: the chunk), "evidence: h_out differs"; then those of a slice proof.
Verdict check_slice_evidence(const proof::ModelKey& key, const dispute::Subject& subject, const Digest& h_out, ByteView bytes,
                             const std::set<Digest>& known = {});

/// A verdict file under this key, by anybody: the subject is the key's slice, then dispute::verify_verdict with the check above.
/// Reasons: "verdict of another model", "the verdict's slice is not the key's", those of verify_verdict; where: for "a deciding
/// proof is not valid" the reason and place of the evidence.
Verdict verify_dispute_verdict(const proof::ModelKey& key, const dispute::VerdictFile& file, const std::set<Digest>& known = {});

}  // namespace dsperse::trust
