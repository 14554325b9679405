// What a run's boundaries are to traces, receipts and challenges: one digest each, and which of them live before a slice.
//
// The key fixes everything: two parties with one key and one run speak of the same digests. Pure. Not here: what a trace is
// (trust/receipt/job.h), whether a boundary is right. Source: docs/formats/receipt.md. Tested by
// trust/verdict/boundaries_test.cc.
#pragma once

#include <span>
#include <vector>

#include "dsperse/proof/statement.h"
#include "dsperse/trust/receipt/job.h"

namespace dsperse::trust {

/// The root of a committed boundary; of public values H("dsperse public boundary v1"; int32 little-endian).
Digest boundary_digest(const proof::Boundary& boundary);
/// One digest a chunk, in the key's order. table: as in a certificate.
std::vector<Digest> boundary_digests(std::span<const proof::Boundary> table);

/// Life of the key's chunks. The key is a checked one (proof::check_model_key).
struct Lives {
  std::vector<std::uint32_t> inputs;              ///< live before the first slice, ascending
  std::vector<std::vector<std::uint32_t>> ended;  ///< by slice, ascending: read by nobody after it, and no output of the model
};
Lives lives_of(const proof::ModelKey& key);

/// Live roots before a slice, ascending. digests: by chunk.
BoundaryRoots live_before(const proof::ModelKey& key, const Lives& lives, std::uint32_t slice, std::span<const Digest> digests);
/// [h_0 .. h_L] of a run whose chunks have these digests.
std::vector<Digest> trace_of(const proof::ModelKey& key, const Lives& lives, std::span<const Digest> digests);

}  // namespace dsperse::trust
