#include "row_attacker.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "dsperse/proof/slice_argument.h"
#include "dsperse/quantize/rows.h"
#include "dsperse/relation/rounding.h"
#include "one_slice.h"

namespace dsperse::soundness {
namespace {

using quantize::IntTensor;
using relation::Fp;
using relation::IntView;
using relation::Kind;
using relation::Relation;
using relation::TensorRef;
using relation::Term;
using relation::Values;

std::string op_of(const std::string& id) { return id.substr(0, id.find(' ')); }

}  // namespace

RowAttacker::RowAttacker(const NamedSlice& slice, Found found) : slice_(slice), found_(std::move(found)) {
  if (!found_)
    found_ = [this](const std::string&, const SliceCase&, const std::function<Outcome()>& attack, const Ids& constraints,
                    const Ids& checks) {
      expect_broken(slice_.name, proof::bits(slice_.options.profile), attack, constraints, checks);
    };
  case_ = fresh();
  relation_ = proof::slice_relation(case_.key).value();
}

bool RowAttacker::attack_with(const std::string& id, const Lie& lie, const Ids& checks, bool alone) {
  Ids fewest;
  std::size_t best = 0;
  for (std::size_t e = 0; e < kTries; ++e) {
    const Ids broken = broken_by(lied(lie, e), lie, e);
    if (!broken.contains(id) || (!fewest.empty() && broken.size() >= fewest.size())) continue;
    fewest = broken, best = e;
    if (broken.size() == 1) break;
  }
  if (fewest.empty() || (alone && fewest.size() != 1)) {
    std::string all;
    for (const std::string& b : fewest) all += b + ", ";
    ADD_FAILURE() << id << " breaks with: " << all;
    return false;
  }
  SliceCase c = fresh();
  c.trace = lied(lie, best);
  c.restate();
  bind(c);
  found_(id, c, [&] { return prove(c, lie, best); }, fewest, checks);
  return true;
}

SliceCase RowAttacker::fresh() const {
  quantize::testing::Rng rng(5);
  return *make_case(slice_.program, slice_.options, quantize::testing::random_weights(slice_.program, rng), inputs());
}

/// The first row of the first input has one value far above the others.
quantize::TensorStore RowAttacker::inputs() const {
  quantize::testing::Rng rng(6);
  quantize::TensorStore t = quantize::testing::random_inputs(slice_.program, rng);
  const quantize::TensorSpec& x = slice_.program.tensors[0];
  if (slice_.name == "softmax" || slice_.name == "masked")
    for (std::size_t i = 0; i < static_cast<std::size_t>(x.shape.back()); ++i)
      t[0][i] = static_cast<std::int32_t>(i == 0 ? x.hi : x.lo);
  return t;
}

TensorRef RowAttacker::part(const std::string& id, const std::string& name) const {
  return tensor_named(relation_, op_of(id) + " " + name);
}

const quantize::Op& RowAttacker::op(const std::string& id) const {
  for (const auto& o : slice_.program.ops)
    if (o.name == op_of(id)) return o;
  std::abort();
}

/// The tensor that an identity makes: the part of its site with coefficient one in magnitude.
std::pair<TensorRef, bool> RowAttacker::made_by(const relation::Identity& identity) const {
  const Term* found = nullptr;
  for (const Term& t : identity.terms)
    if (t.of == Term::Of::tensor && relation_.tensors[t.id].kind == Kind::row && (t.scalar == Fp(1) || t.scalar == -Fp(1)) &&
        relation_.tensors[t.id].shape == identity.shape && (found == nullptr || identity.terms[0].id != found->id))
      found = &t;
  return found == nullptr ? std::pair(TensorRef{UINT32_MAX}, false) : std::pair(found->id, found->scalar == Fp(1));
}

// What follows from a lie.
void RowAttacker::multiply(Values& v, std::uint32_t product, const Lie& lie, std::size_t e) const {
  relation::Product p = relation_.products[product];
  relation::testing::Assignment a;
  a.tensors.resize(relation_.tensors.size() + 1);
  for (const bool is_b : {false, true}) {
    const TensorRef ref = (is_b ? p.b : p.a).tensor;
    std::vector<std::int64_t> x;
    for (std::size_t i = 0; i < v.tensor(ref).size; ++i) x.push_back(v.tensor(ref).at(i));
    if (lie.product == product && lie.is_b == is_b) x = lie.read(v, e);
    std::vector<Fp>& to = a.tensors[is_b ? relation_.tensors.size() : ref];  // apart, for squares
    for (const std::int64_t y : x) to.push_back(Fp::from_signed(y));
  }
  p.b.tensor = static_cast<TensorRef>(relation_.tensors.size());
  std::vector<std::int64_t>& out = v.product(product);
  const std::vector<Fp> sums = relation::testing::multiply(p, a);
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = relation::to_signed(sums[i]);
}

/// The sums of squares are wrong, and what is left of them is too large for a rest: the variance and its root follow.
void RowAttacker::divide_squares(Values& v, const std::string& id) const {
  const auto& o = std::get<quantize::Normalize>(op(id).body);
  std::vector<std::int64_t>& rest = v.own(part(id, "variance rest"));
  for (std::size_t r = 0; r < rest.size(); ++r) {
    const std::int64_t q = rest[r] >= 0 ? rest[r] / o.n : -((-rest[r] + o.n - 1) / o.n);
    rest[r] -= q * o.n;
    std::int64_t& variance = v.own(part(id, "variance"))[r];
    variance += q;
    const auto whole =
        (std::uint64_t{1} << o.root_bits) / static_cast<std::uint64_t>(std::max<std::int64_t>(1, variance + o.epsilon));
    v.own(part(id, "root"))[r] = quantize::square_root(whole);
  }
}

void RowAttacker::settle(Values& v, const Lie& lie, std::size_t e) const {
  for (const auto& identity : relation_.identities) {
    for (const Term& t : identity.terms)
      if (t.of == Term::Of::product) multiply(v, t.id, lie, e);
    const auto [ref, plus] = made_by(identity);
    if (ref == UINT32_MAX || lie.pinned.contains(identity.id)) continue;
    const std::vector<Fp> sum = v.evaluate(identity.terms, identity.shape);
    std::vector<std::int64_t>& to = v.own(ref);
    for (std::size_t i = 0; i < to.size(); ++i) {
      const Fp x = plus ? Fp::from_signed(to[i]) - sum[i] : Fp::from_signed(to[i]) + sum[i];
      to[i] = relation::to_signed(x);
    }
    if (lie.product != UINT32_MAX && identity.id.ends_with(" variance")) divide_squares(v, identity.id);
  }
  for (std::uint32_t i = 0; i < relation_.requantizations.size(); ++i) {
    const auto& r = relation_.requantizations[i];
    for (const Term& t : r.acc)
      if (t.of == Term::Of::product) multiply(v, t.id, lie, e);
    const std::vector<Fp> acc = v.evaluate(r.acc, r.shape);
    for (TensorRef ref = 0; ref < relation_.tensors.size(); ++ref) {
      const auto& t = relation_.tensors[ref];
      if ((t.kind != Kind::limb && t.kind != Kind::top) || t.index != i) continue;
      std::vector<std::int64_t>& part = v.own(ref);
      for (std::size_t k = 0; k < part.size(); ++k)
        part[k] = relation::remainder_part(r, t, k % r.shifts.size(), relation::to_signed(acc[k]));
    }
  }
}

relation::ValueForge RowAttacker::forge(const Lie& lie, std::size_t e) const {
  return {.tensors = [this, &lie, e](Values& v) {
    if (lie.early) lie.early(v, e);
    settle(v, lie, e);
    if (lie.late) lie.late(v, e);
  }};
}

/// The trace whose outputs follow from the lie.
quantize::TensorStore RowAttacker::lied(const Lie& lie, std::size_t e) const {
  quantize::TensorStore trace = case_.trace;
  for (std::uint32_t i = 0; i < slice_.program.ops.size(); ++i) {
    const quantize::Requant* r = quantize::op_requant(slice_.program.ops[i]);
    std::vector<std::int64_t> y;
    if (r != nullptr && !lie.output) {
      const relation::ValueForge f = forge(lie, e);
      const Values v(relation_, case_.weights, trace, &f);
      for (const auto& lookup : relation_.lookups)
        if (lookup.id == slice_.program.ops[i].name + " activation")
          for (const Fp x : v.evaluate(lookup.columns[0], lookup.shape))
            y.push_back(proof::testing::activated(*r, relation::to_signed(x)));
    }
    const quantize::TensorStore before = trace;
    proof::testing::evaluate(slice_.program, case_.weights, trace, [&](std::uint32_t j, IntTensor& to) {
      if (j < i) to = before[quantize::op_output(slice_.program.ops[j])];
      if (j == i && !y.empty()) to.assign(y.begin(), y.end());
      if (j == i && lie.output && i + 1 == slice_.program.ops.size()) lie.output(to, e);
    });
  }
  return trace;
}

Ids RowAttacker::broken_by(const quantize::TensorStore& trace, const Lie& lie, std::size_t e) const {
  const relation::ValueForge f = forge(lie, e);
  return relation::testing::broken(relation_, relation::testing::assignment_of(Values(relation_, case_.weights, trace, &f)));
}

Outcome RowAttacker::prove(const SliceCase& c, const Lie& lie, std::size_t e) const {
  return slice_.options.profile == proof::Profile::bits100 ? prove_with<2>(c, lie, e) : prove_with<3>(c, lie, e);
}

template <int D>
Outcome RowAttacker::prove_with(const SliceCase& c, const Lie& lie, std::size_t e) const {
  SliceForge<D> f;
  f.values = forge(lie, e);
  std::vector<std::int64_t> other;
  if (lie.product != UINT32_MAX) {
    const relation::ValueForge honest_part = f.values;
    f.values.tensors = [&, honest_part](Values& v) {
      honest_part.tensors(v);
      other = lie.read(v, e);
    };
    f.schedule.factor = [&](std::uint32_t i, bool is_b, IntView view) {
      return i == lie.product && is_b == lie.is_b ? IntView(std::span<const std::int64_t>(other)) : view;
    };
  }
  return attack<D>(c, std::move(f));
}

}  // namespace dsperse::soundness
