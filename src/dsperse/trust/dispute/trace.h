// Canonical traces and where two of them part.
//
// T = [h_0 .. h_L]: h_0 is the digest of the inputs' roots, h_i of all live boundary roots after i slices in topological order.
// Two honest traces of one run are equal. Not here: how h_i is made of roots (the pipeline), whose traces they are. Source:
// docs/trust/machines.md. Tested by trust/dispute/dispute_test.cc.
#pragma once

#include <optional>
#include <span>

#include "dsperse/base/bytes.h"
#include "dsperse/base/result.h"

namespace dsperse::trust::dispute {

inline constexpr std::uint32_t kMaxSlices = 1U << 16;

/// The slice that two traces disagree about, counted from 0: both say h_in before it and different things after it.
struct Difference {
  std::uint32_t slice = 0;
  Digest h_in{}, h_out_a{}, h_out_b{};
  friend bool operator==(const Difference&, const Difference&) = default;
};

/// The first slice i with equal T[i] and different T[i + 1]; nothing if the traces are equal. Errors (bad_input): unequal
/// lengths, no slice, more than kMaxSlices; the inputs differ: then no slice is to blame, the two computed something else.
[[nodiscard]] Result<std::optional<Difference>> first_difference(std::span<const Digest> a, std::span<const Digest> b);

}  // namespace dsperse::trust::dispute
