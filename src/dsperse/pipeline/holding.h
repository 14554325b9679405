// What holds each slice of a run: its proof, or what the certificate's record says; and whether that is enough for the user.
//
// Key and certificate say what must have been claimed (record_facts); the rules are trust::verify_record's. Not here: proofs
// (proof/verify.h), making a record. Source: docs/formats/record.md, docs/trust.md. Tested by pipeline/holding_test.cc.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "dsperse/proof/statement.h"
#include "dsperse/trust/record/record.h"

namespace dsperse::pipeline {

/// Of a checked key and a certificate of it whose table passed proof::verify_certificate. proved: slices with an accepted proof.
trust::RunFacts record_facts(const proof::ModelKey& key, const proof::Certificate& certificate,
                             const std::set<std::uint32_t>& proved);

struct Holding {
  std::optional<trust::PublicKey> keeper;  ///< the coordinator whose record it is; absent without record
  bool keeper_pinned = false, late = false;
  std::vector<trust::Held> slices;  ///< all of the model
  /// By slice: "run in float by onnxruntime 1.22.0 (GridSample)"; empty: integers.
  std::vector<std::string> in_float;
  std::uint32_t weakest = 0;       ///< a slice
  std::vector<std::string> notes;  ///< what rests on whose word
};

/// Fills `out` if the verdict is to accept. wanted: treatment of each slice, by the user's policy. check: who decides
/// signatures; may be null without a record. Reasons: trust::verify_record's, trust::covers's. Errors (bad_input): the
/// certificate ends with bytes that are no record; (internal): a record and nobody to check its signatures.
[[nodiscard]] Result<Verdict> judge_holding(const proof::ModelKey& key, const proof::Certificate& certificate,
                                            const std::set<std::uint32_t>& proved, const std::vector<trust::Treatment>& wanted,
                                            const trust::RecordExpectation& user, const trust::SignatureCheck* check,
                                            Holding& out);

/// "2 Conv, Relu" of names with repetitions, in the order in which they come first.
std::string counted_text(const std::vector<std::string>& names);
/// "2 slices proved, 1 replicated, 3 trusted; weakest: slice 1, trust".
std::string holding_text(const Holding& holding);
/// One line for all slices that are held alike: "slices 0, 2-4: replicate(2): wrong only if ...; assumes ...; fails against ...".
std::vector<std::string> guarantee_texts(const Holding& holding);

/// The checkpoint in an envelope that a coordinator showed as its seal. Its signature counts nowhere: the record's own seal must
/// be the same statement. Errors (bad_input): no envelope of a checkpoint.
[[nodiscard]] Result<trust::Checkpoint> read_checkpoint(ByteView envelope);

}  // namespace dsperse::pipeline
