#include "dsperse/pipeline/network/collect.h"

#include "dsperse/pipeline/output.h"
#include "dsperse/store/disk/file.h"
#include "dsperse/trust/verdict/boundaries.h"
#include "dsperse/work/task/values.h"

namespace dsperse::pipeline {
namespace {

constexpr std::uint64_t kMostBlobBytes = std::uint64_t{1} << 30;

/// Outputs, and roots of private inputs.
void edges_of(const proof::ModelKey& key, const std::vector<quantize::IntTensor>& chunks, const work::FinishedRun& finished,
              RunSummary& out) {
  for (const proof::Edge& e : key.edges) {
    if (e.is_output) out.outputs[e.name] = edge_values(e, chunks);
    if (e.is_input && !key.chunks[e.chunks.front()].is_public)
      for (const std::uint32_t c : e.chunks) out.input_roots[e.name].push_back(finished.tensors[c].root);
  }
}

}  // namespace

Result<CollectedRun> collect_run(const store::ModelFolder& model, const std::string& model_path,
                                 const work::FinishedRun& finished, engine::BlobStore& blobs, ModelDesk& desk,
                                 store::RunFolder& folder) {
  const proof::ModelKey& key = model.model().key;
  CollectedRun out;
  proof::Certificate certificate{key.id(), finished.nonce, finished.salt, {}, {}, trust::encode_record(finished.record)};
  if (finished.tensors.size() != key.chunks.size())
    return fail(ErrorKind::internal, "a finished run lacks a boundary", folder.path());
  std::vector<quantize::IntTensor> chunks;
  for (const work::FinishedRun::Tensor& t : finished.tensors) {
    const proof::Chunk& chunk = key.chunks[t.chunk];
    DSPERSE_TRY(const Bytes values, blobs.get(t.values, kMostBlobBytes));
    DSPERSE_TRY(quantize::IntTensor tensor,
                work::decode_values(values, static_cast<std::size_t>(quantize::elements(chunk.shape))));
    store::StoredBoundary stored{tensor, std::nullopt, {}};
    proof::Boundary boundary;
    boundary.chunk = t.chunk;
    Digest root = work::public_root(values);
    if (t.seed) {
      DSPERSE_TRY(root, desk.root_of(t.chunk, values, *t.seed));
      stored.root = boundary.root = root;
      stored.seed = *t.seed;
    } else {
      boundary.values = tensor;
    }
    if (root != t.root) return fail(ErrorKind::bad_input, "a boundary does not have the root of its receipts", chunk.name);
    DSPERSE_CHECK_OK(folder.put_boundary(t.chunk, stored));
    certificate.table.push_back(std::move(boundary));
    chunks.push_back(std::move(tensor));
  }
  out.run.model_id = certificate.model_id;
  out.run.run_id = finished.run;
  edges_of(key, chunks, finished, out.run);
  DSPERSE_TRY(const std::string document, output_document(key, out.run.outputs, out.run.input_roots));
  DSPERSE_CHECK_OK(store::write_file(store::join(folder.path(), "output.json"), document, store::Access::shared));
  out.run.published = {key.id(),
                       finished.salt,
                       finished.nonce,
                       static_cast<std::uint32_t>(key.slices.size()),
                       1,
                       trust::boundary_digests(certificate.table)};
  DSPERSE_CHECK_OK(write_published(folder.path(), out.run.published));
  store::RunInfo info;
  info.model_id = certificate.model_id;
  info.salt = finished.salt;
  info.nonce = finished.nonce;
  info.model_path = model_path;
  folder.is_of(info);
  for (const work::FinishedRun::Proof& p : finished.proofs) {
    DSPERSE_TRY(const Bytes proof, blobs.get(p.proof, kMostBlobBytes));
    DSPERSE_TRY(proof::SliceProof slice, desk.slice_proof(p.slice, p.opening, proof));
    store::SliceRecord record;
    record.slice = p.slice;
    record.proof_bytes = proof.size();
    DSPERSE_CHECK_OK(folder.put_proof(slice, record));
    certificate.slices.push_back(std::move(slice));
  }
  DSPERSE_CHECK_OK(folder.put_record(certificate.record));
  const std::string verdicts = store::join(folder.path(), "verdicts");
  for (std::size_t i = 0; i < finished.verdicts.size(); ++i) {
    DSPERSE_CHECK_OK(store::make_folder(verdicts, store::Access::shared));
    out.verdict_paths.push_back(store::join(verdicts, std::to_string(i) + ".dsverdict"));
    DSPERSE_CHECK_OK(store::write_file(out.verdict_paths.back(), finished.verdicts[i], store::Access::shared));
  }
  DSPERSE_CHECK_OK(store::write_file(store::join(folder.path(), "seal.json"), trust::encode_envelope(finished.record.seal),
                                     store::Access::shared));
  out.certificate_path = store::join(folder.path(), "certificate.dscert");
  DSPERSE_CHECK_OK(store::write_file(out.certificate_path, proof::encode_certificate(certificate), store::Access::shared));
  // Last: a folder that says it is finished has everything, whatever stops this process.
  DSPERSE_CHECK_OK(folder.finish(info));
  return out;
}

Result<CollectedRun> collected_before(const proof::ModelKey& key, const work::FinishedRun& finished, const std::string& folder) {
  DSPERSE_TRY(const store::RunFolder run, store::RunFolder::open(folder));
  CollectedRun out;
  out.run.model_id = key.id();
  out.run.run_id = finished.run;
  if (run.info().model_id != out.run.model_id || run.info().salt != finished.salt)
    return fail(ErrorKind::usage, "holds another finished run", folder, "choose another --out");
  std::vector<quantize::IntTensor> chunks;
  for (std::uint32_t c = 0; c < key.chunks.size(); ++c) {
    DSPERSE_TRY(store::StoredBoundary stored, run.boundary(c, key.chunks[c].shape));
    chunks.push_back(std::move(stored.values));
  }
  edges_of(key, chunks, finished, out.run);
  DSPERSE_TRY(out.run.published, read_published(folder));
  out.certificate_path = store::join(folder, "certificate.dscert");
  for (std::size_t i = 0; i < finished.verdicts.size(); ++i)
    out.verdict_paths.push_back(store::join(store::join(folder, "verdicts"), std::to_string(i) + ".dsverdict"));
  return out;
}

}  // namespace dsperse::pipeline
