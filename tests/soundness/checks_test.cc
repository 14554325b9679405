// Every check of the protocol broken alone: roots, levels and leaves of the fraction tree, sacrifice of product slots.
#include <gtest/gtest.h>

#include "dsperse/proof/slice_argument.h"
#include "slices.h"
#include "tally.h"

namespace dsperse::soundness {
namespace {

using relation::Kind;
using relation::Relation;
using relation::TensorRef;
using relation::Values;

/// One slice, and what its lying prover has seen so far. The tests are its public functions.
template <int D>
class Attacks {
 public:
  using E = crypto::Ext<D>;
  static constexpr proof::Profile kProfile = D == 2 ? proof::Profile::bits100 : proof::Profile::bits128;

  Attacks()
      : c_(*make_case(two_layers(), {.profile = kProfile, .constraints = {3, 1U << 20}})),
        relation_(proof::slice_relation(c_.key).value()) {
    crypto::CountingChannel<D> channel;
    crypto::Party<D> party(channel, crypto::Party<D>::Role::dry);
    relation::run_schedule<D>(party, relation_, proof::public_tensors(c_.key, relation_, c_.statement), nullptr);
    slot_pads_ = party.slots();
  }

  /// An output that is off by one: the lookup sum is wrong until something else hides it.
  void lie() {
    c_.run([](std::uint32_t op, quantize::IntTensor& y) {
      if (op == 1) y[1] += y[1] == 0 ? 1 : -1;
    });
    c_.restate();
  }

  /// A forge that watches challenges and multiplicities.
  SliceForge<D> watching() {
    SliceForge<D> f;
    f.argument.challenge = [this](std::string_view label, E& x) {
      if (label == "alpha") alpha_ = x;
      if (label == "beta") beta_ = x;
      if (label == "rho") rho_ = x;
    };
    f.values.multiplicities = [this](Values& v) {
      counts_.assign(relation_.tables.size(), {});
      for (TensorRef r = 0; r < relation_.tensors.size(); ++r)
        if (relation_.tensors[r].kind == Kind::multiplicity) counts_[relation_.tensors[r].index] = v.own(r);
    };
    return f;
  }

  /// sum over the tables of m / (alpha - row).
  [[nodiscard]] E tables() const {
    E sum;
    for (std::uint32_t t = 0; t < relation_.tables.size(); ++t)
      for (std::size_t i = 0; i < relation_.tables[t].rows.size(); ++i) {
        E x = alpha_, power = E::one();
        for (std::size_t k = 0; k < relation::kMaxWidth; ++k, power *= beta_) x -= power * relation_.tables[t].rows[i][k];
        x -= power * relation::Fp(t + 1);
        sum += inverse(x) * relation::Fp::from_signed(counts_[t][i]);
      }
    return sum;
  }

  void expect_only(const SliceForge<D>& f, const std::string& check) {
    expect_broken("gemm wide", proof::bits(kProfile), [&] { return attack<D>(c_, f); }, std::nullopt, {check});
  }

  void all_are_attacked_here() {
    const Ids ours{"lookup root denominator", "lookup sum",  "lookup level", "lookup leaves p",
                   "lookup leaves q",         "sacrifice e", "sacrifice d",  "sacrifice product"};
    for (const NamedSlice& s : attack_slices(kProfile)) {
      const SliceCase c = *make_case(s.program, s.options);
      const auto ids = proof::slice_relation(c.key)->constraint_ids();
      for (const std::string& id : check_ids(c)) {
        known("check", id, proof::bits(kProfile));
        const bool theirs = std::any_of(ids.begin(), ids.end(), [&](const std::string& i) {  // constraints_test's
          return id == i || id == i + " a" || id == i + " b";
        });
        EXPECT_TRUE(ours.contains(id) || theirs) << "no attack on " << id;
      }
    }
  }

  void lookup_sum() {
    lie();
    expect_only(watching(), "lookup sum");
  }

  /// z fitted to P z = tables.
  void lookup_root_denominator() {
    lie();
    SliceForge<D> f = watching();
    E p;
    f.argument.hidden = [&](std::string_view label, std::uint32_t, E& x) {
      if (label == "root p") p = x;
      if (label == "root 1/q") x = tables() * inverse(p);
    };
    expect_only(f, "lookup root denominator");
  }

  /// A root of the right quotient that is not the tree's: P and Q scaled together.
  void scaled_root() {
    SliceForge<D> f = watching();
    f.argument.hidden = [&](std::string_view label, std::uint32_t, E& x) {
      if (label == "root p" || label == "root q") x = x + x;
      if (label == "root 1/q") x = x * inverse(relation::Fp(2));
    };
    expect_only(f, "lookup level");
  }

  void lookup_level() {
    for (const std::uint32_t which : {0U, 1U, 3U, 8U}) {  // g(0) or g(2) of some round
      SliceForge<D> f = watching();
      f.argument.hidden = [which, seen = 0U](std::string_view label, std::uint32_t, E& x) mutable {
        if (label == "fraction" && seen++ == which) x += E::one();
      };
      expect_only(f, "lookup level");
    }
  }

  /// The tree is honest over leaves whose sum is that of the tables, but the leaves are not the lookups'.
  void lookup_leaves() {
    lie();
    const auto total = [](const std::vector<E>& p, const std::vector<E>& q) {
      E s;
      for (std::size_t i = 0; i < p.size(); ++i) s += p[i] * inverse(q[i]);
      return s;
    };
    {  // an unused leaf gets the numerator that cancels the difference
      SliceForge<D> f = watching();
      f.schedule.leaves = [&](std::vector<E>& p, std::vector<E>& q) {
        std::size_t k = 0;
        while (!(p[k] == E())) ++k;
        p[k] = (tables() - total(p, q)) * q[k];
      };
      expect_only(f, "lookup leaves p");
    }
    {  // all numerators scaled
      SliceForge<D> f = watching();
      f.schedule.leaves = [&](std::vector<E>& p, std::vector<E>& q) {
        const E k = tables() * inverse(total(p, q));
        for (E& x : p) x *= k;
      };
      expect_only(f, "lookup leaves p");
    }
    {  // the denominator of the first lookup
      SliceForge<D> f = watching();
      f.schedule.leaves = [&](std::vector<E>& p, std::vector<E>& q) {
        std::size_t k = 0;
        while (!(p[k] == E::one())) ++k;
        const E others = total(p, q) - p[k] * inverse(q[k]);
        q[k] = inverse(tables() - others);
      };
      expect_only(f, "lookup leaves q");
    }
  }

  /// A looked-up value equal to alpha has no 1 / q; z = 0 does not help.
  void zero_denominator() {
    SliceForge<D> f = watching();
    f.schedule.leaves = [](std::vector<E>&, std::vector<E>& q) { q[0] = E(); };
    const Outcome o = attack<D>(c_, std::move(f));
    EXPECT_TRUE(o.checks.contains("lookup root denominator"));
    EXPECT_FALSE(o.verdict);
  }

  /// Slots of p0 q1 and p1 q0 of the first level are wrong by d and -d: the level's check holds. `adapt` changes e or d of both.
  SliceForge<D> wrong_slots() {
    SliceForge<D> f = watching();
    f.argument.pads = [this](std::vector<E>& pads) { pads_ = pads; };
    f.argument.slots = [this](std::vector<E>& slots) {
      slots[4 * 2] += E::one();
      slots[4 * 3] -= E::one();
      slots_ = slots;
    };
    return f;
  }

  void sacrifice_honest_clear_values() { expect_only(wrong_slots(), "sacrifice product"); }

  void sacrifice_fitted_e() {
    SliceForge<D> f = wrong_slots();
    f.argument.clear = [&](std::string_view label, std::uint32_t i, E& x) {
      const std::uint32_t k = i / 2;
      if (label != "e" || (k != 2 && k != 3)) return;
      const E b = pads_[slot_pads_[k].second], ab = slots_[4 * k], fv = slots_[4 * k + 1], g = slots_[4 * k + 2],
              h = slots_[4 * k + 3];
      x = (rho_ * ab - h - fv * (b - g)) * inverse(b);  // e (g + d) = rho ab - h - f d
    };
    expect_only(f, "sacrifice e");
  }

  void sacrifice_fitted_d() {
    SliceForge<D> f = wrong_slots();
    f.argument.clear = [&](std::string_view label, std::uint32_t i, E& x) {
      const std::uint32_t k = i / 2;
      if (label != "d" || (k != 2 && k != 3)) return;
      const E a = pads_[slot_pads_[k].first], ab = slots_[4 * k], fv = slots_[4 * k + 1], g = slots_[4 * k + 2],
              h = slots_[4 * k + 3];
      x = (rho_ * ab - h - g * (rho_ * a - fv)) * inverse(rho_ * a);  // d (f + e) = rho ab - h - g e
    };
    expect_only(f, "sacrifice d");
  }

  void sacrifice_each_part_of_slots() {
    for (std::size_t part = 1; part < 4; ++part)
      for (const std::size_t k : {std::size_t{0}, std::size_t{5}, slot_pads_.size() - 1}) {
        SliceForge<D> f = watching();
        f.argument.slots = [&](std::vector<E>& slots) { slots[4 * k + part] += E::one(); };
        expect_only(f, "sacrifice product");
      }
    SliceForge<D> f = watching();  // equal errors of ab and h cancel for rho = 1 alone
    f.argument.slots = [&](std::vector<E>& slots) {
      for (const std::size_t k : {std::size_t{2}, std::size_t{3}})
        for (const std::size_t part : {0U, 3U}) slots[4 * k + part] += E::from_signed(k == 2 ? 1 : -1);
    };
    expect_only(f, "sacrifice product");
  }

  /// Multiplicities: one more, one less, none, half of p; a missing value paid for by another row.
  void multiplicities() {
    for (TensorRef r = 0; r < relation_.tensors.size(); ++r) {
      if (relation_.tensors[r].kind != Kind::multiplicity) continue;
      for (const std::int64_t d : {std::int64_t{1}, std::int64_t{-1}, static_cast<std::int64_t>(crypto::kP / 2)}) {
        SliceForge<D> f = watching();
        f.values.multiplicities = [&, then = f.values.multiplicities](Values& v) {
          v.own(r)[0] += d;
          then(v);
        };
        expect_only(f, "lookup sum");
      }
    }
    lie();
    const TensorRef m = tensor_named(relation_, "m " + relation_.tables[relation_.lookups.back().table].name);
    const auto rows = static_cast<std::size_t>(relation_.tensors[m].shape[0]);
    for (const std::size_t row : {std::size_t{0}, rows / 2, rows - 1}) {
      SliceForge<D> f = watching();
      f.values.multiplicities = [&, then = f.values.multiplicities](Values& v) {
        v.own(m)[row] += 1;
        then(v);
      };
      expect_only(f, "lookup sum");
    }
  }

  /// Tuples are compressed with the table's id and in order: another table's row, or swapped columns, is no row.
  void tables_and_columns_are_not_confused() {
    const auto lookup = [&](const std::string& id) {
      for (std::uint32_t i = 0; i < relation_.lookups.size(); ++i)
        if (relation_.lookups[i].id == id) return i;
      std::abort();
    };
    const std::uint32_t activation = lookup("op1 activation"), other = lookup("op0 activation"), limb = lookup("op1 remainder 0");
    ASSERT_NE(relation_.lookups[activation].table, relation_.lookups[other].table);
    const auto bump = [&](Values& v, std::uint32_t table, const std::array<relation::Fp, 3>& tuple, std::int64_t d) {
      const auto row = relation_.tables[table].find(tuple);
      ASSERT_TRUE(row.has_value());
      v.own(tensor_named(relation_, "m " + relation_.tables[table].name))[*row] += d;
    };
    // ReLU's -1 -> 0 claimed as identity's -1 -> -1, counted in that table.
    c_.run([&](std::uint32_t op, quantize::IntTensor& y) {
      if (op == 1) y[0] = -1;
    });
    c_.restate();
    SliceForge<D> f = watching();
    f.values.multiplicities = [&, then = f.values.multiplicities](Values& v) {
      std::array<relation::Fp, 3> tuple{v.column(activation, 0).at(0), v.column(activation, 1).at(0), {}};
      if (!(tuple[0] == tuple[1])) tuple[1] = tuple[0];
      bump(v, relation_.lookups[other].table, tuple, 1);
      then(v);
    };
    expect_only(f, "lookup sum");
    // (width, remainder) = (3, 7) looked up as (7, 3).
    c_.run();
    c_.restate();
    SliceForge<D> g = watching();
    g.schedule.leaves = [&](std::vector<E>&, std::vector<E>& q) {
      const relation::LeafCube cube = relation::leaf_cube(relation_);
      for (const auto& block : cube.blocks)
        if (block.lookup == limb) {
          E power = E::one();
          for (std::size_t k = 0; k < relation::kMaxWidth; ++k) power *= beta_;
          q[block.offset] =
              alpha_ - power * relation::Fp(relation_.lookups[limb].table + 1) - E::from_signed(7) - beta_ * relation::Fp(3);
        }
    };
    const Outcome o = attack<D>(c_, std::move(g));
    EXPECT_TRUE(o.checks.contains("lookup sum") && o.checks.contains("lookup leaves q"));
    EXPECT_FALSE(o.verdict);
  }

 private:
  SliceCase c_;
  Relation relation_;
  E alpha_, beta_, rho_;
  std::vector<std::vector<std::int64_t>> counts_;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> slot_pads_;
  std::vector<E> pads_, slots_;
};

template <class T>
class Checks : public ::testing::Test, public Attacks<T::value> {};
using Degrees = ::testing::Types<std::integral_constant<int, 2>, std::integral_constant<int, 3>>;
TYPED_TEST_SUITE(Checks, Degrees);

TYPED_TEST(Checks, AllAreAttackedHere) { this->all_are_attacked_here(); }
TYPED_TEST(Checks, LookupSum) { this->lookup_sum(); }
TYPED_TEST(Checks, LookupRootDenominator) { this->lookup_root_denominator(); }
TYPED_TEST(Checks, ScaledRoot) { this->scaled_root(); }
TYPED_TEST(Checks, LookupLevel) { this->lookup_level(); }
TYPED_TEST(Checks, LookupLeaves) { this->lookup_leaves(); }
TYPED_TEST(Checks, ZeroDenominator) { this->zero_denominator(); }
TYPED_TEST(Checks, SacrificeHonestClearValues) { this->sacrifice_honest_clear_values(); }
TYPED_TEST(Checks, SacrificeFittedE) { this->sacrifice_fitted_e(); }
TYPED_TEST(Checks, SacrificeFittedD) { this->sacrifice_fitted_d(); }
TYPED_TEST(Checks, SacrificeEachPartOfSlots) { this->sacrifice_each_part_of_slots(); }
TYPED_TEST(Checks, Multiplicities) { this->multiplicities(); }
TYPED_TEST(Checks, TablesAndColumnsAreNotConfused) { this->tables_and_columns_are_not_confused(); }

}  // namespace
}  // namespace dsperse::soundness
