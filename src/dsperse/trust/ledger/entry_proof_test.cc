#include "dsperse/trust/ledger/entry_proof.h"

#include <gtest/gtest.h>

#include "dsperse/trust/ledger/testing/memory_log.h"
#include "dsperse/trust/receipt/testing/sample.h"
#include "dsperse/trust/sign/ed25519.h"

namespace dsperse::trust {
namespace {

const Ed25519Check kCheck;
Ed25519Signer signer(std::uint8_t n) { return std::move(*Ed25519Signer::from_seed(Digest{n})); }

/// Entry `index` of a log of `size` entries "0", "1", ...
EntryProof proof_of(std::uint64_t index, std::uint64_t size) {
  testing::MemoryLog log(size);
  return {testing::bytes_of(std::to_string(index)), index, prove_inclusion(log, index, size)->path,
          *sign_checkpoint({"example.org/ledger", size, log.root(size), 1700000000000}, signer(1))};
}

TEST(EntryProof, ShowsAnEntryToWhoeverHasNoLog) {
  for (const auto& [index, size] : {std::pair<std::uint64_t, std::uint64_t>{0, 1}, {0, 7}, {6, 7}, {13, 40}}) {
    const EntryProof proof = proof_of(index, size);
    const auto back = decode_entry_proof(encode_entry_proof(proof));
    ASSERT_TRUE(back);
    EXPECT_EQ(*back, proof);
    Checkpoint out;
    EXPECT_TRUE(verify_entry_proof(*back, signer(1).key(), kCheck, out));
    EXPECT_EQ(out.size, size);
    EXPECT_EQ(out.origin, "example.org/ledger");
  }
}

TEST(EntryProof, EveryPartCounts) {
  const EntryProof good = proof_of(13, 40);
  const auto reason = [](const EntryProof& proof, std::uint8_t keeper = 1) {
    Checkpoint out;
    const Verdict v = verify_entry_proof(proof, signer(keeper).key(), kCheck, out);
    EXPECT_TRUE(v || out == Checkpoint{}) << "nothing of a refused checkpoint comes out";
    return v.reason;
  };
  EXPECT_EQ(reason(good, 2), "checkpoint: not signed by its keeper");
  EntryProof bad = good;
  bad.entry.push_back('0');
  EXPECT_EQ(reason(bad), "inclusion: root");
  bad = good;
  bad.index = 12;
  EXPECT_EQ(reason(bad), "inclusion: root");
  bad.index = 40;
  EXPECT_EQ(reason(bad), "inclusion: index");
  bad = good;
  bad.path.pop_back();
  EXPECT_EQ(reason(bad), "inclusion: length");
  bad = good;
  bad.checkpoint.signatures[0].signature[3] ^= 1;
  EXPECT_EQ(reason(bad), "envelope: signature");
  bad = good;
  bad.checkpoint = proof_of(0, 39).checkpoint;
  EXPECT_NE(reason(bad), "") << "a checkpoint of another size";
  bad.checkpoint.payload = {1};
  EXPECT_EQ(reason(bad), "checkpoint: not canonical");
}

TEST(EntryProof, OneText) {
  const std::string text = testing::text_of(encode_entry_proof(proof_of(13, 40)));
  ASSERT_EQ(testing::members(text).size(), 5U);
  for (const std::string& other : testing::respelled(text)) EXPECT_FALSE(decode_entry_proof(testing::bytes_of(other))) << other;
  for (std::size_t n = 0; n < text.size(); ++n) EXPECT_FALSE(decode_entry_proof(testing::bytes_of(text.substr(0, n))));
  EntryProof long_path = proof_of(0, 1);
  long_path.path.resize(48);
  EXPECT_TRUE(decode_entry_proof(encode_entry_proof(long_path)));
  long_path.path.resize(49);
  EXPECT_FALSE(decode_entry_proof(encode_entry_proof(long_path)));
  EntryProof large = proof_of(0, 1);
  large.entry.assign(kMaxEnvelopeBytes, 'x');
  EXPECT_TRUE(decode_entry_proof(encode_entry_proof(large)));
  large.entry.push_back('x');
  EXPECT_FALSE(decode_entry_proof(encode_entry_proof(large)));
}

}  // namespace
}  // namespace dsperse::trust
