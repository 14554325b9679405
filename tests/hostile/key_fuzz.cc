// Any bytes as a verification key: an error, or a key that encodes to the same bytes. The fixed certificate's proofs are then
// checked under it: accepted only where the key still says what they were made for.
#include <algorithm>
#include <cstdlib>

#include "fixture.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace dsperse;
  const fuzz::Fixture& f = fuzz::fixture();
  const ByteView bytes{data, size};
  const auto key = proof::decode_model_key(bytes);
  if (!key) return 0;
  const Bytes again = proof::encode_model_key(*key);
  if (!std::equal(bytes.begin(), bytes.end(), again.begin(), again.end())) std::abort();
  // As a user would, who pins nothing.
  proof::Certificate c = f.certificate;
  c.model_id = key->id();
  if (proof::verify_certificate(*key, c, fuzz::expectation_of(f.key, c)).verdict && again != f.key_bytes) std::abort();
  for (const proof::SliceKey& s : key->slices)
    for (const proof::SliceKey& own : f.key.slices)
      if (s.weight_root && proof::verify_ranges(s) && own.digest() == s.digest() && own.range_proof != s.range_proof)
        std::abort();
  for (const proof::SliceProof& p : c.slices) {
    if (p.slice >= key->slices.size()) continue;
    const proof::SliceKey& s = key->slices[p.slice];
    if (proof::verify_slice(s, f.statement(*key, p), p.proof) && key->id() != f.key.id()) std::abort();
    for (const proof::EpochLink& l : p.links)
      if (proof::verify_link(s, l) && s.digest() != f.key.slices[p.slice].digest()) std::abort();
  }
  return 0;
}
