// What a job is called, what a trace is, and the commitment that a worker makes before it shows its result.
//
// Not here: who gets which job and when openings are due (the coordinator's). Source: docs/formats/receipt.md, rules on canonical
// traces, jobs, and commit before reveal. Tested by trust/receipt/job_test.cc.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "dsperse/base/bytes.h"
#include "dsperse/base/result.h"
#include "dsperse/trust/sign/signature.h"

namespace dsperse::trust {

/// The commitment to one boundary tensor, by its chunk's number in the model.
struct BoundaryRoot {
  std::uint32_t chunk = 0;
  Digest root{};
  friend bool operator==(const BoundaryRoot&, const BoundaryRoot&) = default;
};
/// Strictly ascending by chunk.
using BoundaryRoots = std::vector<BoundaryRoot>;
[[nodiscard]] bool ascends(std::span<const BoundaryRoot> roots);

/// H(run id, slice key digest, boundary roots in, assignment nonce). roots_in: ascending. Depends on nothing else: a job that is
/// delivered twice is the same job.
Digest job_id(const Digest& run, const Digest& slice_key, std::span<const BoundaryRoot> roots_in, const Digest& nonce);

/// What stands for the root of a chunk whose values are public: H(its values, int32 little-endian).
Digest public_root(ByteView values);

/// h = digest of all live boundary roots (ascending).
Digest trace_digest(std::span<const BoundaryRoot> live);

/// What one slice changes: roots that it makes, and chunks that nobody reads after it. A chunk that it makes may end with it.
struct TraceStep {
  BoundaryRoots made;
  std::vector<std::uint32_t> ended;
};
/// [h_0 .. h_L] over L steps from the roots that live before the first slice. Errors (bad_input): a chunk is made while it lives,
/// or ends while it does not; where: "slice i". Cost: the sum of live roots.
[[nodiscard]] Result<std::vector<Digest>> canonical_trace(BoundaryRoots live, std::span<const TraceStep> steps);

/// Opening of a commitment. salt: 32 secret random bytes; without them h_out could be guessed from c.
struct Opening {
  Digest h_out{}, salt{};
  friend bool operator==(const Opening&, const Opening&) = default;
};
/// c = H(job id, worker key, h_out, salt): a copy of another worker's c opens for that worker alone.
Digest commitment(const Digest& job, const PublicKey& worker, const Opening& opening);
/// Reason: "commitment: does not open".
Verdict verify_opening(const Digest& c, const Digest& job, const PublicKey& worker, const Opening& opening);

}  // namespace dsperse::trust
