// What a plan is to be good for. Tested by slice/search_test.cc.
#pragma once

#include <cstdint>

namespace dsperse::slice {

/// The least total seconds of proving, bytes of proofs, or seconds of verification.
enum class Optimize : std::uint8_t { time, size, verify };

}  // namespace dsperse::slice
