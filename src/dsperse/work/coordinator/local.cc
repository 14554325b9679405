#include "dsperse/work/coordinator/local.h"

#include "dsperse/store/disk/database.h"
#include "dsperse/trust/ledger/merkle.h"

namespace dsperse::work {
namespace {

constexpr int kStateFormat = 1;
constexpr const char* kStateSchema = "CREATE TABLE IF NOT EXISTS value(name TEXT PRIMARY KEY, data BLOB NOT NULL) WITHOUT ROWID";

class SqliteState final : public StateStore {
 public:
  explicit SqliteState(store::Database db) : db_(std::move(db)) {}

  Status save(const std::vector<std::pair<std::string, Bytes>>& values) override {
    DSPERSE_TRY(store::Transaction transaction, store::Transaction::begin(db_));
    DSPERSE_TRY(store::Query put, db_.prepare("INSERT OR REPLACE INTO value(name, data) VALUES(?, ?)"));
    DSPERSE_TRY(store::Query drop, db_.prepare("DELETE FROM value WHERE name = ?"));
    for (const auto& [name, data] : values) {
      if (data.empty()) {
        DSPERSE_CHECK_OK(db_.run(drop.reset().bind(std::string_view(name))));
      } else {
        DSPERSE_CHECK_OK(db_.run(put.reset().bind(std::string_view(name)).bind(ByteView(data))));
      }
    }
    return transaction.commit();
  }

  Result<std::optional<Bytes>> load(std::string_view name) override {
    DSPERSE_TRY(store::Query q, db_.prepare("SELECT data FROM value WHERE name = ?"));
    DSPERSE_TRY(const bool row, q.bind(name).step());
    if (!row) return std::nullopt;
    return q.blob(0);
  }

  Result<std::vector<std::string>> names(std::string_view prefix) override {
    DSPERSE_TRY(store::Query q, db_.prepare("SELECT name FROM value WHERE name >= ? ORDER BY name"));
    q.bind(prefix);
    std::vector<std::string> out;
    for (;;) {
      DSPERSE_TRY(const bool row, q.step());
      if (!row || !q.text(0).starts_with(prefix)) return out;
      out.push_back(q.text(0));
    }
  }

 private:
  store::Database db_;
};

class LogLedger final : public Ledger {
 public:
  LogLedger(trust::Log log, std::string origin, const trust::Signer& keeper)
      : log_(std::move(log)), origin_(std::move(origin)), keeper_(keeper) {}

  Result<std::uint64_t> add(ByteView entry) override {
    DSPERSE_TRY(const std::optional<std::uint64_t> known, log_.find(trust::leaf_hash(entry)));
    if (known) return *known;
    const ByteView entries[] = {entry};
    DSPERSE_TRY(const trust::Head head, log_.append(entries));
    return head.size - 1;
  }
  Result<trust::Envelope> seal(ByteView entry, std::uint64_t time_ms) override {
    DSPERSE_TRY(const std::uint64_t index, add(entry));
    return log_.checkpoint_of(index + 1, keeper_, time_ms);
  }
  Result<trust::Envelope> checkpoint(std::uint64_t time_ms) override { return log_.checkpoint(keeper_, time_ms); }
  Result<trust::InclusionProof> inclusion(std::uint64_t index, std::uint64_t size) override {
    return log_.inclusion(index, size);
  }
  Result<trust::ConsistencyProof> consistency(std::uint64_t first, std::uint64_t second) override {
    return log_.consistency(first, second);
  }
  const std::string& origin() const override { return origin_; }

 private:
  trust::Log log_;
  std::string origin_;
  const trust::Signer& keeper_;
};

}  // namespace

Result<std::unique_ptr<StateStore>> open_state(const std::string& path) {
  DSPERSE_TRY(store::Database db, store::Database::open(path, kStateSchema, kStateFormat));
  return std::make_unique<SqliteState>(std::move(db));
}

Result<std::unique_ptr<Ledger>> open_ledger(const std::string& path, const std::string& origin, const trust::Signer& keeper) {
  DSPERSE_TRY(trust::Log log, trust::Log::open(path, origin));
  return std::make_unique<LogLedger>(std::move(log), origin, keeper);
}

}  // namespace dsperse::work
