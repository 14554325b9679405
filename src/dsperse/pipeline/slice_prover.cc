#include "dsperse/pipeline/slice_prover.h"

#include <chrono>

#include "dsperse/pipeline/epoch.h"
#include "dsperse/pipeline/execute.h"
#include "dsperse/pipeline/memory.h"

namespace dsperse::pipeline {
namespace {

using Clock = std::chrono::steady_clock;
double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

/// Tries against other processes that use the same openings; each loses at most one proof's work.
constexpr int kTries = 16;

/// A slice's inputs, trace and boundary trees, checked against what the run stored.
struct Prepared {
  store::ProvingKey secret;
  quantize::TensorStore trace;
  std::vector<proof::BoundaryCommitment> trees;
  std::vector<const proof::BoundaryCommitment*> by_port;
};

std::unexpected<Error> damaged(const std::string& what, const std::string& where) {
  return fail(ErrorKind::bad_input, "run: " + what, where, "run again into another folder");
}

Result<Prepared> prepare(const ProvingParts& parts, std::uint32_t index, const std::vector<store::StoredBoundary>& boundaries) {
  const proof::ModelKey& key = parts.model.model().key;
  const proof::SliceKey& slice = key.slices[index];
  Prepared out;
  DSPERSE_TRY(out.secret, parts.model.proving_key(index));
  const std::vector<proof::Port> ports = slice.ports();
  std::vector<quantize::IntTensor> inputs;
  for (std::size_t i = 0; i < slice.inputs.size(); ++i) inputs.push_back(boundaries[i].values);
  DSPERSE_TRY(out.trace, slice_trace(slice, out.secret.weights, inputs));
  out.trees.reserve(ports.size());
  for (std::size_t i = 0; i < ports.size(); ++i) {
    const proof::Chunk& chunk = key.chunks[ports[i].chunk];
    if (out.trace[ports[i].tensor] != boundaries[i].values)
      return damaged("a stored boundary is not what the slice computes", chunk.name);
    if (ports[i].is_public) {
      out.by_port.push_back(nullptr);
      continue;
    }
    // The seed was for these values only: another root means other data, and reusing the seed would leak the difference.
    DSPERSE_TRY(proof::BoundaryCommitment tree, proof::commit_boundary(slice.profile, slice.boundary, chunk, boundaries[i].values,
                                                                       boundaries[i].seed, parts.codewords));
    if (!boundaries[i].root || tree.root() != *boundaries[i].root)
      return damaged("a boundary does not have its stored commitment", chunk.name);
    out.trees.push_back(std::move(tree));
    out.by_port.push_back(&out.trees.back());
  }
  return out;
}

/// A tree with a free opening for a proof; makes an epoch when that is needed.
struct Opened {
  store::Choice choice;
  proof::WeightCommitment tree;
};
Result<Opened> open_weights(const ProvingParts& parts, const proof::SliceKey& slice, const store::ProvingKey& secret) {
  const Digest digest = slice.digest();
  std::optional<FreshEpoch> fresh;
  for (int i = 0; i < kTries; ++i) {
    store::Choice choice;
    {
      const std::scoped_lock lock(parts.state);
      DSPERSE_TRY(choice, parts.openings.choose(digest, *slice.weight_root));
    }
    if (!choice.make_epoch && fresh && fresh->root == choice.epoch.root) return Opened{std::move(choice), std::move(fresh->tree)};
    if (!choice.make_epoch) {
      DSPERSE_TRY(proof::WeightCommitment tree, epoch_tree(slice, secret, choice.epoch, parts.codewords));
      return Opened{std::move(choice), std::move(tree)};
    }
    DSPERSE_TRY(std::optional<FreshEpoch> made, make_epoch(parts.openings, parts.state, slice, secret, choice, parts.codewords));
    if (made) fresh = std::move(made);
  }
  return fail(ErrorKind::resource, "other processes keep using this model's openings", {}, "prove again when they are done");
}

}  // namespace

proof::Statement slice_statement(const proof::ModelKey& key, std::uint32_t slice, const Digest& run_id,
                                 const std::vector<proof::Boundary>& table) {
  proof::Statement out;
  out.key = key.slices[slice].digest();
  out.run_id = run_id;
  out.slice = slice;
  for (const proof::Port& p : key.slices[slice].ports()) out.boundaries.push_back(table[p.chunk]);
  return out;
}

std::set<Digest> committed_roots(const std::vector<proof::Boundary>& boundaries) {
  std::set<Digest> out;
  for (const proof::Boundary& b : boundaries)
    if (b.root) out.insert(*b.root);
  return out;
}

Status prove_between(const ProvingParts& parts, std::uint32_t index, const Digest& run_id,
                     const std::vector<store::StoredBoundary>& boundaries, const Publish& publish) {
  const auto start = Clock::now();
  const proof::SliceKey& slice = parts.model.model().key.slices[index];
  const auto count = static_cast<std::uint32_t>(parts.model.model().key.slices.size());
  DSPERSE_TRY(Prepared prepared, prepare(parts, index, boundaries));
  proof::Statement statement{slice.digest(), {}, 0, run_id, index, {}};
  const std::vector<proof::Port> ports = slice.ports();
  for (std::size_t i = 0; i < ports.size(); ++i)
    statement.boundaries.push_back(
        {ports[i].chunk, boundaries[i].root, ports[i].is_public ? boundaries[i].values : quantize::IntTensor{}});
  for (int i = 0; i < kTries; ++i) {
    proof::SliceProof proof;
    proof.slice = index;
    Opened opened;
    if (slice.weight_root) {
      DSPERSE_TRY(opened, open_weights(parts, slice, prepared.secret));
      statement.weights = proof.weights = opened.choice.epoch.root;
      statement.opening = proof.opening = opened.choice.index;
      proof.links = opened.choice.epoch.links;
    }
    const backend::Artefacts artefacts{slice, {}};
    proof::ProveStats stats;
    DSPERSE_TRY(proof.proof, parts.backend.prove({&artefacts, &statement, &prepared.secret.weights, &prepared.trace,
                                                  slice.weight_root ? &opened.tree : nullptr, prepared.by_port, parts.codewords},
                                                 &stats));
    store::SliceRecord record;
    record.slice = index;
    record.prove_s = seconds_since(start);
    record.proof_bytes = proof.proof.size();
    record.peak_rss_bytes = peak_rss_bytes();
    record.lookups = stats.lookups;
    record.stages = stats.stages;
    const std::scoped_lock lock(parts.state);
    if (parts.measure) parts.measure(record);
    std::optional<std::pair<Digest, std::uint32_t>> weights;
    if (proof.weights) weights.emplace(*proof.weights, proof.opening);
    DSPERSE_TRY(const bool mine, parts.openings.claim_proof(weights, committed_roots(statement.boundaries)));
    if (!mine) continue;  // nobody has seen this proof
    tell(parts.observer, {Event::Kind::claimed, index, count, "", record.prove_s, 0, 0});
    return publish(std::move(proof), record);
  }
  return fail(ErrorKind::resource, "other processes keep using this model's openings", {}, "prove again when they are done");
}

Result<store::SliceRecord> prove_and_publish(ProveContext& context, std::uint32_t index, const Digest& run_id,
                                             proof::Codewords codewords) {
  const proof::ModelKey& key = context.model.model().key;
  std::vector<store::StoredBoundary> boundaries;
  for (const proof::Port& p : key.slices[index].ports()) {
    DSPERSE_TRY(store::StoredBoundary b, context.run.boundary(p.chunk, key.chunks[p.chunk].shape));
    boundaries.push_back(std::move(b));
  }
  store::SliceRecord out;
  proof::SliceProof proof;
  DSPERSE_CHECK_OK(prove_between(
      {context.model, context.openings, context.backend, context.observer, context.state, codewords, context.measure}, index,
      run_id, boundaries, [&](proof::SliceProof made, const store::SliceRecord& record) {
        proof = std::move(made);
        out = record;
        return context.run.put_record_of(record);
      }));
  // Not under the lock: others go on while the disk takes it.
  DSPERSE_CHECK_OK(context.run.put_proof_file(proof));
  return out;
}

}  // namespace dsperse::pipeline
