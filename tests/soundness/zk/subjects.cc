#include "subjects.h"

#include "dsperse/crypto/transcript/transcript.h"
#include "oracle.h"
#include "simulator.h"

namespace dsperse::soundness {
namespace {

using crypto::Ext;

constexpr std::uint32_t kColumns = 4;

proof::Geometry toy(unsigned c, std::uint32_t openings, unsigned log_n) { return {{c, kColumns * openings, log_n}, kColumns}; }

}  // namespace

template <int D>
Subject<D>::Subject(What what, const NamedSlice& slice) : what_(what) {
  CaseOptions options = slice.options;
  options.profile = D == 2 ? proof::Profile::bits100 : proof::Profile::bits128;
  case_ = *make_case(slice.program, options);
  hidden_[0] = {case_.weights, case_.trace};
  options.seed = 2;
  const SliceCase other = *make_case(slice.program, options);
  hidden_[1] = {other.weights, other.trace};
  case_.key.weights = toy(4, proof::kWeightBudget, 8);
  case_.boundary = case_.key.boundary = toy(4, proof::kBoundaryUses, 7);
  case_.key.witness = toy(4, 1, 6);
  case_.key.work = 3;
  case_.key.range_witness = case_.key.link_witness = case_.key.witness;
  case_.key.end = case_.key.range_end = case_.key.link_end = toy(6, 1, 8);
  key_ = case_.key;
  statement_ = case_.statement;
  switch (what) {
    case What::slice: {
      const auto relation = proof::slice_relation(case_.key).value();
      layout_ = proof::slice_layout<D>(proof::slice_spec(case_.key, relation), relation);
      break;
    }
    case What::ranges:
      layout_ = proof::range_argument<D>(case_.key, proof::range_relation(case_.program).value()).second;
      break;
    case What::link:
      layout_ = proof::link_argument<D>(case_.key).second;
      break;
  }
  // rho and eps as the fixed oracle gives them: the draws of an honest proof, again.
  prove(0, 1);
  const FixedChallenges fixed(challenges_);
  crypto::Transcript oracle(proof::kProtocolVersion);
  for (const std::string& line : log_) {
    if (line.starts_with("draw ") && line.ends_with("work")) (void)oracle.work(line.substr(5), layout_.work);
    if (line.starts_with("draw ") && !line.ends_with("columns") && !line.ends_with("work")) {
      const Ext<D> x = oracle.challenge<D>(line.substr(5));
      if (line == "draw rho") rho_ = x;
      if (line == "draw eps") eps_ = x;
    }
  }
}

template <int D>
Classes Subject<D>::read(const std::vector<Digest>& given) {
  proof::ArgumentProof<D> p;
  if (!proof::decode_argument<D>(layout_, proof_, p)) std::abort();
  Classes out = revealed<D>(layout_, given, p);
  out.merge(differences<D>(layout_, rho_, eps_, p));
  return out;
}

template <int D>
Sample Subject<D>::prove(int witness, std::size_t count, const Faults& faults) {
  Sample out;
  case_.weights = hidden_[static_cast<std::size_t>(witness)].weights;
  case_.trace = hidden_[static_cast<std::size_t>(witness)].trace;
  const Recorder recorder(++made_, faults, false);
  const FixedChallenges fixed(challenges_);
  for (std::size_t i = 0; i < count; ++i) {
    case_.options.seed = 1000 * made_ + i;
    case_.weight_tree = *proof::commit_weights(case_.key, case_.weights, proof::testing::test_seed(case_.options.seed, "origin"));
    case_.key.weight_root = case_.weight_tree.root();
    std::vector<Digest> given{*case_.key.weight_root};
    SliceForge<D> honest;
    honest.log = &log_;
    switch (what_) {
      case What::slice:
        case_.restate();
        for (const proof::Boundary& b : case_.statement.boundaries)
          if (b.root) given.push_back(*b.root);
        proof_ = *case_.prove<D>(honest);
        statement_ = case_.statement;
        break;
      case What::ranges:
        proof_ = *proof::prove_ranges_forged<D>(case_.key, case_.weights, case_.weight_tree, honest);
        break;
      case What::link: {
        const auto epoch =
            *proof::commit_weights(case_.key, case_.weights, proof::testing::test_seed(case_.options.seed, "epoch"));
        link_ = {*case_.key.weight_root, *epoch.root(), 1, 0, {}};
        given.push_back(*epoch.root());
        proof_ = *proof::prove_link_forged<D>(case_.key, link_, case_.weight_tree, epoch, honest);
        break;
      }
    }
    key_ = case_.key;
    out.push_back(read(given));
  }
  return out;
}

template <int D>
Sample Subject<D>::simulate(std::size_t count) {
  Sample out;
  const FixedChallenges fixed(challenges_);
  crypto::SeedStream random(proof::testing::test_seed(++made_, "simulator"), "simulator");
  for (std::size_t i = 0; i < count; ++i) {
    SimulatedTree weights = weight_tree(key_, random), epoch = weight_tree(key_, random);
    std::vector<SimulatedTree> trees;
    std::vector<SimulatedTree*> boundary;
    const auto ports = key_.ports();
    trees.reserve(ports.size());
    if (what_ == What::slice)
      for (const proof::Port& p : ports)
        if (!p.is_public) {
          trees.push_back(boundary_tree(key_.boundary, key_.program.tensors[p.tensor].shape, random));
          boundary.push_back(&trees.back());
        }
    const auto argument = what_ == What::slice    ? simulate_slice<D>(key_, statement_, &weights, boundary, random)
                          : what_ == What::ranges ? simulate_ranges<D>(key_, weights, random)
                                                  : simulate_link<D>(key_, weights, epoch, random);
    weights.build();
    key_.weight_root = weights.root();
    std::vector<Digest> given{weights.root()};
    std::size_t at = 0;
    if (what_ == What::slice)
      for (std::size_t k = 0; k < ports.size(); ++k)
        if (!ports[k].is_public) {
          trees[at].build();
          given.push_back(trees[at].root());
          statement_.boundaries[k].root = trees[at++].root();
        }
    if (what_ == What::link) {
      epoch.build();
      given.push_back(epoch.root());
      link_ = {weights.root(), epoch.root(), 1, 0, {}};
    }
    statement_.weights = key_.weight_root;
    proof_ = argument.proof();
    out.push_back(read(given));
  }
  return out;
}

template <int D>
Verdict Subject<D>::verify() const {
  const FixedChallenges fixed(challenges_);
  const Digest root = *key_.weight_root;
  proof::Statement statement = statement_;
  statement.weights = root;
  // Not verify_slice() and the like: they refuse keys as small as these.
  switch (what_) {
    case What::slice: {
      const relation::Relation relation = proof::slice_relation(key_).value();
      const auto publics = proof::public_tensors(key_, relation, statement);
      return proof::verify_argument<D>(
          layout_, proof::slice_head(statement), proof::slice_roots(key_, statement), proof_,
          [&](crypto::Party<D>& party) { relation::run_schedule<D>(party, relation, publics, nullptr); });
    }
    case What::ranges: {
      const relation::Relation relation = proof::range_relation(key_.program).value();
      const relation::PublicTensors publics(relation.tensors.size(), nullptr);
      return proof::verify_argument<D>(layout_, proof::range_head(key_), {{root}}, proof_, [&](crypto::Party<D>& party) {
        relation::run_schedule<D>(party, relation, publics, nullptr);
      });
    }
    case What::link:
      return proof::verify_argument<D>(layout_, proof::link_head(key_, link_), {{link_.base, link_.epoch}}, proof_,
                                       [&](crypto::Party<D>& party) { proof::link_schedule<D>(party, key_); });
  }
  return Verdict::reject("unreachable");
}

template class Subject<2>;
template class Subject<3>;

}  // namespace dsperse::soundness
