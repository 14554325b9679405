// What covers what, and which slice is the weakest.
#include <gtest/gtest.h>

#include "dsperse/trust/record/testing/builder.h"

namespace dsperse::trust {
namespace {

Treatment t(std::string_view text) { return *parse_treatment(text); }
Held held(std::string_view text, std::uint32_t slice = 0, bool pending = false) { return {slice, t(text), pending, false, {}}; }

bool covered(std::string_view found, std::string_view wanted) { return covers(held(found), t(wanted), false).accepted; }

TEST(Covers, AtLeastWhatIsWanted) {
  for (const char* wanted : {"proof", "trust", "replicate(2)", "replicate(64, distinct=engine)+audit(1, by=proof)", "audit(1)"})
    EXPECT_TRUE(covered("proof", wanted)) << wanted;
  for (const char* found : {"trust", "replicate(64)+audit(1, by=proof)", "audit(1)"}) {
    EXPECT_FALSE(covered(found, "proof")) << found;
    EXPECT_TRUE(covered(found, "trust")) << found;
  }
  EXPECT_TRUE(covered("replicate(3)", "replicate(3)"));
  EXPECT_TRUE(covered("replicate(4)", "replicate(3)"));
  EXPECT_FALSE(covered("replicate(2)", "replicate(3)"));
  EXPECT_FALSE(covered("replicate(3, distinct=region)", "replicate(3)")) << "regions may have one operator";
  EXPECT_FALSE(covered("replicate(3)", "replicate(3, distinct=engine)"));
  EXPECT_TRUE(covered("audit(0.05)", "audit(0.05)"));
  EXPECT_TRUE(covered("audit(0.06)", "audit(0.05)"));
  EXPECT_FALSE(covered("audit(0.04)", "audit(0.05)"));
  EXPECT_TRUE(covered("audit(0.05, by=proof)", "audit(0.05)"));
  EXPECT_FALSE(covered("audit(0.05)", "audit(0.05, by=proof)"));
  EXPECT_FALSE(covered("replicate(9)", "audit(0.05)"));
  EXPECT_FALSE(covered("audit(1)", "replicate(2)"));
  EXPECT_TRUE(covered("replicate(2)+audit(0.1)", "audit(0.1)"));
  EXPECT_TRUE(covered("replicate(2)+audit(0.1)", "replicate(2)"));
  EXPECT_FALSE(covered("replicate(2)+audit(0.1)", "replicate(2)+audit(0.2)"));
}

TEST(Covers, PendingAuditsOnlyIfAllowed) {
  const Held pending = held("audit(0.5)", 7, true);
  EXPECT_TRUE(covers(pending, t("audit(0.5)"), true));
  EXPECT_TRUE(covers(pending, t("trust"), false));
  const Verdict v = covers(pending, t("audit(0.5)"), false);
  EXPECT_EQ(v.reason, "held by less than the policy wants");
  EXPECT_EQ(v.where, "slice 7: wanted audit(0.5), found audit(0.5), not drawn yet");
  EXPECT_EQ(covers(held("trust", 2), t("replicate(2)"), false).where, "slice 2: wanted replicate(2), found trust");
}

TEST(Weakest, ByKindThenByNumbersThenTheFirst) {
  const std::vector<Held> rising = {held("trust"),
                                    held("audit(1)", 0, true),
                                    held("audit(0.1)"),
                                    held("audit(0.2)"),
                                    held("replicate(2)"),
                                    held("replicate(3)"),
                                    held("replicate(2)+audit(0.1)"),
                                    held("replicate(2)+audit(0.2)"),
                                    held("replicate(3)+audit(0.1)"),
                                    held("proof")};
  for (std::size_t i = 0; i < rising.size(); ++i)
    for (std::size_t j = 0; j < rising.size(); ++j) {
      std::vector<Held> two = {rising[i], rising[j]};
      two[0].slice = 0, two[1].slice = 1;
      EXPECT_EQ(weakest_of(two), i <= j ? 0U : 1U) << i << " " << j;
    }
  EXPECT_EQ(weakest_of({}), 0U);
}

TEST(Held, WithoutARecordOnlyProofsCount) {
  const auto slices = held_without_record(testing::chain_facts(3, {true, false, true}));
  ASSERT_EQ(slices.size(), 3U);
  EXPECT_EQ(slices[0], held("proof", 0));
  EXPECT_EQ(slices[1], held("trust", 1));
  EXPECT_EQ(slices[2], held("proof", 2));
}

}  // namespace
}  // namespace dsperse::trust
