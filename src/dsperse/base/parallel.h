// parallel_for over a process-wide pool with a settable number of threads; results never depend on that number.
// Tested by base/parallel_test.cc.
#pragma once

#include <cstddef>
#include <functional>
#include <span>

namespace dsperse {

/// Size of the pool, callers included. Default: the number of hardware threads. n >= 1. Not while anything runs in the pool.
void set_threads(std::size_t n);
/// Threads that parallel_for uses if it is called now, the caller included: the pool's size less the other callers of OwnWork.
std::size_t threads();

/// body(begin, end) on disjoint ranges that cover [0, n), each a multiple of `grain` long (but the last).
/// Called from inside a body, or while the pool works for another caller, it runs in the calling thread. Exceptions must not
/// leave `body`.
void parallel_for(std::size_t n, std::size_t grain, const std::function<void(std::size_t, std::size_t)>& body);

/// body(i) for every task i, sizes[i] being its work in any unit. The largest first: one of more than a thread's fair share of
/// what is left has the pool for its own parallel_for; the rest run side by side.
void parallel_tasks(std::span<const std::size_t> sizes, const std::function<void(std::size_t)>& body);

/// While one lives, its thread has a piece of work of its own beside others' (a slice beside a slice): the pool lends that many
/// threads less, and none once every thread is taken.
class OwnWork {
 public:
  OwnWork();
  ~OwnWork();
  OwnWork(const OwnWork&) = delete;
  OwnWork& operator=(const OwnWork&) = delete;
};

}  // namespace dsperse
