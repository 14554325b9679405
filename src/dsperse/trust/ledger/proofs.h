// Roots and proofs of a log out of its stored nodes: what the log's keeper does.
//
// Only nodes over complete subtrees are stored (they never change); all others are made anew from at most 48 of them.
// Source: RFC 9162, sections 2.1.1, 2.1.3.1, 2.1.4.1; docs/formats/ledger.md. Tested by trust/ledger/merkle_test.cc.
#pragma once

#include "dsperse/trust/ledger/merkle.h"

namespace dsperse::trust {

/// Where complete subtrees come from: node(level, i) covers leaves [i 2^level, (i + 1) 2^level). Asked only below the size given
/// to the functions here.
class NodeSource {
 public:
  virtual ~NodeSource() = default;
  [[nodiscard]] virtual Result<Digest> node(unsigned level, std::uint64_t index) = 0;
};

/// Root over the first `size` leaves. Errors: the source's, as for all functions here. Cost: log2(size) nodes.
[[nodiscard]] Result<Digest> tree_root(NodeSource& source, std::uint64_t size);
/// Errors (usage): index >= size or size > kMaxLeaves. Cost: log2(size)^2 / 2 nodes at most.
[[nodiscard]] Result<InclusionProof> prove_inclusion(NodeSource& source, std::uint64_t index, std::uint64_t size);
/// Errors (usage): first > second or second > kMaxLeaves.
[[nodiscard]] Result<ConsistencyProof> prove_consistency(NodeSource& source, std::uint64_t first, std::uint64_t second);

}  // namespace dsperse::trust
