#include "dsperse/pipeline/network/publish.h"

#include <algorithm>
#include <cmath>

#include "dsperse/base/random.h"
#include "dsperse/crypto/hash/hash.h"
#include "dsperse/pipeline/execute.h"
#include "dsperse/proof/package.h"
#include "dsperse/proof/prove.h"
#include "dsperse/trust/verdict/boundaries.h"
#include "dsperse/work/compute/slices.h"
#include "dsperse/work/task/values.h"

namespace dsperse::pipeline {
namespace {

constexpr std::uint64_t kRunBytesFixed = std::uint64_t{64} << 20;
constexpr double kSlowest = 20;  ///< how much slower than predicted a worker may be

/// Weights, tensors and what kernels make of them.
std::uint64_t run_bytes(const quantize::Program& program) {
  std::uint64_t elements = 0;
  for (const auto& t : program.tensors) elements += static_cast<std::uint64_t>(quantize::elements(t.shape));
  for (const auto& w : program.weights) elements += 4 * static_cast<std::uint64_t>(quantize::elements(w.shape));
  return kRunBytesFixed + 8 * elements;
}

std::vector<std::uint32_t> chunks_of(const std::vector<proof::Port>& ports) {
  std::vector<std::uint32_t> out;
  for (const proof::Port& p : ports) out.push_back(p.chunk);
  std::ranges::sort(out);
  return out;
}

Result<Bytes> weights_of(const store::ModelFolder& model, std::uint32_t slice) {
  DSPERSE_TRY(const store::ProvingKey secret, model.proving_key(slice));
  return work::encode_weights_blob(model.model().key.slices[slice], secret.weights, secret.seed);
}

/// Not written again if it is there: a model may be large, and a disk full when a coordinator starts anew.
Result<Digest> keep(engine::BlobStore& blobs, ByteView bytes) {
  const Digest digest = crypto::hash(bytes);
  if (blobs.get(digest, blobs.limit_bytes())) return digest;
  return blobs.put(bytes);
}

/// The blob is whole, or is put again. True: it was put.
template <class F>
Result<bool> mend(engine::BlobStore& blobs, const Digest& digest, const F& bytes_of) {
  if (blobs.get(digest, blobs.limit_bytes())) return false;
  DSPERSE_TRY(const Bytes bytes, bytes_of());
  DSPERSE_TRY(const Digest put, blobs.put(bytes));
  if (put != digest) return fail(ErrorKind::internal, "a blob that was put again has another digest", to_hex(digest));
  return true;
}

}  // namespace

Result<std::size_t> mend_model(const store::ModelFolder& model, const work::ModelFacts& facts, engine::BlobStore& blobs) {
  std::size_t out = 0;
  for (std::uint32_t i = 0; i < facts.slices.size(); ++i) {
    const work::ModelFacts::Slice& s = facts.slices[i];
    DSPERSE_TRY(const bool package,
                mend(blobs, s.package, [&]() -> Result<Bytes> { return proof::encode_slice_package(model.model().key, i); }));
    out += package ? 1 : 0;
    if (s.weights == Digest{}) continue;
    DSPERSE_TRY(const bool weights, mend(blobs, s.weights, [&] { return weights_of(model, i); }));
    out += weights ? 1 : 0;
  }
  return out;
}

Result<std::size_t> mend_inputs(const proof::ModelKey& key, const EdgeTensors& inputs, engine::BlobStore& blobs) {
  std::vector<quantize::IntTensor> chunks(key.chunks.size());
  DSPERSE_CHECK_OK(place_inputs(key, inputs, chunks));
  std::size_t out = 0;
  for (const std::uint32_t c : trust::lives_of(key).inputs) {
    const Bytes values = work::encode_values(chunks[c]);
    DSPERSE_TRY(const bool put, mend(blobs, crypto::hash(values), [&]() -> Result<Bytes> { return values; }));
    out += put ? 1 : 0;
  }
  return out;
}

Result<work::ModelFacts> publish_model(const store::ModelFolder& model, engine::BlobStore& blobs) {
  const proof::ModelKey& key = model.model().key;
  const trust::Lives lives = trust::lives_of(key);
  work::ModelFacts out;
  out.model = key.id();
  out.inputs = lives.inputs;
  for (const proof::Chunk& c : key.chunks) out.committed.push_back(!c.is_public);
  for (std::uint32_t i = 0; i < key.slices.size(); ++i) {
    const proof::SliceKey& k = key.slices[i];
    work::ModelFacts::Slice s;
    s.key = k.digest();
    DSPERSE_TRY(s.package, keep(blobs, proof::encode_slice_package(key, i)));
    if (k.weight_root) {
      DSPERSE_TRY(const Bytes weights, weights_of(model, i));
      DSPERSE_TRY(s.weights, keep(blobs, weights));
    }
    s.inputs = chunks_of(k.inputs);
    s.outputs = chunks_of(k.outputs);
    s.ended = lives.ended[i];
    const slice::Cost& cost = model.model().predicted[i];
    s.run_bytes = run_bytes(k.program);
    s.prove_bytes = std::max(s.run_bytes, cost.peak_bytes);
    s.prove_ms = std::max(s.prove_ms, static_cast<engine::TimeMs>(std::lround(kSlowest * 1000 * cost.prove_seconds)));
    out.slices.push_back(std::move(s));
  }
  return out;
}

Result<work::RunRequest> publish_request(const proof::ModelKey& key, const EdgeTensors& inputs, const Bytes& nonce,
                                         const std::vector<trust::Treatment>& treatments, trust::lottery::Late late,
                                         engine::BlobStore& blobs) {
  std::vector<quantize::IntTensor> chunks(key.chunks.size());
  DSPERSE_CHECK_OK(place_inputs(key, inputs, chunks));
  const proof::Geometry boundary = proof::boundary_geometry_of(key);
  work::RunRequest out;
  for (const std::uint32_t c : trust::lives_of(key).inputs) {
    const Bytes values = work::encode_values(chunks[c]);
    work::RunRequest::Input in;
    in.chunk = c;
    const auto put = keep(blobs, values);
    if (!put) {  // whatever it is, it says nothing about the request
      Error error = put.error();
      if (error.kind == ErrorKind::bad_input) error.kind = ErrorKind::resource;
      return std::unexpected(std::move(error));
    }
    in.values = *put;
    in.root = work::public_root(values);
    if (!key.chunks[c].is_public) {
      DSPERSE_TRY(in.seed, random_seed());
      DSPERSE_TRY(const proof::BoundaryCommitment tree, proof::commit_boundary(key.profile(), boundary, key.chunks[c], chunks[c],
                                                                               *in.seed, proof::Codewords::recomputed));
      in.root = tree.root();
    }
    out.inputs.push_back(in);
  }
  out.treatments = treatments;
  out.nonce = nonce;
  out.late = late;
  return out;
}

}  // namespace dsperse::pipeline
