#include "dsperse/proof/testing/harness.h"

#include "dsperse/crypto/hash/hash.h"

namespace dsperse::proof::testing {

Digest test_seed(std::uint64_t number, std::string_view label) {
  ByteWriter w;
  w.u64(number);
  return crypto::hash_tagged("dsperse test seed",
                             {w.bytes(), {reinterpret_cast<const std::uint8_t*>(label.data()), label.size()}});
}

void SliceCase::run(const Force& force) { evaluate(program, weights, trace, force); }

void SliceCase::commit_port(std::size_t i, const quantize::IntTensor& values) {
  Boundary& b = statement.boundaries[i];
  if (chunks[i].is_public) {
    b.values = values;
    return;
  }
  auto tree = commit_boundary(options.profile, boundary, chunks[i], values, test_seed(options.seed, "boundary"));
  if (!tree) std::abort();
  trees[i] = std::move(*tree);
  b.root = trees[i].root();
}

void SliceCase::restate() {
  const std::vector<Port> ports = key.ports();
  trees.clear();
  trees.resize(ports.size());
  statement = {key.digest(), key.weight_root, key.weight_root ? 1U : 0U, test_seed(options.seed, "run"), 0, {}};
  for (std::size_t i = 0; i < ports.size(); ++i) {
    statement.boundaries.push_back({ports[i].chunk, {}, {}});
    commit_port(i, trace[ports[i].tensor]);
  }
}

SliceWitness SliceCase::witness() const {
  SliceWitness out{&weights, &trace, &weight_tree, {}};
  for (const BoundaryCommitment& t : trees) out.boundaries.push_back(t.impl ? &t : nullptr);
  return out;
}

Result<SliceCase> make_case(quantize::Program program, CaseOptions options, quantize::WeightStore weights,
                            quantize::TensorStore trace) {
  SliceCase c;
  DSPERSE_CHECK_OK(quantize::check_program(program));
  c.program = std::move(program);
  c.options = std::move(options);
  c.weights = std::move(weights);
  c.trace = std::move(trace);
  SliceSpec spec{c.program, {}, {}, c.options.public_weights};
  for (const bool out : {false, true})
    for (const quantize::TensorId t : out ? c.program.outputs : c.program.inputs) {
      const quantize::TensorSpec& s = c.program.tensors[t];
      const bool is_public = c.options.publics.contains(t);
      (out ? spec.outputs : spec.inputs).push_back({t, static_cast<std::uint32_t>(c.chunks.size()), is_public});
      c.chunks.push_back({s.name, s.shape, s.exponent, s.lo, s.hi, is_public});
    }
  const SecurityParams params{c.options.profile, kMinSlackBits, c.options.work};
  c.boundary = boundary_geometry(params, c.chunks);
  const Digest seed = test_seed(c.options.seed, "weights");
  DSPERSE_TRY(CompiledSlice compiled, compile_slice(params, spec, c.boundary, c.weights, seed, c.options.constraints));
  c.key = std::move(compiled.key);
  c.committed = c.weights;
  DSPERSE_TRY(c.weight_tree, commit_weights(c.key, c.committed, seed));
  c.run();
  c.restate();
  return c;
}

Result<SliceCase> make_case(quantize::Program program, CaseOptions options) {
  quantize::testing::Rng rng(options.seed);
  quantize::WeightStore weights = quantize::testing::random_weights(program, rng);
  quantize::TensorStore trace = quantize::testing::random_inputs(program, rng);
  return make_case(std::move(program), std::move(options), std::move(weights), std::move(trace));
}

}  // namespace dsperse::proof::testing
