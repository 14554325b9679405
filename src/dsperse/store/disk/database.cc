#include "dsperse/store/disk/database.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <algorithm>

namespace dsperse::store {
namespace {

std::unexpected<Error> sql_error(sqlite3* db, int code, const std::string& path) {
  // A full disk shows as FULL, or as IOERR where the log's index can't grow.
  const bool passes = code == SQLITE_FULL || code == SQLITE_BUSY || code == SQLITE_LOCKED || code == SQLITE_IOERR;
  const bool file = code == SQLITE_CORRUPT || code == SQLITE_NOTADB || code == SQLITE_CANTOPEN || code == SQLITE_READONLY;
  const ErrorKind kind = passes ? ErrorKind::resource : file ? ErrorKind::bad_input : ErrorKind::internal;
  return fail(kind, std::string("state database: ") + (db != nullptr ? sqlite3_errmsg(db) : sqlite3_errstr(code)), path);
}

constexpr int kBusyTimeoutMs = 30000;

}  // namespace

void Query::Finalize::operator()(sqlite3_stmt* s) const { sqlite3_finalize(s); }
void Database::Close::operator()(sqlite3* db) const { sqlite3_close_v2(db); }

Query& Query::bind(std::int64_t value) {
  if (sqlite3_bind_int64(statement_.get(), next_++, value) != SQLITE_OK) failed_ = "bind";
  return *this;
}
Query& Query::bind(double value) {
  if (sqlite3_bind_double(statement_.get(), next_++, value) != SQLITE_OK) failed_ = "bind";
  return *this;
}
Query& Query::bind(ByteView value) {
  if (sqlite3_bind_blob64(statement_.get(), next_++, value.empty() ? reinterpret_cast<const void*>("") : value.data(),
                          value.size(), SQLITE_TRANSIENT) != SQLITE_OK)
    failed_ = "bind";
  return *this;
}
Query& Query::bind(std::string_view value) {
  if (sqlite3_bind_text64(statement_.get(), next_++, value.empty() ? "" : value.data(), value.size(), SQLITE_TRANSIENT,
                          SQLITE_UTF8) != SQLITE_OK)
    failed_ = "bind";
  return *this;
}
Query& Query::bind_null() {
  if (sqlite3_bind_null(statement_.get(), next_++) != SQLITE_OK) failed_ = "bind";
  return *this;
}

Query& Query::reset() {
  sqlite3_reset(statement_.get());  // what it returns is the last step's error, which step() has told
  sqlite3_clear_bindings(statement_.get());
  next_ = 1;
  return *this;
}

Result<bool> Query::step() {
  sqlite3* const db = sqlite3_db_handle(statement_.get());
  if (!failed_.empty()) return sql_error(db, SQLITE_MISUSE, where_);
  const int code = sqlite3_step(statement_.get());
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return sql_error(db, code & 0xFF, where_);
}

bool Query::is_null(int column) const { return sqlite3_column_type(statement_.get(), column) == SQLITE_NULL; }
std::int64_t Query::integer(int column) const { return sqlite3_column_int64(statement_.get(), column); }
double Query::real(int column) const { return sqlite3_column_double(statement_.get(), column); }

Bytes Query::blob(int column) const {
  const auto* data = static_cast<const std::uint8_t*>(sqlite3_column_blob(statement_.get(), column));
  const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column));
  return data == nullptr ? Bytes{} : Bytes(data, data + size);
}

std::string Query::text(int column) const {
  const Bytes b = blob(column);
  return {b.begin(), b.end()};
}

Digest Query::digest(int column) const {
  const Bytes b = blob(column);
  Digest d{};
  if (b.size() == d.size()) std::copy(b.begin(), b.end(), d.begin());
  return d;
}

Result<Database> Database::open(const std::string& path, const std::string& schema, int version) {
  // Created by us first, so that it is 0600 whatever the umask; SQLite gives its journal the same mode.
  if (const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600); fd >= 0) ::close(fd);
  DSPERSE_TRY(Database out, connect(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE));
  DSPERSE_CHECK_OK(out.execute("PRAGMA journal_mode=WAL"));
  DSPERSE_CHECK_OK(out.execute("PRAGMA synchronous=FULL"));
  DSPERSE_TRY(const std::int64_t found, out.version_up_to(version));
  DSPERSE_CHECK_OK(out.execute(schema));
  if (found != version) DSPERSE_CHECK_OK(out.execute("PRAGMA user_version=" + std::to_string(version)));
  return out;
}

Result<Database> Database::open_existing(const std::string& path, int version) {
  if (::access(path.c_str(), R_OK) != 0) return fail(ErrorKind::bad_input, "cannot be read", path, "give a file that is there");
  DSPERSE_TRY(Database out, connect(path, SQLITE_OPEN_READWRITE));
  DSPERSE_TRY(const std::int64_t found, out.version_up_to(version));
  if (found != version) return fail(ErrorKind::bad_input, "not a database of this kind", path);
  return out;
}

Result<Database> Database::connect(const std::string& path, int flags) {
  Database out;
  out.path_ = path;
  sqlite3* raw = nullptr;
  const int code = sqlite3_open_v2(path.c_str(), &raw, flags | SQLITE_OPEN_FULLMUTEX, nullptr);
  out.db_.reset(raw);
  if (code != SQLITE_OK) return sql_error(raw, code, path);
  sqlite3_busy_timeout(raw, kBusyTimeoutMs);
  return out;
}

Result<std::int64_t> Database::version_up_to(int newest) {
  DSPERSE_TRY(Query q, prepare("PRAGMA user_version"));
  DSPERSE_TRY(const bool row, q.step());
  const std::int64_t found = row ? q.integer(0) : 0;
  if (found > newest)
    return fail(ErrorKind::unsupported, "written by a newer dsperse (format " + std::to_string(found) + ")", path_,
                "use that version");
  return found;
}

Status Database::execute(const std::string& sql) {
  const int code = sqlite3_exec(db_.get(), sql.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return sql_error(db_.get(), code & 0xFF, path_);
  return {};
}

Result<Query> Database::prepare(const std::string& sql) {
  Query q;
  q.where_ = path_;
  sqlite3_stmt* raw = nullptr;
  const int code = sqlite3_prepare_v2(db_.get(), sql.c_str(), -1, &raw, nullptr);
  q.statement_.reset(raw);
  if (code != SQLITE_OK) return sql_error(db_.get(), code & 0xFF, path_);
  return q;
}

Status Database::run(Query& query) {
  DSPERSE_TRY(const bool row, query.step());
  if (row) return fail(ErrorKind::internal, "a statement without rows gave one", path_);
  return {};
}

int Database::changes() const { return sqlite3_changes(db_.get()); }

Result<Transaction> Transaction::begin(Database& db) {
  DSPERSE_CHECK_OK(db.execute("BEGIN IMMEDIATE"));
  return Transaction(&db);
}

Transaction::~Transaction() {
  if (db_ != nullptr) (void)db_->execute("ROLLBACK");
}

Status Transaction::commit() {
  DSPERSE_CHECK_OK(db_->execute("COMMIT"));
  db_ = nullptr;
  return {};
}

}  // namespace dsperse::store
