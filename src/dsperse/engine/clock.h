// Time and randomness, as things that are handed in: nothing in the trust half asks the machine for them by itself.
//
// The system's own are in engine/embedded/system.h, simulated ones in engine/simulated/world.h.
// Tested by engine/engine_test.cc and engine/simulated/world_test.cc.
#pragma once

#include <cstdint>
#include <span>

#include "dsperse/base/result.h"

namespace dsperse::engine {

/// Milliseconds since the Unix epoch, as the coordinator's clock has it. May jump; whoever compares two says what a jump costs.
using TimeMs = std::int64_t;

class Clock {
 public:
  virtual ~Clock() = default;
  [[nodiscard]] virtual TimeMs now() = 0;
};

class Rng {
 public:
  virtual ~Rng() = default;
  /// Fills all of `out`. An error must stop the caller: there is no fallback.
  [[nodiscard]] virtual Status fill(std::span<std::uint8_t> out) = 0;
};

}  // namespace dsperse::engine
