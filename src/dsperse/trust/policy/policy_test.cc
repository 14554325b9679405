#include "dsperse/trust/policy/policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "dsperse/quantize/testing/programs.h"
#include "dsperse/trust/policy/pattern.h"

namespace dsperse::trust {
namespace {

using quantize::Program;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string problem(const auto& result) { return result ? "" : result.error().text(); }

/// Three slices: layer1 Conv+Relu, layer2 Conv, head Gemm.
struct Slices {
  std::vector<Program> programs{3};
  Slices() {
    const auto op = [](std::string name, std::string type) {
      quantize::Op o;
      o.name = std::move(name);
      o.onnx_type = std::move(type);
      return o;
    };
    programs[0].ops = {op("layer1/conv+layer1/relu", "Conv"), op("layer1/add", "Add")};
    programs[1].ops = {op("layer2/conv", "Conv")};
    programs[2].ops = {op("head", "Gemm")};
    programs[2].tensors.push_back({"logits", {1, 10}, 0, -1, 1});
  }
  [[nodiscard]] std::vector<const Program*> view() const { return {&programs[0], &programs[1], &programs[2]}; }
};

/// The treatments as text, "P" for proof, "t" for trust, any other in brackets, or the error.
std::string expanded(std::string_view text) {
  const Slices slices;
  const auto policy = parse_policy(text);
  if (!policy) return policy.error().text();
  const auto view = slices.view();
  const auto treatments = expand(*policy, view);
  if (!treatments) return treatments.error().text();
  std::string out;
  for (const Treatment& t : *treatments) out += t.proof ? "P" : t.is_trust() ? "t" : "[" + to_text(t) + "]";
  return out;
}

TEST(Policy, Words) {
  EXPECT_EQ(expanded("proof"), "PPP");
  EXPECT_EQ(expanded(" trust\n"), "ttt");
  EXPECT_EQ(expanded(""), "PPP");  // nothing said: everything is proved
  EXPECT_EQ(expanded("replicate(2, distinct=region)"),
            "[replicate(2, distinct=region)][replicate(2, distinct=region)][replicate(2, distinct=region)]");
  EXPECT_THAT(expanded("prove"), HasSubstr("policy line 1"));
}

TEST(Policy, EveryTreatment) {
  EXPECT_EQ(expanded("default = \"audit(0.05)\"\n[[rule]]\nslices = \"1\"\nmode = 'replicate(3)+audit(0.5, by=proof)'\n"),
            "[audit(0.05)][replicate(3)+audit(0.5, by=proof)][audit(0.05)]");
  const auto policy = parse_policy("default = \"audit(0.05)\"\n[[rule]]\nslices = \"1\"\nmode = \"proof\"");
  ASSERT_TRUE(policy);
  const Slices slices;
  const auto view = slices.view();
  EXPECT_THAT(proved_slices(expand(*policy, view).value()), ElementsAre(1));
}

TEST(Policy, RulesInOrder) {
  EXPECT_EQ(expanded("default = \"trust\"\n[[rule]]\nslices = \"0,2\"\nmode = \"proof\"\n"), "PtP");
  EXPECT_EQ(expanded("[[rule]]\noperator = \"Conv\"\nmode = \"trust\"\n"), "ttP");
  EXPECT_EQ(expanded("[[rule]]\noperator = \"Conv\"\nmode = \"trust\"\n[[rule]]\nslices = \"1\"\nmode = \"proof\"\n"), "tPP");
}

TEST(Policy, NamesMatchOpsTheirPartsAndTensors) {
  const auto one = [](const std::string& pattern) { return expanded("[[rule]]\nname = '" + pattern + "'\nmode = \"trust\"\n"); };
  EXPECT_EQ(one("layer*"), "ttP");
  EXPECT_EQ(one("layer1/relu"), "tPP");  // a part of a fused op
  EXPECT_EQ(one("layer1/conv+layer1/relu"), "tPP");
  EXPECT_EQ(one("logits"), "PPt");
  EXPECT_EQ(one("*/conv"), "ttP");
  EXPECT_THAT(one("layer3*"), HasSubstr("this rule matches no slice (policy rule 1, name \"layer3*\")"));
}

// Parts of a tiled layer answer to the layer's names, and to their own.
TEST(Policy, NamesOfTiledLayers) {
  Slices slices;
  slices.programs[0].ops[0].name = "layer1/conv+layer1/relu[rows 0:28]";
  slices.programs[1].ops[0].name = "layer1/conv+layer1/relu[rows 28:56] concat";
  slices.programs[2].tensors[0].name = "logits[features 0:5]";
  const auto view = slices.view();
  const auto one = [&](const std::string& pattern) {
    const auto policy = parse_policy("[[rule]]\nname = '" + pattern + "'\nmode = \"trust\"\n");
    const auto treatments = expand(*policy, view);
    std::string out;
    if (!treatments) return std::string("none");
    for (const Treatment& t : *treatments) out += t.proof ? "P" : "t";
    return out;
  };
  EXPECT_EQ(one("layer1/relu"), "ttP");
  EXPECT_EQ(one("layer1/conv+layer1/relu"), "ttP");
  EXPECT_EQ(one("*[[]rows 0:28]"), "tPP");
  EXPECT_EQ(one("logits"), "PPt");
  slices.programs[2].tensors[0].name = "logits[5]";  // a name of the model's own
  EXPECT_EQ(one("logits"), "none");
}

TEST(Policy, LettersBeyondAscii) {
  EXPECT_THAT(expanded("default = \"trust\"\n# caf\u00e9\n"), HasSubstr("a character beyond ASCII (policy line 2)"));
  EXPECT_THAT(expanded("\u00fc = 1\n"), HasSubstr("policy line 1"));
  EXPECT_THAT(expanded("[[rule]]\nname = \"caf\\u00e9\"\nmode = \"trust\"\n"), HasSubstr("this rule matches no slice"));
}

TEST(Policy, Patterns) {
  EXPECT_TRUE(matches("*", ""));
  EXPECT_TRUE(matches("a?c*", "abcdef"));
  EXPECT_FALSE(matches("a?c", "abcd"));
  EXPECT_TRUE(matches("*ab*ab", "abxabab"));
  EXPECT_FALSE(matches("*ab*ab", "ab"));
  EXPECT_TRUE(matches("x[0-9a]y", "x7y"));
  EXPECT_TRUE(matches("x[0-9a]y", "xay"));
  EXPECT_FALSE(matches("x[!0-9]y", "x7y"));
  EXPECT_TRUE(matches("[]]", "]"));
  EXPECT_TRUE(matches("a\\*b", "a*b"));
  EXPECT_FALSE(matches("a\\*b", "axb"));
  EXPECT_TRUE(matches("a[b", "a[b"));
  EXPECT_FALSE(matches("", "a"));
  EXPECT_TRUE(matches("", ""));
  const std::string many(2000, 'a');
  EXPECT_FALSE(matches("*a*a*a*a*a*a*a*a*b", many));  // would take forever if every star were retried
}

TEST(Policy, SliceNumbers) {
  EXPECT_THAT(parse_slices("0,2-4").value(), ElementsAre(std::pair(0U, 0U), std::pair(2U, 4U)));
  EXPECT_THAT(parse_slices(" 7 , 1 - 2 ").value(), ElementsAre(std::pair(1U, 2U), std::pair(7U, 7U)));
  for (const char* wrong : {"", "a", "1,", ",1", "4-2", "-1", "1-", "1--2", "70000", "99999999999", "1.5", "0x1"})
    EXPECT_THAT(problem(parse_slices(wrong)), HasSubstr("is no slice number or range")) << wrong;
}

TEST(Policy, ErrorsSayLineAndKey) {
  const auto says = [](std::string_view text, std::string_view what, std::string_view where) {
    const auto policy = parse_policy(text);
    ASSERT_FALSE(policy) << text;
    EXPECT_EQ(policy.error().kind, ErrorKind::usage);
    EXPECT_THAT(policy.error().what, HasSubstr(std::string(what)));
    EXPECT_EQ(policy.error().where, where);
  };
  says("default = \"maybe\"", "\"maybe\" is no treatment", "policy line 1, key \"default\"");
  says("default = 1", "expected a treatment as a text", "policy line 1, key \"default\"");
  says("# comment\nfallback = \"proof\"", "unknown key", "policy line 2, key \"fallback\"");
  says("rule = 3", "[[rule]]", "policy line 1, key \"rule\"");
  says("rule = [3]", "[[rule]]", "policy line 1, key \"rule\"");
  says("[[rule]]\nmode = \"proof\"", "exactly one of", "policy line 1, key \"rule\"");
  says("[[rule]]\nslices = \"1\"\nname = \"a\"\nmode = \"proof\"", "exactly one of", "policy line 1, key \"rule\"");
  says("[[rule]]\nslices = \"1\"", "needs a mode", "policy line 1, key \"rule\"");
  says("[[rule]]\nslices = \"1-\"\nmode = \"proof\"", "no slice number", "policy line 2, key \"slices\"");
  says("[[rule]]\nslices = 1\nmode = \"proof\"", "expected a text", "policy line 2, key \"slices\"");
  says("[[rule]]\nname = \"\"\nmode = \"proof\"", "not empty", "policy line 2, key \"name\"");
  says("[[rule]]\nlayer = \"x\"\nmode = \"proof\"", "unknown key", "policy line 2, key \"layer\"");
  EXPECT_THAT(expanded("[[rule]]\nslices = \"3\"\nmode = \"trust\""),
              HasSubstr("slice 3 does not exist; there are 3 (policy rule 1)"));
  EXPECT_THAT(expanded("default = \n"), HasSubstr("policy line 1"));
}

TEST(Policy, PlansStrategiesAndTerms) {
  const auto policy = parse_policy(R"toml(
default = "plan"
strategy = "first:1"
budget = 0.01
allowed = ["proof", "replicate(2)+audit(0.05)"]
[stakes]
gain = 10
bond = 200.5
reward_factor = 1.5
cheat_factor = 0.25
false_alarm = 0.01
lucky_guess = 0.1
reporter_share = 0.5
lost_income = 30
identity_cost = 20
[assumptions]
colluding_operators = 0.2
colluding_regions = 0.3
colluding_engines = 0
irrational = 0.4
detection = 0.9
[[rule]]
slices = "2"
mode = "trust"
)toml");
  ASSERT_TRUE(policy) << policy.error().text();
  EXPECT_FALSE(policy->is_explicit());
  ASSERT_TRUE(policy->planning && policy->strategy);
  EXPECT_EQ(policy->planning->budget, 0.01);
  EXPECT_EQ(to_text(policy->planning->allowed.at(1)), "replicate(2)+audit(0.05)");
  EXPECT_EQ(to_text(*policy->strategy), "first:1");
  const Money& m = policy->terms.money;
  EXPECT_EQ(m.gain, 10);
  EXPECT_EQ(m.bond, 220.5) << "E3: the smaller of lost income and identity cost counts as bond";
  EXPECT_EQ(m.reward_factor, 1.5);
  EXPECT_EQ(m.cheat_factor, 0.25);
  EXPECT_EQ(m.false_alarm, 0.01);
  EXPECT_EQ(m.lucky_guess, 0.1);
  EXPECT_EQ(m.reporter_share, 0.5);
  const Assumptions& a = policy->terms.assumptions;
  EXPECT_EQ(a.colluding_operators, 0.2);
  EXPECT_EQ(a.colluding_regions, 0.3);
  EXPECT_EQ(a.colluding_engines, 0);
  EXPECT_EQ(a.irrational, 0.4);
  EXPECT_EQ(a.detection, 0.9);
  EXPECT_TRUE(policy->terms.stakes_stated && policy->terms.assumptions_stated);
  const Policy none = parse_policy("default = \"trust\"").value();
  EXPECT_TRUE(none.is_explicit());
  EXPECT_FALSE(none.terms.stakes_stated || none.terms.assumptions_stated);
  EXPECT_EQ(none.terms.assumptions.colluding_operators, 1);
}

TEST(Policy, OnlyAnExplicitPolicyExpands) {
  EXPECT_THAT(expanded("default = \"plan\"\nbudget = 0.1\nallowed = [\"proof\"]\n"), HasSubstr("policy.toml"));
  EXPECT_THAT(expanded("default = \"trust\"\nstrategy = \"first:1\"\n"), HasSubstr("policy.toml"));
  EXPECT_EQ(expanded("default = \"trust\"\n[stakes]\ngain = 1\n[assumptions]\nirrational = 0\n"), "ttt");
}

TEST(Policy, ExplicitPoliciesExpandToThemselves) {
  const char* const kinds[] = {"proof", "trust", "replicate(3, distinct=region)+audit(0.0520834)", "audit(1e-09, by=proof)"};
  std::mt19937_64 random(3);
  for (int i = 0; i < 200; ++i) {
    std::vector<Program> programs(1 + random() % 12);
    std::vector<const Program*> view;
    std::vector<Treatment> treatments;
    for (const Program& p : programs) {
      view.push_back(&p);
      treatments.push_back(parse_treatment(kinds[random() % 4]).value());
    }
    EXPECT_EQ(expand(explicit_policy(treatments), view).value(), treatments);
    const std::string text = policy_toml(treatments);
    const auto back = parse_policy(text);
    ASSERT_TRUE(back) << text << back.error().text();
    EXPECT_EQ(expand(*back, view).value(), treatments) << text;
    view.pop_back();
    EXPECT_FALSE(expand(*back, view)) << "made for more slices";
  }
  EXPECT_EQ(policy_toml(std::vector<Treatment>{{.proof = true}, {.proof = true}, {}}),
            "# What is done about each slice of one plan. For verifiers: dsperse verify --policy FILE\ndefault = \"proof\"\n\n"
            "[[rule]]\nslices = \"0-1\"\nmode = \"proof\"\n\n[[rule]]\nslices = \"2\"\nmode = \"trust\"\n");
}

TEST(Policy, ErrorsOfTablesSayLineKeyAndUnit) {
  const auto says = [](std::string_view text, std::string_view what, std::string_view where) {
    const auto policy = parse_policy(text);
    ASSERT_FALSE(policy) << text;
    EXPECT_EQ(policy.error().kind, ErrorKind::usage);
    EXPECT_THAT(policy.error().what, HasSubstr(std::string(what)));
    EXPECT_EQ(policy.error().where, where) << text;
  };
  says("[stakes]\ngain = -1", "is -1; it is at least 0 and at most 1e+15, in seconds of native work",
       "policy line 2, key \"stakes.gain\"");
  says("[stakes]\nbond = \"5\"", "expected a number, in seconds of native work", "policy line 2, key \"stakes.bond\"");
  says("[stakes]\nbond = inf", "is inf", "policy line 2, key \"stakes.bond\"");
  says("[stakes]\nbond = nan", "is nan", "policy line 2, key \"stakes.bond\"");
  says("[stakes]\nbond = true", "expected a number", "policy line 2, key \"stakes.bond\"");
  says("[stakes]\nreward_factor = 0.9", "at least 1", "policy line 2, key \"stakes.reward_factor\"");
  says("[stakes]\ncheat_factor = 2", "at least 0 and at most 1", "policy line 2, key \"stakes.cheat_factor\"");
  says("[stakes]\nfalse_alarm = 1.5", "at most 1", "policy line 2, key \"stakes.false_alarm\"");
  says("[stakes]\nlucky_guess = 1", "below 1", "policy line 2, key \"stakes.lucky_guess\"");
  says("[stakes]\nreporter_share = 0.6", "at most 0.5", "policy line 2, key \"stakes.reporter_share\"");
  says("[stakes]\nslash = 1", "unknown key; [stakes] has gain, bond", "policy line 2, key \"stakes.slash\"");
  says("[stakes]\nlost_income = 3", "need each other", "policy line 1, key \"stakes\"");
  says("[stakes]\nidentity_cost = 3", "need each other", "policy line 1, key \"stakes\"");
  says("stakes = 3", "is written as [stakes]", "policy line 1, key \"stakes\"");
  says("\n[assumptions]\ncolluding_operators = 1.1", "at most 1", "policy line 3, key \"assumptions.colluding_operators\"");
  says("[assumptions]\ndetection = 0", "above 0", "policy line 2, key \"assumptions.detection\"");
  says("[assumptions]\nhonest = 1", "unknown key; [assumptions] has colluding_operators",
       "policy line 2, key \"assumptions.honest\"");
  says("[[assumptions]]\nirrational = 1", "is written as [assumptions]", "policy line 1, key \"assumptions\"");
  says("budget = 0.1", "needs default = \"plan\"", "policy line 1, key \"budget\"");
  says("allowed = [\"proof\"]", "needs default = \"plan\"", "policy line 1, key \"allowed\"");
  says("default = \"plan\"", "a plan needs budget", "policy line 1, key \"default\"");
  const std::string plan = "default = \"plan\"\nbudget = 0.1\n";
  says(plan, "a plan needs budget", "policy line 1, key \"default\"");
  says(plan + "allowed = []", "a list of 1 to 64", "policy line 3, key \"allowed\"");
  says(plan + "allowed = \"proof\"", "a list of 1 to 64", "policy line 3, key \"allowed\"");
  says(plan + "allowed = [\"proof\",\n\"audit(2)\"]", "an audit rate lies between", "policy line 4, key \"allowed\"");
  says("default = \"plan\"\nbudget = 1\nallowed = [\"proof\"]", "above 0 and below 1", "policy line 2, key \"budget\"");
  says("default = \"plan\"\nbudget = 0\nallowed = [\"proof\"]", "above 0 and below 1", "policy line 2, key \"budget\"");
  says("strategy = \"first:1\"", "by default everything is", "policy line 1, key \"strategy\"");
  says("default = \"trust\"\nstrategy = \"random:1\"", "is no strategy", "policy line 2, key \"strategy\"");
  says("default = \"trust\"\nstrategy = 1", "expected a strategy", "policy line 2, key \"strategy\"");
  says("[[rule]]\nslices = \"0\"\nmode = \"plan\"", "\"plan\" is no treatment", "policy line 3, key \"mode\"");
}

}  // namespace
}  // namespace dsperse::trust
