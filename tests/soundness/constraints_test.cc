// For every constraint that the operators make, a forged proof that breaks just that one. An id without an attack fails.
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <optional>

#include "dsperse/crypto/poly/verifier_math.h"
#include "dsperse/proof/slice_argument.h"
#include "dsperse/relation/rounding.h"
#include "slices.h"
#include "tally.h"

namespace dsperse::soundness {
namespace {

using quantize::IntTensor;
using quantize::TensorId;
using relation::Kind;
using relation::Relation;
using relation::TensorRef;
using relation::Values;

SliceCase fresh(const NamedSlice& s) {
  auto c = make_case(s.program, s.options);
  EXPECT_TRUE(c.has_value()) << c.error().text();
  return std::move(*c);
}

/// Ids that hold lookups of ops' limbs, offsets, activations are "<op name> <part>".
bool ends_with(const std::string& s, const std::string& tail) { return s.size() >= tail.size() && s.ends_with(tail); }

class Attacker {
 public:
  explicit Attacker(const NamedSlice& slice) : slice_(slice), relation_(proof::slice_relation(fresh(slice).key).value()) {}

  /// The id's attack, or false if there is none.
  bool attack_constraint(const std::string& id) {
    for (std::uint32_t i = 0; i < relation_.lookups.size(); ++i)
      if (relation_.lookups[i].id == id) return attack_lookup(i);
    for (const auto& identity : relation_.identities)
      if (identity.id == id) return force_output(identity.terms[0].id - n_weights(), id, {id});
    for (std::uint32_t i = 0; i < relation_.products.size(); ++i)
      if (relation_.products[i].id == id)
        return slice_.options.profile == proof::Profile::bits100 ? attack_product<2>(i) : attack_product<3>(i);
    return false;
  }

  [[nodiscard]] const Relation& relation() const { return relation_; }

 private:
  void expect(const std::function<Outcome()>& attack, const Ids& constraints, const Ids& checks) const {
    expect_broken(slice_.name, proof::bits(slice_.options.profile), attack, constraints, checks);
  }
  /// Constraints that these values break, without proving anything.
  [[nodiscard]] Ids broken_by(const SliceCase& c, const relation::ValueForge& forge = {}) const {
    return relation::testing::broken(relation_, relation::testing::assignment_of(Values(relation_, c.weights, c.trace, &forge)));
  }
  [[nodiscard]] std::uint32_t n_weights() const { return static_cast<std::uint32_t>(slice_.program.weights.size()); }

  bool attack_lookup(std::uint32_t i) {
    const relation::Lookup& lookup = relation_.lookups[i];
    if (ends_with(lookup.id, " range") || ends_with(lookup.id, " range low") || ends_with(lookup.id, " range high"))
      return input_out_of_range(i);
    if (lookup.id.find(" limb ") != std::string::npos) return range_limb(i);
    if (lookup.id.find(" remainder ") != std::string::npos) return remainder(i);
    if (ends_with(lookup.id, " top")) return top(i);
    if (ends_with(lookup.id, " activation"))
      return force_output(lookup.columns[1][0].id - n_weights(), lookup.id, {"lookup sum"});
    if (lookup.id.find(" tap ") != std::string::npos) return tap(i);
    return false;
  }

  /// One element of the output of the op that makes `t` is off by one; everything later follows from it honestly.
  bool force_output(TensorId t, const std::string& id, const Ids& checks) {
    SliceCase c = fresh(slice_);
    const quantize::TensorSpec& spec = slice_.program.tensors[t];
    c.run([&](std::uint32_t op, IntTensor& y) {
      if (quantize::op_output(slice_.program.ops[op]) == t) y[y.size() / 2] += y[y.size() / 2] < spec.hi ? 1 : -1;
    });
    c.restate();
    expect([&] { return attack_values(c); }, {id}, checks);
    return true;
  }

  bool input_out_of_range(std::uint32_t i) {
    const TensorId t = relation_.lookups[i].columns[0][0].id - n_weights();
    const quantize::TensorSpec& spec = slice_.program.tensors[t];
    // A side of a split range catches what is beyond it; one side alone has all numbers of its bits.
    std::vector<std::int64_t> beyond{spec.hi + 1, spec.lo - 1};
    if (ends_with(relation_.lookups[i].id, " high")) beyond = {spec.hi + 1};
    const bool one_side = std::has_single_bit(static_cast<std::uint64_t>(spec.hi - spec.lo + 1));
    if (ends_with(relation_.lookups[i].id, " low") && !one_side) beyond = {spec.lo - 1};
    std::size_t done = 0;
    for (const std::int64_t bad : beyond) {
      SliceCase c = fresh(slice_);
      const quantize::TensorStore honest = c.trace;
      for (std::size_t e = 0; e < honest[t].size(); ++e) {
        c.trace = honest;
        c.trace[t][e] = static_cast<std::int32_t>(bad);
        c.run();
        const Ids broken = broken_by(c);
        // Mostly some element is not beyond the tables that follow, too; the last one is taken as it is.
        if (broken.size() > 1 && e + 1 < honest[t].size()) continue;
        EXPECT_TRUE(broken.contains(relation_.lookups[i].id));
        c.restate();
        expect([&] { return attack_values(c); }, broken, {"lookup sum"});
        ++done;
        break;
      }
    }
    EXPECT_EQ(done, beyond.size()) << relation_.lookups[i].id;
    return done == beyond.size();
  }

  /// One limb of a range is 2^width too large, or too small; what is above takes it up.
  bool range_limb(std::uint32_t i) {
    const TensorRef limb = relation_.lookups[i].columns[1][0].id;
    const relation::Tensor& tensor = relation_.tensors[limb];
    const relation::Requantization& r = relation_.requantizations[tensor.index];
    int done = 0;
    for (const std::int64_t sign : {1, -1})
      for (std::size_t e = 0; e < static_cast<std::size_t>(quantize::elements(r.shape)); ++e) {
        const SliceCase c = fresh(slice_);
        const relation::ValueForge forge{.tensors = [&](Values& values) {
          values.own(limb)[e] += sign * (std::int64_t{1} << relation::limb_width(r, 0, tensor.step));
          if (relation::limb_width(r, 0, tensor.step + 1) != 0) values.own(limb + 1)[e] -= sign;
        }};
        if (broken_by(c, forge) != Ids{relation_.lookups[i].id}) continue;  // what is above left its table
        expect([&] { return attack_values(c, forge); }, {relation_.lookups[i].id}, {"lookup sum"});
        ++done;
        break;
      }
    EXPECT_EQ(done, 2) << relation_.lookups[i].id;
    return done == 2;
  }

  /// One limb is 2^width, or -1: the limb or top above takes it up, or v does and y follows.
  bool remainder(std::uint32_t i) {
    const relation::Lookup& lookup = relation_.lookups[i];
    const TensorRef limb = lookup.columns[1][0].id;
    const relation::Tensor& tensor = relation_.tensors[limb];
    const relation::Requantization& r = relation_.requantizations[tensor.index];
    const quantize::Op& op = slice_.program.ops[r.op];
    const quantize::Requant& requant = *quantize::op_requant(op);
    int done = 0;
    for (const bool up : {true, false}) {
      for (std::size_t e = 0; e < static_cast<std::size_t>(quantize::elements(r.shape)); ++e) {
        const std::size_t entry = e % r.shifts.size();
        const std::int64_t width = relation::limb_width(r, entry, tensor.step);
        if (width == 0) continue;
        std::optional<TensorRef> above;
        if (relation::limb_width(r, entry, tensor.step + 1) != 0)
          above = limb + 1;
        else if (relation::top_width(r, entry) != 0)
          above = tensor_named(relation_, op.name + " top");
        SliceCase c = fresh(slice_);
        if (!above) {  // 2^s more in r is one less in v
          const relation::testing::Assignment a = relation::testing::assignment_of(Values(relation_, c.weights, c.trace));
          const std::int64_t acc = relation::to_signed(relation::testing::evaluate(relation_, r.acc, r.shape, a)[e]);
          const std::int64_t v = proof::testing::rounded(requant, acc, e % r.shifts.size()) + (up ? -1 : 1);
          c.run([&](std::uint32_t j, IntTensor& y) {
            if (j == r.op) y[e] = static_cast<std::int32_t>(proof::testing::activated(requant, v));
          });
          c.restate();
        }
        const relation::ValueForge forge{.tensors = [&](Values& values) {
          values.own(limb)[e] += up ? std::int64_t{1} << width : -(std::int64_t{1} << width);
          if (above) values.own(*above)[e] += up ? -1 : 1;
        }};
        if (broken_by(c, forge) != Ids{lookup.id}) continue;  // what is above left its range, or v its table: another element
        expect([&] { return attack_values(c, forge); }, {lookup.id}, {"lookup sum"});
        ++done;
        break;
      }
    }
    EXPECT_EQ(done, 2) << lookup.id;
    return done == 2;
  }

  /// An offset of no saturation step that brings v into another block, or a remainder of 2^s; y follows from there.
  bool top(std::uint32_t i) {
    const relation::Lookup& lookup = relation_.lookups[i];
    const TensorRef ref = lookup.columns[1][0].id;
    const relation::Requantization& r = relation_.requantizations[relation_.tensors[ref].index];
    const quantize::Requant& requant = *quantize::op_requant(slice_.program.ops[r.op]);
    const relation::Saturation sat = relation::saturation(r.v_max, r.middle, r.block);
    int done = 0;
    bool carried = false;
    for (const int kind : {0, 1, 2, 3}) {  // to the upper block, to the lower one, to the middle, one less
      SliceCase c = fresh(slice_);
      const relation::testing::Assignment a = relation::testing::assignment_of(Values(relation_, c.weights, c.trace));
      const std::vector<relation::Fp> acc = relation::testing::evaluate(relation_, r.acc, r.shape, a);
      for (std::size_t e = 0; e < acc.size(); ++e) {
        const std::int64_t v = proof::testing::rounded(requant, relation::to_signed(acc[e]), e % r.shifts.size());
        const bool saturated = v < -r.middle || v >= r.middle;
        if (saturated != (kind == 2)) continue;
        const std::int64_t m = r.middle;
        const std::int64_t u = kind == 0 ? sat.big + m : kind == 1 ? -sat.big - m - 1 : kind == 2 ? m - 1 : v - 1;
        if (kind == 3 && u < -m) continue;
        const std::int64_t lie = proof::testing::activated(requant, kind == 0 ? m - 1 : kind == 1 ? -m : u);
        if (lie == proof::testing::activated(requant, v)) continue;  // the same y: no lie
        c.run([&](std::uint32_t j, IntTensor& y) {
          if (j == r.op) y[e] = static_cast<std::int32_t>(lie);
        });
        c.restate();
        const std::int64_t step = std::int64_t{1} << relation::top_width(r, e % r.shifts.size());
        const std::int64_t more = (relation::saturating_offset(v, r.v_max, r.middle, r.block) - (u - v)) * step;
        expect([&] { return attack_values(c, {.tensors = [&](Values& values) { values.own(ref)[e] += more; }}); }, {lookup.id},
               {"lookup sum"});
        if (kind == 3)
          carried = true;
        else
          ++done;
        break;
      }
    }
    EXPECT_GE(done, 2) << lookup.id;
    EXPECT_TRUE(carried) << lookup.id;
    return done >= 2 && carried;
  }

  /// The rise of one tap is too large; what comes after it follows.
  bool tap(std::uint32_t i) {
    const relation::Lookup& lookup = relation_.lookups[i];
    const relation::Term& rise = lookup.columns[1][0];
    if (relation_.tensors[rise.id].kind == Kind::value) return force_output(rise.id - n_weights(), lookup.id, {"lookup sum"});
    const auto n = static_cast<std::size_t>(quantize::elements(lookup.shape));
    for (std::size_t e = 0; e < n; ++e) {
      const SliceCase c = fresh(slice_);
      const relation::ValueForge forge{.tensors = [&](Values& values) {
        values.own(rise.id)[e] += 1;
        for (TensorRef ref = rise.id + 1; ref < relation_.tensors.size(); ++ref) {
          if (relation_.tensors[ref].kind != Kind::relu) continue;
          const auto& later = relation_.lookups[relation_.tensors[ref].index];
          const auto d = values.evaluate(later.columns[0], later.shape);
          auto& out = values.own(ref);
          for (std::size_t k = 0; k < out.size(); ++k) out[k] = std::max<std::int64_t>(0, relation::to_signed(d[k]));
        }
      }};
      if (broken_by(c, forge) != Ids{lookup.id}) continue;  // the maximum changed, too
      expect([&] { return attack_values(c, forge); }, {lookup.id}, {"lookup sum"});
      return true;
    }
    return false;
  }

  /// Three checks: the sumcheck's end, and the claim on each factor.
  template <int D>
  bool attack_product(std::uint32_t index) {
    const relation::Product& product = relation_.products[index];
    if (!false_accumulator<D>(index, product.id)) return false;
    if (product.a.tensor == product.b.tensor) return other_input<D>(index, product, true, true);
    return other_factor<D>(index, product, false) && other_factor<D>(index, product, true);
  }

  /// One accumulator is one too large, its remainder takes it up, and the hidden value of the product says what the leaves need.
  template <int D>
  bool false_accumulator(std::uint32_t index, const std::string& id) {
    using E = crypto::Ext<D>;
    const auto& r = *std::find_if(relation_.requantizations.begin(), relation_.requantizations.end(), [&](const auto& q) {
      return std::any_of(q.acc.begin(), q.acc.end(),
                         [&](const auto& t) { return t.of == relation::Term::Of::product && t.id == index; });
    });
    const auto lookup = static_cast<std::uint32_t>(
        std::find_if(relation_.lookups.begin(), relation_.lookups.end(),
                     [&](const auto& l) { return l.id == slice_.program.ops[r.op].name + " activation"; }) -
        relation_.lookups.begin());
    // What holds the remainder's lowest bits: in a top they are those of a number below zero, too.
    const auto is_limb = [&](const relation::Tensor& t) {
      return t.kind == Kind::limb && &relation_.requantizations[t.index] == &r;
    };
    const bool limbs = std::any_of(relation_.tensors.begin(), relation_.tensors.end(), is_limb);
    const TensorRef lowest = tensor_named(relation_, slice_.program.ops[r.op].name + (limbs ? " remainder 0" : " top"));
    const relation::LeafCube cube = relation::leaf_cube(relation_);
    const auto block = *std::find_if(cube.blocks.begin(), cube.blocks.end(), [&](const auto& b) { return b.lookup == lookup; });
    const SliceCase c = fresh(slice_);
    const auto lie = [&] {
      std::size_t cell = 0;
      SliceForge<D> forge;
      forge.values.tensors = [&](Values& values) {
        std::vector<std::int64_t>& out = values.own(lowest);
        const auto fits = [&](std::size_t e) {
          const std::size_t entry = e % r.shifts.size();
          const std::int64_t width = limbs ? relation::limb_width(r, entry, 0) : relation::top_width(r, entry);
          const std::int64_t size = std::int64_t{1} << width;
          return (out[e] & (size - 1)) + 1 < size;
        };
        while (!fits(cell)) ++cell;
        values.product(index)[cell] += 1;
        out[cell] += 1;
      };
      std::vector<E> point, xs;
      forge.argument.challenge = [&](std::string_view label, E& x) {
        if (label == "lambda") xs.clear();
        if (label == "x") xs.push_back(x);
        if (label == "mu") {
          point.assign(1, x);
          point.insert(point.end(), xs.begin(), xs.end());
        }
      };
      // Blocks in cube order, columns in order: the accumulators of the requantizations come in the order of their blocks.
      std::vector<std::uint32_t> order;
      for (const auto& b : cube.blocks)
        for (const auto& column : relation_.lookups[b.lookup].columns)
          for (const auto& t : column)
            if (t.of == relation::Term::Of::product) order.push_back(t.id);
      std::size_t seen = 0;
      forge.argument.hidden = [&](std::string_view label, std::uint32_t, E& value) {
        if (label != "accumulator" || order[seen++] != index) return;
        std::size_t rest = cell, address = 0;
        unsigned shift = 0;
        E weight = E::one();
        const relation::Shape& site = relation_.lookups[lookup].shape;
        const relation::Terms& terms = relation_.lookups[lookup].columns[0];
        for (std::size_t k = site.size(); k-- > 0;) {
          const auto n = static_cast<std::size_t>(site[k]);
          for (const auto& t : terms)
            if (t.of == relation::Term::Of::product && t.id == index)
              for (const auto& s : t.scales)
                if (s.letter == k) weight = weight * s.values[rest % n];
          address += rest % n << shift;
          shift += relation::bits_for(n);
          rest /= n;
        }
        value += weight * crypto::eq_at<D>(std::span<const E>(point).first(block.vars), address);
      };
      return attack<D>(c, std::move(forge));
    };
    expect(lie, {id}, {id});
    return true;
  }

  template <int D>
  bool other_factor(std::uint32_t index, const relation::Product& product, bool in_b) {
    if ((in_b ? product.b : product.a).tensor < n_weights()) return other_weights<D>(index, product, in_b);
    return other_input<D>(index, product, !in_b, in_b);
  }

  /// The product reads, as one factor or as both, an input that is one larger in one element than the committed one.
  template <int D>
  bool other_input(std::uint32_t index, const relation::Product& product, bool in_a, bool in_b) {
    const TensorRef ref = (in_a ? product.a : product.b).tensor;
    const TensorId t = ref - n_weights();
    SliceCase c = fresh(slice_);
    IntTensor honest = c.trace[t], lie = honest;
    lie[0] += lie[0] < slice_.program.tensors[t].hi ? 1 : -1;
    if (const auto in = std::find(slice_.program.inputs.begin(), slice_.program.inputs.end(), t);
        in != slice_.program.inputs.end()) {
      c.trace[t] = lie;
      c.run();
    } else {
      c.run([&](std::uint32_t op, IntTensor& y) {
        if (quantize::op_output(slice_.program.ops[op]) == t)
          honest = y, lie = y, lie[0] += lie[0] < slice_.program.tensors[t].hi ? 1 : -1, y = lie;
      });
    }
    c.restate();
    for (std::size_t i = 0; i < c.key.ports().size(); ++i)
      if (c.key.ports()[i].tensor == t) c.commit_port(i, honest);
    SliceForge<D> forge;
    forge.values.tensors = [&](Values& values) { values.own(ref).assign(honest.begin(), honest.end()); };
    forge.schedule.factor = [&](std::uint32_t i, bool is_b, relation::IntView view) {
      return i == index && (is_b ? in_b : in_a) ? relation::IntView(std::span<const std::int32_t>(lie)) : view;
    };
    Ids checks;
    if (in_a) checks.insert(product.id + " a");
    if (in_b) checks.insert(product.id + " b");
    expect([&] { return attack<D>(c, forge); }, {product.id}, checks);
    return true;
  }

  /// The prover's weights are not the committed ones.
  template <int D>
  bool other_weights(std::uint32_t, const relation::Product& product, bool in_b) {
    SliceCase c = fresh(slice_);
    auto& w = c.weights[(in_b ? product.b : product.a).tensor].narrow;
    w[0] = static_cast<std::int16_t>(w[0] > 0 ? w[0] - 1 : w[0] + 1);
    c.run();
    c.restate();
    expect([&] { return attack<D>(c); }, {product.id}, {product.id + (in_b ? " b" : " a")});
    return true;
  }

  NamedSlice slice_;
  Relation relation_;
};

class Constraints : public ::testing::TestWithParam<proof::Profile> {};
INSTANTIATE_TEST_SUITE_P(Profiles, Constraints, ::testing::Values(proof::Profile::bits100, proof::Profile::bits128),
                         [](const auto& p) { return std::to_string(proof::bits(p.param)); });

TEST_P(Constraints, HonestTwinsAreAccepted) {
  for (const NamedSlice& s : attack_slices(GetParam())) {
    SCOPED_TRACE(s.name);
    const Outcome o = attack_values(fresh(s));
    EXPECT_TRUE(o.verdict) << o.verdict.reason << " " << o.verdict.where;
    EXPECT_EQ(o.constraints, Ids{});
    EXPECT_EQ(o.checks, Ids{});
  }
}

TEST_P(Constraints, EachIsBrokenAlone) {
  std::size_t lookups = 0, identities = 0, products = 0;
  for (const NamedSlice& s : attack_slices(GetParam())) {
    Attacker attacker(s);
    const std::vector<std::string> ids = attacker.relation().constraint_ids();
    EXPECT_EQ(std::set(ids.begin(), ids.end()).size(), ids.size()) << "ids are distinct";
    for (const std::string& id : ids) {
      SCOPED_TRACE(s.name + " > " + id);
      known("constraint", s.name + " > " + id, proof::bits(GetParam()));
      EXPECT_TRUE(attacker.attack_constraint(id)) << "no attack";
    }
    lookups += attacker.relation().lookups.size();
    identities += attacker.relation().identities.size();
    products += attacker.relation().products.size();
  }
  EXPECT_GE(lookups, 30U);
  EXPECT_GE(identities, 3U);
  EXPECT_GE(products, 5U);
}

}  // namespace
}  // namespace dsperse::soundness
