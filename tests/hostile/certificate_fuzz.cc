// Any bytes as a certificate under the fixed key: an error, or what encodes to the same bytes; accepted only if it is the real
// one.
#include <algorithm>
#include <cstdlib>

#include "fixture.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace dsperse;
  const fuzz::Fixture& f = fuzz::fixture();
  const ByteView bytes{data, size};
  const auto certificate = proof::decode_certificate(f.key, bytes);
  if (!certificate) return 0;
  const Bytes again = proof::encode_certificate(*certificate);
  if (!std::equal(bytes.begin(), bytes.end(), again.begin(), again.end())) std::abort();
  if (proof::verify_certificate(f.key, *certificate, f.user).verdict && again != f.certificate_bytes) std::abort();
  return 0;
}
