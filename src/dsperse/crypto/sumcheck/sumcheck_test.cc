#include <gtest/gtest.h>

#include "dsperse/crypto/hidden/testing/parties.h"
#include "dsperse/crypto/sumcheck/product_rounds.h"

namespace dsperse::crypto {
namespace {

using testing::Rehearsal;
using testing::Rng;

template <class Degree>
class SumcheckTest : public ::testing::Test {
 public:
  static constexpr int kDegree = Degree::value;
};
using Degrees = ::testing::Types<std::integral_constant<int, 2>, std::integral_constant<int, 3>>;
TYPED_TEST_SUITE(SumcheckTest, Degrees);

/// sum a b by its definition, for any tables (h of an eq sumcheck: weight = eq of the later variables).
template <int D>
class NaiveRounds final : public RoundProver<D> {
 public:
  using E = Ext<D>;
  NaiveRounds(std::vector<E> table_a, std::vector<E> table_b, std::vector<E> point = {})
      : a(std::move(table_a)), b(std::move(table_b)), point_(std::move(point)) {}
  std::array<E, 2> round() override {
    std::array<E, 2> g;
    const E two = E::from_signed(2);
    const auto fa = testing::naive_fold(a, two), fb = testing::naive_fold(b, two);
    for (std::size_t i = 0; i < fa.size(); ++i) {
      const E weight = point_.empty() ? E::one() : testing::naive_eq<D>(std::span<const E>(point_).subspan(bound_ + 1), i);
      g[0] += weight * a[2 * i] * b[2 * i];
      g[1] += weight * fa[i] * fb[i];
    }
    return g;
  }
  void bind(const E& x) override {
    a = testing::naive_fold(a, x);
    b = testing::naive_fold(b, x);
    ++bound_;
  }
  std::vector<E> a, b;

 private:
  std::vector<E> point_;
  std::size_t bound_ = 0;
};

/// One sumcheck, its end values hidden and multiplied: the whole of what a product costs.
template <int D>
void run_sumcheck(std::size_t n_vars, bool eq, bool fast) {
  using E = Ext<D>;
  Rng rng(n_vars + 17);
  const auto a = testing::random_exts<D>(rng, std::size_t{1} << n_vars), b = testing::random_exts<D>(rng, a.size());
  std::vector<E> point = testing::random_exts<D>(rng, n_vars);
  for (E& p : point)
    if (p == E{}) p = E::one();
  E sum;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i] * (eq ? testing::naive_eq<D>(point, i) : E::one());
  std::vector<E> end_point;
  Rehearsal<D> both([&](Party<D>& party) {
    NaiveRounds<D> naive(a, b, eq ? point : std::vector<E>{});
    ProductRounds<D> packed(testing::pack(a), testing::pack(b));
    if (fast) {
      EXPECT_TRUE(packed.sum() == sum);
    }
    RoundProver<D>* prover = !party.proving() ? nullptr : fast ? static_cast<RoundProver<D>*>(&packed) : &naive;
    const Form<D> claim = party.hide("claim", sum);
    const SumcheckEnd<D> end =
        eq ? eq_sumcheck<D>(party, "g", claim, point, prover) : sumcheck<D>(party, Pads::witness, "g", claim, n_vars, prover);
    EXPECT_EQ(end.point.size(), n_vars);
    std::array<E, 2> ends{};
    if (party.proving()) ends = fast ? packed.ends() : std::array<E, 2>{naive.a[0], naive.b[0]};
    if (party.proving()) {
      EXPECT_TRUE(ends[0] == testing::naive_evaluate<D>(a, end.point));
      EXPECT_TRUE(ends[1] == testing::naive_evaluate<D>(b, end.point));
    }
    const Form<D> fa = party.hide("a", ends[0]), fb = party.hide("b", ends[1]);
    party.check("end", end.claim - party.mul(fa, fb));
    // The test's stand-in for claims on commitments: a, b at the point and the sum in the clear.
    if (!party.dry()) {
      party.check("a", fa - testing::naive_evaluate<D>(a, end.point));
      party.check("b", fb - testing::naive_evaluate<D>(b, end.point));
      party.check("sum", claim - sum);
    }
    party.sacrifice();
  });
  EXPECT_TRUE(both.run() == E{});
  EXPECT_FALSE(both.aborted);
  EXPECT_EQ(both.verifier_tape.labels.size(), both.prover_tape.labels.size() + 1);  // eta
  const std::size_t messages = both.prover_tape.messages.size();
  EXPECT_EQ(messages, 1 + 2 * n_vars + 2 + 2);
  for (std::size_t i = 0; i < messages; ++i)
    EXPECT_FALSE(both.run([&](std::size_t k, E m) { return k == i ? m + E::one() : m; }) == E{}) << "message " << i;
}

TYPED_TEST(SumcheckTest, HonestAcceptedEveryChangedMessageNot) {
  for (const std::size_t n : {0U, 1U, 2U, 5U}) {
    run_sumcheck<TestFixture::kDegree>(n, false, false);
    run_sumcheck<TestFixture::kDegree>(n, false, true);
    run_sumcheck<TestFixture::kDegree>(n, true, false);
  }
}

TYPED_TEST(SumcheckTest, WrongSumIsFound) {
  constexpr int D = TestFixture::kDegree;
  using E = Ext<D>;
  Rng rng(3);
  const auto a = testing::random_exts<D>(rng, 16), b = testing::random_exts<D>(rng, 16);
  E wrong = E::one();
  for (std::size_t i = 0; i < 16; ++i) wrong += a[i] * b[i];
  Rehearsal<D> both([&](Party<D>& party) {
    ProductRounds<D> rounds(testing::pack(a), testing::pack(b));
    const auto end = sumcheck<D>(party, Pads::witness, "g", Form<D>(wrong), 4, party.proving() ? &rounds : nullptr);
    if (!party.dry())
      party.check("end", end.claim - testing::naive_evaluate<D>(a, end.point) * testing::naive_evaluate<D>(b, end.point));
  });
  EXPECT_FALSE(both.run() == E{});
}

/// Rounds hidden with end pads: the claim is a form over those.
TYPED_TEST(SumcheckTest, EndPads) {
  constexpr int D = TestFixture::kDegree;
  using E = Ext<D>;
  Rng rng(4);
  const auto a = testing::random_exts<D>(rng, 32), b = testing::random_exts<D>(rng, 32);
  E sum;
  for (std::size_t i = 0; i < 32; ++i) sum += a[i] * b[i];
  SumcheckEnd<D> end;
  Rehearsal<D> both([&](Party<D>& party) {
    ProductRounds<D> rounds(testing::pack(a), testing::pack(b));
    end = sumcheck<D>(party, Pads::end, "last", Form<D>(sum), 5, party.proving() ? &rounds : nullptr);
    EXPECT_EQ(party.pads(), 0U);
  });
  both.run();
  EXPECT_TRUE(both.secrets.end_value(end.claim) ==
              testing::naive_evaluate<D>(a, end.point) * testing::naive_evaluate<D>(b, end.point));
  std::vector<bool> used(10, false);
  for (const auto& [v, c] : end.claim.coef) used.at(v) = true;
  EXPECT_EQ(used, std::vector<bool>(10, true));
}

/// h(1) is not determined by the claim where the point's coordinate is zero.
TYPED_TEST(SumcheckTest, ZeroCoordinateAborts) {
  constexpr int D = TestFixture::kDegree;
  using E = Ext<D>;
  CountingChannel<D> channel;
  Party<D> party(channel, Party<D>::Role::verify);
  const std::vector<E> point{E::one(), E{}, E::one()};
  eq_sumcheck<D>(party, "g", Form<D>(E::one()), point, nullptr);
  EXPECT_TRUE(party.aborted());
}

}  // namespace
}  // namespace dsperse::crypto
