#include "dsperse/trust/policy/policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

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

}  // namespace
}  // namespace dsperse::trust
