#include <gtest/gtest.h>

#include "dsperse/base/rule.h"
#include "dsperse/crypto/hidden/testing/parties.h"

namespace dsperse::crypto {
namespace {

using testing::Rehearsal;
using testing::Rng;
using testing::Secrets;

template <class Degree>
class HiddenTest : public ::testing::Test {
 public:
  static constexpr int kDegree = Degree::value;
};
using Degrees = ::testing::Types<std::integral_constant<int, 2>, std::integral_constant<int, 3>>;
TYPED_TEST_SUITE(HiddenTest, Degrees);

TYPED_TEST(HiddenTest, FormsAreAffine) {
  constexpr int D = TestFixture::kDegree;
  using E = Ext<D>;
  Rng rng(1);
  Secrets<D> s{testing::random_exts<D>(rng, 5), testing::random_exts<D>(rng, 8), {}};
  const auto random_form = [&] {
    Form<D> f(testing::random_ext<D>(rng));
    for (int i = 0; i < 4; ++i) f.coef.emplace_back(pad_var(static_cast<std::uint32_t>(rng() % 5)), testing::random_ext<D>(rng));
    for (int i = 0; i < 3; ++i)
      f.coef.emplace_back(slot_var(static_cast<std::uint32_t>(rng() % 2), static_cast<std::uint32_t>(rng() % 4)),
                          testing::random_ext<D>(rng));
    f.claims.push_back({static_cast<std::uint32_t>(rng() % 3), testing::random_ext<D>(rng), nullptr});
    return f;
  };
  const auto claims = [](const Form<D>& f) {  // tensor i counts as 100 + i
    E x;
    for (const auto& c : f.claims) x += c.scalar * E::from_signed(100 + c.id);
    return x;
  };
  for (int round = 0; round < 20; ++round) {
    const Form<D> a = random_form(), b = random_form();
    const E t = testing::random_ext<D>(rng), u = testing::random_ext<D>(rng);
    const Form<D> f = a * t - b + u;
    EXPECT_TRUE(s.value(f) == s.value(a) * t - s.value(b) + u);
    EXPECT_TRUE(claims(f) == claims(a) * t - claims(b));
    EXPECT_TRUE(s.value(f - u) == s.value(a * t - b));
  }
}

TYPED_TEST(HiddenTest, OnlyAFreshValueKnowsItsPad) {
  constexpr int D = TestFixture::kDegree;
  CountingChannel<D> channel;
  Party<D> party(channel, Party<D>::Role::dry);
  const Form<D> a = party.hide("a"), b = party.hide("b");
  EXPECT_EQ(a.pad, 0U);
  EXPECT_EQ(b.pad, 1U);
  for (const Form<D>& f : {a + b, a - b, a * Ext<D>::one(), a + Ext<D>::one()}) EXPECT_EQ(f.pad, Form<D>::kNoPad);
  EXPECT_EQ(party.mul(a, b).pad, Form<D>::kNoPad);
  EXPECT_EQ(party.pads(), 2U);
  EXPECT_EQ(party.slots(), (std::vector<std::pair<std::uint32_t, std::uint32_t>>{{0, 1}}));
}

/// hide and mul: forms have the true values under the committed pads; each message is the value plus its pad, and nothing else
/// is said.
TYPED_TEST(HiddenTest, MessagesArePaddedAndFormsAreTrue) {
  constexpr int D = TestFixture::kDegree;
  using E = Ext<D>;
  Rng rng(2);
  const auto values = testing::random_exts<D>(rng, 6);
  std::vector<Form<D>> forms;
  Rehearsal<D> both([&](Party<D>& party) {
    forms.clear();
    for (const E& v : values) forms.push_back(party.hide("value", party.proving() ? v : E{}));
    for (std::size_t i = 0; i + 1 < values.size(); ++i) forms.push_back(party.mul(forms[i], forms[i + 1]));
    forms.push_back(party.mul(forms[0], forms[0]));
  });
  both.run();
  ASSERT_EQ(both.prover_tape.messages.size(), values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    EXPECT_TRUE(both.prover_tape.messages[i] == values[i] + both.secrets.pads[i]);
    EXPECT_TRUE(both.secrets.value(forms[i]) == values[i]);
  }
  for (std::size_t i = 0; i + 1 < values.size(); ++i)
    EXPECT_TRUE(both.secrets.value(forms[values.size() + i]) == values[i] * values[i + 1]);
  EXPECT_TRUE(both.secrets.value(forms.back()) == values[0] * values[0]);
}

/// The pads of two runs that differ only in the values can be exchanged so that the messages are equal: what is said says
/// nothing. (Exactly: message = value + pad, e and d are masked by f and g, which occur in no other message.)
TYPED_TEST(HiddenTest, AnyValuesExplainTheMessages) {
  constexpr int D = TestFixture::kDegree;
  using E = Ext<D>;
  Rng rng(3);
  std::vector<E> values = testing::random_exts<D>(rng, 2);
  const auto schedule = [&](Party<D>& party) {
    const Form<D> a = party.hide("a", party.proving() ? values[0] : E{}), b = party.hide("b", party.proving() ? values[1] : E{});
    party.mul(a, b);
    party.sacrifice();
  };
  Rehearsal<D> one(schedule);
  one.run();
  const auto messages = one.prover_tape.messages;
  ASSERT_EQ(messages.size(), 4U);  // a, b, e, d

  const std::vector<E> other = testing::random_exts<D>(rng, 2);
  Rehearsal<D> two(schedule);
  values = other;
  for (std::size_t i = 0; i < 2; ++i) two.secrets.pads[i] = messages[i] - other[i];
  // rho is the same in both runs: e = rho a - f, d = b - g
  E rho;
  {
    testing::Tape<D> tape;
    testing::ProverTape<D> probe(one.secrets, tape, 1);
    rho = probe.challenge("rho");
  }
  two.secrets.slots[0] = two.secrets.pads[0] * two.secrets.pads[1];
  two.secrets.slots[1] = two.secrets.pads[0] * rho - messages[2];
  two.secrets.slots[2] = two.secrets.pads[1] - messages[3];
  two.secrets.slots[3] = two.secrets.slots[1] * two.secrets.slots[2];
  EXPECT_TRUE(two.run() == E{});
  EXPECT_TRUE(two.prover_tape.messages == messages);
}

TYPED_TEST(HiddenTest, SacrificeFindsWrongSlots) {
  constexpr int D = TestFixture::kDegree;
  using E = Ext<D>;
  Rng rng(4);
  const auto values = testing::random_exts<D>(rng, 3);
  const auto schedule = [&](Party<D>& party) {
    std::vector<Form<D>> f;
    for (const E& v : values) f.push_back(party.hide("value", party.proving() ? v : E{}));
    party.mul(f[0], f[1]);
    party.mul(f[1], f[2]);
    party.sacrifice();
  };
  Rehearsal<D> both(schedule);
  EXPECT_EQ(both.check_ids.size(), 6U);
  EXPECT_TRUE(both.run() == E{});
  EXPECT_EQ(both.prover_tape.labels,
            std::vector<std::string>(both.verifier_tape.labels.begin(), both.verifier_tape.labels.end() - 1));
  const Secrets<D> honest = both.secrets;
  for (std::size_t i = 0; i < honest.slots.size(); ++i) {
    both.secrets = honest;
    both.secrets.slots[i] += E::one();
    // f or g alone keeps e or d consistent, but then h is not f g
    EXPECT_FALSE(both.run() == E{}) << "slot " << i;
  }
  both.secrets = honest;
  for (std::size_t i = 0; i < 4; ++i)  // e and d of both slots
    EXPECT_FALSE(both.run([&](std::size_t k, E m) { return k == values.size() + i ? m + E::one() : m; }) == E{}) << "clear " << i;
  // a slot wrong by a constant multiple in both ab and h passes for one rho at most
  both.secrets.slots[0] += E::one();
  both.secrets.slots[3] += E::from_signed(2);
  EXPECT_FALSE(both.run() == E{});
}

/// fold_checks: powers of eta in order, repeated variables added up, every variable once, claims scaled, constants to the right.
TYPED_TEST(HiddenTest, FoldedIsTheSumOfPowersOfEta) {
  constexpr int D = TestFixture::kDegree;
  using E = Ext<D>;
  Rng rng(5);
  const Secrets<D> s{testing::random_exts<D>(rng, 4), testing::random_exts<D>(rng, 4), {}};
  testing::Tape<D> tape;
  testing::ProverTape<D> channel(s, tape, 9), same(s, tape, 9);
  const E eta = same.challenge("eta");
  Party<D> party(channel, Party<D>::Role::prove);
  const Form<D> x = party.hide("x", testing::random_ext<D>(rng)), y = party.hide("y", testing::random_ext<D>(rng));
  const auto functional = std::make_shared<const RankOne<D>>();
  std::vector<Form<D>> checks{x + x - y, party.mul(x, y) + E::one(), Form<D>(testing::random_ext<D>(rng)),
                              y * testing::random_ext<D>(rng)};
  for (std::size_t i = 0; i < checks.size(); ++i) {
    checks[i].claims.push_back({static_cast<std::uint32_t>(i), testing::random_ext<D>(rng), functional});
    party.check("check", checks[i]);
  }
  EXPECT_EQ(party.checks(), checks.size());
  EXPECT_EQ(party.check_ids().size(), kDisarmable ? checks.size() : 0);  // kept by the dry run, and where checks can be dropped
  const Folded<D> folded = party.fold_checks();

  E power = E::one(), want;
  ASSERT_EQ(folded.claims.size(), checks.size());
  for (std::size_t i = 0; i < checks.size(); ++i) {
    want += s.value(checks[i]) * power;
    EXPECT_EQ(folded.claims[i].id, i);
    EXPECT_TRUE(folded.claims[i].scalar == checks[i].claims[0].scalar * power);
    power *= eta;
  }
  E got = -folded.value;
  for (const auto& [v, c] : folded.coef) got += c * s.at(v);
  EXPECT_TRUE(got == want);
  ASSERT_EQ(folded.coef.size(), 2U + 4U);  // each variable once, pads before slots
  for (std::uint32_t i = 0; i < 6; ++i) EXPECT_EQ(folded.coef[i].first, i < 2 ? pad_var(i) : slot_var(0, i - 2));
}

}  // namespace
}  // namespace dsperse::crypto
