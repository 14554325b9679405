// Evidence about a slice: the honest one is accepted, every lie about it is named, whatever the model.
#include "dsperse/trust/verdict/slice_evidence.h"

#include <gtest/gtest.h>

#include <random>

#include "dsperse/proof/testing/model.h"

namespace dsperse::trust {
namespace {

using dispute::Outcome;
using proof::testing::ModelCase;

const ModelCase& skip() {
  static const ModelCase m = proof::testing::make_model(proof::testing::skip_model());
  return m;
}
const ModelCase& chunks() {  // slice 0 proves under an epoch of its own
  static const ModelCase m = proof::testing::make_model(proof::testing::chunk_model());
  return m;
}
const ModelCase& shown() {
  static const ModelCase m = [] {
    auto spec = proof::testing::skip_model();
    spec.public_weights = true;
    return proof::testing::make_model(spec);
  }();
  return m;
}

/// A dispute about a slice of the model's certificate.
struct Told {
  dispute::Subject subject;
  Digest h_out{};
  std::vector<Digest> trace;
  SliceEvidence evidence;
};
Told tell(const ModelCase& m, std::uint32_t slice) {
  const proof::Certificate& c = m.certificate;
  const Lives lives = lives_of(m.key);
  const std::vector<Digest> digests = boundary_digests(c.table);
  Told out;
  out.trace = trace_of(m.key, lives, digests);
  out.subject = {proof::run_id(c.model_id, c.nonce, c.salt), c.model_id, m.key.slices[slice].digest(), slice, out.trace[slice]};
  out.h_out = out.trace[slice + 1];
  out.evidence.live = live_before(m.key, lives, slice, digests);
  for (const proof::Port& p : m.key.slices[slice].ports()) out.evidence.boundaries.push_back(c.table[p.chunk]);
  out.evidence.proof = c.slices[slice];
  return out;
}
Verdict check(const ModelCase& m, const Told& t) {
  return check_slice_evidence(m.key, t.subject, t.h_out, encode_slice_evidence(t.evidence));
}

TEST(SliceEvidence, EverySliceOfAnHonestRunHasSome) {
  for (const ModelCase* m : {&skip(), &chunks(), &shown()})
    for (std::uint32_t i = 0; i < m->key.slices.size(); ++i) {
      const Told t = tell(*m, i);
      EXPECT_EQ(h_in_of(t.evidence), t.subject.h_in);
      EXPECT_EQ(h_out_of(m->key, lives_of(m->key), t.evidence), t.h_out);
      const Verdict v = check(*m, t);
      EXPECT_TRUE(v) << v.reason << " " << v.where;
      const auto back = decode_slice_evidence(m->key, i, encode_slice_evidence(t.evidence));
      ASSERT_TRUE(back) << back.error().text();
      EXPECT_EQ(encode_slice_evidence(*back), encode_slice_evidence(t.evidence));
    }
  EXPECT_FALSE(tell(chunks(), 0).evidence.proof.links.empty());
}

TEST(SliceEvidence, WhatWasVerifiedBeforeIsNotVerifiedAgain) {
  const Told t = tell(chunks(), 0);
  const proof::SliceKey& slice = chunks().key.slices[0];
  Told bad = t;
  bad.evidence.proof.links[0].proof[100] ^= 1;
  EXPECT_FALSE(check(chunks(), bad));
  const std::set<Digest> known{proof::range_digest(slice), proof::link_digest(slice, bad.evidence.proof.links[0])};
  EXPECT_TRUE(check_slice_evidence(chunks().key, bad.subject, bad.h_out, encode_slice_evidence(bad.evidence), known))
      << "the user says that this link was verified";
}

TEST(SliceEvidence, EveryLieIsNamed) {
  const ModelCase& m = skip();
  const auto rejects = [&](const char* reason, std::uint32_t slice, const auto& change) {
    Told t = tell(m, slice);
    ASSERT_TRUE(check(m, t));
    change(t);
    EXPECT_EQ(check(m, t).reason, reason);
  };
  rejects("evidence: another model", 1, [](Told& t) { t.subject.model[0] ^= 1; });
  rejects("evidence: not the key's slice", 1, [](Told& t) { t.subject.slice_key[0] ^= 1; });
  rejects("evidence: not the key's slice", 1, [](Told& t) { t.subject.slice = 3; });
  rejects("evidence: not canonical", 1, [](Told& t) { t.evidence.boundaries.pop_back(); });
  rejects("evidence: not canonical", 1, [](Told& t) { t.evidence.boundaries[0].chunk = 2; });
  rejects("evidence: not canonical", 2, [](Told& t) { std::swap(t.evidence.live[0], t.evidence.live[1]); });
  rejects("evidence: live boundaries", 2, [](Told& t) { t.evidence.live.pop_back(); });
  rejects("evidence: live boundaries", 2, [](Told& t) { t.evidence.live[0].chunk = 0; });
  rejects("evidence: live boundaries", 1, [](Told& t) { t.evidence.live.push_back({2, {}}); });
  rejects("evidence: h_in differs", 2, [](Told& t) { t.evidence.live[0].root[0] ^= 1; });
  rejects("evidence: h_in differs", 2, [](Told& t) { t.subject.h_in[0] ^= 1; });
  rejects("evidence: an input is not the live one", 1, [](Told& t) { t.evidence.boundaries[0].root->at(0) ^= 1; });
  rejects("evidence: an input is not the live one", 0, [](Told& t) { t.evidence.boundaries[0].values[0] ^= 1; });
  rejects("evidence: h_out differs", 1, [](Told& t) { t.h_out[0] ^= 1; });
  rejects("evidence: h_out differs", 1, [](Told& t) { t.evidence.boundaries[1].root->at(0) ^= 1; });
  rejects("evidence: h_out differs", 2, [](Told& t) { t.evidence.boundaries[2].values[0] ^= 1; });
  rejects("epoch without link", 1, [](Told& t) { t.evidence.proof.weights->at(0) ^= 1; });
  rejects("proof magic", 1, [](Told& t) { t.evidence.proof.proof[0] ^= 1; });
  rejects("proof length", 1, [](Told& t) { t.evidence.proof.proof.clear(); });
}

TEST(SliceEvidence, AProofSpeaksOfItsRunAndItsBoundaries) {
  const ModelCase& m = skip();
  Told t = tell(m, 1);
  t.subject.run[0] ^= 1;
  EXPECT_FALSE(check(m, t)) << "a proof of another run";
  // A lie that is consistent in itself: other outputs with the digests that follow from them.
  t = tell(m, 1);
  t.evidence.boundaries[1].root = Digest{1};
  t.h_out = h_out_of(m.key, lives_of(m.key), t.evidence);
  const Verdict v = check(m, t);
  EXPECT_FALSE(v);
  EXPECT_FALSE(v.reason.starts_with("evidence")) << v.reason;
  // Public outputs: another value with the digests that follow from it.
  t = tell(m, 2);
  std::int32_t& y = t.evidence.boundaries[2].values[0];
  y = y > 0 ? y - 1 : y + 1;
  t.h_out = h_out_of(m.key, lives_of(m.key), t.evidence);
  EXPECT_FALSE(check(m, t));
  // The proof of another slice.
  t = tell(m, 1);
  t.evidence.proof = tell(m, 0).evidence.proof;
  EXPECT_FALSE(check(m, t));
}

TEST(SliceEvidence, DamagedBytesAreRefusedOrCanonical) {
  const Told t = tell(chunks(), 0);
  const Bytes good = encode_slice_evidence(t.evidence);
  for (std::size_t n = 0; n < good.size(); n += 1 + n / 50)
    EXPECT_FALSE(decode_slice_evidence(chunks().key, 0, ByteView(good).first(n)));
  std::mt19937_64 random(5);
  for (int i = 0; i < 3000; ++i) {
    Bytes bad = good;
    bad[random() % (i % 2 == 0 ? 200 : bad.size())] ^= static_cast<std::uint8_t>(1 + random() % 255);
    const auto evidence = decode_slice_evidence(chunks().key, 0, bad);
    if (!evidence) continue;
    ASSERT_EQ(encode_slice_evidence(*evidence), bad);
  }
  for (std::size_t at = 0; at < good.size(); at += 1 + good.size() / 60) {
    Bytes bad = good;
    bad[at] ^= 0x10;
    EXPECT_FALSE(check_slice_evidence(chunks().key, t.subject, t.h_out, bad)) << "byte " << at;
  }
}

// Two sides, one proof: the verdict file stands alone under the key.
TEST(SliceEvidence, AVerdictRestsOnIt) {
  const ModelCase& m = skip();
  const Told t = tell(m, 1);
  const Bytes proof = encode_slice_evidence(t.evidence);
  const dispute::Claim honest{{1}, {}, {}, t.h_out}, liar{{2}, {}, {}, {9}};
  auto s = dispute::begin(t.subject, liar, honest, 0);
  ASSERT_TRUE(s);
  ASSERT_TRUE(dispute::step(*s, dispute::Proof{dispute::Side::b, dispute::proof_digest(proof), true}));
  const std::vector<Bytes> proofs{proof};
  const auto file = dispute::make_verdict(*s, std::span(t.trace).first(2), proofs);
  ASSERT_TRUE(file) << file.error().text();
  EXPECT_EQ(file->outcome, Outcome::b);
  EXPECT_TRUE(verify_dispute_verdict(m.key, *file));
  EXPECT_EQ(verify_dispute_verdict(chunks().key, *file).reason, "verdict of another model");
  auto bad = *file;
  bad.subject.slice_key[3] ^= 1;
  EXPECT_EQ(verify_dispute_verdict(m.key, bad).reason, "the verdict's slice is not the key's");
  bad = *file;
  bad.claims[0].h_out = t.h_out;
  bad.claims[1].h_out = {9};
  bad.outcome = Outcome::a;
  EXPECT_TRUE(verify_dispute_verdict(m.key, bad)) << "who claimed what is said by whoever signs the file";
  bad.evidence[0].h_out = {9};
  bad.outcome = Outcome::b;
  const Verdict v = verify_dispute_verdict(m.key, bad);
  EXPECT_EQ(v.reason, "a deciding proof is not valid");
  EXPECT_EQ(v.where, "evidence: h_out differs");
}

}  // namespace
}  // namespace dsperse::trust
