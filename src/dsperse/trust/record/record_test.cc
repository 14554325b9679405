// Honest records of all kinds, and every rule about the log and about receipts broken alone. The draw's are in
// draw_rules_test.cc.
#include "dsperse/trust/record/record.h"

#include <gtest/gtest.h>

#include <fstream>
#include <random>
#include <regex>
#include <set>
#include <sstream>

#include "dsperse/trust/receipt/testing/sample.h"
#include "dsperse/trust/record/testing/builder.h"

namespace dsperse::trust {
namespace {

using testing::chain_facts;
using testing::named;
using testing::RecordBuilder;

const Ed25519Check kCheck;
Treatment t(std::string_view text) { return *parse_treatment(text); }

/// Three slices: two replicas, proved, one result.
RecordBuilder sample() { return {chain_facts(3, {false, true, false}), {t("replicate(2)"), t("proof"), t("trust")}}; }

RecordVerdict judged(const RunRecord& record, const RunFacts& facts, const RecordExpectation& user = {}) {
  return verify_record(record, facts, user, kCheck);
}
/// The reason for which a record is refused, and that nothing of it comes out.
std::string reason(RecordBuilder& b, const RecordExpectation& user = {}) {
  const RecordVerdict v = judged(b.build(), b.facts, user);
  EXPECT_TRUE(v.verdict || (v.slices.empty() && v.notes.empty()));
  return v.verdict.accepted ? "accepted" : v.verdict.reason;
}
std::string reason(const RecordBuilder& b, const RunRecord& record, const RecordExpectation& user = {}) {
  return judged(record, b.facts, user).verdict.reason;
}

TEST(Record, HonestOnesSayWhatHolds) {
  RecordBuilder b = sample();
  b.verdicts = 2;
  const RunRecord record = b.build();
  const RecordVerdict v = judged(record, b.facts, {b.keeper().key(), {}, b.seal_of(record), false});
  ASSERT_TRUE(v.verdict) << v.verdict.reason << " " << v.verdict.where;
  EXPECT_TRUE(v.keeper_pinned);
  EXPECT_FALSE(v.late);
  ASSERT_EQ(v.slices.size(), 3U);
  EXPECT_EQ(v.slices[0].by, t("replicate(2)"));
  EXPECT_EQ(v.slices[0].workers.size(), 2U);
  EXPECT_EQ(v.slices[1].by, t("proof"));
  EXPECT_EQ(v.slices[2].by, t("trust"));
  EXPECT_EQ(v.slices[2].workers, std::vector{b.worker(2).key()});
  EXPECT_EQ(v.weakest, 2U);
  EXPECT_EQ(v.notes.size(), 2U) << "labels and disputes";
  EXPECT_EQ(judged(record, b.facts).notes.size(), 3U) << "and that nobody pinned the coordinator";
}

TEST(Record, ReturnsAsItWas) {
  for (const bool drawn : {true, false}) {
    RecordBuilder b(chain_facts(3), {t("replicate(3)+audit(1)"), t("audit(0.5)"), t("trust")});
    b.drawn = drawn, b.verdicts = 1, b.late = lottery::Late::beacon;
    const RunRecord record = b.build();
    const Bytes bytes = encode_record(record);
    const auto back = decode_record(bytes);
    ASSERT_TRUE(back);
    EXPECT_EQ(*back, record);
    for (std::size_t n = 0; n < bytes.size(); ++n) ASSERT_FALSE(decode_record(ByteView(bytes).first(n))) << n;
    Bytes longer = bytes;
    longer.push_back(0);
    EXPECT_FALSE(decode_record(longer));
  }
}

// Canonical, and nothing of it is decoration: whichever bit is wrong, it is refused.
TEST(Record, EveryByteCounts) {
  RecordBuilder b(chain_facts(2), {t("audit(1)"), t("audit(0.3)")}, 2);
  b.verdicts = 1;
  const RunRecord record = b.build();
  ASSERT_TRUE(judged(record, b.facts).verdict);
  const Bytes bytes = encode_record(record);
  std::mt19937 random(1);
  std::size_t decoded = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    Bytes wrong = bytes;
    wrong[i] ^= static_cast<std::uint8_t>(1U << random() % 8);
    const auto other = decode_record(wrong);
    if (!other) continue;
    ++decoded;
    EXPECT_EQ(encode_record(*other), wrong) << i;
    EXPECT_FALSE(judged(*other, b.facts).verdict) << i;
  }
  EXPECT_GT(decoded, bytes.size() / 4);
}

TEST(Record, BoundsOfTheBytes) {
  RecordBuilder b = sample();
  RunRecord record = b.build();
  record.slices[0].results.clear();
  EXPECT_FALSE(decode_record(encode_record(record))) << "no result";
  record = b.build();
  record.origin = "";
  EXPECT_FALSE(decode_record(encode_record(record)));
  record = b.build();
  record.opening_place.path.resize(50);
  EXPECT_FALSE(decode_record(encode_record(record)));
  EXPECT_FALSE(decode_record(Bytes(kMaxRecordBytes + 1)));
}

TEST(Record, TheCoordinatorIsWhoTheUserThinks) {
  RecordBuilder b = sample();
  EXPECT_EQ(reason(b, {b.keeper().key(), {}, {}, false}), "accepted");
  EXPECT_EQ(reason(b, {b.worker(0).key(), {}, {}, false}), "record: another keeper");
  RunRecord record = b.build();
  record.keeper = b.worker(0).key();
  EXPECT_EQ(reason(b, record), "record: not signed by the keeper");
}

TEST(Record, FactsHaveOneShape) {
  RecordBuilder b = sample();
  const RunRecord record = b.build();
  b.facts.trace.pop_back();
  EXPECT_EQ(reason(b, record), "record: facts of another number of slices");
}

TEST(Record, Opening) {
  RecordBuilder b = sample();
  RunRecord record = b.build();
  record.opening = *seal(kOpeningType, record.opening.payload, b.worker(0));
  EXPECT_EQ(reason(b, record), "record: not signed by the keeper");
  record = b.build();
  ASSERT_TRUE(add_signature(record.opening, b.worker(0)));
  EXPECT_EQ(reason(b, record), "record: not signed by the keeper") << "alone";
  record = b.build();
  record.opening.signatures[0].signature[3] ^= 1;
  EXPECT_EQ(reason(b, record), "envelope: signature");
  record = b.build();
  record.opening = *seal(kDrawType, record.opening.payload, b.keeper());
  EXPECT_EQ(reason(b, record), "envelope: payload type");
  record = b.build();
  record.opening.payload.push_back(' ');
  record.opening = *seal(kOpeningType, record.opening.payload, b.keeper());
  EXPECT_EQ(reason(b, record), "record: opening is not canonical");
  const auto changed = [](const std::function<void(RunOpening&)>& change) {
    RecordBuilder other = sample();
    other.on_opening = change;
    return reason(other);
  };
  EXPECT_EQ(changed([](RunOpening& o) { o.run[0] ^= 1; }), "record: opening of another run");
  EXPECT_EQ(changed([](RunOpening& o) { o.model[0] ^= 1; }), "record: opening of another model");
  EXPECT_EQ(changed([](RunOpening& o) { o.treatments.pop_back(); }), "record: opening of another number of slices");
}

TEST(Record, SealAndCheckpoint) {
  RecordBuilder b = sample();
  const RunRecord good = b.build();
  RunRecord record = good;
  record.seal.signatures[0].signature[3] ^= 1;
  RecordVerdict v = judged(record, b.facts);
  EXPECT_EQ(v.verdict.reason, "envelope: signature");
  EXPECT_EQ(v.verdict.where.substr(0, 4), "seal");
  const Checkpoint seal = b.seal_of(good), last = *decode_checkpoint(good.checkpoint.payload);
  record = good;
  record.checkpoint = *sign_checkpoint(last, b.worker(1));
  v = judged(record, b.facts);
  EXPECT_EQ(v.verdict.reason, "checkpoint: not signed by its keeper");
  EXPECT_EQ(v.verdict.where, "checkpoint");
  record = good;
  record.origin = "example.org/others";
  EXPECT_EQ(reason(b, record), "checkpoint: another log");
  record = good;
  std::swap(record.seal, record.checkpoint);
  EXPECT_EQ(reason(b, record), "record: seal is larger than the checkpoint");
  record = good;
  record.growth.path[0][3] ^= 1;
  v = judged(record, b.facts);
  EXPECT_EQ(v.verdict.where, "growth");
  record = good;
  Checkpoint other = seal;
  other.root[3] ^= 1;
  record.seal = *sign_checkpoint(other, b.keeper());
  EXPECT_EQ(judged(record, b.facts).verdict.where, "growth") << "a seal of another log";
  EXPECT_EQ(reason(b, good, {{}, {}, seal, false}), "");
  ++other.time_ms;
  EXPECT_EQ(reason(b, good, {{}, {}, other, false}), "record: another seal than the user was shown");
}

TEST(Record, OpeningIsTheRunsFirstEntry) {
  RecordBuilder b = sample();
  b.opening_late = true;
  EXPECT_EQ(reason(b), "record: opening is not the run's first entry");
  b.opening_late = false;
  RunRecord record = b.build();
  record.opening_place.path[0][3] ^= 1;
  const RecordVerdict v = judged(record, b.facts);
  EXPECT_EQ(v.verdict.reason, "inclusion: root");
  EXPECT_EQ(v.verdict.where, "opening");
}

TEST(Record, ClosingIsTheLastEntryUnderTheSeal) {
  RecordBuilder b = sample();
  b.entry_after_closing = true;
  EXPECT_EQ(reason(b), "record: closing is not the last entry under the seal");
  b.entry_after_closing = false;
  b.on_closing = [](ClosingNote& n) { n.run[0] ^= 1; };
  EXPECT_EQ(reason(b), "record: closing of another run");
  b.on_closing = [](ClosingNote& n) { n.opening[0] ^= 1; };
  EXPECT_EQ(reason(b), "record: closing of another opening");
  b.on_closing = [](ClosingNote& n) { n.entries[0] ^= 1; };
  EXPECT_EQ(reason(b), "record: closing of other entries");
  b.on_closing = nullptr;
  RunRecord record = b.build();
  record.closing = *seal(kClosingType, record.closing.payload, b.worker(0));
  EXPECT_EQ(reason(b, record), "record: not signed by the keeper");
  record = b.build();
  record.closing.payload.push_back(' ');
  record.closing = *seal(kClosingType, record.closing.payload, b.keeper());
  EXPECT_EQ(reason(b, record), "record: closing is not canonical");
  record = b.build();
  record.closing_place.path[0][3] ^= 1;
  EXPECT_EQ(reason(b, record), "inclusion: root");
}

TEST(Record, AnAnswerForEachUnprovedSlice) {
  RecordBuilder b = sample();
  RunRecord record = b.build();
  record.slices.pop_back();
  EXPECT_EQ(reason(b, record), "record: an unproved slice has no answer");
  record = b.build();
  std::swap(record.slices[0], record.slices[1]);
  EXPECT_EQ(reason(b, record), "record: an unproved slice has no answer") << "in order";
  record = b.build();
  record.slices.push_back(record.slices.back());
  EXPECT_EQ(reason(b, record), "record: answers out of order, or for no slice");
  record.slices.back().slice = 9;
  EXPECT_EQ(reason(b, record), "record: answers out of order, or for no slice");
  record = b.build();
  b.facts.slices[0].proved = true;
  EXPECT_EQ(reason(b, record), "") << "a slice may be proved later, its answer stays";
  b.facts.slices[0].proved = false;
  record.slices[0].results.clear();
  EXPECT_EQ(reason(b, record), "record: no result");
}

TEST(Record, ReceiptsClaimTheFacts) {
  const auto changed = [](const std::function<void(Receipt&)>& change) {
    RecordBuilder b = sample();
    b.on_receipt = [&](Receipt& r, std::uint32_t slice, std::size_t result) {
      if (slice == 0 && result == 1) change(r);
    };
    const RecordVerdict v = judged(b.build(), b.facts);
    EXPECT_EQ(v.verdict.where.substr(0, 17), "slice 0 > result ");
    return v.verdict.reason;
  };
  EXPECT_EQ(changed([](Receipt& r) { r.run[0] ^= 1; }), "record: receipt of another run");
  EXPECT_EQ(changed([](Receipt& r) { r.model[0] ^= 1; }), "record: receipt of another model");
  EXPECT_EQ(changed([](Receipt& r) { r.slice_key[0] ^= 1; }), "record: receipt of another slice");
  EXPECT_EQ(changed([](Receipt& r) { r.roots_in[0].root[0] ^= 1; }), "record: receipt of other roots in");
  EXPECT_EQ(changed([](Receipt& r) { r.h_in[0] ^= 1; }), "record: receipt of another h_in");
  EXPECT_EQ(changed([](Receipt& r) { r.roots_out[0].root[0] ^= 1; }), "record: receipt of other roots out");
  EXPECT_EQ(changed([](Receipt& r) { r.h_out[0] ^= 1; }), "record: receipt of another h_out");
  EXPECT_EQ(changed([](Receipt& r) { r.commitment[0] ^= 1; }), "commitment: does not open");
  EXPECT_EQ(changed([](Receipt& r) { r.worker[0] ^= 1; }), "receipt: signed by another key");
  EXPECT_EQ(changed([](Receipt& r) { r.finished_ms = r.started_ms - 1; }), "receipt: not canonical");
}

TEST(Record, ReceiptsAreSignedLoggedAndUnderTheSeal) {
  RecordBuilder b = sample();
  RunRecord record = b.build();
  record.slices[0].results[0].receipt.signatures[0].signature[3] ^= 1;
  EXPECT_EQ(reason(b, record), "envelope: signature");
  record = b.build();
  record.slices[0].results[0].salt[3] ^= 1;
  EXPECT_EQ(reason(b, record), "commitment: does not open");
  record = b.build();
  record.slices[0].results[0].place.path[0][3] ^= 1;
  EXPECT_EQ(reason(b, record), "inclusion: root");
  record = b.build();
  std::swap(record.slices[0].results[0].place, record.slices[1].results[0].place);
  EXPECT_EQ(reason(b, record), "inclusion: root") << "the place of another receipt";
  b.receipt_after_seal = true;
  EXPECT_EQ(reason(b), "record: a receipt that is not under the seal");
}

TEST(Record, WorkersAreTheOpenings) {
  RecordBuilder b = sample();
  b.on_opening = [](RunOpening& o) {
    const PublicKey left = RecordBuilder(chain_facts(1), {Treatment{}}).worker(2).key();
    std::erase_if(o.nodes, [&](const NodeLabels& n) { return n.key == left; });
  };
  EXPECT_EQ(reason(b), "record: a worker whom the opening does not name");
  b.on_opening = nullptr;
  b.choose = [](std::uint32_t, std::size_t) { return 3; };
  EXPECT_EQ(reason(b), "record: a worker answers twice");
  b.choose = nullptr;
  RunRecord record = b.build();
  std::swap(record.slices[0].results[0], record.slices[0].results[1]);
  EXPECT_EQ(reason(b, record), "record: results do not ascend by job");
}

TEST(Record, OnlyDifferentLabelsCount) {
  const auto held = [](const char* treatment, const std::function<void(RunOpening&)>& labels) {
    RecordBuilder b(chain_facts(1), {t(treatment)});
    b.on_opening = labels;
    const RecordVerdict v = judged(b.build(), b.facts);
    return v.verdict ? to_text(v.slices[0].by) : v.verdict.reason;
  };
  const auto all = [](std::string NodeLabels::* label, const char* text) {
    return [=](RunOpening& o) {
      for (NodeLabels& n : o.nodes) n.*label = text;
    };
  };
  EXPECT_EQ(held("replicate(3)", nullptr), "replicate(3)");
  EXPECT_EQ(held("replicate(3)", all(&NodeLabels::operated_by, "one")), "trust");
  EXPECT_EQ(held("replicate(3)", all(&NodeLabels::operated_by, "")), "trust") << "an empty label says nothing";
  EXPECT_EQ(held("replicate(3)", all(&NodeLabels::region, "one")), "replicate(3)");
  EXPECT_EQ(held("replicate(3, distinct=region)", all(&NodeLabels::region, "one")), "trust");
  EXPECT_EQ(held("replicate(3, distinct=engine)", all(&NodeLabels::engine, "one")), "trust");
  EXPECT_EQ(held("replicate(3, distinct=engine)", all(&NodeLabels::region, "one")), "replicate(3, distinct=engine)");
  const PublicKey first = RecordBuilder(chain_facts(1), {Treatment{}}).worker(0).key();
  EXPECT_EQ(held("replicate(3)",
                 [&](RunOpening& o) {
                   for (NodeLabels& n : o.nodes) n.operated_by = n.key == first ? "lone" : "farm";
                 }),
            "replicate(2)");
}

TEST(Record, WhatWasFoundNotWhatWasPromised) {
  RecordBuilder b(chain_facts(2), {t("replicate(3)"), t("trust")});
  b.on_answer = [](SliceAnswer& a) {
    if (a.slice == 0) a.results.pop_back();
  };
  const RecordVerdict less = judged(b.build(), b.facts);
  ASSERT_TRUE(less.verdict) << less.verdict.reason;
  EXPECT_EQ(less.slices[0].by, t("replicate(2)"));
  EXPECT_FALSE(covers(less.slices[0], t("replicate(3)"), false));
  RecordBuilder more(chain_facts(2), {t("replicate(3)"), t("trust")});
  more.more_results = 1;
  const RecordVerdict v = judged(more.build(), more.facts);
  ASSERT_TRUE(v.verdict);
  EXPECT_EQ(v.slices[0].by, t("replicate(4)"));
  EXPECT_EQ(v.slices[1].by, t("replicate(2)"));
}

TEST(Record, Verdicts) {
  RecordBuilder b = sample();
  b.verdicts = 2;
  const RunRecord good = b.build();
  EXPECT_EQ(reason(b, good), "");
  RunRecord record = good;
  record.verdicts[1].note = *seal(kVerdictType, record.verdicts[1].note.payload, b.worker(0));
  EXPECT_EQ(reason(b, record), "record: not signed by the keeper");
  record = good;
  record.verdicts[0].note.payload.push_back(' ');
  record.verdicts[0].note = *seal(kVerdictType, record.verdicts[0].note.payload, b.keeper());
  EXPECT_EQ(reason(b, record), "record: verdict is not canonical");
  record = good;
  record.verdicts[0].place.path[0][3] ^= 1;
  EXPECT_EQ(reason(b, record), "inclusion: root");
  record = good;
  std::swap(record.verdicts[0], record.verdicts[1]);
  EXPECT_EQ(reason(b, record), "record: verdicts are not in the log's order");
  record.verdicts[0] = record.verdicts[1];
  EXPECT_EQ(reason(b, record), "record: verdicts are not in the log's order") << "each once";
  b.on_verdict = [](VerdictNote& n) { n.run[0] ^= 1; };
  EXPECT_EQ(reason(b), "record: verdict of another run");
  b.on_verdict = [](VerdictNote& n) { n.slice = 3; };
  EXPECT_EQ(reason(b), "record: verdict of no slice");
}

std::string file(const std::string& name) {
  std::ifstream in(DSPERSE_SOURCE_DIR "/" + name);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

TEST(Record, EveryReasonIsBrokenHereAndDocumented) {
  const std::string room = "src/dsperse/trust/record/";
  const std::string code = file(room + "record.cc") + file(room + "answers.cc");
  const std::string tests = file(room + "record_test.cc") + file(room + "draw_rules_test.cc");
  const std::string page = file("docs/formats/record.md");
  std::set<std::string> reasons;
  const std::regex pattern("reject\\(\\s*\"(record: [^\"]+)\"");
  for (std::sregex_iterator at(code.begin(), code.end(), pattern), end; at != end; ++at) reasons.insert((*at)[1]);
  EXPECT_GE(reasons.size(), 40U);
  for (const std::string& reason : reasons) {
    EXPECT_NE(tests.find("\"" + reason + "\""), std::string::npos) << reason << " is broken by no test";
    EXPECT_NE(page.find("`" + reason + "`"), std::string::npos) << reason << " is not in docs/formats/record.md";
  }
}

}  // namespace
}  // namespace dsperse::trust
