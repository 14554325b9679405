// Zero knowledge: exact rank tests of what an opening and the end of a proof reveal, statistics of every revealed class at fixed
// challenges, and what must not depend on the witness at all. Each has detectors: faults that it has to see.
#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "dsperse/crypto/hash/hash.h"
#include "dsperse/crypto/poly/verifier_math.h"
#include "dsperse/crypto/sumcheck/sumcheck.h"
#include "dsperse/proof/slice_argument.h"
#include "slices.h"

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

/// Chi-square as a standard normal deviate (Wilson-Hilferty).
double deviate(double chi, double df) { return (std::cbrt(chi / df) - (1 - 2 / (9 * df))) / std::sqrt(2 / (9 * df)); }

using View = std::map<std::string, std::uint64_t>;  ///< "class position limb" -> value in F
constexpr int kBins = 16;
constexpr double kLimit = 5.8;

class Revealed : public ::testing::Test {
 protected:
  using E = Ext<2>;
  Revealed() : c_(*make_case(tiny(), {.constraints = {3, 1U << 20}})) {
    const auto relation = proof::slice_relation(c_.key).value();
    layout_ = proof::slice_layout<2>(proof::slice_spec(c_.key, relation), relation, c_.key);
  }
  static quantize::Program tiny() {
    quantize::testing::Builder b;
    b.gemm(b.input({1, 2}, -3, 3), 2, 1, quantize::testing::simple_requant(2, quantize::Function::identity, 4), false, 3);
    return b.done();
  }

  /// `count` proofs of one witness, all trees fresh, all challenges of the schedule and the last sumcheck fixed.
  std::vector<View> views(std::int32_t input, std::size_t count, const std::function<void(std::vector<E>&)>& pads = {}) {
    std::vector<View> out;
    c_.trace[0] = {input, static_cast<std::int32_t>(-input)};
    c_.run();
    for (std::size_t k = 0; k < count; ++k) {
      c_.options.seed = ++seed_;
      c_.weight_tree = *proof::commit_weights(c_.key, c_.weights, proof::testing::test_seed(seed_, "zk weights"));
      c_.restate();
      crypto::SeedStream fixed(Digest{9}, "fixed challenges");
      SliceForge<2> f;
      f.argument.challenge = [&](std::string_view, E& x) { x = fixed.ext<2>(); };
      f.argument.pads = pads;
      proof::ArgumentProof<2> p;
      if (!proof::decode_argument<2>(layout_, *c_.prove<2>(f), p)) std::abort();
      View view;
      const auto put = [&](const std::string& name, std::span<const E> xs) {
        for (std::size_t i = 0; i < xs.size(); ++i)
          for (std::size_t limb = 0; limb < 2; ++limb)
            view[name + " " + std::to_string(i) + "." + std::to_string(limb)] = xs[i].c[limb].v;
      };
      put("hidden", p.hidden);
      put("clear", p.clear);
      put("last", p.last);
      put("v", p.v);
      put("h", std::span<const E>(&p.h, 1));
      put("u_end", std::span<const E>(p.u_end).first(12));
      for (std::size_t g = 0; g < p.u.size(); ++g) {
        put("u data " + std::to_string(g), std::span<const E>(p.u[g]).first(3));
        put("u pads " + std::to_string(g), std::span<const E>(p.u[g]).last(3));
      }
      std::vector<E> differences;
      for (std::size_t i = 0; i + 2 < p.hidden.size(); ++i) differences.push_back(p.hidden[i] - p.hidden[i + 2]);
      put("difference", differences);
      for (std::size_t t = 0; t < p.openings.size(); ++t)
        for (const std::size_t j : {std::size_t{0}, std::size_t{3}})
          for (std::size_t i = 0; i < p.openings[t].rows; ++i)
            view["column of tree " + std::to_string(t) + " " + std::to_string(j) + "." + std::to_string(i)] =
                p.openings[t].column(j)[i].v;
      out.push_back(std::move(view));
    }
    return out;
  }

  /// Largest deviate over all positions: uniformity of each sample, equality of two samples.
  static std::pair<double, std::string> worst(const std::vector<std::vector<View>>& samples) {
    std::pair<double, std::string> out{-100, ""};
    for (const auto& [key, unused] : samples[0][0]) {
      std::vector<std::vector<double>> tallies;
      for (const auto& sample : samples) {
        std::vector<double> t(kBins);
        for (const View& v : sample)
          t[static_cast<std::size_t>(static_cast<unsigned __int128>(v.at(key)) * kBins / crypto::kP)] += 1;
        const double mean = static_cast<double>(sample.size()) / kBins;
        double chi = 0;
        for (const double x : t) chi += (x - mean) * (x - mean) / mean;
        out = std::max(out, {deviate(chi, kBins - 1), key});
        tallies.push_back(std::move(t));
      }
      if (samples.size() < 2) continue;
      double chi = 0;
      for (std::size_t b = 0; b < kBins; ++b)
        if (const double a = tallies[0][b], d = tallies[1][b]; a + d > 0) chi += (a - d) * (a - d) / (a + d);
      out = std::max(out, {deviate(chi, kBins - 1), key});
    }
    return out;
  }

  SliceCase c_;
  proof::Layout layout_;
  std::uint64_t seed_ = 1000;
};

TEST_F(Revealed, IsUniformAndIndependentOfTheWitness) {
  const auto [z, where] = worst({views(3, 112), views(-1, 112)});
  EXPECT_LT(z, kLimit) << where;
}

TEST_F(Revealed, FaultyPadsAreSeen) {
  const auto seen = [&](std::size_t count, const std::function<void(std::vector<E>&)>& pads, const Ids& classes) {
    const auto [z, where] = worst({views(3, count, pads)});
    EXPECT_GT(z, kLimit);
    EXPECT_TRUE(classes.contains(where.substr(0, where.find(' ')))) << where;
  };
  seen(24, [](std::vector<E>& p) { std::fill(p.begin(), p.end(), E()); }, {"hidden", "difference", "clear"});
  seen(112, [](std::vector<E>& p) { p[7].c[0] = Fp(p[7].c[0].v / 2); }, {"hidden", "difference"});
  seen(24, [](std::vector<E>& p) { p[9] = p[7]; }, {"difference"});
}

/// Messages come in one order and number, whatever the witness; only Merkle paths vary, with the columns drawn.
TEST_F(Revealed, ScheduleAndLengthDoNotDependOnTheWitness) {
  std::vector<std::vector<std::string>> logs;
  std::set<std::size_t> lengths;
  for (const std::int32_t x : {0, 3, -2}) {
    c_.trace[0] = {x, 1};
    c_.run();
    c_.restate();
    SliceForge<2> f;
    logs.emplace_back();
    f.log = &logs.back();
    const Bytes bytes = *c_.prove<2>(f);
    proof::ArgumentProof<2> p;
    ASSERT_TRUE(proof::decode_argument<2>(layout_, bytes, p));
    std::size_t paths = 0;
    for (const auto& o : p.openings) paths += o.path.size();
    lengths.insert(bytes.size() - 32 * paths);
  }
  EXPECT_EQ(logs[0], logs[1]);
  EXPECT_EQ(logs[0], logs[2]);
  EXPECT_EQ(lengths.size(), 1U);
}

/// Salts of leaves that were not opened are nowhere in the proof; those of opened leaves are, so the search finds what is there.
TEST_F(Revealed, UnopenedSaltsNeverAppear) {
  std::vector<std::vector<Digest>> salts;
  const auto all_salts = [&](const proof::CommittedTree& tree) {
    std::vector<std::uint32_t> all;
    for (std::uint32_t j = 0; j < tree.code.n(); ++j) all.push_back(j);
    salts.push_back(tree.tree->open(all).salts);
  };
  all_salts(c_.weight_tree.impl->tree);
  for (const auto& t : c_.trees) all_salts(t.impl->tree);
  SliceForge<2> f;
  f.argument.committed = [&](std::size_t, proof::CommittedTree& tree) { all_salts(tree); };
  const Bytes bytes = *c_.prove<2>(f);
  proof::ArgumentProof<2> p;
  ASSERT_TRUE(proof::decode_argument<2>(layout_, bytes, p));
  std::set<Digest> opened, windows;
  for (const auto& o : p.openings) opened.insert(o.salts.begin(), o.salts.end());
  for (std::size_t i = 0; i + 32 <= bytes.size(); ++i) {
    Digest d;
    std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(i), 32, d.begin());
    windows.insert(d);
  }
  std::size_t found = 0, hidden = 0;
  for (const auto& tree : salts)
    for (const Digest& s : tree) {
      EXPECT_EQ(windows.contains(s), opened.contains(s));
      (opened.contains(s) ? found : hidden) += 1;
    }
  EXPECT_EQ(found, opened.size());
  EXPECT_GT(hidden, found);
}

/// Trees hide only as often as they have pads for: the prover refuses to open them more often.
TEST_F(Revealed, OpeningsBeyondTheBudgetAreRefused) {
  for (const std::uint32_t opening : {0U, proof::kWeightBudget, proof::kWeightBudget + 1}) {  // 0: the range proof's
    c_.statement.opening = opening;
    const auto refused = c_.prove();
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().kind, ErrorKind::resource);
    SliceForge<2> f;
    const auto forged = c_.prove<2>(f);
    ASSERT_TRUE(forged.has_value());
    EXPECT_EQ(c_.verify(*forged).reason, "opening budget");
  }
  for (const std::uint32_t opening : {1U, proof::kWeightBudget - 1}) {
    c_.statement.opening = opening;
    EXPECT_TRUE(c_.verify(*c_.prove()));
  }
  const auto epoch = *proof::commit_weights(c_.key, c_.weights, proof::testing::test_seed(2));
  EXPECT_FALSE(proof::prove_link(c_.key, {*c_.key.weight_root, *epoch.root(), 16, 0, {}}, c_.weight_tree, epoch).has_value());
  EXPECT_FALSE(proof::prove_link(c_.key, {*c_.key.weight_root, *epoch.root(), 1, 16, {}}, c_.weight_tree, epoch).has_value());
  EXPECT_FALSE(proof::prove_link(c_.key, {*c_.key.weight_root, *epoch.root(), 0, 0, {}}, c_.weight_tree, epoch).has_value());
}

/// Fresh randomness in every proof: two proofs of one statement share no message, root or salt.
TEST_F(Revealed, TwoProofsShareNothing) {
  proof::ArgumentProof<2> a, b;
  ASSERT_TRUE(proof::decode_argument<2>(layout_, *c_.prove(), a));
  ASSERT_TRUE(proof::decode_argument<2>(layout_, *c_.prove(), b));
  EXPECT_NE(a.end_root, b.end_root);
  for (std::size_t g = 0; g < a.fresh_roots.size(); ++g) EXPECT_NE(a.fresh_roots[g], b.fresh_roots[g]);
  for (std::size_t i = 0; i < a.hidden.size(); ++i) EXPECT_FALSE(a.hidden[i] == b.hidden[i]);
  for (std::size_t i = 0; i < a.last.size(); ++i) EXPECT_FALSE(a.last[i] == b.last[i]);
}

}  // namespace
}  // namespace dsperse::soundness
