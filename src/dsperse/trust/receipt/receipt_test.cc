#include "dsperse/trust/receipt/receipt.h"

#include <gtest/gtest.h>

#include <functional>
#include <set>

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
Receipt first_receipt() { return sample_receipt(signer(1).key(), genesis(signer(1).key())); }

/// Every field of a receipt, changed a little.
const std::pair<const char*, std::function<void(Receipt&)>> kChanges[] = {
    {"job", [](Receipt& r) { r.job[3] ^= 1; }},
    {"run", [](Receipt& r) { r.run[3] ^= 1; }},
    {"model", [](Receipt& r) { r.model[3] ^= 1; }},
    {"slice", [](Receipt& r) { r.slice_key[3] ^= 1; }},
    {"h_in", [](Receipt& r) { r.h_in[3] ^= 1; }},
    {"h_out", [](Receipt& r) { r.h_out[3] ^= 1; }},
    {"commitment", [](Receipt& r) { r.commitment[3] ^= 1; }},
    {"in root", [](Receipt& r) { r.roots_in[1].root[3] ^= 1; }},
    {"in chunk", [](Receipt& r) { r.roots_in[0].chunk = 2; }},
    {"in fewer", [](Receipt& r) { r.roots_in.pop_back(); }},
    {"out root", [](Receipt& r) { r.roots_out[0].root[3] ^= 1; }},
    {"out more", [](Receipt& r) { r.roots_out.push_back({8, Digest{}}); }},
    {"engine", [](Receipt& r) { r.engine += "2"; }},
    {"proof", [](Receipt& r) { (*r.proof)[3] ^= 1; }},
    {"no proof", [](Receipt& r) { r.proof.reset(); }},
    {"started", [](Receipt& r) { --r.started_ms; }},
    {"finished", [](Receipt& r) { ++r.finished_ms; }},
    {"lease", [](Receipt& r) { ++r.lease; }},
    {"worker", [](Receipt& r) { r.worker[3] ^= 1; }},
    {"prev", [](Receipt& r) { r.prev[3] ^= 1; }},
};

// Computed by tools/verify/blake3.py from docs/formats/receipt.md.
TEST(Receipt, KnownAnswers) {
  PublicKey fours;
  fours.fill(4);
  EXPECT_EQ(to_hex(genesis(fours)), "0deabbe05f2da500464b204b10ee0e447e3efc675961330ac0927a71a0d8f2ff");
  Receipt r;
  r.roots_in = {{258, Digest{}}};
  r.engine = "e", r.started_ms = 1, r.finished_ms = 2, r.lease = 3;
  EXPECT_EQ(to_hex(receipt_digest(r)), "3336c5d9f9748ac153d7621661b31bc9e2af97154ee532a6717dfaba9cb84292");
}

TEST(Receipt, ReturnsAsItWas) {
  for (const bool proof : {true, false}) {
    for (const bool roots : {true, false}) {
      Receipt r = first_receipt();
      if (!proof) r.proof.reset();
      if (!roots) r.roots_in.clear(), r.roots_out.clear();
      EXPECT_EQ(decode_receipt(encode_receipt(r)), r);
      Receipt back;
      const auto envelope = sign_receipt(r, signer(1));
      ASSERT_TRUE(envelope);
      EXPECT_TRUE(verify_receipt(encode_envelope(*envelope), kCheck, back));
      EXPECT_EQ(back, r);
    }
  }
}

TEST(Receipt, EveryFieldIsSignedAndInTheDigest) {
  const Receipt r = first_receipt();
  const auto envelope = sign_receipt(r, signer(1));
  ASSERT_TRUE(envelope);
  std::set<Digest> digests = {receipt_digest(r)};
  for (const auto& [name, change] : kChanges) {
    Receipt other = r;
    change(other);
    ASSERT_TRUE(check_receipt(other)) << name;
    EXPECT_TRUE(digests.insert(receipt_digest(other)).second) << name;
    Envelope forged = *envelope;
    forged.payload = encode_receipt(other);
    Receipt out;
    EXPECT_EQ(verify_receipt(forged, kCheck, out).reason, "envelope: signature") << name;
    EXPECT_EQ(out, Receipt{}) << name << ": nothing of a refused receipt comes out";
  }
}

TEST(Receipt, EveryBitOfTheTextCounts) {
  const auto envelope = sign_receipt(first_receipt(), signer(1));
  ASSERT_TRUE(envelope);
  const Bytes text = encode_envelope(*envelope);
  Receipt out;
  for (std::size_t bit = 0; bit < 8 * text.size(); ++bit) {
    Bytes wrong = text;
    wrong[bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
    ASSERT_FALSE(verify_receipt(wrong, kCheck, out)) << bit;
  }
  for (std::size_t n = 0; n < text.size(); ++n)
    EXPECT_EQ(verify_receipt(ByteView(text).first(n), kCheck, out).reason, "envelope: not canonical");
}

// A worker that signs another spelling of its receipt would have two digests for one statement.
TEST(Receipt, OneTextOnlyEvenIfSigned) {
  const std::string text = text_of(encode_receipt(first_receipt()));
  ASSERT_EQ(testing::members(text).size(), 17U);
  for (const auto& other : testing::respelled(text)) {
    const auto envelope = seal(kReceiptType, bytes_of(other), signer(1));
    ASSERT_TRUE(envelope);
    Receipt out;
    EXPECT_EQ(verify_receipt(*envelope, kCheck, out).reason, "receipt: not canonical") << other;
  }
  for (std::size_t n = 0; n < text.size(); ++n) EXPECT_FALSE(decode_receipt(bytes_of(text.substr(0, n))));
}

TEST(Receipt, OnlyItsWorkerSigns) {
  const Receipt r = first_receipt();
  EXPECT_EQ(sign_receipt(r, signer(2)).error().what, "signed by another key than its worker's");
  Receipt out;
  const auto other = seal(kReceiptType, encode_receipt(r), signer(2));
  EXPECT_EQ(verify_receipt(*other, kCheck, out).reason, "receipt: signed by another key");
  auto both = *sign_receipt(r, signer(1));
  ASSERT_TRUE(add_signature(both, signer(2)));
  EXPECT_EQ(verify_receipt(both, kCheck, out).reason, "receipt: signatures");
  const auto type = seal("application/vnd.dsperse.checkpoint+json", encode_receipt(r), signer(1));
  EXPECT_EQ(verify_receipt(*type, kCheck, out).reason, "envelope: payload type");
}

TEST(Receipt, Bounds) {
  const auto refused = [](const std::function<void(Receipt&)>& change, const char* what) {
    Receipt r = first_receipt();
    change(r);
    EXPECT_EQ(check_receipt(r).error().what, what);
    EXPECT_EQ(sign_receipt(r, signer(1)).error().what, what);
    EXPECT_FALSE(decode_receipt(encode_receipt(r))) << what;
  };
  refused([](Receipt& r) { std::swap(r.roots_in[0], r.roots_in[1]); }, "boundary roots that do not ascend by chunk");
  refused([](Receipt& r) { r.roots_out.push_back(r.roots_out[0]); }, "boundary roots that do not ascend by chunk");
  refused([](Receipt& r) { r.roots_out[0].chunk = 5; }, "a chunk that goes in and comes out");
  refused([](Receipt& r) { r.engine = "a\"b"; }, "an engine profile that is no word");
  refused([](Receipt& r) { r.engine = std::string(kMaxEngineBytes + 1, 'e'); }, "an engine profile that is no word");
  refused([](Receipt& r) { r.started_ms = r.finished_ms + 1; }, "finished before it started");
  refused([](Receipt& r) { r.finished_ms = kMaxNumber + 1; }, "a number beyond 2^53");
  refused([](Receipt& r) { r.lease = kMaxNumber + 1; }, "a number beyond 2^53");
  const auto many = [](BoundaryRoots& roots, std::uint32_t n, std::uint32_t first) {
    roots.clear();
    for (std::uint32_t i = 0; i < n; ++i) roots.push_back({first + i, Digest{}});
  };
  refused([&](Receipt& r) { many(r.roots_in, kMaxReceiptRoots + 1, 100); }, "more boundary roots than a receipt holds");
  Receipt largest = first_receipt();
  many(largest.roots_in, kMaxReceiptRoots, 4294960000U);
  many(largest.roots_out, kMaxReceiptRoots, 4294960000U + kMaxReceiptRoots);
  EXPECT_EQ(decode_receipt(encode_receipt(largest)), largest);
  EXPECT_TRUE(sign_receipt(largest, signer(1))) << "the largest receipt fits an envelope";
  std::string wide = text_of(encode_receipt(first_receipt()));
  wide.replace(wide.find(R"("chunk":3)"), 9, R"("chunk":4294967296)");
  EXPECT_FALSE(decode_receipt(bytes_of(wide)));
}

TEST(Receipt, AnswersItsAssignmentOnly) {
  const Receipt r = first_receipt();
  const Assignment asked{r.run, r.model, r.slice_key, r.h_in, named("nonce0"), r.roots_in, r.worker, r.lease};
  EXPECT_TRUE(verify_answer(r, asked)) << "before a proof no commitment is sent";
  Assignment committed = asked;
  committed.commitment = r.commitment;
  EXPECT_TRUE(verify_answer(r, committed));
  const std::pair<const char*, std::function<void(Assignment&)>> others[] = {
      {"run", [](Assignment& a) { a.run[0] ^= 1; }},
      {"model", [](Assignment& a) { a.model[0] ^= 1; }},
      {"slice", [](Assignment& a) { a.slice_key[0] ^= 1; }},
      {"in", [](Assignment& a) { a.roots_in.pop_back(); }},
      {"h_in", [](Assignment& a) { a.h_in[0] ^= 1; }},
      {"job", [](Assignment& a) { a.nonce[0] ^= 1; }},
      {"worker", [](Assignment& a) { a.worker[0] ^= 1; }},
      {"lease", [](Assignment& a) { ++a.lease; }},
      {"commitment", [](Assignment& a) { (*a.commitment)[0] ^= 1; }},
  };
  for (const auto& [field, change] : others) {
    Assignment a = committed;
    change(a);
    const Verdict v = verify_answer(r, a);
    EXPECT_EQ(v.reason, "receipt: answers another job");
    EXPECT_EQ(v.where, field);
  }
}

// The salt enters the lottery: a worker that could show another one for the same receipt could choose who is drawn.
TEST(Receipt, ItsSaltIsBound) {
  const Receipt r = first_receipt();
  EXPECT_TRUE(verify_receipt_opening(r, named("salt0")));
  EXPECT_EQ(verify_receipt_opening(r, named("salt1")).reason, "commitment: does not open");
  for (const auto& [name, change] : kChanges) {
    Receipt other = r;
    change(other);
    const bool opens =
        other.job == r.job && other.worker == r.worker && other.h_out == r.h_out && other.commitment == r.commitment;
    EXPECT_EQ(verify_receipt_opening(other, named("salt0")).accepted, opens) << name;
  }
}

TEST(Receipt, Chain) {
  const PublicKey worker = signer(1).key();
  std::vector<Receipt> chain;
  for (unsigned i = 0; i < 5; ++i)
    chain.push_back(sample_receipt(worker, i == 0 ? genesis(worker) : receipt_digest(chain.back()), i));
  EXPECT_TRUE(verify_chain(chain, worker, genesis(worker)));
  EXPECT_TRUE(verify_chain({}, worker, genesis(worker)));
  EXPECT_TRUE(verify_chain(std::span(chain).subspan(2), worker, receipt_digest(chain[1])));
  EXPECT_EQ(verify_chain(chain, worker, genesis(signer(2).key())).where, "receipt 0") << "each worker begins elsewhere";
  for (std::size_t i = 0; i + 1 < chain.size(); ++i) {
    auto gap = chain, swapped = chain, changed = chain;
    gap.erase(gap.begin() + static_cast<std::ptrdiff_t>(i));
    std::swap(swapped[i], swapped[i + 1]);
    ++changed[i].finished_ms;
    EXPECT_EQ(verify_chain(gap, worker, genesis(worker)).where, "receipt " + std::to_string(i));
    EXPECT_EQ(verify_chain(swapped, worker, genesis(worker)).reason, "receipt: chain is broken");
    EXPECT_EQ(verify_chain(changed, worker, genesis(worker)).where, "receipt " + std::to_string(i + 1));
  }
  chain[3].worker = signer(2).key();
  EXPECT_EQ(verify_chain(chain, worker, genesis(worker)).reason, "receipt: another worker");
}

}  // namespace
}  // namespace dsperse::trust
