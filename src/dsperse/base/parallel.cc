#include "dsperse/base/parallel.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <numeric>
#include <thread>
#include <vector>

namespace dsperse {
namespace {

thread_local bool inside_body = false;

/// How long a thread looks for work, or for others to end theirs, before it sleeps: a proof has hundreds of short jobs one after
/// another, and waking a thread takes longer than many of them.
constexpr std::chrono::microseconds kPatience{50};

void pause_cpu() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

/// Whether done() came true in time.
template <class Done>
bool look_for(const Done& done) {
  constexpr int kLooks = 32;
  const auto end = std::chrono::steady_clock::now() + kPatience;
  do {
    for (int i = 0; i < kLooks; ++i) {
      if (done()) return true;
      pause_cpu();
    }
  } while (std::chrono::steady_clock::now() < end);
  return done();
}

/// Workers that wait for one job at a time. A job is open while its caller works on it; workers join it if they come in time, and
/// it ends when the caller has found no more to do and those that joined have left: nobody waits for a worker that still sleeps.
class Pool {
 public:
  ~Pool() { resize(1); }

  void resize(std::size_t n) {
    stopping_ = true;
    announce();
    for (auto& t : workers_) t.join();
    workers_.clear();
    stopping_ = false;
    size_ = std::max<std::size_t>(1, n);
    for (std::size_t i = 1; i < size_; ++i) workers_.emplace_back([this, seen = generation_.load()] { work(seen); });
  }

  /// Threads for one more caller, itself included.
  [[nodiscard]] std::size_t available() const {
    const std::size_t own = own_work_;
    return own <= 1 ? size_ : own >= size_ ? 1 : size_ - own + 1;
  }
  void add_own_work(std::size_t n) { own_work_ += n; }

  /// False, and nothing done, if another caller has the pool.
  bool run(std::size_t n, std::size_t grain, const std::function<void(std::size_t, std::size_t)>& body) {
    const std::unique_lock one_job(job_mutex_, std::try_to_lock);
    if (!one_job) return false;
    body_ = &body;
    n_ = n;
    grain_ = grain;
    next_ = 0;
    places_ = available() - 1;
    joined_ |= kOpen;
    announce();
    drain();
    joined_ &= ~kOpen;
    if (!look_for([&] { return joined_ == 0; }))
      for (std::uint32_t left = joined_; left != 0; left = joined_) joined_.wait(left);
    return true;
  }

 private:
  static constexpr std::uint32_t kOpen = 1U << 31;

  void announce() {
    ++generation_;
    generation_.notify_all();  // no call of the system if nobody sleeps
  }

  void drain() {
    inside_body = true;
    for (std::size_t at = next_.fetch_add(grain_); at < n_; at = next_.fetch_add(grain_)) (*body_)(at, std::min(n_, at + grain_));
    inside_body = false;
  }

  void join_job() {
    // What the job consists of is written before it is open, and stays until everybody who saw that has left.
    const std::uint32_t before = joined_.fetch_add(1);
    if ((before & kOpen) != 0 && (before & ~kOpen) < places_) drain();
    if (joined_.fetch_sub(1) == 1) joined_.notify_all();
  }

  void work(std::uint32_t seen) {
    for (;;) {
      const auto called = [&] { return generation_ != seen; };
      if (!look_for(called))
        while (!called()) generation_.wait(seen);
      seen = generation_;  // before the question: a stop that it misses is announced after this generation
      if (stopping_) return;
      join_job();
    }
  }

  std::mutex job_mutex_;
  std::vector<std::thread> workers_;
  std::size_t size_ = 1;
  std::atomic<std::size_t> own_work_{0};
  std::atomic<std::uint32_t> generation_{0}, joined_{0};  // jobs announced; workers at the job, and whether it is open
  std::atomic<bool> stopping_{false};
  const std::function<void(std::size_t, std::size_t)>* body_ = nullptr;
  std::size_t n_ = 0, grain_ = 1, places_ = 0;
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
std::size_t threads() { return pool().available(); }

OwnWork::OwnWork() { pool().add_own_work(1); }
OwnWork::~OwnWork() { pool().add_own_work(std::size_t{0} - 1); }

void parallel_for(std::size_t n, std::size_t grain, const std::function<void(std::size_t, std::size_t)>& body) {
  if (n == 0) return;
  grain = std::max<std::size_t>(1, grain);
  if (!inside_body && n > grain && pool().available() != 1 && pool().run(n, grain, body)) return;
  for (std::size_t at = 0; at < n; at += grain) body(at, std::min(n, at + grain));
}

void parallel_tasks(std::span<const std::size_t> sizes, const std::function<void(std::size_t)>& body) {
  std::vector<std::size_t> order(sizes.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return sizes[a] > sizes[b]; });
  std::size_t left = std::accumulate(sizes.begin(), sizes.end(), std::size_t{0}), first = 0;
  for (; first < order.size() && sizes[order[first]] > left / threads(); ++first) {
    left -= sizes[order[first]];
    body(order[first]);
  }
  parallel_for(order.size() - first, 1, [&](std::size_t begin, std::size_t end) {
    for (; begin < end; ++begin) body(order[first + begin]);
  });
}

}  // namespace dsperse
