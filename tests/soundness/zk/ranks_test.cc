// Exact ranks over the field of what openings and the end of a proof reveal, for one proof and for several that share trees. Each
// has detectors: faults that it has to see.
#include <gtest/gtest.h>

#include "dsperse/crypto/hash/hash.h"
#include "dsperse/crypto/poly/verifier_math.h"
#include "dsperse/crypto/sumcheck/sumcheck.h"
#include "dsperse/proof/argument.h"
#include "dsperse/relation/maps.h"

namespace dsperse::soundness {
namespace {

using crypto::Code;
using crypto::Ext;
using crypto::Fp;
using Matrix = std::vector<std::vector<Fp>>;

std::size_t rank(Matrix m) {
  std::size_t r = 0;
  for (std::size_t col = 0; !m.empty() && col < m[0].size() && r < m.size(); ++col) {
    std::size_t pivot = r;
    while (pivot < m.size() && m[pivot][col] == Fp()) ++pivot;
    if (pivot == m.size()) continue;
    std::swap(m[r], m[pivot]);
    const Fp inv = inverse(m[r][col]);
    for (std::size_t i = r + 1; i < m.size(); ++i) {
      if (m[i][col] == Fp()) continue;
      const Fp k = m[i][col] * inv;
      for (std::size_t j = col; j < m[i].size(); ++j) m[i][j] -= k * m[r][j];
    }
    ++r;
  }
  return r;
}

/// A layout of one group: `rows` data rows of 2^c symbols.
proof::Layout toy_layout(proof::Profile profile, std::size_t rows, const Code& code) {
  proof::Layout l;
  l.profile = profile;
  proof::Layout::Group g;
  g.geometry.code = code;
  g.data_rows = rows;
  g.vars = code.c + relation::bits_for(rows + 1);
  l.groups.push_back(g);
  l.vars = g.vars;
  return l;
}

struct Opening {
  std::size_t opened = 1, t = 3, rows = 3, r = 6, mask_r = 6;
  bool dependent_masks = false;  ///< weights of the mask limbs have their ratio in F
};

/// `opened` proofs open one tree in t fresh columns each. The view is linear in (data, pads, masks); it hides the data iff its
/// data part lies in the span of its random part. Returns how many independent equations on the data the view reveals.
template <int D>
std::size_t leaks(const Opening& o) {
  constexpr unsigned kC = 2, kLogN = 6;
  const std::size_t kd = 1U << kC, mask_length = kd + o.mask_r, row_length = kd + o.r,
                    longest = std::max(mask_length, row_length);
  const proof::Layout layout = toy_layout(D == 2 ? proof::Profile::bits100 : proof::Profile::bits128, o.rows, {kC, o.r, kLogN});
  crypto::SeedStream rng(Digest{7}, "leaks");
  const std::size_t unknowns = o.rows * row_length + o.opened * D * mask_length;
  Matrix view;
  for (std::size_t k = 0; k < o.opened; ++k) {
    std::vector<Ext<D>> point;
    for (unsigned i = 0; i < layout.vars; ++i) point.push_back(rng.ext<D>());
    std::vector<Ext<D>> weights = proof::row_weights<D>(layout, layout.groups[0], std::span<const Ext<D>>(point));
    if (o.dependent_masks)
      for (std::size_t l = 1; l < D; ++l) weights[o.rows + l] = weights[o.rows] * Fp(77 + l);
    std::vector<std::pair<std::size_t, std::size_t>> spans;
    for (std::size_t i = 0; i < o.rows; ++i) spans.emplace_back(i * row_length, row_length);
    for (std::size_t l = 0; l < D; ++l) spans.emplace_back(o.rows * row_length + (D * k + l) * mask_length, mask_length);
    for (std::size_t j = k * o.t; j < (k + 1) * o.t; ++j)
      for (const auto& [at, length] : spans) {
        std::vector<Fp> line(unknowns);
        Fp x(1);
        for (std::size_t e = 0; e < length; ++e, x *= crypto::column_point({kC, o.r, kLogN}, j)) line[at + e] = x;
        view.push_back(std::move(line));
      }
    for (std::size_t e = 0; e < longest; ++e)
      for (std::size_t limb = 0; limb < D; ++limb) {
        std::vector<Fp> line(unknowns);
        for (std::size_t i = 0; i < spans.size(); ++i)
          if (e < spans[i].second) line[spans[i].first + e] = weights[i].c[limb];
        view.push_back(std::move(line));
      }
  }
  Matrix random = view;
  for (auto& line : random)
    for (std::size_t i = 0; i < o.rows; ++i) std::fill_n(line.begin() + static_cast<std::ptrdiff_t>(i * row_length), kd, Fp());
  return rank(view) - rank(random);
}

TEST(JointOpening, HidesExactly) {
  EXPECT_EQ(leaks<2>({.r = 3, .mask_r = 3}), 0U);                 // a witness tree: r = t
  EXPECT_EQ(leaks<2>({.opened = 2}), 0U);                         // a boundary in two proofs, r = 2 t
  EXPECT_EQ(leaks<2>({.opened = 4, .r = 12, .mask_r = 12}), 0U);  // weights in four
  EXPECT_EQ(leaks<3>({.r = 3, .mask_r = 3}), 0U);
  EXPECT_EQ(leaks<3>({.opened = 2}), 0U);
}

TEST(JointOpening, FaultsAreSeen) {
  EXPECT_GT(leaks<2>({.opened = 3}), 0U) << "one opening beyond the budget";
  EXPECT_GT(leaks<2>({.opened = 2, .r = 3, .mask_r = 3}), 0U) << "r = t, opened twice";
  EXPECT_GT(leaks<2>({.opened = 2, .rows = 1, .r = 6, .mask_r = 3}), 0U) << "mask rows shorter than the rows they mask";
  EXPECT_GT(leaks<2>({.opened = 4, .r = 12, .mask_r = 3}), 0U);
  EXPECT_GT(leaks<2>({.r = 3, .mask_r = 3, .dependent_masks = true}), 0U) << "limb weights dependent over F";
  EXPECT_GT(leaks<3>({.opened = 3}), 0U);
  EXPECT_GT(leaks<3>({.r = 3, .mask_r = 3, .dependent_masks = true}), 0U);
}

/// Arguments that share trees, as one view. A tree is a number of data rows; an argument opens groups of trees, each group under
/// one mask row of its own; all trees have r pads a row.
struct JointView {
  std::vector<std::size_t> trees;                            ///< data rows
  std::vector<std::vector<std::vector<std::size_t>>> opens;  ///< argument, group, trees
  std::size_t r = 4, t = 2;
  bool one_mask = false;  ///< all groups are masked by the same row
};

/// Independent equations on the data of all trees that all arguments together reveal: u of every group and every opened column,
/// with the protocol's row weights. No column is opened twice, which would show less.
template <int D>
std::size_t leaks(const JointView& o) {
  constexpr Code kCode{2, 0, 6};
  const Code code{kCode.c, o.r, kCode.log_n};
  const std::size_t k = code.k();
  crypto::SeedStream rng(Digest{11}, "joint view");
  std::vector<std::size_t> first{0};  // first row of each tree
  for (const std::size_t rows : o.trees) first.push_back(first.back() + rows);
  std::size_t rows = first.back();
  for (const auto& groups : o.opens) rows += D * groups.size();
  Matrix view;
  std::size_t mask = first.back(), column = 0;
  for (const auto& groups : o.opens)
    for (const auto& group : groups) {
      std::vector<std::size_t> stack;
      for (const std::size_t t : group)
        for (std::size_t i = first[t]; i < first[t + 1]; ++i) stack.push_back(i);
      const proof::Layout layout = toy_layout(D == 2 ? proof::Profile::bits100 : proof::Profile::bits128, stack.size(), code);
      std::vector<Ext<D>> point;
      for (unsigned i = 0; i < layout.vars; ++i) point.push_back(rng.ext<D>());
      const std::vector<Ext<D>> weights = proof::row_weights<D>(layout, layout.groups[0], std::span<const Ext<D>>(point));
      for (std::size_t l = 0; l < D; ++l) stack.push_back(mask + l);
      if (!o.one_mask) mask += D;
      for (std::size_t e = 0; e < k; ++e)
        for (std::size_t limb = 0; limb < D; ++limb) {
          std::vector<Fp> line(rows * k);
          for (std::size_t i = 0; i < stack.size(); ++i) line[stack[i] * k + e] = weights[i].c[limb];
          view.push_back(std::move(line));
        }
      for (std::size_t i = 0; i < o.t; ++i, ++column)
        for (const std::size_t row : stack) {
          std::vector<Fp> line(rows * k);
          Fp x(1);
          for (std::size_t e = 0; e < k; ++e, x *= crypto::column_point(code, column)) line[row * k + e] = x;
          view.push_back(std::move(line));
        }
    }
  Matrix random = view;
  for (auto& line : random)
    for (std::size_t i = 0; i < first.back(); ++i)
      std::fill_n(line.begin() + static_cast<std::ptrdiff_t>(i * k), code.kd(), Fp());
  return rank(std::move(view)) - rank(std::move(random));
}

/// x -> a -> b, y = f(a, b): every slice opens its ports together, a is opened by three. Trees x, a, b, y.
JointView skip_view(std::size_t uses) { return {{1, 2, 1, 1}, {{{0, 1}}, {{1, 2}}, {{1, 2, 3}}}, 2 * uses, 2}; }
/// One slice's weights: the origin in a range proof, a link and a proof, two epochs in links and proofs, a link of a link. Trees:
/// origin, epoch, its epoch; x, a as boundaries.
JointView epoch_view(std::size_t uses) {
  return {{2, 2, 2, 1, 1}, {{{0}}, {{0, 1}}, {{0}, {3, 4}}, {{1}, {3, 4}}, {{1, 2}}, {{2}, {3, 4}}}, 2 * uses, 2};
}
/// A weight tree that is opened `times` times, with pads for 16.
JointView budget_view(std::size_t times) {
  JointView v{{2}, {}, 16, 1};
  v.opens.assign(times, {{0}});
  return v;
}

TEST(JointViews, OfProofsThatShareTreesHideExactly) {
  EXPECT_EQ(leaks<2>(skip_view(3)), 0U);
  EXPECT_EQ(leaks<3>(skip_view(3)), 0U);
  EXPECT_EQ(leaks<2>(epoch_view(3)), 0U);
  EXPECT_EQ(leaks<3>(epoch_view(3)), 0U);
  EXPECT_EQ(leaks<2>(budget_view(16)), 0U) << "all openings of an epoch";
}

TEST(JointViews, OneOpeningTooManyIsSeen) {
  EXPECT_GT(leaks<2>(skip_view(2)), 0U) << "a is opened three times";
  EXPECT_GT(leaks<3>(skip_view(2)), 0U);
  EXPECT_GT(leaks<2>(epoch_view(2)), 0U);
  EXPECT_GT(leaks<3>(epoch_view(2)), 0U);
  EXPECT_GT(leaks<2>(budget_view(17)), 0U);
  JointView shared = skip_view(3);
  shared.one_mask = true;
  EXPECT_GT(leaks<2>(shared), 0U) << "one mask for all arguments";
  shared = epoch_view(3);
  shared.one_mask = true;
  EXPECT_GT(leaks<3>(shared), 0U);
}

/// The end's messages at fixed challenges; padded with the end pads.
template <int D>
class EndChannel final : public crypto::Channel<D> {
 public:
  using E = Ext<D>;
  explicit EndChannel(const std::vector<E>& pads) : pads_(pads) {}
  E challenge(std::string_view) override { return rng_.ext<D>(); }
  E hidden(std::string_view, std::uint32_t, const E&) override { std::abort(); }
  E clear(std::string_view, std::uint32_t, const crypto::Form<D>&) override { std::abort(); }
  E last(std::string_view, std::uint32_t i, const E& value) override {
    said.push_back(value + pads_[i]);
    return said.back();
  }
  std::vector<E> said;

 private:
  const std::vector<E>& pads_;
  crypto::SeedStream rng_{Digest{3}, "end challenges"};
};

template <int D>
class TableRounds final : public crypto::RoundProver<D> {
 public:
  using E = Ext<D>;
  TableRounds(std::vector<E> a, std::vector<E> b) : a_(std::move(a)), b_(std::move(b)) {}
  std::array<E, 2> round() override {
    std::array<E, 2> g;
    for (std::size_t i = 0; i < a_.size(); i += 2) {
      g[0] += a_[i] * b_[i];
      g[1] += (a_[i + 1] + a_[i + 1] - a_[i]) * (b_[i + 1] + b_[i + 1] - b_[i]);
    }
    return g;
  }
  void bind(const E& x) override {
    for (auto* t : {&a_, &b_}) {
      for (std::size_t i = 0; 2 * i < t->size(); ++i) (*t)[i] = (*t)[2 * i] + x * ((*t)[2 * i + 1] - (*t)[2 * i]);
      t->resize(t->size() / 2);
    }
  }

 private:
  std::vector<E> a_, b_;
};

/// Last sumcheck, joint opening and end tree together, at fixed challenges, with the protocol's own sumcheck, forms and row
/// weights: two data rows of 4 + 2 symbols, t = 2, generic l. All of it is linear in (data, row pads, mask, E1, E2). Returns the
/// number of independent equations on the data revealed; D of them are the public <l, w> = V.
template <int D>
std::size_t end_leaks(const std::function<void(std::vector<Ext<D>>&, std::vector<Ext<D>>&)>& spoil = {}) {
  using E = Ext<D>;
  constexpr std::size_t kKd = 4, kR = 2, kEnd = 10;
  const Code code{2, kR, 4};
  const proof::Layout layout = toy_layout(D == 2 ? proof::Profile::bits100 : proof::Profile::bits128, 2, code);
  const std::size_t sizes[] = {2 * kKd, 2 * kR, D * (kKd + kR), 2 * D * kEnd};
  const std::size_t n = sizes[0] + sizes[1] + sizes[2] + sizes[3];
  crypto::SeedStream rng(Digest{4}, "functional");
  std::vector<E> l(std::size_t{1} << layout.vars);
  for (std::size_t i = 0; i < 2 * kKd; ++i) l[i] = rng.ext<D>();
  const auto view = [&](std::size_t unit) {
    std::vector<Fp> x(n);
    x[unit] = Fp(1);
    const Fp *data = x.data(), *pads = data + sizes[0], *mask = pads + sizes[1], *end = mask + sizes[2];
    std::vector<std::vector<Fp>> rows(2 + D, std::vector<Fp>(kKd + kR));
    for (std::size_t i = 0; i < 2; ++i) {
      std::copy_n(data + i * kKd, kKd, rows[i].begin());
      std::copy_n(pads + i * kR, kR, rows[i].begin() + kKd);
    }
    for (std::size_t limb = 0; limb < D; ++limb) std::copy_n(mask + limb * (kKd + kR), kKd + kR, rows[2 + limb].begin());
    std::vector<E> e1(kEnd), e2(kEnd);
    for (std::size_t i = 0; i < kEnd; ++i)
      for (std::size_t limb = 0; limb < D; ++limb) {
        e1[i].c[limb] = end[i * D + limb];
        e2[i].c[limb] = end[(kEnd + i) * D + limb];
      }
    if (spoil) spoil(e1, e2);
    std::vector<E> w(l.size());
    for (std::size_t i = 0; i < 2 * kKd; ++i) w[i] = E(data[i]);
    for (std::size_t j = 0; j < kKd; ++j)
      for (std::size_t limb = 0; limb < D; ++limb) w[2 * kKd + j].c[limb] = rows[2 + limb][j];
    EndChannel<D> channel(e1);
    crypto::Party<D> party(channel, crypto::Party<D>::Role::prove);
    TableRounds<D> rounds(w, l);
    const auto s = crypto::sumcheck<D>(party, crypto::Pads::end, "last", crypto::Form<D>(), layout.vars, &rounds);
    const auto weights = proof::row_weights<D>(layout, layout.groups[0], std::span<const E>(s.point));
    std::vector<E> seen = channel.said, u(kKd + kR);
    for (std::size_t i = 0; i < rows.size(); ++i)
      for (std::size_t j = 0; j < u.size(); ++j) u[j] += weights[i] * rows[i][j];
    const auto eq = crypto::eq_values<D>(std::span<const E>(s.point).first(2));
    seen.push_back(crypto::inner<D>(std::span<const E>(eq), std::span<const E>(u).first(kKd)));
    seen.insert(seen.end(), u.begin(), u.end());
    E h;
    for (const auto& [i, c] : s.claim.coef) h += c * e2[i];
    seen.push_back(h);
    const E eps = channel.challenge("eps");
    for (std::size_t i = 0; i < kEnd; ++i) seen.push_back(eps * e1[i] + e2[i]);
    for (const std::size_t j : {3U, 10U}) {
      const Fp at = crypto::column_point(code, j);
      const auto evaluate = [&](const auto& row) {
        auto sum = row[0] - row[0];
        for (std::size_t k = row.size(); k-- > 0;) sum = sum * at + row[k];
        return sum;
      };
      for (const auto& row : rows) seen.push_back(E(evaluate(row)));
      for (const auto* e : {&e1, &e2}) seen.push_back(evaluate(*e));
    }
    std::vector<Fp> limbs;
    for (const E& e : seen) limbs.insert(limbs.end(), e.c.begin(), e.c.end());
    return limbs;
  };
  Matrix columns;
  for (std::size_t i = 0; i < n; ++i) columns.push_back(view(i));
  const Matrix random(columns.begin() + static_cast<std::ptrdiff_t>(sizes[0]), columns.end());
  return rank(columns) - rank(random);
}

template <int D>
void end_hides() {
  using V = std::vector<Ext<D>>;
  const std::size_t only_v = D;
  EXPECT_EQ(end_leaks<D>(), only_v) << "<l, w> = V, and nothing else";
  EXPECT_GT(end_leaks<D>([](V& e1, V&) { e1[3] = e1[2]; }), only_v) << "an end pad used twice";
  EXPECT_GT(end_leaks<D>([](V& e1, V&) { e1[5] = {}; }), only_v) << "an end pad missing";
  EXPECT_GT(end_leaks<D>([](V&, V& e2) { std::fill(e2.begin(), e2.end(), Ext<D>()); }), only_v) << "nothing masks E1";
  EXPECT_GT(end_leaks<D>([](V& e1, V& e2) { e2 = e1; }), only_v) << "E2 is E1";
}
TEST(EndOfProof, HidesExactly) {
  end_hides<2>();
  end_hides<3>();
}

/// Whole ends of `proofs` slice proofs that open one boundary tree: each with its own witness tree, masks, last sumcheck and end
/// tree, laid out by the protocol's own planner. The boundary tree has pads for `uses` openings. Independent equations on all
/// data.
template <int D>
std::size_t joint_end_leaks(std::size_t proofs, std::size_t uses) {
  using E = Ext<D>;
  constexpr std::size_t kT = 2, kEnd = 12;
  proof::ArgumentSpec spec;
  spec.profile = D == 2 ? proof::Profile::bits100 : proof::Profile::bits128;
  spec.vectors = {{4}, {4}};
  spec.groups.push_back({"boundary", {{2, kT * uses, 4}, kT}, {{"tensor", {0}}}});
  spec.witness = {1};
  spec.witness_geometry = {{2, kT, 4}, kT};
  const proof::Layout layout = proof::plan_layout(spec, 0, {});
  const std::size_t k[] = {layout.groups[0].geometry.code.k(), layout.groups[1].geometry.code.k()};
  crypto::SeedStream rng(Digest{12}, "functionals");
  std::vector<std::vector<E>> l(proofs, std::vector<E>(std::size_t{1} << layout.vars));
  for (auto& f : l)
    for (std::uint32_t v = 0; v < 2; ++v)
      for (std::uint64_t i = 0; i < 4; ++i) f[layout.offset_of(v) + layout.placed[v].address(i)] = rng.ext<D>();
  // Unknowns: data (the tensor's, each witness's); then pads, masks, E1, E2.
  const std::size_t data = 4 + 4 * proofs, own = kT + D * (k[0] + k[1]) + 2 * D * kEnd, n = data + kT * uses + own * proofs;
  const auto view = [&](std::size_t unit) {
    std::vector<Fp> x(n), limbs;
    x[unit] = Fp(1);
    const auto see = [&](const E& e) { limbs.insert(limbs.end(), e.c.begin(), e.c.end()); };
    for (std::size_t p = 0; p < proofs; ++p) {
      const Fp* at = x.data() + data + kT * uses + own * p;
      std::vector<std::vector<Fp>> rows[2];
      rows[0] = {{x.begin(), x.begin() + 4}};
      rows[0][0].insert(rows[0][0].end(), x.data() + data, x.data() + data + kT * uses);
      rows[1] = {{x.data() + 4 + 4 * p, x.data() + 8 + 4 * p}};
      rows[1][0].insert(rows[1][0].end(), at, at + kT);
      at += kT;
      for (std::size_t g = 0; g < 2; ++g)
        for (std::size_t limb = 0; limb < D; ++limb, at += k[g]) rows[g].emplace_back(at, at + k[g]);
      std::vector<E> e[2];
      for (auto& row : e)
        for (std::size_t i = 0; i < kEnd; ++i, at += D) {
          row.emplace_back();
          std::copy_n(at, D, row.back().c.begin());
        }
      std::vector<E> w(l[p].size());
      for (std::uint32_t v = 0; v < 2; ++v) {
        const proof::Layout::Group& g = layout.groups[v];
        for (std::uint64_t i = 0; i < 4; ++i) {
          w[g.offset + layout.placed[v].address(i)] = E(rows[v][0][i]);
          for (std::size_t limb = 0; limb < D; ++limb) w[layout.mask_address(g) + i].c[limb] = rows[v][1 + limb][i];
        }
      }
      EndChannel<D> channel(e[0]);
      crypto::Party<D> party(channel, crypto::Party<D>::Role::prove);
      TableRounds<D> rounds(w, l[p]);
      const auto s = crypto::sumcheck<D>(party, crypto::Pads::end, "last", crypto::Form<D>(), layout.vars, &rounds);
      const std::span<const E> point(s.point);
      for (const E& m : channel.said) see(m);
      const auto evaluate = [](const auto& row, Fp at_x) {
        auto sum = row[0] - row[0];
        for (std::size_t i = row.size(); i-- > 0;) sum = sum * at_x + row[i];
        return sum;
      };
      for (std::size_t g = 0; g < 2; ++g) {
        const proof::Layout::Group& group = layout.groups[g];
        const auto weights = proof::row_weights<D>(layout, group, point);
        std::vector<E> u(k[g]);
        for (std::size_t i = 0; i < rows[g].size(); ++i)
          for (std::size_t j = 0; j < u.size(); ++j) u[j] += weights[i] * rows[g][i][j];
        const auto eq = crypto::eq_values<D>(point.first(2));
        see(crypto::inner<D>(std::span<const E>(eq), std::span<const E>(u).first(4)));
        for (const E& c : u) see(c);
        for (std::size_t j = 0; j < kT; ++j)
          for (const auto& row : rows[g])
            limbs.push_back(evaluate(row, crypto::column_point(group.geometry.code, 3 * p + 2 * j + g)));
      }
      E h;
      for (const auto& [i, c] : s.claim.coef) h += c * e[1][i];
      see(h);
      const E eps = channel.challenge("eps");
      for (std::size_t i = 0; i < kEnd; ++i) see(eps * e[0][i] + e[1][i]);
      for (std::size_t j = 0; j < kT; ++j)
        for (const auto& row : e) see(evaluate(row, crypto::column_point(Code{3, 4, 4}, 5 * j + p)));
    }
    return limbs;
  };
  Matrix columns;
  for (std::size_t i = 0; i < n; ++i) columns.push_back(view(i));
  const Matrix random(columns.begin() + static_cast<std::ptrdiff_t>(data), columns.end());
  return rank(std::move(columns)) - rank(random);
}

TEST(JointViews, EndsOfProofsOverOneBoundaryTreeShowTheirClaimsOnly) {
  EXPECT_EQ(joint_end_leaks<2>(1, 1), 2U);
  EXPECT_EQ(joint_end_leaks<2>(2, 2), 4U) << "one <l, w> = V a proof";
  EXPECT_EQ(joint_end_leaks<3>(2, 2), 6U);
  EXPECT_EQ(joint_end_leaks<2>(3, 3), 6U);
  EXPECT_GT(joint_end_leaks<2>(2, 1), 4U) << "opened twice, pads for once";
  EXPECT_GT(joint_end_leaks<3>(2, 1), 6U);
}

}  // namespace
}  // namespace dsperse::soundness
