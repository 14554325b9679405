// Addresses of committed vectors, and the functional evaluated from claims against the dense one.
#include "dsperse/proof/layout.h"

#include <gtest/gtest.h>

#include <set>

#include "dsperse/crypto/hash/hash.h"
#include "dsperse/crypto/poly/verifier_math.h"
#include "dsperse/proof/argument.h"
#include "dsperse/proof/testing/harness.h"

namespace dsperse::proof {
namespace {

using quantize::Shape;

template <int D>
crypto::Ext<D> random_ext(crypto::SeedStream& s) {
  return s.ext<D>();
}

TEST(Placed, EveryElementHasItsOwnAddress) {
  for (const Shape& shape :
       std::vector<Shape>{{1}, {7}, {24}, {768}, {3, 5}, {2, 3, 24}, {5, 1, 1}, {4, 4, 33}, {2, 100}, {1, 9, 9, 17}})
    for (const std::uint64_t at : {0ULL, 1ULL, 5ULL, 64ULL, 1000ULL})
      for (const unsigned max_b : {0U, 2U, 4U, 62U}) {
        const Placed p = Placed::plan(shape, at, max_b);
        const auto n = static_cast<std::uint64_t>(quantize::elements(shape));
        EXPECT_EQ(p.elements(), n);
        EXPECT_GE(p.base, at);
        EXPECT_LE(p.b, max_b);
        EXPECT_EQ(p.base % (std::uint64_t{1} << p.b), 0U);
        EXPECT_EQ(p.stride % (std::uint64_t{1} << p.b), 0U);
        EXPECT_LE(16 * (p.stride - p.run), p.run) << "at most 1/16 of padding";
        std::set<std::uint64_t> seen;
        for (std::uint64_t i = 0; i < n; ++i) seen.insert(p.address(i));
        EXPECT_EQ(seen.size(), n);
        EXPECT_GE(*seen.begin(), p.base);
        EXPECT_LT(*seen.rbegin(), p.end());
        // The layout within a tree does not depend on where the tree begins.
        if (max_b <= 4) {
          const Placed moved = Placed::plan(shape, at + 16 * 7, max_b);
          EXPECT_EQ(moved.base - p.base, 16U * 7U);
          EXPECT_EQ(moved.stride, p.stride);
        }
      }
}

ArgumentSpec spec_of(Profile profile) {
  ArgumentSpec s;
  s.profile = profile;
  s.vectors = {{3, 5}, {24}, {2, 3, 7}, {40}, {1}, {6, 4}};
  s.groups.push_back({"weights", solve_geometry(profile, 40, kWeightBudget), {{"weights", {0, 1}}}});
  s.groups.push_back({"boundary", solve_geometry(profile, 30, kBoundaryUses), {{"in", {2}}, {"out", {4}}}});
  s.witness = {3, 5};
  s.witness_geometry = solve_geometry(profile, 100, 1);
  s.end_geometry = solve_end_geometry(profile, 20);
  return s;
}

TEST(Layout, NothingOverlaps) {
  const ArgumentSpec spec = spec_of(Profile::bits100);
  const Layout l = plan_layout(spec, 9, {{0, 1}, {2, 3}});
  std::set<std::uint64_t> seen;
  std::size_t count = 0;
  const auto take = [&](std::uint64_t a) {
    EXPECT_TRUE(seen.insert(a).second) << "address " << a;
    EXPECT_LT(a, std::uint64_t{1} << l.vars);
    ++count;
  };
  for (std::uint32_t v = 0; v < spec.vectors.size(); ++v)
    for (std::uint64_t i = 0; i < l.placed[v].elements(); ++i) take(l.offset_of(v) + l.placed[v].address(i));
  for (std::uint32_t i = 0; i < 9; ++i)
    for (std::uint64_t limb = 0; limb < 2; ++limb) take(l.address(crypto::pad_var(i)) + limb);
  for (std::uint32_t k = 0; k < 2; ++k)
    for (std::uint32_t part = 0; part < 4; ++part)
      for (std::uint64_t limb = 0; limb < 2; ++limb) take(l.address(crypto::slot_var(k, part)) + limb);
  for (const auto& g : l.groups) {
    EXPECT_EQ(g.offset % (std::uint64_t{1} << g.vars), 0U) << "blocks are aligned";
    for (std::uint64_t j = 0; j < g.geometry.code.kd(); ++j) take(l.mask_address(g) + j);
    EXPECT_TRUE(g.trees.back().fresh);
    std::size_t row = 0;
    for (const auto& t : g.trees) {
      EXPECT_EQ(t.first_row, row);
      row += t.rows;
    }
    EXPECT_EQ(row, g.physical_rows(2));
  }
}

template <int D>
void functional_agrees(Profile profile) {
  const ArgumentSpec spec = spec_of(profile);
  const Layout l = plan_layout(spec, 9, {{0, 1}, {2, 3}});
  crypto::SeedStream rng(testing::test_seed(1), "layout");
  crypto::Folded<D> folded;
  for (std::uint32_t i = 0; i < 9; ++i) folded.coef.emplace_back(crypto::pad_var(i), random_ext<D>(rng));
  for (std::uint32_t k = 0; k < 8; ++k) folded.coef.emplace_back(crypto::kSlotBit | k, random_ext<D>(rng));
  // Claims over the vectors' own shapes and over refinements of their flat index.
  const std::vector<std::pair<std::uint32_t, Shape>> claims{{0, {3, 5}},    {0, {15}},   {1, {24}},      {1, {2, 3, 4}},
                                                            {2, {2, 3, 7}}, {2, {42}},   {3, {40}},      {3, {8, 5}},
                                                            {4, {1}},       {5, {6, 4}}, {5, {3, 2, 4}}, {5, {2, 12}}};
  std::vector<crypto::Ext<D>> dense(std::size_t{1} << l.vars);
  for (const auto& [v, c] : folded.coef)
    for (int limb = 0; limb < D; ++limb)
      dense[l.address(v) + static_cast<std::uint64_t>(limb)] += c * crypto::Ext<D>::basis(limb);
  for (const auto& [id, axes] : claims) {
    auto f = std::make_shared<crypto::RankOne<D>>();
    std::vector<crypto::Ext<D>> outer{random_ext<D>(rng)};
    const crypto::Ext<D> scalar = outer[0];
    for (const auto n : axes) {
      f->vectors.emplace_back();
      std::vector<crypto::Ext<D>> next;
      for (std::int64_t i = 0; i < n; ++i) f->vectors.back().push_back(random_ext<D>(rng));
      for (const auto& a : outer)
        for (const auto& b : f->vectors.back()) next.push_back(a * b);
      outer = std::move(next);
    }
    for (std::size_t i = 0; i < outer.size(); ++i) dense[l.offset_of(id) + l.placed[id].address(i)] += outer[i];
    folded.claims.push_back({id, scalar, f});
  }
  std::vector<crypto::Ext<D>> point;
  for (unsigned k = 0; k < l.vars; ++k) point.push_back(random_ext<D>(rng));
  const std::vector<crypto::Ext<D>> eq = crypto::eq_values<D>(std::span<const crypto::Ext<D>>(point));
  crypto::Ext<D> expected;
  for (std::size_t i = 0; i < dense.size(); ++i) expected += dense[i] * eq[i];
  EXPECT_TRUE(evaluate_functional<D>(l, folded, point) == expected);

  // Row weights and block weights are eq of the whole index.
  for (const auto& g : l.groups) {
    const auto weights = row_weights<D>(l, g, std::span<const crypto::Ext<D>>(point));
    ASSERT_EQ(weights.size(), g.physical_rows(D));
    const std::size_t kd = g.geometry.code.kd();
    const std::vector<crypto::Ext<D>> low = crypto::eq_values<D>(std::span<const crypto::Ext<D>>(point).first(g.geometry.code.c));
    for (const std::size_t row : {std::size_t{0}, g.data_rows - 1})
      for (const std::size_t j : {std::size_t{0}, kd - 1})
        EXPECT_TRUE(block_weight<D>(g, point) * weights[row] * low[j] == eq[g.offset + row * kd + j]);
    for (std::size_t limb = 0; limb < static_cast<std::size_t>(D); ++limb)
      EXPECT_TRUE(weights[g.data_rows + limb] * block_weight<D>(g, point) * low[0] ==
                  eq[l.mask_address(g)] * crypto::Ext<D>::basis(static_cast<int>(limb)));
  }
}

TEST(Layout, FunctionalFromClaimsIsTheDenseOne) {
  functional_agrees<2>(Profile::bits100);
  functional_agrees<3>(Profile::bits128);
}

TEST(Layout, TreesOfOneGroupKeepTheirLayoutAlone) {  // a tree is committed alone and opened among others
  const ArgumentSpec spec = spec_of(Profile::bits100);
  const Layout l = plan_layout(spec, 1, {});
  const unsigned c = l.groups[1].geometry.code.c;
  for (const std::uint32_t v : {2U, 4U}) {
    const Placed alone = Placed::plan(spec.vectors[v], 0, c);
    const auto& tree = l.groups[1].trees[v == 2 ? 0 : 1];
    for (std::uint64_t i = 0; i < alone.elements(); ++i)
      EXPECT_EQ(l.placed[v].address(i), alone.address(i) + (static_cast<std::uint64_t>(tree.first_row) << c));
  }
}

}  // namespace
}  // namespace dsperse::proof
