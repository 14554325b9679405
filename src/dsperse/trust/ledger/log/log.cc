#include "dsperse/trust/ledger/log/log.h"

#include "dsperse/trust/ledger/log/frontier.h"
#include "dsperse/trust/ledger/log/schema.h"

namespace dsperse::trust {
namespace {

constexpr unsigned kIndexBits = 48;

std::int64_t node_id(unsigned level, std::uint64_t index) {
  return static_cast<std::int64_t>((std::uint64_t{level} << kIndexBits) + index);
}
std::int64_t sql(std::uint64_t value) { return static_cast<std::int64_t>(value); }

}  // namespace

std::unexpected<Error> Log::damaged(const std::string& what) const {
  return fail(ErrorKind::bad_input, "damaged log: " + what, path_,
              "restore the file; what others hold of its checkpoints tells to where");
}

Result<Log> Log::open(const std::string& path, const std::string& origin) {
  if (origin.empty() || !is_word(origin, kMaxOriginBytes)) return fail(ErrorKind::usage, "an origin that is no word", origin);
  DSPERSE_TRY(store::Database db, store::Database::open(path, kLogSchema, kLogFormat));
  Log out(std::move(db), path, origin);
  DSPERSE_CHECK_OK(out.claim_origin());
  DSPERSE_CHECK_OK(out.check_head());
  return out;
}

Result<Log> Log::open_existing(const std::string& path) {
  DSPERSE_TRY(store::Database db, store::Database::open_existing(path, kLogFormat));
  std::string origin;
  {
    auto query = db.prepare("SELECT origin FROM log");
    if (!query) return fail(ErrorKind::bad_input, "not a log", path, "give a ledger.db");
    DSPERSE_TRY(const bool row, query->step());
    if (row) origin = query->text(0);
  }
  if (origin.empty() || !is_word(origin, kMaxOriginBytes)) return fail(ErrorKind::bad_input, "a log without an origin", path);
  Log out(std::move(db), path, std::move(origin));
  DSPERSE_CHECK_OK(out.check_head());
  return out;
}

Status Log::check_head() {
  DSPERSE_TRY(const Head now, head());
  DSPERSE_TRY(auto last, db_.prepare("SELECT MAX(seq) FROM entry"));
  DSPERSE_TRY(const bool row, last.step());
  const std::uint64_t entries = !row || last.is_null(0) ? 0 : static_cast<std::uint64_t>(last.integer(0)) + 1;
  // Another process may have appended meanwhile; entries that are missing can't be that.
  if (entries < now.size) return damaged("entries are missing at its end");
  DSPERSE_TRY(const Digest root, tree_root(*this, now.size));
  if (root != now.root) return damaged("the tree has another root than its head");
  return {};
}

Result<std::optional<std::uint64_t>> Log::find(const Digest& leaf) {
  DSPERSE_TRY(auto query, db_.prepare("SELECT MIN(id) FROM node WHERE hash = ? AND id < 281474976710656"));
  DSPERSE_TRY(const bool row, query.bind(ByteView(leaf)).step());
  if (!row || query.is_null(0)) return std::optional<std::uint64_t>();
  return std::optional(static_cast<std::uint64_t>(query.integer(0)));
}

Status Log::claim_origin() {
  DSPERSE_TRY(auto transaction, store::Transaction::begin(db_));
  std::optional<std::string> found;
  {
    DSPERSE_TRY(auto query, db_.prepare("SELECT origin FROM log"));
    DSPERSE_TRY(const bool row, query.step());
    if (row) found = query.text(0);
  }
  if (found && *found != origin_) return fail(ErrorKind::bad_input, "the log of " + *found + ", not of " + origin_, path_);
  if (!found) {
    DSPERSE_TRY(auto query, db_.prepare("INSERT INTO log VALUES(1, ?)"));
    DSPERSE_CHECK_OK(db_.run(query.bind(std::string_view(origin_))));
  }
  return transaction.commit();
}

Result<Digest> Log::node(unsigned level, std::uint64_t index) {
  DSPERSE_TRY(auto query, db_.prepare("SELECT hash FROM node WHERE id = ?"));
  DSPERSE_TRY(const bool row, query.bind(node_id(level, index)).step());
  if (!row) return damaged("node " + std::to_string(index) + " of level " + std::to_string(level) + " is missing");
  return query.digest(0);
}

Result<Head> Log::head() {
  DSPERSE_TRY(auto query, db_.prepare("SELECT size, root FROM head ORDER BY size DESC LIMIT 1"));
  DSPERSE_TRY(const bool row, query.step());
  if (!row) return Head{0, empty_root()};
  if (query.integer(0) <= 0 || query.integer(0) > sql(kMaxLeaves)) return damaged("a head of an impossible size");
  return Head{static_cast<std::uint64_t>(query.integer(0)), query.digest(1)};
}

Result<Head> Log::append(std::span<const ByteView> entries) {
  if (entries.empty()) return fail(ErrorKind::usage, "nothing to append", path_);
  for (const ByteView e : entries)
    if (e.size() > kMaxEntryBytes) return fail(ErrorKind::usage, "an entry of " + std::to_string(e.size()) + " bytes", path_);
  DSPERSE_TRY(auto transaction, store::Transaction::begin(db_));
  DSPERSE_TRY(const Head before, head());
  if (entries.size() > kMaxLeaves - before.size) return fail(ErrorKind::resource, "a log holds 2^48 entries", path_);
  DSPERSE_TRY(Frontier frontier, Frontier::load(*this, before.size));
  {
    DSPERSE_TRY(auto entry, db_.prepare("INSERT INTO entry VALUES(?, ?)"));
    DSPERSE_TRY(auto node, db_.prepare("INSERT INTO node VALUES(?, ?)"));
    for (const ByteView e : entries) {
      DSPERSE_CHECK_OK(db_.run(entry.reset().bind(sql(frontier.size())).bind(e)));
      DSPERSE_CHECK_OK(frontier.push(leaf_hash(e), [&](unsigned level, std::uint64_t index, const Digest& hash) {
        return db_.run(node.reset().bind(node_id(level, index)).bind(ByteView(hash)));
      }));
    }
  }
  const Head after{frontier.size(), frontier.root()};
  {
    DSPERSE_TRY(auto query, db_.prepare("INSERT INTO head VALUES(?, ?)"));
    DSPERSE_CHECK_OK(db_.run(query.bind(sql(after.size)).bind(ByteView(after.root))));
  }
  DSPERSE_CHECK_OK(transaction.commit());
  return after;
}

Status Log::check_size(std::uint64_t size) {
  DSPERSE_TRY(const Head now, head());
  if (size > now.size)
    return fail(ErrorKind::usage, "the log has " + std::to_string(now.size) + " entries, not " + std::to_string(size), path_);
  return {};
}

Result<Digest> Log::root_at(std::uint64_t size) {
  DSPERSE_CHECK_OK(check_size(size));
  return tree_root(*this, size);
}

Result<Bytes> Log::entry(std::uint64_t index) {
  if (index >= kMaxLeaves) return fail(ErrorKind::usage, "no entry has this number", path_);
  DSPERSE_CHECK_OK(check_size(index + 1));
  DSPERSE_TRY(auto query, db_.prepare("SELECT data FROM entry WHERE seq = ?"));
  DSPERSE_TRY(const bool row, query.bind(sql(index)).step());
  if (!row) return damaged("entry " + std::to_string(index) + " is missing");
  return query.blob(0);
}

Result<InclusionProof> Log::inclusion(std::uint64_t index, std::uint64_t size) {
  DSPERSE_CHECK_OK(check_size(size));
  return prove_inclusion(*this, index, size);
}

Result<ConsistencyProof> Log::consistency(std::uint64_t first, std::uint64_t second) {
  DSPERSE_CHECK_OK(check_size(second));
  return prove_consistency(*this, first, second);
}

Result<std::optional<Envelope>> Log::checkpoint_at(std::uint64_t size) {
  if (size > kMaxLeaves) return fail(ErrorKind::usage, "a log holds 2^48 entries", path_);
  DSPERSE_TRY(auto query, db_.prepare("SELECT envelope FROM checkpoint WHERE size <= ? ORDER BY size DESC LIMIT 1"));
  DSPERSE_TRY(const bool row, query.bind(sql(size)).step());
  if (!row) return std::optional<Envelope>();
  auto envelope = decode_envelope(query.blob(0));
  if (!envelope) return damaged("a checkpoint is not canonical");
  return std::optional<Envelope>(std::move(*envelope));
}

Result<Envelope> Log::sign_head(const Head& head, const Signer& keeper, std::uint64_t time_ms) {
  DSPERSE_TRY(auto kept, checkpoint_at(head.size));
  if (kept) {
    const auto statement = decode_checkpoint(kept->payload);
    if (!statement) return damaged("a checkpoint is not canonical");
    if (statement->size == head.size) {
      if (kept->signatures[0].key != keeper.key())
        return fail(ErrorKind::usage, "another keeper has signed this size", path_, "append, then sign with the new key");
      return std::move(*kept);
    }
  }
  DSPERSE_TRY(Envelope out, sign_checkpoint({origin_, head.size, head.root, time_ms}, keeper));
  DSPERSE_TRY(auto query, db_.prepare("INSERT INTO checkpoint VALUES(?, ?)"));
  DSPERSE_CHECK_OK(db_.run(query.bind(sql(head.size)).bind(ByteView(encode_envelope(out)))));
  return out;
}

Result<Envelope> Log::checkpoint(const Signer& keeper, std::uint64_t time_ms) {
  DSPERSE_TRY(auto transaction, store::Transaction::begin(db_));
  DSPERSE_TRY(const Head now, head());
  DSPERSE_TRY(Envelope out, sign_head(now, keeper, time_ms));
  DSPERSE_CHECK_OK(transaction.commit());
  return out;
}

Result<Envelope> Log::checkpoint_of(std::uint64_t size, const Signer& keeper, std::uint64_t time_ms) {
  DSPERSE_TRY(auto transaction, store::Transaction::begin(db_));
  DSPERSE_TRY(const Digest root, root_at(size));
  DSPERSE_TRY(Envelope out, sign_head({size, root}, keeper, time_ms));
  DSPERSE_CHECK_OK(transaction.commit());
  return out;
}

Status Log::check() {
  DSPERSE_TRY(auto transaction, store::Transaction::begin(db_));  // nobody appends meanwhile; rolled back at the end
  DSPERSE_TRY(const Head last, head());
  Frontier frontier;
  std::uint64_t nodes = 0;
  {
    DSPERSE_TRY(auto entries, db_.prepare("SELECT seq, data FROM entry ORDER BY seq"));
    DSPERSE_TRY(auto heads, db_.prepare("SELECT size, root FROM head ORDER BY size"));
    DSPERSE_TRY(auto node, db_.prepare("SELECT hash FROM node WHERE id = ?"));
    const auto compare = [&](unsigned level, std::uint64_t index, const Digest& hash) -> Status {
      ++nodes;
      DSPERSE_TRY(const bool found, node.reset().bind(node_id(level, index)).step());
      if (found && node.digest(0) == hash) return {};
      return damaged("node " + std::to_string(index) + " of level " + std::to_string(level) + " is not what its entries give");
    };
    DSPERSE_TRY(bool more_heads, heads.step());
    for (;;) {
      DSPERSE_TRY(const bool more, entries.step());
      if (!more) break;
      if (entries.integer(0) != sql(frontier.size())) return damaged("entry " + std::to_string(frontier.size()) + " is missing");
      DSPERSE_CHECK_OK(frontier.push(leaf_hash(entries.blob(1)), compare));
      if (!more_heads || heads.integer(0) != sql(frontier.size())) continue;
      if (heads.digest(1) != frontier.root())
        return damaged("the head of size " + std::to_string(frontier.size()) + " has another root");
      DSPERSE_TRY(more_heads, heads.step());
    }
    if (more_heads || frontier.size() != last.size) return damaged("heads and entries end at different sizes");
    DSPERSE_TRY(auto count, db_.prepare("SELECT COUNT(*) FROM node"));
    DSPERSE_TRY(const bool counted, count.step());
    if (!counted || count.integer(0) != sql(nodes)) return damaged("nodes that belong to no entry");
  }
  return check_checkpoints();
}

Status Log::check_checkpoints() {
  DSPERSE_TRY(auto query, db_.prepare("SELECT size, envelope FROM checkpoint ORDER BY size"));
  for (;;) {
    DSPERSE_TRY(const bool more, query.step());
    if (!more) return {};
    const std::string where = "the checkpoint of size " + std::to_string(query.integer(0));
    const auto envelope = decode_envelope(query.blob(1));
    if (!envelope) return damaged(where + " is not canonical");
    const auto statement = decode_checkpoint(envelope->payload);
    if (!statement || statement->origin != origin_ || sql(statement->size) != query.integer(0))
      return damaged(where + " says something else");
    const auto root = root_at(statement->size);
    if (!root || *root != statement->root) return damaged(where + " has another root");
  }
}

}  // namespace dsperse::trust
