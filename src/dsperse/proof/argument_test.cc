// The masked argument by itself: products of hidden values, claims on vectors in several groups, messages that come or stay away.
#include "dsperse/proof/argument.h"

#include <gtest/gtest.h>

#include "dsperse/proof/argument_prove.h"
#include "dsperse/proof/testing/harness.h"

namespace dsperse::proof {
namespace {

using crypto::Ext;
using crypto::Form;
using crypto::Party;
using testing::test_seed;

/// Vectors 0 (committed before) and 1 (witness), of 40 elements each; their inner product with powers of a challenge is equal,
/// and 3 * 5 = product of hidden values.
template <int D>
struct Toy {
  using E = Ext<D>;
  static constexpr std::size_t kSize = 40;
  std::vector<std::int64_t> given, fresh;
  std::int64_t product = 15;
  ArgumentSpec spec;
  Layout layout;
  CommittedTree tree;
  Head head{{"toy", Bytes{1, 2, 3}}};

  Toy() {
    for (std::size_t i = 0; i < kSize; ++i) given.push_back(static_cast<std::int64_t>(i * i));
    fresh = given;
    spec.profile = D == 2 ? Profile::bits100 : Profile::bits128;
    spec.vectors = {{8, 5}, {40}};
    spec.groups = {{"given", solve_geometry(spec.profile, kSize, 2), {{"tree", {0}}}}};
    spec.witness = {1};
    spec.witness_geometry = solve_geometry(spec.profile, 100, 1);
    spec.end_geometry = solve_end_geometry(spec.profile, 16);
    layout = layout_for<D>(spec, schedule());
    const std::uint32_t id = 0;
    const quantize::Shape shape{8, 5};
    tree = commit_vectors(
        spec.groups[0].geometry.code, {&shape, 1}, {&id, 1}, [&](std::uint32_t) { return view(given); }, test_seed(1),
        Storage::copied, crypto::Codewords::kept);
  }
  static relation::IntView view(const std::vector<std::int64_t>& v) { return relation::IntView(std::span(v)); }
  [[nodiscard]] ArgumentWitness witness(crypto::Codewords codewords = crypto::Codewords::kept) const {
    return {{{&tree}}, [this](std::uint32_t) { return view(fresh); }, codewords};
  }
  [[nodiscard]] ScheduleFn<D> schedule() const {
    return [this](Party<D>& party) {
      const E x = party.challenge("x");
      Form<D> difference;
      for (std::uint32_t v = 0; v < 2; ++v) {
        auto f = std::make_shared<crypto::RankOne<D>>();
        f->vectors.emplace_back();
        E power = E::one();
        for (std::size_t i = 0; i < kSize; ++i, power *= x) f->vectors[0].push_back(power);
        difference.claims.push_back({v, v == 0 ? E::one() : -E::one(), f});
      }
      party.check("equal", difference);
      const Form<D> a = party.hide("a", E::from_signed(3)), b = party.hide("b", E::from_signed(5));
      party.check("a", a - E::from_signed(3));
      party.check("b", b - E::from_signed(5));
      party.check("product", party.mul(a, b) - E::from_signed(product));
      party.sacrifice();
    };
  }
  [[nodiscard]] Bytes prove(const Forge<D>* forge = nullptr, std::vector<std::string>* log = nullptr) const {
    return *prove_argument<D>(layout, head, witness(), schedule(), nullptr, forge, log);
  }
  [[nodiscard]] Verdict verify(const Bytes& proof, std::vector<std::string>* log = nullptr) const {
    return verify_argument<D>(layout, head, {{tree.tree->root()}}, proof, schedule(), log);
  }
};

using Degrees = ::testing::Types<std::integral_constant<int, 2>, std::integral_constant<int, 3>>;
template <class T>
class ArgumentOf : public ::testing::Test {
 protected:
  Toy<T::value> toy_;
};
TYPED_TEST_SUITE(ArgumentOf, Degrees);

TYPED_TEST(ArgumentOf, HonestProofsAreAcceptedWithOneSchedule) {
  std::vector<std::string> said, heard;
  const Bytes proof = this->toy_.prove(nullptr, &said);
  const Verdict v = this->toy_.verify(proof, &heard);
  EXPECT_TRUE(v) << v.reason;
  EXPECT_EQ(said, heard);
  EXPECT_GT(said.size(), 20U);
  EXPECT_EQ(said[0], "draw first work") << "after head and roots";
}

TYPED_TEST(ArgumentOf, TheSameBytesWithoutKeptCodewords) {
  constexpr int D = TypeParam::value;
  const Toy<D>& t = this->toy_;
  Forge<D> fixed;
  fixed.seed = [](Digest& seed) { seed = test_seed(7); };
  const Bytes kept = t.prove(&fixed);
  EXPECT_EQ(*prove_argument<D>(t.layout, t.head, t.witness(crypto::Codewords::recomputed), t.schedule(), nullptr, &fixed), kept);
  EXPECT_NE(t.prove(), kept) << "fresh randomness without a fixed seed";
}

TYPED_TEST(ArgumentOf, FalseStatementsAreRejected) {
  constexpr int D = TypeParam::value;
  for (const std::size_t i : {std::size_t{0}, std::size_t{17}, Toy<D>::kSize - 1}) {
    Toy<D> t;
    t.fresh[i] += 1;
    EXPECT_EQ(t.verify(t.prove()).reason, "end check") << "vectors differ";
  }
  Toy<D> t;
  t.product = 16;
  EXPECT_EQ(t.verify(t.prove()).reason, "end check") << "3 * 5 is not 16";
  Forge<D> slot;  // the slot says so: the sacrifice does not
  slot.slots = [](std::vector<Ext<D>>& s) { s[0] += Ext<D>::one(); };
  EXPECT_EQ(t.verify(t.prove(&slot)).reason, "end check");
}

TYPED_TEST(ArgumentOf, EverythingIsBoundByTheTranscript) {
  constexpr int D = TypeParam::value;
  Toy<D>& t = this->toy_;
  const Bytes proof = t.prove();
  Toy<D> other;
  other.head[0].second[0] ^= 1;
  EXPECT_FALSE(other.verify(proof)) << "head bytes";
  other.head = {{"joy", t.head[0].second}};
  EXPECT_FALSE(other.verify(proof)) << "head label";
  other.head.clear();
  EXPECT_FALSE(other.verify(proof));
  EXPECT_FALSE(verify_argument<D>(t.layout, t.head, {{Digest{}}}, proof, t.schedule())) << "another root";
  EXPECT_EQ(verify_argument<D>(t.layout, t.head, {}, proof, t.schedule()).reason, "roots of the statement");
  EXPECT_EQ(verify_argument<D>(t.layout, t.head, {{t.tree.tree->root(), Digest{}}}, proof, t.schedule()).reason,
            "roots of the statement");
  // The verifier's schedule says more, or less, or something else.
  const auto with = [&](const std::function<void(Party<D>&)>& more) {
    return verify_argument<D>(t.layout, t.head, {{t.tree.tree->root()}}, proof, [&](Party<D>& party) {
      t.schedule()(party);
      more(party);
    });
  };
  EXPECT_TRUE(with([](Party<D>&) {}));
  EXPECT_EQ(with([](Party<D>& p) { (void)p.hide("more"); }).reason, "message missing");
  EXPECT_FALSE(with([](Party<D>& p) { (void)p.challenge("more"); }));
  EXPECT_FALSE(with([](Party<D>& p) { p.check("more", Form<D>(Ext<D>::one())); }));
  EXPECT_EQ(verify_argument<D>(t.layout, t.head, {{t.tree.tree->root()}}, proof, [](Party<D>&) {}).reason, "message missing");
  EXPECT_EQ(with([](Party<D>& p) { p.abort_run(); }).reason, "degenerate challenge");
}

TYPED_TEST(ArgumentOf, DegenerateChallengesStartAfresh) {
  constexpr int D = TypeParam::value;
  Toy<D>& t = this->toy_;
  int runs = 0;
  const auto schedule = [&](Party<D>& party) {
    t.schedule()(party);
    if (++runs < 3) party.abort_run();
  };
  const auto proof = prove_argument<D>(t.layout, t.head, t.witness(), schedule, nullptr);
  ASSERT_TRUE(proof.has_value());
  EXPECT_EQ(runs, 3);
  EXPECT_TRUE(t.verify(*proof));
  const auto never =
      prove_argument<D>(t.layout, t.head, t.witness(), [&](Party<D>& p) { t.schedule()(p), p.abort_run(); }, nullptr);
  EXPECT_FALSE(never.has_value());
}

TYPED_TEST(ArgumentOf, CodecIsCanonical) {
  constexpr int D = TypeParam::value;
  const Toy<D>& t = this->toy_;
  const Bytes proof = t.prove();
  ArgumentProof<D> decoded;
  ASSERT_TRUE(decode_argument<D>(t.layout, proof, decoded));
  EXPECT_EQ(encode_argument<D>(t.layout, decoded), proof);
  EXPECT_EQ(decoded.hidden.size(), t.layout.pads);
  EXPECT_EQ(decoded.clear.size(), 2 * t.layout.slots.size());
  EXPECT_EQ(decoded.last.size(), 2 * t.layout.vars);
  EXPECT_EQ(decoded.openings.size(), 4U);  // given, its mask, witness, end
  for (std::size_t n = 0; n < proof.size(); n += 1 + proof.size() / 200)
    EXPECT_FALSE(decode_argument<D>(t.layout, ByteView(proof).first(n), decoded)) << n;
}

}  // namespace
}  // namespace dsperse::proof
