#include "dsperse/pipeline/claims.h"

#include <filesystem>

#include "dsperse/crypto/hash/hash.h"
#include "dsperse/proof/prove.h"
#include "dsperse/store/disk/file.h"

namespace dsperse::pipeline {
namespace {

using quantize::IntTensor;

constexpr std::uint64_t kMaxCertificate = std::uint64_t{1} << 32;

/// A seed of its own for values that the base's seed does not commit to.
Digest other_seed(const Digest& seed, const IntTensor& values) {
  ByteWriter w;
  for (const std::int32_t v : values) w.u32(static_cast<std::uint32_t>(v));
  return crypto::hash_tagged("dsperse dispute seed v1", {seed, w.bytes()});
}

Result<Party> open_folder(const proof::ModelKey& key, const std::string& path) {
  DSPERSE_TRY(store::RunFolder run, store::RunFolder::open(path));
  if (run.info().model_id != key.id())
    return fail(ErrorKind::bad_input, "the run was made with another compiled model", path, "give the key of the run's model");
  Party out;
  out.path = path;
  out.run = proof::run_id(run.info().model_id, run.info().nonce, run.info().salt);
  for (std::uint32_t c = 0; c < key.chunks.size(); ++c) {
    DSPERSE_TRY(store::StoredBoundary b, run.boundary(c, key.chunks[c].shape));
    if (b.root.has_value() == key.chunks[c].is_public)
      return fail(ErrorKind::bad_input, "run: a boundary is not what the key says", path + " > " + key.chunks[c].name);
    out.stored.push_back(std::move(b));
  }
  out.folder = std::move(run);
  return out;
}

Result<Party> open_certificate(const proof::ModelKey& key, const std::string& path) {
  DSPERSE_TRY(const Bytes bytes, store::read_file(path, kMaxCertificate));
  auto certificate = proof::decode_certificate(key, bytes);
  if (!certificate) return std::unexpected(certificate.error().within(path));
  if (certificate->model_id != key.id()) return fail(ErrorKind::bad_input, "a certificate of another model", path);
  for (std::uint32_t c = 0; c < key.chunks.size(); ++c)
    if (certificate->table[c].chunk != c || certificate->table[c].root.has_value() == key.chunks[c].is_public)
      return fail(ErrorKind::bad_input, "certificate: a boundary is not what the key says", path + " > " + key.chunks[c].name);
  for (const proof::SliceProof& s : certificate->slices)
    if (s.slice >= key.slices.size()) return fail(ErrorKind::bad_input, "certificate: the model has no such slice", path);
  Party out;
  out.path = path;
  out.run = proof::run_id(certificate->model_id, certificate->nonce, certificate->salt);
  out.certified = std::move(certificate->table);
  out.proofs = std::move(certificate->slices);
  return out;
}

}  // namespace

Result<Party> open_party(const proof::ModelKey& key, const std::string& path) {
  std::error_code error;
  return std::filesystem::is_directory(path, error) ? open_folder(key, path) : open_certificate(key, path);
}

std::optional<Digest> Claims::published_root(const Party& party, std::uint32_t chunk) {
  return party.folder ? party.stored[chunk].root : party.certified[chunk].root;
}

Result<Claims> Claims::make(const proof::ModelKey& key, const Party& a, const Party& b) {
  const bool one_run = a.run == b.run;
  if (!one_run && !(a.folder && b.folder))
    return fail(ErrorKind::bad_input, "these are two runs: their commitments differ wherever their values agree",
                a.path + ", " + b.path, "give the run folders of both, or certificates of one run");
  Claims out(key);
  out.base_ = a.folder ? &a : b.folder ? &b : nullptr;
  const Party& other = out.base_ == &b ? a : b;
  if (one_run) out.twin_ = &other;
  out.run_ = out.base_ == &b ? b.run : a.run;
  for (std::size_t party = 0; party < 2; ++party) {
    const Party& p = party == 0 ? a : b;
    if (!p.folder) {
      out.tables_[party] = p.certified;
      continue;
    }
    for (std::uint32_t c = 0; c < key.chunks.size(); ++c) {
      DSPERSE_TRY(store::StoredBoundary claim, out.commit(c, p.stored[c].values));
      out.tables_[party].push_back({c, claim.root, claim.root ? IntTensor{} : std::move(claim.values)});
    }
  }
  return out;
}

Result<store::StoredBoundary> Claims::commit(std::uint32_t chunk, const IntTensor& values) const {
  const proof::Chunk& c = key_->chunks[chunk];
  store::StoredBoundary out{values, std::nullopt, {}};
  if (c.is_public) return out;
  const proof::Geometry geometry = proof::boundary_geometry_of(*key_);
  const auto root_under = [&](const Digest& seed) -> Result<Digest> {
    DSPERSE_TRY(const proof::BoundaryCommitment tree,
                proof::commit_boundary(key_->profile(), geometry, c, values, seed, proof::Codewords::recomputed));
    return tree.root();
  };
  out.seed = base_->stored[chunk].seed;
  DSPERSE_TRY(out.root, root_under(out.seed));
  // Published under this seed: by the base, or by a replica that was given the same seeds.
  if (out.root == published_root(*base_, chunk) || (twin_ != nullptr && out.root == published_root(*twin_, chunk))) return out;
  out.seed = other_seed(out.seed, values);
  DSPERSE_TRY(out.root, root_under(out.seed));
  return out;
}

}  // namespace dsperse::pipeline
