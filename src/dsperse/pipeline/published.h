// published.json: what a prover is bound to before a challenge. The asker keeps it (or its digest `bound` alone), then chooses a
// nonce, and the nonce draws which slices must be proved.
//
// Not here: the draw and its check (challenge.h). Source: docs/formats/published.md, docs/trust/challenge.md. Tested by
// pipeline/challenge_test.cc and published_fuzz.cc.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "dsperse/proof/statement.h"

namespace dsperse::pipeline {

inline constexpr std::size_t kMaxPublishedBytes = std::size_t{32} << 20;

/// nonce, salt: of the run. roots: one digest a chunk, in the key's order. draw: how many slices a challenge draws.
struct Published {
  Digest model_id{}, salt{};
  Bytes nonce;
  std::uint32_t slices = 0, draw = 0;
  std::vector<Digest> roots;

  [[nodiscard]] Digest run_id() const { return proof::run_id(model_id, nonce, salt); }
  /// One digest of run, number of slices and all roots: all that an asker must keep.
  [[nodiscard]] Digest bound() const;
  friend bool operator==(const Published&, const Published&) = default;
};

/// The digest that a run with this table is bound to.
Digest bound_of(const Digest& run_id, std::uint32_t slices, std::span<const proof::Boundary> table);

/// One text a value.
Bytes encode_published(const Published& published);
/// Errors (bad_input): anything that encode_published does not write; run id or digest that do not follow from the rest.
[[nodiscard]] Result<Published> decode_published(ByteView bytes);

/// FOLDER/published.json.
std::string published_path(const std::string& folder);
[[nodiscard]] Status write_published(const std::string& folder, const Published& published);
[[nodiscard]] Result<Published> read_published(const std::string& folder);

}  // namespace dsperse::pipeline
