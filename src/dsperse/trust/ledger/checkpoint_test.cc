#include "dsperse/trust/ledger/checkpoint.h"

#include <gtest/gtest.h>

#include <functional>

#include "dsperse/trust/ledger/testing/memory_log.h"
#include "dsperse/trust/receipt/testing/sample.h"
#include "dsperse/trust/sign/ed25519.h"

namespace dsperse::trust {
namespace {

using testing::bytes_of;
using testing::text_of;

const Ed25519Check kCheck;
Ed25519Signer signer(std::uint8_t n) { return std::move(*Ed25519Signer::from_seed(Digest{n})); }
const PublicKey kKeeper = signer(1).key();
constexpr std::string_view kOrigin = "example.org/ledger";

Checkpoint at(std::uint64_t size, const Digest& root, std::uint64_t time_ms = 1700000000000) {
  return {std::string(kOrigin), size, root, time_ms};
}
Envelope signed_by(std::uint8_t who, const Checkpoint& c) { return *sign_checkpoint(c, signer(who)); }

TEST(Checkpoint, ReturnsAsItWas) {
  testing::MemoryLog log(5);
  for (std::size_t n = 0; n <= 5; ++n) {
    Checkpoint out;
    EXPECT_TRUE(verify_checkpoint(encode_envelope(signed_by(1, at(n, log.root(n)))), kOrigin, kKeeper, kCheck, out));
    EXPECT_EQ(out, at(n, log.root(n)));
  }
}

TEST(Checkpoint, EveryFieldIsSigned) {
  const Checkpoint right = at(3, Digest{3});
  const std::function<void(Checkpoint&)> changes[] = {[](auto& c) { c.origin += "2"; }, [](auto& c) { ++c.size; },
                                                      [](auto& c) { c.root[1] ^= 1; }, [](auto& c) { ++c.time_ms; }};
  for (const auto& change : changes) {
    Envelope forged = signed_by(1, right);
    Checkpoint other = right, out;
    change(other);
    forged.payload = encode_checkpoint(other);
    EXPECT_EQ(verify_checkpoint(forged, kOrigin, kKeeper, kCheck, out).reason, "envelope: signature");
    EXPECT_EQ(out, Checkpoint{});
  }
  const Bytes text = encode_envelope(signed_by(1, right));
  for (std::size_t bit = 0; bit < 8 * text.size(); ++bit) {
    Bytes wrong = text;
    Checkpoint out;
    wrong[bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
    ASSERT_FALSE(verify_checkpoint(wrong, kOrigin, kKeeper, kCheck, out)) << bit;
  }
}

TEST(Checkpoint, OneTextOnlyEvenIfSigned) {
  const std::string text = text_of(encode_checkpoint(at(3, Digest{3})));
  ASSERT_EQ(testing::members(text).size(), 5U);
  Checkpoint out;
  for (const auto& other : testing::respelled(text))
    EXPECT_EQ(verify_checkpoint(*seal(kCheckpointType, bytes_of(other), signer(1)), kOrigin, kKeeper, kCheck, out).reason,
              "checkpoint: not canonical");
  for (std::size_t n = 0; n < text.size(); ++n) EXPECT_FALSE(decode_checkpoint(bytes_of(text.substr(0, n))));
}

TEST(Checkpoint, KeeperLogAndWitnesses) {
  Checkpoint out;
  Envelope e = signed_by(1, at(3, Digest{3}));
  EXPECT_EQ(verify_checkpoint(e, "example.org/other", kKeeper, kCheck, out).reason, "checkpoint: another log");
  EXPECT_EQ(verify_checkpoint(e, kOrigin, signer(2).key(), kCheck, out).reason, "checkpoint: not signed by its keeper");
  ASSERT_TRUE(add_signature(e, signer(2)));
  EXPECT_TRUE(verify_checkpoint(e, kOrigin, kKeeper, kCheck, out));
  auto& witness = e.signatures[e.signatures[0].key == kKeeper ? 1 : 0];
  witness.signature[0] ^= 1;
  EXPECT_EQ(verify_checkpoint(e, kOrigin, kKeeper, kCheck, out).reason, "envelope: signature") << "a false witness";
  const auto receipt = seal(kReceiptType, e.payload, signer(1));
  EXPECT_EQ(verify_checkpoint(*receipt, kOrigin, kKeeper, kCheck, out).reason, "envelope: payload type");
}

TEST(Checkpoint, Bounds) {
  const auto refused = [](const Checkpoint& c, const char* what) {
    EXPECT_EQ(sign_checkpoint(c, signer(1)).error().what, what);
    EXPECT_FALSE(decode_checkpoint(encode_checkpoint(c)));
  };
  refused({"", 1, {}, 0}, "an origin that is no word");
  refused({std::string(kMaxOriginBytes + 1, 'o'), 1, {}, 0}, "an origin that is no word");
  refused({"a\\b", 1, {}, 0}, "an origin that is no word");
  refused(at(kMaxLeaves + 1, {}), "more than 2^48 leaves");
  refused(at(0, Digest{1}), "a root of leaves in an empty log");
  refused(at(1, {}, kMaxNumber + 1), "a time beyond 2^53");
}

TEST(Entry, UnderItsCheckpointOnly) {
  testing::MemoryLog log(12);
  const auto proof = *prove_inclusion(log, 1, 2);
  EXPECT_TRUE(verify_entry(bytes_of("1"), proof, at(2, log.root(2))));
  EXPECT_EQ(verify_entry(bytes_of("2"), proof, at(2, log.root(2))).reason, "inclusion: root");
  EXPECT_EQ(verify_entry(bytes_of("1"), proof, at(3, log.root(3))).reason, "checkpoint: proof of other sizes");
  // The same path under a size that nobody signed: entry 1 would be called entry 2.
  const InclusionProof lie{2, 3, proof.path};
  EXPECT_TRUE(verify_inclusion(leaf_hash(bytes_of("1")), lie, log.root(2)));
  EXPECT_EQ(verify_entry(bytes_of("1"), lie, at(2, log.root(2))).reason, "checkpoint: proof of other sizes");
}

TEST(Growth, HonestLogAndRewrittenOne) {
  testing::MemoryLog log(12);
  for (std::size_t n = 0; n <= 12; ++n) {
    for (std::size_t m = 0; m <= n; ++m) {
      const auto proof = *prove_consistency(log, m, n);
      EXPECT_TRUE(verify_growth(at(m, log.root(m)), at(n, log.root(n)), proof));
      if (m == 0) continue;
      Digest other = log.root(m);
      other[0] ^= 1;
      EXPECT_EQ(verify_growth(at(m, other), at(n, log.root(n)), proof).reason == "checkpoint: split view", m == n);
      EXPECT_FALSE(verify_growth(at(m, other), at(n, log.root(n)), proof));
    }
  }
  const auto proof = *prove_consistency(log, 4, 9);
  EXPECT_EQ(verify_growth(at(5, log.root(5)), at(9, log.root(9)), proof).reason, "checkpoint: proof of other sizes");
  EXPECT_EQ(verify_growth(at(4, log.root(4)), at(8, log.root(8)), proof).reason, "checkpoint: proof of other sizes");
}

Verdict split(const Envelope& a, const Envelope& b) {
  return verify_split_view(encode_evidence(make_evidence(kSplitView, a, b)), kKeeper, kCheck);
}

TEST(SplitView, TwoRootsForOneSize) {
  EXPECT_TRUE(split(signed_by(1, at(3, Digest{3})), signed_by(1, at(3, Digest{4}))));
  EXPECT_TRUE(split(signed_by(1, at(3, Digest{3})), signed_by(1, at(3, Digest{4}, 5)))) << "at different times too";
  Envelope witnessed = signed_by(1, at(3, Digest{3}));
  ASSERT_TRUE(add_signature(witnessed, signer(2)));
  EXPECT_TRUE(split(witnessed, signed_by(1, at(3, Digest{4}))));
}

TEST(SplitView, HonestTwins) {
  const Envelope a = signed_by(1, at(3, Digest{3}));
  EXPECT_EQ(split(a, a).reason, "evidence: one root");
  EXPECT_EQ(split(a, signed_by(1, at(3, Digest{3}, 5))).reason, "evidence: one root") << "signed again later";
  EXPECT_EQ(split(a, signed_by(1, at(4, Digest{4}))).reason, "evidence: two sizes");
  Checkpoint elsewhere = at(3, Digest{4});
  elsewhere.origin = "example.org/other";
  EXPECT_EQ(split(a, signed_by(1, elsewhere)).reason, "evidence: two logs") << "one key may keep two logs";
}

TEST(SplitView, NobodyIsFramed) {
  const Envelope a = signed_by(1, at(3, Digest{3}));
  EXPECT_EQ(split(a, signed_by(2, at(3, Digest{4}))).reason, "checkpoint: not signed by its keeper");
  Envelope claimed = signed_by(2, at(3, Digest{4}));
  claimed.signatures[0].key = kKeeper;
  EXPECT_EQ(split(a, claimed).reason, "envelope: signature");
  // A witness's word counts against nobody but it; here nobody asked for it.
  EXPECT_EQ(verify_split_view(make_evidence(kEquivocation, a, signed_by(1, at(3, Digest{4}))), kKeeper, kCheck).reason,
            "evidence: another kind");
  EXPECT_EQ(verify_split_view(bytes_of("{}"), kKeeper, kCheck).reason, "evidence: not canonical");
}

}  // namespace
}  // namespace dsperse::trust
