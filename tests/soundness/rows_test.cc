// For every constraint of the ops over rows a forged proof that breaks it: alone where that can be, otherwise with the few others
// that no prover could satisfy beside it. And the lies that protocol pages name: a maximum too high, a reciprocal or root that is
// off by one, a tie, a quotient, a stale position.
#include "dsperse/quantize/rows.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "dsperse/proof/slice_argument.h"
#include "dsperse/quantize/testing/row_programs.h"
#include "dsperse/relation/rounding.h"
#include "slices.h"
#include "tally.h"

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

/// Changes values; e: which cell, element or row; tried from 0 until nothing else breaks.
using Change = std::function<void(Values&, std::size_t e)>;

struct Lie {
  Change early = {};                                           ///< before what follows is made to follow
  std::set<std::string> pinned = {};                           ///< identities whose tensor stays as it is
  Change late = {};                                            ///< after that, before the output follows
  std::function<void(IntTensor&, std::size_t e)> output = {};  ///< instead of what follows
  std::uint32_t product = UINT32_MAX;                          ///< reads `read` instead of its factor
  bool is_b = false;
  std::function<std::vector<std::int64_t>(const Values&, std::size_t e)> read = {};
};

class RowAttacker {
 public:
  explicit RowAttacker(const NamedSlice& slice) : slice_(slice) {
    case_ = fresh();
    relation_ = proof::slice_relation(case_.key).value();
  }
  [[nodiscard]] const Relation& relation() const { return relation_; }
  [[nodiscard]] const SliceCase& honest() const { return case_; }

  /// Breaks `id`, alone if `alone`. checks: those that fail.
  bool attack_with(const std::string& id, const Lie& lie, const Ids& checks, bool alone = true) {
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
    expect_broken(slice_.name, proof::bits(slice_.options.profile), [&] { return prove(c, lie, best); }, fewest, checks);
    return true;
  }

  /// The attack on one id.
  bool attack_constraint(const std::string& id);

 private:
  static constexpr std::size_t kTries = 48;

  SliceCase fresh() const { return *make_case(slice_.program, slice_.options, weights(), inputs()); }
  quantize::WeightStore weights() const {
    quantize::testing::Rng rng(5);
    return quantize::testing::random_weights(slice_.program, rng);
  }
  /// The first row of the first input has one value far above the others.
  quantize::TensorStore inputs() const {
    quantize::testing::Rng rng(6);
    quantize::TensorStore t = quantize::testing::random_inputs(slice_.program, rng);
    const quantize::TensorSpec& x = slice_.program.tensors[0];
    if (slice_.name == "softmax" || slice_.name == "masked")
      for (std::size_t i = 0; i < static_cast<std::size_t>(x.shape.back()); ++i)
        t[0][i] = static_cast<std::int32_t>(i == 0 ? x.hi : x.lo);
    return t;
  }

  // Names.
  [[nodiscard]] static std::string op_of(const std::string& id) { return id.substr(0, id.find(' ')); }
  [[nodiscard]] TensorRef part(const std::string& id, const std::string& name) const {
    return tensor_named(relation_, op_of(id) + " " + name);
  }
  [[nodiscard]] const quantize::Op& op(const std::string& id) const {
    for (const auto& o : slice_.program.ops)
      if (o.name == op_of(id)) return o;
    std::abort();
  }
  /// The tensor that an identity makes: the part of its site with coefficient one in magnitude.
  [[nodiscard]] std::pair<TensorRef, bool> made_by(const relation::Identity& identity) const {
    const Term* found = nullptr;
    for (const Term& t : identity.terms)
      if (t.of == Term::Of::tensor && relation_.tensors[t.id].kind == Kind::row && (t.scalar == Fp(1) || t.scalar == -Fp(1)) &&
          relation_.tensors[t.id].shape == identity.shape && (found == nullptr || identity.terms[0].id != found->id))
        found = &t;
    return found == nullptr ? std::pair(TensorRef{UINT32_MAX}, false) : std::pair(found->id, found->scalar == Fp(1));
  }

  // What follows from a lie.
  void multiply(Values& v, std::uint32_t product, const Lie& lie, std::size_t e) const {
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
  void divide_squares(Values& v, const std::string& id) const {
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
  void settle(Values& v, const Lie& lie, std::size_t e) const {
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
        if (t.kind != Kind::limb || t.index != i) continue;
        std::vector<std::int64_t>& limb = v.own(ref);
        for (std::size_t k = 0; k < limb.size(); ++k) {
          const std::int32_t s = r.shifts[k % r.shifts.size()];
          const auto half = s > 0 ? std::uint64_t{1} << (s - 1) : 0;
          const std::uint64_t x = static_cast<std::uint64_t>(relation::to_signed(acc[k])) + half;
          limb[k] = static_cast<std::int64_t>(x >> (r.limb_bits * t.step) &
                                              ((std::uint64_t{1} << relation::limb_width(s, r.limb_bits, t.step)) - 1));
        }
      }
    }
  }
  relation::ValueForge forge(const Lie& lie, std::size_t e) const {
    return {.tensors = [this, &lie, e](Values& v) {
      if (lie.early) lie.early(v, e);
      settle(v, lie, e);
      if (lie.late) lie.late(v, e);
    }};
  }
  /// The trace whose outputs follow from the lie.
  quantize::TensorStore lied(const Lie& lie, std::size_t e) const {
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
  Ids broken_by(const quantize::TensorStore& trace, const Lie& lie, std::size_t e) const {
    const relation::ValueForge f = forge(lie, e);
    return relation::testing::broken(relation_, relation::testing::assignment_of(Values(relation_, case_.weights, trace, &f)));
  }
  Outcome prove(const SliceCase& c, const Lie& lie, std::size_t e) const {
    return slice_.options.profile == proof::Profile::bits100 ? prove_with<2>(c, lie, e) : prove_with<3>(c, lie, e);
  }
  template <int D>
  Outcome prove_with(const SliceCase& c, const Lie& lie, std::size_t e) const {
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

  bool attack_limb(const relation::Lookup& lookup);
  bool attack_product(std::uint32_t index);
  bool attack_softmax(const std::string& id, const std::string& what);
  bool attack_normalize(const std::string& id, const std::string& what);
  bool attack_extreme(const std::string& id, const std::string& what);
  bool attack_divide(const std::string& id, const std::string& what);
  bool attack_input(const relation::Lookup& lookup);

  NamedSlice slice_;
  SliceCase case_;
  Relation relation_;
};

/// A limb that is 2^width too large, or too small; what is above takes it up.
bool RowAttacker::attack_limb(const relation::Lookup& lookup) {
  const TensorRef limb = lookup.columns[1][0].id;
  const auto& t = relation_.tensors[limb];
  const auto& r = relation_.requantizations[t.index];
  bool done = false;
  for (const std::int64_t sign : {1, -1}) {
    Lie lie;
    lie.late = [=, &r, this](Values& v, std::size_t e) {
      const std::int32_t s = r.shifts[0];
      std::vector<std::int64_t>& x = v.own(limb);
      e %= x.size();
      x[e] += sign * (std::int64_t{1} << relation::limb_width(s, r.limb_bits, t.step));
      if (relation::limb_width(s, r.limb_bits, t.step + 1) != 0) v.own(limb + 1)[e] -= sign;
    };
    Ids fewest;
    for (std::size_t e = 0; e < kTries && fewest.size() != 1; ++e) fewest = broken_by(lied(lie, e), lie, e);
    if (fewest == Ids{lookup.id}) done = attack_with(lookup.id, lie, {"lookup sum"});
  }
  return done;
}

/// The product reads another factor than the one that is committed, on either side.
bool RowAttacker::attack_product(std::uint32_t index) {
  const relation::Product& p = relation_.products[index];
  int done = 0;
  const auto values = [](const Values& v, TensorRef ref) {
    std::vector<std::int64_t> x;
    for (std::size_t i = 0; i < v.tensor(ref).size; ++i) x.push_back(v.tensor(ref).at(i));
    return x;
  };
  for (const bool is_b : {false, true}) {
    const TensorRef ref = (is_b ? p.b : p.a).tensor;
    bool found = false;
    for (const bool committed : {false, true})  // whether the committed one is the lie
      for (const std::int64_t by : {1, -1, 2, -2}) {
        if (found || (committed && (relation_.tensors[ref].kind != Kind::row || p.a.tensor == p.b.tensor))) continue;
        Lie lie;
        lie.product = index, lie.is_b = is_b;
        if (committed) {
          for (const auto& identity : relation_.identities)
            if (made_by(identity).first == ref) lie.pinned.insert(identity.id);
          if (!lie.pinned.empty()) continue;
          lie.early = [=](Values& v, std::size_t e) { v.own(ref)[e % v.tensor(ref).size] += by; };
        }
        lie.read = [=](const Values& v, std::size_t e) {
          std::vector<std::int64_t> x = values(v, ref);
          x[e % x.size()] += committed ? -by : by;
          return x;
        };
        for (std::size_t e = 0; e < kTries && !found; ++e) found = broken_by(lied(lie, e), lie, e) == Ids{p.id};
        if (found) done += attack_with(p.id, lie, {p.id + (is_b ? " b" : " a")}) ? 1 : 0;
      }
  }
  return done > 0;
}

bool RowAttacker::attack_softmax(const std::string& id, const std::string& what) {
  const auto& o = std::get<quantize::Softmax>(op(id).body);
  const TensorRef m = part(id, "maximum"), numerator = part(id, "exponential"), flag = part(id, "flag"),
                  inverse = part(id, "reciprocal"), rest = part(id, "rest"),
                  x = tensor_named(relation_, slice_.program.tensors[o.x].name);
  const auto n = static_cast<std::size_t>(o.n);
  const auto sum = [=](Values& v, std::size_t r) {
    std::int64_t s = 0;
    for (std::size_t i = 0; i < n; ++i) s += v.tensor(numerator).at(r * n + i);
    return s;
  };
  const auto invert = [=, K = o.inverse_bits](Values& v, std::size_t r, std::int64_t by = 0) {
    v.own(inverse)[r] = (std::int64_t{1} << K) / std::max<std::int64_t>(1, sum(v, r)) + by;
  };
  const auto row = [=](Values& v, std::size_t e) { return e % v.tensor(m).size; };
  Lie lie;
  Ids checks{"lookup sum"};
  if (what == "exponential") {  // a numerator of no row of the table
    lie.early = [=](Values& v, std::size_t e) {
      e %= v.tensor(numerator).size;
      v.own(numerator)[e] += 1;
      invert(v, e / n);
    };
  } else if (what == "maximum") {  // the maximum is one too high: numerators follow, and no flag is left
    lie.early = [=, &o](Values& v, std::size_t e) {
      const std::size_t r = row(v, e);
      v.own(m)[r] += 1;
      for (std::size_t i = 0; i < n; ++i) {
        const bool visible = o.visible.empty() || o.visible[r % static_cast<std::size_t>(o.mask_rows) * n + i] != 0;
        const auto z = static_cast<std::size_t>(v.tensor(m).at(r) - v.tensor(x).at(r * n + i));
        v.own(numerator)[r * n + i] = visible ? o.exp_table[std::min(z, o.exp_table.size() - 1)] : 0;
        v.own(flag)[r * n + i] = 0;
      }
      invert(v, r);
    };
  } else if (what == "rest") {
    lie.pinned = {id};
    checks = {id};
    lie.early = [=](Values& v, std::size_t e) { v.own(rest)[row(v, e)] += 1; };
  } else if (what == "rest range" || what == "divisor range") {  // the reciprocal is off by one
    lie.early = [=](Values& v, std::size_t e) { invert(v, row(v, e), what == "rest range" ? 1 : -1); };
  } else if (what == "reciprocal range") {  // a reciprocal mod p: of the row with one numerator, so that its products are small
    lie.early = [=, K = o.inverse_bits, k = o.exp_bits](Values& v, std::size_t) {
      const Fp wanted = (crypto::power_of_two(static_cast<int>(K)) - Fp(1)) * crypto::power_of_two(-static_cast<int>(k));
      v.own(inverse)[0] = relation::to_signed(wanted);
    };
  } else {
    return false;
  }
  return attack_with(id, lie, checks);
}

bool RowAttacker::attack_normalize(const std::string& id, const std::string& what) {
  const auto& o = std::get<quantize::Normalize>(op(id).body);
  const TensorRef variance = part(id, "variance"), rest = part(id, "variance rest"), root = part(id, "root"),
                  x = tensor_named(relation_, slice_.program.tensors[o.x].name);
  const auto n = static_cast<std::size_t>(o.n);
  const auto row = [=](Values& v, std::size_t e) { return e % v.tensor(root).size; };
  /// The root that the variance wants.
  const auto take_root = [=, &o](Values& v, std::size_t r, std::int64_t by = 0) {
    const auto whole = (std::uint64_t{1} << o.root_bits) / static_cast<std::uint64_t>(v.tensor(variance).at(r) + o.epsilon);
    v.own(root)[r] = quantize::square_root(whole) + by;
  };
  Lie lie;
  Ids checks{"lookup sum"};
  bool alone = true;
  if (what == "mean" || what == "mean range") {  // one too high; or so far off that it is right mod p only
    const TensorRef mean = part(id, "mean");
    lie.early = [=, &o, this](Values& v, std::size_t e) {
      const std::size_t r = row(v, e);
      if (what == "mean") {
        v.own(mean)[r] += 1;
      } else {
        Fp sum;
        for (std::size_t i = 0; i < n; ++i) sum += Fp::from_signed(2 * v.tensor(x).at(r * n + i));
        const Fp wanted = sum + Fp::from_signed(o.n / 2 - static_cast<std::int64_t>(e / 4 % n));
        v.own(mean)[r] = relation::to_signed(wanted * crypto::power_of_two(-2));  // rows of four
      }
      std::uint64_t squares = 0;
      for (std::size_t i = 0; i < n; ++i) {
        const std::uint64_t c =
            2 * static_cast<std::uint64_t>(v.tensor(x).at(r * n + i)) - static_cast<std::uint64_t>(v.tensor(mean).at(r));
        squares += c * c;
      }
      if (what == "mean") {
        v.own(variance)[r] = static_cast<std::int64_t>(squares) / o.n;
        take_root(v, r);
      }
      (void)this;
    };
    alone = what == "mean";
  } else if (what == "variance") {
    lie.pinned = {id};
    checks = {id};
    lie.early = [=](Values& v, std::size_t e) { v.own(rest)[row(v, e)] += e % 2 == 0 ? 1 : -1; };
  } else if (what == "variance rest") {  // n is moved from the quotient to the rest
    lie.early = [=](Values& v, std::size_t e) {
      v.own(variance)[row(v, e)] -= 1;
      take_root(v, row(v, e));
    };
  } else if (what == "variance range") {  // a quotient mod p
    lie.early = [=](Values& v, std::size_t e) {
      v.own(variance)[row(v, e)] += relation::to_signed(crypto::power_of_two(-2));  // the rest falls by one
    };
    alone = false;
  } else if (what == "root range") {  // the other root of the square
    lie.early = [=](Values& v, std::size_t e) { v.own(root)[row(v, e)] *= -1; };
    alone = false;
  } else if (what == "root gap range" || what == "next root range") {  // off by one
    lie.early = [=](Values& v, std::size_t e) { take_root(v, row(v, e), what == "root gap range" ? 1 : -1); };
  } else if (what == "root by variance" || what == "root gap" || what == "scaled mean" || what == "scaled") {
    lie.pinned = {id};
    checks = {id};
    const TensorRef t = part(id, what);
    lie.early = [=](Values& v, std::size_t e) { v.own(t)[e % v.tensor(t).size] += e % 2 == 0 ? 1 : -1; };
  } else {
    return false;
  }
  return attack_with(id, lie, checks, alone);
}

bool RowAttacker::attack_extreme(const std::string& id, const std::string& what) {
  const auto& o = std::get<quantize::Extreme>(op(id).body);
  Lie lie;
  bool done = true;
  if (what == "index" || what == "copy") {
    lie.output = [](IntTensor& y, std::size_t e) { y[e % y.size()] += e % 2 == 0 ? 1 : -1; };
    return attack_with(id, lie, {id});
  }
  const TensorRef stair = part(id, "stair");
  const auto n = static_cast<std::size_t>(o.n);
  const TensorRef x = tensor_named(relation_, slice_.program.tensors[o.x].name);
  const TensorRef m = o.index ? part(id, "extreme") : tensor_named(relation_, slice_.program.tensors[o.y].name);
  // The stair that comes as far as it can for a value.
  const auto descend = [=, &o](Values& v, std::size_t r, std::int64_t top) {
    bool before = true;
    for (std::size_t k = 0; k + 1 < n; ++k) {
      const std::size_t i = o.last ? n - 1 - k : k;
      before = before && v.tensor(x).at(r * n + i) != top;
      v.own(stair)[r * (n - 1) + (o.last ? i - 1 : i)] = before ? 1 : 0;
    }
  };
  // A value that is too far out, one that is of the row but not extreme, and one of another row.
  for (const int kind : {0, 1, 2}) {
    const auto top = [=, &o](const auto& at, std::size_t r, std::size_t rows, std::int64_t right) -> std::int64_t {
      if (kind == 0) return right + (o.minimum ? -1 : 1);
      for (std::size_t i = 0; i < n; ++i)
        if (const std::int64_t other = at((kind == 1 ? r : (r + 1) % rows) * n + i); other != right) return other;
      return right + 1;
    };
    Lie wrong;
    if (o.index) {
      wrong.early = [=](Values& v, std::size_t e) {
        const std::size_t rows = v.tensor(m).size, r = e % rows;
        v.own(m)[r] = top([&](std::size_t i) { return v.tensor(x).at(i); }, r, rows, v.tensor(m).at(r));
        descend(v, r, v.tensor(m).at(r));
      };
      wrong.output = [=, this](IntTensor& y, std::size_t e) {  // the index that this stair has
        const std::size_t r = e % y.size();
        std::vector<std::int64_t> values;
        const quantize::IntTensor& in = case_.trace[o.x];
        std::int64_t right = in[r * n];
        for (std::size_t i = 0; i < n; ++i)
          right = o.minimum ? std::min<std::int64_t>(right, in[r * n + i]) : std::max<std::int64_t>(right, in[r * n + i]);
        const std::int64_t t = top([&](std::size_t i) -> std::int64_t { return in[i]; }, r, y.size(), right);
        std::int64_t steps = 0;
        for (std::size_t k = 0; k + 1 < n && in[r * n + (o.last ? n - 1 - k : k)] != t; ++k) ++steps;
        y[r] = static_cast<std::int32_t>(o.last ? static_cast<std::int64_t>(n) - 1 - steps : steps);
      };
    } else {
      wrong.output = [=, this](IntTensor& y, std::size_t e) {
        const std::size_t r = e % y.size();
        y[r] =
            static_cast<std::int32_t>(top([&](std::size_t i) -> std::int64_t { return case_.trace[o.x][i]; }, r, y.size(), y[r]));
      };
      wrong.early = [=](Values& v, std::size_t e) {
        const std::size_t r = e % v.tensor(m).size;
        descend(v, r, v.tensor(m).at(r));
      };
    }
    done = attack_with(id, wrong, {"lookup sum"}) && done;
  }
  if (o.index) {  // another position: the stair falls one step too early, or too late
    for (const bool late : {false, true}) {
      Lie wrong;
      wrong.output = [=](IntTensor& y, std::size_t e) { y[e % y.size()] += late == o.last ? -1 : 1; };
      wrong.early = [=](Values& v, std::size_t e) {
        std::vector<std::int64_t>& s = v.own(stair);
        const std::size_t r = e % (s.size() / (n - 1));
        std::int64_t* const row = s.data() + r * (n - 1);
        std::int64_t steps = std::accumulate(row, row + n - 1, std::int64_t{0}) + (late ? 1 : -1);
        for (std::size_t k = 0; k + 1 < n; ++k) row[o.last ? n - 2 - k : k] = static_cast<std::int64_t>(k) < steps ? 1 : 0;
      };
      done = attack_with(id, wrong, {"lookup sum"}) && done;
    }
  }
  return done;
}

bool RowAttacker::attack_divide(const std::string& id, const std::string& what) {
  const TensorRef q = part(id, "quotient"), rest = part(id, "rest");
  Lie lie;
  if (what == "division") {
    lie.pinned = {id};
    lie.early = [=](Values& v, std::size_t e) { v.own(rest)[e % v.tensor(rest).size] += e % 2 == 0 ? 1 : -1; };
    return attack_with(id, lie, {id});
  }
  if (what != "rest range" && what != "divisor range") return false;
  lie.early = [=](Values& v, std::size_t e) { v.own(q)[e % v.tensor(q).size] += what == "rest range" ? 1 : -1; };
  return attack_with(id, lie, {"lookup sum"});
}

/// One element of an input just beyond its range, above and below; what follows is computed from it.
bool RowAttacker::attack_input(const relation::Lookup& lookup) {
  const auto t = lookup.columns[0][0].id - static_cast<TensorRef>(slice_.program.weights.size());
  const quantize::TensorSpec& spec = slice_.program.tensors[t];
  const relation::ValueForge nothing;
  for (const std::int64_t bad : {spec.hi + 1, spec.lo - 1}) {
    Ids fewest;
    SliceCase worst = fresh();
    for (std::size_t e = 0; e < case_.trace[t].size(); ++e) {
      SliceCase c = fresh();
      c.trace[t][e] = static_cast<std::int32_t>(bad);
      c.run();
      const Values v(relation_, c.weights, c.trace, &nothing);
      const Ids broken = relation::testing::broken(relation_, relation::testing::assignment_of(v));
      if (!broken.contains(lookup.id) || (!fewest.empty() && broken.size() >= fewest.size())) continue;
      fewest = broken;
      worst = std::move(c);
    }
    if (fewest.empty()) return false;
    worst.restate();
    Ids checks{"lookup sum"};
    for (const auto& identity : relation_.identities)
      if (fewest.contains(identity.id)) checks.insert(identity.id);
    expect_broken(slice_.name, proof::bits(slice_.options.profile), [&] { return attack_values(worst); }, fewest, checks);
  }
  return true;
}

bool RowAttacker::attack_constraint(const std::string& id) {
  for (std::uint32_t i = 0; i < relation_.products.size(); ++i)
    if (relation_.products[i].id == id) return attack_product(i);
  for (const auto& lookup : relation_.lookups) {
    if (lookup.id != id) continue;
    if (id.find(" limb ") != std::string::npos || id.find(" remainder ") != std::string::npos) return attack_limb(lookup);
    if (id.starts_with("t")) return attack_input(lookup);
  }
  const std::string what = id.substr(id.find(' ') + 1);
  if (what == "activation" || what == "one hot") {
    Lie lie;
    lie.output = [](IntTensor& y, std::size_t e) {
      y[e % y.size()] = y[e % y.size()] > 0 ? y[e % y.size()] - 1 : y[e % y.size()] + 1;
    };
    return attack_with(id, lie, {"lookup sum"});
  }
  const auto& body = op(id).body;
  if (std::holds_alternative<quantize::Softmax>(body)) return attack_softmax(id, what);
  if (std::holds_alternative<quantize::Normalize>(body)) return attack_normalize(id, what);
  if (std::holds_alternative<quantize::Extreme>(body)) return attack_extreme(id, what);
  if (std::holds_alternative<quantize::Divide>(body)) return attack_divide(id, what);
  return false;
}

class Rows : public ::testing::TestWithParam<proof::Profile> {};
INSTANTIATE_TEST_SUITE_P(Profiles, Rows, ::testing::Values(proof::Profile::bits100, proof::Profile::bits128),
                         [](const auto& p) { return std::to_string(proof::bits(p.param)); });

TEST_P(Rows, HonestTwinsAreAccepted) {
  for (const NamedSlice& s : row_slices(GetParam())) {
    SCOPED_TRACE(s.name);
    const Outcome o = attack_values(RowAttacker(s).honest());
    EXPECT_TRUE(o.verdict) << o.verdict.reason << " " << o.verdict.where;
    EXPECT_EQ(o.constraints, Ids{});
    EXPECT_EQ(o.checks, Ids{});
  }
}

TEST_P(Rows, EveryConstraintIsBroken) {
  for (const NamedSlice& s : row_slices(GetParam())) {
    RowAttacker attacker(s);
    for (const std::string& id : attacker.relation().constraint_ids()) {
      SCOPED_TRACE(s.name + " > " + id);
      known("constraint", s.name + " > " + id, proof::bits(GetParam()));
      EXPECT_TRUE(attacker.attack_constraint(id)) << "no attack";
    }
  }
}

}  // namespace
}  // namespace dsperse::soundness
