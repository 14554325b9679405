#include "dsperse/cli/crew.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <thread>

#include "dsperse/store/disk/file.h"

extern char** environ;

namespace dsperse::cli {
namespace {

constexpr auto kLong = std::chrono::seconds(60);  ///< who worked so long is no failure
constexpr std::chrono::milliseconds kFirstPause{250}, kLongestPause{30'000};
constexpr auto kPatience = std::chrono::seconds(5);
constexpr auto kLook = std::chrono::milliseconds(10);
constexpr std::uint64_t kLeastMemory = std::uint64_t{256} << 20;

/// File actions of posix_spawn, freed at the end.
class Actions {
 public:
  Actions() { ::posix_spawn_file_actions_init(&actions_); }
  Actions(const Actions&) = delete;
  Actions& operator=(const Actions&) = delete;
  ~Actions() { ::posix_spawn_file_actions_destroy(&actions_); }
  void open(int fd, const std::string& path, int flags) {
    ::posix_spawn_file_actions_addopen(&actions_, fd, path.c_str(), flags, 0600);
  }
  [[nodiscard]] const posix_spawn_file_actions_t* get() const { return &actions_; }

 private:
  posix_spawn_file_actions_t actions_;
};

}  // namespace

std::string Crew::log_of(std::size_t number) const { return store::join(options_.folder, std::to_string(number) + ".log"); }

Result<Crew> Crew::start(const CrewOptions& options) {
  DSPERSE_CHECK_OK(store::make_folder(options.folder, store::Access::secret));
  Crew crew(options);
  for (std::size_t i = 0; i < crew.members_.size(); ++i) DSPERSE_CHECK_OK(crew.start_one(i));
  return crew;
}

Status Crew::start_one(std::size_t number) {
  Member& m = members_[number];
  std::vector<std::string> words{"dsperse",    "worker",
                                 "--engine",   options_.engine,
                                 "--state",    store::join(options_.folder, std::to_string(number)),
                                 "--operator", "local-" + std::to_string(number),
                                 "--threads",  std::to_string(options_.threads),
                                 "--memory",   std::to_string(std::max(kLeastMemory, options_.memory_bytes / options_.workers)),
                                 "--child",    std::to_string(::getpid())};
  if (number + options_.liars >= options_.workers) words.insert(words.end(), {"--test-lie", "1"});
  std::vector<char*> argv;
  for (std::string& w : words) argv.push_back(w.data());
  argv.push_back(nullptr);
  Actions actions;
  actions.open(STDIN_FILENO, "/dev/null", O_RDONLY);
  actions.open(STDOUT_FILENO, "/dev/null", O_WRONLY);
  actions.open(STDERR_FILENO, log_of(number), O_WRONLY | O_CREAT | O_APPEND);
  ++m.starts;
  m.since = Clock::now();
  if (const int error = ::posix_spawn(&m.pid, "/proc/self/exe", actions.get(), nullptr, argv.data(), environ); error != 0) {
    m.pid = -1;
    return fail(ErrorKind::resource, "a worker process cannot be started", "worker " + std::to_string(number));
  }
  return {};
}

Status Crew::look(const pipeline::Observer& observer) {
  for (std::size_t i = 0; i < members_.size(); ++i) {
    Member& m = members_[i];
    const auto now = Clock::now();
    int status = 0;
    if (m.pid > 0 && ::waitpid(m.pid, &status, WNOHANG) == m.pid) {
      m.pid = -1;
      if (now - m.since >= kLong) m.starts = 0;
      const auto pause = std::min(kLongestPause, kFirstPause * (1U << std::min(m.starts, 10U)));
      m.next = now + (m.starts == 0 ? std::chrono::milliseconds(0) : pause);
      if (options_.most_starts != 0 && m.starts >= options_.most_starts)
        return fail(ErrorKind::backend, fmt::format("worker {} ended {} times", i, m.starts), log_of(i),
                    "its log says why; give the command again to go on");
      pipeline::tell(observer,
                     {pipeline::Event::Kind::note, 0, 0, fmt::format("worker {} ended and is started again", i), 0, 0, 0});
    }
    if (m.pid < 0 && now >= m.next) DSPERSE_CHECK_OK(start_one(i));
  }
  return {};
}

Crew::~Crew() {
  for (const Member& m : members_)
    if (m.pid > 0) ::kill(m.pid, SIGTERM);
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  for (const Member& m : members_) {
    if (m.pid < 0) continue;
    int status = 0;
    while (::waitpid(m.pid, &status, WNOHANG) == 0) {
      if (std::chrono::steady_clock::now() >= deadline) {
        ::kill(m.pid, SIGKILL);
        ::waitpid(m.pid, &status, 0);
        break;
      }
      std::this_thread::sleep_for(kLook);
    }
  }
}

}  // namespace dsperse::cli
