// What makes a worker a process: one a state folder, stopped by signals or with its parent, a limit on memory, and a second
// thread that keeps the lease of the job in work alive.
//
// Not here: what a worker does with a job (work/worker). Tested by tests/e2e/worker_test.cc.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "dsperse/engine/job.h"

namespace dsperse::cli {

/// From now on SIGTERM and SIGINT are only noted; a second one ends the process at once (130).
void note_signals();
[[nodiscard]] bool stop_asked();
/// The process is asked to stop when the thread that started it ends, and now if its parent is another process than `parent` (if
/// not 0): then that has happened already.
void end_with_parent(int parent);
/// No more than this for the process's data. Errors (resource): the system refuses.
[[nodiscard]] Status limit_memory(std::uint64_t bytes);

/// Held while the process lives. Errors (usage): another process has this state folder.
class StateLock {
 public:
  [[nodiscard]] static Result<StateLock> take(const std::string& folder);
  StateLock(StateLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  StateLock& operator=(StateLock&&) = delete;
  ~StateLock();

 private:
  explicit StateLock(int fd) : fd_(fd) {}
  int fd_;
};

/// Between begin() and end() the lease gets heartbeats. When its time is over, or nobody wants it any more, it is given up and
/// the work goes on: a late result still counts. When the process is to stop, the job is given back, and `stopped` is called, in
/// the second thread, while the first one works: it must end the process.
class Heartbeats {
 public:
  Heartbeats(std::string engine_folder, const engine::WorkerKey& worker, engine::TimeMs beat_ms, std::function<void()> stopped);
  Heartbeats(const Heartbeats&) = delete;
  Heartbeats& operator=(const Heartbeats&) = delete;
  ~Heartbeats();
  void begin(const engine::Lease& lease);
  void end();

 private:
  void run();
  std::string folder_;
  engine::WorkerKey worker_;
  engine::TimeMs beat_ms_;
  std::function<void()> stopped_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::optional<engine::Lease> lease_;  ///< guarded by mutex_, as is what follows
  engine::TimeMs next_beat_ = 0;
  bool over_ = false;
  std::thread thread_;
};

}  // namespace dsperse::cli
