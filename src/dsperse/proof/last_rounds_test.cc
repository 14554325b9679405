// The tables of the last sumcheck against a dense stack and functional.
#include "dsperse/proof/last_rounds.h"

#include <gtest/gtest.h>

#include <bit>

#include "dsperse/crypto/poly/testing/naive.h"

namespace dsperse::proof {
namespace {

using crypto::Fp;
using crypto::testing::Rng;

/// The same elements on two axes, the lower a power of two, as range proofs read weights.
quantize::Shape two_axes(const quantize::Shape& shape, Rng& rng) {
  const auto n = static_cast<std::uint64_t>(quantize::elements(shape));
  const auto b = rng() % (static_cast<unsigned>(std::countr_zero(n)) + 1);
  return {static_cast<std::int64_t>(n >> b), std::int64_t{1} << b};
}

/// A layout with random symbols everywhere (padding too) and random claims; dense stack and functional beside it.
template <int D>
struct Instance {
  using E = crypto::Ext<D>;

  Instance(std::vector<quantize::Shape> shapes, std::vector<unsigned> c, std::size_t claims, std::uint32_t pads,
           std::uint64_t seed)
      : rng(seed) {
    ArgumentSpec spec;
    spec.profile = D == 2 ? Profile::bits100 : Profile::bits128;
    spec.vectors = std::move(shapes);
    spec.witness_geometry.code = {c.back(), 3, c.back() + 2};
    spec.end_geometry.code = {6, 3, 8};
    const std::size_t given = c.size() - 1;  // groups before the witness: vectors go round
    for (std::size_t g = 0; g < given; ++g) {
      spec.groups.push_back({"group", {{c[g], 2, c[g] + 2}, 1}, {{"a", {}}, {"b", {}}}});
      spec.groups.back().trees[0].members.push_back(static_cast<std::uint32_t>(g));
    }
    for (std::uint32_t v = static_cast<std::uint32_t>(given); v < spec.vectors.size(); ++v) {
      const std::size_t g = v % (given + 1);
      (g == given ? spec.witness : spec.groups[g].trees[1].members).push_back(v);
    }
    for (auto& g : spec.groups)
      if (g.trees[1].members.empty()) g.trees.pop_back();
    std::vector<std::pair<std::uint32_t, std::uint32_t>> slots;
    for (std::uint32_t i = 0; i + 1 < pads; i += 3) slots.emplace_back(i, i + 1);
    layout = plan_layout(spec, pads, slots);

    w.resize(std::size_t{1} << layout.vars);
    l.resize(w.size());
    for (const Layout::Group& g : layout.groups) {
      const std::size_t kd = g.geometry.code.kd();
      GroupRows<D> rows;
      for (std::size_t i = 0; i < g.data_rows; ++i) {
        auto& row = storage.emplace_back(std::make_unique<std::vector<Fp>>(kd));
        for (std::size_t j = 0; j < kd; ++j) {
          (*row)[j] = crypto::testing::random_fp(rng);
          w[g.offset + i * kd + j] = E((*row)[j]);
        }
        rows.rows.emplace_back(row->data());
      }
      auto& mask = masks.emplace_back(std::make_unique<std::vector<E>>(crypto::testing::random_exts<D>(rng, kd)));
      rows.mask = *mask;
      for (std::size_t j = 0; j < kd; ++j) w[layout.mask_address(g) + j] = (*mask)[j];
      groups.push_back(std::move(rows));
    }
    for (std::size_t i = 0; i < claims; ++i) {
      const auto id = static_cast<std::uint32_t>(rng() % spec.vectors.size());
      crypto::RankOne<D> rank_one;
      for (const std::int64_t n : i % 3 == 2 ? two_axes(spec.vectors[id], rng) : spec.vectors[id])
        rank_one.vectors.push_back(crypto::testing::random_exts<D>(rng, static_cast<std::size_t>(n)));
      const E scalar = crypto::testing::random_ext<D>(rng);
      const Placed& p = layout.placed[id];
      for (std::uint64_t k = 0; k < p.elements(); ++k) {
        E x = scalar;
        std::uint64_t rest = k;
        for (std::size_t axis = rank_one.vectors.size(); axis-- > 0;) {
          x *= rank_one.vectors[axis][rest % rank_one.vectors[axis].size()];
          rest /= rank_one.vectors[axis].size();
        }
        l[layout.offset_of(id) + p.address(k)] += x;
      }
      folded.claims.push_back({id, scalar, std::make_shared<const crypto::RankOne<D>>(std::move(rank_one))});
    }
    const auto own = [&](crypto::Var v) {
      folded.coef.emplace_back(v, crypto::testing::random_ext<D>(rng));
      for (int k = 0; k < D; ++k) l[layout.address(v) + static_cast<std::uint64_t>(k)] += folded.coef.back().second * E::basis(k);
    };
    for (std::uint32_t i = 0; i < pads; ++i) own(crypto::pad_var(i));
    for (std::uint32_t i = 0; i < 4 * slots.size(); ++i) own(crypto::kSlotBit | i);
  }

  void check() {
    LastRounds<D> rounds(layout, folded, groups);
    for (unsigned k = 0; k < layout.vars; ++k) {
      SCOPED_TRACE(::testing::Message() << "round " << k << " of " << layout.vars << ", cut " << rounds.cut());
      std::array<E, 2> want;
      for (std::size_t i = 0; i < w.size(); i += 2) {
        want[0] += w[i] * l[i];
        want[1] += (w[i + 1] + w[i + 1] - w[i]) * (l[i + 1] + l[i + 1] - l[i]);
      }
      ASSERT_TRUE(rounds.round() == want);
      const E x = crypto::testing::random_ext<D>(rng);
      w = crypto::testing::naive_fold(w, x);
      l = crypto::testing::naive_fold(l, x);
      rounds.bind(x);
    }
  }

  Rng rng;
  Layout layout;
  crypto::Folded<D> folded;
  std::vector<GroupRows<D>> groups;
  std::vector<std::unique_ptr<std::vector<Fp>>> storage;
  std::vector<std::unique_ptr<std::vector<E>>> masks;
  std::vector<E> w, l;
};

template <int D>
void check(std::vector<quantize::Shape> shapes, std::vector<unsigned> c, std::size_t claims, std::uint32_t pads) {
  Instance<D>(std::move(shapes), std::move(c), claims, pads, 1 + claims).check();
}

TEST(LastRounds, OneSmallGroup) {
  check<2>({{1}}, {4}, 1, 0);
  check<2>({{3}, {5, 7}}, {4}, 3, 1);
  check<3>({{40}, {16, 16}}, {5}, 4, 10);
}

TEST(LastRounds, GroupsOfManySizes) {
  check<2>({{30, 52}, {7, 9, 16}, {200}, {3, 100}, {1, 1}, {64}}, {6, 5, 4}, 12, 40);
  check<3>({{30, 52}, {7, 9, 16}, {200}, {3, 100}, {1, 1}, {64}}, {6, 5, 4}, 12, 40);
  check<2>({{120, 400}, {16, 25, 6}, {10, 84}, {4096}}, {8, 4, 7}, 9, 100);
}

/// Tails longer than a row, runs that do not divide rows, outer indices beyond one batch, tables beyond 2^10 entries.
TEST(LastRounds, LargeVectors) {
  check<2>({{3000, 33}, {20, 5000}, {12, 300}}, {9, 10}, 4, 5);
  check<2>({{40000}, {7, 70, 70}}, {6, 12}, 3, 300);
}

/// Runs of three and five times a power of two, with claims whose axes do not divide them.
TEST(LastRounds, RunsThatAreSplit) {
  check<2>({{10, 96}, {5, 1536}, {32, 3, 48}, {16, 160}}, {6, 7}, 24, 5);
  check<3>({{10, 96}, {5, 1536}, {32, 3, 48}, {16, 160}}, {8, 6}, 24, 5);
}

TEST(LastRounds, NoClaims) { check<2>({{100}, {100}}, {5, 5}, 0, 3); }

}  // namespace
}  // namespace dsperse::proof
