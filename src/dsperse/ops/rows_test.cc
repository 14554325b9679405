// The ops over rows: constraints against their integer meaning. Complete, with one solution only, and equal on every path that
// makes values: interpreter, slow interpreter, prover in bulk and in F.
#include "dsperse/quantize/rows.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "dsperse/ops/constrain.h"
#include "dsperse/quantize/testing/row_programs.h"
#include "dsperse/relation/testing/checker.h"
#include "dsperse/run/integer.h"
#include "dsperse/run/testing/slow_run.h"

namespace dsperse::ops {
namespace {

using crypto::Fp;
using quantize::Program;
using quantize::Requant;
using quantize::TensorId;
using quantize::TensorStore;
using quantize::testing::Builder;
using quantize::testing::simple_requant;
using relation::Kind;
using relation::Relation;
using relation::TensorRef;
using relation::testing::Assignment;

Relation relation_of(const Program& p, const relation::Options& options = {}) {
  EXPECT_TRUE(quantize::check_program(p).has_value()) << quantize::check_program(p).error().text();
  auto r = constrain(p, {}, options);
  EXPECT_TRUE(r.has_value()) << r.error().text();
  return std::move(*r);
}

TensorStore run_slowly(const Program& p, const quantize::WeightStore& w, TensorStore trace) {
  const auto s = run::testing::slow_run(p, w, trace);
  EXPECT_TRUE(s) << s.error().text();
  return trace;
}

void expect_same_values(const Relation& relation, const quantize::WeightStore& weights, const TensorStore& trace) {
  const relation::ValueForge nothing;
  const relation::Values bulk(relation, weights, trace), field(relation, weights, trace, &nothing);
  EXPECT_EQ(bulk.missing(), 0U);
  EXPECT_EQ(field.missing(), 0U);
  for (TensorRef r = 0; r < relation.tensors.size(); ++r) {
    ASSERT_EQ(bulk.tensor(r).size, field.tensor(r).size);
    for (std::size_t k = 0; k < bulk.tensor(r).size; ++k)
      ASSERT_EQ(bulk.tensor(r).at(k), field.tensor(r).at(k)) << relation.tensors[r].name << " " << k;
  }
  for (std::uint32_t l = 0; l < relation.lookups.size(); ++l)
    for (std::size_t c = 0; c < relation.lookups[l].columns.size(); ++c)
      for (std::size_t k = 0; k < bulk.column(l, c).size; ++k)
        ASSERT_EQ(bulk.column(l, c).at(k), field.column(l, c).at(k)) << relation.lookups[l].id << " " << k;
}

TEST(Rows, HonestTracesSatisfyTheConstraints) {
  quantize::testing::Rng rng(1);
  std::map<std::string, int> seen;
  for (int i = 0; i < 60; ++i) {
    SCOPED_TRACE(i);
    const Program p = quantize::testing::random_row_program(rng, 1 + static_cast<std::size_t>(i) % 4);
    const quantize::WeightStore weights = quantize::testing::random_weights(p, rng);
    const TensorStore inputs = quantize::testing::random_inputs(p, rng), trace = run_slowly(p, weights, inputs);
    TensorStore fast = inputs;
    const auto runner = run::IntegerRunner::create(p, weights);
    ASSERT_TRUE(runner && runner->run(fast));
    ASSERT_EQ(fast, trace);
    for (const auto& op : p.ops) ++seen[op.onnx_type];
    const auto relation =
        constrain(p, p.inputs, {.limb_bits = 1 + static_cast<std::uint32_t>(i) % 16, .wide_rows = i % 2 == 0 ? 0U : 1U << 14});
    if (!relation) {
      EXPECT_EQ(relation.error().kind, ErrorKind::unsupported) << relation.error().text();
      continue;
    }
    expect_same_values(*relation, weights, trace);
    const relation::Values values(*relation, weights, trace);
    EXPECT_EQ(relation::testing::broken(*relation, relation::testing::assignment_of(values)), std::set<std::string>{});
    // What an honest run may hold is declared, and held.
    for (const auto& t : relation->tensors)
      if (t.kind == Kind::row) {
        const auto& part = relation->row_ops[t.index].parts()[t.step];
        const auto ref = static_cast<TensorRef>(&t - relation->tensors.data());
        for (std::size_t k = 0; k < values.tensor(ref).size; ++k) {
          ASSERT_GE(values.tensor(ref).at(k), part.lo) << t.name;
          ASSERT_LE(values.tensor(ref).at(k), part.hi) << t.name;
        }
      }
  }
  for (const char* type : {"ArgMax", "ReduceMax", "Softmax", "LayerNormalization", "Div", "OneHot"})
    EXPECT_GE(seen[type], 4) << type;
}

/// Every wrong output leaves something unsatisfied, with all auxiliary tensors as the prover makes them.
TEST(Rows, WrongOutputsAreNoticed) {
  quantize::testing::Rng rng(2);
  int changed = 0;
  for (int i = 0; i < 60; ++i) {
    const Program p = quantize::testing::random_row_program(rng, 2);
    const quantize::WeightStore weights = quantize::testing::random_weights(p, rng);
    const TensorStore trace = run_slowly(p, weights, quantize::testing::random_inputs(p, rng));
    const auto relation = constrain(p, p.inputs, {});
    if (!relation) continue;
    for (const quantize::Op& op : p.ops) {
      const TensorId y = quantize::op_output(op);
      bool read = false;
      for (const quantize::Op& other : p.ops)
        for (const TensorId x : quantize::op_inputs(other)) read = read || x == y;
      if (read) continue;
      TensorStore wrong = trace;
      wrong[y][static_cast<std::size_t>(i) % wrong[y].size()] += i % 2 == 0 ? 1 : -1;
      const relation::ValueForge nothing;
      const relation::Values values(*relation, weights, wrong, &nothing);
      EXPECT_FALSE(relation::testing::broken(*relation, relation::testing::assignment_of(values)).empty()) << op.onnx_type;
      ++changed;
    }
  }
  EXPECT_GE(changed, 50);
}

// Uniqueness, exhaustively at small sizes: for given inputs, all assignments of chosen cells; what follows linearly is solved.

struct Cell {
  TensorRef tensor;
  std::size_t at;
};

/// All assignments of the cells from lo..hi; calls f with each.
void each_assignment(Assignment& a, const std::vector<Cell>& cells, std::int64_t lo, std::int64_t hi,
                     const std::function<void()>& f, std::size_t k = 0) {
  if (k == cells.size()) return f();
  for (std::int64_t v = lo; v <= hi; ++v) {
    a.tensors[cells[k].tensor][cells[k].at] = Fp::from_signed(v);
    each_assignment(a, cells, lo, hi, f, k + 1);
  }
}

void each_row(std::size_t n, std::int64_t lo, std::int64_t hi, const std::function<void(const std::vector<std::int32_t>&)>& f) {
  std::vector<std::int32_t> x(n, static_cast<std::int32_t>(lo));
  for (;;) {
    f(x);
    std::size_t k = 0;
    while (k < n && ++x[k] > hi) x[k++] = static_cast<std::int32_t>(lo);
    if (k == n) return;
  }
}

Assignment zeros(const Relation& relation) {
  Assignment a;
  for (const auto& t : relation.tensors) a.tensors.emplace_back(static_cast<std::size_t>(quantize::elements(t.shape)));
  return a;
}

/// Every value of stair, extreme and output but one breaks something.
TEST(Extreme, OneSolution) {
  for (const bool minimum : {false, true})
    for (const int kind : {0, 1, 2}) {
      Builder b;
      quantize::testing::add_extreme(b, b.input({3}, -1, 1), 3, minimum, kind != 0, kind == 2);
      const Program p = b.done();
      const Relation relation = relation_of(p);
      Assignment a = zeros(relation);
      std::vector<Cell> cells{{1, 0}};
      for (TensorRef r = 2; r < relation.tensors.size(); ++r)
        for (std::size_t i = 0; relation.tensors[r].kind == Kind::row && i < a.tensors[r].size(); ++i) cells.push_back({r, i});
      each_row(3, -1, 1, [&](const std::vector<std::int32_t>& x) {
        for (std::size_t i = 0; i < 3; ++i) a.tensors[0][i] = Fp::from_signed(x[i]);
        const std::int32_t right = run_slowly(p, {}, {x, {}})[1][0];
        int found = 0;
        each_assignment(a, cells, -2, 3, [&] {
          if (!relation::testing::broken(relation, a).empty()) return;
          ++found;
          EXPECT_EQ(a.tensors[1][0], Fp::from_signed(right));
        });
        EXPECT_EQ(found, 1) << x[0] << " " << x[1] << " " << x[2] << " kind " << kind;
      });
    }
}

TEST(OneHot, OneSolution) {
  Builder b;
  quantize::testing::add_one_hot(b, b.input({1}, 0, 2, 0), 4);
  const Relation relation = relation_of(b.done());
  Assignment a = zeros(relation);
  for (std::int64_t x = 0; x <= 2; ++x) {
    a.tensors[0][0] = Fp::from_signed(x);
    int found = 0;
    each_assignment(a, {{1, 0}, {1, 1}, {1, 2}, {1, 3}}, -1, 2, [&] {
      if (!relation::testing::broken(relation, a).empty()) return;
      ++found;
      for (std::int64_t j = 0; j < 4; ++j) EXPECT_EQ(a.tensors[1][static_cast<std::size_t>(j)], Fp(j == x ? 1U : 0U));
    });
    EXPECT_EQ(found, 1);
  }
}

/// x mod p lies in [0, 2^bits).
bool below(Fp x, unsigned bits) { return x.v < std::uint64_t{1} << bits; }

/// The field equations of a reciprocal, for every inv that its range lets through, and every sum.
TEST(Softmax, TheReciprocalIsUnique) {
  const unsigned k = 3, a = 5, K = 9;
  for (std::int64_t sum = 1; sum <= 1 << a; ++sum) {
    int found = 0;
    for (std::int64_t inv = 0; inv < 1 << (K - k + 1); ++inv) {
      const Fp rest = Fp(1U << K) - Fp::from_signed(inv * sum);
      if (!below(rest, a) || !below(Fp::from_signed(sum - 1) - rest, a)) continue;
      ++found;
      EXPECT_EQ(inv, (1 << K) / sum);
    }
    EXPECT_EQ(found, sum >= 1 << k ? 1 : found);  // sums below 2^k do not occur: their reciprocal may be out of range
  }
}

/// The inverse root: one d for every V, whatever d its range lets through, also where products wrap mod p.
TEST(Normalize, TheRootIsUnique) {
  for (const auto& [k, v] : {std::pair(10U, 6U), std::pair(12U, 12U), std::pair(8U, 3U)}) {
    const unsigned gap = (k + v + 1) / 2 + 2;
    for (std::int64_t V = 1; V <= std::int64_t{1} << v; ++V) {
      int found = 0;
      for (std::int64_t d = 0; d < std::int64_t{1} << (k / 2 + 1); ++d) {
        const Fp root_v = Fp::from_signed(d) * Fp::from_signed(V), alpha = Fp::from_signed(1 << k) - Fp::from_signed(d) * root_v;
        const Fp beta = Fp(2) * root_v + Fp::from_signed(V - 1) - alpha;
        if (!below(alpha, gap) || !below(beta, gap)) continue;
        ++found;
        EXPECT_LE(d * d * V, 1 << k);
        EXPECT_GT((d + 1) * (d + 1) * V, 1 << k);
        EXPECT_EQ(d, quantize::square_root(static_cast<std::uint64_t>((1 << k) / V)));
      }
      EXPECT_EQ(found, 1) << V;
    }
  }
}

/// The integer root does not depend on how a float rounds: squares and their neighbours up to the largest.
TEST(Normalize, IntegerRoots) {
  const auto expect = [](std::uint64_t n) {
    const auto root = static_cast<std::uint64_t>(quantize::square_root(n));
    EXPECT_LE(root * root, n);
    EXPECT_TRUE(root == UINT32_MAX || (root + 1) * (root + 1) > n) << n;
  };
  std::uint64_t k = 1;
  for (int i = 0; i < 4000; ++i, k = (k * 6364136223846793005ULL + 1442695040888963407ULL) & UINT32_MAX)
    for (const std::uint64_t n : {k * k - 1, k * k, k * k + 1}) expect(n);
  for (const std::uint64_t n : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{2}, std::uint64_t{1} << 52,
                                (std::uint64_t{1} << 53) + 1, std::uint64_t{UINT32_MAX} * UINT32_MAX, UINT64_MAX - 1, UINT64_MAX})
    expect(n);
}

TEST(Divide, OneSolution) {
  Builder b;
  const TensorId x = b.input({1}, -3, 3), by = b.input({1}, 1, 4);
  quantize::testing::add_divide(b, x, by, {1}, 1, simple_requant(0, quantize::Function::identity, 3));
  const Program p = b.done();
  const Relation relation = relation_of(p);
  Assignment a = zeros(relation);
  for (std::int64_t n = -3; n <= 3; ++n)
    for (std::int64_t d = 1; d <= 4; ++d) {
      a.tensors[0][0] = Fp::from_signed(n), a.tensors[1][0] = Fp::from_signed(d);
      const std::int32_t right = run_slowly(p, {}, {{static_cast<std::int32_t>(n)}, {static_cast<std::int32_t>(d)}, {}})[2][0];
      const std::int64_t q = quantize::rounded_quotient(n, d, 1);
      EXPECT_EQ(q, static_cast<std::int64_t>(std::floor(2.0 * static_cast<double>(n) / static_cast<double>(d) + 0.5)));
      EXPECT_EQ(right, std::clamp<std::int64_t>(q, -3, 3));
      int found = 0;
      for (std::int64_t y = -5; y <= 5; ++y)
        for (std::int64_t quotient = -8; quotient <= 8; ++quotient)
          for (std::int64_t rest = -1; rest <= 8; ++rest) {
            a.tensors[2][0] = Fp::from_signed(y), a.tensors[3][0] = Fp::from_signed(quotient),
            a.tensors[4][0] = Fp::from_signed(rest);
            a.products.clear();
            for (const auto& product : relation.products) a.products.push_back(relation::testing::multiply(product, a));
            if (!relation::testing::broken(relation, a).empty()) continue;
            ++found;
            EXPECT_EQ(y, right);
            EXPECT_EQ(quotient, q);
          }
      EXPECT_EQ(found, 1) << n << " / " << d;
    }
}

}  // namespace
}  // namespace dsperse::ops
