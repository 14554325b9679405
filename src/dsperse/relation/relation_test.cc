// Views, maps, tables and leaf cubes against their definitions.
#include "dsperse/relation/relation.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

#include "dsperse/crypto/hash/hash.h"
#include "dsperse/crypto/poly/verifier_math.h"
#include "dsperse/relation/factor_table.h"
#include "dsperse/relation/maps.h"
#include "dsperse/relation/testing/checker.h"

namespace dsperse::relation {
namespace {

template <int D>
using E = crypto::Ext<D>;

template <int D>
std::vector<E<D>> random_vector(crypto::SeedStream& s, std::int64_t n) {
  std::vector<E<D>> out(static_cast<std::size_t>(n));
  for (auto& e : out) e = s.ext<D>();
  return out;
}

TEST(Table, FindsItsRowsAndNoOther) {
  Table t;  // (k, r), 0 <= r < 2^k for k = 0, 2, 3
  t.width = 2;
  t.key = 1;
  for (const std::int64_t k : {0, 2, 3}) {
    t.segments.push_back({k, 0, std::int64_t{1} << k, static_cast<std::uint32_t>(t.rows.size())});
    for (std::int64_t r = 0; r < std::int64_t{1} << k; ++r) t.rows.push_back({Fp::from_signed(k), Fp::from_signed(r), Fp()});
  }
  std::set<std::uint32_t> found;
  for (std::int64_t k = -2; k <= 9; ++k)
    for (std::int64_t r = -9; r <= 9; ++r) {
      const auto row = t.find({Fp::from_signed(k), Fp::from_signed(r), Fp()});
      EXPECT_EQ(row.has_value(), (k == 0 || k == 2 || k == 3) && r >= 0 && r < std::int64_t{1} << k) << k << " " << r;
      if (row) found.insert(*row);
    }
  EXPECT_EQ(found.size(), t.rows.size());
  EXPECT_FALSE(t.find({Fp(2), Fp(1), Fp(1)}).has_value()) << "missing columns are zero";
  Table gaps{"gaps", 1, 0, {{Fp::from_signed(-4)}, {Fp(7)}}, {{0, -4, -3, 0}, {0, 7, 8, 1}}};
  for (std::int64_t v = -9; v < 10; ++v) EXPECT_EQ(gaps.find({Fp::from_signed(v)}).has_value(), v == -4 || v == 7);
}

TEST(LeafCube, BlocksAreAlignedAndApart) {
  std::mt19937_64 rng(3);
  for (int trial = 0; trial < 50; ++trial) {
    Relation r;
    for (std::size_t i = 0; i < 1 + rng() % 7; ++i) {
      Lookup l;
      for (std::size_t k = 0; k < 1 + rng() % 4; ++k) l.shape.push_back(static_cast<std::int64_t>(1 + rng() % 9));
      r.lookups.push_back(l);
    }
    const LeafCube cube = leaf_cube(r);
    ASSERT_EQ(cube.blocks.size(), r.lookups.size());
    std::uint64_t at = 0;
    std::set<std::uint32_t> seen;
    for (const LeafBlock& b : cube.blocks) {
      EXPECT_EQ(b.offset, at);
      EXPECT_EQ(b.offset % (std::uint64_t{1} << b.vars), 0U);
      unsigned vars = 0;
      for (const auto n : r.lookups[b.lookup].shape) vars += bits_for(static_cast<std::uint64_t>(n));
      EXPECT_EQ(b.vars, vars);
      at += std::uint64_t{1} << b.vars;
      seen.insert(b.lookup);
    }
    EXPECT_EQ(seen.size(), r.lookups.size());
    EXPECT_LE(at, std::uint64_t{1} << cube.vars);
  }
}

/// Claims on a term pulled back through its view agree with the term's values: <vectors, term> from both sides.
template <int D>
void axis_vectors_pull_back() {
  crypto::SeedStream s(Digest{1}, "maps");
  std::mt19937_64 rng(4);
  const auto in = [&](std::int64_t a, std::int64_t b) {
    return a + static_cast<std::int64_t>(rng() % static_cast<std::uint64_t>(b - a + 1));
  };
  for (int trial = 0; trial < 200; ++trial) {
    const Shape site{in(1, 4), in(1, 5)}, extra{in(1, 3), in(1, 3)};
    View view;  // letters 0, 2 on one axis, 1, 3 on the other
    view.axes = {in(1, 6), in(1, 6)};
    view.maps = {AxisMap{in(-2, 2), {{0, in(1, 3)}, {2, in(1, 2)}}}, AxisMap{in(-2, 4), {{1, in(0, 1) == 0 ? -1 : 2}, {3, 1}}}};
    std::vector<Fp> tensor(static_cast<std::size_t>(quantize::elements(view.axes)));
    for (Fp& x : tensor) x = s.fp();
    const Vectors<D> vectors{random_vector<D>(s, site[0]), random_vector<D>(s, site[1])};
    Term term;
    term.of = Term::Of::tensor;
    term.view = view;
    term.extra = extra;
    const std::vector<Fp> values = testing::evaluate({}, {term}, site, {{tensor}, {}});
    E<D> direct, pulled;
    for (std::size_t i = 0; i < values.size(); ++i)
      direct += vectors[0][i / static_cast<std::size_t>(site[1])] * vectors[1][i % static_cast<std::size_t>(site[1])] * values[i];
    const auto a = axis_vector<D>(view.maps[0], view.axes[0], vectors, extra),
               b = axis_vector<D>(view.maps[1], view.axes[1], vectors, extra);
    for (std::size_t i = 0; i < tensor.size(); ++i)
      pulled += a[i / static_cast<std::size_t>(view.axes[1])] * b[i % static_cast<std::size_t>(view.axes[1])] * tensor[i];
    EXPECT_TRUE(direct == pulled);
  }
}
TEST(Maps, AxisVectorsPullBackClaims) {
  axis_vectors_pull_back<2>();
  axis_vectors_pull_back<3>();
}

/// A grouped, strided, padded convolution: claim on the product = sum over shared letters of both factors' folded tables, and
/// each factor's table at a point = its claim by factor_vectors.
template <int D>
void products_bind() {
  crypto::SeedStream s(Digest{2}, "products");
  const std::int64_t groups = 2, per_group = 3, ci = 2;
  Product p;
  p.letters = {2, 3, 2, groups, per_group, 3, 2, ci};
  p.shape = {2, 3, 2, groups * per_group};
  const AxisMap channel{0, {{3, per_group}, {4, 1}}};
  p.out = {axis(0), axis(1), axis(2), channel};
  p.a = {0,
         {{2, 5, 4, groups * ci},
          {axis(0), AxisMap{-1, {{1, 2}, {5, 1}}}, AxisMap{0, {{2, 2}, {6, 2}}}, AxisMap{0, {{3, ci}, {7, 1}}}}}};
  p.b = {1, {{groups * per_group, 3, 2, ci}, {channel, axis(5), axis(6), axis(7)}}};
  testing::Assignment a;
  for (const View* v : {&p.a.view, &p.b.view}) {
    a.tensors.emplace_back(static_cast<std::size_t>(quantize::elements(v->axes)));
    for (Fp& x : a.tensors.back()) x = s.fp();
  }
  const std::vector<Fp> out = testing::multiply(p, a);
  Vectors<D> claim;
  for (const auto n : p.shape) claim.push_back(random_vector<D>(s, n));
  const auto weigh = [](const Vectors<D>& vectors, const std::vector<Fp>& tensor) {
    std::vector<E<D>> w{E<D>::one()};
    for (const auto& v : vectors) {
      std::vector<E<D>> next;
      for (const auto& x : w)
        for (const auto& y : v) next.push_back(x * y);
      w = std::move(next);
    }
    E<D> sum;
    for (std::size_t i = 0; i < tensor.size(); ++i) sum += w[i] * tensor[i];
    return sum;
  };
  const BoundProduct<D> bound = bind_product<D>(p, claim);
  EXPECT_EQ(bound.shared, (std::vector<std::uint32_t>{3, 5, 6, 7}));
  EXPECT_EQ(bound.vars, 1U + 2U + 1U + 1U);
  // Tables at every boolean point, by factor_vectors at that point.
  E<D> sum;
  for (std::uint64_t i = 0; i < std::uint64_t{1} << bound.vars; ++i) {
    std::vector<E<D>> point;
    for (unsigned k = 0; k < bound.vars; ++k) point.push_back((i >> k & 1) != 0 ? E<D>::one() : E<D>());
    sum += weigh(factor_vectors<D>(bound, bound.a, point), a.tensors[0]) *
           weigh(factor_vectors<D>(bound, bound.b, point), a.tensors[1]);
  }
  EXPECT_TRUE(sum == weigh(claim, out));
}
TEST(Maps, ProductsBind) {
  products_bind<2>();
  products_bind<3>();
}

/// A factor's table is at every boolean point what its claim by factor_vectors says, in every width of storage.
template <int D>
void factors_fold() {
  crypto::SeedStream s(Digest{3}, "factors");
  std::mt19937_64 rng(5);
  for (const std::int64_t groups : {1, 2})
    for (const std::int64_t ci : {1, 3, 9, 16}) {
      Product p;
      const std::int64_t per_group = 3;
      p.letters = {1, 3, 2, groups, per_group, 3, 2, ci};
      p.shape = {1, 3, 2, groups * per_group};
      const AxisMap channel{0, {{3, per_group}, {4, 1}}};
      p.out = {axis(0), axis(1), axis(2), channel};
      p.a = {0,
             {{1, 5, 4, groups * ci},
              {axis(0), AxisMap{-1, {{1, 2}, {5, 1}}}, AxisMap{0, {{2, 2}, {6, 2}}}, AxisMap{0, {{3, ci}, {7, 1}}}}}};
      p.b = {1, {{groups * per_group, 3, 2, ci}, {channel, axis(5), axis(6), axis(7)}}};
      Vectors<D> claim;
      for (const auto n : p.shape) claim.push_back(random_vector<D>(s, n));
      const BoundProduct<D> bound = bind_product<D>(p, claim);
      for (const auto& [view, rows] : {std::pair(&p.a.view, &bound.a), std::pair(&p.b.view, &bound.b)}) {
        std::vector<std::int16_t> narrow;
        for (std::int64_t i = quantize::elements(view->axes); i > 0; --i) narrow.push_back(static_cast<std::int16_t>(rng()));
        const std::vector<std::int32_t> normal(narrow.begin(), narrow.end());
        const std::vector<std::int64_t> wide(narrow.begin(), narrow.end());
        const auto table = factor_table<D>(IntView(std::span<const std::int16_t>(narrow)), bound, *rows);
        const auto same = factor_table<D>(IntView(std::span<const std::int32_t>(normal)), bound, *rows);
        const auto too = factor_table<D>(IntView(std::span<const std::int64_t>(wide)), bound, *rows);
        ASSERT_EQ(table.size(), std::size_t{1} << bound.vars);
        for (std::uint64_t at = 0; at < table.size(); ++at) {
          std::vector<E<D>> point;
          for (unsigned k = 0; k < bound.vars; ++k) point.push_back((at >> k & 1) != 0 ? E<D>::one() : E<D>());
          const Vectors<D> v = factor_vectors<D>(bound, *rows, point);
          E<D> sum;
          for (std::size_t i = 0; i < wide.size(); ++i) {
            E<D> x = E<D>::from_signed(wide[i]);
            std::size_t rest = i;
            for (std::size_t k = v.size(); k-- > 0; rest /= v[k].size()) x *= v[k][rest % v[k].size()];
            sum += x;
          }
          ASSERT_TRUE(table[at] == sum) << groups << " " << ci << " " << at;
          ASSERT_TRUE(same[at] == sum && too[at] == sum);
        }
      }
    }
}
TEST(Maps, FactorsFold) {
  factors_fold<2>();
  factors_fold<3>();
}

TEST(Views, AxisMapsAndBits) {
  EXPECT_EQ(bits_for(1), 0U);
  EXPECT_EQ(bits_for(2), 1U);
  EXPECT_EQ(bits_for(3), 2U);
  EXPECT_EQ(bits_for(1024), 10U);
  EXPECT_EQ(bits_for(1025), 11U);
  const View v = identity_view({3, 4});
  EXPECT_EQ(v.maps[1], axis(1));
}

}  // namespace
}  // namespace dsperse::relation
