#include "dsperse/trust/dispute/trace.h"

#include <algorithm>

namespace dsperse::trust::dispute {

Result<std::optional<Difference>> first_difference(std::span<const Digest> a, std::span<const Digest> b) {
  if (a.size() != b.size()) return fail(ErrorKind::bad_input, "the traces have different lengths", "dispute");
  if (a.size() < 2 || a.size() - 1 > kMaxSlices) return fail(ErrorKind::bad_input, "a trace has 1 to 65536 slices", "dispute");
  if (a[0] != b[0])
    return fail(ErrorKind::bad_input, "the traces start from different inputs", "dispute", "compare the inputs of the two jobs");
  const auto at = static_cast<std::size_t>(std::ranges::mismatch(a, b).in1 - a.begin());
  if (at == a.size()) return std::nullopt;
  return Difference{static_cast<std::uint32_t>(at - 1), a[at - 1], a[at], b[at]};
}

}  // namespace dsperse::trust::dispute
