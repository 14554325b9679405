#include "dsperse/trust/ledger/log/log.h"

#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dsperse/store/testing/temporary_folder.h"
#include "dsperse/trust/ledger/testing/memory_log.h"
#include "dsperse/trust/sign/ed25519.h"

namespace dsperse::trust {
namespace {

using Found = std::optional<std::uint64_t>;
constexpr const char* kOrigin = "example.org/ledger";
Ed25519Signer signer(std::uint8_t n) { return std::move(*Ed25519Signer::from_seed(Digest{n})); }

Log opened(const std::string& path) {
  auto log = Log::open(path, kOrigin);
  EXPECT_TRUE(log) << log.error().text();
  return std::move(*log);
}

/// Entries first .. last - 1 of testing::MemoryLog, in one transaction.
Result<Head> append(Log& log, std::size_t first, std::size_t last) {
  std::vector<Bytes> entries;
  for (std::size_t i = first; i < last; ++i) {
    const std::string text = std::to_string(i);
    entries.emplace_back(text.begin(), text.end());
  }
  const std::vector<ByteView> views(entries.begin(), entries.end());
  return log.append(views);
}

/// Runs SQL on the file as somebody else would, without a log around; what SQLite says.
std::string meddle(const std::string& path, const std::string& sql, bool off_triggers = true) {
  sqlite3* db = nullptr;
  EXPECT_EQ(sqlite3_open(path.c_str(), &db), SQLITE_OK);
  EXPECT_EQ(sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_TRIGGER, off_triggers ? 0 : 1, nullptr), SQLITE_OK);
  sqlite3_exec(db, sql.c_str(), nullptr, nullptr, nullptr);
  std::string said = sqlite3_errmsg(db);
  sqlite3_close(db);
  return said;
}

/// The fourth column of all rows: a query plan's details.
std::string explained(const std::string& path, const std::string& sql) {
  sqlite3* db = nullptr;
  EXPECT_EQ(sqlite3_open(path.c_str(), &db), SQLITE_OK);
  std::string out;
  sqlite3_exec(
      db, sql.c_str(),
      [](void* to, int, char** columns, char**) {
        *static_cast<std::string*>(to) += std::string(columns[3]) + "\n";
        return 0;
      },
      &out, nullptr);
  sqlite3_close(db);
  return out;
}

TEST(Log, FindsEntriesByTheirHash) {
  const store::testing::TemporaryFolder folder;
  testing::MemoryLog naive(100);
  Log log = opened(folder / "log.db");
  EXPECT_EQ(*log.find(naive.leaf(0)), Found());
  ASSERT_TRUE(append(log, 0, 100));
  for (std::size_t i = 0; i < 100; ++i) EXPECT_EQ(*log.find(naive.leaf(i)), Found(i));
  EXPECT_EQ(*log.find(node_hash(naive.leaf(0), naive.leaf(1))), Found()) << "a node is no entry";
  EXPECT_EQ(*log.find(Digest{}), Found());
  ASSERT_TRUE(append(log, 40, 41));
  EXPECT_EQ(*log.find(naive.leaf(40)), Found(40)) << "the first of two";
  // By the index, not by looking through the log; a log of before there was one gets it.
  const std::string plan = "EXPLAIN QUERY PLAN SELECT MIN(id) FROM node WHERE hash = x'00' AND id < 281474976710656";
  EXPECT_NE(explained(folder / "log.db", plan).find("USING COVERING INDEX leaf"), std::string::npos)
      << explained(folder / "log.db", plan);
  meddle(folder / "log.db", "DROP INDEX leaf");
  EXPECT_EQ(explained(folder / "log.db", plan).find("INDEX leaf"), std::string::npos);
  EXPECT_EQ(*opened(folder / "log.db").find(naive.leaf(77)), Found(77));
  EXPECT_NE(explained(folder / "log.db", plan).find("INDEX leaf"), std::string::npos);
}

TEST(Log, OpensWhatIsThereAndNothingElse) {
  const store::testing::TemporaryFolder folder;
  EXPECT_EQ(Log::open_existing(folder / "none.db").error().kind, ErrorKind::bad_input);
  EXPECT_NE(access((folder / "none.db").c_str(), F_OK), 0) << "nothing is made";
  {
    Log log = opened(folder / "log.db");
    ASSERT_TRUE(append(log, 0, 3));
  }
  auto log = Log::open_existing(folder / "log.db");
  ASSERT_TRUE(log) << log.error().text();
  EXPECT_EQ(log->origin(), kOrigin);
  EXPECT_EQ(log->head()->size, 3U);
  EXPECT_TRUE(log->check());
  meddle(folder / "other.db", "CREATE TABLE t(x); PRAGMA user_version = 1");
  EXPECT_EQ(Log::open_existing(folder / "other.db").error().what, "not a log");
  EXPECT_EQ(explained(folder / "other.db", "SELECT 0, 0, 0, group_concat(name) FROM sqlite_master"), "t\n") << "left as it was";
  meddle(folder / "foreign.db", "CREATE TABLE t(x)");
  EXPECT_EQ(Log::open_existing(folder / "foreign.db").error().what, "not a database of this kind");
  meddle(folder / "log.db", "UPDATE head SET root = zeroblob(32)");
  EXPECT_EQ(Log::open_existing(folder / "log.db").error().kind, ErrorKind::bad_input) << "a damaged head";
}

TEST(Log, EverySizeIsTheNaiveTree) {
  const store::testing::TemporaryFolder folder;
  testing::MemoryLog naive(131);
  Log log = opened(folder / "log.db");
  EXPECT_EQ(log.head(), (Head{0, empty_root()}));
  for (std::size_t i = 0, step = 1; i < 130; i += step, step = step % 7 + 1) {
    const std::size_t to = std::min<std::size_t>(130, i + step);
    EXPECT_EQ(append(log, i, to), (Head{to, naive.root(to)}));
  }
  ASSERT_TRUE(log.check()) << log.check().error().text();
  for (std::size_t n = 0; n <= 130; n += 13) {
    EXPECT_EQ(log.root_at(n), naive.root(n));
    for (std::size_t i = 0; i < n; ++i) EXPECT_TRUE(verify_inclusion(naive.leaf(i), *log.inclusion(i, n), naive.root(n)));
    for (std::size_t m = 0; m <= n; ++m) EXPECT_TRUE(verify_consistency(*log.consistency(m, n), naive.root(m), naive.root(n)));
  }
  EXPECT_EQ(leaf_hash(*log.entry(77)), naive.leaf(77));
}

TEST(Log, ReopensWhereItWas) {
  const store::testing::TemporaryFolder folder;
  Head last;
  {
    Log log = opened(folder / "log.db");
    last = *append(log, 0, 37);
  }
  Log log = opened(folder / "log.db");
  EXPECT_EQ(log.head(), last);
  EXPECT_TRUE(log.check());
  EXPECT_EQ(append(log, 37, 40)->root, testing::MemoryLog(40).root(40));
  struct stat info{};
  ASSERT_EQ(::stat((folder / "log.db").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600U);
}

TEST(Log, TwoKeepersOfOneFileTakeTurns) {
  const store::testing::TemporaryFolder folder;
  Log a = opened(folder / "log.db"), b = opened(folder / "log.db");
  for (std::size_t i = 0; i < 20; ++i) ASSERT_TRUE(append(i % 3 == 0 ? a : b, i, i + 1));
  EXPECT_EQ(a.head(), *b.head());
  EXPECT_EQ(a.head()->root, testing::MemoryLog(20).root(20));
}

TEST(Log, RefusesAsOneAndChangesNothing) {
  const store::testing::TemporaryFolder folder;
  Log log = opened(folder / "log.db");
  const Head before = *append(log, 0, 3);
  const Bytes good = {1}, large(kMaxEntryBytes + 1, 2);
  const std::vector<ByteView> entries = {good, large};
  EXPECT_EQ(log.append(entries).error().kind, ErrorKind::usage);
  EXPECT_EQ(log.append({}).error().kind, ErrorKind::usage);
  EXPECT_EQ(log.head(), before);
  EXPECT_EQ(log.root_at(4).error().kind, ErrorKind::usage);
  EXPECT_EQ(log.entry(3).error().kind, ErrorKind::usage);
  EXPECT_EQ(log.entry(kMaxLeaves).error().kind, ErrorKind::usage);
  EXPECT_EQ(log.inclusion(3, 3).error().kind, ErrorKind::usage);
  EXPECT_EQ(log.inclusion(0, 4).error().kind, ErrorKind::usage);
  EXPECT_EQ(log.consistency(1, 4).error().kind, ErrorKind::usage);
  EXPECT_EQ(log.consistency(3, 2).error().kind, ErrorKind::usage);
  EXPECT_TRUE(log.append(std::vector<ByteView>{ByteView(large).first(kMaxEntryBytes), ByteView()}));
  EXPECT_TRUE(log.check());
  EXPECT_EQ(Log::open(folder / "log.db", "example.org/other").error().kind, ErrorKind::bad_input);
  EXPECT_EQ(Log::open(folder / "other.db", "").error().kind, ErrorKind::usage);
}

TEST(Log, OneCheckpointASize) {
  const store::testing::TemporaryFolder folder;
  Log log = opened(folder / "log.db");
  EXPECT_FALSE(log.checkpoint_at(5).value());
  const auto empty = log.checkpoint(signer(1), 5);
  ASSERT_TRUE(empty);
  (void)append(log, 0, 7);
  const auto seven = log.checkpoint(signer(1), 10);
  ASSERT_TRUE(seven);
  EXPECT_EQ(log.checkpoint(signer(1), 11), *seven) << "later, but of the same size";
  EXPECT_EQ(log.checkpoint(signer(2), 12).error().what, "another keeper has signed this size");
  Checkpoint out;
  EXPECT_TRUE(verify_checkpoint(*seven, kOrigin, signer(1).key(), Ed25519Check(), out));
  EXPECT_EQ(out, (Checkpoint{kOrigin, 7, testing::MemoryLog(7).root(7), 10}));
  EXPECT_EQ(log.checkpoint_at(6).value().value(), *empty);
  EXPECT_EQ(log.checkpoint_at(7).value().value(), *seven);
  EXPECT_EQ(log.checkpoint_at(kMaxLeaves).value().value(), *seven);
  (void)append(log, 7, 9);
  EXPECT_TRUE(log.checkpoint(signer(2), 13)) << "a new keeper signs a new size";
  EXPECT_TRUE(log.check());
}

TEST(Log, TheFileItselfOnlyGrows) {
  const store::testing::TemporaryFolder folder;
  const std::string path = folder / "log.db";
  {
    Log log = opened(path);
    (void)append(log, 0, 5);
    (void)log.checkpoint(signer(1), 1);
  }
  for (const char* sql :
       {"UPDATE entry SET data = x'00' WHERE seq = 2", "DELETE FROM entry WHERE seq = 4", "UPDATE node SET id = id + 9",
        "DELETE FROM node", "UPDATE head SET size = 4", "DELETE FROM head", "UPDATE checkpoint SET size = 3",
        "DELETE FROM checkpoint", "UPDATE log SET origin = 'x'", "DELETE FROM log"})
    EXPECT_EQ(meddle(path, sql, false), "a log only grows") << sql;
  EXPECT_TRUE(opened(path).check());
}

// Somebody with the file and without our triggers: what open sees at once, and what the full check sees.
TEST(Log, DamageIsSeen) {
  struct Case {
    const char *sql, *says;
    bool at_open;
  };
  const Case cases[] = {
      {"UPDATE entry SET data = x'00' WHERE seq = 2", "node 2 of level 0 is not what its entries give", false},
      {"DELETE FROM entry WHERE seq = 2", "entry 2 is missing", false},
      {"DELETE FROM entry WHERE seq = 4", "entries are missing at its end", true},
      {"INSERT INTO entry VALUES(5, x'00')", "node 5 of level 0 is not what its entries give", false},
      {"UPDATE node SET hash = zeroblob(32) WHERE id = 0", "node 0 of level 0 is not what its entries give", false},
      {"UPDATE node SET hash = zeroblob(32) WHERE id = 4", "the tree has another root than its head", true},
      {"DELETE FROM node WHERE id = 4", "node 4 of level 0 is missing", true},
      {"INSERT INTO node VALUES(9, zeroblob(32))", "nodes that belong to no entry", false},
      {"UPDATE head SET root = zeroblob(32) WHERE size = 3", "the head of size 3 has another root", false},
      {"UPDATE head SET root = zeroblob(32) WHERE size = 5", "the tree has another root than its head", true},
      {"DELETE FROM head WHERE size = 5", "heads and entries end at different sizes", false},
      {"INSERT INTO head VALUES(-1, zeroblob(32))", "heads and entries end at different sizes", false},
      {"UPDATE checkpoint SET size = 3", "the checkpoint of size 3 says something else", false},
      {"UPDATE checkpoint SET envelope = x'7b7d'", "the checkpoint of size 5 is not canonical", false},
  };
  for (const auto& c : cases) {
    const store::testing::TemporaryFolder folder;
    const std::string path = folder / "log.db";
    {
      Log log = opened(path);
      (void)append(log, 0, 3);
      (void)append(log, 3, 5);
      (void)log.checkpoint(signer(1), 1);
    }
    ASSERT_EQ(meddle(path, c.sql), "not an error") << c.sql;
    auto log = Log::open(path, kOrigin);
    ASSERT_EQ(!log, c.at_open) << c.sql;
    const Status status = log ? log->check() : Status(std::unexpected(log.error()));
    ASSERT_FALSE(status) << c.sql;
    EXPECT_EQ(status.error().what, std::string("damaged log: ") + c.says) << c.sql;
    EXPECT_EQ(status.error().kind, ErrorKind::bad_input);
  }
}

TEST(Log, AHundredThousandEntries) {
  const store::testing::TemporaryFolder folder;
  Log log = opened(folder / "log.db");
  constexpr std::size_t kEntries = 100000, kBatch = 1000;
  Head half;
  for (std::size_t i = 0; i < kEntries; i += kBatch) {
    const auto head = append(log, i, i + kBatch);
    ASSERT_TRUE(head) << head.error().text();
    if (head->size == kEntries / 2) half = *head;
  }
  const Head last = *log.head();
  EXPECT_EQ(last.size, kEntries);
  EXPECT_TRUE(log.check());
  EXPECT_TRUE(verify_consistency(*log.consistency(half.size, last.size), half.root, last.root));
  for (std::size_t i = 0; i < kEntries; i += 997)
    EXPECT_TRUE(verify_inclusion(leaf_hash(*log.entry(i)), *log.inclusion(i, last.size), last.root));
}

}  // namespace
}  // namespace dsperse::trust
