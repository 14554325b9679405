// Two runs of one input that differ: the slice is found, its proof decides, the verdict stands alone under the key.
#include "dsperse/pipeline/dispute.h"

#include "dsperse/pipeline/openings.h"
#include "dsperse/pipeline/testing/workbench.h"
#include "dsperse/proof/prove.h"

namespace dsperse::pipeline {
namespace {

using trust::dispute::Outcome;
using trust::dispute::VerdictFile;

class Dispute : public testing::Workbench {
 protected:
  /// Another last value of a stored boundary, by +-1; the stored root stays.
  void tamper(const std::string& name, std::uint32_t chunk, std::uint8_t bit = 1) {
    const std::string file = name + "/boundaries/" + std::to_string(chunk) + ".bin";
    Bytes b = bytes(file);
    b[b.size() - 4] ^= bit;
    write(file, b);
  }
  Result<DisputeReport> settle(const std::string& a, const std::string& b, const std::string& where = "state") {
    auto openings = state(where);
    return settle_dispute(key, {dir / a, dir / b}, native, openings, {});
  }
  /// The verdict, accepted from its file.
  VerdictFile decided(const std::string& a, const std::string& b, Outcome outcome, std::uint32_t slice) {
    const auto report = settle(a, b);
    EXPECT_TRUE(report) << report.error().text();
    if (!report || !report->verdict) {
      ADD_FAILURE() << "no verdict";
      return {};
    }
    const VerdictFile& v = *report->verdict;
    EXPECT_EQ(outcome_word(v.outcome), outcome_word(outcome));
    EXPECT_EQ(v.subject.slice, slice);
    write("v.dsverdict", trust::dispute::encode(v));
    EXPECT_TRUE(is_verdict_file(dir / "v.dsverdict"));
    const auto checked = verify_verdict_file(key, dir / "v.dsverdict", {key.id(), {}});
    EXPECT_TRUE(checked && checked->verdict) << (checked ? checked->verdict.reason + checked->verdict.where : "");
    EXPECT_EQ(checked->file, v);
    here_ = report->proved_here;
    return v;
  }
  bool here_ = false;
};

TEST_F(Dispute, HonestRunsAgree) {
  compile();
  ASSERT_TRUE(run("a"));
  ASSERT_TRUE(run("b"));
  const auto report = settle("a", "b");
  ASSERT_TRUE(report) << report.error().text();
  EXPECT_FALSE(report->verdict);
  copy("a", "c");
  EXPECT_FALSE(settle("a", "c")->verdict) << "one run twice";
  EXPECT_FALSE(settle("a", "a")) << "one folder twice";
}

TEST_F(Dispute, AnIndependentRunThatLiesLoses) {
  compile();
  ASSERT_TRUE(run("good"));
  for (const std::uint32_t chunk : {1U, 2U, 3U}) {  // chunk c is made by slice c - 1
    const std::string bad = "bad" + std::to_string(chunk);
    ASSERT_TRUE(run(bad));
    tamper(bad, chunk);
    const VerdictFile v = decided("good", bad, Outcome::a, chunk - 1);
    EXPECT_TRUE(here_);
    EXPECT_EQ(v.prefix.size(), chunk);
    EXPECT_NE(v.claims[0].worker, v.claims[1].worker);
    EXPECT_EQ(v.claims[0].receipt, Digest{});
    decided(bad, "good", Outcome::b, chunk - 1);
  }
}

TEST_F(Dispute, TheOtherRunsRootsAreTheVerdicts) {
  compile();
  const auto step = run("good");
  ASSERT_TRUE(step);
  ASSERT_TRUE(run("bad"));
  tamper("bad", 2);
  const VerdictFile v = decided("good", "bad", Outcome::a, 1);
  // Whoever has A's published roots finds A's trace in the verdict.
  const auto lives = trust::lives_of(key);
  const auto trace = trust::trace_of(key, lives, step->run.published.roots);
  EXPECT_EQ(v.subject.run, step->run.run_id);
  EXPECT_EQ(v.prefix, (std::vector<Digest>{trace[0], trace[1]}));
  EXPECT_EQ(v.claims[0].h_out, trace[2]);
}

TEST_F(Dispute, ATamperedCopyLosesWhicheverSideItIs) {
  compile();
  ASSERT_TRUE(run("good"));
  copy("good", "bad");
  tamper("bad", 1);
  decided("good", "bad", Outcome::a, 0);
  EXPECT_TRUE(here_);
  decided("bad", "good", Outcome::b, 0);
  // With a proof that was there before nothing is used up.
  ASSERT_TRUE(prove("good"));
  const auto left = [&] {
    auto openings = state();
    return *proofs_left(openings, key.slices[0]);
  };
  const std::uint64_t before = left();
  decided("good", "bad", Outcome::a, 0);
  EXPECT_FALSE(here_);
  EXPECT_EQ(left(), before);
  // The proofs of the copy speak of roots, and its values are others.
  copy("good", "late");
  tamper("late", 2);
  decided("late", "good", Outcome::b, 1);
  EXPECT_FALSE(here_);
}

TEST_F(Dispute, AReplicaIsHeldToTheRootThatItPublished) {
  compile();
  ASSERT_TRUE(run("good"));
  copy("good", "bad");
  // Another value, and the commitment to it under the seed that both were given.
  auto folder = store::RunFolder::open(dir / "bad");
  ASSERT_TRUE(folder);
  auto lie = *folder->boundary(1, key.chunks[1].shape);
  lie.values[0] += lie.values[0] > 0 ? -1 : 1;
  const auto geometry = proof::boundary_geometry_of(key);
  lie.root = proof::commit_boundary(key.profile(), geometry, key.chunks[1], lie.values, lie.seed)->root();
  ASSERT_TRUE(folder->put_boundary(1, lie));
  folder = fail(ErrorKind::usage, "closed");
  const VerdictFile v = decided("good", "bad", Outcome::a, 0);
  const auto lives = trust::lives_of(key);
  EXPECT_EQ(v.claims[1].h_out, trust::trace_digest(std::vector{trust::BoundaryRoot{1, *lie.root}}));
}

TEST_F(Dispute, TwoLiarsAreBothWrong) {
  compile();
  ASSERT_TRUE(run("a"));
  ASSERT_TRUE(run("b"));
  tamper("a", 2, 1);
  tamper("b", 2, 2);
  const VerdictFile v = decided("a", "b", Outcome::neither, 1);
  ASSERT_EQ(v.evidence.size(), 1U);
  EXPECT_NE(v.evidence[0].h_out, v.claims[0].h_out);
  EXPECT_NE(v.evidence[0].h_out, v.claims[1].h_out);
  tamper("a", 1);  // now A lies earlier
  decided("a", "b", Outcome::b, 0);
}

TEST_F(Dispute, OtherInputsAreNoDispute) {
  compile();
  ASSERT_TRUE(run("a"));
  ASSERT_TRUE(run("b", 1, "[1, -2, 0.5, 3, -1.25, 1]"));
  const auto report = settle("a", "b");
  ASSERT_FALSE(report);
  EXPECT_NE(report.error().what.find("inputs"), std::string::npos);
}

TEST_F(Dispute, PrivateInputsAndPublicWeights) {
  for (const bool private_input : {false, true}) {
    CompileOptions options;
    options.private_input = private_input;
    options.public_weights = !private_input;
    const std::string a = private_input ? "pa" : "wa", b = private_input ? "pb" : "wb";
    std::filesystem::remove_all(dir / "m.dsm");
    compile(options);
    ASSERT_TRUE(run(a));
    ASSERT_TRUE(run(b));
    tamper(b, 1);
    decided(a, b, Outcome::a, 0);
    EXPECT_EQ(key.chunks[0].is_public, !private_input);
  }
}

TEST_F(Dispute, CertificatesAreComparedByRootsOfOneRun) {
  compile();
  ASSERT_TRUE(run("r"));
  ASSERT_TRUE(run("other"));
  ASSERT_TRUE(prove("r"));
  ASSERT_TRUE(prove("other"));
  const auto put = [&](const std::string& name, const proof::Certificate& c) { write(name, proof::encode_certificate(c)); };
  const auto two = settle("r/certificate.dscert", "other/certificate.dscert");
  ASSERT_FALSE(two);
  EXPECT_NE(two.error().what.find("two runs"), std::string::npos) << two.error().text();
  proof::Certificate lie = certificate("r");
  lie.table[2].root->at(0) ^= 1;
  put("lie.dscert", lie);
  decided("r/certificate.dscert", "lie.dscert", Outcome::a, 1);
  EXPECT_FALSE(here_);
  decided("lie.dscert", "r", Outcome::b, 1);
  proof::Certificate bare = certificate("r");
  bare.slices.clear();
  put("bare.dscert", bare);
  EXPECT_FALSE(settle("r/certificate.dscert", "bare.dscert")->verdict);
  const VerdictFile v = decided("bare.dscert", "lie.dscert", Outcome::unproved, 1);
  EXPECT_TRUE(v.evidence.empty());
  EXPECT_FALSE(trust::dispute::rests_on_proof(v.outcome));
  // A run folder beside a certificate that proves nothing: it proves.
  std::filesystem::remove(dir / "r/proofs/1.bin");
  decided("lie.dscert", "r", Outcome::b, 1);
  EXPECT_TRUE(here_);
}

TEST_F(Dispute, WithoutOpeningsThereIsNoVerdict) {
  compile();
  ASSERT_TRUE(run("a"));
  ASSERT_TRUE(run("b"));
  tamper("b", 1);
  const auto report = settle("a", "b", "elsewhere");
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().kind, ErrorKind::resource);
  std::filesystem::rename(dir / "m.dsm", dir / "moved.dsm");
  EXPECT_FALSE(settle("a", "b"));
  auto openings = state();
  EXPECT_TRUE(settle_dispute(key, {dir / "a", dir / "b", dir / "moved.dsm"}, native, openings, {}));
}

TEST_F(Dispute, EveryByteThatTheProofCoversCounts) {
  compile();
  ASSERT_TRUE(run("a"));
  ASSERT_TRUE(run("b"));
  tamper("b", 2);
  const VerdictFile v = decided("a", "b", Outcome::a, 1);
  const Bytes good = trust::dispute::encode(v);
  // What the writer alone vouches for: the prefix before h_in, both claimants, the loser's output.
  const std::size_t head = 4 + 3 * 32 + 4 + 32 + 4, claims = head + 32 * v.prefix.size();
  const auto vouched = [&](std::size_t at) {
    if (at >= head && at < claims - 32) return true;
    if (at < claims || at >= claims + 8 * 32) return false;
    const std::size_t field = (at - claims) / 32;
    return field != 3;  // A's h_out is proved
  };
  std::size_t tried = 0;
  for (std::size_t at = 0; at < good.size(); at += at < claims + 300 ? 5 : 1 + good.size() / 150) {
    Bytes bad = good;
    bad[at] ^= 4;
    write("v.dsverdict", bad);
    const auto checked = verify_verdict_file(key, dir / "v.dsverdict", {});
    EXPECT_EQ(checked && checked->verdict, vouched(at)) << "byte " << at;
    ++tried;
  }
  EXPECT_GT(tried, 200U);
  write("v.dsverdict", good);
  EXPECT_EQ(verify_verdict_file(key, dir / "v.dsverdict", {Digest{1}, {}})->verdict.reason, "the key is not the pinned model");
  VerdictFile lie = v;
  lie.outcome = Outcome::b;
  write("v.dsverdict", trust::dispute::encode(lie));
  EXPECT_EQ(verify_verdict_file(key, dir / "v.dsverdict", {})->verdict.reason, "the outcome does not follow from the evidence");
  EXPECT_FALSE(is_verdict_file(dir / "m.dsk"));
  EXPECT_FALSE(is_verdict_file(dir / "absent"));
}

}  // namespace
}  // namespace dsperse::pipeline
