// Why the module stopped. WebAssembly without exceptions can only trap; what led to it is written down before.
//
// An instance that trapped is not used again. Tested by tests/wasm.
#pragma once

#include <cstdint>

namespace dsperse::wasm {

enum class Fate : std::uint32_t {
  none = 0,
  out_of_memory = 1,  ///< more than the engine gives, or than 32-bit addresses hold: a resource error for the caller
  bug = 2,            ///< an internal check failed
};

[[nodiscard]] Fate fate();

}  // namespace dsperse::wasm
