// Operator new of dead_checks_test: remembers the largest request. Alone in its file, where no compiler sees both it and a
// delete.
#include <cstdlib>
#include <new>

#include "dead_rules.h"

namespace dsperse::soundness {

std::size_t& largest_request() {
  thread_local std::size_t bytes = 0;
  return bytes;
}

}  // namespace dsperse::soundness

void* operator new(std::size_t n) {
  std::size_t& largest = dsperse::soundness::largest_request();
  if (n > largest) largest = n;
  void* p = std::malloc(n == 0 ? 1 : n);
  if (p == nullptr) std::abort();
  return p;
}
void operator delete(void* p) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }
