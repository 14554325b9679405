#include "dsperse/engine/embedded/embedded.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <optional>

#include "dsperse/engine/embedded/stores.h"
#include "dsperse/store/disk/file.h"

namespace dsperse::engine::embedded {
namespace {

// Numbers of states and kinds are those of engine/job.h and node_registry.h. A lease's result lies in `leases`; `jobs.lease` is
// the live or the completed one, else 0. Payloads lie apart, so that a transition does not write them again. Ids of leases and
// events are never used twice (AUTOINCREMENT).
constexpr const char* kSchema = R"(
CREATE TABLE IF NOT EXISTS jobs(
  place INTEGER PRIMARY KEY AUTOINCREMENT, id BLOB NOT NULL UNIQUE, needs BLOB NOT NULL,
  avoids BLOB NOT NULL, priority INTEGER NOT NULL, memory INTEGER NOT NULL, time_ms INTEGER NOT NULL,
  max_leases INTEGER NOT NULL, state INTEGER NOT NULL, not_before INTEGER NOT NULL, leases INTEGER NOT NULL,
  lease INTEGER NOT NULL, reason BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS payloads(job BLOB PRIMARY KEY, payload BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS jobs_order ON jobs(state, priority DESC, place);
CREATE TABLE IF NOT EXISTS leases(
  id INTEGER PRIMARY KEY AUTOINCREMENT, job BLOB NOT NULL, worker BLOB NOT NULL, since INTEGER NOT NULL,
  deadline INTEGER NOT NULL, state INTEGER NOT NULL, reason BLOB NOT NULL, result BLOB);
CREATE INDEX IF NOT EXISTS leases_job ON leases(job);
CREATE INDEX IF NOT EXISTS leases_deadline ON leases(state, deadline);
CREATE TABLE IF NOT EXISTS events(
  sequence INTEGER PRIMARY KEY AUTOINCREMENT, kind INTEGER NOT NULL, lease INTEGER NOT NULL, job BLOB NOT NULL,
  worker BLOB NOT NULL, at INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS events_job ON events(job);
CREATE TABLE IF NOT EXISTS nodes(
  key BLOB PRIMARY KEY, operated_by BLOB NOT NULL, region BLOB NOT NULL, engine BLOB NOT NULL, capabilities BLOB NOT NULL,
  memory INTEGER NOT NULL, state INTEGER NOT NULL, reason BLOB NOT NULL, first_seen INTEGER NOT NULL,
  last_seen INTEGER NOT NULL);
)";
constexpr int kVersion = 1;

/// Held while a database is opened: SQLite does not wait for the lock that the switch to WAL needs.
class OpenLock {
 public:
  explicit OpenLock(const std::string& path) : fd_(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)) {
    while (fd_ >= 0 && ::flock(fd_, LOCK_EX) != 0)
      if (errno != EINTR) {
        ::close(fd_);
        fd_ = -1;
      }
  }
  OpenLock(const OpenLock&) = delete;
  OpenLock& operator=(const OpenLock&) = delete;
  ~OpenLock() {
    if (fd_ >= 0) ::close(fd_);
  }
  [[nodiscard]] bool held() const { return fd_ >= 0; }

 private:
  int fd_;
};

class EmbeddedEngine final : public Engine {
 public:
  EmbeddedEngine(store::Database db, std::string blob_folder, std::uint64_t blob_limit)
      : db_(std::move(db)), jobs_(db_), nodes_(db_), blobs_(std::move(blob_folder), blob_limit) {}
  JobQueue& jobs() override { return jobs_; }
  NodeRegistry& nodes() override { return nodes_; }
  BlobStore& blobs() override { return blobs_; }

 private:
  store::Database db_;
  Jobs jobs_;
  Nodes nodes_;
  Blobs blobs_;
};

}  // namespace

Result<std::unique_ptr<Engine>> open(const std::string& folder, const Options& options) {
  const std::string blob_folder = store::join(folder, "blobs");
  DSPERSE_CHECK_OK(store::make_folder(folder, store::Access::secret));
  DSPERSE_CHECK_OK(store::make_folder(blob_folder, store::Access::secret));
  DSPERSE_CHECK_OK(store::sync_folder(folder));
  if (const std::string parent = store::join(folder, ".."); ::access(parent.c_str(), R_OK) == 0)
    DSPERSE_CHECK_OK(store::sync_folder(parent));
  const OpenLock lock(store::join(folder, "open.lock"));
  if (!lock.held()) return dsperse::fail(ErrorKind::bad_input, std::string("cannot lock: ") + std::strerror(errno), folder);
  DSPERSE_TRY(store::Database db, store::Database::open(store::join(folder, "engine.db"), kSchema, kVersion));
  return std::make_unique<EmbeddedEngine>(std::move(db), blob_folder, options.blob_limit_bytes);
}

Status remove_unfinished_blobs(const std::string& folder) {
  const std::string blobs = store::join(folder, "blobs");
  for (unsigned i = 0; i < 256; ++i) {
    const auto byte = static_cast<std::uint8_t>(i);
    if (const std::string below = store::join(blobs, to_hex({&byte, 1})); store::exists(below)) store::remove_unfinished(below);
  }
  return {};
}

}  // namespace dsperse::engine::embedded
