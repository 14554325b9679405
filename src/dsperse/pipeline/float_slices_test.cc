// Where slices in float lie, what their keys are, and that nothing counts them as more than trust. The engine is a fake one,
// which turns tensors around; real ones: tests/e2e/float_test.py.
#include "dsperse/pipeline/float_slices.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "dsperse/pipeline/testing/workbench.h"
#include "dsperse/proof/verify.h"

namespace dsperse::pipeline {
namespace {

using ::testing::HasSubstr;
namespace qt = quantize::testing;

/// x -> Gemm -> a, in float a -> b, b -> Gemm -> y. The second Gemm comes first in the program.
store::PlanFile plan_with_float() {
  qt::Builder b;
  const auto x = b.input({1, 6}), made = b.input({1, 6});
  const auto y = b.gemm(made, 6, 3, qt::simple_requant(12)), a = b.gemm(x, 6, 6, qt::simple_requant(12));
  store::PlanFile plan;
  plan.name = "small";
  plan.model.program = b.done();
  EXPECT_EQ(plan.model.program.outputs, (std::vector<quantize::TensorId>{y, a}));
  qt::Rng rng(1);
  plan.model.weights = qt::random_weights(plan.model.program, rng);
  plan.model.inputs = {{"x", {1, 6}, {0, 1}, {}, {}}, {"b", {1, 6}, {0, 1}, {}, {}}};
  plan.model.outputs = {{"y", {1, 3}, {0, 1}, {}, {}}, {"a", {1, 6}, {0, 1}, {}, {}}};
  plan.floats = {{0, "onnxruntime", "1.0.fake", {"Turnaround"}, {"a"}, {"b"}, {1, 2, 3}}};
  plan.inner = {"a"};
  EXPECT_TRUE(order_for_floats(plan.model, plan.floats));
  plan.cuts = float_cuts(plan.model, plan.floats).value();
  plan.floats[0].slice = 1;
  plan.treatments = {{.proof = true}, {}, {.proof = true}};
  plan.predicted.resize(3);
  return plan;
}

TEST(FloatOrder, WhatIsReadComesFirst) {
  const store::PlanFile plan = plan_with_float();
  const quantize::Program& program = plan.model.program;
  ASSERT_EQ(program.ops.size(), 2U);
  EXPECT_EQ(quantize::op_inputs(program.ops[0])[0], program.inputs[0]);
  EXPECT_EQ(quantize::op_output(program.ops[0]), program.outputs[1]);
  EXPECT_EQ(plan.cuts, (std::vector<std::uint32_t>{0}));
}

TEST(FloatOrder, BordersAreInside) {
  store::PlanFile file = plan_with_float();
  file.floats[0].slice = 77;
  const auto plan = with_float_slices(slice::plan_at(file.model.program, file.cuts).value(), file.model, file.floats, file.inner);
  ASSERT_TRUE(plan) << plan.error().text();
  EXPECT_EQ(file.floats[0].slice, 1U);
  ASSERT_EQ(plan->slices.size(), 3U);
  EXPECT_TRUE(plan->slices[1].in_float());
  EXPECT_EQ(plan->slices[1].program.inputs.size() + plan->slices[1].program.outputs.size(), 2U);
  for (const slice::Boundary& b : plan->boundaries) {
    const bool border = b.tensor == file.model.program.inputs[1] || b.tensor == file.model.program.outputs[1];
    EXPECT_EQ(b.is_input || b.is_output, !border);
    if (border) {
      EXPECT_EQ(b.consumers, (std::vector<std::uint32_t>{b.producer + 1}));
    }
  }
}

TEST(FloatOrder, ACutThatIsMissingIsNamed) {
  store::PlanFile file = plan_with_float();
  const auto plan = with_float_slices(slice::plan_at(file.model.program, {}).value(), file.model, file.floats, file.inner);
  ASSERT_FALSE(plan);
  EXPECT_THAT(plan.error().what, HasSubstr("before and after one that runs in float"));
}

TEST(FloatOrder, APieceThatReadsItsOwnResultIsRefused) {
  store::PlanFile file = plan_with_float();
  file.floats[0].inputs = {"b"};
  EXPECT_FALSE(order_for_floats(file.model, file.floats));
}

TEST(FloatTreatment, IsTrust) {
  store::PlanFile file = plan_with_float();
  EXPECT_TRUE(check_float_treatment(file.floats[0], {}));
  for (const char* text : {"proof", "replicate(2)", "audit(0.5)", "replicate(2)+audit(0.1)"}) {
    const Status s = check_float_treatment(file.floats[0], *trust::parse_treatment(text));
    ASSERT_FALSE(s) << text;
    EXPECT_THAT(s.error().text(), HasSubstr("nothing but trust can hold it"));
    EXPECT_THAT(s.error().text(), HasSubstr("slices = \"1\" mode = \"trust\""));
  }
}

class FloatRun : public testing::Workbench {
 protected:
  FloatRun() { ::setenv("DSPERSE_PYTHON", DSPERSE_FAKE_ENGINE, 1); }
  ~FloatRun() override { ::unsetenv("DSPERSE_PYTHON"); }
  void make() {
    compile({}, plan_with_float());
    ASSERT_TRUE(key.has_float());
    const auto ran = run("r");
    ASSERT_TRUE(ran) << ran.error().text();
    const auto proved = prove("r");
    ASSERT_TRUE(proved) << proved.error().text();
  }
  /// What the verifier of this user's question says.
  [[nodiscard]] proof::CertificateVerdict verdict(const proof::Certificate& c, std::optional<std::set<std::uint32_t>> policy) {
    proof::Expectation user;
    user.policy = std::move(policy);
    for (const proof::Edge& e : key.edges)
      if (e.is_input || e.is_output) (e.is_input ? user.inputs : user.outputs)[e.name].values = c.table[e.chunks[0]].values;
    return proof::verify_certificate(key, c, user);
  }
};

TEST_F(FloatRun, IsCommittedAndProvedAround) {
  make();
  const proof::Certificate c = certificate("r");
  EXPECT_EQ(c.slices.size(), 2U);
  for (const proof::Edge& e : key.edges) EXPECT_EQ(c.table[e.chunks[0]].root.has_value(), !e.is_input && !e.is_output) << e.name;
  const auto run_folder = store::RunFolder::open(dir / "r");
  ASSERT_TRUE(run_folder);
  const proof::SliceKey& slice = key.slices[1];
  const std::uint32_t in = slice.inputs[0].chunk, out = slice.outputs[0].chunk;
  quantize::IntTensor a = run_folder->boundary(in, key.chunks[in].shape)->values;
  std::ranges::reverse(a);
  EXPECT_EQ(run_folder->boundary(out, key.chunks[out].shape)->values, a);
  EXPECT_TRUE(verdict(c, std::set<std::uint32_t>{0, 2}).verdict.accepted);
  const proof::Coverage coverage = verdict(c, std::set<std::uint32_t>{0, 2}).coverage;
  EXPECT_LT(coverage.macs_cone, coverage.macs_proved);  // what lies behind float is true of its committed input alone
}

TEST_F(FloatRun, IsNeverProved) {
  make();
  proof::Certificate c = certificate("r");
  for (const std::optional<std::set<std::uint32_t>>& policy :
       {std::optional<std::set<std::uint32_t>>(), std::optional<std::set<std::uint32_t>>({0, 1, 2}),
        std::optional<std::set<std::uint32_t>>({1})}) {
    const Verdict v = verdict(c, policy).verdict;
    EXPECT_FALSE(v.accepted);
    EXPECT_EQ(v.reason, "a proof is asked for a slice that runs in float: nothing but trust can hold it");
    EXPECT_EQ(v.where, "slice 1, run in float by onnxruntime 1.0.fake");
  }
  // With a proof in its place, and with a record that would let it count.
  proof::SliceProof forged = c.slices[1];
  forged.slice = 1, forged.weights.reset(), forged.opening = 0;
  c.slices.insert(c.slices.begin() + 1, forged);
  EXPECT_EQ(verdict(c, std::set<std::uint32_t>{0, 2}).verdict.reason, "a proof that the policy does not ask for");
  c.record = {1};
  EXPECT_THAT(verdict(c, std::set<std::uint32_t>{0, 2}).verdict.reason, HasSubstr("runs in float"));
  proof::Statement s{key.slices[1].digest(), {}, 0, {}, 1, {}};
  for (const proof::Port& p : key.slices[1].ports()) s.boundaries.push_back(c.table[p.chunk]);
  EXPECT_EQ(proof::verify_slice(key.slices[1], s, forged.proof).reason, "a slice that runs in float has no proof");
  ProveOptions all;
  all.challenge = Digest{};
  const auto challenged = prove("r", all);
  ASSERT_FALSE(challenged);
  EXPECT_THAT(challenged.error().text(), HasSubstr("slice 1 (onnxruntime 1.0.fake)"));
}

TEST_F(FloatRun, IsHeldByTrustAndSaysSo) {
  make();
  const proof::Certificate c = certificate("r");
  const auto judged = [&](const char* treatment, Holding& holding) {
    return judge_holding(key, c, {0, 2}, {{.proof = true}, *trust::parse_treatment(treatment), {.proof = true}}, {}, nullptr,
                         holding);
  };
  Holding holding;
  const auto trusted = judged("trust", holding);
  ASSERT_TRUE(trusted);
  EXPECT_TRUE(trusted->accepted);
  EXPECT_EQ(holding_text(holding),
            "2 slices proved, 1 trusted; weakest: slice 1, trust, run in float by onnxruntime 1.0.fake (Turnaround)");
  EXPECT_THAT(guarantee_texts(holding)[1], HasSubstr("nobody can compare floats bit for bit"));
  for (const char* more : {"replicate(2)", "audit(0.5)", "proof"}) {
    const auto refused = judged(more, holding);
    ASSERT_TRUE(refused);
    EXPECT_FALSE(refused->accepted);
    EXPECT_THAT(refused->reason, HasSubstr("nothing but trust can hold it"));
    EXPECT_EQ(refused->where, "slice 1, run in float by onnxruntime 1.0.fake (Turnaround)");
  }
}

TEST_F(FloatRun, AKeyKeepsIt) {
  make();
  const Bytes bytes = proof::encode_model_key(key);
  const auto again = proof::decode_model_key(bytes);
  ASSERT_TRUE(again) << again.error().text();
  EXPECT_EQ(again->slices[1].in_float, key.slices[1].in_float);
  EXPECT_EQ(again->id(), key.id());
  proof::ModelKey other = key;
  other.slices[1].in_float->network[0] ^= 1;
  EXPECT_NE(other.id(), key.id());
  other = key;
  other.slices[1].in_float->version = "1.0.fakf";
  EXPECT_NE(other.id(), key.id());
  for (std::size_t cut = 1; cut < 400; ++cut) EXPECT_FALSE(proof::decode_model_key(ByteView(bytes).first(bytes.size() - cut)));
}

TEST_F(FloatRun, APlanKeepsIt) {
  const store::PlanFile plan = plan_with_float();
  ASSERT_TRUE(store::write_plan(dir / "p.plan", plan));
  const auto again = store::open_plan(dir / "p.plan");
  ASSERT_TRUE(again) << again.error().text();
  ASSERT_EQ(again->floats.size(), 1U);
  EXPECT_EQ(again->floats[0].network, plan.floats[0].network);
  EXPECT_EQ(again->floats[0].slice, 1U);
  EXPECT_EQ(again->floats[0].outputs, plan.floats[0].outputs);
  EXPECT_EQ(again->inner, plan.inner);
  EXPECT_EQ(again->treatments, plan.treatments);
}

}  // namespace
}  // namespace dsperse::pipeline
