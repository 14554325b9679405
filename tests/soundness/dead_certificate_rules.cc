// Attacks on the rules of verify_certificate: certificates whose every proof is true of something else than the user asked.
#include "dead_rules.h"
#include "dsperse/proof/testing/model.h"

namespace dsperse::soundness {
namespace {

using Without = RuleAttack::Without;
using proof::Boundary;
using proof::Certificate;
using proof::EpochLink;
using proof::Expectation;
using proof::Profile;
using proof::WeightCommitment;
using proof::testing::make_model;
using proof::testing::ModelCase;
using proof::testing::test_seed;

using Change = std::function<void(Certificate&, Expectation&)>;
using Model = std::shared_ptr<ModelCase>;

std::string answer(const ModelCase& m, const Certificate& c, const Expectation& user) {
  return proof::verify_certificate(m.key, c, user).verdict.reason;
}

std::function<std::string()> changed(const Model& m, const Change& change) {
  return [=] {
    Certificate c = m->certificate;
    Expectation user = m->user;
    change(c, user);
    return answer(*m, c, user);
  };
}

/// Only slice 0 is proved and asked for: what the table says of the others is its own affair.
std::function<std::string()> changed_alone(const Model& m, const Change& change) {
  return changed(m, [=](Certificate& c, Expectation& user) {
    c = m->only({0});
    user.policy = {0};
    change(c, user);
  });
}

void keep(Certificate& c, const std::set<std::uint32_t>& slices) {
  std::erase_if(c.slices, [&](const proof::SliceProof& p) { return !slices.contains(p.slice); });
}

/// A model without weights.
proof::testing::ModelSpec weightless_model() {
  proof::testing::ModelSpec spec;
  quantize::testing::Builder b;
  const auto x = b.input({2, 3}, -7, 7);
  b.rearrange({0, {3, 2}, 0, {{x, {2, 3}, {{0, {{1, 1}}}, {0, {{0, 1}}}}}}}, {3, 2}, -7, 7);
  spec.slices = {{b.done(), {"x"}, {"y"}}};
  spec.edges = {{"x", {0}, true, false, {}}, {"y", {1}, false, true, {}}};
  spec.chunks = {"x", "y"};
  spec.publics = {"y"};
  return spec;
}

/// Slice 0 of chunk_model computed with weights that are not the key's, and a certificate that says nothing else.
struct OtherWeights {
  ModelCase m;
  WeightCommitment base, epoch;

  explicit OtherWeights(Profile profile) {
    proof::testing::ModelSpec spec = proof::testing::chunk_model();
    spec.profile = profile;
    spec.fresh_epochs.clear();
    m = make_model(spec);
    for (std::int16_t& w : m.weights[0][0].narrow) w = static_cast<std::int16_t>(w > 0 ? w - 1 : w + 1);
    const proof::SliceKey &first = m.key.slices[0], &last = m.key.slices[2];
    base = *proof::commit_weights(first, m.weights[0], test_seed(1, "base"));
    epoch = *proof::commit_weights(first, m.weights[0], test_seed(1, "epoch"));
    run(0);
    m.values[1] = m.traces[0][first.outputs[0].tensor];
    m.trees[1] = *proof::commit_boundary(profile, first.boundary, m.key.chunks[1], m.values[1], test_seed(3, "boundary"));
    m.certificate.table[1].root = m.trees[1].root();
    m.traces[2][last.inputs[0].tensor] = m.values[1];
    run(2);
    m.values[3] = m.traces[2][last.outputs[0].tensor];
    m.certificate.table[3].values = m.values[3];
    m.user.outputs["y"].values = m.values[3];
    m.certificate.slices[2] = m.prove(2);
  }
  void run(std::uint32_t i) { proof::testing::evaluate(m.key.slices[i].program, m.weights[i], m.traces[i]); }
  [[nodiscard]] std::string answered(bool linked) const {
    Certificate c = m.certificate;
    proof::Statement s = m.statement(0);
    s.weights = epoch.root();
    proof::SliceWitness w{&m.weights[0], &m.traces[0], &epoch, {}};
    for (const proof::Port& p : m.key.slices[0].ports()) w.boundaries.push_back(p.is_public ? nullptr : &m.trees[p.chunk]);
    c.slices[0] = {0, s.weights, s.opening, {}, *proof::prove_slice(m.key.slices[0], s, w)};
    if (linked) {
      EpochLink link{*base.root(), *epoch.root(), 1, 0, {}};
      link.proof = *proof::prove_link(m.key.slices[0], link, base, epoch);
      c.slices[0].links.push_back(link);
    }
    return answer(m, c, m.user);
  }
};

/// The key's weights, by way of links: from the origin to tree 1, 2, 3 (0: the origin).
struct Chains {
  ModelCase m;
  std::vector<WeightCommitment> trees;

  explicit Chains(Profile profile) {
    proof::testing::ModelSpec spec = proof::testing::chunk_model();
    spec.profile = profile;
    spec.fresh_epochs.clear();
    m = make_model(spec);
    trees.push_back(std::move(m.origins[0]));
    for (std::uint64_t i = 1; i < 4; ++i)
      trees.push_back(*proof::commit_weights(m.key.slices[0], m.weights[0], test_seed(i, "chain")));
  }
  struct Step {
    std::size_t base, epoch;
    std::uint32_t base_opening, epoch_opening;
  };
  /// The proof opens the last tree as its opening `opening`.
  [[nodiscard]] std::string answered(const std::vector<Step>& steps, std::uint32_t opening) const {
    const proof::SliceKey& key = m.key.slices[0];
    Certificate c = m.certificate;
    proof::Statement s = m.statement(0);
    const WeightCommitment& last = trees[steps.back().epoch];
    s.weights = last.root();
    s.opening = opening;
    proof::SliceWitness w{&m.weights[0], &m.traces[0], &last, {}};
    for (const proof::Port& p : key.ports()) w.boundaries.push_back(p.is_public ? nullptr : &m.trees[p.chunk]);
    c.slices[0] = {0, s.weights, s.opening, {}, *proof::prove_slice(key, s, w)};
    for (const Step& step : steps) {
      EpochLink link{*trees[step.base].root(), *trees[step.epoch].root(), step.base_opening, step.epoch_opening, {}};
      link.proof = *proof::prove_link(key, link, trees[step.base], trees[step.epoch]);
      c.slices[0].links.push_back(link);
    }
    return answer(m, c, m.user);
  }
};

}  // namespace

RuleAttacks certificate_attacks(Profile profile) {
  const auto model = [profile](proof::testing::ModelSpec spec) {
    spec.profile = profile;
    return std::make_shared<ModelCase>(make_model(spec));
  };
  const Model skip = model(proof::testing::skip_model()), weightless = model(weightless_model());
  const auto lie = std::make_shared<OtherWeights>(profile);
  const auto chains = std::make_shared<Chains>(profile);
  const auto user = [&](const std::function<void(Expectation&)>& change) {
    return changed(skip, [=](Certificate&, Expectation& e) { change(e); });
  };
  const auto table = [&](const std::function<void(std::vector<Boundary>&)>& change) {  // of chunk b, which nothing proved touches
    return changed_alone(skip, [=](Certificate& c, Expectation&) { change(c.table); });
  };
  const auto output = [&](const std::function<void(quantize::IntTensor&)>& change) {  // of slice 2, which is not proved
    return changed_alone(skip, [=](Certificate& c, Expectation& e) {
      change(c.table[3].values);
      e.outputs["y"].values = c.table[3].values;
    });
  };
  return {
      {"table: an entry for each chunk", "boundary table does not cover", table([](auto& t) { t.push_back(t[2]); })},
      {"table: order", "boundary table out of order", table([](auto& t) { t[2].chunk = 7; })},
      {"table: root iff committed", "root or values", table([](auto& t) { t[2].root.reset(); })},
      {"table: no values of a commitment", "root or values", table([](auto& t) { t[2].values.assign(6, 0); })},
      {"table: number of public values", "public values", output([](auto& v) { v.pop_back(); })},
      {"table: public values in range", "public value out of range", output([](auto& v) { v[0] = 32; })},
      {"edges: every tensor is given", "output not given", user([](Expectation& e) { e.outputs.erase("a"); })},
      {"edges: no other tensor is given", "the model has no such input",
       user([](Expectation& e) { e.inputs["b"] = e.outputs["a"]; })},
      {"edges: roots are the user's", "output differs", user([](Expectation& e) { e.outputs["a"].roots[0][0] ^= 1; })},
      {"edges: values iff public", "input differs", user([](Expectation& e) { e.inputs["x"].values.reset(); })},
      {"edges: values are the user's", "output differs", user([](Expectation& e) { (*e.outputs["y"].values)[5] ^= 1; })},
      {"certificate: pinned model", "the key is not the pinned model", user([](Expectation& e) { (*e.model_id)[0] ^= 1; })},
      {"certificate: model of the key", "certificate of another model",
       changed(skip, [](Certificate& c, Expectation&) { c.model_id[0] ^= 1; })},
      {"certificate: nonce", "nonce differs", user([](Expectation& e) { e.nonce = Bytes{1}; })},
      {"policy: names slices", "policy names no slice",
       changed_alone(skip,
                     [](Certificate& c, Expectation& e) {
                       c.slices.push_back(c.slices[0]);
                       c.slices[1].slice = 3;
                       e.policy = {0, 3};
                     }),
       Without::crashes},
      {"proofs: in order", "proofs are not in order",
       changed(skip, [](Certificate& c, Expectation&) { std::swap(c.slices[0], c.slices[1]); })},
      {"proofs: none missing", "proof missing",
       changed(skip,
               [](Certificate& c, Expectation& e) {  // another in its place
                 keep(c, {0, 2});
                 e.policy = {0, 1};
               })},
      {"proofs: none too many", "a proof that the policy does not ask for", user([](Expectation& e) { e.policy = {0, 1}; })},
      {"epochs: no link without weights", "epoch link without weights",
       changed(weightless, [](Certificate& c, Expectation&) { c.slices[0].links.emplace_back(); })},
      {"epochs: links form a chain", "epoch links do not start", [lie] { return lie->answered(true); }},
      {"epochs: chain ends at the weights", "epoch without link", [lie] { return lie->answered(false); }},
      {"epochs: depth", "epoch links are deeper",
       [chains] { return chains->answered({{0, 1, 1, 0}, {1, 2, 1, 0}, {2, 3, 1, 0}}, 1); }},
      {"epochs: base opened once", "an opening is used twice",
       [chains] { return chains->answered({{0, 1, 1, 0}, {1, 2, 0, 0}}, 1); }},
      {"epochs: epoch opened once", "an opening is used twice",  // back to the origin
       [chains] { return chains->answered({{0, 1, 1, 0}, {1, 0, 1, 1}}, 2); }},
      {"epochs: weights opened once", "an opening is used twice", [chains] { return chains->answered({{0, 1, 1, 0}}, 0); }},
  };
}

}  // namespace dsperse::soundness
