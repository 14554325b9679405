// The log itself: an append-only list of entries in one SQLite file, with its tree and the checkpoints that were signed of it.
//
// Appending is one durable transaction (WAL, synchronous FULL): after an error or a crash all of it is there or nothing. Nothing
// is ever rewritten: the file's own triggers refuse UPDATE and DELETE. What no file can tell: that it was set back or swapped as
// a whole; checkpoints that others hold can (verify_growth). One object is used by one thread; several processes may have one
// file open. Not here: keys, clocks, what entries mean. Source: docs/formats/ledger.md. Tested by trust/ledger/log/log_test.cc
// and crash_test.cc.
#pragma once

#include <optional>
#include <span>

#include "dsperse/store/disk/database.h"
#include "dsperse/trust/ledger/checkpoint.h"
#include "dsperse/trust/ledger/proofs.h"

namespace dsperse::trust {

/// Envelopes of receipts are the largest entries.
inline constexpr std::size_t kMaxEntryBytes = kMaxEnvelopeBytes;

struct Head {
  std::uint64_t size = 0;
  Digest root{};
  friend bool operator==(const Head&, const Head&) = default;
};

class Log final : private NodeSource {
 public:
  /// Opens or creates (0600). A new file gets this origin; an old one must have it. The head is recomputed from the tree and
  /// compared. Errors (bad_input): another origin, no log, or a damaged head; (unsupported): a newer format.
  [[nodiscard]] static Result<Log> open(const std::string& path, const std::string& origin);

  /// Opens a log that is there, of whatever origin, for reading: nothing of the file changes. Errors as open()'s; (bad_input): no
  /// such file.
  [[nodiscard]] static Result<Log> open_existing(const std::string& path);
  [[nodiscard]] const std::string& origin() const { return origin_; }

  /// All entries at the end, or none. Gives the new head. Errors (usage): no entry, or one of more than kMaxEntryBytes;
  /// (resource): 2^48 leaves. Cost: one sync of the disk, two rows an entry.
  [[nodiscard]] Result<Head> append(std::span<const ByteView> entries);
  /// The newest committed head.
  [[nodiscard]] Result<Head> head();
  /// Root over the first `size` entries. Errors (usage): more than there are.
  [[nodiscard]] Result<Digest> root_at(std::uint64_t size);
  /// Errors (usage): no such entry.
  [[nodiscard]] Result<Bytes> entry(std::uint64_t index);
  /// Where the entry with this leaf_hash is: the first if it is there more than once. By an index.
  [[nodiscard]] Result<std::optional<std::uint64_t>> find(const Digest& leaf);
  /// Of committed entries. Errors (usage): index or sizes beyond them.
  [[nodiscard]] Result<InclusionProof> inclusion(std::uint64_t index, std::uint64_t size);
  [[nodiscard]] Result<ConsistencyProof> consistency(std::uint64_t first, std::uint64_t second);

  /// Signs the newest head and keeps the envelope. A second one of the same size gives back the first: one statement a size.
  [[nodiscard]] Result<Envelope> checkpoint(const Signer& keeper, std::uint64_t time_ms);
  /// The same of the first `size` entries, whatever came after. Errors (usage): more than there are.
  [[nodiscard]] Result<Envelope> checkpoint_of(std::uint64_t size, const Signer& keeper, std::uint64_t time_ms);
  /// The kept checkpoint of the largest size that is at most `size`.
  [[nodiscard]] Result<std::optional<Envelope>> checkpoint_at(std::uint64_t size);

  /// Recomputes everything: every leaf from its entry, every node, every head and kept checkpoint. Errors (bad_input): the first
  /// that differs. Cost: reads the whole file.
  [[nodiscard]] Status check();

 private:
  Log(store::Database db, std::string path, std::string origin)
      : db_(std::move(db)), path_(std::move(path)), origin_(std::move(origin)) {}
  [[nodiscard]] Result<Digest> node(unsigned level, std::uint64_t index) override;
  [[nodiscard]] Status claim_origin();
  [[nodiscard]] Status check_head();
  [[nodiscard]] Status check_size(std::uint64_t size);
  [[nodiscard]] Status check_checkpoints();
  /// Within a transaction of the caller's.
  [[nodiscard]] Result<Envelope> sign_head(const Head& head, const Signer& keeper, std::uint64_t time_ms);
  /// What is wrong with the file.
  [[nodiscard]] std::unexpected<Error> damaged(const std::string& what) const;

  store::Database db_;
  std::string path_, origin_;
};

}  // namespace dsperse::trust
