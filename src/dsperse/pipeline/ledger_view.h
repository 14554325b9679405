// A ledger for people: what is in it, one entry for somebody else, and what files that are about ledgers prove.
//
// Not here: keeping a log (trust/ledger/log, work/coordinator), the rules (trust/ledger, trust/record). Source: docs/cli.md,
// docs/formats/ledger.md. Tested by pipeline/ledger_view_test.cc.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "dsperse/proof/key.h"
#include "dsperse/trust/ledger/entry_proof.h"
#include "dsperse/trust/ledger/log/log.h"

namespace dsperse::pipeline {

/// One entry in words. kind: receipt, opening, closing, draw, verdict, strike, payout, checkpoint, envelope, bytes.
struct EntryView {
  std::uint64_t index = 0;
  std::string kind, text;
};
EntryView describe_entry(std::uint64_t index, ByteView entry);

struct LedgerView {
  struct Signed {
    trust::Checkpoint checkpoint;
    std::vector<trust::PublicKey> keys;
  };
  trust::Head head;
  std::vector<Signed> checkpoints;             ///< the newest first
  std::map<std::string, std::uint64_t> kinds;  ///< how many of each, of all
  std::vector<EntryView> entries;              ///< the newest, ascending
};
/// newest: so many entries at the end are described. Reads all.
[[nodiscard]] Result<LedgerView> view_ledger(trust::Log& log, std::uint64_t newest);

/// path: a ledger.db, or a folder with one. Errors: Log::open_existing's.
[[nodiscard]] Result<trust::Log> open_ledger(const std::string& path);
/// Index of the entry that is a receipt with this digest (trust::receipt_digest). Reads entries until it is there.
/// Errors (usage): none is.
[[nodiscard]] Result<std::uint64_t> find_receipt(trust::Log& log, const Digest& receipt);
/// Under the newest checkpoint. Errors (usage): no such entry, or no checkpoint above it yet.
[[nodiscard]] Result<trust::EntryProof> prove_entry(trust::Log& log, std::uint64_t index);

/// What somebody who checks files knows.
struct CheckRequest {
  std::optional<trust::PublicKey> keeper;  ///< of the log; absent: whoever signed is taken as the keeper, and the text says so
  const proof::ModelKey* key = nullptr;    ///< for a certificate
  const trust::SignatureCheck* signatures = nullptr;
};
struct Finding {
  Verdict verdict;
  std::string text;               ///< what follows from it, in words
  std::optional<Bytes> evidence;  ///< of a split view that the files show
};
/// One of: an entry with its proof; two checkpoints, with a consistency proof (DSCON001) if their sizes differ; evidence; a
/// certificate (its record; needs the key; its proofs are not checked). Errors (bad_input): anything else; (usage): what is
/// missing.
[[nodiscard]] Result<Finding> check_files(const std::vector<Bytes>& files, const CheckRequest& request);

}  // namespace dsperse::pipeline
