#include "dsperse/proof/tie.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "dsperse/proof/forge.h"
#include "dsperse/proof/security.h"
#include "dsperse/proof/testing/model.h"
#include "dsperse/proof/verify.h"

namespace dsperse::proof {
namespace {

using ::testing::HasSubstr;
using testing::make_model;
using testing::ModelCase;
using testing::ModelSpec;

ModelCase tied(Profile profile = Profile::bits100) {
  ModelSpec spec = testing::tied_model();
  spec.profile = profile;
  return make_model(std::move(spec));
}

TEST(Ties, ACertificateOfTiedSlicesIsAccepted) {
  for (const Profile profile : {Profile::bits100, Profile::bits128}) {
    const ModelCase m = tied(profile);
    const CertificateVerdict v = m.verify(m.certificate, m.user);
    EXPECT_TRUE(v.verdict) << v.verdict.reason << " " << v.verdict.where;
    EXPECT_EQ(v.checked_ranges.size(), 3U + 2U);
    Expectation knowing = m.user;
    knowing.known_ranges.insert(v.checked_ranges.begin(), v.checked_ranges.end());
    EXPECT_TRUE(m.verify(m.certificate, knowing).checked_ranges.empty());
    // The whole key is checked, whichever slices are asked for.
    Expectation one = m.user;
    one.policy = {0};
    EXPECT_EQ(m.verify(m.only({0}), one).checked_ranges.size(), 1U + 2U);
  }
}

TEST(Ties, BytesAndId) {
  const ModelCase m = tied();
  const Bytes bytes = encode_model_key(m.key);
  const auto again = decode_model_key(bytes);
  ASSERT_TRUE(again) << again.error().text();
  EXPECT_EQ(again->ties, m.key.ties);
  EXPECT_EQ(again->id(), m.key.id());
  EXPECT_EQ(encode_model_key(*again), bytes);
  // What is tied is part of the model; the proofs are not, as range proofs are not.
  ModelKey other = m.key;
  other.ties[1].proof[7] ^= 1;
  EXPECT_EQ(other.id(), m.key.id());
  const std::vector<std::function<void(WeightTie&)>> changes{[](WeightTie& t) { ++t.slice; },
                                                             [](WeightTie& t) { --t.base; },
                                                             [](WeightTie& t) { ++t.weights[0].first; },
                                                             [](WeightTie& t) { ++t.weights[1].second; },
                                                             [](WeightTie& t) { t.weights.pop_back(); },
                                                             [](WeightTie& t) { --t.opening; },
                                                             [](WeightTie& t) { --t.base_opening; },
                                                             [](WeightTie& t) { ++t.witness.t; },
                                                             [](WeightTie& t) { ++t.end.code.r; }};
  for (const auto& change : changes) {
    ModelKey changed = m.key;
    change(changed.ties[1]);
    EXPECT_NE(changed.id(), m.key.id());
  }
  other.ties.pop_back();
  EXPECT_NE(other.id(), m.key.id());
  EXPECT_FALSE(decode_model_key(ByteView(bytes).first(bytes.size() - 1)));
  // A model without ties has no section for them.
  other.ties.clear();
  Bytes none = encode_model_key(other);
  EXPECT_TRUE(decode_model_key(none));
  none.insert(none.end(), 4, 0);
  EXPECT_FALSE(decode_model_key(none));
}

TEST(Ties, OtherWeightsCannotBeTied) {
  ModelCase m = tied();
  // A tree that differs in one weight, behind a root that the key shows.
  quantize::WeightStore other = m.weights[1];
  other[0].narrow[4] = static_cast<std::int16_t>(other[0].narrow[4] > 0 ? other[0].narrow[4] - 1 : other[0].narrow[4] + 1);
  const WeightCommitment tree = *commit_weights(m.key.slices[1], other, testing::test_seed(1, "other"));
  m.key.slices[1].weight_root = tree.root();
  WeightTie tie = m.key.ties[0];
  tie.proof = *prove_tie_forged<2>(m.key, tie, m.origins[0], tree, {});
  const Verdict v = verify_tie(m.key, tie);
  EXPECT_FALSE(v);
  EXPECT_EQ(v.where, "weights of slices 0 and 1");
  // Weights of the deep slice that are not the base's.
  tie = m.key.ties[1];
  tie.weights = {{2, 0}, {3, 1}};
  tie.proof = *prove_tie_forged<2>(m.key, tie, m.origins[1], m.origins[2], {});
  EXPECT_FALSE(verify_tie(m.key, tie));
}

TEST(Ties, AProofIsOfItsTieAlone) {
  const ModelCase m = tied();
  ASSERT_TRUE(verify_tie(m.key, m.key.ties[0]));
  ASSERT_TRUE(verify_tie(m.key, m.key.ties[1]));
  const auto changed = [&](auto change) {
    WeightTie tie = m.key.ties[1];
    change(tie);
    return verify_tie(m.key, tie).accepted;
  };
  EXPECT_FALSE(changed([&](WeightTie& t) { t.proof = m.key.ties[0].proof; }));
  EXPECT_FALSE(changed([](WeightTie& t) { t.proof[t.proof.size() / 2] ^= 1; }));
  EXPECT_FALSE(changed([](WeightTie& t) { t.proof.clear(); }));
  EXPECT_FALSE(changed([](WeightTie& t) { --t.opening; }));
  EXPECT_FALSE(changed([](WeightTie& t) { --t.base_opening; }));
  EXPECT_FALSE(changed([](WeightTie& t) { t.base = 0; }));
  EXPECT_FALSE(changed([](WeightTie& t) { t.weights.pop_back(); }));
  EXPECT_FALSE(changed([](WeightTie& t) { t.weights = {{0, 0}, {3, 1}}; }));
  // A certificate says so too.
  ModelKey key = m.key;
  key.ties[1].proof[100] ^= 1;
  const CertificateVerdict v = verify_certificate(key, m.certificate, m.user);
  EXPECT_FALSE(v.verdict);
  EXPECT_THAT(v.verdict.where, HasSubstr("weights of slices 1 and 2"));
}

TEST(Ties, TheirOpeningsAreSpent) {
  const ModelCase m = tied();
  EXPECT_EQ(end_of_openings(m.key, 0), 15U);
  EXPECT_EQ(end_of_openings(m.key, 1), 14U);
  EXPECT_EQ(end_of_openings(m.key, 2), 15U);
  // A proof that opens a tree as a tie did.
  Certificate c = m.certificate;
  Statement s = m.statement(0);
  s.opening = 15;
  SliceWitness w{&m.weights[0], &m.traces[0], &m.origins[0], {}};
  for (const Port& p : m.key.slices[0].ports()) w.boundaries.push_back(p.is_public ? nullptr : &m.trees[p.chunk]);
  c.slices[0].opening = 15;
  c.slices[0].proof = *prove_slice(m.key.slices[0], s, w);
  EXPECT_EQ(m.verify(c, m.user).verdict.reason, "an opening is used twice");
}

TEST(Ties, TheySumUpWithTheCertificate) {
  const ModelCase m = tied();
  ModelKey untied = m.key;
  untied.ties.clear();
  const std::set<std::uint32_t> all{0, 1, 2};
  const auto with = security_of_certificate(m.key, all), without = security_of_certificate(untied, all);
  ASSERT_TRUE(with && without);
  EXPECT_LT(with->total(), without->total());
  EXPECT_GE(security_of_tie(m.key, m.key.ties[0]).worst(), 100);
}

}  // namespace
}  // namespace dsperse::proof
