#include "subjects.h"

#include "dsperse/proof/slice_argument.h"
#include "dsperse/proof/tie.h"

namespace dsperse::soundness {
namespace {

using proof::EpochLink;

template <int D>
void run(Subject<D>& s) {
  SliceForge<D> forge;
  forge.log = &s.said;
  forge.argument.challenge = [&](std::string_view label, crypto::Ext<D>& x) { s.challenges.emplace_back(label, x); };
  Result<Bytes> proof = s.prove(forge);
  s.verdict = proof ? s.verify(*proof, &s.heard) : Verdict::reject("prover: " + proof.error().text());
  if (proof) s.proof = std::move(*proof);
}

}  // namespace

template <int D>
Subject<D> slice_subject(const std::string& name, const SliceCase& c) {
  Subject<D> s;
  s.name = name;
  const auto relation = proof::slice_relation(c.key).value();
  s.layout = proof::slice_layout<D>(proof::slice_spec(c.key, relation), relation);
  s.head = proof::slice_head(c.statement);
  s.roots = proof::slice_roots(c.key, c.statement);
  if (c.weight_tree.impl) s.trees.push_back({&c.weight_tree.impl->tree});
  std::vector<const proof::CommittedTree*> boundary;
  for (const proof::BoundaryCommitment& b : c.trees)
    if (b.impl) boundary.push_back(&b.impl->tree);
  if (!boundary.empty()) s.trees.push_back(boundary);
  s.prove = [&c](const SliceForge<D>& forge) { return c.prove<D>(forge); };
  s.verify = [&c](ByteView proof, std::vector<std::string>* log) { return c.verify(proof, log); };
  run(s);
  return s;
}

template <int D>
Subject<D> range_subject(const std::string& name, const SliceCase& c) {
  Subject<D> s;
  s.name = name + ", ranges";
  auto relation = std::make_shared<relation::Relation>(proof::range_relation(c.program).value());
  s.layout = proof::range_argument<D>(c.key, *relation).second;
  s.head = proof::range_head(c.key);
  s.roots = {{*c.key.weight_root}};
  s.trees = {{&c.weight_tree.impl->tree}};
  s.prove = [&c](const SliceForge<D>& forge) { return proof::prove_ranges_forged<D>(c.key, c.weights, c.weight_tree, forge); };
  s.verify = [relation, layout = s.layout, head = s.head, roots = s.roots](ByteView proof, std::vector<std::string>* log) {
    const relation::PublicTensors publics(relation->tensors.size(), nullptr);
    return proof::verify_argument<D>(
        layout, head, roots, proof,
        [&](crypto::Party<D>& party) { relation::run_schedule<D>(party, *relation, publics, nullptr); }, log);
  };
  run(s);
  return s;
}

template <int D>
Subject<D> link_subject(const std::string& name, const SliceCase& c, const proof::WeightCommitment& epoch) {
  Subject<D> s;
  s.name = name + ", link";
  const EpochLink link{*c.key.weight_root, *epoch.root(), 1, 0, {}};
  s.layout = proof::link_argument<D>(c.key).second;
  s.head = proof::link_head(c.key, link);
  s.roots = {{link.base, link.epoch}};
  s.trees = {{&c.weight_tree.impl->tree, &epoch.impl->tree}};
  s.prove = [&c, &epoch, link](const SliceForge<D>& forge) {
    return proof::prove_link_forged<D>(c.key, link, c.weight_tree, epoch, forge);
  };
  s.verify = [&c, layout = s.layout, head = s.head, roots = s.roots](ByteView proof, std::vector<std::string>* log) {
    return proof::verify_argument<D>(
        layout, head, roots, proof, [&](crypto::Party<D>& party) { proof::link_schedule<D>(party, c.key); }, log);
  };
  run(s);
  return s;
}

template <int D>
Subject<D> tie_subject(const std::string& name, const SliceCase& c, const proof::WeightCommitment& epoch) {
  Subject<D> s;
  s.name = name + ", tie";
  const auto key = std::make_shared<proof::ModelKey>();
  key->slices = {c.key, c.key};
  key->slices[1].weight_root = epoch.root();
  proof::WeightTie wanted{1, 0, {}, 15, 15, {}, {}, {}};
  for (std::uint32_t w = 0; w < c.program.weights.size(); ++w) wanted.weights.emplace_back(w, w);
  const auto tie = std::make_shared<proof::WeightTie>(proof::prove_tie(*key, wanted, c.weight_tree, epoch).value());
  s.layout = proof::tie_argument<D>(*key, *tie).second;
  s.head = proof::tie_head(*key, *tie);
  s.roots = {{*c.key.weight_root}, {*epoch.root()}};
  s.trees = {{&c.weight_tree.impl->tree}, {&epoch.impl->tree}};
  s.prove = [&c, &epoch, key, tie](const SliceForge<D>& forge) {
    return proof::prove_tie_forged<D>(*key, *tie, c.weight_tree, epoch, forge);
  };
  s.verify = [key, tie, layout = s.layout, head = s.head, roots = s.roots](ByteView proof, std::vector<std::string>* log) {
    return proof::verify_argument<D>(
        layout, head, roots, proof, [&](crypto::Party<D>& party) { proof::tie_schedule<D>(party, *key, *tie); }, log);
  };
  run(s);
  return s;
}

template Subject<2> slice_subject<2>(const std::string&, const SliceCase&);
template Subject<3> slice_subject<3>(const std::string&, const SliceCase&);
template Subject<2> range_subject<2>(const std::string&, const SliceCase&);
template Subject<3> range_subject<3>(const std::string&, const SliceCase&);
template Subject<2> link_subject<2>(const std::string&, const SliceCase&, const proof::WeightCommitment&);
template Subject<3> link_subject<3>(const std::string&, const SliceCase&, const proof::WeightCommitment&);
template Subject<2> tie_subject<2>(const std::string&, const SliceCase&, const proof::WeightCommitment&);
template Subject<3> tie_subject<3>(const std::string&, const SliceCase&, const proof::WeightCommitment&);

SliceCase small_case(proof::Profile profile) {
  quantize::testing::Builder b;
  b.gemm(b.input({1, 2}, -3, 3), 2, 2, quantize::testing::simple_requant(1, quantize::Function::identity, 4), true, 3);
  quantize::Program p = b.done();
  p.weights[1].max_abs = 1 << 15;
  const quantize::TensorId y = p.outputs[0];
  return make_case(std::move(p), {.profile = profile, .publics = {y}, .constraints = {3, 1U << 20}, .work = 6}).value();
}

}  // namespace dsperse::soundness
