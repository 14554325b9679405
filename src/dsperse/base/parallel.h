// parallel_for over a process-wide pool with a settable number of threads; results never depend on that number.
// Tested by base/parallel_test.cc.
#pragma once

#include <cstddef>
#include <functional>

namespace dsperse {

/// Threads used by parallel_for, the caller included. Default: the number of hardware threads. n >= 1.
void set_threads(std::size_t n);
std::size_t threads();

/// body(begin, end) on disjoint ranges that cover [0, n), each a multiple of `grain` long (but the last).
/// Called from inside a body it runs in the calling thread. Exceptions must not leave `body`.
void parallel_for(std::size_t n, std::size_t grain, const std::function<void(std::size_t, std::size_t)>& body);

}  // namespace dsperse
