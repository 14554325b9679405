#include "dsperse/pipeline/ledger_view.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dsperse/pipeline/holding.h"
#include "dsperse/proof/testing/model.h"
#include "dsperse/store/testing/temporary_folder.h"
#include "dsperse/trust/receipt/testing/sample.h"
#include "dsperse/trust/record/testing/builder.h"
#include "dsperse/trust/record/testing/samples.h"

namespace dsperse::pipeline {
namespace {

using namespace dsperse::trust;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using trust::testing::bytes_of;
using trust::testing::sample_receipt;

const Ed25519Check kCheck;
Ed25519Signer signer(std::uint8_t n) { return std::move(*Ed25519Signer::from_seed(Digest{n})); }
Receipt receipt(unsigned n) { return sample_receipt(signer(2).key(), genesis(signer(2).key()), n); }

class Ledger : public ::testing::Test {
 protected:
  Ledger() {
    add(encode_envelope(*seal(kOpeningType, encode_opening(trust::testing::sample_opening()), signer(1))));
    add(encode_envelope(*sign_receipt(receipt(0), signer(2))));
    first = *log.checkpoint(signer(1), 1000);
    add(encode_envelope(*sign_receipt(receipt(1), signer(2))));
    add(encode_envelope(*seal(kDrawType, encode_draw(trust::testing::sample_draw()), signer(1))));
    add(encode_envelope(*seal("text/plain", bytes_of("hello"), signer(1))));
    add(bytes_of("no envelope"));
    second = *log.checkpoint(signer(1), 2000);
  }
  void add(const Bytes& entry) { ASSERT_TRUE(log.append(std::vector<ByteView>{entry})); }
  Result<Finding> check(const std::vector<Bytes>& files, std::optional<PublicKey> keeper = {}) {
    return check_files(files, {keeper, nullptr, &kCheck});
  }

  store::testing::TemporaryFolder folder;
  Log log = std::move(*Log::open(folder / "ledger.db", "example.org/ledger"));
  Envelope first, second;
};

TEST_F(Ledger, IsShown) {
  auto opened = open_ledger(folder / ".");
  ASSERT_TRUE(opened) << opened.error().text();
  ASSERT_TRUE(open_ledger(folder / "ledger.db")) << "by file as by folder";
  EXPECT_FALSE(open_ledger(folder / "elsewhere"));
  const auto view = view_ledger(*opened, 100);
  ASSERT_TRUE(view) << view.error().text();
  EXPECT_EQ(view->head, *log.head());
  ASSERT_EQ(view->checkpoints.size(), 2U);
  EXPECT_EQ(view->checkpoints[0].checkpoint.size, 6U);
  EXPECT_EQ(view->checkpoints[1].checkpoint.size, 2U);
  EXPECT_THAT(view->checkpoints[1].keys, ElementsAre(signer(1).key()));
  EXPECT_EQ(view->kinds,
            (std::map<std::string, std::uint64_t>{{"bytes", 1}, {"draw", 1}, {"envelope", 1}, {"opening", 1}, {"receipt", 2}}));
  ASSERT_EQ(view->entries.size(), 6U);
  EXPECT_THAT(view->entries[0].text, HasSubstr("5 slices, 2 workers"));
  EXPECT_THAT(view->entries[1].text, HasSubstr(to_hex(receipt_digest(receipt(0))).substr(0, 12)));
  EXPECT_THAT(view->entries[3].text, HasSubstr("2 job(s) drawn, with a late part"));
  EXPECT_THAT(view->entries[4].text, HasSubstr("text/plain"));
  const auto tail = view_ledger(*opened, 2);
  ASSERT_EQ(tail->entries.size(), 2U);
  EXPECT_EQ(tail->entries[0].index, 4U);
  EXPECT_EQ(tail->kinds, view->kinds);
}

TEST(EntryWords, EveryStatementHasSome) {
  const auto kind = [](std::string_view type, Bytes payload) {
    return describe_entry(0, encode_envelope(*seal(type, std::move(payload), signer(1)))).kind;
  };
  namespace t = trust::testing;
  EXPECT_EQ(kind(kClosingType, encode_closing(t::sample_closing())), "closing");
  EXPECT_EQ(kind(kVerdictType, encode_verdict_note(t::sample_verdict())), "verdict");
  EXPECT_EQ(kind(kStrikeType, encode_strike(t::sample_strike())), "strike");
  EXPECT_EQ(kind(kPayoutType, encode_payout(t::sample_payout())), "payout");
  EXPECT_EQ(kind(kCheckpointType, encode_checkpoint({"o", 0, empty_root(), 1})), "checkpoint");
  EXPECT_EQ(kind(kPayoutType, encode_strike(t::sample_strike())), "envelope") << "not what it says it is";
}

TEST_F(Ledger, ProvesEntries) {
  EXPECT_EQ(*find_receipt(log, receipt_digest(receipt(1))), 2U);
  EXPECT_EQ(find_receipt(log, Digest{}).error().kind, ErrorKind::usage);
  for (std::uint64_t i = 0; i < 6; ++i) {
    const auto proof = prove_entry(log, i);
    ASSERT_TRUE(proof) << proof.error().text();
    const auto found = check({encode_entry_proof(*proof)}, signer(1).key());
    ASSERT_TRUE(found && found->verdict) << i;
    EXPECT_THAT(found->text, HasSubstr("entry " + std::to_string(i) + " of example.org/ledger at size 6"));
    EXPECT_FALSE(check({encode_entry_proof(*proof)}, signer(3).key())->verdict);
    EXPECT_THAT(check({encode_entry_proof(*proof)})->text, HasSubstr("taken as given"));
  }
  add(bytes_of("behind the checkpoint"));
  EXPECT_THAT(prove_entry(log, 6).error().what, HasSubstr("no checkpoint"));
  EXPECT_FALSE(prove_entry(log, 7));
}

TEST_F(Ledger, ChecksGrowth) {
  const Bytes a = encode_envelope(first), b = encode_envelope(second), growth = encode_consistency(*log.consistency(2, 6));
  for (const auto& files : {std::vector<Bytes>{a, b, growth}, {b, a, growth}, {growth, a, b}}) {
    const auto found = check(files);
    ASSERT_TRUE(found) << found.error().text();
    EXPECT_TRUE(found->verdict) << found->verdict.reason;
    EXPECT_THAT(found->text, HasSubstr("only grew from size 2 to 6"));
  }
  EXPECT_TRUE(check({a, a})->verdict);
  EXPECT_THAT(check({a, b}).error().hint, HasSubstr("--growth 2:6"));
  EXPECT_FALSE(check({a, b, encode_consistency(*log.consistency(3, 6))})->verdict);
  EXPECT_EQ(check({a, b, growth}, signer(3).key())->verdict.where, "first");
  const Envelope foreign = *sign_checkpoint({"example.org/others", 6, Digest{1}, 1}, signer(1));
  EXPECT_EQ(check({a, encode_envelope(foreign)})->verdict.reason, "checkpoint: another log");
}

TEST_F(Ledger, SplitViewsBecomeEvidence) {
  const Envelope other = *sign_checkpoint({"example.org/ledger", 6, Digest{7}, 3000}, signer(1));
  const auto found = check({encode_envelope(second), encode_envelope(other)});
  ASSERT_TRUE(found);
  EXPECT_EQ(found->verdict.reason, "checkpoint: split view");
  ASSERT_TRUE(found->evidence);
  const auto judged = check({*found->evidence});
  ASSERT_TRUE(judged && judged->verdict);
  EXPECT_THAT(judged->text, HasSubstr(to_hex(signer(1).key())));
  EXPECT_FALSE(check({*found->evidence}, signer(3).key())->verdict);
}

TEST_F(Ledger, ChecksEvidenceOfWorkers) {
  Receipt again = receipt(0);
  ++again.finished_ms;
  const Bytes evidence =
      encode_evidence(make_evidence(kEquivocation, *sign_receipt(receipt(0), signer(2)), *sign_receipt(again, signer(2))));
  const auto found = check({evidence});
  ASSERT_TRUE(found && found->verdict);
  EXPECT_THAT(found->text, HasSubstr(to_hex(signer(2).key())));
  Receipt next = sample_receipt(signer(2).key(), receipt_digest(receipt(0)), 1);
  EXPECT_FALSE(
      check({encode_evidence(make_evidence(kEquivocation, *sign_receipt(receipt(0), signer(2)), *sign_receipt(next, signer(2))))})
          ->verdict);
}

TEST_F(Ledger, ChecksTheRecordOfACertificate) {
  const auto m = proof::testing::make_model(proof::testing::skip_model());
  proof::Certificate c = m.only({0});
  trust::testing::RecordBuilder b(record_facts(m.key, c, {0}),
                                  std::vector<Treatment>(m.key.slices.size(), *parse_treatment("replicate(2)")));
  const Bytes without = proof::encode_certificate(c);
  c.record = encode_record(b.build());
  const Bytes with = proof::encode_certificate(c);
  const auto found = check_files({with}, {b.keeper().key(), &m.key, &kCheck});
  ASSERT_TRUE(found) << found.error().text();
  EXPECT_TRUE(found->verdict) << found->verdict.reason;
  EXPECT_THAT(found->text, HasSubstr("1 slice proved, 2 replicated"));
  EXPECT_FALSE(check_files({with}, {signer(9).key(), &m.key, &kCheck})->verdict);
  EXPECT_EQ(check({with}).error().kind, ErrorKind::usage) << "no key";
  EXPECT_EQ(check_files({without}, {{}, &m.key, &kCheck}).error().kind, ErrorKind::bad_input);
}

TEST_F(Ledger, OtherFilesAreErrors) {
  EXPECT_EQ(check({bytes_of("hello")}).error().kind, ErrorKind::bad_input);
  EXPECT_EQ(check({encode_envelope(first)}).error().kind, ErrorKind::usage);
  EXPECT_EQ(check({}).error().kind, ErrorKind::bad_input);
  EXPECT_EQ(check({bytes_of("{\"evidence\":")}).error().kind, ErrorKind::bad_input);
  EXPECT_EQ(check({bytes_of("{\"v\":1,\"entry\":")}).error().kind, ErrorKind::bad_input);
}

}  // namespace
}  // namespace dsperse::pipeline
