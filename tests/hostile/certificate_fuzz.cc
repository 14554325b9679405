// Any bytes as a certificate under the fixed key: an error, or what encodes to the same bytes; accepted only if it is the real
// one, whatever record it ends with.
#include <algorithm>
#include <cstdlib>

#include "fixture.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace dsperse;
  const fuzz::Fixture& f = fuzz::fixture();
  const ByteView bytes{data, size};
  auto certificate = proof::decode_certificate(f.key, bytes);
  if (!certificate) return 0;
  const Bytes again = proof::encode_certificate(*certificate);
  if (!std::equal(bytes.begin(), bytes.end(), again.begin(), again.end())) std::abort();
  const bool accepted = proof::verify_certificate(f.key, *certificate, f.user).verdict.accepted;
  certificate->record.clear();
  if (accepted && proof::encode_certificate(*certificate) != f.certificate_bytes) std::abort();
  return 0;
}
