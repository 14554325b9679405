// Any bytes as a tensor file: an error or tensors whose values fit their shapes, never a crash.
#include <cstdlib>

#include "dsperse/store/tensors/tensor_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto tensors = dsperse::store::parse_tensors({data, size}, "fuzz");
  if (!tensors) return 0;
  for (const auto& t : *tensors) {
    std::size_t n = 1;
    for (const std::int64_t d : t.shape) n *= static_cast<std::size_t>(d);
    if (n != t.values.size()) std::abort();
  }
  return 0;
}
