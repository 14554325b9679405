// Any bytes as a slice package: an error, or what encodes to the same bytes, with a chunk for each port.
#include <algorithm>
#include <cstdlib>

#include "dsperse/proof/package.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace dsperse;
  const ByteView bytes{data, size};
  const auto package = proof::decode_slice_package(bytes);
  if (!package) return 0;
  const Bytes again = proof::encode_slice_package(*package);
  if (!std::equal(bytes.begin(), bytes.end(), again.begin(), again.end())) std::abort();
  for (const proof::Port& p : package->key.ports())
    if (package->chunk(p.chunk) == nullptr) std::abort();
  return 0;
}
