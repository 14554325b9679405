#include "dsperse/store/openings.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>

#include "dsperse/store/disk/file.h"

namespace dsperse::store {
namespace {

// parent is null for the origin. Openings [first, last) of a root belong here, those below next are used; an origin may have
// several ranges (shares). file: which file this is.
constexpr const char* kSchema = R"(
CREATE TABLE IF NOT EXISTS epochs(
  slice BLOB NOT NULL, root BLOB NOT NULL, depth INTEGER NOT NULL, parent BLOB, seed BLOB,
  base_opening INTEGER, link BLOB, PRIMARY KEY(slice, root));
CREATE TABLE IF NOT EXISTS ranges(
  id INTEGER PRIMARY KEY, root BLOB NOT NULL, first INTEGER NOT NULL, next INTEGER NOT NULL, last INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS ranges_root ON ranges(root);
CREATE TABLE IF NOT EXISTS file(
  one INTEGER PRIMARY KEY CHECK(one = 1), inode INTEGER NOT NULL, born_s INTEGER NOT NULL, born_ns INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS boundaries(root BLOB PRIMARY KEY, used INTEGER NOT NULL);
)";
constexpr int kVersion = 1;
constexpr const char* kFree =
    "SELECT e.root, r.next FROM epochs e JOIN ranges r ON r.root = e.root WHERE e.slice = ? AND r.next < r.last AND ";
constexpr std::string_view kOriginHint =
    "compile the model again, or take a share of its openings: `dsperse key split` where it was compiled, `dsperse key import` "
    "here";

}  // namespace

Result<std::string> state_folder() {
  for (const auto& [variable, suffix] :
       {std::pair{"DSPERSE_STATE_DIR", ""}, {"XDG_STATE_HOME", "dsperse"}, {"HOME", ".local/state/dsperse"}})
    if (const char* value = std::getenv(variable); value != nullptr && *value != '\0')
      return *suffix == '\0' ? value : join(value, suffix);
  return fail(ErrorKind::usage, "no folder for opening counters", {}, "set DSPERSE_STATE_DIR");
}

Result<OpeningStore> OpeningStore::open(const std::string& folder) {
  DSPERSE_CHECK_OK(make_folder(folder, Access::secret));
  const std::string path = join(folder, "openings.db");
  DSPERSE_TRY(Database db, Database::open(path, kSchema, kVersion));
  OpeningStore out(std::move(db));
  DSPERSE_CHECK_OK(out.check_file(path));
  return out;
}

/// The first opening writes down which file this is; a copy is another one. Birth times are 0 where the file system has none.
Status OpeningStore::check_file(const std::string& path) {
  struct statx info{};
  if (::statx(AT_FDCWD, path.c_str(), 0, STATX_INO | STATX_BTIME, &info) != 0)
    return fail(ErrorKind::bad_input, "cannot look at the opening counters", path);
  const bool has_birth = (info.stx_mask & STATX_BTIME) != 0;
  const auto inode = static_cast<std::int64_t>(info.stx_ino);
  const std::int64_t born_s = has_birth ? info.stx_btime.tv_sec : 0, born_ns = has_birth ? info.stx_btime.tv_nsec : 0;
  DSPERSE_TRY(Query find, db_.prepare("SELECT inode, born_s, born_ns FROM file"));
  DSPERSE_TRY(const bool row, find.step());
  if (!row) {
    DSPERSE_TRY(Query note, db_.prepare("INSERT OR IGNORE INTO file(one, inode, born_s, born_ns) VALUES(1, ?, ?, ?)"));
    return db_.run(note.bind(inode).bind(born_s).bind(born_ns));
  }
  if (find.integer(0) == inode && find.integer(1) == born_s && find.integer(2) == born_ns) return {};
  return fail(ErrorKind::bad_input,
              "these opening counters are a copy or were restored: openings that were used since would be used again, which "
              "would reveal weights",
              path, "delete the file. " + std::string(kOriginHint));
}

Status OpeningStore::add_origins(std::span<const Origin> origins) {
  DSPERSE_TRY(Transaction transaction, Transaction::begin(db_));
  for (const Origin& o : origins) {
    if (o.next == 0 || o.next >= o.end || o.end > proof::kWeightBudget)
      return fail(ErrorKind::bad_input, "openings outside of the budget");
    DSPERSE_TRY(Query epoch, db_.prepare("INSERT OR IGNORE INTO epochs(slice, root, depth) VALUES(?, ?, 0)"));
    DSPERSE_CHECK_OK(db_.run(epoch.bind(ByteView(o.slice)).bind(ByteView(o.root))));
    DSPERSE_TRY(Query overlap, db_.prepare("SELECT 1 FROM ranges WHERE root = ? AND first < ? AND last > ?"));
    DSPERSE_TRY(const bool known, overlap.bind(ByteView(o.root)).bind(std::int64_t{o.end}).bind(std::int64_t{o.next}).step());
    if (known)
      return fail(ErrorKind::bad_input, "these openings were registered here before", {}, "a share can be imported once");
    DSPERSE_TRY(Query range, db_.prepare("INSERT INTO ranges(root, first, next, last) VALUES(?1, ?2, ?2, ?3)"));
    DSPERSE_CHECK_OK(db_.run(range.bind(ByteView(o.root)).bind(std::int64_t{o.next}).bind(std::int64_t{o.end})));
  }
  return transaction.commit();
}

Result<bool> OpeningStore::uncounted(const Digest& root, std::uint32_t index) {
  DSPERSE_TRY(Query q, db_.prepare("SELECT 1 FROM ranges WHERE root = ?1 AND next <= ?2 AND ?2 < last"));
  return q.bind(ByteView(root)).bind(std::int64_t{index}).step();
}

Result<Epoch> OpeningStore::epoch(const Digest& slice, const Digest& root) {
  Epoch out;
  out.root = root;
  Digest at = root;
  for (std::uint32_t step = 0; step <= kMaxDepth; ++step) {
    DSPERSE_TRY(Query q, db_.prepare("SELECT depth, parent, seed, base_opening, link FROM epochs WHERE slice=? AND root=?"));
    DSPERSE_TRY(const bool row, q.bind(ByteView(slice)).bind(ByteView(at)).step());
    if (!row) return fail(ErrorKind::bad_input, "opening counters are damaged: an epoch's parent is missing");
    if (step == 0) {
      out.depth = static_cast<std::uint32_t>(q.integer(0));
      if (!q.is_null(2)) out.seed = q.digest(2);
    }
    if (q.is_null(1)) return out;
    out.links.insert(out.links.begin(), {q.digest(1), at, static_cast<std::uint32_t>(q.integer(3)), 0, q.blob(4)});
    at = q.digest(1);
  }
  return fail(ErrorKind::bad_input, "opening counters are damaged: epochs are too deep");
}

Result<Choice> OpeningStore::choose(const Digest& slice, const Digest& origin) {
  // Shallow epochs first: shorter certificates.
  DSPERSE_TRY(Query direct, db_.prepare(std::string(kFree) + "(r.next < ? OR e.depth = ?) ORDER BY e.depth, r.next LIMIT 1"));
  DSPERSE_TRY(const bool row,
              direct.bind(ByteView(slice)).bind(std::int64_t{kDirectOpenings}).bind(std::int64_t{kMaxDepth}).step());
  if (!row) return choose_parent(slice, origin);
  DSPERSE_TRY(Epoch epoch, this->epoch(slice, direct.digest(0)));
  return Choice{std::move(epoch), static_cast<std::uint32_t>(direct.integer(1)), false};
}

Result<Choice> OpeningStore::choose_parent(const Digest& slice, const Digest& origin) {
  // Deep parents first: openings of the origin are the scarcest. Openings that could make proofs last.
  DSPERSE_TRY(Query parent, db_.prepare(std::string(kFree) + "e.depth < ? ORDER BY r.next < ?, e.depth DESC, r.next LIMIT 1"));
  DSPERSE_TRY(const bool row,
              parent.bind(ByteView(slice)).bind(std::int64_t{kMaxDepth}).bind(std::int64_t{kDirectOpenings}).step());
  if (!row)
    return fail(ErrorKind::resource,
                "this installation has no openings left of the weights with root " + to_hex(origin).substr(0, 16), {},
                std::string(kOriginHint));
  DSPERSE_TRY(Epoch epoch, this->epoch(slice, parent.digest(0)));
  return Choice{std::move(epoch), static_cast<std::uint32_t>(parent.integer(1)), true};
}

Result<bool> OpeningStore::claim(const Digest& root, std::uint32_t index) {
  DSPERSE_TRY(Query q, db_.prepare("UPDATE ranges SET next = next + 1 WHERE root = ? AND next = ? AND next < last"));
  DSPERSE_CHECK_OK(db_.run(q.bind(ByteView(root)).bind(std::int64_t{index})));
  return db_.changes() == 1;
}

Status OpeningStore::check_boundaries(const std::set<Digest>& boundaries) {
  for (const Digest& root : boundaries) {
    DSPERSE_TRY(Query q, db_.prepare("SELECT used FROM boundaries WHERE root = ?"));
    DSPERSE_TRY(const bool row, q.bind(ByteView(root)).step());
    if (row && q.integer(0) >= std::int64_t{proof::kBoundaryUses})
      return fail(
          ErrorKind::resource,
          "a tensor of this run was opened " + std::to_string(proof::kBoundaryUses) + " times; more would show its values",
          to_hex(root).substr(0, 16), "run the model again into another folder, and prove that run");
  }
  return {};
}

Result<bool> OpeningStore::claim_proof(const std::optional<std::pair<Digest, std::uint32_t>>& weights,
                                       const std::set<Digest>& boundaries) {
  DSPERSE_TRY(Transaction transaction, Transaction::begin(db_));
  if (weights) {
    DSPERSE_TRY(const bool mine, claim(weights->first, weights->second));
    if (!mine) return false;
  }
  DSPERSE_CHECK_OK(check_boundaries(boundaries));
  for (const Digest& root : boundaries) {
    DSPERSE_TRY(Query q,
                db_.prepare("INSERT INTO boundaries(root, used) VALUES(?, 1) ON CONFLICT(root) DO UPDATE SET used = used + 1"));
    DSPERSE_CHECK_OK(db_.run(q.bind(ByteView(root))));
  }
  DSPERSE_CHECK_OK(transaction.commit());
  return true;
}

Result<bool> OpeningStore::add_epoch(const Digest& slice, const Epoch& parent, const proof::EpochLink& link, const Digest& seed) {
  DSPERSE_TRY(Transaction transaction, Transaction::begin(db_));
  DSPERSE_TRY(const bool mine, claim(link.base, link.base_opening));
  if (!mine) return false;
  DSPERSE_TRY(
      Query epoch,
      db_.prepare("INSERT INTO epochs(slice, root, depth, parent, seed, base_opening, link) VALUES(?, ?, ?, ?, ?, ?, ?)"));
  epoch.bind(ByteView(slice))
      .bind(ByteView(link.epoch))
      .bind(std::int64_t{parent.depth} + 1)
      .bind(ByteView(link.base))
      .bind(ByteView(seed));
  DSPERSE_CHECK_OK(db_.run(epoch.bind(std::int64_t{link.base_opening}).bind(ByteView(link.proof))));
  DSPERSE_TRY(Query range, db_.prepare("INSERT INTO ranges(root, first, next, last) VALUES(?, 1, 1, ?)"));
  DSPERSE_CHECK_OK(db_.run(range.bind(ByteView(link.epoch)).bind(std::int64_t{proof::kWeightBudget})));
  DSPERSE_CHECK_OK(transaction.commit());
  return true;
}

Result<OpeningRange> OpeningStore::give_away(const Digest& slice, const Digest& origin, std::uint32_t count) {
  DSPERSE_TRY(Transaction transaction, Transaction::begin(db_));
  // From the upper end, so that `next` of this installation goes on counting.
  DSPERSE_TRY(
      Query find,
      db_.prepare("SELECT r.id, r.last FROM epochs e JOIN ranges r ON r.root = e.root WHERE e.slice = ? AND e.depth = 0 AND "
                  "r.last - r.next >= ? ORDER BY r.last DESC LIMIT 1"));
  DSPERSE_TRY(const bool row, find.bind(ByteView(slice)).bind(std::int64_t{count}).step());
  if (!row || count == 0)
    return fail(ErrorKind::resource, "fewer than " + std::to_string(count) + " openings of the origin are left here", {},
                "split fewer, or compile the model again");
  const OpeningRange out{origin, 0, static_cast<std::uint32_t>(find.integer(1)) - count,
                         static_cast<std::uint32_t>(find.integer(1))};
  DSPERSE_TRY(Query take, db_.prepare("UPDATE ranges SET last = ? WHERE id = ?"));
  DSPERSE_CHECK_OK(db_.run(take.bind(std::int64_t{out.next}).bind(find.integer(0))));
  if (db_.changes() != 1) return fail(ErrorKind::internal, "an opening range vanished");
  DSPERSE_CHECK_OK(transaction.commit());
  return out;
}

Result<std::vector<OpeningRange>> OpeningStore::remaining(const Digest& slice) {
  DSPERSE_TRY(
      Query q,
      db_.prepare("SELECT r.root, e.depth, r.next, r.last FROM epochs e JOIN ranges r ON r.root = e.root WHERE e.slice = ? "
                  "ORDER BY e.depth, r.id"));
  q.bind(ByteView(slice));
  std::vector<OpeningRange> out;
  for (;;) {
    DSPERSE_TRY(const bool row, q.step());
    if (!row) return out;
    out.push_back({q.digest(0), static_cast<std::uint32_t>(q.integer(1)), static_cast<std::uint32_t>(q.integer(2)),
                   static_cast<std::uint32_t>(q.integer(3))});
  }
}

}  // namespace dsperse::store
