#include "dsperse/trust/receipt/job.h"

#include <algorithm>

#include "dsperse/crypto/hash/hash.h"

namespace dsperse::trust {
namespace {

Bytes encode(std::span<const BoundaryRoot> roots) {
  ByteWriter out;
  out.u32(static_cast<std::uint32_t>(roots.size()));
  for (const auto& r : roots) {
    out.u32(r.chunk);
    out.raw(r.root);
  }
  return out.take();
}

auto position(BoundaryRoots& live, std::uint32_t chunk) {
  return std::lower_bound(live.begin(), live.end(), chunk, [](const BoundaryRoot& r, std::uint32_t c) { return r.chunk < c; });
}

}  // namespace

bool ascends(std::span<const BoundaryRoot> roots) {
  return std::adjacent_find(roots.begin(), roots.end(), [](const auto& a, const auto& b) { return a.chunk >= b.chunk; }) ==
         roots.end();
}

Digest job_id(const Digest& run, const Digest& slice_key, std::span<const BoundaryRoot> roots_in, const Digest& nonce) {
  return crypto::hash_tagged("dsperse job v1", {run, slice_key, encode(roots_in), nonce});
}

Digest public_root(ByteView values) { return crypto::hash_tagged("dsperse public boundary v1", {values}); }

Digest trace_digest(std::span<const BoundaryRoot> live) { return crypto::hash_tagged("dsperse trace v1", {encode(live)}); }

Result<std::vector<Digest>> canonical_trace(BoundaryRoots live, std::span<const TraceStep> steps) {
  if (!ascends(live)) return fail(ErrorKind::bad_input, "the first roots do not ascend by chunk");
  std::vector<Digest> out{trace_digest(live)};
  for (std::size_t i = 0; i < steps.size(); ++i) {
    for (const auto& r : steps[i].made) {
      const auto at = position(live, r.chunk);
      if (at != live.end() && at->chunk == r.chunk)
        return fail(ErrorKind::bad_input, "chunk " + std::to_string(r.chunk) + " is made while it lives",
                    "slice " + std::to_string(i));
      live.insert(at, r);
    }
    for (const std::uint32_t chunk : steps[i].ended) {
      const auto at = position(live, chunk);
      if (at == live.end() || at->chunk != chunk)
        return fail(ErrorKind::bad_input, "chunk " + std::to_string(chunk) + " ends, but does not live",
                    "slice " + std::to_string(i));
      live.erase(at);
    }
    out.push_back(trace_digest(live));
  }
  return out;
}

Digest commitment(const Digest& job, const PublicKey& worker, const Opening& opening) {
  return crypto::hash_tagged("dsperse result commitment v1", {job, worker, opening.h_out, opening.salt});
}

Verdict verify_opening(const Digest& c, const Digest& job, const PublicKey& worker, const Opening& opening) {
  return commitment(job, worker, opening) == c ? Verdict::accept() : Verdict::reject("commitment: does not open");
}

}  // namespace dsperse::trust
