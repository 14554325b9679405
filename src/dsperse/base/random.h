// Randomness from the operating system. Everything secret starts here; expansion is crypto/hash's.
// Tested by base/random_test.cc.
#pragma once

#include <span>

#include "dsperse/base/bytes.h"
#include "dsperse/base/result.h"

namespace dsperse {

/// Fills `out` from the OS CSPRNG (getrandom). An error here must stop the caller: there is no fallback.
[[nodiscard]] Status os_random(std::span<std::uint8_t> out);
/// A fresh 32-byte seed.
[[nodiscard]] Result<Digest> random_seed();

}  // namespace dsperse
