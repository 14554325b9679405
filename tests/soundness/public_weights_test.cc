// Weights that the key shows: lies about them, keys whose weights are not what they declare, and the honest twins.
#include <gtest/gtest.h>

#include "dsperse/proof/slice_argument.h"
#include "dsperse/proof/testing/model.h"
#include "slices.h"

namespace dsperse::soundness {
namespace {

using proof::Profile;
using relation::IntView;

/// Every slice that has weights, in both profiles.
std::vector<NamedSlice> weighted() {
  std::vector<NamedSlice> out;
  for (NamedSlice& s : attack_slices()) {
    if (s.program.weights.empty()) continue;
    s.options.public_weights = true;
    for (const Profile p : {Profile::bits100, Profile::bits128}) {
      out.push_back(s);
      out.back().options.profile = p;
    }
  }
  return out;
}

void add(quantize::WeightValues& w, std::size_t i, std::int64_t x) {
  if (w.narrow.empty())
    w.wide[i] += x;
  else
    w.narrow[i] = static_cast<std::int16_t>(w.narrow[i] + x);
}

/// The weight moved by one, inside its bound.
quantize::WeightStore changed(const SliceCase& c, std::size_t w, std::size_t i) {
  quantize::WeightStore out = c.weights;
  add(out[w], i, out[w].at(i) < c.program.weights[w].max_abs ? 1 : -1);
  return out;
}

TEST(PublicWeights, HonestTwinsOfEveryOperator) {
  for (const NamedSlice& s : weighted()) {
    const SliceCase c = *make_case(s.program, s.options);
    EXPECT_FALSE(c.key.weight_root || c.statement.weights || c.weight_tree.impl) << s.name;
    EXPECT_TRUE(c.key.range_proof.empty());
    EXPECT_TRUE(proof::verify_ranges(c.key));
    const auto bytes = c.prove();
    ASSERT_TRUE(bytes) << s.name << ": " << bytes.error().text();
    EXPECT_TRUE(c.verify(*bytes)) << s.name;
  }
}

/// The whole run is one of other weights, trace and commitments too; the key shows the weights that were promised.
TEST(PublicWeights, ARunOfOtherWeightsIsRejected) {
  for (const NamedSlice& s : weighted()) {
    SliceCase c = *make_case(s.program, s.options);
    for (std::size_t w = 0; w < c.weights.size(); ++w)
      for (const std::size_t i : {std::size_t{0}, c.weights[w].size() - 1}) {
        SliceCase lie = *make_case(s.program, s.options, c.weights, c.trace);
        lie.weights = changed(c, w, i);
        lie.run();
        lie.restate();
        const bool same = lie.trace == c.trace;  // rounding may hide it; then the proof's constraints still do not hold
        const Outcome o = attack_values(lie);
        EXPECT_FALSE(o.verdict) << s.name << " weight " << w << "[" << i << "]" << (same ? ", same trace" : "");
        EXPECT_EQ(o.verdict.reason, "end check") << s.name;
      }
  }
}

/// The honest trace and the key's weights, but the product's sumcheck runs on other weights: accumulator and factor messages lie.
template <int D>
void false_factor(const NamedSlice& s) {
  const SliceCase c = *make_case(s.program, s.options);
  const relation::Relation relation = proof::slice_relation(c.key).value();
  for (std::uint32_t p = 0; p < relation.products.size(); ++p) {
    const std::uint32_t w =
        relation.products[p].b.tensor < c.weights.size() ? relation.products[p].b.tensor : relation.products[p].a.tensor;
    const bool in_b = relation.products[p].b.tensor < c.weights.size();
    if (w >= c.weights.size()) continue;  // two tensors
    const quantize::WeightStore other = changed(c, w, 0);
    SliceForge<D> f;
    f.schedule.factor = [&](std::uint32_t index, bool is_b, IntView honest) {
      return index == p && is_b == in_b ? IntView(std::span<const std::int16_t>(other[w].narrow)) : honest;
    };
    const auto o = attack<D>(c, f);
    EXPECT_EQ(o.verdict.reason, "end check") << s.name;
    EXPECT_FALSE(o.checks.empty());
  }
}
TEST(PublicWeights, AFalseFactorIsRejected) {
  for (const NamedSlice& s : weighted()) s.options.profile == Profile::bits100 ? false_factor<2>(s) : false_factor<3>(s);
}

/// A weight changed in the key: another digest, so no proof or statement of the one passes under the other.
TEST(PublicWeights, EveryWeightIsInTheDigest) {
  const NamedSlice s = weighted().front();
  const SliceCase c = *make_case(s.program, s.options);
  const Bytes honest = *c.prove();
  for (std::size_t w = 0; w < c.weights.size(); ++w)
    for (std::size_t i = 0; i < c.weights[w].size(); ++i) {
      proof::SliceKey key = c.key;
      key.public_weights = changed(c, w, i);
      EXPECT_NE(key.digest(), c.key.digest());
      EXPECT_EQ(proof::verify_slice(key, c.statement, honest).reason, "statement names another key");
      proof::Statement renamed = c.statement;
      renamed.key = key.digest();
      EXPECT_FALSE(proof::verify_slice(key, renamed, honest));
    }
}

/// A forged key whose proof is honest for it, under the verifier's key; and the other way round.
TEST(PublicWeights, ProofsOfAnotherKeysWeightsAreRejected) {
  const NamedSlice s = weighted().front();
  const SliceCase c = *make_case(s.program, s.options);
  const SliceCase other = *make_case(s.program, s.options, changed(c, 0, 0), c.trace);
  const Bytes proof = *other.prove();
  EXPECT_TRUE(other.verify(proof));
  EXPECT_EQ(proof::verify_slice(c.key, other.statement, proof).reason, "statement names another key");
  proof::Statement renamed = other.statement;
  renamed.key = c.key.digest();
  EXPECT_FALSE(proof::verify_slice(c.key, renamed, proof));
}

TEST(PublicWeights, StatementsNameNoTreeAndNoOpening) {
  const NamedSlice s = weighted().front();
  const SliceCase c = *make_case(s.program, s.options);
  const Bytes honest = *c.prove();
  proof::Statement t = c.statement;
  t.weights = Digest{};
  EXPECT_EQ(proof::verify_slice(c.key, t, honest).reason, "weights");
  t = c.statement;
  t.opening = 1;
  EXPECT_EQ(proof::verify_slice(c.key, t, honest).reason, "opening budget");
  // A key that hides the same weights is another key; its proofs open a tree that this one does not have.
  auto options = s.options;
  options.public_weights = false;
  const SliceCase hidden = *make_case(s.program, options, c.weights, c.trace);
  const Bytes bytes = *hidden.prove();
  EXPECT_TRUE(hidden.verify(bytes));
  t = hidden.statement;
  t.key = c.key.digest();
  EXPECT_EQ(proof::verify_slice(c.key, t, bytes).reason, "weights");
  t.weights.reset();
  t.opening = 0;
  EXPECT_FALSE(proof::verify_slice(c.key, t, bytes));
  EXPECT_EQ(proof::verify_link(c.key, {Digest{1}, Digest{2}, 1, 0, {}}).reason, "weights");
}

/// One weight in many terms: each claim is a pass over it.
TEST(PublicWeights, WhatAKeyCanMakeAVerifierDoIsBounded) {
  const auto reads = [](std::size_t terms) {
    quantize::testing::Builder b;
    const quantize::Shape shape{2048, 2048};
    std::vector<quantize::Sum::Term> sum{{false, b.input(shape, -1, 1), 1}};
    const auto w = b.weight(shape, 1);
    while (sum.size() <= terms) sum.push_back({true, w, 1});
    b.sum(std::move(sum), shape, quantize::testing::simple_requant(0, quantize::Function::identity, 7));
    proof::SliceKey key;
    key.program = b.done();
    key.public_weights.resize(1);
    return proof::slice_relation(key);
  };
  EXPECT_TRUE(reads(8).has_value());
  const auto many = reads(60);
  ASSERT_FALSE(many.has_value());
  EXPECT_EQ(many.error().kind, ErrorKind::unsupported);
  EXPECT_NE(many.error().what.find("too often"), std::string::npos) << many.error().what;
}

class PublicModel : public ::testing::Test {
 protected:
  static const proof::testing::ModelCase& model() {
    static const proof::testing::ModelCase made = [] {
      proof::testing::ModelSpec spec = proof::testing::skip_model();
      spec.public_weights = true;
      spec.slices[1].program.weights[1].max_abs = 1 << 20;  // a wide one: three bytes a value
      return proof::testing::make_model(std::move(spec));
    }();
    return made;
  }
  void refused(const std::string& reason, const std::function<void(proof::ModelKey&)>& change) {
    proof::ModelKey key = model().key;
    change(key);
    const Status s = proof::check_model_key(key);
    ASSERT_FALSE(s.has_value()) << reason;
    EXPECT_NE(s.error().what.find(reason), std::string::npos) << s.error().what;
    EXPECT_FALSE(proof::verify_certificate(key, model().certificate, model().user).verdict);
  }
};

TEST_F(PublicModel, CertificatesAndKeysGoThroughBytes) {
  EXPECT_TRUE(model().key.weights_public());
  const Bytes key = proof::encode_model_key(model().key), certificate = proof::encode_certificate(model().certificate);
  const auto again = proof::decode_model_key(key);
  ASSERT_TRUE(again) << again.error().text();
  EXPECT_EQ(again->id(), model().key.id());
  const auto decoded = proof::decode_certificate(*again, certificate);
  ASSERT_TRUE(decoded) << decoded.error().text();
  const auto verdict = proof::verify_certificate(*again, *decoded, model().user);
  EXPECT_TRUE(verdict.verdict) << verdict.verdict.reason;
  EXPECT_TRUE(verdict.checked_ranges.empty());
  for (std::size_t n = 0; n < key.size(); ++n) EXPECT_FALSE(proof::decode_model_key(ByteView(key).first(n))) << n;
  for (std::size_t i = 0; i < key.size(); ++i) {  // no byte is free: there is no range proof
    Bytes bad = key;
    bad[i] ^= static_cast<std::uint8_t>(1U << i % 8);
    const auto other = proof::decode_model_key(bad);
    EXPECT_TRUE(!other || other->id() != model().key.id()) << i;
  }
}

TEST_F(PublicModel, EveryWeightIsInTheModelId) {
  for (std::size_t s = 0; s < model().key.slices.size(); ++s)
    for (std::size_t w = 0; w < model().key.slices[s].public_weights.size(); ++w) {
      proof::ModelKey key = model().key;
      quantize::WeightValues& v = key.slices[s].public_weights[w];
      add(v, 0, v.at(0) > 0 ? -1 : 1);
      EXPECT_TRUE(proof::check_model_key(key));
      EXPECT_NE(key.id(), model().key.id());
      auto user = model().user;
      EXPECT_EQ(proof::verify_certificate(key, model().certificate, user).verdict.reason, "the key is not the pinned model");
      user.model_id.reset();
      EXPECT_EQ(proof::verify_certificate(key, model().certificate, user).verdict.reason, "certificate of another model");
      proof::Certificate renamed = model().certificate;
      renamed.model_id = key.id();
      EXPECT_FALSE(proof::verify_certificate(key, renamed, user).verdict);
    }
}

TEST_F(PublicModel, KeysWithWeightsBeyondTheirBoundAreRefused) {
  for (const std::size_t w : {std::size_t{0}, std::size_t{1}}) {
    const std::int64_t max = model().key.slices[1].program.weights[w].max_abs;
    const auto set = [&](proof::ModelKey& k, std::int64_t x) {
      quantize::WeightValues& v = k.slices[1].public_weights[w];
      if (v.narrow.empty())
        v.wide.back() = x;
      else
        v.narrow.back() = static_cast<std::int16_t>(x);
    };
    for (const std::int64_t sign : {1, -1}) {
      proof::ModelKey key = model().key;
      set(key, sign * max);
      EXPECT_TRUE(proof::check_model_key(key)) << "the bound itself";
      EXPECT_TRUE(proof::decode_model_key(proof::encode_model_key(key)));
      refused("beyond its declared bound", [&](proof::ModelKey& k) { set(k, sign * (max + 1)); });
      set(key, sign * (max + 1));  // still fits its bytes
      EXPECT_FALSE(proof::decode_model_key(proof::encode_model_key(key)));
    }
  }
  refused("beyond its declared bound", [](proof::ModelKey& k) { k.slices[1].public_weights[1].wide[0] = INT64_MIN; });
}

TEST_F(PublicModel, KeysWithMissingOrMixedWeightsAreRefused) {
  refused("public weights", [](proof::ModelKey& k) { k.slices[0].public_weights.clear(); });
  refused("public weights", [](proof::ModelKey& k) { k.slices[0].public_weights.pop_back(); });
  refused("public weights", [](proof::ModelKey& k) { k.slices[0].public_weights.emplace_back(); });
  refused("public weights", [](proof::ModelKey& k) { k.slices[0].public_weights[0].narrow.pop_back(); });
  refused("public weights", [](proof::ModelKey& k) { k.slices[0].public_weights[0].wide.push_back(0); });
  refused("weight tree", [](proof::ModelKey& k) { k.slices[0].weight_root = Digest{}; });
  refused("weight tree", [](proof::ModelKey& k) { k.slices[0].range_proof = {1}; });
  refused("weight tree", [](proof::ModelKey& k) { k.slices[0].weights = k.slices[0].witness; });
  static const auto hidden = proof::testing::make_model(proof::testing::skip_model());
  refused("some weights are hidden and some public", [](proof::ModelKey& k) {
    proof::SliceKey s = hidden.key.slices[1];
    s.inputs = k.slices[1].inputs, s.outputs = k.slices[1].outputs;
    k.slices[1] = s;
  });
  // The same in the other direction: values beside a tree.
  proof::ModelKey key = hidden.key;
  key.slices[0].public_weights = model().key.slices[0].public_weights;
  EXPECT_FALSE(proof::check_model_key(key));
}

TEST_F(PublicModel, CompilingRefusesWeightsBeyondTheirBound) {
  const NamedSlice s = weighted().front();
  const SliceCase c = *make_case(s.program, s.options);
  quantize::WeightStore w = c.weights;
  add(w[0], 0, c.program.weights[0].max_abs + 1 - w[0].at(0));
  const proof::SliceSpec spec{c.program, c.key.inputs, c.key.outputs, true};
  const auto compiled = proof::compile_slice(c.key.profile, spec, c.boundary, w, proof::testing::test_seed(1));
  ASSERT_FALSE(compiled);
  EXPECT_EQ(compiled.error().kind, ErrorKind::bad_input);
  SliceCase other = *make_case(s.program, s.options);
  other.weights = changed(c, 0, 0);
  EXPECT_FALSE(other.prove()) << "the honest prover proves the key's weights alone";
}

}  // namespace
}  // namespace dsperse::soundness
