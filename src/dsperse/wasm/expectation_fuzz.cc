// Any bytes as an expectation: an error, or what encodes to the same bytes again.
#include <cstdlib>

#include "dsperse/wasm/expectation_bytes.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace dsperse;
  const Bytes bytes(data, data + size);
  if (const auto user = wasm::decode_expectation(bytes); user && wasm::encode_expectation(*user) != bytes) std::abort();
  return 0;
}
