#include "dsperse/base/parallel.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>
#include <vector>

namespace dsperse {
namespace {

thread_local bool inside_body = false;

/// Workers that wait for one job at a time; a job is a shared counter over chunks.
class Pool {
 public:
  ~Pool() { resize(1); }

  void resize(std::size_t n) {
    {
      const std::scoped_lock lock(mutex_);
      stopping_ = true;
    }
    wake_.notify_all();
    for (auto& t : workers_) t.join();
    workers_.clear();
    stopping_ = false;
    size_ = std::max<std::size_t>(1, n);
    for (std::size_t i = 1; i < size_; ++i) workers_.emplace_back([this, seen = generation_] { work(seen); });
  }

  [[nodiscard]] std::size_t size() const { return size_; }

  void run(std::size_t n, std::size_t grain, const std::function<void(std::size_t, std::size_t)>& body) {
    const std::scoped_lock one_job(job_mutex_);
    {
      const std::scoped_lock lock(mutex_);
      body_ = &body;
      n_ = n;
      grain_ = grain;
      next_ = 0;
      busy_ = workers_.size();
      ++generation_;
    }
    wake_.notify_all();
    drain();
    std::unique_lock lock(mutex_);
    done_.wait(lock, [this] { return busy_ == 0; });
    body_ = nullptr;
  }

 private:
  void drain() {
    inside_body = true;
    for (std::size_t at = next_.fetch_add(grain_); at < n_; at = next_.fetch_add(grain_)) (*body_)(at, std::min(n_, at + grain_));
    inside_body = false;
  }

  void work(std::uint64_t seen) {
    for (;;) {
      {
        std::unique_lock lock(mutex_);
        wake_.wait(lock, [&] { return stopping_ || generation_ != seen; });
        if (stopping_) return;
        seen = generation_;
      }
      drain();
      const std::scoped_lock lock(mutex_);
      if (--busy_ == 0) done_.notify_one();
    }
  }

  std::mutex job_mutex_, mutex_;
  std::condition_variable wake_, done_;
  std::vector<std::thread> workers_;
  std::size_t size_ = 1, busy_ = 0;
  std::uint64_t generation_ = 0;
  bool stopping_ = false;
  const std::function<void(std::size_t, std::size_t)>* body_ = nullptr;
  std::size_t n_ = 0, grain_ = 1;
  std::atomic<std::size_t> next_{0};
};

Pool& pool() {
  static Pool instance;
  static const bool sized = (instance.resize(std::thread::hardware_concurrency()), true);
  (void)sized;
  return instance;
}

}  // namespace

void set_threads(std::size_t n) { pool().resize(n); }
std::size_t threads() { return pool().size(); }

void parallel_for(std::size_t n, std::size_t grain, const std::function<void(std::size_t, std::size_t)>& body) {
  if (n == 0) return;
  grain = std::max<std::size_t>(1, grain);
  if (inside_body || n <= grain || pool().size() == 1) {
    for (std::size_t at = 0; at < n; at += grain) body(at, std::min(n, at + grain));
    return;
  }
  pool().run(n, grain, body);
}

}  // namespace dsperse
