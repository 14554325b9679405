// Proofs without witnesses: the product's verifier accepts what the simulator makes for any statement, true or false, once the
// oracle answers with the challenges that the simulator chose; with any other oracle it rejects.
#include "simulator.h"

#include <gtest/gtest.h>

#include "../slices.h"
#include "dsperse/proof/testing/model.h"
#include "oracle.h"

namespace dsperse::soundness {
namespace {

using crypto::SeedStream;
using proof::Profile;

/// Values within the tensor's declared range: all that a simulator needs of public ones.
quantize::IntTensor any_values(const quantize::TensorSpec& t, SeedStream& random) {
  quantize::IntTensor out(static_cast<std::size_t>(quantize::elements(t.shape)));
  for (auto& x : out)
    x = static_cast<std::int32_t>(t.lo + static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(t.hi - t.lo + 1))));
  return out;
}

/// Range proof, epoch link and slice proof of one slice, sharing one weight tree.
template <int D>
void simulate_all_of(const NamedSlice& named) {
  SCOPED_TRACE(named.name + ", degree " + std::to_string(D));
  CaseOptions options = named.options;
  options.profile = D == 2 ? Profile::bits100 : Profile::bits128;
  const SliceCase real = *make_case(named.program, options);
  proof::SliceKey key = real.key;
  key.weight_root.reset();
  key.range_proof.clear();

  SeedStream random(Digest{static_cast<std::uint8_t>(D)}, named.name);
  const FixedChallenges fixed(11);
  proof::Statement statement = real.statement;
  const auto ports = key.ports();
  std::vector<SimulatedTree> trees;
  trees.reserve(ports.size());
  std::vector<SimulatedTree*> boundary;
  for (std::size_t i = 0; i < ports.size(); ++i) {
    const quantize::TensorSpec& t = key.program.tensors[ports[i].tensor];
    if (ports[i].is_public) {
      statement.boundaries[i].values = any_values(t, random);
      continue;
    }
    trees.push_back(boundary_tree(key.boundary, t.shape, random));
    boundary.push_back(&trees.back());
  }
  SimulatedTree weights = weight_tree(key, random), epoch = weight_tree(key, random);
  const bool weighted = key.weights.t != 0;
  std::optional<SimulatedArgument<D>> ranges, link;
  if (weighted) {
    ranges.emplace(simulate_ranges<D>(key, weights, random));
    link.emplace(simulate_link<D>(key, weights, epoch, random));
  }
  const SimulatedArgument<D> slice = simulate_slice<D>(key, statement, weighted ? &weights : nullptr, boundary, random);
  for (SimulatedTree& t : trees) t.build();
  std::size_t at = 0;
  for (std::size_t i = 0; i < ports.size(); ++i)
    if (!ports[i].is_public) statement.boundaries[i].root = trees[at++].root();
  if (weighted) {
    EXPECT_LE(weights.opened(), key.weights.code.r);
    weights.build();
    epoch.build();
    key.weight_root = statement.weights = weights.root();
    key.range_proof = ranges->proof();
  }
  statement.key = key.digest();

  const Bytes proof = slice.proof();
  const Verdict v = verify_slice(key, statement, proof);
  EXPECT_TRUE(v) << v.reason << " " << v.where;
  // Equal shapes and lengths: the columns are fixed, so even the Merkle paths are as long as an honest prover's.
  const Bytes honest = *real.prove();
  EXPECT_TRUE(real.verify(honest));
  EXPECT_EQ(proof.size(), honest.size());
  for (const std::size_t i : {proof.size() / 3, proof.size() / 2, proof.size() - 1}) {
    Bytes other = proof;
    other[i] ^= 1;
    EXPECT_FALSE(verify_slice(key, statement, other)) << i;
  }
  if (!weighted) return;
  const Verdict r = verify_ranges(key);
  EXPECT_TRUE(r) << r.reason << " " << r.where;
  SliceForge<D> nothing;
  EXPECT_EQ(key.range_proof.size(), proof::prove_ranges_forged<D>(real.key, real.weights, real.weight_tree, nothing)->size());
  const Verdict l = verify_link(key, {weights.root(), epoch.root(), 1, 0, link->proof()});
  EXPECT_TRUE(l) << l.reason << " " << l.where;
}

TEST(Simulator, EveryOperatorInBothProfiles) {
  for (const NamedSlice& s : all_slices()) {
    simulate_all_of<2>(s);
    simulate_all_of<3>(s);
  }
  NamedSlice shown = attack_slices()[0];
  shown.options.public_weights = true;
  simulate_all_of<2>(shown);
  NamedSlice worked = attack_slices()[0];
  worked.options.work = proof::kWorkBits;
  simulate_all_of<2>(worked);
}

/// A whole run certificate for outputs out of thin air: several slices over shared boundary trees, range proofs and links over
/// shared weight trees. Every challenge differs from argument to argument.
template <int D>
void simulate_certificate(proof::testing::ModelSpec spec) {
  spec.profile = D == 2 ? Profile::bits100 : Profile::bits128;
  const proof::testing::ModelCase real = proof::testing::make_model(spec);
  proof::ModelKey key = real.key;
  SeedStream random(Digest{static_cast<std::uint8_t>(10 + D)}, "certificate");
  const proof::Geometry boundary = proof::boundary_geometry_of(key);
  const std::size_t n = key.slices.size();

  proof::Certificate certificate = real.certificate;
  proof::Expectation user = real.user;
  std::vector<std::optional<SimulatedTree>> chunks(key.chunks.size());
  for (std::uint32_t c = 0; c < chunks.size(); ++c) {
    const proof::Chunk& chunk = key.chunks[c];
    if (!chunk.is_public)
      chunks[c].emplace(boundary_tree(boundary, chunk.shape, random));
    else
      certificate.table[c].values = any_values({chunk.name, chunk.shape, chunk.exponent, chunk.lo, chunk.hi}, random);
  }
  std::vector<std::vector<SimulatedTree>> weights(n);           // origin, epoch
  std::vector<std::vector<SimulatedArgument<D>>> arguments(n);  // ranges, links, slice
  std::uint64_t seed = 100;
  for (std::uint32_t i = 0; i < n; ++i) {
    const proof::SliceKey& slice = key.slices[i];
    for (std::size_t k = 0; k < 1 + spec.fresh_epochs.count(i); ++k) weights[i].push_back(weight_tree(slice, random));
    proof::Statement statement;
    std::vector<SimulatedTree*> trees;
    for (const proof::Port& p : slice.ports()) {
      statement.boundaries.push_back(certificate.table[p.chunk]);
      if (chunks[p.chunk]) trees.push_back(&*chunks[p.chunk]);
    }
    const auto fixed = [&](const auto& simulate) {
      const FixedChallenges challenges(++seed);
      arguments[i].push_back(simulate());
    };
    fixed([&] { return simulate_ranges<D>(slice, weights[i][0], random); });
    if (weights[i].size() > 1) fixed([&] { return simulate_link<D>(slice, weights[i][0], weights[i][1], random); });
    fixed([&] { return simulate_slice<D>(slice, statement, &weights[i].back(), trees, random); });
  }

  for (std::uint32_t c = 0; c < chunks.size(); ++c)
    if (chunks[c]) {
      EXPECT_LE(chunks[c]->opened(), boundary.code.r);
      chunks[c]->build();
      certificate.table[c].root = chunks[c]->root();
    }
  for (std::uint32_t i = 0; i < n; ++i) {
    for (SimulatedTree& t : weights[i]) t.build();
    key.slices[i].weight_root = weights[i][0].root();
    key.slices[i].range_proof = arguments[i][0].proof();
  }
  certificate.model_id = key.id();
  user.model_id = key.id();
  for (const proof::Edge& e : key.edges) {
    proof::Expectation::Tensor t;
    for (const std::uint32_t c : e.chunks) {
      if (chunks[c]) {
        t.roots.push_back(chunks[c]->root());
        continue;
      }
      if (!t.values) t.values.emplace();
      t.values->insert(t.values->end(), certificate.table[c].values.begin(), certificate.table[c].values.end());
    }
    if (e.is_input) user.inputs[e.name] = t;
    if (e.is_output) user.outputs[e.name] = t;
  }
  certificate.slices.clear();
  const Digest run = proof::run_id(certificate.model_id, certificate.nonce, certificate.salt);
  for (std::uint32_t i = 0; i < n; ++i) {
    const proof::SliceKey& slice = key.slices[i];
    proof::SliceProof p{i, weights[i].back().root(), 1, {}, arguments[i].back().proof()};
    program(arguments[i][0].answers(), [&] { EXPECT_TRUE(verify_ranges(slice)); });
    if (weights[i].size() > 1) {
      p.links.push_back({*slice.weight_root, *p.weights, 1, 0, arguments[i][1].proof()});
      program(arguments[i][1].answers(), [&] { EXPECT_TRUE(verify_link(slice, p.links[0])); });
    }
    proof::Statement statement{slice.digest(), p.weights, p.opening, run, i, {}};
    for (const proof::Port& port : slice.ports()) statement.boundaries.push_back(certificate.table[port.chunk]);
    program(arguments[i].back().answers(), [&] { EXPECT_TRUE(verify_slice(slice, statement, p.proof)); });
    certificate.slices.push_back(std::move(p));
  }
  const auto accepted = verify_certificate(key, certificate, user);
  EXPECT_TRUE(accepted.verdict) << accepted.verdict.reason << " " << accepted.verdict.where;
  EXPECT_EQ(accepted.coverage.slices_proved, n);
  forget_programmed();
  EXPECT_FALSE(verify_certificate(key, certificate, user).verdict) << "an oracle that nobody programmed";
}

TEST(Simulator, WholeCertificates) {
  simulate_certificate<2>(proof::testing::skip_model());
  simulate_certificate<3>(proof::testing::chunk_model());
}

}  // namespace
}  // namespace dsperse::soundness
