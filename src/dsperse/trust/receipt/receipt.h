// Receipts: what a worker signs for each job that it did, chained so that it cannot tell two stories.
//
// Accepting a receipt says who claims what, and that it answers an assignment; never that the claim is true: replicas, audits and
// proofs say that. Not here: policies, storage. Source: docs/formats/receipt.md. Tested by trust/receipt/receipt_test.cc and
// receipt_fuzz.cc.
#pragma once

#include <optional>

#include "dsperse/trust/receipt/envelope.h"
#include "dsperse/trust/receipt/job.h"

namespace dsperse::trust {

inline constexpr std::string_view kReceiptType = "application/vnd.dsperse.receipt+json";
inline constexpr std::size_t kMaxEngineBytes = 128;
/// Roots in and roots out, each.
inline constexpr std::size_t kMaxReceiptRoots = 1024;

struct Receipt {
  Digest job{}, run{}, model{}, slice_key{};
  Digest h_in{}, h_out{};                         ///< trace digests before and after the slice
  Digest commitment{};                            ///< c that the worker sent before it showed h_out: its signature binds the salt
  BoundaryRoots roots_in, roots_out;              ///< each ascending; no chunk is in both
  std::string engine;                             ///< profile of the engine that ran: a word (is_word)
  std::optional<Digest> proof;                    ///< digest of the slice proof, if one was made
  std::uint64_t started_ms = 0, finished_ms = 0;  ///< the worker's clock, Unix time; started <= finished <= kMaxNumber
  std::uint64_t lease = 0;                        ///< number of the lease that the worker held, <= kMaxNumber
  PublicKey worker{};
  Digest prev{};  ///< receipt_digest of the worker's receipt before this one, or genesis(worker)
  friend bool operator==(const Receipt&, const Receipt&) = default;
};

/// `prev` of a worker's first receipt.
Digest genesis(const PublicKey& worker);
/// Digest of the signed payload; the next receipt's `prev`. Signatures don't count: signing again makes no other receipt.
Digest receipt_digest(const Receipt& receipt);

/// Errors (bad_input): a bound of Receipt.
[[nodiscard]] Status check_receipt(const Receipt& receipt);
/// The payload, one text a receipt. Meant for receipts that check_receipt takes.
Bytes encode_receipt(const Receipt& receipt);
/// Errors (bad_input): anything that encode_receipt does not write.
[[nodiscard]] Result<Receipt> decode_receipt(ByteView payload);

/// A signed receipt. Errors (bad_input): check_receipt's; the signer is not receipt.worker. The worker must store it durably
/// before anybody sees it: a receipt that is forgotten and replaced is an equivocation.
[[nodiscard]] Result<Envelope> sign_receipt(const Receipt& receipt, const Signer& worker);

/// The worker named in it, and nobody else, signed it; `out` is then the receipt.
/// Reasons: verify_envelope's; "receipt: not canonical"; "receipt: signatures" (not exactly one); "receipt: signed by another
/// key".
Verdict verify_receipt(const Envelope& envelope, const SignatureCheck& check, Receipt& out);
/// The same of a text; reason also "envelope: not canonical".
Verdict verify_receipt(ByteView envelope, const SignatureCheck& check, Receipt& out);

/// The salt, with the receipt's h_out, opens the receipt's commitment. Reason: "commitment: does not open".
Verdict verify_receipt_opening(const Receipt& receipt, const Digest& salt);

/// What a coordinator asked of one worker.
struct Assignment {
  Digest run{}, model{}, slice_key{}, h_in{}, nonce{};
  BoundaryRoots roots_in;
  PublicKey worker{};
  std::uint64_t lease = 0;
  std::optional<Digest> commitment = {};  ///< what the worker sent for this job, if it had to before it showed its result
};
/// The receipt answers the assignment. A lease that ended does not count against it.
/// Reasons: "receipt: answers another job", where: the first field that differs.
Verdict verify_answer(const Receipt& receipt, const Assignment& assignment);

/// The receipts follow each other in this order, all by one worker, the first after `prev`.
/// Reasons: "receipt: another worker", "receipt: chain is broken"; where: "receipt i".
Verdict verify_chain(std::span<const Receipt> receipts, const PublicKey& worker, const Digest& prev);

}  // namespace dsperse::trust
