#include <gtest/gtest.h>

#include "dsperse/report/report.h"

namespace dsperse::report {
namespace {

TEST(Document, PlanAndMeasurementsOfASliceMeet) {
  const auto d = parse_document(R"({
    "path": "R", "model_id": "ab", "profile": 100, "weights": "public", "verdict": "accepted", "model_pinned": true,
    "plan": {"calibration": "64 samples", "slices": [
      {"slice": 0, "mode": "proof", "operators": ["conv1", "relu1"], "multiply_adds": 117600, "lookups": 9, "predicted_prove_s": 0.5,
       "predicted_peak_bytes": 1000, "predicted_proof_bytes": 500},
      {"slice": 1, "mode": "trust", "operators": ["fc"], "multiply_adds": 10}],
      "fidelity": {"samples": 64, "outputs": [{"name": "logits", "max_abs_error": 0.02, "mean_abs_error": 0.01, "cosine": 0.9999, "top1_agreement": 1.0}]}},
    "slices": [{"slice": 1, "mode": "trust", "prove_s": null, "proof_bytes": 0}, {"slice": 0, "mode": "proof", "prove_s": 0.25, "verify_s": 0.01,
       "proof_bytes": 400, "peak_rss_bytes": 900}],
    "coverage": {"slices": 2, "slices_proved": 1, "operators": 3, "operators_proved": 2, "multiply_adds": 117610, "multiply_adds_proved": 117600,
       "multiply_adds_with_ancestors_proved": 117600},
    "outputs": {"logits": {"integers": [1, 2], "exponent": 3, "values": [0.125, -0.25], "top1": 0, "label": "zero"}},
    "run": {"run_s": 0.001, "commit_s": 0.002, "saturated": 3, "clamped": {}},
    "certificate": {"path": "R/certificate.dscert", "bytes": 1234}, "something_new": [1, 2]})");
  ASSERT_TRUE(d) << d.error().text();
  ASSERT_EQ(d->slices.size(), 2U);
  EXPECT_EQ(d->slices[0].index, 0U);
  EXPECT_EQ(d->slices[0].predicted_prove_s, 0.5);
  EXPECT_EQ(d->slices[0].prove_s, 0.25);
  EXPECT_EQ(d->slices[0].peak_bytes, 900U);
  EXPECT_EQ(d->slices[0].operators, (std::vector<std::string>{"conv1", "relu1"}));
  EXPECT_FALSE(d->slices[1].prove_s);
  EXPECT_EQ(d->slices[1].mode, "trust");
  EXPECT_EQ(d->coverage->macs_proved, 117600U);
  EXPECT_EQ(d->outputs.at(0).label, "zero");
  EXPECT_EQ(d->fidelity.at(0).cosine, 0.9999);
  EXPECT_EQ(d->certificate_bytes, 1234U);
  EXPECT_EQ(d->weights, "public");
  EXPECT_TRUE(d->model_pinned);
  EXPECT_FALSE(d->fresh);
}

TEST(Document, WrongOnesAreNamed) {
  const auto error = [](const char* json) {
    const auto d = parse_document(json);
    return d ? std::string("accepted") : d.error().what;
  };
  EXPECT_EQ(error("{"), "no JSON object");
  EXPECT_EQ(error("[]"), "no JSON object");
  EXPECT_EQ(error("{}"), "names no slices");
  EXPECT_EQ(error(R"({"slices": [{"slice": 4096}]})"), "a slice without a number below 4096");
  EXPECT_EQ(error(R"({"slices": [{"mode": "proof"}]})"), "a slice without a number below 4096");
  EXPECT_EQ(error(R"({"slices": [{"slice": 0, "mode": 3}]})"), "slices[0].mode is not a text");
  EXPECT_EQ(error(R"({"slices": [{"slice": 0, "lookups": -3}]})"), "slices[0].lookups is not a count");
  EXPECT_EQ(error(R"({"slices": [{"slice": 0, "prove_s": "1"}]})"), "slices[0].prove_s is not a finite number");
  EXPECT_EQ(error(R"({"slices": [{"slice": 0}], "plan": {"fidelity": {"outputs": [{"cosine": {}}]}}})"),
            "plan.fidelity.outputs[0].cosine is not a finite number");
  EXPECT_EQ(error(R"({"slices": [{"slice": 0}], "outputs": {"a": 1}})"), "outputs.a is not an object");
}

Document chain(const std::vector<std::string>& modes) {
  Document d;
  for (const std::string& mode : modes) {
    Slice& s = d.slices.emplace_back();
    s.index = static_cast<std::uint32_t>(d.slices.size() - 1);
    s.mode = mode;
  }
  return d;
}

TEST(Document, ProofsBehindAnUnprovedSliceStandOnItsWord) {
  Document d = chain({"proof", "trust", "proof", "proof"});
  EXPECT_EQ(ancestors_proved(d), (std::vector<bool>{true, true, false, false}));
  d.edges = {{-1, 0, "x"}, {0, 1, "a"}, {0, 2, "a"}, {2, 3, "c"}, {1, -1, "side"}};  // slice 1 is a side branch
  EXPECT_EQ(ancestors_proved(d), (std::vector<bool>{true, true, true, true}));
}

TEST(Document, GuaranteesSayWhatIsNotProved) {
  EXPECT_NE(guarantee("proof", 100, true).find("2^100"), std::string::npos);
  EXPECT_EQ(guarantee("proof", 100, true).find("not proved"), std::string::npos);
  EXPECT_NE(guarantee("proof", 100, true).find("nothing of the weights"), std::string::npos);
  EXPECT_NE(guarantee("proof", 100, true, true).find("weights are public"), std::string::npos);
  EXPECT_EQ(guarantee("proof", 100, true, true).find("nothing of the weights"), std::string::npos);
  EXPECT_NE(guarantee("proof", 100, false).find("not proved"), std::string::npos);
  EXPECT_NE(guarantee("trust", 100, true).find("Not proved"), std::string::npos);
  const auto says = [](std::string_view mode, std::string_view words, Draw draw = Draw::not_drawn) {
    EXPECT_NE(guarantee(mode, 100, true, false, draw).find(words), std::string::npos) << guarantee(mode, 100, true, false, draw);
  };
  says("replicate(2)", "2 workers of different operators whose results agree");
  says("replicate(3, distinct=region)", "3 workers in different regions");
  says("replicate(3, distinct=engine)", "3 workers with different engines");
  says("audit(0.05)", "at a rate of 0.05 a result is computed again by another worker");
  says("audit(0.05)", "not drawn: a wrong result stays unseen");
  says("audit(0.05, by=proof)", "a result is proved afterwards");
  says("audit(0.05)", "found right", Draw::drawn);
  says("audit(0.05)", "until then nothing holds it", Draw::pending);
  says("replicate(2)+audit(0.5)", "2 workers");
  says("replicate(2)+audit(0.5)", "at a rate of 0.5");
  says("replicate(2)+audit(0.5)", "Not proved.");
  EXPECT_NE(guarantee("anything", 100, true).find("not proved"), std::string::npos);
}

}  // namespace
}  // namespace dsperse::report
