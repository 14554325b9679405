// Worker processes that a command starts for itself, and ends with itself.
//
// Each is `dsperse worker` with a state folder and a log of its own. One that ends is started again, each time a little later
// unless it has worked for a while. Tested by tests/e2e/workers_test.py.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <string>
#include <vector>

#include "dsperse/base/result.h"
#include "dsperse/pipeline/progress.h"

namespace dsperse::cli {

struct CrewOptions {
  unsigned workers = 0;
  std::string engine;              ///< folder
  std::string folder;              ///< of the workers' states and logs: FOLDER/0, FOLDER/1, ...
  std::uint64_t memory_bytes = 0;  ///< of all together
  unsigned threads = 1;            ///< of each
  unsigned liars = 0;              ///< a test switch: so many, the last ones, give wrong results
  unsigned most_starts = 6;        ///< in a row; 0: any number
};

class Crew {
 public:
  /// Errors: resource (no process can be started), those of the disk.
  [[nodiscard]] static Result<Crew> start(const CrewOptions& options);
  Crew(Crew&& other) noexcept = default;
  Crew& operator=(Crew&&) = delete;
  /// Asks all to stop, and waits; ends by force who does not.
  ~Crew();
  /// Starts anew who ended. Errors (backend): one ended too often in a row; its log says why.
  [[nodiscard]] Status look(const pipeline::Observer& observer);

 private:
  using Clock = std::chrono::steady_clock;
  struct Member {
    pid_t pid = -1;
    unsigned starts = 0;            ///< in a row
    Clock::time_point since, next;  ///< was started; is started again
  };
  explicit Crew(const CrewOptions& options) : options_(options), members_(options.workers) {}
  [[nodiscard]] Status start_one(std::size_t number);
  [[nodiscard]] std::string log_of(std::size_t number) const;
  CrewOptions options_;
  std::vector<Member> members_;
};

}  // namespace dsperse::cli
