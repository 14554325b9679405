// A file that shows one entry of a log to whoever has no log: the entry, its place, and the checkpoint that the place is under.
//
//   {"v":1,"entry":BASE64,"index":N,"path":[D, ...],"checkpoint":ENVELOPE}
//
// The proof's size is the checkpoint's, so the two can't be of different ones. Canonical as receipts are. Not here: what the
// entry says. Source: docs/formats/ledger.md. Tested by trust/ledger/entry_proof_test.cc and ledger_fuzz.cc.
#pragma once

#include "dsperse/trust/ledger/checkpoint.h"

namespace dsperse::trust {

/// path: at most 48 digests. entry: at most kMaxEnvelopeBytes.
struct EntryProof {
  Bytes entry;
  std::uint64_t index = 0;
  std::vector<Digest> path;
  Envelope checkpoint;
  friend bool operator==(const EntryProof&, const EntryProof&) = default;
};

Bytes encode_entry_proof(const EntryProof& proof);
/// Errors (bad_input): anything that encode_entry_proof does not write of values in the bounds above; says the byte.
[[nodiscard]] Result<EntryProof> decode_entry_proof(ByteView text);

/// The log whose keeper has this key holds the entry; `out` is the checkpoint. Reasons: verify_checkpoint's but its origin (which
/// is in `out`), where "checkpoint > ..."; verify_inclusion's.
Verdict verify_entry_proof(const EntryProof& proof, const PublicKey& keeper, const SignatureCheck& check, Checkpoint& out);

}  // namespace dsperse::trust
