// Messages and openings: each one changed, by a prover who goes on honestly from there, or fits the rest to it.
#include <gtest/gtest.h>

#include "dsperse/proof/slice_argument.h"
#include "slices.h"
#include "tally.h"

namespace dsperse::soundness {
namespace {

using crypto::Code;
using crypto::Fp;
using proof::CommittedTree;

/// Words of any kind as the rows of a tree: evaluations at all n columns, interpolated.
std::unique_ptr<crypto::Tree> tree_of_words(const Code& code, const std::vector<std::vector<Fp>>& words) {
  const std::size_t n = code.n();
  const Code whole{code.c, n - code.kd(), code.log_n};
  std::vector<std::vector<Fp>> rows;
  const Fp w_inverse = inverse(crypto::root_of_unity(code.log_n)), n_inverse = inverse(Fp(n)),
           g_inverse = inverse(Fp(crypto::kGenerator));
  std::vector<Fp> powers{Fp(1)};
  while (powers.size() < n) powers.push_back(powers.back() * w_inverse);
  for (const auto& word : words) {
    std::vector<Fp> row(n);
    Fp scale = n_inverse;
    for (std::size_t i = 0; i < n; ++i, scale *= g_inverse) {
      for (std::size_t j = 0; j < n; ++j) row[i] += word[j] * powers[i * j % n];
      row[i] *= scale;
    }
    rows.push_back(std::move(row));
  }
  std::vector<crypto::TableauRow> tableau;
  for (const auto& row : rows) tableau.push_back({crypto::Symbols(row.data()), row.data() + whole.kd()});
  return std::make_unique<crypto::Tree>(crypto::Tree::commit(whole, tableau, proof::testing::test_seed(1, "words")));
}

std::vector<std::vector<Fp>> words_of(const CommittedTree& tree) {
  std::vector<std::uint32_t> all;
  for (std::uint32_t j = 0; j < tree.code.n(); ++j) all.push_back(j);
  const crypto::Opening o = tree.tree->open(all);
  std::vector<std::vector<Fp>> words(o.rows, std::vector<Fp>(all.size()));
  for (std::size_t j = 0; j < all.size(); ++j)
    for (std::size_t i = 0; i < o.rows; ++i) words[i][j] = o.column(j)[i];
  return words;
}

/// One slice whose prover changes messages. The tests are its public functions.
template <int D>
class Lies {
 public:
  using E = crypto::Ext<D>;
  static constexpr proof::Profile kProfile = D == 2 ? proof::Profile::bits100 : proof::Profile::bits128;

  Lies() : c_(*make_case(two_layers(), {.profile = kProfile, .constraints = {3, 1U << 20}})) {
    const auto relation = proof::slice_relation(c_.key).value();
    layout_ = proof::slice_layout<D>(proof::slice_spec(c_.key, relation), relation);
  }
  /// message: its name in the tally.
  void rejects(const std::string& message, const std::string& reason, const SliceForge<D>& f, const std::string& where = {}) {
    const auto proof = c_.template prove<D>(f);
    ASSERT_TRUE(proof.has_value()) << proof.error().text();
    const Verdict v = c_.verify(*proof);
    known("message", message, proof::bits(kProfile));
    attacked("message", message, proof::bits(kProfile), 1, v ? 1 : 0);
    EXPECT_EQ(v.reason, reason) << message;
    if (!where.empty()) {
      EXPECT_EQ(v.where, where);
    }
  }

  void honest_twin() {
    const auto proof = c_.template prove<D>({});
    ASSERT_TRUE(proof.has_value());
    EXPECT_TRUE(c_.verify(*proof));
  }

  /// A hidden value that is wrong by one, the rest honest: some check fails, for every message that there is (a sample of them).
  void each_hidden_clear_and_last_message() {
    using Hook = std::function<void(std::string_view, std::uint32_t, E&)>;
    const std::vector<std::pair<std::uint32_t, std::function<void(SliceForge<D>&, Hook)>>> kinds{
        {layout_.pads, [](SliceForge<D>& f, Hook h) { f.argument.hidden = std::move(h); }},
        {static_cast<std::uint32_t>(2 * layout_.slots.size()), [](SliceForge<D>& f, Hook h) { f.argument.clear = std::move(h); }},
        {2 * layout_.vars, [](SliceForge<D>& f, Hook h) { f.argument.last = std::move(h); }}};
    for (const auto& [count, set] : kinds)
      for (std::uint32_t i = 0; i < count; i += i < 8 || exhaustive() ? 1 : 1 + count / 40) {
        SliceForge<D> f;
        std::string said;  // known when it is said
        set(f, [&](std::string_view label, std::uint32_t k, E& x) {
          if (k == i) x += E::basis(1), said = label;
        });
        rejects(said, "end check", f);
      }
  }

  void opening_values() {
    for (std::size_t g = 0; g < layout_.groups.size(); ++g) {
      const std::string label = layout_.groups[g].label;
      SliceForge<D> f;
      f.argument.v = [&](std::size_t k, E& v) {
        if (k == g) v += E::one();
      };
      rejects("v " + label, "u does not evaluate to v", f, label);
      f = {};
      f.argument.u = [&](std::size_t k, const E&, std::span<const E>, std::vector<E>& u) {
        if (k == g) u[0] += E::one();
      };
      rejects("u " + label, "u does not evaluate to v", f, label);
      f = {};
      f.argument.u = [&](std::size_t k, const E&, std::span<const E>, std::vector<E>& u) {
        if (k == g) u.back() += E::one();  // a pad: v stays
      };
      rejects("u " + label, "column inconsistent with row combination", f, label);
      // v wrong and u fitted to it: what is opened is no longer what was committed.
      f = {};
      f.argument.v = [&](std::size_t k, E& v) {
        if (k == g) v += E::one();
      };
      f.argument.u = [&](std::size_t k, const E&, std::span<const E> point, std::vector<E>& u) {
        if (k != g) return;
        E eq0 = E::one();
        for (unsigned b = 0; b < layout_.groups[g].geometry.code.c; ++b) eq0 *= E::one() - point[b];
        u[0] += inverse(eq0);
      };
      rejects("v and u " + label, "end check", f);
    }
  }

  void end_tree() {
    SliceForge<D> f;
    f.argument.h = [](E& h) { h += E::one(); };
    rejects("h", "end check", f);
    f = {};
    f.argument.u_end = [](const crypto::Form<D>&, const E&, std::vector<E>& u) { u[0] += E::one(); };
    rejects("u_end", "end check", f);
    f = {};
    f.argument.u_end = [](const crypto::Form<D>&, const E&, std::vector<E>& u) { u.back() += E::one(); };
    rejects("u_end", "column inconsistent with row combination", f, "end");
    // Whatever was said before, u_end fitted to the end check: only its columns are left to object.
    const auto fit = [](const crypto::Form<D>& claim, const E& target, std::vector<E>& u) {
      E got;
      for (const auto& [i, k] : claim.coef) got += k * u[i];
      const auto [at, k] = claim.coef.front();
      E same;  // all coefficients of that pad
      for (const auto& [i, x] : claim.coef)
        if (i == at) same += x;
      (void)k;
      u[at] += (target - got) * inverse(same);
    };
    f = {};
    f.argument.h = [](E& h) { h += E::one(); };
    f.argument.u_end = fit;
    rejects("h and u_end", "column inconsistent with row combination", f, "end");
    f = {};
    f.argument.last = [](std::string_view, std::uint32_t i, E& x) {
      if (i == 3) x += E::one();
    };
    f.argument.u_end = fit;
    rejects("last and u_end", "column inconsistent with row combination", f, "end");
  }

  /// Rows that are no codewords: errors in half the distance's columns, in all but few, and a codeword of too high degree.
  void not_a_codeword() {
    for (const std::size_t g : {layout_.groups.size() - 1, layout_.groups.size()})  // witness, end
      for (const double share : {0.5, 0.9}) {
        SliceForge<D> f;
        f.argument.committed = [&](std::size_t k, CommittedTree& tree) {
          if (k != g) return;
          auto words = words_of(tree);
          const double distance = 1.0 - static_cast<double>(tree.code.k()) / static_cast<double>(tree.code.n());
          const auto errors = static_cast<std::size_t>(share * distance * static_cast<double>(tree.code.n()));
          for (std::size_t j = 0; j < errors; ++j) words[0][j] += Fp(1);
          tree.tree = tree_of_words(tree.code, words);
        };
        rejects("words of a tree", "column inconsistent with row combination", f);
      }
    SliceForge<D> f;
    f.argument.committed = [&](std::size_t k, CommittedTree& tree) {
      if (k + 1 != layout_.groups.size()) return;
      auto words = words_of(tree);
      for (std::size_t j = 0; j < words[0].size(); ++j)
        words[0][j] += crypto::power(crypto::column_point(tree.code, j), tree.code.k());  // one coefficient more
      tree.tree = tree_of_words(tree.code, words);
    };
    rejects("words of a tree", "column inconsistent with row combination", f, "witness");
    f.argument.committed = [&](std::size_t k, CommittedTree& tree) {  // the twin: the same words
      if (k + 1 == layout_.groups.size()) tree.tree = tree_of_words(tree.code, words_of(tree));
    };
    const auto proof = c_.template prove<D>(f);
    ASSERT_TRUE(proof.has_value());
    EXPECT_TRUE(c_.verify(*proof));
  }

  /// The prover works with other rows than its trees hold: weights, boundaries, mask rows, end pads.
  void other_rows_than_committed() {
    for (std::size_t g = 0; g <= layout_.groups.size(); ++g) {
      SliceForge<D> f;
      f.argument.committed = [&](std::size_t k, CommittedTree& tree) {
        if (k != g) return;
        auto words = words_of(tree);
        for (Fp& x : words.back()) x += Fp(1);  // constant term of the last limb row
        tree.tree = tree_of_words(tree.code, words);
      };
      rejects("words of a tree", "column inconsistent with row combination", f);
    }
    const auto spoil = [](CommittedTree& tree) {
      std::vector<Fp> row;
      for (std::size_t i = 0; i < tree.code.k(); ++i) row.push_back(tree.at(0, i));
      row[0] += Fp(1);
      tree.replace(0, row);
    };
    spoil(c_.weight_tree.impl->tree);
    {
      const auto proof = c_.prove();
      ASSERT_TRUE(proof.has_value());
      const Verdict v = c_.verify(*proof);
      EXPECT_FALSE(v);
      EXPECT_EQ(v.reason, "end check");  // the values disagree with the claims
    }
  }

  void opened_columns() {
    std::size_t trees = 1;
    for (const auto& g : layout_.groups) trees += g.trees.size();
    for (std::size_t t = 0; t < trees; ++t) {
      const std::vector<std::pair<std::string, std::function<void(crypto::Opening&)>>> changes{
          {"Merkle root", [](crypto::Opening& o) { o.columns[0] += Fp(1); }},
          {"Merkle root", [](crypto::Opening& o) { o.columns.back() += Fp(1); }},
          {"Merkle root",
           [](crypto::Opening& o) {
             std::swap_ranges(o.columns.begin(), o.columns.begin() + static_cast<std::ptrdiff_t>(o.rows),
                              o.columns.begin() + static_cast<std::ptrdiff_t>(o.rows));
           }},
          {"Merkle root", [](crypto::Opening& o) { o.salts[0][0] ^= 1; }},
          {"Merkle root", [](crypto::Opening& o) { std::swap(o.salts[0], o.salts[1]); }},
          {"Merkle root", [](crypto::Opening& o) { o.path[0][31] ^= 0x80; }},
          {"Merkle root", [](crypto::Opening& o) { std::swap(o.path[0], o.path[1]); }},
          {"Merkle path too short", [](crypto::Opening& o) { o.path.pop_back(); }},
          {"Merkle path too long", [](crypto::Opening& o) { o.path.push_back({}); }}};
      for (const auto& [reason, change] : changes) {
        SliceForge<D> f;
        f.argument.opened = [&](std::vector<crypto::Opening>& o) { change(o[t]); };
        rejects("opened columns", reason, f);
      }
    }
  }

  /// Pads do not matter for soundness: a prover without any is accepted (and hides nothing).
  void pads_are_the_provers_affair() {
    SliceForge<D> f;
    f.argument.pads = [](std::vector<E>& p) { std::fill(p.begin(), p.end(), E()); };
    const auto proof = c_.template prove<D>(f);
    ASSERT_TRUE(proof.has_value());
    EXPECT_TRUE(c_.verify(*proof));
  }

  /// A prover that spares itself the work, and one that says a good nonce which it did not draw with.
  void proof_of_work() {
    c_ = *make_case(two_layers(), {.profile = kProfile, .constraints = {3, 1U << 20}, .work = proof::kWorkBits});
    ASSERT_TRUE(c_.verify(*c_.prove()));
    for (auto nonce : {&proof::Forge<D>::first_work, &proof::Forge<D>::column_work}) {
      SliceForge<D> f;
      (f.argument.*nonce) = [](std::uint64_t& x) { x = x == 0 ? 1 : 0; };  // the least good one is not 0 but once in 2^12
      rejects("nonce", "proof of work", f, nonce == &proof::Forge<D>::first_work ? "challenges" : "columns");
    }
  }

 private:
  SliceCase c_;
  proof::Layout layout_;
};

template <class T>
class Messages : public ::testing::Test, public Lies<T::value> {};
using Degrees = ::testing::Types<std::integral_constant<int, 2>, std::integral_constant<int, 3>>;
TYPED_TEST_SUITE(Messages, Degrees);

TYPED_TEST(Messages, ProofOfWork) { this->proof_of_work(); }
TYPED_TEST(Messages, HonestTwin) { this->honest_twin(); }
TYPED_TEST(Messages, EachHiddenClearAndLastMessage) { this->each_hidden_clear_and_last_message(); }
TYPED_TEST(Messages, OpeningValues) { this->opening_values(); }
TYPED_TEST(Messages, EndTree) { this->end_tree(); }
TYPED_TEST(Messages, NotACodeword) { this->not_a_codeword(); }
TYPED_TEST(Messages, OtherRowsThanCommitted) { this->other_rows_than_committed(); }
TYPED_TEST(Messages, OpenedColumns) { this->opened_columns(); }
TYPED_TEST(Messages, PadsAreTheProversAffair) { this->pads_are_the_provers_affair(); }

}  // namespace
}  // namespace dsperse::soundness
