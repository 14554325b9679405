// Strikes: what a worker is blamed for. Each kind has its own evidence and its own weight; none turns into another.
//
// Not here: what follows from strikes (trust/audit, trust/incentive). Source: docs/trust/machines.md. Used by all machines.
#pragma once

#include <cstdint>

#include "dsperse/base/bytes.h"

namespace dsperse::trust {

enum class StrikeKind : std::uint8_t {
  liveness,     ///< lease lost, commitment or opening late or missing: says nothing about results
  commitment,   ///< an opening that does not fit its commitment, a salt shared with another worker
  correctness,  ///< lost a dispute, wrong answer to a canary
};
inline constexpr std::size_t kStrikeKinds = 3;

/// Effect of several machines: `worker` (its key) is blamed for `job`. reason: a stable phrase.
struct Strike {
  Digest worker{}, job{};
  StrikeKind kind = StrikeKind::liveness;
  const char* reason = "";
};

}  // namespace dsperse::trust
