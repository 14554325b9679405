#include "dsperse/proof/testing/model.h"

#include <algorithm>

namespace dsperse::proof::testing {
namespace {

using quantize::Function;
using quantize::Program;
using quantize::TensorId;
using quantize::testing::Builder;
using quantize::testing::simple_requant;

Program gemm() {
  Builder b;
  b.gemm(b.input({2, 3}, -31, 31, 4), 3, 3, simple_requant(5, Function::identity, 6, 4), true, 15);
  return b.done();
}

/// y = Gemm(sum of n inputs).
Program merge(std::size_t n) {
  Builder b;
  std::vector<quantize::Sum::Term> terms;
  for (std::size_t i = 0; i < n; ++i) terms.push_back({false, b.input({2, 3}, -31, 31, 4), 1});
  b.gemm(b.sum(std::move(terms), {2, 3}, simple_requant(1, Function::identity, 6, 4)), 3, 3,
         simple_requant(5, Function::identity, 6, 4), true, 15);
  return b.done();
}

/// Gemm twice.
Program deep() {
  Builder b;
  const auto h = b.gemm(b.input({2, 3}, -31, 31, 4), 3, 3, simple_requant(5, Function::identity, 6, 4), true, 15);
  b.gemm(h, 3, 3, simple_requant(5, Function::identity, 6, 4), true, 15);
  return b.done();
}

template <class T>
T must(Result<T> r) {
  if (!r) std::abort();
  return std::move(*r);
}

}  // namespace

SliceKey in_float_instead_of(const SliceKey& slice) {
  SliceKey out;
  out.profile = slice.profile, out.slack = slice.slack, out.work = slice.work;
  out.boundary = slice.boundary;
  for (const Port& p : slice.ports()) {
    const auto id = static_cast<TensorId>(out.program.tensors.size());
    const bool input = id < slice.inputs.size();
    out.program.tensors.push_back(slice.program.tensors[p.tensor]);
    (input ? out.program.inputs : out.program.outputs).push_back(id);
    (input ? out.inputs : out.outputs).push_back({id, p.chunk, p.is_public});
  }
  out.in_float = FloatSlice{"engine", "1.0", {"GridSample"}, {}, {}};
  for (const quantize::TensorSpec& t : out.program.tensors) {
    IoMapping io{"t", t.shape, {}, {}, {}};
    for (std::uint32_t axis = 0; axis < t.shape.size(); ++axis) io.perm.push_back(axis);
    out.in_float->mappings.push_back(io);
  }
  return out;
}

Statement ModelCase::statement(std::uint32_t slice) const {
  const SliceKey& k = key.slices[slice];
  const bool epoch = epochs[slice].impl != nullptr;
  Statement s{k.digest(),
              epoch ? epochs[slice].root() : k.weight_root,
              k.weight_root ? 1U : 0U,
              run_id(key.id(), certificate.nonce, certificate.salt),
              slice,
              {}};
  for (const Port& p : k.ports()) s.boundaries.push_back(certificate.table[p.chunk]);
  return s;
}

SliceProof ModelCase::prove(std::uint32_t slice) const {
  const SliceKey& k = key.slices[slice];
  const Statement s = statement(slice);
  SliceProof out{slice, s.weights, s.opening, {}, {}};
  const WeightCommitment& tree = epochs[slice].impl ? epochs[slice] : origins[slice];
  if (epochs[slice].impl) {
    EpochLink link{*k.weight_root, *epochs[slice].root(), 1, 0, {}};
    link.proof = must(prove_link(k, link, origins[slice], epochs[slice]));
    out.links.push_back(std::move(link));
  }
  SliceWitness w{&weights[slice], &traces[slice], &tree, {}};
  for (const Port& p : k.ports()) w.boundaries.push_back(p.is_public ? nullptr : &trees[p.chunk]);
  out.proof = must(prove_slice(k, s, w));
  return out;
}

Certificate ModelCase::only(const std::set<std::uint32_t>& slices) const {
  Certificate c = certificate;
  std::erase_if(c.slices, [&](const SliceProof& p) { return !slices.contains(p.slice); });
  return c;
}

ModelCase make_model(ModelSpec spec, std::uint64_t seed) {
  ModelCase m;
  const auto number = [&](const std::string& name) {
    return static_cast<std::uint32_t>(std::find(spec.chunks.begin(), spec.chunks.end(), name) - spec.chunks.begin());
  };
  for (const std::string& name : spec.chunks) m.key.chunks.push_back({name, {}, 0, 0, 0, spec.publics.contains(name)});
  std::vector<SliceSpec> slices;
  for (const ModelSlice& s : spec.slices) {
    SliceSpec out{s.program, {}, {}, spec.public_weights};
    for (const bool is_out : {false, true})
      for (std::size_t i = 0; i < (is_out ? s.outputs : s.inputs).size(); ++i) {
        const TensorId t = (is_out ? s.program.outputs : s.program.inputs)[i];
        const std::uint32_t c = number((is_out ? s.outputs : s.inputs)[i]);
        const quantize::TensorSpec& tensor = s.program.tensors[t];
        Chunk& chunk = m.key.chunks[c];
        chunk = {chunk.name, tensor.shape, tensor.exponent, tensor.lo, tensor.hi, chunk.is_public};
        (is_out ? out.outputs : out.inputs).push_back({t, c, chunk.is_public});
      }
    slices.push_back(std::move(out));
  }
  m.key.edges = spec.edges;
  for (Edge& e : m.key.edges)
    if (e.is_input || e.is_output) {
      e.io = quantize::IoMapping{e.name, m.key.chunks[e.chunks[0]].shape, {}, {}, {}};
      for (std::uint32_t k = 0; k < e.io->logical_shape.size(); ++k) e.io->perm.push_back(k);
    }
  m.key.labels = {"one", "two"};
  const SecurityParams params{spec.profile, std::max(spec.slack, slack_of(spec.slices.size())), spec.work};
  const Geometry boundary = boundary_geometry(params, m.key.chunks);
  quantize::testing::Rng rng(seed);
  m.values.resize(m.key.chunks.size());
  m.trees.resize(m.key.chunks.size());
  for (std::uint32_t i = 0; i < slices.size(); ++i) {
    const SliceSpec& s = slices[i];
    m.weights.push_back(quantize::testing::random_weights(s.program, rng));
    for (const WeightTie& t : spec.ties)
      for (const auto& [weight, of_base] : t.weights)
        if (t.slice == i) m.weights[i][weight] = m.weights[t.base][of_base];
    quantize::TensorStore trace = quantize::testing::random_inputs(s.program, rng);
    for (const Port& p : s.inputs)
      if (m.values[p.chunk].empty())
        m.values[p.chunk] = trace[p.tensor];
      else
        trace[p.tensor] = m.values[p.chunk];
    evaluate(s.program, m.weights.back(), trace);
    for (const Port& p : s.outputs) m.values[p.chunk] = trace[p.tensor];
    m.traces.push_back(std::move(trace));
    const Digest weight_seed = test_seed(seed * 100 + i, "weights");
    m.key.slices.push_back(
        must(compile_slice(params, s, boundary, m.weights.back(), weight_seed, spec.slices[i].constraints)).key);
    m.origins.push_back(must(commit_weights(m.key.slices.back(), m.weights.back(), weight_seed)));
    m.epochs.emplace_back();
    if (spec.fresh_epochs.contains(i))
      m.epochs.back() = must(commit_weights(m.key.slices.back(), m.weights.back(), test_seed(seed * 100 + i, "epoch")));
  }
  for (const WeightTie& t : spec.ties) m.key.ties.push_back(must(prove_tie(m.key, t, m.origins[t.base], m.origins[t.slice])));
  if (!check_model_key(m.key)) std::abort();
  Certificate& c = m.certificate;
  c.model_id = m.key.id();
  c.nonce = {'n', 'o', 'n', 'c', 'e'};
  c.salt = test_seed(seed, "salt");
  for (std::uint32_t k = 0; k < m.key.chunks.size(); ++k) {
    Boundary b{k, {}, {}};
    if (m.key.chunks[k].is_public) {
      b.values = m.values[k];
    } else {
      m.trees[k] = must(commit_boundary(spec.profile, boundary, m.key.chunks[k], m.values[k], test_seed(seed, "boundaries")));
      b.root = m.trees[k].root();
    }
    c.table.push_back(std::move(b));
  }
  for (const Edge& e : m.key.edges) {
    Expectation::Tensor t;
    for (const std::uint32_t k : e.chunks) {
      if (!m.key.chunks[k].is_public) {
        t.roots.push_back(m.trees[k].root());
        continue;
      }
      if (!t.values) t.values.emplace();
      t.values->insert(t.values->end(), m.values[k].begin(), m.values[k].end());
    }
    if (e.is_input) m.user.inputs[e.name] = t;
    if (e.is_output) m.user.outputs[e.name] = t;
  }
  m.user.model_id = c.model_id;
  m.user.nonce = c.nonce;
  m.spec = std::move(spec);
  for (std::uint32_t i = 0; i < m.key.slices.size(); ++i) c.slices.push_back(m.prove(i));
  return m;
}

ModelSpec skip_model() {
  return {{{gemm(), {"x"}, {"a"}}, {gemm(), {"a"}, {"b"}}, {merge(2), {"a", "b"}, {"y"}}},
          {{"x", {0}, true, false, {}}, {"a", {1}, false, true, {}}, {"b", {2}, false, false, {}}, {"y", {3}, false, true, {}}},
          {"x", "a", "b", "y"},
          {"x", "y"},
          {},
          Profile::bits100};
}

ModelSpec chunk_model() {
  return {{{gemm(), {"x"}, {"a0"}}, {gemm(), {"x"}, {"a1"}}, {merge(2), {"a0", "a1"}, {"y"}}},
          {{"x", {0}, true, false, {}}, {"a", {1, 2}, false, false, {}}, {"y", {3}, false, true, {}}},
          {"x", "a0", "a1", "y"},
          {"y"},
          {0},
          Profile::bits100};
}

ModelSpec tied_model() {
  ModelSpec spec;
  spec.slices = {{gemm(), {"x"}, {"a"}}, {gemm(), {"a"}, {"b"}}, {deep(), {"b"}, {"y"}}};
  spec.edges = {
      {"x", {0}, true, false, {}}, {"a", {1}, false, false, {}}, {"b", {2}, false, false, {}}, {"y", {3}, false, true, {}}};
  spec.chunks = {"x", "a", "b", "y"};
  spec.publics = {"x", "y"};
  spec.ties = {{1, 0, {{0, 0}, {1, 1}}, 15, 15, {}, {}, {}}, {2, 1, {{0, 0}, {1, 1}}, 15, 14, {}, {}, {}}};
  return spec;
}

}  // namespace dsperse::proof::testing
