// Statements and run certificates as data, with their canonical bytes. What they mean is decided in verify.h.
//
// Source: docs/protocol/linking.md, docs/formats/dscert.md. Tested by proof/certificate_test.cc.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "dsperse/proof/key.h"

namespace dsperse::proof {

/// What a statement says of one chunk: a root, or public values; exactly one of the two.
struct Boundary {
  std::uint32_t chunk = 0;
  std::optional<Digest> root;
  std::vector<std::int32_t> values;
  friend bool operator==(const Boundary&, const Boundary&) = default;
};

/// What one proof claims. weights: root of the epoch in use, opening: how many proofs opened that tree before.
struct Statement {
  Digest key{};
  std::optional<Digest> weights;
  std::uint32_t opening = 0;
  Digest run_id{};
  std::uint32_t slice = 0;
  std::vector<Boundary> boundaries;  ///< inputs, then outputs, in port order
};
Bytes encode_statement(const Statement& statement);

/// Most links from the origin to an epoch.
inline constexpr std::size_t kMaxEpochDepth = 2;

/// Weight epoch: the same weights committed afresh, with a proof that the data are equal to the base root's.
struct EpochLink {
  Digest base{}, epoch{};
  std::uint32_t base_opening = 0, epoch_opening = 0;
  Bytes proof;
};

struct SliceProof {
  std::uint32_t slice = 0;
  std::optional<Digest> weights;
  std::uint32_t opening = 0;
  std::vector<EpochLink> links;  ///< from the origin root to `weights`, parents first; empty if weights is the origin
  Bytes proof;
};

/// Longest record of a run; bytes to this room.
inline constexpr std::size_t kMaxRecord = std::size_t{64} << 20;

/// table: one Boundary per chunk of the model, in order. slices: the proved ones, ascending. record: what answers for the others
/// (trust/record), at most kMaxRecord bytes, empty: none.
struct Certificate {
  Digest model_id{};
  Bytes nonce;  ///< the user's, at most 64 bytes; empty: none
  Digest salt{};
  std::vector<Boundary> table;
  std::vector<SliceProof> slices;
  Bytes record;
};

/// H(model id, nonce, salt).
Digest run_id(const Digest& model_id, ByteView nonce, const Digest& salt);

Bytes encode_certificate(const Certificate& certificate);
/// Canonical and bounded by the key: counts, shapes and presence follow from it.
[[nodiscard]] Result<Certificate> decode_certificate(const ModelKey& key, ByteView bytes);

/// Parts that other formats have too (docs/formats/verdict.md). Reading goes on with zeros after an error: ask the reader.
void write_boundary(ByteWriter& out, const Boundary& boundary);
/// At most the chunk's elements. False: neither root nor values.
[[nodiscard]] bool read_boundary(ByteReader& in, const Chunk& chunk, Boundary& boundary);
/// All but the number of the slice.
void write_slice_proof(ByteWriter& out, const SliceProof& proof);
void read_slice_proof(ByteReader& in, const SliceKey& key, SliceProof& proof);

}  // namespace dsperse::proof
