// What a piece of code allocates at most: malloc and its kin replaced for the whole test program (glibc), so that C++'s operator
// new and the C libraries are seen alike. Not under the sanitizers, which bring their own malloc.
#pragma once

#include <cstddef>
#include <functional>

namespace dsperse::hostile {

struct Usage {
  std::size_t peak = 0;  ///< bytes that were live at once, beyond those at the start
  bool refused = false;  ///< one request was beyond kLargestRequest, and got nothing
};

/// A request beyond this fails while a measurement runs, so that a broken bound does not take the machine with it.
inline constexpr std::size_t kLargestRequest = std::size_t{1} << 31;

/// Runs `f` and measures it. One at a time, in one thread.
Usage measure(const std::function<void()>& f);

}  // namespace dsperse::hostile
