// Merkle tree of an append-only log: its hashes, and the verification of inclusion and consistency proofs.
//
// Structure and algorithms of RFC 9162, section 2.1, with domain-separated BLAKE3 in place of SHA-256 (docs/design/0009).
// Sizes count leaves; a path lists sibling hashes from the leaf upwards. Pure and bounded: a path has at most 48 hashes.
// Not here: making proofs (proofs.h), who vouches for a root (checkpoint.h). Source: docs/formats/ledger.md. Tested by
// trust/ledger/merkle_test.cc (against the definition, for all sizes up to 300) and ledger_fuzz.cc.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "dsperse/base/bytes.h"
#include "dsperse/base/result.h"

namespace dsperse::trust {

/// Largest log.
inline constexpr std::uint64_t kMaxLeaves = std::uint64_t{1} << 48;

Digest leaf_hash(ByteView leaf);
Digest node_hash(const Digest& left, const Digest& right);
/// Root of a log without leaves.
Digest empty_root();

/// The leaf with this hash is number `index` of the first `size` leaves.
struct InclusionProof {
  std::uint64_t index = 0, size = 0;
  std::vector<Digest> path;
  friend bool operator==(const InclusionProof&, const InclusionProof&) = default;
};
/// The log of `second` leaves begins with the one of `first`.
struct ConsistencyProof {
  std::uint64_t first = 0, second = 0;
  std::vector<Digest> path;
  friend bool operator==(const ConsistencyProof&, const ConsistencyProof&) = default;
};

/// Hashes in the one right proof. index < size <= kMaxLeaves.
[[nodiscard]] std::size_t inclusion_length(std::uint64_t index, std::uint64_t size);
/// first <= second <= kMaxLeaves. Zero for equal sizes and for first = 0.
[[nodiscard]] std::size_t consistency_length(std::uint64_t first, std::uint64_t second);

/// root: of exactly proof.size leaves; whoever says it must say both together (verify_entry in checkpoint.h), since one path can
/// fit two places under two sizes. Reasons: "inclusion: index" (not below the size), "inclusion: length", "inclusion: root".
Verdict verify_inclusion(const Digest& leaf, const InclusionProof& proof, const Digest& root);
/// An empty log begins every log. Reasons: "consistency: sizes" (first > second), "consistency: length",
/// "consistency: first root", "consistency: second root".
Verdict verify_consistency(const ConsistencyProof& proof, const Digest& first_root, const Digest& second_root);

/// Canonical bytes, docs/formats/ledger.md. Errors (bad_input): also numbers that don't fit, and paths of another length.
Bytes encode_inclusion(const InclusionProof& proof);
[[nodiscard]] Result<InclusionProof> decode_inclusion(ByteView bytes);
Bytes encode_consistency(const ConsistencyProof& proof);
[[nodiscard]] Result<ConsistencyProof> decode_consistency(ByteView bytes);

}  // namespace dsperse::trust
