// What holds each slice, out of key, certificate and record; and what is said about it.
#include "dsperse/pipeline/holding.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dsperse/proof/testing/model.h"
#include "dsperse/proof/verify.h"
#include "dsperse/trust/record/testing/builder.h"

namespace dsperse::pipeline {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using trust::testing::RecordBuilder;

const trust::Ed25519Check kCheck;
trust::Treatment t(std::string_view text) { return *trust::parse_treatment(text); }

/// x -> a -> b, y from a + b; a is an output too.
const proof::testing::ModelCase& model() {
  static const proof::testing::ModelCase m = proof::testing::make_model(proof::testing::skip_model());
  return m;
}
std::uint32_t chunk(const std::string& name) {
  for (std::uint32_t c = 0; c < model().key.chunks.size(); ++c)
    if (model().key.chunks[c].name == name) return c;
  ADD_FAILURE() << name;
  return 0;
}

struct Judged {
  Result<Verdict> verdict;
  Holding holding;
};
Judged judged(const proof::Certificate& certificate, const std::vector<trust::Treatment>& wanted,
              const trust::RecordExpectation& user = {}, const trust::SignatureCheck* check = &kCheck) {
  std::set<std::uint32_t> proved;
  for (const proof::SliceProof& s : certificate.slices) proved.insert(s.slice);
  Holding holding;
  auto verdict = judge_holding(model().key, certificate, proved, wanted, user, check, holding);
  return {std::move(verdict), std::move(holding)};
}

TEST(RecordFacts, AreWhatKeyAndCertificateSay) {
  const auto& m = model();
  const trust::RunFacts facts = record_facts(m.key, m.certificate, {1});
  EXPECT_EQ(facts.model, m.key.id());
  EXPECT_EQ(facts.run, proof::run_id(m.key.id(), m.certificate.nonce, m.certificate.salt));
  ASSERT_EQ(facts.slices.size(), m.key.slices.size());
  ASSERT_EQ(facts.trace.size(), facts.slices.size() + 1);
  const auto digest = [&](std::uint32_t c) {
    const proof::Boundary& b = m.certificate.table[c];
    ByteWriter w;
    for (const std::int32_t v : b.values) w.u32(static_cast<std::uint32_t>(v));
    return b.root ? *b.root : trust::public_root(w.bytes());
  };
  // By hand: x lives before the first slice; a stays to the end, an output; b ends with the last slice.
  const auto roots = [&](std::initializer_list<const char*> names) {
    trust::BoundaryRoots out;
    for (const char* n : names) out.push_back({chunk(n), digest(chunk(n))});
    std::ranges::sort(out, {}, &trust::BoundaryRoot::chunk);
    return out;
  };
  EXPECT_EQ(facts.trace[0], trust::trace_digest(roots({"x"})));
  EXPECT_EQ(facts.trace.back(), trust::trace_digest(roots({"a", "y"})));
  EXPECT_EQ(facts.slices[0].in, roots({"x"}));
  EXPECT_EQ(facts.slices.back().in, roots({"a", "b"}));
  EXPECT_EQ(facts.slices.back().out, roots({"y"}));
  for (std::uint32_t i = 0; i < facts.slices.size(); ++i) {
    EXPECT_EQ(facts.slices[i].key, m.key.slices[i].digest());
    EXPECT_EQ(facts.slices[i].proved, i == 1);
  }
}

TEST(Holding, WithoutARecordOnlyProofsHold) {
  const auto& m = model();
  const std::size_t n = m.key.slices.size();
  const Judged all = judged(m.certificate, std::vector<trust::Treatment>(n, t("proof")), {}, nullptr);
  ASSERT_TRUE(all.verdict && all.verdict->accepted);
  EXPECT_EQ(holding_text(all.holding), std::to_string(n) + " slices proved");
  const proof::Certificate one = m.only({0});
  std::vector<trust::Treatment> wanted(n, t("trust"));
  wanted[0] = t("proof");
  const Judged less = judged(one, wanted);
  ASSERT_TRUE(less.verdict && less.verdict->accepted);
  EXPECT_EQ(holding_text(less.holding), "1 slice proved, " + std::to_string(n - 1) + " trusted; weakest: slice 1, trust");
  EXPECT_THAT(guarantee_texts(less.holding).back(), HasSubstr("no receipt says who"));
  wanted[1] = t("replicate(2)");
  const Judged none = judged(one, wanted);
  ASSERT_TRUE(none.verdict);
  EXPECT_EQ(none.verdict->reason, "held by less than the policy wants");
  EXPECT_EQ(none.verdict->where, "slice 1: wanted replicate(2), found trust");
  EXPECT_TRUE(none.holding.slices.empty());
  wanted[1] = t("trust");
  EXPECT_THAT(judged(one, wanted, {trust::PublicKey{}, {}, {}, false}).holding.notes, ElementsAre(HasSubstr("no record")));
}

TEST(Holding, ARecordIsComparedWithThePolicy) {
  const auto& m = model();
  proof::Certificate c = m.only({1});
  std::vector<trust::Treatment> wanted(m.key.slices.size(), t("proof"));
  wanted.front() = t("replicate(2)+audit(1)"), wanted.back() = t("audit(1e-09)");
  RecordBuilder b(record_facts(m.key, c, {1}), wanted);
  c.record = trust::encode_record(b.build());
  Judged got = judged(c, wanted, {b.keeper().key(), {}, {}, false});
  ASSERT_TRUE(got.verdict && got.verdict->accepted) << got.verdict->reason << " " << got.verdict->where;
  EXPECT_EQ(got.holding.keeper, b.keeper().key());
  EXPECT_TRUE(got.holding.keeper_pinned);
  EXPECT_EQ(holding_text(got.holding), "1 slice proved, 1 replicated, 1 audited; weakest: slice 2, audit(1e-09)");
  EXPECT_THAT(guarantee_texts(got.holding),
              ElementsAre(AllOf(HasSubstr("slice 0: replicate(2)+audit(1) (drawn, passed): wrong only if all 2 replicas collude"),
                                HasSubstr("and the auditor lied alike")),
                          HasSubstr("slice 1: proof: wrong only if the proof system is broken"),
                          HasSubstr("slice 2: audit(1e-09): wrong only if the result is not drawn")));
  wanted.back() = t("replicate(2)");
  EXPECT_EQ(judged(c, wanted).verdict->where, "slice 2: wanted replicate(2), found audit(1e-09)");
  wanted.back() = t("audit(1e-09)");
  EXPECT_EQ(judged(c, wanted, {b.worker(0).key(), {}, {}, false}).verdict->reason, "record: another keeper");
  // A record of another run, on this certificate.
  RecordBuilder other(record_facts(m.key, c, {1}), b.treatments);
  other.facts.run[0] ^= 1;
  c.record = trust::encode_record(other.build());
  EXPECT_EQ(judged(c, wanted).verdict->reason, "record: opening of another run");
  c.record = {1, 2, 3};
  EXPECT_EQ(judged(c, wanted).verdict.error().kind, ErrorKind::bad_input);
  EXPECT_EQ(judged(c, wanted, {}, nullptr).verdict.error().kind, ErrorKind::internal);
  wanted.pop_back();
  EXPECT_EQ(judged(c, wanted).verdict.error().kind, ErrorKind::internal) << "a slice that nobody asked about";
}

TEST(Holding, PendingIsSaid) {
  const auto& m = model();
  proof::Certificate c = m.only({});
  const std::vector<trust::Treatment> wanted(m.key.slices.size(), t("audit(0.5)"));
  RecordBuilder b(record_facts(m.key, c, {}), wanted);
  b.drawn = false;
  c.record = trust::encode_record(b.build());
  EXPECT_EQ(judged(c, wanted).verdict->reason, "record: audits are not drawn yet");
  const Judged got = judged(c, wanted, {{}, {}, {}, true});
  ASSERT_TRUE(got.verdict->accepted) << got.verdict->reason;
  EXPECT_EQ(holding_text(got.holding),
            "0 slices proved, 3 with an audit that is not drawn yet; weakest: slice 0, audit(0.5) (audit "
            "not drawn yet)");
  EXPECT_THAT(guarantee_texts(got.holding),
              ElementsAre(HasSubstr("slices 0-2: audit(0.5) (audit not drawn yet): wrong only if the operator lies")));
}

TEST(Holding, ReadsTheSealThatTheUserWasShown) {
  RecordBuilder b(trust::testing::chain_facts(1), {t("trust")});
  const trust::RunRecord record = b.build();
  const auto seal = read_checkpoint(trust::encode_envelope(record.seal));
  ASSERT_TRUE(seal);
  EXPECT_EQ(*seal, b.seal_of(record));
  EXPECT_EQ(read_checkpoint(trust::encode_envelope(record.opening)).error().kind, ErrorKind::bad_input);
  EXPECT_EQ(read_checkpoint(Bytes{1}).error().kind, ErrorKind::bad_input);
}

}  // namespace
}  // namespace dsperse::pipeline
