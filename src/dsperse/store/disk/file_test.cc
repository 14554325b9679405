#include "dsperse/store/disk/file.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>

#include "dsperse/store/testing/temporary_folder.h"

namespace dsperse::store {
namespace {

mode_t mode(const std::string& path) {
  struct stat info{};
  return ::stat(path.c_str(), &info) == 0 ? info.st_mode & 0777 : 0;
}

TEST(File, WritesAndReadsBack) {
  const testing::TemporaryFolder dir;
  ASSERT_TRUE(write_file(dir / "a", "first", Access::shared));
  ASSERT_TRUE(write_file(dir / "a", "second", Access::shared));
  const auto bytes = read_file(dir / "a", 6);
  ASSERT_TRUE(bytes);
  EXPECT_EQ(std::string(bytes->begin(), bytes->end()), "second");
  EXPECT_EQ(list_files(dir.path())->size(), 1U);
}

TEST(File, SecretsAreForTheOwnerAlone) {
  const testing::TemporaryFolder dir;
  const mode_t before = ::umask(0);
  EXPECT_TRUE(write_file(dir / "key", "x", Access::secret));
  EXPECT_TRUE(make_folder(dir / "keys", Access::secret));
  ::umask(before);
  EXPECT_EQ(mode(dir / "key"), 0600U);
  EXPECT_EQ(mode(dir / "keys"), 0700U);
}

TEST(File, ErrorsSayWhatAndWhere) {
  const testing::TemporaryFolder dir;
  EXPECT_EQ(read_file(dir / "absent", 10).error().where, dir / "absent");
  EXPECT_EQ(read_file(dir.path(), 10).error().kind, ErrorKind::bad_input);
  ASSERT_TRUE(write_file(dir / "a", "12345", Access::shared));
  EXPECT_EQ(read_file(dir / "a", 4).error().kind, ErrorKind::resource);
  EXPECT_FALSE(write_file(dir / "no/such/folder", "x", Access::shared));
  EXPECT_FALSE(make_folder(dir / "a", Access::shared));
}

TEST(File, AFullDiskLeavesNothingUnderTheFinalName) {
  const testing::TemporaryFolder dir;
  ASSERT_TRUE(write_file(dir / "a", "old", Access::shared));
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {  // a file-size limit stands for the full disk
    std::signal(SIGXFSZ, SIG_IGN);
    const rlimit small{4096, 4096};
    ::setrlimit(RLIMIT_FSIZE, &small);
    ::_exit(write_file(dir / "a", Bytes(1 << 20), Access::shared) ? 1 : 0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(read_file(dir / "a", 10)->size(), 3U);
  EXPECT_EQ(list_files(dir.path())->size(), 1U);
}

TEST(File, UnfinishedWritesAreNotListedAndCanBeRemoved) {
  const testing::TemporaryFolder dir;
  std::ofstream(dir / (std::string(kTemporaryPrefix) + "1-1")) << "half";
  EXPECT_TRUE(list_files(dir.path())->empty());
  remove_unfinished(dir.path());
  EXPECT_FALSE(exists(dir / (std::string(kTemporaryPrefix) + "1-1")));
}

TEST(File, StemOfAPath) {
  EXPECT_EQ(stem("a/lenet5.onnx"), "lenet5");
  EXPECT_EQ(stem("a/lenet5.plan/"), "lenet5");
}

}  // namespace
}  // namespace dsperse::store
