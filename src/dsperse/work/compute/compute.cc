#include "dsperse/work/compute/compute.h"

#include <algorithm>

#include "dsperse/proof/run_slice.h"
#include "dsperse/work/task/values.h"

namespace dsperse::work {
namespace {

using quantize::IntTensor;

std::unexpected<Error> bad(const std::string& what, const std::string& where) {
  return fail(ErrorKind::bad_input, what, where, "the task and its blobs don't belong together");
}

std::string place(const proof::Port& port) { return "chunk " + std::to_string(port.chunk); }

/// The reference of a task (inputs or outputs) to this chunk; check_ports has seen that it is there.
template <class Refs>
const auto& of_chunk(const Refs& refs, std::uint32_t chunk) {
  return *std::lower_bound(refs.begin(), refs.end(), chunk, [](const auto& r, std::uint32_t c) { return r.chunk < c; });
}

/// Commitments by port, kept only for a proof.
struct Trees {
  std::vector<proof::BoundaryCommitment> made;
  std::vector<const proof::BoundaryCommitment*> by_port;
};

/// One port's root; its tree and what the statement says of it are added if the slice gets proved.
Result<Digest> commit(const LoadedSlice& slice, std::size_t port, const IntTensor& values, const std::optional<Digest>& seed,
                      bool prove, Trees& trees, proof::Statement& statement) {
  proof::BoundaryCommitment tree;
  DSPERSE_TRY(const Digest root, boundary_root(slice.key(), slice.chunks[port], values, seed, &tree));
  if (!prove) return root;
  proof::Boundary boundary{slice.ports[port].chunk, std::nullopt, {}};
  if (seed) {
    boundary.root = root;
    trees.made.push_back(std::move(tree));
    trees.by_port.push_back(&trees.made.back());
  } else {
    boundary.values = values;
    trees.by_port.push_back(nullptr);
  }
  statement.boundaries.push_back(std::move(boundary));
  return root;
}

/// The input's values, which the range of its chunk and its live root hold for.
Result<IntTensor> input(const SliceTask& task, const LoadedSlice& slice, std::size_t port, engine::BlobStore& blobs) {
  const proof::Chunk& chunk = slice.chunks[port];
  const auto count = static_cast<std::size_t>(quantize::elements(chunk.shape));
  const auto bytes = blobs.get(of_chunk(task.inputs, slice.ports[port].chunk).values, 4 * count);
  if (!bytes) return std::unexpected(bytes.error().within(place(slice.ports[port])));
  auto values = decode_values(*bytes, count);
  if (!values) return std::unexpected(values.error().within(place(slice.ports[port])));
  for (const std::int32_t x : *values)
    if (x < chunk.lo || x > chunk.hi) return bad("an input's value is out of its range", place(slice.ports[port]));
  return values;
}

Result<Computed> work_out(const SliceTask& task, const LoadedSlice& slice, engine::BlobStore& blobs,
                          const backend::Backend& backend) {
  const proof::SliceKey& key = slice.key();
  Trees trees;
  trees.made.reserve(slice.ports.size());
  proof::Statement statement{slice.digest, std::nullopt, 0, task.run, task.slice, {}};
  std::vector<IntTensor> inputs;
  for (std::size_t i = 0; i < key.inputs.size(); ++i) {
    const std::uint32_t chunk = slice.ports[i].chunk;
    DSPERSE_TRY(IntTensor values, input(task, slice, i, blobs));
    DSPERSE_TRY(const Digest root, commit(slice, i, values, of_chunk(task.inputs, chunk).seed, task.prove, trees, statement));
    if (root != of_chunk(task.live, chunk).root)
      return bad("an input's values and seed don't give its root", place(slice.ports[i]));
    inputs.push_back(std::move(values));
  }
  DSPERSE_TRY(const quantize::TensorStore trace, proof::run_slice(key, slice.weights(), inputs));
  Computed out;
  for (std::size_t i = key.inputs.size(); i < slice.ports.size(); ++i) {
    const proof::Port& port = slice.ports[i];
    const IntTensor& values = trace[port.tensor];
    DSPERSE_TRY(const Digest root,
                commit(slice, i, values, of_chunk(task.outputs, port.chunk).seed, task.prove, trees, statement));
    out.outputs.push_back({port.chunk, root, encode_values(values)});
  }
  std::sort(out.outputs.begin(), out.outputs.end(), [](const auto& a, const auto& b) { return a.chunk < b.chunk; });
  if (!task.prove) return out;

  proof::WeightCommitment weights;
  if (key.weight_root) {
    DSPERSE_TRY(weights, proof::commit_weights(key, slice.weights(), task.opening->seed));
    if (weights.root() != task.opening->root) return bad("the weights and the seed of their tree don't give its root", "opening");
    statement.weights = task.opening->root;
    statement.opening = task.opening->opening;
  }
  DSPERSE_TRY(out.proof, backend.prove({&slice.artefacts, &statement, &slice.weights(), &trace,
                                        key.weight_root ? &weights : nullptr, trees.by_port},
                                       nullptr));
  return out;
}

}  // namespace

Result<Computed> LocalComputer::compute(const SliceTask& task, engine::BlobStore& blobs) {
  DSPERSE_CHECK_OK(check_task(task));
  DSPERSE_TRY(const std::shared_ptr<const LoadedSlice> slice, slices_.load(task, blobs));
  if (task.prove) {
    if (task.opening.has_value() != slice->key().weight_root.has_value())
      return bad("a proof opens the weights' tree exactly if the weights are hidden", "opening");
    if (const auto why = backend_.unsupported(slice->key().program)) return fail(ErrorKind::unsupported, *why);
  }
  auto done = work_out(task, *slice, blobs, backend_);
  // The prover takes what does not fit together for its caller's mistake; here it came with the task.
  if (!done && done.error().kind == ErrorKind::usage) {
    Error error = done.error();
    error.kind = ErrorKind::bad_input;
    return std::unexpected(std::move(error));
  }
  return done;
}

}  // namespace dsperse::work
