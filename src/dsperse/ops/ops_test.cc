// Constraints of every operator against its integer meaning: complete, and with one solution only.
#include <gtest/gtest.h>

#include <map>
#include <random>

#include "dsperse/ops/constrain.h"
#include "dsperse/proof/testing/evaluate.h"
#include "dsperse/quantize/testing/programs.h"
#include "dsperse/relation/maps.h"
#include "dsperse/relation/rounding.h"
#include "dsperse/relation/testing/checker.h"

namespace dsperse::ops {
namespace {

using crypto::Fp;
using quantize::Function;
using quantize::Program;
using quantize::Requant;
using quantize::TensorId;
using quantize::Window;
using quantize::testing::Builder;
using quantize::testing::simple_requant;
using relation::Kind;
using relation::Lookup;
using relation::Relation;
using relation::TensorRef;
using relation::testing::Assignment;

Relation relation_of(const Program& p, const relation::Options& options, const std::vector<TensorId>& ranged = {}) {
  EXPECT_TRUE(quantize::check_program(p).has_value()) << quantize::check_program(p).error().text();
  auto r = constrain(p, ranged, options);
  EXPECT_TRUE(r.has_value()) << r.error().text();
  return std::move(*r);
}

/// A column of a one-element site as constant + sum of coefficients of the tensors' single elements.
struct Linear {
  Fp constant;
  std::vector<Fp> coef;  // by TensorRef
};
Linear linear(const Relation& relation, const relation::Terms& terms) {
  Assignment zero;
  for (const auto& t : relation.tensors) zero.tensors.emplace_back(static_cast<std::size_t>(quantize::elements(t.shape)));
  Linear out{relation::testing::evaluate(relation, terms, {1}, zero)[0], {}};
  for (TensorRef r = 0; r < relation.tensors.size(); ++r) {
    Assignment unit = zero;
    unit.tensors[r][0] = Fp(1);
    out.coef.push_back(relation::testing::evaluate(relation, terms, {1}, unit)[0] - out.constant);
  }
  return out;
}

/// y -> whether some limbs and top make all lookups hold, for one accumulator; and how many ways there are.
std::map<std::int64_t, int> solutions(const Relation& relation, std::int64_t x) {
  std::vector<std::pair<Fp, int>> partial{{Fp(), 1}};  // value of the activation's first column so far
  const Lookup& activation = relation.lookups.back();
  const Linear v = linear(relation, activation.columns[0]), y = linear(relation, activation.columns[1]);
  partial[0].first = v.constant + v.coef[0] * Fp::from_signed(x);
  for (std::size_t i = 0; i + 1 < relation.lookups.size(); ++i) {  // limbs and the top: each bounds one tensor
    const Lookup& lookup = relation.lookups[i];
    const TensorRef ref = lookup.columns.back()[0].id;
    std::vector<Fp> allowed;
    for (const auto& row : relation.tables[lookup.table].rows)
      if (lookup.columns.size() == 1)
        allowed.push_back(row[0]);
      else if (row[0] == linear(relation, lookup.columns[0]).constant)
        allowed.push_back(row[1]);
    std::vector<std::pair<Fp, int>> next;
    for (const auto& [value, ways] : partial)
      for (const Fp a : allowed) next.emplace_back(value + v.coef[ref] * a, ways);
    partial = std::move(next);
  }
  std::map<std::uint64_t, std::vector<std::int64_t>> rows;
  for (const auto& row : relation.tables[activation.table].rows) rows[row[0].v].push_back(relation::to_signed(row[1]));
  EXPECT_TRUE(y.constant == Fp());
  std::map<std::int64_t, int> out;
  for (const auto& [value, ways] : partial)
    if (const auto it = rows.find(value.v); it != rows.end())
      for (const std::int64_t found : it->second) out[found] += ways;
  return out;
}

/// All accumulators of a small program: exactly one solution, and it is the integer meaning's.
TEST(Requantize, UniqueAndComplete) {
  std::size_t near = 0, far = 0;
  for (const Function f :
       {Function::identity, Function::relu, Function::leaky_relu, Function::clip, Function::sigmoid, Function::table})
    for (const std::int32_t s : {-2, -1, 0, 1, 2, 3, 5})
      for (const std::uint32_t clamp_bits : {0U, 1U, 3U, 5U})
        for (const std::uint32_t limb_bits : {1U, 2U, 16U})
          for (const auto& [wide_rows, top_bits, far_bits] :
               {std::tuple(0U, 0U, 5U), {0U, 1U, 3U}, {0U, 3U, 1U}, {1U << 20, 4U, 0U}}) {
            Builder b;
            Requant r = simple_requant(s, f, 5, f == Function::sigmoid ? 4 : 8);
            r.clamp_bits = clamp_bits;
            for (std::int64_t v = 0; f == Function::table && v < std::int64_t{2} << clamp_bits; ++v)
              r.activation.values.push_back(static_cast<std::int32_t>(v * 7 % 11 - 5));
            const TensorId x = b.input({1}, -35, 33);
            b.sum({{false, x, 3}}, {1}, r);
            const Relation relation = relation_of(b.done(), {limb_bits, wide_rows, top_bits, far_bits});
            (relation.requantizations[0].block == 0 ? near : far) += 1;
            for (std::int64_t value = -35; value <= 33; ++value) {
              const std::int64_t right = proof::testing::activated(r, proof::testing::rounded(r, 3 * value, 0));
              const auto found = solutions(relation, value);
              ASSERT_EQ(found.size(), 1U) << "x " << value << " s " << s << " clamp " << clamp_bits << " limb " << limb_bits
                                          << " top " << top_bits;
              ASSERT_EQ(found.begin()->first, right);
              ASSERT_EQ(found.begin()->second, 1) << "one way alone";
            }
          }
  EXPECT_GT(near, 100U);
  EXPECT_GT(far, 100U);
}

/// Halves round up, also below zero; written out.
TEST(Requantize, HalvesAndSigns) {
  const Requant r = simple_requant(1);
  for (const auto& [acc, v] :
       std::vector<std::pair<std::int64_t, std::int64_t>>{{-4, -2}, {-3, -1}, {-2, -1}, {-1, 0}, {0, 0}, {1, 1}, {2, 1}, {3, 2}})
    EXPECT_EQ(proof::testing::rounded(r, acc, 0), v) << acc;
  Builder b;
  const TensorId x = b.input({1}, -9, 9);
  b.sum({{false, x, 1}}, {1}, r);
  const Relation relation = relation_of(b.done(), {});
  EXPECT_EQ(solutions(relation, -3).begin()->first, -1);
  EXPECT_EQ(solutions(relation, 3).begin()->first, 2);
}

TEST(Rounding, OffsetsReachExactlyOneBlock) {
  for (const std::int64_t c : {1, 2, 4, 8})
    for (const std::int64_t far : {1, 2, 4, 16, 64})
      for (const std::int64_t v_max : {1, 2, 7, 8, 9, 31, 40}) {
        const relation::Saturation s = relation::saturation(v_max, c, far);
        std::vector<std::int64_t> offsets{0};
        for (std::int64_t i = 0; i < s.steps; ++i) offsets.insert(offsets.end(), {s.big - i * far, -(s.big - i * far)});
        for (std::int64_t v = -v_max; v <= v_max; ++v) {
          int ways = 0;
          for (const std::int64_t d : offsets) {
            const std::int64_t u = v + d;
            const bool in =
                (u >= -c && u < c) || (u >= s.big + c && u < s.big + c + far) || (u >= -s.big - c - far && u < -s.big - c);
            ways += in ? 1 : 0;
            if (in) {
              EXPECT_EQ(d, relation::saturating_offset(v, v_max, c, far));
            }
          }
          EXPECT_EQ(ways, 1) << v << " of " << v_max << " clamp " << c << " blocks of " << far;
        }
      }
}

/// Parts of a remainder by themselves: limbs and top add up to it, less the offset in units of 2^s.
TEST(Rounding, PartsAddUp) {
  for (std::int32_t s = -3; s <= 12; ++s)
    for (const std::uint32_t top_bits : {0U, 1U, 4U, 16U})
      for (const std::uint32_t limb_bits : {1U, 3U, 16U}) {
        relation::Requantization r;
        r.shifts = {s}, r.limb_bits = limb_bits, r.top_bits = top_bits, r.v_max = 1 << 15, r.middle = 8, r.block = 16;
        const std::int32_t up = std::max(s, 0), w = relation::top_width(r, 0);
        for (std::int64_t acc = -4095; acc <= 4095; acc += 5) {
          std::int64_t sum = 0;
          for (std::uint32_t i = 0; i < relation::limb_count({up - w}, limb_bits); ++i) {
            const std::int64_t x = relation::remainder_part(r, {"limb", {1}, Kind::limb, 0, i}, 0, acc);
            EXPECT_TRUE(x >= 0 && x < std::int64_t{1} << relation::limb_width(r, 0, i));
            sum += x << (limb_bits * i);
          }
          sum += relation::remainder_part(r, {"top", {1}, Kind::top, 0, 0}, 0, acc) * (std::int64_t{1} << (up - w));
          const std::int64_t a = acc + (s > 0 ? std::int64_t{1} << (s - 1) : 0), v = s > 0 ? a >> s : a * (1 << -s);
          const std::int64_t rest = s > 0 ? a & ((std::int64_t{1} << s) - 1) : 0;
          EXPECT_EQ(sum, rest - relation::saturating_offset(v, r.v_max, r.middle, r.block) * (std::int64_t{1} << up));
        }
      }
}

TEST(Rounding, LimbsSumToTheShift) {
  for (std::int32_t s = -3; s <= 40; ++s)
    for (const std::uint32_t bits : {1U, 7U, 8U, 16U}) {
      std::int64_t sum = 0;
      const std::uint32_t n = relation::limb_count({s}, bits);
      for (std::uint32_t i = 0; i < n; ++i) {
        EXPECT_GT(relation::limb_width(s, bits, i), 0);
        sum += relation::limb_width(s, bits, i);
      }
      EXPECT_EQ(sum, std::max(s, 0));
      EXPECT_EQ(relation::limb_width(s, bits, n), 0);
    }
}

/// Every y other than the maximum is refused, whatever the rises are.
TEST(MaxPool, TheMaximumIsTheOnlySolution) {
  for (const Window& w : {Window{{1, 2}, {1, 1}, {1, 1}, {0, 0}, {0, 0}}, Window{{1, 3}, {1, 1}, {1, 1}, {0, 0}, {0, 0}},
                          Window{{2, 1}, {1, 1}, {1, 1}, {1, 0}, {0, 0}}, Window{{2, 2}, {2, 2}, {1, 1}, {0, 0}, {0, 0}}}) {
    Builder b;
    const std::int64_t lo = -1, hi = 1;
    const quantize::Shape shape{1, w.kernel[0] - w.pad_begin[0], w.kernel[1] - w.pad_begin[1], 1};
    b.maximum(b.input(shape, lo, hi), w);
    const Program p = b.done();
    const Relation relation = relation_of(p, {});
    std::vector<TensorRef> rises;
    for (TensorRef r = 0; r < relation.tensors.size(); ++r)
      if (relation.tensors[r].kind == Kind::relu) rises.push_back(r);
    Assignment a;
    std::size_t cells = 0;
    for (const auto& t : relation.tensors) a.tensors.emplace_back(static_cast<std::size_t>(quantize::elements(t.shape)));
    for (const TensorRef r : rises) cells += a.tensors[r].size();
    ASSERT_LE(cells, 3U);
    std::vector<std::int64_t> x(a.tensors[0].size(), lo);
    for (;;) {
      for (std::size_t i = 0; i < x.size(); ++i) a.tensors[0][i] = Fp::from_signed(x[i]);
      int found = 0;
      for (std::int64_t y = lo - 2; y <= hi + 2; ++y) {
        a.tensors[1][0] = Fp::from_signed(y);
        std::size_t combos = 1;
        for (std::size_t i = 0; i < cells; ++i) combos *= 5;
        for (std::size_t k = 0; k < combos; ++k) {  // rises -1 .. 3
          std::size_t rest = k;
          for (const TensorRef r : rises)
            for (Fp& e : a.tensors[r]) e = Fp::from_signed(static_cast<std::int64_t>(rest % 5) - 1), rest /= 5;
          if (!relation::testing::broken(relation, a).empty()) continue;
          ++found;
          EXPECT_EQ(y, *std::max_element(x.begin(), x.end()));
        }
      }
      EXPECT_EQ(found, 1);
      std::size_t k = 0;
      while (k < x.size() && ++x[k] > hi) x[k++] = lo;
      if (k == x.size()) break;
    }
  }
}

/// Honest traces of random programs satisfy every constraint, by the checker and by the prover's own values.
TEST(Constrain, HonestTracesSatisfyIt) {
  quantize::testing::Rng rng(5);
  int checked = 0;
  for (int i = 0; i < 150; ++i) {
    const Program p = quantize::testing::random_program(rng, 1 + static_cast<std::size_t>(i) % 4);
    const quantize::WeightStore weights = quantize::testing::random_weights(p, rng);
    quantize::TensorStore trace = quantize::testing::random_inputs(p, rng);
    proof::testing::evaluate(p, weights, trace);
    const auto relation =
        constrain(p, p.inputs, {.limb_bits = 1 + static_cast<std::uint32_t>(i) % 9, .wide_rows = i % 2 == 0 ? 0U : 1U << 14});
    if (!relation) {
      EXPECT_EQ(relation.error().kind, ErrorKind::unsupported);
      continue;
    }
    const relation::Values values(*relation, weights, trace);
    EXPECT_EQ(values.missing(), 0U) << i;
    const Assignment a = relation::testing::assignment_of(values);
    for (const auto& lookup : relation->lookups)
      for (const auto& column : lookup.columns)
        EXPECT_EQ(values.evaluate(column, lookup.shape), relation::testing::evaluate(*relation, column, lookup.shape, a))
            << lookup.id;
    EXPECT_EQ(relation::testing::broken(*relation, a), std::set<std::string>{}) << i;
    // The values in bulk are those of the definition.
    const relation::ValueForge nothing;
    const relation::Values defined(*relation, weights, trace, &nothing);
    for (TensorRef r = 0; r < relation->tensors.size(); ++r) {
      ASSERT_EQ(values.tensor(r).size, defined.tensor(r).size);
      for (std::size_t k = 0; k < values.tensor(r).size; ++k)
        ASSERT_EQ(values.tensor(r).at(k), defined.tensor(r).at(k)) << relation->tensors[r].name << " " << k;
    }
    for (std::uint32_t l = 0; l < relation->lookups.size(); ++l)
      for (std::size_t c = 0; c < relation->lookups[l].columns.size(); ++c) {
        ASSERT_EQ(values.column(l, c).size, defined.column(l, c).size);
        for (std::size_t k = 0; k < values.column(l, c).size; ++k)
          ASSERT_EQ(values.column(l, c).at(k), defined.column(l, c).at(k)) << relation->lookups[l].id << " " << k;
      }
    // Multiplicities count the looked-up elements.
    std::int64_t counted = 0, looked_up = 0;
    for (TensorRef r = 0; r < relation->tensors.size(); ++r)
      if (relation->tensors[r].kind == Kind::multiplicity)
        for (std::size_t k = 0; k < values.tensor(r).size; ++k) counted += values.tensor(r).at(k);
    for (const auto& l : relation->lookups) looked_up += quantize::elements(l.shape);
    EXPECT_EQ(counted, looked_up);
    ++checked;
  }
  EXPECT_GE(checked, 60);
}

/// A rounded output that is off by one, and an input beyond its range, are in no table.
TEST(Constrain, WrongTracesAreNoticed) {
  quantize::testing::Rng rng(6);
  int changed = 0;
  for (int i = 0; i < 60; ++i) {
    const Program p = quantize::testing::random_program(rng, 1 + static_cast<std::size_t>(i) % 4);
    const quantize::WeightStore weights = quantize::testing::random_weights(p, rng);
    quantize::TensorStore trace = quantize::testing::random_inputs(p, rng);
    proof::testing::evaluate(p, weights, trace);
    const auto relation = constrain(p, p.inputs, {.limb_bits = 8, .wide_rows = i % 2 == 0 ? 0U : 1U << 14});
    if (!relation) continue;
    for (const quantize::Op& op : p.ops) {
      if (quantize::op_requant(op) == nullptr) continue;
      quantize::TensorStore wrong = trace;
      quantize::IntTensor& y = wrong[quantize::op_output(op)];
      y[static_cast<std::size_t>(i) % y.size()] += i % 2 == 0 ? 1 : -1;
      EXPECT_NE(relation::Values(*relation, weights, wrong).missing(), 0U) << op.name;
      ++changed;
    }
    quantize::TensorStore wrong = trace;
    wrong[p.inputs[0]][0] = static_cast<std::int32_t>(p.tensors[p.inputs[0]].hi + 1);
    EXPECT_NE(relation::Values(*relation, weights, wrong).missing(), 0U) << i;
  }
  EXPECT_GE(changed, 40);
}

TEST(Constrain, CommittedInputsAreRangeChecked) {
  Builder b;
  const TensorId x = b.input({2, 2}, -5, 6), z = b.input({2, 2}, -7, 7);
  b.sum({{false, x, 1}, {false, z, 1}}, {2, 2}, simple_requant(1));
  const Relation relation = relation_of(b.done(), {}, {x});
  EXPECT_EQ(relation.lookups[0].id, "t0 range");
  const auto& table = relation.tables[relation.lookups[0].table];
  EXPECT_EQ(table.rows.size(), 12U);
  EXPECT_TRUE(table.find({Fp::from_signed(-5)}).has_value());
  EXPECT_TRUE(table.find({Fp(6)}).has_value());
  EXPECT_FALSE(table.find({Fp::from_signed(-6)}).has_value());
  EXPECT_FALSE(table.find({Fp(7)}).has_value());
  for (const auto& l : relation.lookups) EXPECT_NE(l.id, "t1 range") << "public inputs are compared in the clear";
}

TEST(Constrain, SharedTables) {  // one table an activation and clamp, of the widest range that any of its users needs
  Builder b;
  const TensorId x = b.input({2, 2}, -5, 5);
  b.sum({{false, x, 1}}, {2, 2}, simple_requant(0));
  b.sum({{false, x, 7}}, {2, 2}, simple_requant(0));
  b.sum({{false, x, 1}}, {2, 2}, simple_requant(0, Function::relu));
  const Relation relation = relation_of(b.done(), {});
  ASSERT_EQ(relation.lookups.size(), 3U);
  EXPECT_EQ(relation.lookups[0].table, relation.lookups[1].table);
  EXPECT_NE(relation.lookups[0].table, relation.lookups[2].table);
  EXPECT_EQ(relation.tables[relation.lookups[0].table].rows.size(), 2U * 37);
}

TEST(Constrain, WrittenTablesAreSharedByTheirValues) {
  Builder b;
  const TensorId x = b.input({2, 2}, -5, 5);
  Requant square = quantize::testing::table_requant(0, [](double v) { return v * v; }, 5, 2);
  b.sum({{false, x, 1}}, {2, 2}, square);
  square.activation.label = "another name", square.activation.in_exponent = 5;
  b.sum({{false, x, 1}}, {2, 2}, square);
  square.activation.values.back() -= 1;
  b.sum({{false, x, 1}}, {2, 2}, square);
  const Relation relation = relation_of(b.done(), {});
  ASSERT_EQ(relation.lookups.size(), 3U);
  EXPECT_EQ(relation.lookups[0].table, relation.lookups[1].table);
  EXPECT_NE(relation.lookups[0].table, relation.lookups[2].table);
}

/// A product of two tensors, one product of a tensor with itself, a sum: the letters and views are the program's.
TEST(Constrain, Contractions) {
  Builder b;
  const TensorId x = b.input({2, 3, 4}, -9, 9), z = b.input({2, 5, 4}, -9, 9);
  quantize::Contract c;
  c.letters = {2, 3, 5, 4}, c.kept = 3;
  c.a = quantize::testing::factor(x, {2, 3, 4}, {0, 1, 3});
  c.b = quantize::testing::factor(z, {2, 5, 4}, {0, 2, 3});
  b.contract(c, {2, 15}, simple_requant(3));
  b.reduce({x, 0, {4, 2, 3}, 1, {2, 3, 4}, {{0, {{1, 1}}}, {0, {{2, 1}}}, {0, {{0, 1}}}}, 5, {}}, {4}, simple_requant(3));
  const Relation relation = relation_of(b.done(), {});
  ASSERT_EQ(relation.products.size(), 1U);
  const relation::Product& p = relation.products[0];
  EXPECT_EQ(p.shape, (quantize::Shape{2, 3, 5}));
  EXPECT_EQ(p.a.tensor, x);
  EXPECT_EQ(p.b.tensor, z);
  const auto bound = relation::shared_letters<2>(p);
  EXPECT_EQ(bound.shared, (std::vector<std::uint32_t>{0, 3}));  // batch and inner letter
  EXPECT_EQ(bound.vars, 3U);
  const auto& sum = relation.requantizations.at(1);
  EXPECT_EQ(sum.shape, (quantize::Shape{4}));
  EXPECT_EQ(sum.acc.at(0).extra, (quantize::Shape{2, 3}));
  EXPECT_EQ(sum.acc.at(0).scalar, Fp(5));
}

std::string refusal(const Program& p, const relation::Options& options) {
  EXPECT_TRUE(quantize::check_program(p).has_value()) << quantize::check_program(p).error().text();
  const auto r = constrain(p, {}, options);
  EXPECT_FALSE(r.has_value());
  if (r) return {};
  EXPECT_EQ(r.error().kind, ErrorKind::unsupported);
  EXPECT_FALSE(r.error().hint.empty());
  return r.error().what;
}

/// Sizes that a hostile key could ask for are refused before any table is made.
TEST(Constrain, RefusesWhatDoesNotFit) {
  const auto scaled = [](std::int64_t coef, std::int32_t shift, std::uint32_t clamp_bits) {
    Builder b;
    Requant r = simple_requant(shift, Function::identity, 12);
    r.clamp_bits = clamp_bits;
    b.sum({{false, b.input({1}, -65535, 65535), coef}}, {1}, r);
    return b.done();
  };
  const std::int64_t big = std::int64_t{1} << 40;
  EXPECT_NE(refusal(scaled(big, 0, 0), {}).find("far beyond the clamp"), std::string::npos);
  EXPECT_NE(refusal(scaled(big, 0, 11), {8, UINT64_MAX}).find("far beyond the clamp"), std::string::npos);
  EXPECT_NE(refusal(scaled(big, 0, 11), {}).find("far beyond the clamp"), std::string::npos);
  EXPECT_NE(refusal(scaled(1 << 20, 0, 11), {8, 1ULL << 40}).find("far beyond the clamp"), std::string::npos);
  // 2^s times the largest |v| that the saturating tables let through reaches p / 2.
  Builder w;
  Requant near = simple_requant(44, Function::identity, 12);
  near.clamp_bits = 14;
  w.sum(std::vector<quantize::Sum::Term>(20, {false, w.input({1}, -65535, 65535), big}), {1}, near);
  EXPECT_NE(refusal(w.done(), {8, 0}).find("too large for the proof field"), std::string::npos);
  Builder b;  // 2^25 lookups
  const TensorId x = b.input({1 << 25}, -1, 1);
  b.sum({{false, x, 1}}, {1 << 25}, simple_requant(0, Function::identity, 4));
  EXPECT_NE(refusal(b.done(), {}).find("lookups, more than 2^25"), std::string::npos);
  Builder t;  // tables of several ops together
  const TensorId y = t.input({1}, -65535, 65535);
  for (std::int32_t e = 0; e < 3; ++e)
    t.sum({{false, y, 3}}, {1}, simple_requant(0, Function::identity, 10 + static_cast<unsigned>(e)));
  EXPECT_NE(refusal(t.done(), {8, 1U << 20}).find("2^20 rows"), std::string::npos);
}

/// Where nothing is refused, the no-wrap inequality holds: recomputed from the tables that were made.
TEST(Constrain, NoWrap) {
  quantize::testing::Rng rng(8);
  for (int i = 0; i < 60; ++i) {
    const Program p = quantize::testing::random_program(rng, 3);
    const auto relation = constrain(p, {}, {.wide_rows = i % 2 == 0 ? 0U : 1U << 14});
    if (!relation) continue;
    for (const auto& r : relation->requantizations) {
      const quantize::Op& op = p.ops[r.op];
      const __int128 bound = quantize::accumulator_bound(p, op).value();
      for (const Lookup& l : relation->lookups) {
        if (l.id != op.name + " activation") continue;
        __int128 largest = 0, top = 0;
        for (const auto& row : relation->tables[l.table].rows)
          largest = std::max<__int128>(largest, std::abs(relation::to_signed(row[0])));
        for (const Lookup& o : relation->lookups)
          if (o.id == op.name + " top")
            for (const auto& row : relation->tables[o.table].rows)
              top = std::max<__int128>(top, std::abs(relation::to_signed(row[1]) >> relation::to_signed(row[0])));
        for (const std::int32_t s : r.shifts) {
          const __int128 unit = static_cast<__int128>(1) << std::max(s, 0), half_p = crypto::kP / 2;
          EXPECT_LT((bound << std::max(-s, 0)) + unit, half_p);
          EXPECT_LT((largest + top) * unit, half_p);
        }
      }
    }
  }
}

}  // namespace
}  // namespace dsperse::ops
