// A log after a crash: copies of its files at every moment, cut short anywhere, and a writer that is killed.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <map>

#include "dsperse/store/testing/temporary_folder.h"
#include "dsperse/trust/ledger/log/log.h"

namespace dsperse::trust {
namespace {

namespace fs = std::filesystem;
constexpr const char* kOrigin = "example.org/ledger";

Result<Head> append_some(Log& log, std::size_t count) {
  std::vector<Bytes> entries(count, Bytes(200));
  for (std::size_t i = 0; i < count; ++i) entries[i][0] = static_cast<std::uint8_t>(i + count);
  const std::vector<ByteView> views(entries.begin(), entries.end());
  return log.append(views);
}

// The journal holds what was committed since the last checkpoint of SQLite. A crash leaves a prefix of it, with any bytes behind.
TEST(LogCrash, AnyCutOfTheJournalIsSomeCommittedHead) {
  const store::testing::TemporaryFolder folder;
  const std::string path = folder / "log.db", copy = folder / "copy.db";
  auto log = Log::open(path, kOrigin);
  ASSERT_TRUE(log);
  std::map<std::uint64_t, Digest> heads = {{0, empty_root()}};
  for (std::size_t i = 1; i <= 8; ++i) {
    const auto head = append_some(*log, i);
    ASSERT_TRUE(head);
    heads[head->size] = head->root;
    // A copy while the log is open, as a crash would leave it.
    const auto whole = fs::file_size(path + "-wal");
    std::uint64_t last = 0;
    for (std::uintmax_t cut = 0; cut <= whole; cut += cut + 1500 < whole ? 1500 : std::max<std::uintmax_t>(1, whole - cut)) {
      for (const char* suffix : {"", "-wal", "-shm"}) fs::remove(copy + suffix);
      fs::copy_file(path, copy);
      fs::copy_file(path + "-wal", copy + "-wal");
      fs::resize_file(copy + "-wal", cut);
      auto found = Log::open(copy, kOrigin);
      ASSERT_TRUE(found) << "cut at " << cut << " of " << whole << ": " << found.error().text();
      const auto state = found->head();
      ASSERT_TRUE(state);
      ASSERT_TRUE(heads.contains(state->size) && heads[state->size] == state->root) << cut;
      ASSERT_GE(state->size, last) << "more of the journal, less of the log";
      last = state->size;
      ASSERT_TRUE(found->check()) << cut << ": " << found->check().error().text();
    }
    EXPECT_EQ(last, head->size) << "what was acknowledged is there";
  }
}

TEST(LogCrash, AKilledWriterLosesNothingAcknowledged) {
  const store::testing::TemporaryFolder folder;
  const std::string path = folder / "log.db";
  std::uint64_t before = 0;
  for (int round = 0; round < 12; ++round) {
    int pipe[2];
    ASSERT_EQ(::pipe(pipe), 0);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      ::close(pipe[0]);
      auto log = Log::open(path, kOrigin);
      for (std::size_t i = 0; log; ++i) {
        const auto head = append_some(*log, i % 5 + 1);
        if (!head || ::write(pipe[1], &*head, sizeof(Head)) != sizeof(Head)) break;
      }
      ::_exit(1);
    }
    ::close(pipe[1]);
    Head acknowledged;
    for (int i = 0; i < 3 + round; ++i) {
      Head head;
      ASSERT_EQ(::read(pipe[0], &head, sizeof(head)), static_cast<ssize_t>(sizeof(head)));
      EXPECT_GT(head.size, acknowledged.size);
      acknowledged = head;
    }
    ::kill(child, SIGKILL);  // anywhere in a later append
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFSIGNALED(status));
    for (Head head; ::read(pipe[0], &head, sizeof(head)) == static_cast<ssize_t>(sizeof(head));) acknowledged = head;
    ::close(pipe[0]);

    auto log = Log::open(path, kOrigin);
    ASSERT_TRUE(log) << log.error().text();
    EXPECT_GE(log->head()->size, acknowledged.size);
    EXPECT_GT(acknowledged.size, before);
    EXPECT_EQ(log->root_at(acknowledged.size), acknowledged.root);
    ASSERT_TRUE(log->check()) << log->check().error().text();
    before = log->head()->size;
  }
}

}  // namespace
}  // namespace dsperse::trust
