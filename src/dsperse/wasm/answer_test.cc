// Questions and answers as bytes: round trips, anything else refused, and the verdict as the verifier gives it.
#include "dsperse/wasm/answer.h"

#include <gtest/gtest.h>

#include "dsperse/proof/testing/model.h"
#include "dsperse/wasm/expectation_bytes.h"

namespace dsperse::wasm {
namespace {

using proof::Expectation;

Expectation full() {
  Expectation user;
  user.model_id.emplace().fill(7);
  user.nonce = Bytes{1, 2, 3};
  user.policy = {0, 3, 70000};
  user.inputs["a"].values = {0, -1, INT32_MAX, INT32_MIN};
  user.inputs["b"].roots = {Digest{1}, Digest{2}};
  user.inputs["both"] = {std::vector<std::int32_t>{}, {Digest{3}}};
  user.outputs[""] = {};
  return user;
}

TEST(ExpectationBytes, RoundTrip) {
  for (const Expectation& user : {Expectation{}, full()}) {
    const Bytes bytes = encode_expectation(user);
    const auto back = decode_expectation(bytes);
    ASSERT_TRUE(back) << back.error().text();
    EXPECT_EQ(back->model_id, user.model_id);
    EXPECT_EQ(back->nonce, user.nonce);
    EXPECT_EQ(back->policy, user.policy);
    ASSERT_EQ(back->inputs.size(), user.inputs.size());
    for (const auto& [name, tensor] : user.inputs) {
      EXPECT_EQ(back->inputs.at(name).values, tensor.values);
      EXPECT_EQ(back->inputs.at(name).roots, tensor.roots);
    }
    EXPECT_EQ(back->outputs.size(), user.outputs.size());
    EXPECT_EQ(encode_expectation(*back), bytes);
  }
}

TEST(ExpectationBytes, EveryOtherEncodingIsRefused) {
  const Bytes good = encode_expectation(full());
  for (std::size_t n = 0; n < good.size(); ++n) EXPECT_FALSE(decode_expectation(ByteView(good).first(n))) << n;
  Bytes longer = good;
  longer.push_back(0);
  EXPECT_FALSE(decode_expectation(longer));
  for (std::size_t i = 0; i < good.size(); ++i)
    for (int bit = 0; bit < 8; ++bit) {
      Bytes bad = good;
      bad[i] = static_cast<std::uint8_t>(bad[i] ^ (1 << bit));
      const auto user = decode_expectation(bad);
      EXPECT_TRUE(!user || encode_expectation(*user) == bad) << i;
    }
  Expectation user = full();
  user.nonce = Bytes(65);
  EXPECT_FALSE(decode_expectation(encode_expectation(user)));
}

class Answer : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { model_ = new proof::testing::ModelCase(make_model(proof::testing::skip_model())); }
  static void TearDownTestSuite() { delete model_; }

  /// Outcome, kind, what, where.
  struct Head {
    int outcome, kind;
    std::string what, where;
  };
  static Head head(const Bytes& answer) {
    ByteReader r(answer);
    Head h{r.u8(), r.u8(), r.text(4096), r.text(4096)};
    r.text(4096);
    EXPECT_EQ(r.left(), 32U + 2 + 8 + 5 * 8);
    return h;
  }
  static proof::testing::ModelCase* model_;
};
proof::testing::ModelCase* Answer::model_ = nullptr;

TEST_F(Answer, SaysWhatTheVerifierSays) {
  const Bytes key = encode_model_key(model_->key), certificate = encode_certificate(model_->certificate);
  Expectation user = model_->user;
  user.model_id = model_->key.id();
  const Bytes good = answer(key, certificate, encode_expectation(user));
  const Head h = head(good);
  EXPECT_EQ(h.outcome, 1);
  EXPECT_EQ(h.what + h.where, "");
  const proof::CertificateVerdict v = model_->verify(model_->certificate, user);
  ByteReader r(ByteView(good).last(32 + 2 + 8 + 5 * 8));
  EXPECT_EQ(r.digest(), model_->key.id());
  EXPECT_EQ(r.u8(), 1);
  EXPECT_EQ(r.u8() == 1, v.fresh);
  EXPECT_EQ(r.u32(), v.coverage.slices);
  EXPECT_EQ(r.u32(), v.coverage.slices_proved);
  for (const auto n : {v.coverage.ops, v.coverage.ops_proved, v.coverage.macs, v.coverage.macs_proved, v.coverage.macs_cone})
    EXPECT_EQ(r.u64(), n);

  user.model_id->front() ^= 1;
  const Head other = head(answer(key, certificate, encode_expectation(user)));
  EXPECT_EQ(other.outcome, 0);
  EXPECT_EQ(other.what, "the key is not the pinned model");
}

TEST_F(Answer, BytesThatAreNoneHaveTheirPlace) {
  const Bytes key = encode_model_key(model_->key), certificate = encode_certificate(model_->certificate);
  const Bytes user = encode_expectation(model_->user), junk{1, 2, 3};
  for (const auto& [bytes, place] :
       {std::pair(answer(junk, certificate, user), "key"), std::pair(answer(key, junk, user), "certificate"),
        std::pair(answer(key, certificate, junk), "expectation"), std::pair(answer({}, {}, {}), "expectation")}) {
    const Head h = head(bytes);
    EXPECT_EQ(h.outcome, 2);
    EXPECT_EQ(h.kind, static_cast<int>(ErrorKind::bad_input));
    EXPECT_TRUE(h.where.starts_with(place)) << h.where;
  }
}

}  // namespace
}  // namespace dsperse::wasm
