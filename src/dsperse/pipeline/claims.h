// Two parties' results for one input as claims that can be compared: one table of boundaries each, under one run.
//
// Commitments of unlike seeds differ for equal values. So two run folders of different runs are compared by values: B's tensors
// are committed as if they were A's, with A's seeds where the values are A's, and with a seed that follows from A's and from the
// values where they are not (a seed never commits to two tensors). Certificates show no values: they are compared by roots, which
// says something only if both are of one run. Not here: who is right (dispute.h). Source: docs/formats/verdict.md. Tested by
// pipeline/dispute_test.cc.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "dsperse/store/run_folder.h"

namespace dsperse::pipeline {

/// A run folder, or a certificate.
struct Party {
  std::string path;
  Digest run{};
  std::optional<store::RunFolder> folder;
  std::vector<store::StoredBoundary> stored;  ///< of a folder, by chunk
  std::vector<proof::Boundary> certified;     ///< of a certificate, by chunk
  std::vector<proof::SliceProof> proofs;      ///< of a certificate
};
/// Errors (bad_input): neither of the two, or of another model.
[[nodiscard]] Result<Party> open_party(const proof::ModelKey& key, const std::string& path);

class Claims {
 public:
  /// Errors (bad_input): certificates of different runs; a folder that does not fit the key. The parties must outlive it.
  [[nodiscard]] static Result<Claims> make(const proof::ModelKey& key, const Party& a, const Party& b);

  /// The run that both tables are told of: A's, unless A is a certificate and B a folder (then both are of one run).
  [[nodiscard]] const Digest& run() const { return run_; }
  [[nodiscard]] const std::vector<proof::Boundary>& table(std::size_t party) const { return tables_[party]; }
  /// Whose values and seeds commitments are made with; nullptr if both parties are certificates.
  [[nodiscard]] const Party* base() const { return base_; }
  /// What a party that has these values claims, with the seed of the commitment. Only with a base.
  [[nodiscard]] Result<store::StoredBoundary> commit(std::uint32_t chunk, const quantize::IntTensor& values) const;

 private:
  explicit Claims(const proof::ModelKey& key) : key_(&key) {}
  /// Root of the chunk as the party published it.
  [[nodiscard]] static std::optional<Digest> published_root(const Party& party, std::uint32_t chunk);
  const proof::ModelKey* key_;
  Digest run_{};
  const Party* base_ = nullptr;
  const Party* twin_ = nullptr;  ///< the other party, if it is of the same run
  std::array<std::vector<proof::Boundary>, 2> tables_;
};

}  // namespace dsperse::pipeline
