#include "dsperse/cli/worker_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <utility>

#include "dsperse/cli/context.h"
#include "dsperse/engine/embedded/embedded.h"
#include "dsperse/engine/embedded/system.h"
#include "dsperse/store/disk/file.h"

namespace dsperse::cli {
namespace {

constexpr auto kLook = std::chrono::milliseconds(50);  ///< how often signals and deadlines are looked at

std::atomic<bool> stop{false};
static_assert(std::atomic<bool>::is_always_lock_free);

void noted(int) {
  if (stop.exchange(true)) ::_exit(kInterrupted);
}

}  // namespace

void note_signals() {
  struct sigaction action{};
  action.sa_handler = noted;
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
}

bool stop_asked() { return stop.load(); }

void end_with_parent(int parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (parent != 0 && ::getppid() != parent) stop = true;
}

Status limit_memory(std::uint64_t bytes) {
  const rlimit limit{bytes, bytes};
  if (::setrlimit(RLIMIT_DATA, &limit) != 0)
    return fail(ErrorKind::resource, std::string("cannot limit memory: ") + std::strerror(errno), {},
                "ask for less with --memory");
  return {};
}

Result<StateLock> StateLock::take(const std::string& folder) {
  const std::string path = store::join(folder, "worker.lock");
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return fail(ErrorKind::bad_input, std::string("cannot open: ") + std::strerror(errno), path);
  StateLock lock(fd);
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0)
    return fail(ErrorKind::usage, "another worker runs with this state folder", folder,
                "give each worker one of its own with --state FOLDER");
  return lock;
}

StateLock::~StateLock() {
  if (fd_ >= 0) ::close(fd_);
}

Heartbeats::Heartbeats(std::string engine_folder, const engine::WorkerKey& worker, engine::TimeMs beat_ms,
                       std::function<void()> stopped)
    : folder_(std::move(engine_folder)), worker_(worker), beat_ms_(beat_ms), stopped_(std::move(stopped)), thread_([this] {
        run();
      }) {}

Heartbeats::~Heartbeats() {
  {
    const std::scoped_lock lock(mutex_);
    over_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

void Heartbeats::begin(const engine::Lease& lease) {
  const std::scoped_lock lock(mutex_);
  lease_ = lease;
  next_beat_ = lease.since + beat_ms_ / 3;
}

void Heartbeats::end() {
  const std::scoped_lock lock(mutex_);
  lease_.reset();
}

void Heartbeats::run() {
  std::unique_ptr<engine::Engine> engine;  // this thread's own
  engine::embedded::SystemClock clock;
  std::unique_lock lock(mutex_);
  while (!wake_.wait_for(lock, kLook, [this] { return over_; })) {
    if (!lease_) continue;
    if (!engine) {
      auto opened = engine::embedded::open(folder_);
      if (!opened) continue;  // said by the first thread, which needs it as well
      engine = std::move(*opened);
    }
    engine::JobQueue& jobs = engine->jobs();
    const engine::TimeMs now = clock.now();
    if (stop_asked()) {
      (void)jobs.fail(lease_->id, "the worker was stopped", now, now);
      stopped_();
    } else if (now - lease_->since >= lease_->job.time_ms) {
      (void)jobs.fail(lease_->id, "out of time", now, now);
      to_stderr("job {}: out of time; the result will come late\n", to_hex(lease_->job.id).substr(0, 16));
      lease_.reset();
    } else if (now >= next_beat_ || now < next_beat_ - beat_ms_) {  // or the clock jumped back
      next_beat_ = now + beat_ms_ / 3;
      (void)engine->nodes().seen(worker_, now);
      const auto deadline = jobs.heartbeat(lease_->id, now, beat_ms_);
      if (!deadline || *deadline) continue;
      to_stderr("job {}: the lease has ended; the result will come late\n", to_hex(lease_->job.id).substr(0, 16));
      lease_.reset();
    }
  }
}

}  // namespace dsperse::cli
