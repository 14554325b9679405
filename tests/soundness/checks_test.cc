// Every check of the protocol broken alone: roots, levels and leaves of the fraction tree, sacrifice of product slots.
#include <gtest/gtest.h>

#include "dsperse/proof/slice_argument.h"
#include "slices.h"

namespace dsperse::soundness {
namespace {

using E = crypto::Ext<2>;
using relation::Kind;
using relation::Relation;
using relation::TensorRef;
using relation::Values;

/// One slice, and what its lying prover has seen so far.
class Checks : public ::testing::Test {
 protected:
  Checks() : c_(*make_case(two_layers(), {.constraints = {3, 1U << 20}})), relation_(proof::slice_relation(c_.key).value()) {
    crypto::CountingChannel<2> channel;
    crypto::Party<2> party(channel, crypto::Party<2>::Role::dry);
    relation::run_schedule<2>(party, relation_, proof::public_tensors(c_.key, relation_, c_.statement), nullptr);
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
  SliceForge<2> watching() {
    SliceForge<2> f;
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

  void expect_only(SliceForge<2> f, const std::string& check) {
    const Outcome o = attack<2>(c_, std::move(f));
    EXPECT_EQ(o.checks, Ids{check});
    EXPECT_FALSE(o.verdict);
    EXPECT_EQ(o.verdict.reason, "end check");
  }

  SliceCase c_;
  Relation relation_;
  E alpha_, beta_, rho_;
  std::vector<std::vector<std::int64_t>> counts_;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> slot_pads_;
};

TEST_F(Checks, AllAreAttackedHere) {
  Ids known{"lookup root denominator", "lookup sum",  "lookup level", "lookup leaves p",
            "lookup leaves q",         "sacrifice e", "sacrifice d",  "sacrifice product"};
  for (const std::string& id : relation_.constraint_ids()) {  // these are constraints_test's
    known.insert(id);
    known.insert(id + " a");
    known.insert(id + " b");
  }
  for (const std::string& id : check_ids(c_)) EXPECT_TRUE(known.contains(id)) << "no attack on " << id;
  for (const NamedSlice& s : attack_slices()) {
    const SliceCase c = *make_case(s.program, s.options);
    const auto ids = proof::slice_relation(c.key)->constraint_ids();
    for (const std::string& id : check_ids(c)) {
      const bool ours = known.contains(id), theirs = std::any_of(ids.begin(), ids.end(), [&](const std::string& i) {
                                              return id == i || id == i + " a" || id == i + " b";
                                            });
      EXPECT_TRUE(ours || theirs) << "no attack on " << id;
    }
  }
}

TEST_F(Checks, LookupSum) {
  lie();
  expect_only(watching(), "lookup sum");
}

/// z fitted to P z = tables.
TEST_F(Checks, LookupRootDenominator) {
  lie();
  SliceForge<2> f = watching();
  E p;
  f.argument.hidden = [&](std::string_view label, std::uint32_t, E& x) {
    if (label == "root p") p = x;
    if (label == "root 1/q") x = tables() * inverse(p);
  };
  expect_only(std::move(f), "lookup root denominator");
}

/// A root of the right quotient that is not the tree's: P and Q scaled together.
TEST_F(Checks, ScaledRoot) {
  SliceForge<2> f = watching();
  f.argument.hidden = [&](std::string_view label, std::uint32_t, E& x) {
    if (label == "root p" || label == "root q") x = x + x;
    if (label == "root 1/q") x = x * inverse(relation::Fp(2));
  };
  expect_only(std::move(f), "lookup level");
}

TEST_F(Checks, LookupLevel) {
  for (const std::uint32_t which : {0U, 1U, 3U, 8U}) {  // g(0) or g(2) of some round
    std::uint32_t seen = 0;
    SliceForge<2> f = watching();
    f.argument.hidden = [&](std::string_view label, std::uint32_t, E& x) {
      if (label == "fraction" && seen++ == which) x += E::one();
    };
    expect_only(std::move(f), "lookup level");
  }
}

/// The tree is honest over leaves whose sum is that of the tables, but the leaves are not the lookups'.
TEST_F(Checks, LookupLeaves) {
  lie();
  const auto total = [](const std::vector<E>& p, const std::vector<E>& q) {
    E s;
    for (std::size_t i = 0; i < p.size(); ++i) s += p[i] * inverse(q[i]);
    return s;
  };
  {  // an unused leaf gets the numerator that cancels the difference
    SliceForge<2> f = watching();
    f.schedule.leaves = [&](std::vector<E>& p, std::vector<E>& q) {
      std::size_t k = 0;
      while (!(p[k] == E())) ++k;
      p[k] = (tables() - total(p, q)) * q[k];
    };
    expect_only(std::move(f), "lookup leaves p");
  }
  {  // all numerators scaled
    SliceForge<2> f = watching();
    f.schedule.leaves = [&](std::vector<E>& p, std::vector<E>& q) {
      const E k = tables() * inverse(total(p, q));
      for (E& x : p) x *= k;
    };
    expect_only(std::move(f), "lookup leaves p");
  }
  {  // the denominator of the first lookup
    SliceForge<2> f = watching();
    f.schedule.leaves = [&](std::vector<E>& p, std::vector<E>& q) {
      std::size_t k = 0;
      while (!(p[k] == E::one())) ++k;
      const E others = total(p, q) - p[k] * inverse(q[k]);
      q[k] = inverse(tables() - others);
    };
    expect_only(std::move(f), "lookup leaves q");
  }
}

/// A looked-up value equal to alpha has no 1 / q; z = 0 does not help.
TEST_F(Checks, ZeroDenominator) {
  SliceForge<2> f = watching();
  f.schedule.leaves = [](std::vector<E>&, std::vector<E>& q) { q[0] = E(); };
  const Outcome o = attack<2>(c_, std::move(f));
  EXPECT_TRUE(o.checks.contains("lookup root denominator"));
  EXPECT_FALSE(o.verdict);
}

class Sacrifice : public Checks {
 protected:
  /// Slots of p0 q1 and p1 q0 of the first level are wrong by d and -d: the level's check holds. `adapt` changes e or d of both.
  SliceForge<2> wrong_slots() {
    SliceForge<2> f = watching();
    f.argument.pads = [this](std::vector<E>& pads) { pads_ = pads; };
    f.argument.slots = [this](std::vector<E>& slots) {
      slots[4 * 2] += E::one();
      slots[4 * 3] -= E::one();
      slots_ = slots;
    };
    return f;
  }
  std::vector<E> pads_, slots_;
};

TEST_F(Sacrifice, HonestClearValues) { expect_only(wrong_slots(), "sacrifice product"); }

TEST_F(Sacrifice, FittedE) {
  SliceForge<2> f = wrong_slots();
  f.argument.clear = [&](std::string_view label, std::uint32_t i, E& x) {
    const std::uint32_t k = i / 2;
    if (label != "e" || (k != 2 && k != 3)) return;
    const E b = pads_[slot_pads_[k].second], ab = slots_[4 * k], fv = slots_[4 * k + 1], g = slots_[4 * k + 2],
            h = slots_[4 * k + 3];
    x = (rho_ * ab - h - fv * (b - g)) * inverse(b);  // e (g + d) = rho ab - h - f d
  };
  expect_only(std::move(f), "sacrifice e");
}

TEST_F(Sacrifice, FittedD) {
  SliceForge<2> f = wrong_slots();
  f.argument.clear = [&](std::string_view label, std::uint32_t i, E& x) {
    const std::uint32_t k = i / 2;
    if (label != "d" || (k != 2 && k != 3)) return;
    const E a = pads_[slot_pads_[k].first], ab = slots_[4 * k], fv = slots_[4 * k + 1], g = slots_[4 * k + 2],
            h = slots_[4 * k + 3];
    x = (rho_ * ab - h - g * (rho_ * a - fv)) * inverse(rho_ * a);  // d (f + e) = rho ab - h - g e
  };
  expect_only(std::move(f), "sacrifice d");
}

TEST_F(Sacrifice, EachPartOfSlots) {
  for (std::size_t part = 1; part < 4; ++part)
    for (const std::size_t k : {std::size_t{0}, std::size_t{5}, slot_pads_.size() - 1}) {
      SliceForge<2> f = watching();
      f.argument.slots = [&](std::vector<E>& slots) { slots[4 * k + part] += E::one(); };
      expect_only(std::move(f), "sacrifice product");
    }
  SliceForge<2> f = watching();  // equal errors of ab and h cancel for rho = 1 alone
  f.argument.slots = [&](std::vector<E>& slots) {
    for (const std::size_t k : {std::size_t{2}, std::size_t{3}})
      for (const std::size_t part : {0, 3}) slots[4 * k + part] += E::from_signed(k == 2 ? 1 : -1);
  };
  expect_only(std::move(f), "sacrifice product");
}

/// Multiplicities: one more, one less, none, half of p; a missing value paid for by another row.
TEST_F(Checks, Multiplicities) {
  for (TensorRef r = 0; r < relation_.tensors.size(); ++r) {
    if (relation_.tensors[r].kind != Kind::multiplicity) continue;
    for (const std::int64_t d : {std::int64_t{1}, std::int64_t{-1}, static_cast<std::int64_t>(crypto::kP / 2)}) {
      SliceForge<2> f = watching();
      f.values.multiplicities = [&, then = f.values.multiplicities](Values& v) {
        v.own(r)[0] += d;
        then(v);
      };
      expect_only(std::move(f), "lookup sum");
    }
  }
  lie();
  const TensorRef m = tensor_named(relation_, "m " + relation_.tables[relation_.lookups.back().table].name);
  const auto rows = static_cast<std::size_t>(relation_.tensors[m].shape[0]);
  for (const std::size_t row : {std::size_t{0}, rows / 2, rows - 1}) {
    SliceForge<2> f = watching();
    f.values.multiplicities = [&, then = f.values.multiplicities](Values& v) {
      v.own(m)[row] += 1;
      then(v);
    };
    expect_only(std::move(f), "lookup sum");
  }
}

/// Tuples are compressed with the table's id and in order: another table's row, or swapped columns, is no row.
TEST_F(Checks, TablesAndColumnsAreNotConfused) {
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
  SliceForge<2> f = watching();
  f.values.multiplicities = [&, then = f.values.multiplicities](Values& v) {
    std::array<relation::Fp, 3> tuple{v.column(activation, 0)[0], v.column(activation, 1)[0], {}};
    if (!(tuple[0] == tuple[1])) tuple[1] = tuple[0];
    bump(v, relation_.lookups[other].table, tuple, 1);
    then(v);
  };
  expect_only(std::move(f), "lookup sum");
  // (width, remainder) = (3, 7) looked up as (7, 3).
  c_.run();
  c_.restate();
  SliceForge<2> g = watching();
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
  const Outcome o = attack<2>(c_, std::move(g));
  EXPECT_TRUE(o.checks.contains("lookup sum") && o.checks.contains("lookup leaves q"));
  EXPECT_FALSE(o.verdict);
}

}  // namespace
}  // namespace dsperse::soundness
