// What the certificate takes from setup: weight ranges, epoch links, opening budgets, keys below their profile.
#include <utility>

#include "cases.h"
#include "dsperse/proof/slice_argument.h"

namespace dsperse::soundness {
namespace {

using proof::EpochLink;
using proof::Profile;
using quantize::WeightStore;

quantize::Program one_gemm() {
  quantize::testing::Builder b;
  b.gemm(b.input({2, 3}, -20, 20), 3, 2, quantize::testing::simple_requant(5, quantize::Function::identity, 6), true, 15);
  quantize::Program p = b.done();
  p.weights[1].max_abs = 1 << 15;  // takes digits
  return p;
}

/// Weights beyond their bounds, committed as the key's, with a range proof forged as well as can be and an honest slice proof.
void add_ranges(Corpus& out) {
  const auto with = [&](const std::string& name, const std::function<void(WeightStore&)>& change, const SliceForge<2>& forge) {
    SliceCase c = *make_case(one_gemm(), CaseOptions{});
    change(c.weights);
    c.weight_tree = *proof::commit_weights(c.key, c.weights, proof::testing::test_seed(1));
    c.key.weight_root = c.weight_tree.root();
    c.run();
    c.restate();
    const Outcome range = attack_ranges(c, c.weights, forge);
    if (range.constraints.empty()) out.fault("ranges: " + name + " breaks nothing");
    c.key.range_proof = range.proof;
    bind(c);
    const Bytes proof = attack_values(c).proof;
    out.rejects("ranges: " + name, "end check", "slice 0 > weight ranges", proof::encode_model_key(key_of(c)),
                proof::encode_certificate(certificate_of(c, proof)), user_of(c));
  };
  with("a weight above its bound", [](WeightStore& w) { w[0].narrow[0] = 16; }, {});
  with("a weight below its bound", [](WeightStore& w) { w[0].narrow[5] = -16; }, {});
  with("a bias above its bound", [](WeightStore& w) { w[1].wide[0] = (1 << 15) + 1; }, {});
  with("a bias below its bound", [](WeightStore& w) { w[1].wide[1] = -(1 << 15) - 1; }, {});
  SliceForge<2> f;
  const auto relation = proof::range_relation(one_gemm()).value();
  f.values.tensors = [&](relation::Values& v) { v.own(tensor_named(relation, "w1 high digit 1"))[0] = -1; };
  with("a bias above its bound, a digit below zero", [](WeightStore& w) { w[1].wide[0] = (1 << 15) + 1; }, f);
}

/// Keys that are refused, or whose range proof (which the model id does not cover) is another.
class Keys {
 public:
  Keys(Corpus& out, ModelKey key, Certificate certificate, Expectation user)
      : out_(out), key_(std::move(key)), certificate_(proof::encode_certificate(certificate)), user_(std::move(user)) {}
  void add(const std::string& name, const std::string& reason, const std::string& where,
           const std::function<void(ModelKey&)>& change) {
    ModelKey key = key_;
    change(key);
    out_.rejects("keys: " + name, reason, where, proof::encode_model_key(key), certificate_, user_);
  }

 private:
  Corpus& out_;
  ModelKey key_;
  Bytes certificate_;
  Expectation user_;
};

void add_keys(Corpus& out) {
  SliceCase c = *make_case(one_gemm(), CaseOptions{});
  bind(c);
  Keys one(out, key_of(c), certificate_of(c, c.prove().value()), user_of(c));
  const std::string ranges = "slice 0 > weight ranges", slice = "key > slice 0", weak = "key: geometry below the profile";
  one.add("no range proof", "key: weight tree", slice, [](ModelKey& k) { k.slices[0].range_proof.clear(); });
  one.add("a range proof cut short", "proof length", ranges, [](ModelKey& k) { k.slices[0].range_proof.resize(100); });
  one.add("a range proof with a byte more", "trailing bytes", ranges, [](ModelKey& k) { k.slices[0].range_proof.push_back(0); });
  one.add("a byte of a range proof", "Merkle root", ranges, [](ModelKey& k) { k.slices[0].range_proof.back() ^= 1; });
  one.add("one query fewer for the witness", weak, slice, [](ModelKey& k) { --k.slices[0].witness.t; });
  one.add("one query fewer for the end tree", weak, slice, [](ModelKey& k) { --k.slices[0].end.t; });
  one.add("one query fewer for the weights", "key: weight geometry below the profile", slice,
          [](ModelKey& k) { --k.slices[0].weights.t; });
  one.add("fewer pads than openings need", "key: boundary geometry below the profile", slice,
          [](ModelKey& k) { --k.slices[0].boundary.code.r; });
  one.add("a code of higher rate", weak, slice, [](ModelKey& k) { --k.slices[0].witness.code.log_n; });
  for (proof::Geometry proof::SliceKey::* g : {&proof::SliceKey::range_witness, &proof::SliceKey::link_end})
    one.add(g == &proof::SliceKey::link_end ? "one query fewer for links" : "one query fewer for the range proof",
            "key: geometry of the range proof or link below the profile", slice, [g](ModelKey& k) { --(k.slices[0].*g).t; });
  one.add("less slack", "key: slack or work outside of their bounds", slice, [](ModelKey& k) { --k.slices[0].slack; });
  one.add("more work than a key may ask", "key: slack or work outside of their bounds", slice,
          [](ModelKey& k) { k.slices[0].work = 21; });
  one.add("slack that the queries do not reach", "key: weight geometry below the profile", slice,
          [](ModelKey& k) { k.slices[0].slack += 1; });
  one.add("a profile that there is not", "key: unknown security profile", slice,
          [](ModelKey& k) { k.slices[0].profile = static_cast<Profile>(80); });
  one.add("a chunk with another range than its port", "key: port and chunk differ in shape, exponent, range or visibility", "key",
          [](ModelKey& k) { ++k.chunks[1].hi; });

  const ModelCase skip = make_model(proof::testing::skip_model());
  Keys three(out, skip.key, skip.certificate, skip.user);
  three.add("another slice's range proof", "u does not evaluate to v", "slice 1 > weight ranges",
            [](ModelKey& k) { k.slices[1].range_proof = k.slices[0].range_proof; });
  proof::testing::ModelSpec shown = proof::testing::skip_model();
  shown.public_weights = true;
  const ModelCase known = make_model(shown);
  Keys weights(out, known.key, known.certificate, known.user);
  const auto bump = [](std::int16_t& w) { w = static_cast<std::int16_t>(w > 0 ? w - 1 : w + 1); };
  weights.add("another public weight", "the key is not the pinned model", "",
              [&](ModelKey& k) { bump(k.slices[1].public_weights[0].narrow[4]); });
  weights.add("a public weight beyond its bound", "key: a public weight is beyond its declared bound", "key > slice 0",
              [](ModelKey& k) { k.slices[0].public_weights[0].narrow[0] = 16; });
  {  // the prover's certificate is for the weights that it ran; the user's key has others
    ModelKey key = known.key;
    bump(key.slices[1].public_weights[0].narrow[4]);
    Certificate renamed = known.certificate;
    renamed.model_id = key.id();
    Expectation user = known.user;
    user.model_id = key.id();
    out.rejects("keys: proofs of other public weights", "u does not evaluate to v", "slice 0", proof::encode_model_key(key),
                proof::encode_certificate(renamed), user);
  }
  const ModelCase light = make_model(light_model());
  Keys graph(out, light.key, light.certificate, light.user);
  graph.add("slices of two profiles", "key: slices of different security profiles", "key > slice 2",
            [](ModelKey& k) { k.slices[2].profile = Profile::bits128; });
  graph.add("boundary geometries differ", "key: boundary geometries differ", "key > slice 1",
            [](ModelKey& k) { ++k.slices[1].boundary.code.r; });
  graph.add("a chunk of two producers", "key: a chunk has two producers", "key",
            [](ModelKey& k) { k.slices[1].outputs[0].chunk = 1; });
  graph.add("an input edge that is made inside", "key: a chunk has two producers", "key", [](ModelKey& k) {
    k.edges[2].is_input = true;
    k.edges[2].io = k.edges[0].io;
    k.edges[2].io->name = k.edges[2].name;
  });
  graph.add("a slice before the one that it reads", "key: a chunk is read before a slice produces it", "key",
            [](ModelKey& k) { std::swap(k.slices[0], k.slices[1]); });
  graph.add("two edges of one name", "key: two edges have one name", "key", [](ModelKey& k) { k.edges[2].name = "a"; });
  graph.add("a chunk of two edges", "key: edges do not cover the chunks once", "key",
            [](ModelKey& k) { k.edges[2].chunks = {1}; });
  graph.add("no output", "key: no output", "key", [](ModelKey& k) {
    for (proof::Edge& e : k.edges) {
      e.is_output = false;
      if (!e.is_input) e.io.reset();
    }
  });
}

/// The chunk model with public tensors, for the sake of small proofs.
proof::testing::ModelSpec open_chunks() {
  proof::testing::ModelSpec spec = proof::testing::chunk_model();
  spec.publics = {spec.chunks.begin(), spec.chunks.end()};
  return spec;
}

/// Epoch links of slice 0, which is all that the user asks for.
class Links {
 public:
  explicit Links(Corpus& out) : out_(out), m_(make_model(open_chunks())), key_(m_.key.slices[0]) {
    m_.certificate = m_.only({0});
    m_.user.policy = {0};
  }

  void all() {
    rules();
    forged();
    depth();
    openings();
  }

 private:
  void add(const std::string& name, const std::string& reason, const Certificate& c) {
    out_.rejects("links: " + name, reason, "slice 0", proof::encode_model_key(m_.key), proof::encode_certificate(c), m_.user);
  }
  void changed(const std::string& name, const std::string& reason, const std::function<void(proof::SliceProof&)>& change) {
    Certificate c = m_.certificate;
    change(c.slices[0]);
    add(name, reason, c);
  }
  /// Slice 0 proved with this weight tree; link proofs as given.
  Certificate with(const proof::WeightCommitment& tree, const WeightStore& weights, std::vector<EpochLink> links,
                   std::uint32_t opening) {
    Certificate c = m_.certificate;
    proof::Statement s = m_.statement(0);
    s.weights = tree.root();
    s.opening = opening;
    proof::SliceWitness w{&weights, &m_.traces[0], &tree, {}};
    for (const proof::Port& p : key_.ports()) w.boundaries.push_back(p.is_public ? nullptr : &m_.trees[p.chunk]);
    c.slices[0] = {0, s.weights, opening, std::move(links), proof::prove_slice_forged<2>(key_, s, w, {}).value()};
    return c;
  }
  EpochLink link(const proof::WeightCommitment& base, const proof::WeightCommitment& epoch, const SliceForge<2>& forge = {}) {
    EpochLink l{*base.root(), *epoch.root(), 1, 0, {}};
    l.proof = proof::prove_link_forged<2>(key_, l, base, epoch, forge).value();
    return l;
  }

  void rules() {
    const std::string budget = "opening budget", u = "u does not evaluate to v";
    changed("left out", "epoch without link", [](proof::SliceProof& s) { s.links.clear(); });
    changed("another epoch is used", "epoch without link", [](proof::SliceProof& s) { (*s.weights)[0] ^= 1; });
    changed("from another base", "epoch links do not start at the key's weights",
            [](proof::SliceProof& s) { s.links[0].base[0] ^= 1; });
    changed("to itself", "epoch link to itself", [](proof::SliceProof& s) { s.links[0].epoch = s.links[0].base; });
    changed("to another epoch", u, [](proof::SliceProof& s) { s.links[0].epoch[9] ^= 1; });
    changed("another opening of the base", u, [](proof::SliceProof& s) { s.links[0].base_opening = 2; });
    changed("another opening of the epoch", u, [](proof::SliceProof& s) { s.links[0].epoch_opening = 2; });
    changed("an opening of the base beyond the budget", budget, [](proof::SliceProof& s) { s.links[0].base_opening = 16; });
    changed("an opening of the epoch beyond the budget", budget, [](proof::SliceProof& s) { s.links[0].epoch_opening = 16; });
    changed("the range proof's opening", budget, [](proof::SliceProof& s) { s.links[0].base_opening = 0; });
    changed("without a proof", "proof length", [](proof::SliceProof& s) { s.links[0].proof.clear(); });
    changed("twice", "epoch links do not start at the key's weights",
            [](proof::SliceProof& s) { s.links.push_back(s.links[0]); });
    changed("the slice's proof in its place", "proof truncated", [](proof::SliceProof& s) { s.links[0].proof = s.proof; });
  }

  /// Epochs of other weights, with honest and with forged links.
  void forged() {
    for (const std::size_t w : {0U, 1U}) {
      WeightStore other = m_.weights[0];
      if (w == 0)
        other[0].narrow[0] = static_cast<std::int16_t>(other[0].narrow[0] > 0 ? other[0].narrow[0] - 1 : other[0].narrow[0] + 1);
      else
        other[1].wide[0] += other[1].wide[0] > 0 ? -1 : 1;
      const auto tree = *proof::commit_weights(key_, other, proof::testing::test_seed(3));
      add(w == 0 ? "an epoch of another weight" : "an epoch of another bias", "end check",
          with(tree, m_.weights[0], {link(m_.origins[0], tree)}, 1));
    }
    SliceForge<2> f;
    f.argument.hidden = [](std::string_view, std::uint32_t, crypto::Ext<2>& x) { x += crypto::Ext<2>::one(); };
    add("a hidden zero that is none", "end check", with(m_.epochs[0], m_.weights[0], {link(m_.origins[0], m_.epochs[0], f)}, 1));
  }

  void depth() {
    std::vector<proof::WeightCommitment> trees;
    for (std::uint64_t i = 0; i < 3; ++i)
      trees.push_back(*proof::commit_weights(key_, m_.weights[0], proof::testing::test_seed(i, "depth")));
    const std::vector<EpochLink> links{link(m_.origins[0], trees[0]), link(trees[0], trees[1]), link(trees[1], trees[2])};
    out_.accepts("links: depth two", proof::encode_model_key(m_.key),
                 proof::encode_certificate(with(trees[1], m_.weights[0], {links[0], links[1]}, 5)), m_.user);
    out_.rejects("links: depth three", "certificate: truncated, or bytes after its end", "certificate",
                 proof::encode_model_key(m_.key), proof::encode_certificate(with(trees[2], m_.weights[0], links, 5)), m_.user);
    add("out of order", "epoch links do not start at the key's weights", with(trees[1], m_.weights[0], {links[1], links[0]}, 5));
  }

  void openings() {
    add("the link's own opening again", "an opening is used twice",
        with(m_.epochs[0], m_.weights[0], m_.certificate.slices[0].links, 0));
    add("a proof beyond the epoch's budget", "opening budget",
        with(m_.epochs[0], m_.weights[0], m_.certificate.slices[0].links, 16));
    add("the origin's opening 0", "opening budget", with(m_.origins[0], m_.weights[0], {}, 0));
    changed("another opening than was proved", "u does not evaluate to v", [](proof::SliceProof& s) { s.opening = 2; });
  }

  Corpus& out_;
  ModelCase m_;
  const proof::SliceKey& key_;
};

/// Weight ties: of other weights, with proofs of something else, of openings that a proof uses too.
void add_ties(Corpus& out) {
  proof::testing::ModelSpec spec = proof::testing::tied_model();
  spec.publics = {spec.chunks.begin(), spec.chunks.end()};  // small proofs
  const ModelCase m = make_model(spec);
  const auto add = [&](const std::string& name, const std::string& reason, const std::string& where,
                       const std::function<void(ModelKey&)>& change) {
    ModelKey key = m.key;
    change(key);
    out.rejects("ties: " + name, reason, where, proof::encode_model_key(key), proof::encode_certificate(m.certificate), m.user);
  };
  const std::string pinned = "the key is not the pinned model", where = "weights of slices 1 and 2";
  add("left out", pinned, "", [](ModelKey& k) { k.ties.pop_back(); });
  add("of fewer weights", pinned, "", [](ModelKey& k) { k.ties[1].weights.pop_back(); });
  add("another opening", pinned, "", [](ModelKey& k) { --k.ties[1].opening; });
  add("two of one opening", "key: two ties use one opening", "key", [](ModelKey& k) { k.ties[1].base_opening = 15; });
  add("without a proof", "proof length", where, [](ModelKey& k) { k.ties[1].proof.clear(); });
  add("another tie's proof", "proof truncated", where, [](ModelKey& k) { k.ties[1].proof = k.ties[0].proof; });
  add("a byte of a proof", "Merkle root", where, [](ModelKey& k) { k.ties[1].proof.back() ^= 1; });

  // Slices of different weights, tied all the same: with honest messages, and with a hidden zero that is none.
  const std::vector<proof::WeightTie> ties = std::exchange(spec.ties, {});
  ModelCase other = make_model(spec);
  const auto tie = [&](const SliceForge<2>& forge) {
    proof::WeightTie t = proof::prove_tie(other.key, ties[0], other.origins[0], other.origins[1]).value();
    t.proof = proof::prove_tie_forged<2>(other.key, t, other.origins[0], other.origins[1], forge).value();
    other.key.ties = {t};
    other.user.model_id = other.certificate.model_id = other.key.id();
    for (proof::SliceProof& s : other.certificate.slices) s = other.prove(s.slice);
    return proof::encode_model_key(other.key);
  };
  Bytes key = tie({});
  out.rejects("ties: of other weights", "end check", "weights of slices 0 and 1", key,
              proof::encode_certificate(other.certificate), other.user);
  SliceForge<2> f;
  f.argument.hidden = [](std::string_view, std::uint32_t, crypto::Ext<2>& x) { x += crypto::Ext<2>::one(); };
  key = tie(f);
  out.rejects("ties: of other weights, a hidden zero that is none", "end check", "weights of slices 0 and 1", key,
              proof::encode_certificate(other.certificate), other.user);
}

}  // namespace

void add_setup(Corpus& out) {
  add_ranges(out);
  add_keys(out);
  Links(out).all();
  add_ties(out);
}

}  // namespace dsperse::soundness
