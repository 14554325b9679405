// The record of a run: what holds its unproved slices, as a part of the certificate that anybody can check.
//
// The verifier knows from key and certificate what must have been claimed (RunFacts); a record can only agree. What it derives is
// what each slice is held by; comparing that with the user's policy is the last step. Not here: slice proofs (proof), making a
// record (work/coordinator). Pure; signatures through SignatureCheck. Source: docs/formats/record.md, docs/trust.md.
// Tested by trust/record/record_test.cc (every lie) and record_fuzz.cc.
#pragma once

#include "dsperse/trust/ledger/checkpoint.h"
#include "dsperse/trust/receipt/receipt.h"
#include "dsperse/trust/record/statements.h"

namespace dsperse::trust {

inline constexpr std::size_t kMaxRecordBytes = std::size_t{64} << 20;
inline constexpr std::size_t kMaxResults = kMostReplicas, kMaxVerdicts = 1024;

/// Where an entry stands in the log of the final checkpoint.
struct Place {
  std::uint64_t index = 0;
  std::vector<Digest> path;
  friend bool operator==(const Place&, const Place&) = default;
};
/// A receipt with the opening of its commitment. The log's entry is the envelope's text.
struct SignedResult {
  Envelope receipt;
  Digest salt{};
  Place place;
  friend bool operator==(const SignedResult&, const SignedResult&) = default;
};
/// What answers for one slice. results: ascending by job id, 1 to kMaxResults; all claim the same. The first is the accepted
/// result: the one that the lottery draws. probability: of the lottery, absent if it is not in it. audit: of a drawn job by
/// re-execution; a job that was drawn and proved has none, its proof is in the certificate.
struct SliceAnswer {
  std::uint32_t slice = 0;
  std::vector<SignedResult> results;
  std::optional<Probability> probability;
  std::optional<SignedResult> audit;
  friend bool operator==(const SliceAnswer&, const SliceAnswer&) = default;
};
/// A verdict of a dispute in this run: logged, and a file of its own.
struct VerdictEntry {
  Envelope note;  ///< VerdictNote
  Place place;
  friend bool operator==(const VerdictEntry&, const VerdictEntry&) = default;
};

/// closing: last entry under the seal. seal: checkpoint over opening, results and closing, signed before the lottery's secret was
/// shown. checkpoint: over everything.
struct RunRecord {
  PublicKey keeper{};
  std::string origin;
  Envelope opening;  ///< RunOpening, by the keeper
  Place opening_place;
  Envelope closing;  ///< ClosingNote, by the keeper
  Place closing_place;
  Envelope seal, checkpoint;
  ConsistencyProof growth;       ///< from seal to checkpoint
  std::optional<Digest> secret;  ///< of the lottery; absent while audits are pending
  std::optional<Digest> late_part;
  std::vector<SliceAnswer> slices;  ///< ascending: all that are not proved; of the proved ones those that are in the lottery
  std::vector<VerdictEntry> verdicts;
  friend bool operator==(const RunRecord&, const RunRecord&) = default;
};

Bytes encode_record(const RunRecord& record);
/// Canonical and bounded. Errors (bad_input).
[[nodiscard]] Result<RunRecord> decode_record(ByteView bytes);

/// What key and certificate say, recomputed by the verifier.
struct RunFacts {
  struct Slice {
    Digest key{};
    BoundaryRoots in, out;
    bool proved = false;  ///< the certificate has an accepted proof of it
  };
  Digest run{}, model{};
  std::vector<Slice> slices;
  std::vector<Digest> trace;  ///< h_0 .. h_L
};

/// What the user knows.
struct RecordExpectation {
  std::optional<PublicKey> keeper;  ///< pinned coordinator
  std::optional<Digest> late_part;  ///< the user's own late nonce
  std::optional<Checkpoint> seal;   ///< the seal that the user was shown before giving the nonce
  bool allow_pending = false;       ///< take audits that are not drawn yet, as long as no late part was given
};

/// What one slice is held by.
struct Held {
  std::uint32_t slice = 0;
  Treatment by;                    ///< what was found; proof for proved slices
  bool pending = false;            ///< audit not drawn yet
  bool drawn = false;              ///< audit drawn, and passed: by the auditor, or by proof
  std::vector<PublicKey> workers;  ///< that answered, as the record has them
  friend bool operator==(const Held&, const Held&) = default;
};

struct RecordVerdict {
  Verdict verdict;
  bool keeper_pinned = false;
  /// The draw had a part from outside: the user's own late part, given after the seal that the user was shown. False if the user
  /// did not say both.
  bool late = false;
  std::vector<Held> slices;        ///< all of the model, if accepted
  std::uint32_t weakest = 0;       ///< a slice
  std::vector<std::string> notes;  ///< what rests on whose word
};

/// All rules of docs/formats/record.md. Reasons are stable phrases beginning with "record: ", or those of the parts.
RecordVerdict verify_record(const RunRecord& record, const RunFacts& facts, const RecordExpectation& user,
                            const SignatureCheck& check);
/// What is known of a run without a record: proved slices are proved, the others are trust.
std::vector<Held> held_without_record(const RunFacts& facts);
/// Whether what a slice is held by is at least what a policy wants: proof covers all; k and p may be larger; distinct must be the
/// wanted one; audit by proof covers re-execution; pending audits only with allow_pending. Reason: "held by less than the policy
/// wants" (where: "slice n: wanted ..., found ...").
Verdict covers(const Held& held, const Treatment& wanted, bool allow_pending);
/// proof > replicate+audit > replicate > audit > pending > trust; within a kind by k, then by p. The first of equals.
std::uint32_t weakest_of(const std::vector<Held>& slices);

}  // namespace dsperse::trust
