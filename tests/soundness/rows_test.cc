// For every constraint of the ops over rows a forged proof that breaks it (row_attacker.h).
#include <gtest/gtest.h>

#include "row_attacker.h"
#include "tally.h"

namespace dsperse::soundness {
namespace {

class Rows : public ::testing::TestWithParam<proof::Profile> {};
INSTANTIATE_TEST_SUITE_P(Profiles, Rows, ::testing::Values(proof::Profile::bits100, proof::Profile::bits128),
                         [](const auto& p) { return std::to_string(proof::bits(p.param)); });

TEST_P(Rows, HonestTwinsAreAccepted) {
  for (const NamedSlice& s : row_slices(GetParam())) {
    SCOPED_TRACE(s.name);
    const Outcome o = attack_values(RowAttacker(s).honest());
    EXPECT_TRUE(o.verdict) << o.verdict.reason << " " << o.verdict.where;
    EXPECT_EQ(o.constraints, Ids{});
    EXPECT_EQ(o.checks, Ids{});
  }
}

TEST_P(Rows, EveryConstraintIsBroken) {
  for (const NamedSlice& s : row_slices(GetParam())) {
    RowAttacker attacker(s);
    for (const std::string& id : attacker.relation().constraint_ids()) {
      SCOPED_TRACE(s.name + " > " + id);
      known("constraint", s.name + " > " + id, proof::bits(GetParam()));
      EXPECT_TRUE(attacker.attack_constraint(id)) << "no attack";
    }
  }
}

}  // namespace
}  // namespace dsperse::soundness
