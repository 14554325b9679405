#include "dsperse/pipeline/network/desk.h"

#include <algorithm>

#include "dsperse/pipeline/epoch.h"
#include "dsperse/proof/prove.h"
#include "dsperse/proof/verify.h"
#include "dsperse/trust/verdict/slice_evidence.h"
#include "dsperse/work/task/values.h"

namespace dsperse::pipeline {
namespace {

constexpr std::uint64_t kMostBlobBytes = std::uint64_t{1} << 30;
constexpr int kTries = 16;  ///< against other processes that use the same openings

std::string slice_name(std::uint32_t i) { return "slice " + std::to_string(i); }

}  // namespace

ModelDesk::ModelDesk(const store::ModelFolder& model, store::OpeningStore& openings) : model_(model), openings_(openings) {
  for (const proof::SliceKey& s : key().slices) slice_digests_.push_back(s.digest());
  model_id_ = key().id();
  boundary_ = proof::boundary_geometry_of(key());
}

Digest ModelDesk::run_id(ByteView nonce, const Digest& salt) { return proof::run_id(model_id_, nonce, salt); }

Result<Digest> ModelDesk::root_of(std::uint32_t chunk, ByteView values, const Digest& seed) {
  const proof::Chunk& c = key().chunks[chunk];
  DSPERSE_TRY(const quantize::IntTensor tensor,
              work::decode_values(values, static_cast<std::size_t>(quantize::elements(c.shape))));
  if (std::ranges::any_of(tensor, [&](std::int32_t v) { return v < c.lo || v > c.hi; }))
    return fail(ErrorKind::bad_input, "a value is out of the tensor's range", c.name);
  DSPERSE_TRY(const proof::BoundaryCommitment tree,
              proof::commit_boundary(key().profile(), boundary_, c, tensor, seed, proof::Codewords::recomputed));
  return tree.root();
}

Result<std::optional<work::WeightOpening>> ModelDesk::reserve(std::uint32_t slice) {
  const proof::SliceKey& k = key().slices[slice];
  if (!k.weight_root) return std::nullopt;
  std::optional<store::ProvingKey> secret;
  for (int i = 0; i < kTries; ++i) {
    DSPERSE_TRY(const store::Choice choice, openings_.choose(slice_digests_[slice], *k.weight_root));
    if (choice.make_epoch || !choice.epoch.seed) {
      if (!secret) {
        DSPERSE_TRY(secret, model_.proving_key(slice));
      }
    }
    if (choice.make_epoch) {
      DSPERSE_TRY(const std::optional<FreshEpoch> made, make_epoch(openings_, state_, k, *secret, choice));
      continue;
    }
    DSPERSE_TRY(const bool mine, openings_.claim(choice.epoch.root, choice.index));
    if (mine) return work::WeightOpening{choice.epoch.root, choice.epoch.seed ? *choice.epoch.seed : secret->seed, choice.index};
  }
  return fail(ErrorKind::resource, "other processes keep using this model's openings", slice_name(slice),
              "try again when they are done");
}

Result<proof::Statement> ModelDesk::statement(const work::SliceTask& task, const trust::BoundaryRoots& roots_out,
                                              const work::OutputBlobs& outputs, engine::BlobStore& blobs) {
  const proof::SliceKey& k = key().slices[task.slice];
  proof::Statement out;
  out.key = slice_digests_[task.slice];
  out.run_id = task.run;
  out.slice = task.slice;
  if (task.opening) {
    out.weights = task.opening->root;
    out.opening = task.opening->opening;
  }
  const auto add = [&](const proof::Port& port, const trust::BoundaryRoots& roots, const Digest* values) -> Status {
    const auto root = std::ranges::find(roots, port.chunk, &trust::BoundaryRoot::chunk);
    if (root == roots.end() || values == nullptr)
      return fail(ErrorKind::bad_input, "a boundary of the slice is missing", key().chunks[port.chunk].name);
    proof::Boundary b;
    b.chunk = port.chunk;
    if (port.is_public) {
      DSPERSE_TRY(const Bytes bytes, blobs.get(*values, kMostBlobBytes));
      DSPERSE_TRY(b.values,
                  work::decode_values(bytes, static_cast<std::size_t>(quantize::elements(key().chunks[port.chunk].shape))));
    } else {
      b.root = root->root;
    }
    out.boundaries.push_back(std::move(b));
    return {};
  };
  for (const proof::Port& p : k.inputs) {
    const auto at = std::ranges::find(task.inputs, p.chunk, &work::TensorRef::chunk);
    DSPERSE_CHECK_OK(add(p, task.live, at == task.inputs.end() ? nullptr : &at->values));
  }
  for (const proof::Port& p : k.outputs) {
    const auto at = std::ranges::find(outputs, p.chunk, &work::OutputBlobs::value_type::first);
    DSPERSE_CHECK_OK(add(p, roots_out, at == outputs.end() ? nullptr : &at->second));
  }
  return out;
}

Result<Verdict> ModelDesk::take(const work::SliceTask& task, const trust::BoundaryRoots& roots_out,
                                const work::OutputBlobs& outputs, ByteView proof, engine::BlobStore& blobs) {
  DSPERSE_TRY(const proof::Statement s, statement(task, roots_out, outputs, blobs));
  Verdict verdict = proof::verify_slice(key().slices[task.slice], s, proof);
  if (!verdict) return verdict;
  std::set<Digest> committed;
  for (const proof::Boundary& b : s.boundaries)
    if (b.root) committed.insert(*b.root);
  DSPERSE_TRY(const bool counted, openings_.claim_proof(std::nullopt, committed));
  if (!counted) return fail(ErrorKind::resource, "other processes keep using these openings", slice_name(task.slice));
  return verdict;
}

Result<proof::SliceProof> ModelDesk::slice_proof(std::uint32_t slice, const std::optional<work::WeightOpening>& weights,
                                                 ByteView proof) {
  proof::SliceProof out;
  out.slice = slice;
  if (weights) {
    out.weights = weights->root;
    out.opening = weights->opening;
    DSPERSE_TRY(const store::Epoch epoch, openings_.epoch(slice_digests_[slice], weights->root));
    out.links = epoch.links;
  }
  out.proof.assign(proof.begin(), proof.end());
  return out;
}

Result<Bytes> ModelDesk::evidence(const work::SliceTask& task, const trust::BoundaryRoots& roots_out,
                                  const work::OutputBlobs& outputs, ByteView proof, engine::BlobStore& blobs) {
  DSPERSE_TRY(proof::Statement s, statement(task, roots_out, outputs, blobs));
  trust::SliceEvidence out;
  out.live = task.live;
  out.boundaries = std::move(s.boundaries);
  DSPERSE_TRY(out.proof, slice_proof(task.slice, task.opening, proof));
  return trust::encode_slice_evidence(out);
}

}  // namespace dsperse::pipeline
