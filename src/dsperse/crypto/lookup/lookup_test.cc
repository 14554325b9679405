#include <gtest/gtest.h>

#include "dsperse/crypto/hidden/testing/parties.h"
#include "dsperse/crypto/lookup/fraction_levels.h"

namespace dsperse::crypto {
namespace {

using testing::Rehearsal;
using testing::Rng;

template <class Degree>
class LookupTest : public ::testing::Test {
 public:
  static constexpr int kDegree = Degree::value;
};
using Degrees = ::testing::Types<std::integral_constant<int, 2>, std::integral_constant<int, 3>>;
TYPED_TEST_SUITE(LookupTest, Degrees);

/// A tree over given leaves; the leaf claims are checked against `claimed` leaves in the clear.
template <int D>
struct Tree {
  using E = Ext<D>;
  std::vector<E> p, q;                  // what the prover builds the tree from
  std::vector<E> claimed_p, claimed_q;  // what is committed
  E sum;                                // of the tables

  explicit Tree(std::size_t n_vars, std::uint64_t seed = 1) : n_vars_(n_vars) {
    Rng rng(seed + n_vars);
    p = testing::random_exts<D>(rng, std::size_t{1} << n_vars);
    q = testing::random_exts<D>(rng, p.size());
    for (std::size_t i = 0; i < p.size(); ++i) {
      if (q[i] == E{}) q[i] = E::one();
      if (i % 3 == 2) p[i] = E{}, q[i] = E::one();  // padding
      sum += p[i] * inverse(q[i]);
    }
    claimed_p = p;
    claimed_q = q;
  }

  std::unique_ptr<FractionLevels<D>> levels() const {
    if (p.size() == 1) return std::make_unique<FractionLevels<D>>(p[0], q[0]);
    std::array<std::vector<E>, 4> split;
    for (std::size_t i = 0; i < p.size(); ++i) {
      split[i % 2].push_back(p[i]);
      split[2 + i % 2].push_back(q[i]);
    }
    return std::make_unique<FractionLevels<D>>(
        FractionLevel<D>{testing::pack(split[0]), testing::pack(split[1]), testing::pack(split[2]), testing::pack(split[3])});
  }
  void operator()(Party<D>& party) const {
    std::unique_ptr<FractionLevels<D>> prover;
    if (party.proving()) prover = levels();
    const FractionEnd<D> end = fraction_tree<D>(party, n_vars_, Form<D>(sum), prover.get());
    EXPECT_EQ(end.point.size(), n_vars_);
    if (!party.dry()) {
      party.check("leaf p", end.p - testing::naive_evaluate<D>(claimed_p, end.point));
      party.check("leaf q", end.q - testing::naive_evaluate<D>(claimed_q, end.point));
    }
    party.sacrifice();
  }

 private:
  std::size_t n_vars_;
};

TYPED_TEST(LookupTest, HonestAccepted) {
  constexpr int D = TestFixture::kDegree;
  for (const std::size_t n : {0, 1, 2, 3, 4, 7}) {
    SCOPED_TRACE(n);
    const Tree<D> tree(n);
    Rehearsal<D> both(tree);
    EXPECT_TRUE(both.run() == Ext<D>{});
    EXPECT_FALSE(both.aborted);
    EXPECT_EQ(both.prover_tape.labels,
              std::vector<std::string>(both.verifier_tape.labels.begin(), both.verifier_tape.labels.end() - 1));
  }
}

TYPED_TEST(LookupTest, EveryChangedMessageIsFound) {
  constexpr int D = TestFixture::kDegree;
  for (const std::size_t n : {0, 3}) {
    Rehearsal<D> both{Tree<D>(n)};
    ASSERT_TRUE(both.run() == Ext<D>{});
    const std::size_t messages = both.prover_tape.messages.size();
    for (std::size_t i = 0; i < messages; ++i)
      EXPECT_FALSE(both.run([&](std::size_t k, Ext<D> m) { return k == i ? m + Ext<D>::one() : m; }) == Ext<D>{})
          << "message " << i;
  }
}

TYPED_TEST(LookupTest, WrongSumOrLeafIsFound) {
  constexpr int D = TestFixture::kDegree;
  using E = Ext<D>;
  Tree<D> wrong_sum(4);
  wrong_sum.sum += E::one();
  EXPECT_FALSE(Rehearsal<D>(wrong_sum).run() == E{});
  for (const std::size_t leaf : {0, 7, 15}) {
    Tree<D> numerator(4);
    numerator.claimed_p[leaf] += E::one();
    EXPECT_FALSE(Rehearsal<D>(numerator).run() == E{});
    Tree<D> denominator(4);
    denominator.claimed_q[leaf] += E::one();
    EXPECT_FALSE(Rehearsal<D>(denominator).run() == E{});
  }
  // A prover that builds the tree from other leaves whose sum is right.
  Tree<D> swapped(4);
  std::swap(swapped.p[0], swapped.p[1]);
  std::swap(swapped.q[0], swapped.q[1]);
  EXPECT_FALSE(Rehearsal<D>(swapped).run() == E{});
}

/// A zero denominator makes the root's inverse impossible: Q z = 1 fails.
TYPED_TEST(LookupTest, ZeroDenominatorIsFound) {
  constexpr int D = TestFixture::kDegree;
  using E = Ext<D>;
  Tree<D> tree(3);
  tree.q[5] = tree.claimed_q[5] = E{};
  EXPECT_FALSE(Rehearsal<D>(tree).run() == E{});
}

}  // namespace
}  // namespace dsperse::crypto
