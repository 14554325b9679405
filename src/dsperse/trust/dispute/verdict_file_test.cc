#include "dsperse/trust/dispute/verdict_file.h"

#include <gtest/gtest.h>

#include <random>

namespace dsperse::trust::dispute {
namespace {

Digest id(std::uint8_t n) {
  Digest d{};
  d[0] = n;
  return d;
}
const Claim kA{id(1), id(11), id(21), id(31)}, kB{id(2), id(12), id(22), id(32)};
const std::vector<Digest> kPrefix = {id(50), id(51), id(8)};

// A proof system of its own: a proof is the first byte of h_in and h_out, then any tail.
Bytes proof_of(const Digest& h_out, std::uint8_t tail = 0) { return {8, h_out[0], tail}; }
Verdict check(const Subject& s, const Digest& h_out, ByteView proof) {
  const bool good = proof.size() == 3 && proof[0] == s.h_in[0] && proof[1] == h_out[0];
  return good ? Verdict::accept() : Verdict::reject("bad toy proof");
}

State fresh() { return *begin({id(5), id(6), id(7), 2, id(8)}, kA, kB, 100); }
// The verdict of a dispute in which these outputs were proved, in this order.
VerdictFile verdict(const std::vector<Digest>& proved) {
  State s = fresh();
  std::vector<Bytes> proofs;
  for (const Digest& h : proved) {
    proofs.push_back(proof_of(h));
    EXPECT_TRUE(step(s, OwnProof{h, proof_digest(proofs.back())}));
  }
  if (proved.empty()) {
    EXPECT_TRUE(step(s, Deadline{100}));
  }
  const auto f = make_verdict(s, kPrefix, proofs);
  EXPECT_TRUE(f) << (f ? "" : f.error().text());
  return *f;
}

TEST(VerdictFile, EveryOutcomeStandsAlone) {
  const std::pair<std::vector<Digest>, Outcome> cases[] = {{{kA.h_out}, Outcome::a},
                                                           {{kB.h_out}, Outcome::b},
                                                           {{id(33)}, Outcome::neither},
                                                           {{}, Outcome::unproved},
                                                           {{kB.h_out, kA.h_out}, Outcome::contradiction}};
  for (const auto& [proved, outcome] : cases) {
    const VerdictFile f = verdict(proved);
    EXPECT_EQ(f.outcome, outcome);
    EXPECT_EQ(rests_on_proof(f.outcome), !proved.empty());
    const auto back = decode_verdict(encode(f));
    ASSERT_TRUE(back);
    EXPECT_EQ(*back, f);
    EXPECT_TRUE(verify_verdict(*back, check));
    for (int other = 1; other <= 5; ++other) {
      VerdictFile lie = f;
      lie.outcome = static_cast<Outcome>(other);
      if (lie.outcome != outcome) {
        EXPECT_EQ(verify_verdict(lie, check).reason, "the outcome does not follow from the evidence");
      }
    }
  }
}

TEST(VerdictFile, EveryLieIsNamed) {
  const VerdictFile good = verdict({kA.h_out});
  VerdictFile f = good;
  f.evidence[0].proof[1] ^= 1;
  const Verdict v = verify_verdict(f, check);
  EXPECT_EQ(v.reason, "a deciding proof is not valid");
  EXPECT_EQ(v.where, "bad toy proof");
  f = good;
  f.evidence[0].h_out = kB.h_out;
  f.outcome = Outcome::b;
  EXPECT_EQ(verify_verdict(f, check).reason, "a deciding proof is not valid") << "a proof of one output is none of another";
  f = good;
  f.prefix.pop_back();
  EXPECT_EQ(verify_verdict(f, check).reason, "the prefix does not lead to the disputed slice");
  f = good;
  f.prefix.back() = id(9);
  EXPECT_EQ(verify_verdict(f, check).reason, "the prefix does not lead to the disputed slice");
  f = good;
  f.claims[1].h_out = f.claims[0].h_out;
  EXPECT_EQ(verify_verdict(f, check).reason, "the claims are no dispute");
  f = verdict({kA.h_out, kB.h_out});
  f.evidence[1] = f.evidence[0];
  EXPECT_EQ(verify_verdict(f, check).reason, "the outcome does not follow from the evidence")
      << "one proof twice is no contradiction";
}

TEST(VerdictFile, OnlyDecidedDisputesWithTheirProofsMakeOne) {
  State s = fresh();
  EXPECT_FALSE(make_verdict(s, kPrefix, {}));
  const std::vector<Bytes> proofs = {proof_of(kA.h_out)}, others = {proof_of(kA.h_out, 1)};
  ASSERT_TRUE(step(s, Proof{Side::a, proof_digest(proofs[0]), true}));
  EXPECT_FALSE(make_verdict(s, kPrefix, {}));
  EXPECT_FALSE(make_verdict(s, kPrefix, others));
  EXPECT_FALSE(make_verdict(s, std::span(kPrefix).first(2), proofs));
  EXPECT_TRUE(make_verdict(s, kPrefix, proofs));
}

TEST(VerdictFile, DamagedBytesAreRefusedOrCanonical) {
  const Bytes good = encode(verdict({kB.h_out, kA.h_out}));
  for (std::size_t n = 0; n < good.size(); ++n) EXPECT_FALSE(decode_verdict(ByteView(good).first(n)));
  std::mt19937_64 random(13);
  for (int i = 0; i < 20000; ++i) {
    Bytes bad = good;
    for (std::uint64_t k = 1 + random() % 3; k > 0; --k) bad[random() % bad.size()] = static_cast<std::uint8_t>(random());
    const auto f = decode_verdict(bad);
    if (!f) continue;
    ASSERT_EQ(encode(*f), bad);
    (void)verify_verdict(*f, check);
  }
}

}  // namespace
}  // namespace dsperse::trust::dispute
