// Every rule about the lottery and its audits, broken alone.
#include <gtest/gtest.h>

#include <algorithm>

#include "dsperse/trust/receipt/testing/sample.h"
#include "dsperse/trust/record/testing/builder.h"

namespace dsperse::trust {
namespace {

using testing::chain_facts;
using testing::named;
using testing::RecordBuilder;

const Ed25519Check kCheck;
Treatment t(std::string_view text) { return *parse_treatment(text); }

/// Slice 0 is always drawn, slice 1 never (p is tiny), slice 2 is not in the lottery.
RecordBuilder sample(lottery::Late late = lottery::Late::none) {
  RecordBuilder b(chain_facts(3), {t("replicate(2)+audit(1)"), t("audit(1e-09)"), t("trust")});
  b.late = late;
  return b;
}
RecordVerdict judged(RecordBuilder& b, const RecordExpectation& user = {}) {
  return verify_record(b.build(), b.facts, user, kCheck);
}
std::string reason(RecordBuilder& b, const RecordExpectation& user = {}) {
  const RecordVerdict v = judged(b, user);
  return v.verdict ? "accepted" : v.verdict.reason;
}
std::string reason(const RecordBuilder& b, const RunRecord& record, const RecordExpectation& user = {}) {
  const RecordVerdict v = verify_record(record, b.facts, user, kCheck);
  return v.verdict ? "accepted" : v.verdict.reason;
}
bool has_note(const RecordVerdict& v, std::string_view part) {
  return std::ranges::any_of(v.notes, [&](const std::string& n) { return n.find(part) != std::string::npos; });
}

TEST(DrawRules, HonestDraws) {
  for (const auto late : {lottery::Late::none, lottery::Late::user_nonce, lottery::Late::beacon}) {
    RecordBuilder b = sample(late);
    const RecordVerdict v = judged(b);
    ASSERT_TRUE(v.verdict) << v.verdict.reason << " " << v.verdict.where;
    EXPECT_EQ(v.slices[0].by, t("replicate(2)+audit(1)"));
    EXPECT_TRUE(v.slices[0].drawn && !v.slices[0].pending);
    EXPECT_EQ(v.slices[1].by, t("audit(1e-09)"));
    EXPECT_FALSE(v.slices[1].drawn || v.slices[1].pending);
    EXPECT_FALSE(v.late);
    EXPECT_TRUE(has_note(v, "the coordinator does not collude with workers"));
  }
}

TEST(DrawRules, ALatePartCountsOnlyIfItIsTheUsersUnderTheSealThatItSaw) {
  RecordBuilder b = sample(lottery::Late::user_nonce);
  const RunRecord record = b.build();
  const Checkpoint seal = b.seal_of(record);
  const RecordVerdict v = verify_record(record, b.facts, {{}, b.late_part, seal, false}, kCheck);
  ASSERT_TRUE(v.verdict);
  EXPECT_TRUE(v.late);
  EXPECT_TRUE(has_note(v, lottery::assumption(lottery::Late::user_nonce)));
  EXPECT_FALSE(verify_record(record, b.facts, {{}, b.late_part, {}, false}, kCheck).late) << "no seal";
  EXPECT_FALSE(verify_record(record, b.facts, {{}, {}, seal, false}, kCheck).late) << "no late part";
  EXPECT_EQ(reason(b, record, {{}, named("other"), seal, false}), "record: another late part than the user's");
  RecordBuilder none = sample();
  EXPECT_EQ(reason(none, {{}, named("mine"), {}, false}), "record: another late part than the user's");
}

TEST(DrawRules, ThePartsOfTheSeed) {
  RecordBuilder b = sample(lottery::Late::user_nonce);
  RunRecord record = b.build();
  record.late_part.reset();
  EXPECT_EQ(reason(b, record), "late part is missing");
  RecordBuilder none = sample();
  record = none.build();
  record.late_part = named("mine");
  EXPECT_EQ(reason(none, record), "late part was not announced");
  record = none.build();
  (*record.secret)[0] ^= 1;
  EXPECT_EQ(reason(none, record), "secret does not open the commitment");
}

TEST(DrawRules, PendingOnlyIfTheUserAllowsIt) {
  RecordBuilder b = sample(lottery::Late::user_nonce);
  b.drawn = false;
  EXPECT_EQ(reason(b), "record: audits are not drawn yet");
  EXPECT_EQ(reason(b, {{}, b.late_part, {}, true}), "record: audits are not drawn yet") << "the user gave its part: it was due";
  const RecordVerdict v = judged(b, {{}, {}, {}, true});
  ASSERT_TRUE(v.verdict) << v.verdict.reason;
  EXPECT_TRUE(v.slices[0].pending && v.slices[1].pending && !v.slices[2].pending);
  EXPECT_TRUE(has_note(v, "not drawn yet"));
  EXPECT_EQ(v.weakest, 2U);
  RunRecord record = b.build();
  record.late_part = b.late_part;
  EXPECT_EQ(reason(b, record, {{}, {}, {}, true}), "record: a late part without the secret");
  b.drawn = true;
  record = b.build();
  record.secret.reset(), record.late_part.reset();
  EXPECT_EQ(reason(b, record, {{}, {}, {}, true}), "record: an audit before the draw");
  RecordBuilder no_lottery(chain_facts(1), {t("trust")});
  no_lottery.drawn = false;
  EXPECT_EQ(reason(no_lottery), "accepted") << "nothing is pending";
}

TEST(DrawRules, DrawnSlicesAndNoOthersAreAudited) {
  RecordBuilder b = sample();
  b.audit_none = true;
  RecordVerdict v = judged(b);
  EXPECT_EQ(v.verdict.reason, "record: a drawn slice has no audit");
  EXPECT_EQ(v.verdict.where, "slice 0");
  b.audit_none = false, b.audit_all = true;
  v = judged(b);
  EXPECT_EQ(v.verdict.reason, "record: an audit of a slice that was not drawn");
  EXPECT_EQ(v.verdict.where, "slice 1");
}

// A drawn slice that was proved instead stays in the lottery: without its salt nobody could repeat the draw.
TEST(DrawRules, ADrawnSliceMayBeProvedInstead) {
  RecordBuilder b(chain_facts(2, {true, false}), {t("audit(1, by=proof)"), t("audit(0.5)")});
  const RecordVerdict v = judged(b);
  ASSERT_TRUE(v.verdict) << v.verdict.reason;
  EXPECT_EQ(v.slices[0].by, t("proof"));
  EXPECT_TRUE(v.slices[0].drawn);
  RunRecord record = b.build();
  record.slices.erase(record.slices.begin());
  EXPECT_EQ(reason(b, record), "record: closing of other entries");
  RecordBuilder later(chain_facts(1, {true}), {t("audit(1)")});
  later.audit_all = true;
  EXPECT_EQ(reason(later), "accepted") << "audited, and proved later";
  RecordBuilder reexec(chain_facts(1), {t("audit(1, by=proof)")});
  EXPECT_EQ(judged(reexec).slices[0].by, t("audit(1)")) << "promised by proof, found by re-execution";
  RecordBuilder undrawn(chain_facts(1), {t("audit(1e-09, by=proof)")});
  EXPECT_EQ(judged(undrawn).slices[0].by, t("audit(1e-09, by=proof)"));
}

TEST(DrawRules, ProbabilityIsAtLeastThePromised) {
  const auto with = [](Probability p, const char* treatment) {
    RecordBuilder b(chain_facts(1), {t(treatment)});
    b.on_answer = [=](SliceAnswer& a) { a.probability = p; };
    const RecordVerdict v = judged(b);
    return v.verdict ? to_text(v.slices[0].by) : v.verdict.reason;
  };
  const std::uint64_t promised = probability_of(0.001).threshold();
  EXPECT_EQ(with(Probability::of_threshold(promised), "audit(0.001)"), "audit(0.001)");
  EXPECT_EQ(with(Probability::of_threshold(promised - 1), "audit(0.001)"), "record: probability is below the opening's");
  EXPECT_EQ(with(probability_of(0.25), "audit(0.001)"), "audit(0.25)");
  EXPECT_EQ(with(probability_of(0.25), "trust"), "audit(0.25)") << "more than was promised";
  EXPECT_EQ(with(Probability::of_threshold(9), "trust"), "trust") << "too small for any treatment";
  EXPECT_EQ(with(Probability::never(), "trust"), "trust");
}

TEST(DrawRules, LotteryWithoutAPromisedSlice) {
  RecordBuilder b = sample();
  b.on_answer = [](SliceAnswer& a) {
    if (a.slice == 0) a.probability.reset();
  };
  const RecordVerdict v = judged(b);
  ASSERT_TRUE(v.verdict) << v.verdict.reason;
  EXPECT_EQ(v.slices[0].by, t("replicate(2)")) << "not in the lottery, not audited";
}

TEST(DrawRules, TheAcceptedResultIsFixedByTheClosing) {
  RecordBuilder b(chain_facts(2), {t("audit(0.5)"), t("audit(0.5)")});
  b.more_results = 1;
  RunRecord record = b.build();
  ASSERT_EQ(reason(b, record), "accepted");
  record.slices[0].results.erase(record.slices[0].results.begin());
  EXPECT_EQ(reason(b, record), "record: closing of other entries") << "the other result would draw otherwise";
}

TEST(DrawRules, OneJobAnswersForOneSlice) {
  RecordBuilder b(chain_facts(2), {t("audit(0.5)"), t("audit(0.5)")});
  b.on_receipt = [](Receipt& r, std::uint32_t slice, std::size_t result) {
    r.job = named("one job");
    const std::string n = std::to_string(slice) + "." + std::to_string(result);  // the builder's salt, so that it opens again
    r.commitment = commitment(r.job, r.worker, {r.h_out, named("salt " + n)});
  };
  EXPECT_EQ(reason(b), "record: one job answers for two slices");
}

TEST(DrawRules, WhoAudits) {
  RecordBuilder b = sample();
  RunRecord record = b.build();
  record.slices[0].audit->receipt.signatures[0].signature[3] ^= 1;
  EXPECT_EQ(reason(b, record), "envelope: signature");
  record = b.build();
  record.slices[0].audit->place.path[0][3] ^= 1;
  EXPECT_EQ(reason(b, record), "inclusion: root");
  const auto audits = [](std::size_t worker) {
    return [=](std::uint32_t slice, std::size_t result) {
      return result == RecordBuilder::kAuditor ? worker : (slice + result) % 6;
    };
  };
  b.choose = audits(1);
  EXPECT_EQ(reason(b), "record: the auditor made a result that it audits");
  b.choose = audits(3);
  EXPECT_EQ(reason(b), "accepted");
  const PublicKey result = b.worker(0).key(), auditor = b.worker(3).key();
  b.on_opening = [&](RunOpening& o) {
    for (NodeLabels& n : o.nodes)
      if (n.key == result || n.key == auditor) n.operated_by = "both";
  };
  EXPECT_EQ(reason(b), "record: the auditor shares its operator with a result");
  b.on_opening = [&](RunOpening& o) {
    for (NodeLabels& n : o.nodes)
      if (n.key == auditor) n.operated_by = "";
  };
  EXPECT_EQ(reason(b), "record: the auditor shares its operator with a result") << "no operator is like any";
  b.on_opening = [&](RunOpening& o) { std::erase_if(o.nodes, [&](const NodeLabels& n) { return n.key == auditor; }); };
  EXPECT_EQ(reason(b), "record: a worker whom the opening does not name");
}

TEST(DrawRules, AnAuditSaysTheSameAfterTheSeal) {
  RecordBuilder b = sample();
  b.audit_before_seal = true;
  EXPECT_EQ(reason(b), "record: an audit from before the seal");
  b.audit_before_seal = false;
  b.on_receipt = [](Receipt& r, std::uint32_t, std::size_t result) {
    if (result == RecordBuilder::kAuditor) r.h_out[0] ^= 1;
  };
  const RecordVerdict v = judged(b);
  EXPECT_EQ(v.verdict.reason, "record: receipt of another h_out");
  EXPECT_EQ(v.verdict.where, "slice 0 > audit");
}

}  // namespace
}  // namespace dsperse::trust
