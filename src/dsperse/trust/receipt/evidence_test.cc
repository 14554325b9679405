#include "dsperse/trust/receipt/evidence.h"

#include <gtest/gtest.h>

#include "dsperse/trust/receipt/testing/sample.h"
#include "dsperse/trust/sign/ed25519.h"

namespace dsperse::trust {
namespace {

using testing::bytes_of;
using testing::named;
using testing::sample_receipt;
using testing::text_of;

const Ed25519Check kCheck;
Ed25519Signer signer(std::uint8_t n) { return std::move(*Ed25519Signer::from_seed(Digest{n})); }

Envelope receipt(std::uint8_t worker, const Digest& prev, unsigned number) {
  return *sign_receipt(sample_receipt(signer(worker).key(), prev, number), signer(worker));
}
Verdict judged(const Envelope& a, const Envelope& b) {
  PublicKey worker{};
  const Verdict v = verify_equivocation(encode_evidence(make_evidence(kEquivocation, a, b)), kCheck, worker);
  EXPECT_EQ(worker, v ? signer(1).key() : PublicKey{});
  return v;
}
const Digest kPrev = named("a receipt before");

TEST(Equivocation, TwoReceiptsAfterOne) {
  EXPECT_TRUE(judged(receipt(1, kPrev, 0), receipt(1, kPrev, 1)));
  const auto a = receipt(1, kPrev, 0), b = receipt(1, kPrev, 1);
  EXPECT_EQ(make_evidence(kEquivocation, a, b), make_evidence(kEquivocation, b, a)) << "one file, whoever writes it";
  Receipt other = sample_receipt(signer(1).key(), kPrev, 0);
  ++other.finished_ms;
  EXPECT_TRUE(judged(a, *sign_receipt(other, signer(1)))) << "one job, two times: two statements";
  EXPECT_TRUE(judged(receipt(1, genesis(signer(1).key()), 0), receipt(1, genesis(signer(1).key()), 1))) << "two beginnings";
}

TEST(Equivocation, HonestTwins) {
  const Envelope a = receipt(1, kPrev, 0);
  EXPECT_EQ(judged(a, a).reason, "evidence: one receipt twice");
  EXPECT_EQ(judged(a, receipt(1, named("another"), 1)).reason, "evidence: receipts follow different ones");
  const Receipt first = sample_receipt(signer(1).key(), kPrev, 0);
  EXPECT_EQ(judged(a, receipt(1, receipt_digest(first), 1)).reason, "evidence: receipts follow different ones")
      << "an honest chain";
  EXPECT_EQ(judged(a, receipt(2, kPrev, 1)).reason, "evidence: two workers");
  EXPECT_NE(genesis(signer(1).key()), genesis(signer(2).key())) << "so two workers never have one prev by chance";
}

TEST(Equivocation, NobodyIsFramed) {
  const Envelope a = receipt(1, kPrev, 0), b = receipt(1, kPrev, 1);
  // Another key signs a receipt in the worker's name.
  const auto named_only = *seal(kReceiptType, b.payload, signer(2));
  EXPECT_EQ(judged(a, named_only).reason, "receipt: signed by another key");
  Envelope claimed = named_only;
  claimed.signatures[0].key = signer(1).key();
  EXPECT_EQ(judged(a, claimed).reason, "envelope: signature");
  // The worker's signature under other bytes.
  Envelope moved = a;
  moved.payload = b.payload;
  EXPECT_EQ(judged(a, moved).reason, "envelope: signature");
  for (const auto& forged : {named_only, claimed, moved}) {
    const Verdict v = judged(a, forged);
    EXPECT_TRUE(v.where.starts_with("first") || v.where.starts_with("second")) << v.where;
  }
  // Another kind of file with good receipts in it.
  PublicKey worker{};
  EXPECT_EQ(verify_equivocation(make_evidence("split-view", a, b), kCheck, worker).reason, "evidence: another kind");
}

TEST(Evidence, OneTextOnly) {
  const Evidence evidence = make_evidence(kEquivocation, receipt(1, kPrev, 0), receipt(1, kPrev, 1));
  const Bytes text = encode_evidence(evidence);
  EXPECT_EQ(decode_evidence(text), evidence);
  for (std::size_t n = 0; n < text.size(); n += 3) EXPECT_FALSE(decode_evidence(ByteView(text).first(n)));
  for (const auto& other : testing::respelled(text_of(text))) EXPECT_FALSE(decode_evidence(bytes_of(other)));
  Evidence turned = evidence;
  std::swap(turned.first, turned.second);
  PublicKey worker{};
  EXPECT_EQ(verify_equivocation(encode_evidence(turned), kCheck, worker).reason, "evidence: not canonical");
  EXPECT_EQ(decode_evidence(Bytes(kMaxEvidenceBytes + 1, '{')).error().hint, "at most " + std::to_string(kMaxEvidenceBytes));
  for (std::size_t i = 0; i < text.size(); ++i) {
    Bytes wrong = text;
    wrong[i] ^= 1;
    EXPECT_FALSE(verify_equivocation(wrong, kCheck, worker)) << i;
  }
}

}  // namespace
}  // namespace dsperse::trust
