// Certificates: slices linked by roots, the user's tensors and policy, weight epochs; every rule broken once, the twin accepted.
#include <gtest/gtest.h>

#include <fstream>
#include <random>
#include <regex>
#include <sstream>

#include "dsperse/proof/testing/model.h"
#include "tally.h"

namespace dsperse::proof {
namespace {

using testing::make_model;
using testing::ModelCase;
using testing::test_seed;

const ModelCase& skip() {
  static const ModelCase m = make_model(testing::skip_model());
  return m;
}
const ModelCase& chunks() {
  static const ModelCase m = make_model(testing::chunk_model());
  return m;
}

/// Reasons that certificate.cc can reject for; those of inputs and outputs without the word.
const std::set<std::string>& rules() {
  static const std::set<std::string> all = [] {
    std::ifstream in(DSPERSE_SOURCE_DIR "/src/dsperse/proof/certificate.cc");
    std::stringstream text;
    text << in.rdbuf();
    std::string s = text.str();
    std::set<std::string> out;
    for (const std::regex& pattern :
         {std::regex("Verdict::reject\\(\"([^\"]+)\"[,)]"), std::regex("Verdict::reject\\(what \\+ \"([^\"]+)\""),
          std::regex("Verdict::reject\\(\"([^\"]+)\" \\+ what")})
      for (std::sregex_iterator it(s.begin(), s.end(), pattern), end; it != end; ++it) out.insert((*it)[1]);
    return out;
  }();
  return all;
}
std::set<std::string>& tried() {
  static std::set<std::string> out;
  return out;
}

void accepts(const ModelCase& m, const Certificate& c, const Expectation& user) {
  const CertificateVerdict v = verify_certificate(m.key, c, user);
  EXPECT_TRUE(v.verdict) << v.verdict.reason << " at " << v.verdict.where;
}
void rejects(const std::string& reason, const ModelCase& m, const Certificate& c, const Expectation& user,
             const std::string& where = {}) {
  const CertificateVerdict v = verify_certificate(m.key, c, user);
  EXPECT_FALSE(v.verdict) << "accepted; expected " << reason;
  EXPECT_EQ(v.verdict.reason, reason);
  for (const std::string& rule : rules())
    if (reason.ends_with(rule) || reason.starts_with(rule))
      soundness::attacked("certificate", rule, 0, 1, v.verdict ? 1 : 0), tried().insert(rule);
  if (!where.empty()) {
    EXPECT_EQ(v.verdict.where.find(where), 0U) << v.verdict.where;
  }
}
Certificate changed(const ModelCase& m, const std::function<void(Certificate&)>& change) {
  Certificate c = m.certificate;
  change(c);
  return c;
}
Expectation wants(const ModelCase& m, const std::function<void(Expectation&)>& change) {
  Expectation e = m.user;
  change(e);
  return e;
}

TEST(Certificate, HonestOnesAreAccepted) {
  for (const ModelCase* m : {&skip(), &chunks()}) {
    const CertificateVerdict v = verify_certificate(m->key, m->certificate, m->user);
    EXPECT_TRUE(v.verdict) << v.verdict.reason << " at " << v.verdict.where;
    EXPECT_TRUE(v.model_pinned);
    EXPECT_TRUE(v.fresh);
    EXPECT_EQ(v.coverage.slices, 3U);
    EXPECT_EQ(v.coverage.slices_proved, 3U);
    EXPECT_EQ(v.coverage.macs, 3U * 18U);
    EXPECT_EQ(v.coverage.macs_proved, v.coverage.macs);
    EXPECT_EQ(v.coverage.macs_cone, v.coverage.macs);
    EXPECT_EQ(v.coverage.ops, v.coverage.ops_proved);
  }
  Expectation loose = skip().user;
  loose.model_id.reset();
  loose.nonce.reset();
  const CertificateVerdict v = verify_certificate(skip().key, skip().certificate, loose);
  EXPECT_TRUE(v.verdict);
  EXPECT_FALSE(v.model_pinned);
  EXPECT_FALSE(v.fresh) << "freshness was not checked, and the verdict says so";
}

TEST(Certificate, CoverageSaysWhatIsTrueOfTheInputAlone) {
  struct Row {
    std::set<std::uint32_t> policy;
    std::uint64_t proved, cone;
  };
  for (const Row& r : std::vector<Row>{{{0, 2}, 36, 18}, {{1, 2}, 36, 0}, {{0}, 18, 18}, {{0, 1}, 36, 36}, {{}, 0, 0}}) {
    const auto user = wants(skip(), [&](Expectation& e) { e.policy = r.policy; });
    const CertificateVerdict v = verify_certificate(skip().key, skip().only(r.policy), user);
    EXPECT_TRUE(v.verdict) << v.verdict.reason;
    EXPECT_EQ(v.coverage.macs_proved, r.proved);
    EXPECT_EQ(v.coverage.macs_cone, r.cone);
  }
}

TEST(Certificate, PolicyIsTheUsers) {
  const ModelCase& m = skip();
  const std::string missing = "proof missing: the policy asks for it", order = "proofs are not in order, each slice once",
                    extra = "a proof that the policy does not ask for";
  rejects(missing, m, m.only({0, 2}), m.user, "slice 1");  // without a policy everything is wanted
  rejects(order, m, changed(m, [](Certificate& c) { c.slices.push_back(c.slices[2]); }), m.user);
  rejects(order, m, changed(m, [](Certificate& c) { std::swap(c.slices[0], c.slices[1]); }), m.user);
  rejects(order, m, changed(m, [](Certificate& c) { c.slices[1] = c.slices[0]; }), m.user);
  rejects(extra, m, m.certificate, wants(m, [](Expectation& e) { e.policy = {0, 1}; }));
  rejects(missing, m, m.only({0, 2}), wants(m, [](Expectation& e) { e.policy = {0, 1}; }));
  rejects("policy names no slice", m, m.only({0}), wants(m, [](Expectation& e) { e.policy = {0, 3}; }));
  // A proof of one slice under the number of another.
  const Certificate swapped = changed(m, [](Certificate& c) { std::swap(c.slices[0].proof, c.slices[1].proof); });
  EXPECT_FALSE(verify_certificate(m.key, swapped, m.user).verdict);
}

TEST(Certificate, BoundaryTable) {
  const ModelCase& m = skip();
  const auto user = wants(m, [](Expectation& e) { e.policy = {0}; });  // b lies between unproved slices: one entry all the same
  const auto table = [&](const std::function<void(std::vector<Boundary>&)>& change) {
    Certificate c = m.only({0});
    change(c.table);
    return c;
  };
  accepts(m, table([](auto&) {}), user);
  const std::string cover = "boundary table does not cover the chunks", order = "boundary table out of order",
                    kind = "root or values";
  rejects(cover, m, table([](auto& t) { t.pop_back(); }), user);
  rejects(cover, m, table([](auto& t) { t.push_back(t[0]); }), user);
  rejects(cover, m, table([](auto& t) { t.erase(t.begin() + 2); }), user);
  rejects(order, m, table([](auto& t) { std::swap(t[1], t[2]); }), user);
  rejects(order, m, table([](auto& t) { t[2] = t[1]; }), user);
  rejects(order, m, table([](auto& t) { t[2].chunk = 7; }), user);
  rejects(kind, m, table([](auto& t) { t[2].root.reset(), t[2].values.assign(6, 0); }), user);
  rejects(kind, m, table([](auto& t) { t[3].root = Digest{}; }), user);
  rejects(kind, m, table([](auto& t) { t[2].values.assign(6, 0); }), user);
  rejects("public values", m, table([](auto& t) { t[3].values.pop_back(); }), user);
  rejects("public values", m, table([](auto& t) { t[3].values.push_back(0); }), user);
  rejects("public value out of range", m, table([](auto& t) { t[3].values[0] = 32; }), user);  // though its slice is not proved
  rejects("public value out of range", m, table([](auto& t) { t[3].values[5] = -32; }), user);
}

TEST(Certificate, SlicesAreLinkedByRoots) {
  const ModelCase& m = skip();
  // b committed anew: the proofs of slices 1 and 2 were for the other root.
  rejects("u does not evaluate to v", m, changed(m, [](Certificate& c) { c.table[2].root = Digest{}; }), m.user, "slice 1");
  // Slice 1 honestly proved on another commitment of a, or on other values of a: its a is not slice 0's a.
  for (const bool other_values : {false, true}) {
    ModelCase lie = make_model(testing::skip_model());
    quantize::IntTensor a = lie.values[1];
    if (other_values) a[0] += a[0] < 31 ? 1 : -1;
    lie.traces[1][lie.key.slices[1].inputs[0].tensor] = a;
    testing::evaluate(lie.key.slices[1].program, lie.weights[1], lie.traces[1]);
    lie.trees[1] = *commit_boundary(Profile::bits100, lie.key.slices[1].boundary, lie.key.chunks[1], a, test_seed(9));
    lie.trees[2] = *commit_boundary(Profile::bits100, lie.key.slices[1].boundary, lie.key.chunks[2],
                                    lie.traces[1][lie.key.slices[1].outputs[0].tensor], test_seed(1, "boundaries"));
    const Certificate honest = lie.certificate;
    lie.certificate.table[1].root = lie.trees[1].root();
    lie.certificate.table[2].root = lie.trees[2].root();
    const SliceProof alone = lie.prove(1);
    EXPECT_TRUE(verify_slice(lie.key.slices[1], lie.statement(1), alone.proof)) << "true of its own input";
    lie.certificate = honest;
    Certificate c = honest;
    c.slices[1] = alone;
    const CertificateVerdict v = verify_certificate(lie.key, c, lie.user);
    EXPECT_FALSE(v.verdict);
    EXPECT_EQ(v.verdict.where.find("slice 1"), 0U);
  }
}

TEST(Certificate, ChunksOfAnEdgeAreNotInterchangeable) {
  const ModelCase& m = chunks();
  const CertificateVerdict v =
      verify_certificate(m.key, changed(m, [](Certificate& c) { std::swap(c.table[1].root, c.table[2].root); }), m.user);
  EXPECT_FALSE(v.verdict);
  EXPECT_EQ(v.verdict.where.find("slice 0"), 0U);
}

TEST(Certificate, TheUsersTensors) {
  const ModelCase& m = skip();
  const std::string in = "input differs from the certificate", out = "output differs from the certificate";
  rejects(in, m, m.certificate, wants(m, [](Expectation& e) { (*e.inputs["x"].values)[0] ^= 1; }), "x");
  rejects(in, m, m.certificate, wants(m, [](Expectation& e) { e.inputs["x"].values->push_back(0); }), "x");
  rejects(in, m, m.certificate, wants(m, [](Expectation& e) { e.inputs["x"].values.reset(); }), "x");
  rejects(in, m, m.certificate, wants(m, [](Expectation& e) { e.inputs["x"].roots.emplace_back(); }), "x");
  rejects(out, m, m.certificate, wants(m, [](Expectation& e) { (*e.outputs["y"].values)[5] ^= 1; }), "y");
  // a is an output that is also consumed inside; it is compared all the same.
  rejects(out, m, m.certificate, wants(m, [](Expectation& e) { e.outputs["a"].roots[0][0] ^= 1; }), "a");
  rejects(out, m, m.certificate, wants(m, [](Expectation& e) { e.outputs["a"].roots.clear(); }), "a");
  rejects(out, m, m.certificate, wants(m, [](Expectation& e) { e.outputs["a"].values.emplace(6, 0); }), "a");
  rejects("input not given", m, m.certificate, wants(m, [](Expectation& e) { e.inputs.clear(); }), "x");
  rejects("output not given", m, m.certificate, wants(m, [](Expectation& e) { e.outputs.erase("a"); }), "a");
  rejects("the model has no such input", m, m.certificate, wants(m, [](Expectation& e) { e.inputs["b"] = e.outputs["a"]; }), "b");
  rejects("the model has no such output", m, m.certificate, wants(m, [](Expectation& e) { e.outputs["b"] = e.outputs["a"]; }),
          "b");
  // The certificate's own values changed to what the user expects: the proof is for the others.
  const auto forged = [&](std::uint32_t chunk) {
    return changed(m, [&](Certificate& c) { c.table[chunk].values[0] += c.table[chunk].values[0] < 31 ? 1 : -1; });
  };
  const Certificate y = forged(3), x = forged(0);
  const CertificateVerdict vy =
      verify_certificate(m.key, y, wants(m, [&](Expectation& e) { e.outputs["y"].values = y.table[3].values; }));
  EXPECT_FALSE(vy.verdict);
  EXPECT_EQ(vy.verdict.where.find("slice 2"), 0U);
  const CertificateVerdict vx =
      verify_certificate(m.key, x, wants(m, [&](Expectation& e) { e.inputs["x"].values = x.table[0].values; }));
  EXPECT_FALSE(vx.verdict);
  EXPECT_EQ(vx.verdict.where.find("slice 0"), 0U);
}

TEST(Certificate, ModelNonceAndRun) {
  const ModelCase& m = skip();
  rejects("the key is not the pinned model", m, m.certificate, wants(m, [](Expectation& e) { (*e.model_id)[0] ^= 1; }));
  rejects("certificate of another model", m, changed(m, [](Certificate& c) { c.model_id[0] ^= 1; }), m.user);
  rejects("nonce differs: the certificate is not for this request", m, m.certificate,
          wants(m, [](Expectation& e) { e.nonce = Bytes{1}; }));
  rejects("nonce differs: the certificate is not for this request", m, changed(m, [](Certificate& c) { c.nonce.push_back(0); }),
          m.user);
  // The run id is in every statement: another nonce or salt, also when the user does not look, is another run.
  const auto any = wants(m, [](Expectation& e) { e.nonce.reset(); });
  accepts(m, m.certificate, any);
  for (const Certificate& c :
       {changed(m, [](Certificate& x) { x.salt[0] ^= 1; }), changed(m, [](Certificate& x) { x.nonce.push_back(0); }),
        changed(m, [](Certificate& x) { x.nonce.clear(); })}) {
    const CertificateVerdict v = verify_certificate(m.key, c, any);
    EXPECT_FALSE(v.verdict);
    EXPECT_EQ(v.verdict.where.find("slice 0"), 0U);
  }
  // Another key of equal shape: the user's model decides.
  ModelKey other = m.key;
  other.edges[1].is_output = false;
  other.edges[1].io.reset();
  EXPECT_FALSE(verify_certificate(other, m.certificate, m.user).verdict);
  EXPECT_NE(run_id(m.key.id(), m.certificate.nonce, m.certificate.salt),
            run_id(other.id(), m.certificate.nonce, m.certificate.salt));
}

TEST(Certificate, WeightRanges) {
  ModelCase m = make_model(testing::skip_model());
  m.key.slices[1].range_proof = m.key.slices[0].range_proof;  // the id stays
  const CertificateVerdict v = verify_certificate(m.key, m.certificate, m.user);
  EXPECT_FALSE(v.verdict);
  EXPECT_EQ(v.verdict.where.find("slice 1 > weight ranges"), 0U);
}

TEST(Certificate, Openings) {
  const ModelCase& m = chunks();
  const auto opened = [&](std::uint32_t slice, std::uint32_t opening) {
    Certificate c = m.certificate;
    const SliceKey& k = m.key.slices[slice];
    Statement s = m.statement(slice);
    s.opening = c.slices[slice].opening = opening;
    SliceWitness w{&m.weights[slice], &m.traces[slice], m.epochs[slice].impl ? &m.epochs[slice] : &m.origins[slice], {}};
    for (const Port& p : k.ports()) w.boundaries.push_back(p.is_public ? nullptr : &m.trees[p.chunk]);
    c.slices[slice].proof = *prove_slice_forged<2>(k, s, w, {});  // the honest prover refuses to
    return c;
  };
  accepts(m, opened(1, 15), m.user);
  rejects("opening budget", m, opened(1, 16), m.user, "slice 1");           // one beyond the budget, honestly proved
  rejects("opening budget", m, opened(1, 0), m.user, "slice 1");            // the range proof's own
  rejects("an opening is used twice", m, opened(0, 0), m.user, "slice 0");  // the link's opening of the epoch
  // The index is in the statement: it can't be changed afterwards.
  const CertificateVerdict v = verify_certificate(m.key, changed(m, [](Certificate& c) { c.slices[1].opening = 2; }), m.user);
  EXPECT_FALSE(v.verdict);
}

TEST(Certificate, Epochs) {
  const ModelCase& m = chunks();
  const SliceKey& key = m.key.slices[0];
  const EpochLink link = m.certificate.slices[0].links[0];
  EXPECT_TRUE(verify_link(key, link));
  rejects("epoch without link", m, changed(m, [](Certificate& c) { c.slices[0].links.clear(); }), m.user, "slice 0");
  rejects("epoch without link", m, changed(m, [](Certificate& c) { (*c.slices[0].weights)[0] ^= 1; }), m.user, "slice 0");
  rejects("epoch links do not start at the key's weights", m,
          changed(m, [](Certificate& c) { c.slices[0].links[0].base[0] ^= 1; }), m.user, "slice 0");
  rejects("an opening is used twice", m,
          changed(m,
                  [](Certificate& c) {
                    c.slices[1].links = {};
                    c.slices[0].opening = 0;
                  }),
          m.user, "slice 0");
  const std::vector<std::pair<std::string, std::function<void(EpochLink&)>>> changes{
      {"", [](EpochLink& l) { l.base[0] ^= 1; }},
      {"", [](EpochLink& l) { l.epoch[0] ^= 1; }},
      {"", [](EpochLink& l) { l.base_opening = 2; }},
      {"", [](EpochLink& l) { l.epoch_opening = 1; }},
      {"opening budget", [](EpochLink& l) { l.base_opening = 16; }},
      {"opening budget", [](EpochLink& l) { l.epoch_opening = 16; }},
      {"opening budget", [](EpochLink& l) { l.base_opening = 0; }},
      {"epoch link to itself", [](EpochLink& l) { l.epoch = l.base; }},
      {"", [](EpochLink& l) { std::swap(l.base, l.epoch); }},
      {"proof length", [](EpochLink& l) { l.proof.clear(); }}};
  for (const auto& [reason, change] : changes) {
    EpochLink bad = link;
    change(bad);
    const Verdict v = verify_link(key, bad);
    EXPECT_FALSE(v);
    if (!reason.empty()) {
      EXPECT_EQ(v.reason, reason);
    }
  }
  EXPECT_FALSE(verify_link(m.key.slices[1], link)) << "another key's link";
  // An epoch of other weights, for each weight: the honest prover's link does not convince.
  for (std::size_t w = 0; w < m.weights[0].size(); ++w) {
    quantize::WeightStore other = m.weights[0];
    if (other[w].narrow.empty())
      other[w].wide[0] += other[w].wide[0] > 0 ? -1 : 1;
    else
      other[w].narrow[0] = static_cast<std::int16_t>(other[w].narrow[0] > 0 ? other[w].narrow[0] - 1 : other[w].narrow[0] + 1);
    const WeightCommitment tree = *commit_weights(key, other, test_seed(3));
    EpochLink l{*key.weight_root, *tree.root(), 1, 0, {}};
    l.proof = *prove_link(key, l, m.origins[0], tree);
    const Verdict v = verify_link(key, l);
    EXPECT_FALSE(v);
    EXPECT_EQ(v.reason, "end check");
  }
}

/// Epochs lie at depth one or two from the origin, no deeper.
TEST(Certificate, DepthOfEpochs) {
  ModelCase m = make_model(testing::chunk_model());
  const SliceKey& key = m.key.slices[0];
  std::vector<const WeightCommitment*> trees{&m.origins[0]};
  std::vector<WeightCommitment> made;
  made.reserve(3);
  for (std::uint64_t i = 0; i < 3; ++i) {
    made.push_back(*commit_weights(key, m.weights[0], test_seed(i, "depth")));
    trees.push_back(&made.back());
  }
  std::vector<EpochLink> links;
  for (std::size_t i = 0; i < 3; ++i) {
    EpochLink l{*trees[i]->root(), *trees[i + 1]->root(), 1, 0, {}};
    l.proof = *prove_link(key, l, *trees[i], *trees[i + 1]);
    links.push_back(std::move(l));
  }
  for (std::size_t depth = 1; depth <= 3; ++depth) {
    Statement s = m.statement(0);
    s.weights = trees[depth]->root();
    s.opening = 5;
    SliceWitness w{&m.weights[0], &m.traces[0], trees[depth], {}};
    for (const Port& p : key.ports()) w.boundaries.push_back(p.is_public ? nullptr : &m.trees[p.chunk]);
    Certificate c = m.certificate;
    c.slices[0] = {
        0, s.weights, s.opening, {links.begin(), links.begin() + static_cast<std::ptrdiff_t>(depth)}, *prove_slice(key, s, w)};
    if (depth < 3) {
      accepts(m, c, m.user);
      const auto bytes = encode_certificate(c);
      EXPECT_TRUE(decode_certificate(m.key, bytes).has_value());
    } else {
      rejects("epoch links are deeper than two", m, c, m.user, "slice 0");
      EXPECT_FALSE(decode_certificate(m.key, encode_certificate(c)).has_value());
    }
  }
}

/// A remembered link is not verified again, but all that is said of it holds: key, bytes, rules.
TEST(Certificate, RememberedLinks) {
  const ModelCase& m = chunks();
  const EpochLink link = m.certificate.slices[0].links[0];
  const CertificateVerdict first = verify_certificate(m.key, m.certificate, m.user);
  ASSERT_TRUE(first.verdict);
  EXPECT_EQ(first.checked_links, std::vector<Digest>{link_digest(m.key.slices[0], link)});
  const Expectation user = wants(m, [&](Expectation& e) { e.known_links = {first.checked_links[0]}; });
  const CertificateVerdict again = verify_certificate(m.key, m.certificate, user);
  EXPECT_TRUE(again.verdict);
  EXPECT_TRUE(again.checked_links.empty());
  // Whatever differs is not what was remembered.
  const std::vector<std::function<void(EpochLink&)>> changes{
      [](EpochLink& l) { l.epoch[0] ^= 1; }, [](EpochLink& l) { l.base_opening = 2; }, [](EpochLink& l) { l.epoch_opening = 1; },
      [](EpochLink& l) { l.proof[l.proof.size() / 2] ^= 1; }, [](EpochLink& l) { l.proof.clear(); }};
  for (const auto& change : changes) {
    EpochLink bad = link;
    change(bad);
    EXPECT_NE(link_digest(m.key.slices[0], bad), first.checked_links[0]);
    const Certificate c = changed(m, [&](Certificate& x) { x.slices[0].links[0] = bad; });
    const CertificateVerdict v = verify_certificate(m.key, c, user);
    EXPECT_FALSE(v.verdict);
    EXPECT_TRUE(v.checked_links.empty()) << "a rejected link must not be remembered";
  }
  EXPECT_NE(link_digest(m.key.slices[1], link), first.checked_links[0]) << "another slice's";
  // The rules are checked all the same.
  rejects("an opening is used twice", m, changed(m, [](Certificate& c) { c.slices[0].opening = 0; }), user, "slice 0");
  rejects("epoch without link", m, changed(m, [](Certificate& c) { (*c.slices[0].weights)[0] ^= 1; }), user, "slice 0");
  rejects("epoch links do not start at the key's weights", m,
          changed(m, [](Certificate& c) { c.slices[0].links.push_back(c.slices[0].links[0]); }), user, "slice 0");
}

TEST(Certificate, WithoutWeightsThereAreNoEpochs) {
  testing::ModelSpec spec;
  quantize::testing::Builder b;
  const auto x = b.input({2, 3}, -7, 7);
  b.rearrange({0, {3, 2}, 0, {{x, {2, 3}, {{0, {{1, 1}}}, {0, {{0, 1}}}}}}}, {3, 2}, -7, 7);
  spec.slices = {{b.done(), {"x"}, {"y"}}};
  spec.edges = {{"x", {0}, true, false, {}}, {"y", {1}, false, true, {}}};
  spec.chunks = {"x", "y"};
  spec.publics = {"y"};
  const ModelCase m = make_model(spec);
  accepts(m, m.certificate, m.user);
  rejects("epoch link without weights", m, changed(m, [](Certificate& c) { c.slices[0].links.emplace_back(); }), m.user,
          "slice 0");
  rejects("weights", m, changed(m, [](Certificate& c) { c.slices[0].weights = Digest{}; }), m.user, "slice 0");
  rejects("opening budget", m, changed(m, [](Certificate& c) { c.slices[0].opening = 1; }), m.user, "slice 0");
  EXPECT_FALSE(verify_link(m.key.slices[0], EpochLink{}));
}

TEST(Certificate, ASliceInFloatIsNeverProved) {
  ModelCase m = make_model(testing::skip_model());
  SliceKey& s = m.key.slices[1];
  const SliceProof old = m.certificate.slices[1];
  s = testing::in_float_instead_of(s);
  m.certificate.model_id = m.key.id();
  m.user.model_id = m.key.id();
  m.certificate.slices = {m.prove(0), m.prove(2)};
  Expectation user = m.user;
  user.policy = {0, 2};
  accepts(m, m.certificate, user);
  const std::string reason = "a proof is asked for a slice that runs in float: nothing but trust can hold it";
  const std::string where = "slice 1, run in float by engine 1.0";
  for (const auto& policy : {std::optional<std::set<std::uint32_t>>(), std::optional(std::set<std::uint32_t>{0, 1, 2})}) {
    user.policy = policy;
    rejects(reason, m, m.certificate, user, where);
  }
  // With something in the place of its proof, also where a record would let one count that the policy does not ask for.
  Certificate forged = m.certificate;
  forged.slices.insert(forged.slices.begin() + 1, old);
  rejects(reason, m, forged, user, where);
  user.policy = {0, 2};
  forged.record = {1};
  rejects(reason, m, forged, user, where);
}

TEST(Certificate, EveryRuleIsAttackedAbove) {
  EXPECT_GT(rules().size(), 18U);
  for (const std::string& rule : rules()) {
    soundness::known("certificate", rule);
    EXPECT_TRUE(tried().contains(rule)) << "no attack on: " << rule;
  }
}

TEST(CertificateBytes, AreCanonical) {
  for (const ModelCase* m : {&skip(), &chunks()}) {
    const Bytes bytes = encode_certificate(m->certificate);
    const auto again = decode_certificate(m->key, bytes);
    ASSERT_TRUE(again.has_value()) << again.error().text();
    EXPECT_EQ(encode_certificate(*again), bytes);
    accepts(*m, *again, m->user);
  }
}

TEST(CertificateBytes, TruncatedTrailingFlipped) {
  const ModelCase& m = chunks();
  const Bytes bytes = encode_certificate(m.certificate);
  for (std::size_t n = 0; n < bytes.size(); n += n < 600 ? 1 : 1999)
    EXPECT_FALSE(decode_certificate(m.key, ByteView(bytes).first(n)).has_value());
  Bytes longer = bytes;
  longer.push_back(0);
  EXPECT_FALSE(decode_certificate(m.key, longer).has_value());
  EXPECT_FALSE(decode_certificate(m.key, {}).has_value());
  std::mt19937_64 rng(11);
  for (std::size_t i = 0; i < bytes.size(); i += i < 400 ? 3 : 17389) {
    Bytes bad = bytes;
    bad[i] ^= static_cast<std::uint8_t>(1U << rng() % 8);
    const auto c = decode_certificate(m.key, bad);
    if (c) {
      EXPECT_FALSE(verify_certificate(m.key, *c, m.user).verdict) << "byte " << i;
    }
  }
  // Huge counts are refused before anything is allocated.
  for (std::size_t i = 0; i + 4 <= 200; ++i) {
    Bytes bad = bytes;
    for (std::size_t k = 0; k < 4; ++k) bad[i + k] = 0xFF;
    const auto c = decode_certificate(m.key, bad);
    if (c) {
      EXPECT_FALSE(verify_certificate(m.key, *c, m.user).verdict) << "bytes from " << i;
    }
  }
}

// A record is bytes to this room: it changes no verdict on proofs, but lets more be proved than was asked for.
TEST(Certificate, MayEndWithARecord) {
  const ModelCase& m = skip();
  const Bytes plain = encode_certificate(m.certificate);
  EXPECT_EQ(std::string(plain.begin(), plain.begin() + 8), "DSCRT001");
  Certificate c = m.certificate;
  c.record = {7, 8, 9};
  const Bytes bytes = encode_certificate(c);
  EXPECT_EQ(std::string(bytes.begin(), bytes.begin() + 8), "DSCRT002");
  const auto back = decode_certificate(m.key, bytes);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->record, c.record);
  EXPECT_EQ(encode_certificate(*back), bytes);
  accepts(m, *back, m.user);
  for (std::size_t n = bytes.size() - 8; n < bytes.size(); ++n) EXPECT_FALSE(decode_certificate(m.key, ByteView(bytes).first(n)));
  Bytes longer = bytes, empty(bytes.begin(), bytes.end() - 3), unsaid = bytes;
  longer.push_back(0);
  empty[empty.size() - 4] = 0;
  unsaid[7] = '1';
  for (const Bytes& other : {longer, empty, unsaid}) EXPECT_FALSE(decode_certificate(m.key, other));

  const Expectation less = wants(m, [](Expectation& e) { e.policy = std::set<std::uint32_t>{0}; });
  rejects("a proof that the policy does not ask for", m, m.certificate, less);
  const CertificateVerdict v = verify_certificate(m.key, c, less);
  EXPECT_TRUE(v.verdict) << v.verdict.reason;
  EXPECT_EQ(v.coverage.slices_proved, m.certificate.slices.size());
  c.slices.erase(c.slices.begin());
  rejects("proof missing: the policy asks for it", m, c, less, "slice 0");
  c = m.certificate;
  c.record = {7};
  c.slices.push_back(c.slices.back());
  c.slices.back().slice = 1000;
  rejects("a proof that the policy does not ask for", m, c, less);
}

}  // namespace
}  // namespace dsperse::proof
