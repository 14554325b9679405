// What only the embedded engine has: files and their modes, versions, damage, several processes at once.
#include "dsperse/engine/embedded/embedded.h"

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <set>

#include "dsperse/engine/embedded/rows.h"
#include "dsperse/engine/embedded/system.h"
#include "dsperse/engine/testing/suite.h"
#include "dsperse/store/disk/file.h"
#include "dsperse/store/testing/temporary_folder.h"

namespace dsperse::engine::embedded {
namespace {

using store::testing::TemporaryFolder;
using testing::id;
using testing::job;
using testing::ok;
using testing::value;

mode_t mode_of(const std::string& path) {
  struct stat info{};
  EXPECT_EQ(::stat(path.c_str(), &info), 0) << path;
  return info.st_mode & 0777U;
}

TEST(Embedded, OnlyTheOwnerCanReadAnything) {
  const TemporaryFolder folder;
  const mode_t before = ::umask(0);
  {
    const auto engine = value(open(folder / "engine"));
    value(engine->jobs().submit(job(1)));
    const std::string hex = to_hex(value(engine->blobs().put(Bytes(10))));
    EXPECT_EQ(mode_of(folder / "engine"), 0700U);
    EXPECT_EQ(mode_of(folder / "engine/blobs"), 0700U);
    EXPECT_EQ(mode_of(folder / ("engine/blobs/" + hex.substr(0, 2))), 0700U);
    EXPECT_EQ(mode_of(folder / ("engine/blobs/" + hex.substr(0, 2) + "/" + hex.substr(2))), 0600U);
    for (const char* name : {"engine/engine.db", "engine/engine.db-wal", "engine/engine.db-shm", "engine/open.lock"})
      EXPECT_EQ(mode_of(folder / name), 0600U) << name;
  }
  ::umask(before);
}

TEST(Embedded, ANewerVersionIsRefused) {
  const TemporaryFolder folder;
  {
    value(open(folder.path()));
  }
  {
    auto db = value(store::Database::open(folder / "engine.db", "", 1));
    ok(db.execute("PRAGMA user_version=2"));
  }
  const auto engine = open(folder.path());
  ASSERT_FALSE(engine.has_value());
  EXPECT_EQ(engine.error().kind, ErrorKind::unsupported);
}

TEST(Embedded, WhatIsNoDatabaseIsSaidToBe) {
  const TemporaryFolder folder;
  ok(store::write_file(folder / "engine.db", std::string(5000, 'x'), store::Access::secret));
  const auto engine = open(folder.path());
  ASSERT_FALSE(engine.has_value());
  EXPECT_EQ(engine.error().kind, ErrorKind::bad_input);
  EXPECT_NE(engine.error().where.find("engine.db"), std::string::npos);
}

TEST(Embedded, ARowThatNobodyWroteIsAnError) {
  const TemporaryFolder folder;
  const auto engine = value(open(folder.path()));
  value(engine->jobs().submit(job(1)));
  auto db = value(store::Database::open(folder / "engine.db", "", 1));
  for (const char* sql : {"UPDATE jobs SET state = 9", "UPDATE jobs SET state = 0, needs = x'01000000ffffffff'"}) {
    ok(db.execute(sql));
    EXPECT_EQ(testing::kind_of(engine->jobs().find(id(1))), ErrorKind::bad_input) << sql;
  }
  EXPECT_EQ(testing::kind_of(engine->jobs().lease(Puller{}, 0, 10)), ErrorKind::bad_input);
}

TEST(Embedded, TagsSurviveTheirBytes) {
  const std::vector<std::vector<std::string>> lists = {{}, {"a"}, {"", "b", std::string(kMaxTagBytes, 'x')}};
  for (const auto& tags : lists) {
    Bytes packed = pack(tags);
    EXPECT_EQ(value(unpack(packed)), tags);
    packed.push_back(0);
    EXPECT_FALSE(unpack(packed).has_value());
    packed.pop_back();
    packed.pop_back();
    EXPECT_FALSE(unpack(packed).has_value());
  }
}

TEST(Embedded, UnfinishedBlobsAreNeverSeenAndCanBeRemoved) {
  const TemporaryFolder folder;
  const auto engine = value(open(folder.path()));
  const Digest digest = value(engine->blobs().put(Bytes(10)));
  const std::string below = folder / ("blobs/" + to_hex(digest).substr(0, 2));
  const std::string left = below + "/" + store::kTemporaryPrefix + "1-0";
  ok(store::write_file(left, Bytes(3), store::Access::secret));
  ok(remove_unfinished_blobs(folder.path()));
  EXPECT_FALSE(store::exists(left));
  EXPECT_EQ(value(engine->blobs().get(digest, 100)), Bytes(10));
}

TEST(System, ClockAndRandomnessAreTheMachines) {
  SystemClock clock;
  EXPECT_GT(clock.now(), 1'700'000'000'000);
  SystemRng rng;
  std::array<std::uint8_t, 32> a{}, b{};
  ok(rng.fill(a));
  ok(rng.fill(b));
  EXPECT_NE(a, b);
}

/// What a worker process does in the test below: 0 if all went well.
int work(const std::string& folder, int out, std::uint32_t worker) {
  const auto engine = open(folder);  // all at once, on a folder that is not there yet
  if (!engine) return 2;
  for (std::uint32_t n = 0; n < 150; ++n)
    if (!(*engine)->jobs().submit(job(n))) return 3;
  for (;;) {
    const auto lease = (*engine)->jobs().lease(Puller{id(worker), {}, 0}, 0, 1000);
    if (!lease) return 4;
    if (!*lease) return 0;
    if (::write(out, (*lease)->job.id.data(), 32) != 32) return 5;
    const auto done = (*engine)->jobs().complete((*lease)->id, id(worker), 1);
    if (!done || *done != Delivery::accepted) return 6;
  }
}

TEST(Embedded, ProcessesShareAQueueWithoutDuplicates) {
  const TemporaryFolder folder;
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe(ends.data()), 0);
  std::vector<pid_t> children;
  for (std::uint32_t worker = 1; worker <= 4; ++worker) {
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) ::_exit(work(folder / "engine", ends[1], worker));
    children.push_back(child);
  }
  ::close(ends[1]);
  std::multiset<Digest> given;
  Digest one{};
  while (::read(ends[0], one.data(), 32) == 32) given.insert(one);
  ::close(ends[0]);
  for (const pid_t child : children) {
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFEXITED(status));
    EXPECT_EQ(WEXITSTATUS(status), 0);
  }
  EXPECT_EQ(given.size(), 150U);
  EXPECT_EQ(std::set<Digest>(given.begin(), given.end()).size(), 150U);
  const auto engine = value(open(folder / "engine"));
  EXPECT_EQ(value(engine->jobs().counts())[static_cast<std::size_t>(JobState::done)], 150U);
  EXPECT_EQ(value(engine->jobs().events(0, 1000)).size(), 150U);
}

}  // namespace
}  // namespace dsperse::engine::embedded
