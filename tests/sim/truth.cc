#include "truth.h"

#include <algorithm>

#include "dsperse/crypto/hash/hash.h"
#include "dsperse/proof/prove.h"
#include "dsperse/proof/run_slice.h"
#include "dsperse/quantize/testing/programs.h"

namespace dsperse::sim {
namespace {

using quantize::Function;
using quantize::Program;
using quantize::testing::Builder;
using quantize::testing::simple_requant;

template <class T>
T must(Result<T> r) {
  if (!r) std::abort();  // the model is a constant of this file
  return std::move(*r);
}

Digest seed_of(std::uint64_t number) {
  ByteWriter w;
  w.u64(number);
  return crypto::hash_tagged("dsperse simulation: model", {w.bytes()});
}

Program gemm() {
  Builder b;
  b.gemm(b.input({2, 3}, -31, 31, 4), 3, 3, simple_requant(5, Function::identity, 6, 4), false, 15);
  return b.done();
}
Program merge() {
  Builder b;
  std::vector<quantize::Sum::Term> terms;
  for (int i = 0; i < 2; ++i) terms.push_back({false, b.input({2, 3}, -31, 31, 4), 1});
  b.gemm(b.sum(std::move(terms), {2, 3}, simple_requant(1, Function::identity, 6, 4)), 3, 3,
         simple_requant(5, Function::identity, 6, 4), false, 15);
  return b.done();
}

enum : std::uint32_t { kX, kA, kB, kC, kY, kChunks };

struct Shape {
  Program program;
  std::vector<std::uint32_t> in, out;
};

Model make(bool private_input) {
  const std::vector<Shape> shapes = {{gemm(), {kX}, {kA}}, {gemm(), {kA}, {kB}}, {gemm(), {kA}, {kC}}, {merge(), {kB, kC}, {kY}}};
  Model m;
  const char* names[kChunks] = {"x", "a", "b", "c", "y"};
  for (std::uint32_t c = 0; c < kChunks; ++c)
    m.key.chunks.push_back({names[c], {}, 0, 0, 0, c == kY || (c == kX && !private_input)});
  std::vector<proof::SliceSpec> specs;
  for (const Shape& s : shapes) {
    proof::SliceSpec spec{s.program, {}, {}, false};
    for (const bool out : {false, true})
      for (std::size_t i = 0; i < (out ? s.out : s.in).size(); ++i) {
        const quantize::TensorId t = (out ? s.program.outputs : s.program.inputs)[i];
        const std::uint32_t c = (out ? s.out : s.in)[i];
        const quantize::TensorSpec& tensor = s.program.tensors[t];
        proof::Chunk& chunk = m.key.chunks[c];
        chunk = {chunk.name, tensor.shape, tensor.exponent, tensor.lo, tensor.hi, chunk.is_public};
        (out ? spec.outputs : spec.inputs).push_back({t, c, chunk.is_public});
      }
    specs.push_back(std::move(spec));
  }
  for (std::uint32_t c = 0; c < kChunks; ++c) {
    proof::Edge e{names[c], {c}, c == kX, c == kY, {}};
    if (e.is_input || e.is_output) e.io = quantize::IoMapping{e.name, m.key.chunks[c].shape, {0, 1}, {}, {}};
    m.key.edges.push_back(std::move(e));
  }
  const proof::SecurityParams params{proof::Profile::bits100, proof::slack_of(specs.size()), 0};
  const proof::Geometry boundary = proof::boundary_geometry(params, m.key.chunks);
  quantize::testing::Rng rng(7);
  for (std::uint32_t i = 0; i < specs.size(); ++i) {
    m.weights.push_back(quantize::testing::random_weights(specs[i].program, rng));
    m.weight_seeds.push_back(seed_of(i));
    m.key.slices.push_back(must(proof::compile_slice(params, specs[i], boundary, m.weights[i], m.weight_seeds[i])).key);
  }
  if (!proof::check_model_key(m.key)) std::abort();

  m.facts.model = m.key.id();
  for (std::uint32_t i = 0; i < shapes.size(); ++i) {
    const std::string package = "package of slice " + std::to_string(i), weights = "weights of slice " + std::to_string(i);
    m.blobs.emplace_back(package.begin(), package.end());
    m.blobs.emplace_back(weights.begin(), weights.end());
    work::ModelFacts::Slice s;
    s.key = m.key.slices[i].digest();
    s.package = crypto::hash(m.blobs[2 * i]);
    s.weights = crypto::hash(m.blobs[2 * i + 1]);
    s.inputs = shapes[i].in;
    s.outputs = shapes[i].out;
    m.facts.slices.push_back(std::move(s));
  }
  m.facts.slices[0].ended = {kX};
  m.facts.slices[2].ended = {kA};
  m.facts.slices[3].ended = {kB, kC};
  for (const proof::Chunk& c : m.key.chunks) m.facts.committed.push_back(!c.is_public);
  m.facts.inputs = {kX};
  return m;
}

class Ideal final : public Truth {
 public:
  Ideal(const Model& m, const Digest& seed) : Truth(m, seed), secret_(dice_.digest()) {}

  Verdict verify(const Said& said, ByteView proof) const override {
    if (proof.size() == 64 && std::ranges::equal(proof.first(32), mac(said, proof.subspan(32)))) return Verdict::accept();
    return Verdict::reject("the ideal proof is not valid");
  }
  std::optional<Tree> tree(std::uint32_t slice, std::uint32_t epoch) const override {
    ByteWriter w;
    w.u32(slice);
    w.u32(epoch);
    return Tree{crypto::hash_tagged("dsperse simulation: tree", {w.bytes()}), {}, epoch == 0 ? 1U : 0U, proof::kWeightBudget};
  }

 protected:
  Result<Digest> commit(std::uint32_t chunk, ByteView values, const Digest& seed) override {
    ByteWriter w;
    w.u32(chunk);
    return crypto::hash_tagged("dsperse simulation: root", {w.bytes(), values, seed});
  }
  Result<Bytes> make_proof(const Said& said) override {
    const Digest nonce = dice_.digest(), first = mac(said, nonce);
    Bytes out(first.begin(), first.end());
    out.insert(out.end(), nonce.begin(), nonce.end());
    return out;
  }

 private:
  [[nodiscard]] Digest mac(const Said& said, ByteView nonce) const {
    return crypto::hash_tagged("dsperse simulation: proof",
                               {secret_, proof::encode_statement(statement_of(model_, said)), nonce});
  }
  Digest secret_;
};

class Real final : public Truth {
 public:
  using Truth::Truth;

  Verdict verify(const Said& said, ByteView proof) const override {
    return proof::verify_slice(model_.key.slices[said.slice], statement_of(model_, said), proof);
  }
  /// Only the origins: linking further epochs is tested elsewhere.
  std::optional<Tree> tree(std::uint32_t slice, std::uint32_t epoch) const override {
    if (epoch > 0) return std::nullopt;
    return Tree{*model_.key.slices[slice].weight_root, model_.weight_seeds[slice], 1, proof::kWeightBudget};
  }

 protected:
  Result<Digest> commit(std::uint32_t chunk, ByteView values, const Digest& seed) override {
    DSPERSE_TRY(const proof::BoundaryCommitment tree, tree_of(chunk, values, seed));
    return tree.root();
  }
  Result<Bytes> make_proof(const Said& said) override {
    const proof::SliceKey& key = model_.key.slices[said.slice];
    quantize::TensorStore trace(key.program.tensors.size());
    std::vector<proof::BoundaryCommitment> trees;
    trees.reserve(key.ports().size());
    proof::SliceWitness witness{&model_.weights[said.slice], &trace, nullptr, {}};
    for (const proof::Port& p : key.ports()) {
      DSPERSE_TRY(trace[p.tensor], to_values(model_.key.chunks[p.chunk], said.values.at(p.chunk)));
      if (!p.is_public) {
        DSPERSE_TRY(proof::BoundaryCommitment tree, tree_of(p.chunk, said.values.at(p.chunk), said.seeds.at(p.chunk)));
        trees.push_back(std::move(tree));
      }
      witness.boundaries.push_back(p.is_public ? nullptr : &trees.back());
    }
    proof::testing::evaluate(key.program, *witness.weights, trace);
    DSPERSE_TRY(const proof::WeightCommitment weights,
                proof::commit_weights(key, *witness.weights, model_.weight_seeds[said.slice]));
    witness.weight_tree = &weights;
    return proof::prove_slice(key, statement_of(model_, said), witness);
  }

 private:
  [[nodiscard]] Result<proof::BoundaryCommitment> tree_of(std::uint32_t chunk, ByteView values, const Digest& seed) const {
    DSPERSE_TRY(const quantize::IntTensor tensor, to_values(model_.key.chunks[chunk], values));
    return proof::commit_boundary(model_.key.profile(), model_.key.slices[0].boundary, model_.key.chunks[chunk], tensor, seed);
  }
};

}  // namespace

const Model& model(bool private_input) {
  static const Model models[2] = {make(false), make(true)};
  return models[private_input ? 1 : 0];
}

Bytes to_bytes(const quantize::IntTensor& values) {
  ByteWriter w;
  for (const std::int32_t v : values) w.u32(static_cast<std::uint32_t>(v));
  return w.take();
}

Result<quantize::IntTensor> to_values(const proof::Chunk& chunk, ByteView bytes) {
  const auto n = static_cast<std::size_t>(quantize::elements(chunk.shape));
  if (bytes.size() != 4 * n) return fail(ErrorKind::bad_input, "not the chunk's number of values", chunk.name);
  quantize::IntTensor out;
  ByteReader in(bytes);
  for (std::size_t i = 0; i < n; ++i) out.push_back(static_cast<std::int32_t>(in.u32()));
  return out;
}

Bytes random_input(const Model& m, Dice& dice) {
  const proof::Chunk& chunk = m.key.chunks[kX];
  quantize::IntTensor out;
  for (std::int64_t i = 0; i < quantize::elements(chunk.shape); ++i)
    out.push_back(static_cast<std::int32_t>(
        chunk.lo + static_cast<std::int64_t>(dice.below(static_cast<std::uint64_t>(chunk.hi - chunk.lo + 1)))));
  return to_bytes(out);
}

void Openings::made(const Digest& proof, const Said& said) {
  Made m;
  if (said.opening) m.weights.emplace(said.opening->root, said.opening->opening);
  for (const auto& [chunk, root] : said.roots) m.boundaries.insert(root);
  made_.emplace(proof, std::move(m));
}

void Openings::published(const Digest& proof) {
  if (made_.contains(proof)) published_.insert(proof);
}

std::uint64_t Openings::beyond_budget() const {
  std::map<std::pair<Digest, std::uint32_t>, std::uint64_t> weights;
  std::map<Digest, std::uint64_t> boundaries;
  for (const Digest& proof : published_) {
    const Made& m = made_.at(proof);
    if (m.weights) ++weights[*m.weights];
    for (const Digest& root : m.boundaries) ++boundaries[root];
  }
  std::uint64_t out = 0;
  for (const auto& [place, times] : weights) out += times > 1 ? times - 1 : 0;
  for (const auto& [root, times] : boundaries) out += times > proof::kBoundaryUses ? times - proof::kBoundaryUses : 0;
  return out;
}

Result<Values> Truth::outputs(std::uint32_t slice, const Values& inputs) const {
  const proof::SliceKey& key = model_.key.slices[slice];
  quantize::TensorStore trace(key.program.tensors.size());
  for (const proof::Port& p : key.inputs) {
    const auto it = inputs.find(p.chunk);
    if (it == inputs.end()) return fail(ErrorKind::bad_input, "an input is missing", model_.key.chunks[p.chunk].name);
    DSPERSE_TRY(trace[p.tensor], to_values(model_.key.chunks[p.chunk], it->second));
  }
  proof::testing::evaluate(key.program, model_.weights[slice], trace);
  Values out;
  for (const proof::Port& p : key.outputs) out[p.chunk] = to_bytes(trace[p.tensor]);
  return out;
}

Result<Values> Truth::run(std::uint32_t slice, const Values& inputs) const {
  const proof::SliceKey& key = model_.key.slices[slice];
  std::vector<quantize::IntTensor> values;
  for (const proof::Port& p : key.inputs) {
    const auto it = inputs.find(p.chunk);
    if (it == inputs.end()) return fail(ErrorKind::bad_input, "an input is missing", model_.key.chunks[p.chunk].name);
    DSPERSE_TRY(quantize::IntTensor tensor, to_values(model_.key.chunks[p.chunk], it->second));
    values.push_back(std::move(tensor));
  }
  DSPERSE_TRY(const quantize::TensorStore trace, proof::run_slice(key, model_.weights[slice], values));
  Values out;
  for (const proof::Port& p : key.outputs) out[p.chunk] = to_bytes(trace[p.tensor]);
  return out;
}

Result<Values> Truth::reference(const Bytes& input) const {
  Values out{{kX, input}};
  for (std::uint32_t i = 0; i < model_.key.slices.size(); ++i) {
    DSPERSE_TRY(Values made, outputs(i, out));
    out.merge(made);
  }
  return out;
}

Result<Digest> Truth::root(std::uint32_t chunk, ByteView values, const Digest& seed) {
  const proof::Chunk& c = model_.key.chunks[chunk];
  DSPERSE_TRY(const quantize::IntTensor tensor, to_values(c, values));
  for (const std::int32_t v : tensor)
    if (v < c.lo || v > c.hi) return fail(ErrorKind::bad_input, "a value out of the chunk's range", c.name);
  ByteWriter w;
  w.u32(chunk);
  const Digest name = crypto::hash_tagged("dsperse simulation: commitment", {w.bytes(), values, seed});
  if (const auto it = roots_.find(name); it != roots_.end()) return it->second;
  DSPERSE_TRY(const Digest root, commit(chunk, values, seed));
  roots_.emplace(name, root);
  return root;
}

Result<Bytes> Truth::prove(const Said& said) {
  DSPERSE_TRY(const Values right, outputs(said.slice, said.values));
  for (const auto& [chunk, values] : right)
    if (said.values.at(chunk) != values) return fail(ErrorKind::bad_input, "what is not true has no proof");
  DSPERSE_TRY(Bytes proof, make_proof(said));
  openings.made(crypto::hash(proof), said);
  return proof;
}

std::unique_ptr<Truth> ideal_truth(const Model& m, const Digest& seed) { return std::make_unique<Ideal>(m, seed); }
std::unique_ptr<Truth> real_truth(const Model& m, const Digest& seed) { return std::make_unique<Real>(m, seed); }

proof::Statement statement_of(const Model& m, const Said& said) {
  const proof::SliceKey& key = m.key.slices[said.slice];
  proof::Statement out{key.digest(), std::nullopt, 0, said.run, said.slice, {}};
  if (said.opening) {
    out.weights = said.opening->root;
    out.opening = said.opening->opening;
  }
  for (const proof::Port& p : key.ports()) {
    proof::Boundary b{p.chunk, {}, {}};
    if (p.is_public) {
      if (auto values = to_values(m.key.chunks[p.chunk], said.values.at(p.chunk))) b.values = std::move(*values);
    } else {
      b.root = said.roots.at(p.chunk);
    }
    out.boundaries.push_back(std::move(b));
  }
  return out;
}

}  // namespace dsperse::sim
