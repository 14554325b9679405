#include "dsperse/engine/embedded/system.h"

#include <chrono>

#include "dsperse/base/random.h"

namespace dsperse::engine::embedded {

TimeMs SystemClock::now() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

Status SystemRng::fill(std::span<std::uint8_t> out) { return os_random(out); }

}  // namespace dsperse::engine::embedded
