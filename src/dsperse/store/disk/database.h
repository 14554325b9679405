// SQLite as small value types: the only place that includes its header (store/disk/database.cc).
//
// Journal WAL, synchronous FULL: a committed transaction survives a crash of the machine. Files are created 0600.
// Tested by store/openings_test.cc and store/run_folder_test.cc.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "dsperse/base/bytes.h"
#include "dsperse/base/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace dsperse::store {

/// One prepared statement. Parameters and columns count from 0. After the first failed bind every step() fails.
class Query {
 public:
  Query& bind(std::int64_t value);
  Query& bind(double value);
  Query& bind(ByteView value);
  Query& bind(std::string_view value);
  Query& bind_null();
  /// Starts anew, with other parameters: all must be bound again.
  Query& reset();
  /// True: a row is there; false: done.
  [[nodiscard]] Result<bool> step();

  [[nodiscard]] bool is_null(int column) const;
  [[nodiscard]] std::int64_t integer(int column) const;
  [[nodiscard]] double real(int column) const;
  [[nodiscard]] Bytes blob(int column) const;
  [[nodiscard]] std::string text(int column) const;
  /// A 32-byte blob; zeros if it has another length.
  [[nodiscard]] Digest digest(int column) const;

 private:
  friend class Database;
  struct Finalize {
    void operator()(sqlite3_stmt* s) const;
  };
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
  std::string where_, failed_;
  int next_ = 1;
};

class Database {
 public:
  /// Opens or creates; `schema` is run once per open (CREATE TABLE IF NOT EXISTS ...). version: refused if the file has a newer
  /// one.
  [[nodiscard]] static Result<Database> open(const std::string& path, const std::string& schema, int version);
  /// Opens what is there and changes nothing of it. Errors (bad_input): no such file, no database, or one of another version than
  /// `version` (0: not ours); (unsupported): a newer one.
  [[nodiscard]] static Result<Database> open_existing(const std::string& path, int version);
  [[nodiscard]] Status execute(const std::string& sql);
  [[nodiscard]] Result<Query> prepare(const std::string& sql);
  /// Runs one statement without rows; changes() is the number of rows that it changed.
  [[nodiscard]] Status run(Query& query);
  [[nodiscard]] int changes() const;

 private:
  struct Close {
    void operator()(sqlite3* db) const;
  };
  [[nodiscard]] static Result<Database> connect(const std::string& path, int flags);
  [[nodiscard]] Result<std::int64_t> version_up_to(int newest);
  std::unique_ptr<sqlite3, Close> db_;
  std::string path_;
};

/// BEGIN IMMEDIATE now, ROLLBACK at the end of the scope unless committed.
class Transaction {
 public:
  [[nodiscard]] static Result<Transaction> begin(Database& db);
  Transaction(Transaction&& other) noexcept : db_(std::exchange(other.db_, nullptr)) {}
  Transaction& operator=(Transaction&& other) noexcept {
    std::swap(db_, other.db_);
    return *this;
  }
  ~Transaction();
  [[nodiscard]] Status commit();

 private:
  explicit Transaction(Database* db) : db_(db) {}
  Database* db_ = nullptr;
};

}  // namespace dsperse::store
