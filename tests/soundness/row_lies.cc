// The lies of RowAttacker: for each constraint of the ops over rows one that breaks it, with all that follows made to follow.
#include <algorithm>
#include <numeric>

#include "dsperse/quantize/rows.h"
#include "dsperse/relation/rounding.h"
#include "one_slice.h"
#include "row_attacker.h"

namespace dsperse::soundness {

using quantize::IntTensor;
using relation::Fp;
using relation::Kind;
using relation::TensorRef;
using relation::Values;

/// A limb that is 2^width too large, or too small; what is above takes it up.
bool RowAttacker::attack_limb(const relation::Lookup& lookup) {
  const TensorRef limb = lookup.columns[1][0].id;
  const auto& t = relation_.tensors[limb];
  const auto& r = relation_.requantizations[t.index];
  bool done = false;
  for (const std::int64_t sign : {1, -1}) {
    Lie lie;
    lie.late = [=, &r](Values& v, std::size_t e) {
      std::vector<std::int64_t>& x = v.own(limb);
      e %= x.size();
      x[e] += sign * (std::int64_t{1} << relation::limb_width(r, 0, t.step));
      if (relation::limb_width(r, 0, t.step + 1) != 0 || relation::top_width(r, 0) != 0) v.own(limb + 1)[e] -= sign;
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
    bind(worst);
    Ids checks{"lookup sum"};
    for (const auto& identity : relation_.identities)
      if (fewest.contains(identity.id)) checks.insert(identity.id);
    found_(lookup.id, worst, [&] { return attack_values(worst); }, fewest, checks);
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

}  // namespace dsperse::soundness
