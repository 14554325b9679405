#include "dsperse/store/run_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <filesystem>

#include "dsperse/store/disk/file.h"

namespace dsperse::store {
namespace {

constexpr std::string_view kBoundaryMagic = "DSBND001", kProofMagic = "DSPRF001";
constexpr std::uint64_t kMaxBoundaryFile = std::uint64_t{1} << 32, kMaxProofFile = std::uint64_t{1} << 30;
constexpr std::size_t kMaxProof = std::size_t{1} << 28, kMaxLinks = 2, kMaxStages = 64;
constexpr const char* kRecordFile = "record.bin";
constexpr int kVersion = 1;
constexpr const char* kSchema = R"(
CREATE TABLE IF NOT EXISTS run(
  one INTEGER PRIMARY KEY CHECK(one = 1), model_id BLOB NOT NULL, salt BLOB NOT NULL, nonce BLOB NOT NULL, model_path TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS slices(
  slice INTEGER PRIMARY KEY, prove_s REAL NOT NULL, proof_bytes INTEGER NOT NULL, peak_rss_bytes INTEGER NOT NULL,
  lookups INTEGER NOT NULL, stages BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS used(
  slice INTEGER NOT NULL, verb TEXT NOT NULL, seconds REAL NOT NULL, bytes INTEGER NOT NULL, predicted_bytes INTEGER NOT NULL,
  PRIMARY KEY(slice, verb));
)";

std::unexpected<Error> bad(const std::string& what, const std::string& where) {
  return fail(ErrorKind::bad_input, "run: " + what, where, "run again into another folder");
}

void write_magic(ByteWriter& w, std::string_view magic) {
  w.raw({reinterpret_cast<const std::uint8_t*>(magic.data()), magic.size()});
}

bool read_magic(ByteReader& r, std::string_view magic) {
  const ByteView got = r.take(magic.size());
  return r.ok() && std::equal(got.begin(), got.end(), magic.begin(),
                              [](std::uint8_t a, char b) { return a == static_cast<std::uint8_t>(b); });
}

std::string boundary_path(const std::string& folder, std::uint32_t chunk) {
  return join(join(folder, "boundaries"), std::to_string(chunk) + ".bin");
}
std::string proof_path(const std::string& folder, std::uint32_t slice) {
  return join(join(folder, "proofs"), std::to_string(slice) + ".bin");
}

Bytes encode_stages(const std::vector<std::pair<std::string, double>>& stages) {
  ByteWriter w;
  w.u32(static_cast<std::uint32_t>(stages.size()));
  for (const auto& [name, seconds] : stages) {
    w.text(name);
    w.u64(std::bit_cast<std::uint64_t>(seconds));
  }
  return w.take();
}

std::vector<std::pair<std::string, double>> decode_stages(ByteView bytes) {
  ByteReader r(bytes);
  std::vector<std::pair<std::string, double>> out(r.count(kMaxStages, 12));
  for (auto& [name, seconds] : out) {
    name = r.text(256);
    seconds = std::bit_cast<double>(r.u64());
  }
  return r.finished() ? out : decltype(out){};
}

}  // namespace

/// flock on R/lock: one process works on a run at a time; the system drops it when the process ends, however it ends.
class RunFolder::Lock {
 public:
  explicit Lock(int fd) : fd_(fd) {}
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;
  ~Lock() { ::close(fd_); }

 private:
  int fd_;
};

Result<RunFolder> RunFolder::attach(const std::string& folder) {
  const std::string path = join(folder, "lock");
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return fail(ErrorKind::bad_input, "cannot open the run's lock", path);
  auto lock = std::make_shared<Lock>(fd);
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0)
    return fail(ErrorKind::resource, "another dsperse works on this run", folder, "wait for it, or choose another --out");
  for (const std::string& part : {folder, join(folder, "boundaries"), join(folder, "proofs")}) remove_unfinished(part);
  DSPERSE_TRY(Database db, Database::open(join(folder, "state.db"), kSchema, kVersion));
  RunFolder out(folder, std::move(lock), std::move(db));
  DSPERSE_CHECK_OK(out.load_info());
  return out;
}

Result<RunFolder> RunFolder::create(const std::string& folder) {
  DSPERSE_CHECK_OK(make_folder(folder, Access::shared));
  DSPERSE_TRY(RunFolder run, attach(folder));
  if (run.finished_)
    return fail(ErrorKind::usage, "holds a finished run", folder,
                "prove it with `dsperse prove " + folder + "`, or choose another --out");
  std::error_code error;
  for (const char* part : {"boundaries", "proofs"}) std::filesystem::remove_all(join(folder, part), error);
  std::filesystem::remove_all(join(folder, "verdicts"), error);
  for (const char* part : {"output.json", "published.json", "certificate.dscert", kRecordFile, "seal.json"})
    std::filesystem::remove(join(folder, part), error);
  DSPERSE_CHECK_OK(run.db_.execute("DELETE FROM slices"));
  DSPERSE_CHECK_OK(run.db_.execute("DELETE FROM used"));
  DSPERSE_CHECK_OK(make_folder(join(folder, "boundaries"), Access::secret));
  DSPERSE_CHECK_OK(make_folder(join(folder, "proofs"), Access::shared));
  return run;
}

Result<RunFolder> RunFolder::open(const std::string& folder) {
  if (!exists(join(folder, "state.db")))
    return fail(ErrorKind::bad_input, "holds no run", folder, "make one with `dsperse run MODEL.dsm INPUT --out " + folder + "`");
  DSPERSE_TRY(RunFolder run, attach(folder));
  if (!run.finished_)
    return fail(ErrorKind::bad_input, "holds an unfinished run", folder,
                "run again with `dsperse run MODEL.dsm INPUT --out " + folder + "`");
  return run;
}

Status RunFolder::load_info() {
  DSPERSE_TRY(Query q, db_.prepare("SELECT model_id, salt, nonce, model_path FROM run"));
  DSPERSE_TRY(finished_, q.step());
  if (finished_) info_ = {q.digest(0), q.digest(1), q.blob(2), q.text(3)};
  return {};
}

Status RunFolder::put_boundary(std::uint32_t chunk, const StoredBoundary& boundary) {
  ByteWriter w;
  write_magic(w, kBoundaryMagic);
  w.u8(boundary.root ? 1 : 0);
  if (boundary.root) {
    w.raw(*boundary.root);
    w.raw(boundary.seed);
  }
  w.u64(boundary.values.size());
  for (const std::int32_t v : boundary.values) w.u32(static_cast<std::uint32_t>(v));
  return write_file(boundary_path(folder_, chunk), w.bytes(), Access::secret);
}

Result<StoredBoundary> RunFolder::boundary(std::uint32_t chunk, const quantize::Shape& shape) const {
  const std::string path = boundary_path(folder_, chunk);
  DSPERSE_TRY(const Bytes bytes, read_file(path, kMaxBoundaryFile));
  ByteReader r(bytes);
  StoredBoundary out;
  if (!read_magic(r, kBoundaryMagic)) return bad("not a boundary file", path);
  if (r.u8() == 1) {
    out.root = r.digest();
    out.seed = r.digest();
  }
  const std::uint64_t n = r.u64();
  if (!r.ok() || n != static_cast<std::uint64_t>(quantize::elements(shape)) || r.left() != n * 4)
    return bad("boundary file has another size", path);
  out.values.resize(n);
  for (std::int32_t& v : out.values) v = static_cast<std::int32_t>(r.u32());
  return out;
}

Status RunFolder::finish(const RunInfo& info) {
  DSPERSE_TRY(Query q, db_.prepare("INSERT INTO run(one, model_id, salt, nonce, model_path) VALUES(1, ?, ?, ?, ?)"));
  q.bind(ByteView(info.model_id)).bind(ByteView(info.salt)).bind(ByteView(info.nonce)).bind(std::string_view(info.model_path));
  DSPERSE_CHECK_OK(db_.run(q));
  info_ = info;
  finished_ = true;
  return {};
}

Status RunFolder::put_used(std::uint32_t slice, const char* verb, double seconds, std::uint64_t bytes, std::uint64_t predicted) {
  DSPERSE_TRY(Query q,
              db_.prepare("INSERT OR REPLACE INTO used(slice, verb, seconds, bytes, predicted_bytes) VALUES(?, ?, ?, ?, ?)"));
  q.bind(std::int64_t{slice}).bind(std::string_view(verb)).bind(seconds);
  q.bind(static_cast<std::int64_t>(bytes)).bind(static_cast<std::int64_t>(predicted));
  return db_.run(q);
}

Result<std::optional<RunFolder::Used>> RunFolder::used(std::uint32_t slice, const char* verb) {
  DSPERSE_TRY(Query q, db_.prepare("SELECT seconds, bytes, predicted_bytes FROM used WHERE slice = ? AND verb = ?"));
  DSPERSE_TRY(const bool row, q.bind(std::int64_t{slice}).bind(std::string_view(verb)).step());
  if (!row) return std::nullopt;
  return Used{q.real(0), static_cast<std::uint64_t>(q.integer(1)), static_cast<std::uint64_t>(q.integer(2))};
}

Status RunFolder::put_run(std::uint32_t slice, const RunRecord& record) {
  return put_used(slice, "run", record.seconds, record.peak_bytes, 0);
}

Result<std::optional<RunRecord>> RunFolder::run_record(std::uint32_t slice) {
  DSPERSE_TRY(const std::optional<Used> u, used(slice, "run"));
  if (!u) return std::nullopt;
  return RunRecord{u->seconds, u->bytes};
}

Status RunFolder::put_proof(const proof::SliceProof& proof, const SliceRecord& record) {
  DSPERSE_CHECK_OK(put_record_of(record));
  return put_proof_file(proof);
}

Status RunFolder::put_record_of(const SliceRecord& record) {
  DSPERSE_TRY(Transaction transaction, Transaction::begin(db_));
  DSPERSE_TRY(Query q, db_.prepare("INSERT OR REPLACE INTO slices(slice, prove_s, proof_bytes, peak_rss_bytes, lookups, stages) "
                                   "VALUES(?, ?, ?, ?, ?, ?)"));
  q.bind(std::int64_t{record.slice}).bind(record.prove_s).bind(static_cast<std::int64_t>(record.proof_bytes));
  q.bind(static_cast<std::int64_t>(record.peak_rss_bytes))
      .bind(static_cast<std::int64_t>(record.lookups))
      .bind(encode_stages(record.stages));
  DSPERSE_CHECK_OK(db_.run(q));
  DSPERSE_CHECK_OK(put_used(record.slice, "prove", record.prove_s, record.work_bytes, record.predicted_bytes));
  return transaction.commit();
}

Status RunFolder::put_proof_file(const proof::SliceProof& proof) const {
  return write_file(proof_path(folder_, proof.slice),
                    encode_slice_proof(proof::run_id(info_.model_id, info_.nonce, info_.salt), proof), Access::shared);
}

Result<std::optional<proof::SliceProof>> RunFolder::proof(std::uint32_t slice) const {
  const std::string path = proof_path(folder_, slice);
  if (!exists(path)) return std::nullopt;
  DSPERSE_TRY(const Bytes bytes, read_file(path, kMaxProofFile));
  auto proof = decode_slice_proof(proof::run_id(info_.model_id, info_.nonce, info_.salt), bytes);
  if (!proof || proof->slice != slice) return std::nullopt;
  return std::move(*proof);
}

Status RunFolder::drop_proof(std::uint32_t slice) {
  std::error_code error;
  std::filesystem::remove(proof_path(folder_, slice), error);
  if (error) return bad("cannot remove a damaged proof: " + error.message(), proof_path(folder_, slice));
  return {};
}

Status RunFolder::put_record(ByteView record) { return write_file(join(folder_, kRecordFile), record, Access::shared); }

Result<Bytes> RunFolder::answers() const {
  const std::string path = join(folder_, kRecordFile);
  if (!exists(path)) return Bytes{};
  return read_file(path, proof::kMaxRecord);
}

Result<std::optional<SliceRecord>> RunFolder::record(std::uint32_t slice) {
  DSPERSE_TRY(Query q, db_.prepare("SELECT prove_s, proof_bytes, peak_rss_bytes, lookups, stages FROM slices WHERE slice = ?"));
  DSPERSE_TRY(const bool row, q.bind(std::int64_t{slice}).step());
  if (!row) return std::nullopt;
  SliceRecord out{slice,
                  q.real(0),
                  static_cast<std::uint64_t>(q.integer(1)),
                  static_cast<std::uint64_t>(q.integer(2)),
                  static_cast<std::uint64_t>(q.integer(3)),
                  decode_stages(q.blob(4))};
  DSPERSE_TRY(const std::optional<Used> u, used(slice, "prove"));
  if (u) out.work_bytes = u->bytes, out.predicted_bytes = u->predicted;
  return out;
}

Bytes encode_slice_proof(const Digest& run_id, const proof::SliceProof& proof) {
  ByteWriter w;
  write_magic(w, kProofMagic);
  w.raw(run_id);
  w.u32(proof.slice);
  w.u8(proof.weights ? 1 : 0);
  if (proof.weights) w.raw(*proof.weights);
  w.u32(proof.opening);
  w.u32(static_cast<std::uint32_t>(proof.links.size()));
  for (const proof::EpochLink& l : proof.links) {
    w.raw(l.base);
    w.raw(l.epoch);
    w.u32(l.base_opening);
    w.u32(l.epoch_opening);
    w.u32(static_cast<std::uint32_t>(l.proof.size()));
    w.raw(l.proof);
  }
  w.u32(static_cast<std::uint32_t>(proof.proof.size()));
  w.raw(proof.proof);
  return w.take();
}

Result<proof::SliceProof> decode_slice_proof(const Digest& run_id, ByteView bytes) {
  const auto read_bytes = [](ByteReader& r) {
    const ByteView v = r.take(r.count(kMaxProof, 1));
    return Bytes(v.begin(), v.end());
  };
  ByteReader r(bytes);
  if (!read_magic(r, kProofMagic)) return bad("not a slice proof", {});
  if (r.digest() != run_id) return bad("a proof of another run", {});
  proof::SliceProof out;
  out.slice = r.u32();
  const std::uint8_t has_weights = r.u8();
  if (has_weights > 1) return bad("slice proof", {});
  if (has_weights == 1) out.weights = r.digest();
  out.opening = r.u32();
  out.links.resize(r.count(kMaxLinks, 76));
  for (proof::EpochLink& l : out.links) {
    l.base = r.digest();
    l.epoch = r.digest();
    l.base_opening = r.u32();
    l.epoch_opening = r.u32();
    l.proof = read_bytes(r);
  }
  out.proof = read_bytes(r);
  if (!r.finished()) return bad("slice proof truncated, or bytes after its end", {});
  return out;
}

}  // namespace dsperse::store
