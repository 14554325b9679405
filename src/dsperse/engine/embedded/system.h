// The machine's own clock and randomness, for whoever constructs an engine. Tested by engine/embedded/embedded_test.cc.
#pragma once

#include "dsperse/engine/clock.h"

namespace dsperse::engine::embedded {

/// The system's wall clock; it may jump when the system's time is set.
class SystemClock final : public Clock {
 public:
  [[nodiscard]] TimeMs now() override;
};

/// The operating system's CSPRNG.
class SystemRng final : public Rng {
 public:
  [[nodiscard]] Status fill(std::span<std::uint8_t> out) override;
};

}  // namespace dsperse::engine::embedded
