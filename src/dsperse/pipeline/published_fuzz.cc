// Any bytes as published.json: refused, or what encodes to the same bytes.
#include <algorithm>
#include <cstdlib>

#include "dsperse/pipeline/published.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const dsperse::ByteView bytes{data, size};
  const auto published = dsperse::pipeline::decode_published(bytes);
  if (!published) return 0;
  if (!std::ranges::equal(bytes, dsperse::pipeline::encode_published(*published))) std::abort();
  return 0;
}
