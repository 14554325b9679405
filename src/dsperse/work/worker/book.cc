// The book in SQLite: one row a receipt, in the order of the chain; what was done is kept as the answer that shows it.
#include "dsperse/store/disk/database.h"
#include "dsperse/work/worker/worker.h"

namespace dsperse::work {
namespace {

constexpr const char* kSchema = R"(
CREATE TABLE IF NOT EXISTS owner(one INTEGER PRIMARY KEY CHECK(one = 1), worker BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS receipts(
  place INTEGER PRIMARY KEY AUTOINCREMENT, job BLOB NOT NULL UNIQUE, digest BLOB NOT NULL, answer BLOB NOT NULL);
)";
constexpr int kFormat = 1;

Bytes shown(const Done& done) {
  if (done.proof) return encode_answer(Proved{done.opening, done.receipt, done.outputs, *done.proof});
  return encode_answer(Opened{done.opening, done.receipt, done.outputs});
}

class SqliteBook final : public Book {
 public:
  SqliteBook(store::Database db, std::string path, const trust::PublicKey& worker)
      : db_(std::move(db)), path_(std::move(path)), worker_(worker) {}

  /// The owner is this worker, and the newest receipt is whole and its own.
  Status check() {
    {
      DSPERSE_TRY(auto transaction, store::Transaction::begin(db_));
      std::optional<Bytes> owner;
      {
        DSPERSE_TRY(auto query, db_.prepare("SELECT worker FROM owner"));
        DSPERSE_TRY(const bool row, query.step());
        if (row) owner = query.blob(0);
      }
      if (owner && *owner != Bytes(worker_.begin(), worker_.end()))
        return fail(ErrorKind::bad_input, "the book of another worker", path_, "give each worker a state folder of its own");
      if (!owner) {
        DSPERSE_TRY(auto query, db_.prepare("INSERT INTO owner VALUES(1, ?)"));
        DSPERSE_CHECK_OK(db_.run(query.bind(ByteView(worker_))));
      }
      DSPERSE_CHECK_OK(transaction.commit());
    }
    DSPERSE_TRY(auto query, db_.prepare("SELECT job, digest, answer FROM receipts ORDER BY place DESC LIMIT 1"));
    DSPERSE_TRY(const bool row, query.step());
    if (!row) return {};
    DSPERSE_TRY(const Done done, read(query.digest(0), query.blob(2)));
    const auto envelope = trust::decode_envelope(done.receipt);
    if (!envelope) return damaged("a receipt");
    const auto receipt = trust::decode_receipt(envelope->payload);
    if (!receipt || receipt->worker != worker_ || receipt->job != done.job || trust::receipt_digest(*receipt) != query.digest(1))
      return damaged("the newest receipt");
    return {};
  }

  Result<std::optional<Done>> find(const Digest& job) override {
    DSPERSE_TRY(auto query, db_.prepare("SELECT answer FROM receipts WHERE job = ?"));
    DSPERSE_TRY(const bool row, query.bind(ByteView(job)).step());
    if (!row) return std::nullopt;
    DSPERSE_TRY(Done done, read(job, query.blob(0)));
    return done;
  }

  Result<Digest> last() override {
    DSPERSE_TRY(auto query, db_.prepare("SELECT digest FROM receipts ORDER BY place DESC LIMIT 1"));
    DSPERSE_TRY(const bool row, query.step());
    return row ? query.digest(0) : trust::genesis(worker_);
  }

  Status record(const Done& done, const Digest& digest, const Digest& prev) override {
    DSPERSE_TRY(auto transaction, store::Transaction::begin(db_));
    DSPERSE_TRY(const Digest newest, last());
    DSPERSE_TRY(const std::optional<Done> known, find(done.job));
    if (newest != prev || known)
      return fail(ErrorKind::usage, "another process works with this worker's key", path_, "stop one of the two");
    {
      DSPERSE_TRY(auto query, db_.prepare("INSERT INTO receipts(job, digest, answer) VALUES(?, ?, ?)"));
      DSPERSE_CHECK_OK(db_.run(query.bind(ByteView(done.job)).bind(ByteView(digest)).bind(ByteView(shown(done)))));
    }
    return transaction.commit();
  }

 private:
  std::unexpected<Error> damaged(const std::string& what) const {
    return fail(ErrorKind::bad_input, "damaged book: " + what, path_,
                "start a new worker with a new state folder: a receipt that is forgotten and replaced tells two stories");
  }
  Result<Done> read(const Digest& job, ByteView answer) const {
    const auto decoded = decode_answer(answer);
    if (!decoded) return damaged(decoded.error().text());
    if (const auto* proved = std::get_if<Proved>(&*decoded))
      return Done{job, proved->opening, proved->receipt, proved->outputs, proved->proof};
    if (const auto* opened = std::get_if<Opened>(&*decoded))
      return Done{job, opened->opening, opened->receipt, opened->outputs, std::nullopt};
    return damaged("an answer that shows nothing");
  }

  store::Database db_;
  std::string path_;
  trust::PublicKey worker_;
};

}  // namespace

Result<std::unique_ptr<Book>> open_book(const std::string& path, const trust::PublicKey& worker) {
  DSPERSE_TRY(store::Database db, store::Database::open(path, kSchema, kFormat));
  auto book = std::make_unique<SqliteBook>(std::move(db), path, worker);
  DSPERSE_CHECK_OK(book->check());
  return book;
}

}  // namespace dsperse::work
