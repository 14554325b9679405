#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <limits>

#include "dsperse/base/cpu.h"
#include "dsperse/base/parallel.h"
#include "dsperse/crypto/hidden/testing/parties.h"
#include "dsperse/crypto/lookup/fraction_levels.h"
#include "dsperse/crypto/lookup/testing/plain_levels.h"

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

  std::unique_ptr<FractionLevels<D>> levels() const { return std::make_unique<FractionLevels<D>>(p, q); }
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
  for (const std::size_t n : {0U, 1U, 2U, 3U, 4U, 7U}) {
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
  for (const std::size_t n : {0U, 3U}) {
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
  for (const std::size_t leaf : {0U, 7U, 15U}) {
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

/// Everything that a prover of fractions answers in one run with these challenges; lambda is zero at level `zero`.
template <int D>
std::vector<Ext<D>> answers(FractionProver<D>& prover, std::size_t n_vars, std::uint64_t seed, std::size_t zero = 99) {
  Rng rng(seed);
  std::vector<Ext<D>> out, point;
  for (const Ext<D>& e : prover.root()) out.push_back(e);
  for (std::size_t k = 0; k < n_vars; ++k) {
    const Ext<D> lambda = k == zero ? Ext<D>{} : testing::random_ext<D>(rng);
    RoundProver<D>* rounds = prover.level(k, point, lambda);
    std::vector<Ext<D>> next{testing::random_ext<D>(rng)};
    for (std::size_t i = 0; i < k; ++i) {
      for (const Ext<D>& e : rounds->round()) out.push_back(e);
      next.push_back(testing::random_ext<D>(rng));
      rounds->bind(next.back());
    }
    for (const Ext<D>& e : prover.level_end()) out.push_back(e);
    point = std::move(next);
  }
  return out;
}

/// Lookups of the shapes, with columns of the widths (2, 4 or 8 bytes), in a leaf cube as relation/ makes it.
template <int D>
struct Cube {
  using Shape = std::vector<std::size_t>;
  std::vector<std::vector<std::int16_t>> narrow;
  std::vector<std::vector<std::int32_t>> normal;
  std::vector<std::vector<Fp>> wide;
  std::vector<LookupBlock<D>> blocks;
  std::size_t vars = 0;

  static std::size_t log2(std::size_t n) { return static_cast<std::size_t>(std::bit_width(n - 1)); }
  static std::size_t padded(const Shape& shape) {
    std::size_t bits = 0;
    for (const std::size_t n : shape) bits += log2(n);
    return std::size_t{1} << bits;
  }
  /// narrow: 16-bit columns alone.
  Cube(std::vector<Shape> shapes, Rng& rng, bool only_narrow = false) {
    std::stable_sort(shapes.begin(), shapes.end(), [](const Shape& a, const Shape& b) { return padded(a) > padded(b); });
    std::size_t at = 0;
    for (const Shape& shape : shapes) {
      LookupBlock<D> block{at, shape, testing::random_ext<D>(rng), {}, {}};
      at += padded(shape);
      std::size_t size = 1;
      for (const std::size_t n : shape) size *= n;
      const std::size_t width = 1 + rng() % 3;
      for (std::size_t c = 0; c < width; ++c) {
        block.weights.push_back(testing::random_ext<D>(rng));
        block.columns.push_back(column(size, only_narrow ? 0 : rng() % 3, rng));
      }
      blocks.push_back(std::move(block));
    }
    vars = log2(at);
  }
  LookupColumn column(std::size_t size, std::size_t kind, Rng& rng) {
    switch (kind) {
      case 0:
        narrow.emplace_back(size);
        for (auto& x : narrow.back()) x = static_cast<std::int16_t>(rng() % 4 == 0 ? std::uint64_t{0x8000} : rng());
        return {narrow.back().data(), nullptr, nullptr};
      case 1:
        normal.emplace_back(size);
        for (auto& x : normal.back())
          x = rng() % 4 == 0 ? std::numeric_limits<std::int32_t>::min() : static_cast<std::int32_t>(rng());
        return {nullptr, normal.back().data(), nullptr};
      default:
        wide.emplace_back(size);
        for (Fp& x : wide.back()) x = testing::random_fp(rng);
        return {nullptr, nullptr, wide.back().data()};
    }
  }
};

/// Odd shapes: short and long runs, padding inside, behind and between; more than a tile; singles.
const std::vector<std::vector<std::vector<std::size_t>>> kCubes = {
    {{1}},
    {{3}, {2, 2}, {1}, {1, 1}},
    {{5, 3}, {2}, {1}},
    {{128}},
    {{129}, {1}, {1}, {1}},
    {{9, 7, 3}, {2, 5}, {3}, {1, 6, 1}, {1}, {1}, {2}},
    {{5, 100}, {70}, {3, 1, 5}, {1, 1, 2}},
    {{28, 28, 6}, {14, 14, 6}, {10, 10, 16}, {84}, {10}},
    {{3, 1000}, {2500}, {7, 7, 64}, {64, 3}, {1, 1}},
    {{4096}, {2048}, {1}},
    {{5, 5000}},
    {{64, 64}, {3000}, {2048}, {1024}, {600}},
};

TYPED_TEST(LookupTest, AnswersOfPlainLevels) {
  constexpr int D = TestFixture::kDegree;
  const Kernel before = kernel();
  const std::size_t threads_before = threads();
  for (std::size_t i = 0; i < kCubes.size(); ++i) {
    SCOPED_TRACE(i);
    Rng rng(i + 1);
    const Cube<D> cube(kCubes[i], rng, i + 1 == kCubes.size());
    const Leaves<D> leaves(cube.vars, cube.blocks);
    std::vector<Ext<D>> p, q;
    leaves.expand(p, q);
    testing::PlainLevels<D> plain(p, q);
    const std::vector<Ext<D>> want = answers<D>(plain, cube.vars, 100 + i);
    for (const Kernel k : {Kernel::scalar, Kernel::avx2, Kernel::avx512})
      for (const std::size_t n : {1U, 3U}) {
        if (static_cast<int>(k) > static_cast<int>(best_kernel())) continue;
        SCOPED_TRACE(kernel_name(k));
        force_kernel(k);
        set_threads(n);
        FractionLevels<D> of_columns(leaves), of_leaves(p, q);
        EXPECT_TRUE(answers<D>(of_columns, cube.vars, 100 + i) == want) << n << " threads";
        EXPECT_TRUE(answers<D>(of_leaves, cube.vars, 100 + i) == want) << n << " threads, leaves given";
      }
  }
  force_kernel(before);
  set_threads(threads_before);
}

/// Parts of a tile: none is lost, none is called empty that has a tuple, and long padding is called so.
TYPED_TEST(LookupTest, EmptyPartsAreFound) {
  constexpr int D = TestFixture::kDegree;
  Rng rng(9);
  const Cube<D> cube({{7, 7, 64}, {1}}, rng);  // runs of 448 of 512, the eighth empty
  const Leaves<D> leaves(cube.vars, cube.blocks);
  std::vector<Ext<D>> p, q;
  leaves.expand(p, q);
  const typename Leaves<D>::Affine affine(leaves, Ext<D>::one(), Ext<D>{});
  const auto tile = std::make_unique<typename Leaves<D>::Tile>();
  std::size_t empty = 0;
  for (std::size_t first = 0; first < 4096; first += Leaves<D>::kTile) {
    leaves.read(first, Leaves<D>::kTile, affine, *tile);
    std::size_t at = 0;
    tile->each_part(Leaves<D>::kTile, [&](const auto& part) {
      EXPECT_EQ(part.first, at);
      EXPECT_EQ(part.n % Leaves<D>::kUnit, 0U);
      at += part.n;
      if (!part.empty) return;
      empty += part.n;
      for (std::size_t i = 0; i < part.n; ++i) EXPECT_TRUE(p[first + part.first + i] == Ext<D>{});
    });
    EXPECT_EQ(at, Leaves<D>::kTile);
  }
  EXPECT_EQ(empty, 512U);
}

/// The largest digits everywhere: late reduction must not overflow.
TYPED_TEST(LookupTest, LateReductionHoldsTheLargestValues) {
  constexpr int D = TestFixture::kDegree;
  const Kernel before = kernel();
  for (const std::uint64_t v : {kP - 1, kP - (std::uint64_t{1} << 32), kEpsilon}) {
    Ext<D> top;
    for (Fp& limb : top.c) limb = Fp(v);
    const std::vector<Fp> column(std::size_t{1} << 13, Fp(v));
    const Leaves<D> leaves(
        13, {{0, {column.size()}, top, {top, top, top}, std::vector(3, LookupColumn{nullptr, nullptr, column.data()})}});
    std::vector<Ext<D>> p, q;
    leaves.expand(p, q);
    testing::PlainLevels<D> plain(p, q);
    const auto want = answers<D>(plain, 13, v);
    for (const Kernel k : {Kernel::scalar, Kernel::avx2, Kernel::avx512}) {
      if (static_cast<int>(k) > static_cast<int>(best_kernel())) continue;
      force_kernel(k);
      FractionLevels<D> of_columns(leaves), of_leaves(p, q);
      EXPECT_TRUE(answers<D>(of_columns, 13, v) == want) << kernel_name(k);
      EXPECT_TRUE(answers<D>(of_leaves, 13, v) == want) << kernel_name(k);
    }
  }
  force_kernel(before);
}

/// What cannot be divided by is not divided by.
TYPED_TEST(LookupTest, LambdaOfZero) {
  constexpr int D = TestFixture::kDegree;
  Rng rng(3);
  const Cube<D> cube({{9, 7, 3}, {2, 5}, {1}}, rng);
  const Leaves<D> leaves(cube.vars, cube.blocks);
  std::vector<Ext<D>> p, q;
  leaves.expand(p, q);
  for (std::size_t zero = 0; zero < cube.vars; ++zero) {
    testing::PlainLevels<D> plain(p, q);
    FractionLevels<D> of_columns(leaves);
    EXPECT_TRUE(answers<D>(of_columns, cube.vars, 4, zero) == answers<D>(plain, cube.vars, 4, zero)) << zero;
  }
}

/// Beyond a chunk of eq weights, where plain levels would take too long: leaves from columns against the same given one by one.
TYPED_TEST(LookupTest, ColumnsAndGivenLeavesAgreeAtSize) {
  constexpr int D = TestFixture::kDegree;
  for (const auto& shapes : {std::vector<std::vector<std::size_t>>{{1 << 16}, {3, 100, 100}},
                             std::vector<std::vector<std::size_t>>{{57, 57, 24}, {30000}, {6, 6, 6}}}) {
    Rng rng(5);
    const Cube<D> cube(shapes, rng, shapes.size() == 2);
    const Leaves<D> leaves(cube.vars, cube.blocks);
    std::vector<Ext<D>> p, q;
    leaves.expand(p, q);
    FractionLevels<D> of_columns(leaves), of_leaves(p, q);
    EXPECT_TRUE(answers<D>(of_columns, cube.vars, 7) == answers<D>(of_leaves, cube.vars, 7));
  }
}

/// What is read of the leaves, tile by tile, against the leaves one by one.
TYPED_TEST(LookupTest, TilesAreTheLeaves) {
  constexpr int D = TestFixture::kDegree;
  for (std::size_t i = 0; i < kCubes.size(); ++i) {
    SCOPED_TRACE(i);
    Rng rng(i + 50);
    const Cube<D> cube(kCubes[i], rng);
    if (cube.vars < 7) continue;
    const Leaves<D> leaves(cube.vars, cube.blocks);
    std::vector<Ext<D>> p, q;
    leaves.expand(p, q);
    const auto scale = testing::random_ext<D>(rng), shift = testing::random_ext<D>(rng);
    const typename Leaves<D>::Affine affine(leaves, scale, shift);
    const auto tile = std::make_unique<typename Leaves<D>::Tile>();
    const std::size_t unit = Leaves<D>::kUnit;
    for (std::size_t first = 0; first < leaves.stored(); first += unit) {
      leaves.read(first, unit, affine, *tile);
      bool all = true;
      for (std::size_t j = 0; j < unit; ++j) {
        Ext<D> value;
        for (std::size_t m = 0; m < D; ++m) value.c[m] = Fp(tile->values[(j / kLanes * D + m) * kLanes + j % kLanes]);
        const Ext<D>&numerator = p[first + j], &denominator = q[first + j];
        EXPECT_TRUE(value == scale * denominator + shift * numerator) << first + j;
        EXPECT_EQ((tile->bits[j / 8] >> (j % 8)) & 1, numerator == Ext<D>::one() ? 1 : 0);
        all = all && numerator == Ext<D>::one();
      }
      tile->each_part(unit, [&](const auto& part) {  // too short to be empty
        EXPECT_EQ(part.n, unit);
        EXPECT_EQ(part.real == nullptr, all);
      });
    }
    for (std::size_t j = leaves.stored(); j < p.size(); ++j) EXPECT_TRUE(p[j] == Ext<D>{} && q[j] == Ext<D>::one());
  }
}

}  // namespace
}  // namespace dsperse::crypto
