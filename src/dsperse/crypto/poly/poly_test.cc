#include <gtest/gtest.h>

#include "dsperse/base/cpu.h"
#include "dsperse/base/parallel.h"
#include "dsperse/crypto/poly/multilinear.h"
#include "dsperse/crypto/poly/testing/naive.h"
#include "dsperse/crypto/poly/verifier_math.h"

namespace dsperse::crypto {
namespace {

using testing::Rng;

/// Sizes around blocks and chunks (one chunk of folding in place is 2^14 or 2^15 elements).
const std::size_t kSizes[] = {2, 4, 6, 8, 10, 16, 24, 32, 64, 100, 1024, 4096 + 32};

template <class Degree>
class PolyTest : public ::testing::Test {
 public:
  static constexpr int kDegree = Degree::value;
  using Element = Ext<kDegree>;

  /// On every kernel that this CPU has.
  static void each_kernel(const std::function<void()>& body) {
    const Kernel before = kernel();
    for (const Kernel k : {Kernel::scalar, Kernel::avx2, Kernel::avx512}) {
      if (static_cast<int>(k) > static_cast<int>(best_kernel())) continue;
      SCOPED_TRACE(kernel_name(k));
      force_kernel(k);
      body();
    }
    force_kernel(before);
  }
  /// The words beyond the end of the last block are zero.
  static bool tail_is_zero(const ExtVec<kDegree>& v) {
    if (v.blocks() == 0) return true;
    for (std::size_t i = v.size(); i < v.blocks() * kLanes; ++i)
      if (v[i] != Element{}) return false;
    return true;
  }
  static void expect_equal(const ExtVec<kDegree>& got, const std::vector<Element>& want) {
    ASSERT_EQ(got.size(), want.size());
    EXPECT_TRUE(testing::unpack(got) == want);
    EXPECT_TRUE(tail_is_zero(got));
  }
  static Element line_at_two(const Element& a, const Element& b) { return b + b - a; }

  Rng rng{7};
};

using Degrees = ::testing::Types<std::integral_constant<int, 2>, std::integral_constant<int, 3>>;
TYPED_TEST_SUITE(PolyTest, Degrees);

TYPED_TEST(PolyTest, EqTable) {
  constexpr int D = TestFixture::kDegree;
  TestFixture::each_kernel([&] {
    for (const std::size_t vars : {0U, 1U, 2U, 3U, 4U, 5U, 9U, 14U}) {
      const auto point = testing::random_exts<D>(this->rng, vars);
      const auto scale = testing::random_ext<D>(this->rng);
      std::vector<Ext<D>> want(std::size_t{1} << vars);
      for (std::size_t i = 0; i < want.size(); ++i) want[i] = scale * testing::naive_eq<D>(point, i);
      TestFixture::expect_equal(eq_table<D>(point, scale), want);
    }
  });
}

TYPED_TEST(PolyTest, FoldAndSums) {
  constexpr int D = TestFixture::kDegree;
  TestFixture::each_kernel([&] {
    for (const std::size_t n : kSizes) {
      SCOPED_TRACE(n);
      const auto a = testing::random_exts<D>(this->rng, n), b = testing::random_exts<D>(this->rng, n);
      const auto x = testing::random_ext<D>(this->rng);
      ExtVec<D> t = testing::pack(a);
      fold(t, x);
      TestFixture::expect_equal(t, testing::naive_fold(a, x));
      t = testing::pack(a);
      sum_pairs(t);
      std::vector<Ext<D>> sums(n / 2);
      for (std::size_t i = 0; i < n / 2; ++i) sums[i] = a[2 * i] + a[2 * i + 1];
      TestFixture::expect_equal(t, sums);
      t = testing::pack(a);
      add_scaled(t, testing::pack(b), x);
      std::vector<Ext<D>> scaled(a);
      for (std::size_t i = 0; i < n; ++i) scaled[i] += testing::naive_mul(b[i], x);
      TestFixture::expect_equal(t, scaled);
    }
  });
}

TYPED_TEST(PolyTest, Inner) {
  constexpr int D = TestFixture::kDegree;
  TestFixture::each_kernel([&] {
    for (const std::size_t n : {1U, 5U, 8U, 13U, 100U, 4099U, 9000U}) {
      SCOPED_TRACE(n);
      const auto a = testing::random_exts<D>(this->rng, n), b = testing::random_exts<D>(this->rng, n);
      std::vector<Fp> base(n);
      for (Fp& x : base) x = testing::random_fp(this->rng);
      Ext<D> want, want_base;
      for (std::size_t i = 0; i < n; ++i) {
        want += testing::naive_mul(a[i], b[i]);
        want_base += b[i] * base[i];
      }
      EXPECT_TRUE(inner(testing::pack(a), testing::pack(b)) == want);
      EXPECT_TRUE(inner<D>(std::span<const Fp>(base), testing::pack(b)) == want_base);
      EXPECT_TRUE(inner<D>(std::span<const Fp>(base).first(n / 2), testing::pack(b)) ==
                  inner<D>(std::span<const Fp>(base).first(n / 2),
                           testing::pack(std::vector<Ext<D>>(b.begin(), b.begin() + static_cast<long>(n / 2)))));
    }
  });
}

/// A row of n random symbols of this type, extremes among them.
template <class T>
std::vector<T> random_row(testing::Rng& rng, std::size_t n) {
  std::vector<T> row(n);
  for (T& x : row) {
    if constexpr (std::is_same_v<T, Fp>) {
      x = rng() % 4 == 0 ? Fp(kP - 1) : testing::random_fp(rng);
    } else {
      x = static_cast<T>(rng());
      if (rng() % 8 == 0) x = rng() % 2 == 0 ? std::numeric_limits<T>::min() : std::numeric_limits<T>::max();
    }
  }
  return row;
}

TYPED_TEST(PolyTest, ContractRuns) {
  constexpr int D = TestFixture::kDegree;
  const auto check = [&]<class T>(T, std::size_t width, std::size_t n) {
    const std::vector<T> row = random_row<T>(this->rng, n * width);
    const Symbols symbols(row.data());
    const auto eq = testing::random_exts<D>(this->rng, width);
    for (const std::size_t first : {0U, 8U, 5U}) {
      auto want = testing::random_exts<D>(this->rng, first + n + (first == 0 ? 0 : 2));
      ExtVec<D> out = testing::pack(want);
      for (std::size_t i = 0; i < n; ++i) {
        want[first + i] = {};
        for (std::size_t j = 0; j < width; ++j) want[first + i] += eq[j] * symbols.at(i * width + j);
      }
      contract_runs<D>(symbols, row.size(), testing::pack(eq), out, first);
      TestFixture::expect_equal(out, want);
    }
  };
  TestFixture::each_kernel([&] {
    for (const std::size_t width : {8U, 32U, 256U})
      for (const std::size_t n : {1U, 3U, 8U, 20U}) {
        check(Fp(), width, n);
        check(std::int16_t{}, width, n);
        check(std::int32_t{}, width, n);
        check(std::int64_t{}, width, n);
      }
  });
}

/// Rows of all widths in one sum.
TYPED_TEST(PolyTest, AccumulateRowsOfMixedWidths) {
  constexpr int D = TestFixture::kDegree;
  const std::size_t before = threads();
  TestFixture::each_kernel([&] {
    for (const std::size_t length : {1U, 8U, 77U, 2061U}) {
      std::vector<std::vector<std::int16_t>> a;
      std::vector<std::vector<std::int32_t>> b;
      std::vector<std::vector<std::int64_t>> c;
      std::vector<std::vector<Fp>> d;
      for (int i = 0; i < 11; ++i) {
        a.push_back(random_row<std::int16_t>(this->rng, length));
        b.push_back(random_row<std::int32_t>(this->rng, length));
        c.push_back(random_row<std::int64_t>(this->rng, length));
        d.push_back(random_row<Fp>(this->rng, length));
      }
      std::vector<Symbols> rows;
      for (std::size_t i = 0; i < 11; ++i)
        for (const Symbols& s : {Symbols(a[i].data()), Symbols(b[i].data()), Symbols(c[i].data()), Symbols(d[i].data())})
          rows.push_back(s);
      const auto weights = testing::random_exts<D>(this->rng, rows.size());
      auto want = testing::random_exts<D>(this->rng, length);
      ExtVec<D> out = testing::pack(want);
      for (std::size_t i = 0; i < rows.size(); ++i)
        for (std::size_t k = 0; k < length; ++k) want[k] += weights[i] * rows[i].at(k);
      accumulate_rows<D>(out, weights, std::span<const Symbols>(rows), length);
      TestFixture::expect_equal(out, want);
      // Many short rows: threads share the rows.
      const std::vector<Symbols> many(600, rows[3]);
      const std::vector<Ext<D>> ones(many.size(), Ext<D>::one());
      set_threads(2);
      accumulate_rows<D>(out, ones, std::span<const Symbols>(many), length);
      set_threads(before);
      for (std::size_t k = 0; k < length; ++k) want[k] += Ext<D>(rows[3].at(k) * Fp(600));
      TestFixture::expect_equal(out, want);
      add_scaled_at<D>(out, 0, testing::pack(want), -Ext<D>::one());
      TestFixture::expect_equal(out, std::vector<Ext<D>>(length));
    }
  });
}

/// The largest digits everywhere: late reduction must not overflow.
TYPED_TEST(PolyTest, LateReductionHoldsTheLargestValues) {
  constexpr int D = TestFixture::kDegree;
  Ext<D> top;
  for (const std::uint64_t v : {kP - 1, kP - (std::uint64_t{1} << 32), kEpsilon}) {
    for (Fp& limb : top.c) limb = Fp(v);
    TestFixture::each_kernel([&] {
      const std::size_t n = 2 * 512 * 8;
      const std::vector<Ext<D>> a(n, top);
      const Ext<D> square = testing::naive_mul(top, top);
      EXPECT_TRUE(inner(testing::pack(a), testing::pack(a)) == square * Fp(n));
      const auto g = quadratic_round(testing::pack(a), testing::pack(a));
      EXPECT_TRUE(g[0] == square * Fp(n / 2));
      EXPECT_TRUE(g[1] == square * Fp(n / 2));
      std::vector<Fp> row(16, Fp(v));
      const std::vector<const Fp*> rows(1500, row.data());
      const std::vector<Ext<D>> weights(rows.size(), top);
      ExtVec<D> out(16);
      accumulate_rows<D>(out, weights, std::span<const Fp* const>(rows), 16);
      EXPECT_TRUE(out[15] == top * Fp(v) * Fp(1500));
    });
  }
}

TYPED_TEST(PolyTest, QuadraticRounds) {
  constexpr int D = TestFixture::kDegree;
  const auto reference = [&](const std::vector<Ext<D>>& a, const std::vector<Ext<D>>& b) {
    std::array<Ext<D>, 2> g;
    for (std::size_t i = 0; i < a.size() / 2; ++i) {
      g[0] += testing::naive_mul(a[2 * i], b[2 * i]);
      g[1] +=
          testing::naive_mul(TestFixture::line_at_two(a[2 * i], a[2 * i + 1]), TestFixture::line_at_two(b[2 * i], b[2 * i + 1]));
    }
    return g;
  };
  TestFixture::each_kernel([&] {
    for (const std::size_t n : kSizes) {
      SCOPED_TRACE(n);
      const auto a = testing::random_exts<D>(this->rng, n), b = testing::random_exts<D>(this->rng, n);
      EXPECT_TRUE(quadratic_round(testing::pack(a), testing::pack(b)) == reference(a, b));
      if (n % 4 != 0) continue;
      const auto x = testing::random_ext<D>(this->rng);
      ExtVec<D> ta = testing::pack(a), tb = testing::pack(b);
      const auto fa = testing::naive_fold(a, x), fb = testing::naive_fold(b, x);
      EXPECT_TRUE(fold_quadratic_round(ta, tb, x) == reference(fa, fb));
      TestFixture::expect_equal(ta, fa);
      TestFixture::expect_equal(tb, fb);
    }
  });
}

TYPED_TEST(PolyTest, AccumulateRows) {
  constexpr int D = TestFixture::kDegree;
  using E = Ext<D>;
  const auto check = [&]<class T>(T, std::size_t n, std::size_t length) {
    std::vector<std::vector<T>> data(n);
    std::vector<const T*> rows;
    for (auto& row : data) {
      row.resize(length + 1);
      for (T& x : row) {
        if constexpr (std::is_same_v<T, Fp>) {
          x = testing::random_fp(this->rng);
        } else {
          x = static_cast<T>(this->rng());
          if (this->rng() % 8 == 0) x = this->rng() % 2 == 0 ? std::numeric_limits<T>::min() : std::numeric_limits<T>::max();
        }
      }
      rows.push_back(row.data() + 1);  // not aligned
    }
    const auto weights = testing::random_exts<D>(this->rng, n);
    auto want = testing::random_exts<D>(this->rng, length + 3);
    ExtVec<D> out = testing::pack(want);
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t k = 0; k < length; ++k) {
        if constexpr (std::is_same_v<T, Fp>)
          want[k] += weights[i] * rows[i][k];
        else
          want[k] += weights[i] * E::from_signed(rows[i][k]);
      }
    accumulate_rows<D>(out, std::span<const E>(weights), std::span<const T* const>(rows), length);
    TestFixture::expect_equal(out, want);
  };
  TestFixture::each_kernel([&] {
    for (const std::size_t n : {0U, 1U, 7U, 8U, 21U})
      for (const std::size_t length : {1U, 8U, 13U, 64U, 2061U}) {
        check(Fp(), n, length);
        check(std::int16_t{}, n, length);
        check(std::int32_t{}, n, length);
      }
    check(std::int16_t{}, 2500, 9);
    check(std::int32_t{}, 2500, 9);
  });
}

/// Sizes beyond one chunk, so that folds in place go in waves: every kernel and both numbers of threads agree.
TYPED_TEST(PolyTest, LargeTablesAgreeOnKernelsAndThreads) {
  constexpr int D = TestFixture::kDegree;
  using E = Ext<D>;
  const std::size_t n = std::size_t{1} << 17;
  const auto a = testing::random_exts<D>(this->rng, n), b = testing::random_exts<D>(this->rng, n);
  const auto x = testing::random_ext<D>(this->rng);
  const auto want = testing::naive_fold(a, x);
  std::vector<std::array<E, 2>> seen;
  const std::size_t before = threads();
  TestFixture::each_kernel([&] {
    for (const std::size_t t : {1U, 3U}) {
      set_threads(t);
      ExtVec<D> ta = testing::pack(a), tb = testing::pack(b);
      seen.push_back({inner(ta, tb), E{}});
      const auto g = fold_quadratic_round(ta, tb, x);
      seen.back()[0] += g[0];
      seen.back()[1] += g[1];
      EXPECT_TRUE(testing::unpack(ta) == want);
      EXPECT_TRUE(seen.back() == seen.front());
    }
  });
  set_threads(before);
}

TYPED_TEST(PolyTest, VerifierMath) {
  constexpr int D = TestFixture::kDegree;
  using E = Ext<D>;
  const auto point = testing::random_exts<D>(this->rng, 7);
  const std::span<const E> p(point);
  const auto table = eq_values<D>(p);
  ASSERT_EQ(table.size(), 128U);
  for (std::size_t i = 0; i < 128; ++i) {
    EXPECT_TRUE(table[i] == testing::naive_eq<D>(p, i));
    EXPECT_TRUE(eq_at<D>(p, i) == table[i]);
  }
  EXPECT_TRUE(eq_at<D>(p, 128) == E{});
  EXPECT_TRUE(eq_at<D>(p.first(0), 0) == E::one());
  for (const auto& [begin, end] :
       std::vector<std::pair<std::uint64_t, std::uint64_t>>{{0, 128}, {3, 4}, {5, 77}, {63, 66}, {9, 9}, {100, 128}}) {
    const auto range = eq_range<D>(p, begin, end);
    ASSERT_EQ(range.size(), end - begin);
    for (std::size_t i = 0; i < range.size(); ++i) EXPECT_TRUE(range[i] == table[begin + i]);
  }
  const auto long_point = testing::random_exts<D>(this->rng, 12);
  const auto weights = testing::random_exts<D>(this->rng, 3000);
  for (const auto& [begin, size] : std::vector<std::pair<std::uint64_t, std::size_t>>{
           {0, 0}, {0, 1}, {7, 1}, {511, 2}, {0, 512}, {100, 3000}, {1096, 3000}}) {
    E want;
    for (std::size_t i = 0; i < size; ++i) want += weights[i] * eq_at<D>(long_point, begin + i);
    EXPECT_TRUE(eq_inner<D>(long_point, begin, std::span(weights).first(size)) == want) << begin << ", " << size;
  }
  EXPECT_TRUE(eq_inner<D>(p.first(0), 0, std::span(weights).first(1)) == weights[0]);
  auto values = testing::random_exts<D>(this->rng, 50);
  for (E& v : values)
    if (v == E{}) v = E::one();
  auto inverses = values;
  ASSERT_TRUE(invert_all<D>(std::span<E>(inverses)));
  for (std::size_t i = 0; i < values.size(); ++i) EXPECT_TRUE(values[i] * inverses[i] == E::one());
  inverses = values;
  inverses[17] = E{};
  EXPECT_FALSE(invert_all<D>(std::span<E>(inverses)));
  EXPECT_TRUE(inner<D>(std::span<const E>(values), std::span<const E>(values)) ==
              inner(testing::pack(values), testing::pack(values)));
  EXPECT_TRUE(invert_all<D>(std::span<E>{}));
  std::vector<E> runs;
  std::vector<std::size_t> ends;
  for (const std::size_t size : {1UL, 2UL, 3UL, 4UL, 5UL, 300UL, 1UL, 40UL}) {
    const auto line = testing::random_exts<D>(this->rng, 2);
    E x = line[0];
    for (std::size_t i = 0; i < size; ++i, x += line[1]) runs.push_back(x);
    ends.push_back(runs.size());
  }
  inverses = runs;
  ASSERT_TRUE(invert_progressions<D>(std::span<E>(inverses), ends));
  for (std::size_t i = 0; i < runs.size(); ++i) EXPECT_TRUE(runs[i] * inverses[i] == E::one()) << i;
  for (std::size_t i = 20; i < 300; ++i) runs[i] = E::from_signed(150 - static_cast<std::int64_t>(i));
  EXPECT_FALSE(invert_progressions<D>(std::span<E>(runs).subspan(20, 280), std::vector<std::size_t>{280})) << "one is zero";
  EXPECT_TRUE(invert_progressions<D>(std::span<E>{}, {}));
}

}  // namespace
}  // namespace dsperse::crypto
