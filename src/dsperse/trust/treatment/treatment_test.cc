#include "dsperse/trust/treatment/treatment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "dsperse/trust/treatment/number.h"

namespace dsperse::trust {
namespace {

using ::testing::HasSubstr;

TEST(Treatment, ParsesToCanonicalText) {
  const auto canonical = [](std::string_view text) {
    const auto t = parse_treatment(text);
    return t ? to_text(*t) : t.error().text();
  };
  EXPECT_EQ(canonical("proof"), "proof");
  EXPECT_EQ(canonical(" trust\n"), "trust");
  EXPECT_EQ(canonical("replicate(2, distinct=operator)+audit(0.05)"), "replicate(2)+audit(0.05)");
  EXPECT_EQ(canonical("audit( 5e-2 , by = reexec ) + replicate ( 3,distinct = region )"),
            "replicate(3, distinct=region)+audit(0.05)");
  EXPECT_EQ(canonical("audit(1,by=proof)"), "audit(1, by=proof)");
  EXPECT_EQ(canonical("audit(1e-9)"), "audit(1e-09)");
  EXPECT_EQ(canonical("replicate(64,distinct=engine)"), "replicate(64, distinct=engine)");
}

TEST(Treatment, TextAndBackIsTheSame) {
  std::mt19937_64 random(1);
  std::uniform_real_distribution<double> exponent(-9, 0);
  for (int i = 0; i < 5000; ++i) {
    Treatment t;
    if (random() % 2 != 0)
      t.replicate = Replicate{2 + static_cast<std::uint32_t>(random() % 63), static_cast<Distinct>(random() % 3)};
    if (random() % 2 != 0) t.audit = Audit{std::pow(10.0, exponent(random)), static_cast<AuditBy>(random() % 2)};
    t.proof = t.is_trust() && random() % 2 != 0;
    ASSERT_TRUE(check(t));
    const auto back = parse_treatment(to_text(t));
    ASSERT_TRUE(back) << back.error().text();
    EXPECT_EQ(*back, t) << to_text(t);
  }
}

TEST(Treatment, ErrorsSayWhatIsWrong) {
  const auto says = [](std::string_view text, const std::string& what) {
    const auto t = parse_treatment(text);
    ASSERT_FALSE(t) << text;
    EXPECT_EQ(t.error().kind, ErrorKind::usage);
    EXPECT_THAT(t.error().what, HasSubstr(what)) << text;
    EXPECT_FALSE(t.error().hint.empty()) << text;
  };
  says("", "\"\" is no treatment");
  says("prove", "\"prove\" is no treatment");
  says("proof+", "\"\" is no treatment");
  says("proof()", "\"proof\" takes no arguments");
  says("trust(1)", "\"trust\" takes no arguments");
  says("audit", "\"audit\" needs its number");
  says("replicate", "\"replicate\" needs its number");
  says("audit()", "audit needs a rate, not \"\"");
  says("audit(5%)", "audit needs a rate, not \"5%\"");
  says("audit(nan)", "an audit rate lies between");
  says("audit(0)", "an audit rate lies between");
  says("audit(-0.1)", "an audit rate lies between");
  says("audit(1.01)", "an audit rate lies between");
  says("audit(1e-10)", "an audit rate lies between");
  says("audit(0.1", "lacks its closing parenthesis");
  says("audit(0.1)x", "lacks its closing parenthesis");
  says("audit(0.1))", "audit needs a rate, not \"0.1)\"");
  says("audit(0.1, by=hand)", "audit does not know \"by=hand\"");
  says("audit(0.1, reexec)", "not of the form key=value");
  says("audit(0.1, =proof)", "not of the form key=value");
  says("audit(0.1,)", "not of the form key=value");
  says("audit(0.1+replicate(2)", "audit needs a rate, not \"0.1+replicate(2\"");
  says("audit(0.1, by=proof, by=proof)", "more than two arguments");
  says("audit(0.1)+audit(0.2)", "\"audit\" is there twice");
  says("trust+trust", "\"trust\" is there twice");
  says("proof+proof", "\"proof\" is there twice");
  says("replicate(2)+replicate(2)", "\"replicate\" is there twice");
  says("replicate(two)", "a whole number of replicas, not \"two\"");
  says("replicate(2.5)", "a whole number of replicas, not \"2.5\"");
  says("replicate(1)", "replicate takes 2 to 64 replicas, not 1");
  says("replicate(65)", "replicate takes 2 to 64 replicas, not 65");
  says("replicate(2, distinct=city)", "replicate does not know \"distinct=city\"");
  says("replicate(2, by=operator)", "replicate does not know \"by=operator\"");
  says("proof+audit(0.1)", "proof settles a slice");
  says("trust+audit(0.1)", "it stands alone");
}

TEST(Treatment, AnyTextIsATreatmentOrAnError) {
  const std::string_view pieces[] = {"audit", "replicate", "proof",    "trust", "(", ")", "+",  ",",   "=",    " ",
                                     "by",    "distinct",  "operator", "0.5",   "2", "-", "1e", "nan", "\xff", "("};
  std::mt19937_64 random(10);
  int accepted = 0;
  for (int i = 0; i < 200000; ++i) {
    std::string text;
    for (std::size_t n = random() % 9; n > 0; --n) text += pieces[random() % std::size(pieces)];
    const auto t = parse_treatment(text);
    if (!t) continue;
    ++accepted;
    ASSERT_TRUE(check(*t)) << text;
    EXPECT_EQ(parse_treatment(to_text(*t)).value(), *t) << text;
  }
  EXPECT_GT(accepted, 1000);
}

TEST(Treatment, SaysItsGuarantee) {
  const auto of = [](std::string_view text) { return guarantee(parse_treatment(text).value()); };
  EXPECT_THAT(of("proof").wrong_only_if, HasSubstr("2^-100 or 2^-128"));
  EXPECT_EQ(of("trust").fails_against, "everything");
  EXPECT_EQ(of("replicate(3)").wrong_only_if, "all 3 replicas collude (r^3 at a share r of colluding operators)");
  EXPECT_EQ(of("replicate(3)").fails_against, "Sybil identities");
  EXPECT_THAT(of("replicate(2, distinct=engine)").fails_against, HasSubstr("one operator in several engines"));
  EXPECT_EQ(of("audit(0.05)").wrong_only_if, "the result is not drawn (0.95); where E1 holds, nobody rational tries");
  EXPECT_THAT(of("audit(0.05, by=proof)").assumes, HasSubstr("a prover is available"));
  const Guarantee both = of("replicate(2)+audit(0.05)");
  EXPECT_EQ(both.wrong_only_if,
            "all 2 replicas collude (r^2 at a share r of colluding operators), and the result is not drawn (0.95); where E1 "
            "holds, nobody rational tries");
  EXPECT_THAT(both.assumes, HasSubstr("one honest replica of 2"));
  EXPECT_THAT(both.assumes, HasSubstr("rational worker"));
  EXPECT_THAT(both.fails_against, HasSubstr("Sybil"));
  EXPECT_THAT(both.fails_against, HasSubstr("above the bond"));
}

TEST(Number, Texts) {
  EXPECT_EQ(exact_text(0.1), "0.1");
  EXPECT_EQ(exact_text(1e-6), "1e-06");
  EXPECT_EQ(short_text(1.0 / 12), "0.08333");
  EXPECT_EQ(short_text(101), "101");
}

}  // namespace
}  // namespace dsperse::trust
