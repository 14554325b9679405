#include "dsperse/trust/verdict/boundaries.h"

#include <algorithm>

#include "dsperse/crypto/hash/hash.h"

namespace dsperse::trust {

Digest boundary_digest(const proof::Boundary& boundary) {
  if (boundary.root) return *boundary.root;
  ByteWriter w;
  for (const std::int32_t v : boundary.values) w.u32(static_cast<std::uint32_t>(v));
  return crypto::hash_tagged("dsperse public boundary v1", {w.bytes()});
}

std::vector<Digest> boundary_digests(std::span<const proof::Boundary> table) {
  std::vector<Digest> out;
  for (const proof::Boundary& b : table) out.push_back(boundary_digest(b));
  return out;
}

Lives lives_of(const proof::ModelKey& key) {
  // Last slice that makes or reads a chunk; an input that nobody reads ends with the first.
  std::vector<std::uint32_t> last(key.chunks.size(), 0);
  std::vector<bool> output(key.chunks.size(), false);
  Lives out;
  for (const proof::Edge& e : key.edges) {
    if (e.is_input) out.inputs.insert(out.inputs.end(), e.chunks.begin(), e.chunks.end());
    if (e.is_output)
      for (const std::uint32_t c : e.chunks) output[c] = true;
  }
  std::sort(out.inputs.begin(), out.inputs.end());
  for (std::uint32_t i = 0; i < key.slices.size(); ++i)
    for (const auto* ports : {&key.slices[i].inputs, &key.slices[i].outputs})
      for (const proof::Port& p : *ports) last[p.chunk] = i;
  out.ended.resize(key.slices.size());
  for (std::uint32_t c = 0; c < key.chunks.size(); ++c)
    if (!output[c]) out.ended[last[c]].push_back(c);
  return out;
}

BoundaryRoots live_before(const proof::ModelKey& key, const Lives& lives, std::uint32_t slice, std::span<const Digest> digests) {
  std::vector<bool> live(key.chunks.size(), false);
  for (const std::uint32_t c : lives.inputs) live[c] = true;
  for (std::uint32_t i = 0; i < slice; ++i) {
    for (const proof::Port& p : key.slices[i].outputs) live[p.chunk] = true;
    for (const std::uint32_t c : lives.ended[i]) live[c] = false;
  }
  BoundaryRoots out;
  for (std::uint32_t c = 0; c < live.size(); ++c)
    if (live[c]) out.push_back({c, digests[c]});
  return out;
}

std::vector<Digest> trace_of(const proof::ModelKey& key, const Lives& lives, std::span<const Digest> digests) {
  std::vector<TraceStep> steps(key.slices.size());
  for (std::size_t i = 0; i < steps.size(); ++i) {
    for (const proof::Port& p : key.slices[i].outputs) steps[i].made.push_back({p.chunk, digests[p.chunk]});
    steps[i].ended = lives.ended[i];
  }
  // In a checked key every chunk is made once and ends at most once, after that: there is no error.
  auto trace = canonical_trace(live_before(key, lives, 0, digests), steps);
  return trace ? std::move(*trace) : std::vector<Digest>{};
}

}  // namespace dsperse::trust
