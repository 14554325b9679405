// R/: one run on the prover's side. state.db (SQLite), boundaries/C.bin (tensor and seed, 0600), proofs/N.bin, the output and the
// certificate. Resumable: whatever is there under its final name is whole.
//
// Not here: output.json's content (pipeline/output.h). Source: docs/formats/run.md. Tested by store/folders_test.cc.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "dsperse/proof/statement.h"
#include "dsperse/store/disk/database.h"

namespace dsperse::store {

struct RunInfo {
  Digest model_id{}, salt{};
  Bytes nonce;
  std::string model_path;  ///< of the .dsm, absolute
};

/// A boundary tensor with what its commitment was made from. root and seed only when it is committed.
struct StoredBoundary {
  quantize::IntTensor values;
  std::optional<Digest> root;
  Digest seed{};
};

/// Measured while a slice was run and proved.
struct SliceRecord {
  std::uint32_t slice = 0;
  double prove_s = 0;
  std::uint64_t proof_bytes = 0, peak_rss_bytes = 0, lookups = 0;
  std::vector<std::pair<std::string, double>> stages;  ///< name, seconds
  /// Most memory beyond what the process had when the first of the slices in work together began, and what was predicted for
  /// those slices together. Zero: not known.
  std::uint64_t work_bytes = 0, predicted_bytes = 0;
};

/// Measured while a slice was run.
struct RunRecord {
  double seconds = 0;
  std::uint64_t peak_bytes = 0;  ///< beyond what the process had
};

class RunFolder {
 public:
  /// A new run: the folder may be absent, or hold an unfinished run (whose boundaries are dropped); a finished one is an error.
  /// Held exclusively by this process until destroyed.
  [[nodiscard]] static Result<RunFolder> create(const std::string& folder);
  /// An existing, finished run (finish() was called).
  [[nodiscard]] static Result<RunFolder> open(const std::string& folder);

  [[nodiscard]] const std::string& path() const { return folder_; }
  [[nodiscard]] const RunInfo& info() const { return info_; }

  [[nodiscard]] Status put_boundary(std::uint32_t chunk, const StoredBoundary& boundary);
  [[nodiscard]] Result<StoredBoundary> boundary(std::uint32_t chunk, const quantize::Shape& shape) const;
  /// Which run this will be: proofs may be put before finish().
  void is_of(const RunInfo& info) { info_ = info; }
  [[nodiscard]] Status put_run(std::uint32_t slice, const RunRecord& record);
  [[nodiscard]] Result<std::optional<RunRecord>> run_record(std::uint32_t slice);
  /// All boundaries are stored: from now on the run can be proved.
  [[nodiscard]] Status finish(const RunInfo& info);

  /// The record first, the file last. The caller has claimed the proof's openings before.
  [[nodiscard]] Status put_proof(const proof::SliceProof& proof, const SliceRecord& record);
  /// Both alone: proofs of several slices may be written at the same time, records may not.
  [[nodiscard]] Status put_record_of(const SliceRecord& record);
  [[nodiscard]] Status put_proof_file(const proof::SliceProof& proof) const;
  /// nullopt: not there, or not of this run.
  [[nodiscard]] Result<std::optional<proof::SliceProof>> proof(std::uint32_t slice) const;
  [[nodiscard]] Status drop_proof(std::uint32_t slice);
  /// What answers for unproved slices, as it goes into certificates (trust/record): bytes to this room. Empty: none.
  [[nodiscard]] Status put_record(ByteView record);
  [[nodiscard]] Result<Bytes> answers() const;
  [[nodiscard]] Result<std::optional<SliceRecord>> record(std::uint32_t slice);

 private:
  class Lock;
  RunFolder(std::string folder, std::shared_ptr<Lock> lock, Database db)
      : folder_(std::move(folder)), lock_(std::move(lock)), db_(std::move(db)) {}
  [[nodiscard]] static Result<RunFolder> attach(const std::string& folder);
  [[nodiscard]] Status load_info();
  struct Used {
    double seconds = 0;
    std::uint64_t bytes = 0, predicted = 0;
  };
  [[nodiscard]] Status put_used(std::uint32_t slice, const char* verb, double seconds, std::uint64_t bytes,
                                std::uint64_t predicted);
  [[nodiscard]] Result<std::optional<Used>> used(std::uint32_t slice, const char* verb);

  std::string folder_;
  std::shared_ptr<Lock> lock_;
  Database db_;
  RunInfo info_;
  bool finished_ = false;
};

/// proofs/N.bin.
Bytes encode_slice_proof(const Digest& run_id, const proof::SliceProof& proof);
[[nodiscard]] Result<proof::SliceProof> decode_slice_proof(const Digest& run_id, ByteView bytes);

}  // namespace dsperse::store
