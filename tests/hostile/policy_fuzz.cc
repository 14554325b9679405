// Any text as a policy, applied to the fixed key's slices: an error, or one treatment a slice.
#include <cstdlib>

#include "dsperse/trust/policy/policy.h"
#include "fixture.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace dsperse;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto ranges = trust::parse_slices(text))
    for (const auto& [low, high] : *ranges)
      if (low > high) std::abort();
  const auto policy = trust::parse_policy(text);
  if (!policy) return 0;
  std::vector<const quantize::Program*> programs;
  for (const proof::SliceKey& s : fuzz::fixture().key.slices) programs.push_back(&s.program);
  if (const auto treatments = trust::expand(*policy, programs); treatments && treatments->size() != programs.size()) std::abort();
  return 0;
}
