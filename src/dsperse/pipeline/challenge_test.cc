// Challenge after commitment: an honest prover answers, and every way of answering for something else is refused.
#include "dsperse/pipeline/challenge.h"

#include "dsperse/pipeline/testing/workbench.h"
#include "dsperse/trust/policy/policy.h"

namespace dsperse::pipeline {
namespace {

Published sample() { return {Digest{1}, Digest{2}, Bytes{0xAB}, 3, 2, {Digest{4}, Digest{5}}}; }

TEST(Published, IsOneTextAValue) {
  for (const Published& p : {sample(), Published{{}, {}, {}, 1, 0, {}}, Published{{}, {}, Bytes(64, 7), 9, 9, {Digest{1}}}}) {
    const Bytes good = encode_published(p);
    const auto back = decode_published(good);
    ASSERT_TRUE(back) << back.error().text();
    EXPECT_EQ(*back, p);
    const std::string text(good.begin(), good.end());
    const std::size_t draw = text.find("\"draw\":") + 7;  // not bound: another number is another file
    for (std::size_t i = 0; i < good.size(); ++i) {
      Bytes bad = good;
      EXPECT_FALSE(decode_published(ByteView(good).first(i)));
      if (i == draw) continue;
      for (const int to : {good[i] ^ 1, good[i] ^ 0x20, int{' '}}) {
        bad[i] = static_cast<std::uint8_t>(to);
        if (bad != good) {
          EXPECT_FALSE(decode_published(bad)) << i;
        }
      }
    }
    Bytes longer = good;
    longer.push_back('\n');
    EXPECT_FALSE(decode_published(longer));
  }
}

TEST(Published, MoreThanThereAreAreNotDrawn) {
  Published p = sample();
  p.draw = 4;
  EXPECT_FALSE(decode_published(encode_published(p)));
  p = sample();
  p.slices = 0;
  p.draw = 0;
  EXPECT_FALSE(decode_published(encode_published(p)));
}

TEST(Published, EveryPartIsBound) {
  const Digest bound = sample().bound();
  EXPECT_EQ(to_hex(bound), "37c1ab06d67b14dc3980d981601fc890af075058f31f6958f5551f7c53632ea0") << "by tools/verify's BLAKE3";
  const auto differs = [&](const auto& change) {
    Published p = sample();
    change(p);
    EXPECT_NE(p.bound(), bound);
  };
  differs([](Published& p) { p.model_id[0] ^= 1; });
  differs([](Published& p) { p.salt[0] ^= 1; });
  differs([](Published& p) { p.nonce.push_back(1); });
  differs([](Published& p) { ++p.slices; });
  differs([](Published& p) { p.roots[1][9] ^= 1; });
  differs([](Published& p) { std::swap(p.roots[0], p.roots[1]); });
  differs([](Published& p) { p.roots.pop_back(); });
}

TEST(Escapes, AreThoseOfSampling) {
  const auto e = escapes(20, 5, 0);
  ASSERT_TRUE(e);
  ASSERT_EQ(e->size(), 3U);
  EXPECT_EQ((*e)[0].wrong, 1U);
  EXPECT_DOUBLE_EQ((*e)[0].probability, 15.0 / 20);
  EXPECT_EQ((*e)[1].wrong, 2U);
  EXPECT_DOUBLE_EQ((*e)[1].probability, 15.0 * 14 / (20 * 19));
  EXPECT_EQ((*e)[2].wrong, 10U);
  EXPECT_EQ(escapes(20, 5, 18)->size(), 2U) << "only two can be wrong";
  EXPECT_TRUE(escapes(20, 5, 20)->empty());
  EXPECT_DOUBLE_EQ(escapes(3, 3, 0)->front().probability, 0);
  EXPECT_DOUBLE_EQ(escapes(3, 0, 0)->front().probability, 1);
}

TEST(ChallengeNonce, IsNotEmptyAndNotLong) {
  EXPECT_FALSE(challenge_nonce({}));
  EXPECT_FALSE(challenge_nonce(Bytes(65)));
  EXPECT_NE(*challenge_nonce(Bytes{1}), *challenge_nonce(Bytes{1, 0}));
}

class Challenge : public testing::Workbench {
 protected:
  /// The asker's copy of what a run published.
  Published published(const std::string& name) { return *decode_published(bytes(name + "/published.json")); }
  static ChallengeQuestion ask(const Published& p, std::uint8_t nonce) {
    return {p.bound(), p.draw, *challenge_nonce(Bytes{nonce})};
  }
  std::set<std::uint32_t> drawn(const ChallengeQuestion& q) { return *drawn_slices(key, q); }
  /// A nonce that draws what `wanted` says.
  template <class Wanted>
  ChallengeQuestion ask_until(const Published& p, const Wanted& wanted) {
    for (std::uint8_t nonce = 1; nonce != 0; ++nonce)
      if (const ChallengeQuestion q = ask(p, nonce); wanted(drawn(q))) return q;
    ADD_FAILURE() << "no nonce draws that";
    return {};
  }
  Result<ProveStep> answer(const std::string& name, const ChallengeQuestion& q) {
    ProveOptions options;
    options.challenge = q.nonce;
    return prove(name, options);
  }
  Result<VerifyReport> verify(const std::string& name, const ChallengeQuestion& q,
                              const std::optional<trust::Policy>& policy = {}) {
    VerifyRequest request;
    request.challenge = q;
    request.policy = policy;
    return verify_step(key, {dir / (name + "/certificate.dscert"), dir / (name + "/output.json"), {dir / "x.json"}},
                       std::move(request));
  }
  std::string reason(const std::string& name, const ChallengeQuestion& q) {
    const auto report = verify(name, q);
    return report ? report->verdict.verdict.reason : report.error().text();
  }
  Result<VerifyReport> verify_with(const proof::Certificate& c, const ChallengeQuestion& q) {
    write("r/certificate.dscert", proof::encode_certificate(c));
    return verify("r", q);
  }
};

TEST_F(Challenge, TheDrawnSlicesAreProvedAndNoOthers) {
  compile();
  const auto step = run("r", 2);
  ASSERT_TRUE(step);
  const Published p = published("r");
  EXPECT_EQ(p, step->run.published);
  EXPECT_EQ((std::pair{p.slices, p.draw}), (std::pair{3U, 2U}));
  EXPECT_EQ(p.roots.size(), key.chunks.size());
  const ChallengeQuestion q = ask(p, 7);
  const auto proved = answer("r", q);
  ASSERT_TRUE(proved) << proved.error().text();
  ASSERT_TRUE(proved->challenged);
  const std::set<std::uint32_t> slices(proved->challenged->drawn.begin(), proved->challenged->drawn.end());
  EXPECT_EQ(slices, drawn(q));
  EXPECT_EQ(slices.size(), 2U);
  EXPECT_EQ(certificate("r").slices.size(), 2U);
  const auto report = verify("r", q);
  ASSERT_TRUE(report) << report.error().text();
  EXPECT_TRUE(report->verdict.verdict) << report->verdict.verdict.reason;
  ASSERT_TRUE(report->challenge);
  EXPECT_EQ(report->challenge->drawn, slices);
  ASSERT_EQ(report->challenge->escapes.size(), 2U);
  EXPECT_DOUBLE_EQ(report->challenge->escapes[0].probability, 1.0 / 3);
  EXPECT_DOUBLE_EQ(report->challenge->escapes[1].probability, 0);
  VerifyRequest all;
  const auto whole = verify_step(key, {dir / "r/certificate.dscert", dir / "r/output.json", {dir / "x.json"}}, all);
  EXPECT_FALSE(whole->verdict.verdict) << "without the challenge every slice must be proved";
}

TEST_F(Challenge, APolicyAsksForItsSlicesBesides) {
  compile();
  ASSERT_TRUE(run("r", 1));
  const ChallengeQuestion q = ask_until(published("r"), [](const auto& d) { return !d.contains(0); });
  auto policy = trust::parse_policy("default = \"trust\"\n[[rule]]\nslices = \"0\"\nmode = \"proof\"\n");
  ASSERT_TRUE(policy);
  auto openings = state();
  ProveOptions options;
  options.challenge = q.nonce;
  ASSERT_TRUE(prove_step(dir / "r", "", *policy, native, openings, options, {}));
  EXPECT_EQ(certificate("r").slices.size(), 2U);
  const auto report = verify("r", q, *policy);
  ASSERT_TRUE(report);
  EXPECT_TRUE(report->verdict.verdict) << report->verdict.verdict.reason;
  ASSERT_EQ(report->challenge->escapes.size(), 2U);
  EXPECT_EQ(report->challenge->escapes[1].wrong, 2U) << "slice 0 can't be wrong";
  EXPECT_EQ(reason("r", q), "a proof that the policy does not ask for");
}

TEST_F(Challenge, ABoundaryChangedAfterPublicationIsSeen) {
  compile();
  ASSERT_TRUE(run("r"));
  ASSERT_TRUE(run("other"));  // the same values, committed afresh
  const ChallengeQuestion q = ask(published("r"), 7);
  ASSERT_TRUE(answer("r", q));
  ASSERT_TRUE(answer("other", q));
  EXPECT_EQ(reason("r", q), "");
  EXPECT_EQ(reason("other", q), "the published roots are not the certificate's");
  const proof::Certificate good = certificate("r");
  for (std::size_t c = 0; c < good.table.size(); ++c) {
    proof::Certificate bad = good;
    if (bad.table[c].root)
      bad.table[c].root->at(5) ^= 1;
    else
      bad.table[c].values[0] ^= 1;
    EXPECT_EQ(verify_with(bad, q)->verdict.verdict.reason, "the published roots are not the certificate's");
  }
  proof::Certificate bad = good;
  bad.salt[0] ^= 1;
  EXPECT_EQ(verify_with(bad, q)->verdict.verdict.reason, "the published roots are not the certificate's");
  EXPECT_TRUE(verify_with(good, q)->verdict.verdict);
}

TEST_F(Challenge, FewerProofsOrAnotherNonceAreNoAnswer) {
  compile();
  ASSERT_TRUE(run("r", 2));
  const Published p = published("r");
  const ChallengeQuestion q = ask_until(p, [](const auto& d) { return d == std::set<std::uint32_t>{0, 2}; });
  ASSERT_TRUE(answer("r", q));
  proof::Certificate fewer = certificate("r");
  fewer.slices.pop_back();
  const auto report = verify_with(fewer, q);
  EXPECT_EQ(report->verdict.verdict.reason, "a drawn slice is not proved");
  EXPECT_EQ(report->verdict.verdict.where, "slice 2");
  EXPECT_FALSE(report->challenge);
  ASSERT_TRUE(answer("r", q));
  const ChallengeQuestion other = ask_until(p, [](const auto& d) { return d.contains(1); });
  EXPECT_EQ(reason("r", other), "a drawn slice is not proved");
  ChallengeQuestion more = q;
  more.draw = 3;
  EXPECT_EQ(reason("r", more), "a drawn slice is not proved") << "the asker's own number counts";
  more.draw = 4;
  EXPECT_FALSE(verify("r", more)) << "an impossible question";
  proof::Certificate damaged = certificate("r");
  damaged.slices[1].proof[1000] ^= 1;
  EXPECT_FALSE(verify_with(damaged, q)->verdict.verdict) << "a drawn slice with a bad proof";
}

TEST_F(Challenge, AProverIsHeldToWhatItPublished) {
  compile();
  EXPECT_EQ(run("none", 4).error().kind, ErrorKind::usage);
  ASSERT_TRUE(run("r"));
  ASSERT_TRUE(run("other"));
  const ChallengeQuestion q = ask(published("r"), 7);
  write("r/published.json", bytes("other/published.json"));
  const auto refused = answer("r", q);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::bad_input);
  EXPECT_NE(refused.error().what.find("not the published ones"), std::string::npos);
  std::filesystem::remove(dir / "r/published.json");
  EXPECT_FALSE(answer("r", q));
  EXPECT_TRUE(prove("r")) << "without a challenge nothing is missing";
}

TEST_F(Challenge, NoneAndAllCanBeDrawn) {
  compile();
  ASSERT_TRUE(run("none", 0));
  ASSERT_TRUE(run("all", 3));
  for (const auto& [name, count] : {std::pair{"none", 0U}, {"all", 3U}}) {
    const ChallengeQuestion q = ask(published(name), 1);
    ASSERT_TRUE(answer(name, q));
    EXPECT_EQ(certificate(name).slices.size(), count);
    EXPECT_EQ(reason(name, q), "");
  }
}

TEST_F(Challenge, PrivateInputsArePublishedAsRoots) {
  CompileOptions options;
  options.private_input = true;
  compile(options);
  const auto step = run("r");
  ASSERT_TRUE(step);
  EXPECT_EQ(published("r").roots[0], step->run.input_roots.at("x").at(0));
}

}  // namespace
}  // namespace dsperse::pipeline
