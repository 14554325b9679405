// Allocation and failed checks of the C++ library without exceptions and without stdio: both end in a trap whose cause is kept.
// Only in the module; replaces the library's own, which would import functions of WASI to print and to exit.
#include "dsperse/wasm/fate.h"

#include <cstdlib>
#include <cstring>
#include <new>
#include <vector>

namespace dsperse::wasm {
namespace {

Fate last_fate = Fate::none;

[[noreturn]] void stop(Fate why) {
  last_fate = why;
  __builtin_trap();
}

void* allocate(std::size_t bytes) {
  void* const memory = std::malloc(bytes == 0 ? 1 : bytes);
  if (memory == nullptr) stop(Fate::out_of_memory);
  return memory;
}

}  // namespace

Fate fate() { return last_fate; }

}  // namespace dsperse::wasm

void* operator new(std::size_t bytes) { return dsperse::wasm::allocate(bytes); }
void* operator new[](std::size_t bytes) { return dsperse::wasm::allocate(bytes); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }

/// Where libc++ would throw. A container beyond its largest size is one that no memory could hold.
void std::__libcpp_verbose_abort(const char* format, ...) {
  const bool too_long = std::strncmp(format, "length_error", 12) == 0 || std::strncmp(format, "bad_a", 5) == 0;
  dsperse::wasm::stop(too_long ? dsperse::wasm::Fate::out_of_memory : dsperse::wasm::Fate::bug);
}
