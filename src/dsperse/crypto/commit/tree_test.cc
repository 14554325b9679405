// Tree against the schoolbook commitment, on every instruction set and several thread counts.
#include "dsperse/crypto/commit/tree.h"

#include <gtest/gtest.h>

#include <limits>
#include <ostream>

#include "dsperse/base/blocks.h"
#include "dsperse/base/cpu.h"
#include "dsperse/base/parallel.h"
#include "dsperse/crypto/commit/testing/reference.h"
#include "dsperse/crypto/hash/hash.h"

namespace dsperse::crypto {

static void PrintTo(const Code& code, std::ostream* out) { *out << "c=" << code.c << " r=" << code.r << " log_n=" << code.log_n; }

namespace {

const Digest kSeed = hash(Bytes{1, 2, 3});

std::vector<std::vector<Fp>> random_rows(const Code& code, std::size_t rows) {
  std::vector<std::vector<Fp>> out(rows, std::vector<Fp>(code.k()));
  for (std::size_t i = 0; i < rows; ++i) {
    SeedStream(kSeed, "row", i).fill(std::span(out[i]));
    if (i == 1) std::fill(out[i].begin(), out[i].end(), Fp(kP - 1));  // the largest element everywhere
    if (i == 2) std::fill(out[i].begin(), out[i].end(), Fp());
  }
  return out;
}

Tree commit(const Code& code, const std::vector<std::vector<Fp>>& rows, Codewords codewords = Codewords::kept) {
  return Tree::commit(code, testing::tableau(code, rows), kSeed, codewords);
}

/// Restores kernel and threads after a test that changes them.
class EveryKernel : public ::testing::Test {
 protected:
  ~EveryKernel() override {
    force_kernel(best_kernel());
    set_threads(threads_);
  }
  template <class Body>
  void each(Body body) {
    for (const Kernel level : {Kernel::scalar, Kernel::avx2, Kernel::avx512}) {
      if (level > best_kernel()) continue;
      force_kernel(level);
      SCOPED_TRACE(kernel_name(level));
      body();
    }
  }
  const std::size_t threads_ = threads();
};

struct Case {
  Code code;
  std::size_t rows;
};
// Every first radix (2, 4, 8, 16), no pass at all, cosets below a group of 16, n below a group, pads longer than the data,
// n = kd, partial tiles, and column lengths around the ends of BLAKE3 chunks (120 rows fill the first, 128 each later one). The
// last four are large enough to share cosets between threads.
const Case kCases[] = {
    {{0, 0, 0}, 3},   {{0, 1, 2}, 9},   {{1, 0, 1}, 1},   {{1, 3, 3}, 8},   {{2, 1, 4}, 17},  {{3, 5, 5}, 10},
    {{4, 3, 6}, 16},  {{4, 20, 5}, 5},  {{4, 0, 4}, 9},   {{5, 32, 7}, 11}, {{5, 70, 7}, 7},  {{6, 10, 8}, 1},
    {{7, 33, 8}, 8},  {{8, 5, 9}, 12},  {{9, 40, 11}, 3}, {{3, 2, 5}, 119}, {{3, 2, 5}, 120}, {{3, 2, 5}, 121},
    {{4, 2, 6}, 248}, {{4, 2, 6}, 249}, {{4, 2, 6}, 376}, {{4, 2, 6}, 377}, {{5, 1, 6}, 640}, {{2, 1, 4}, 2300},
    {{4, 1, 5}, 0},   {{3, 2, 9}, 130}, {{4, 2, 8}, 300}, {{5, 1, 7}, 640}, {{6, 9, 11}, 33},
};

TEST_F(EveryKernel, GivesTheRootOfTheSchoolbookCommitment) {
  for (const Case& c : kCases) {
    const auto rows = random_rows(c.code, c.rows);
    const Digest expected = testing::reference_levels(c.code, rows, kSeed).back()[0];
    each([&] {
      for (const std::size_t n : {1UL, 2UL, 3UL, 4UL})
        for (const Codewords codewords : {Codewords::kept, Codewords::recomputed}) {
          set_threads(n);
          ASSERT_EQ(to_hex(commit(c.code, rows, codewords).root()), to_hex(expected))
              << ::testing::PrintToString(c.code) << ", " << c.rows << " rows, " << n << " threads";
        }
    });
  }
}

TEST_F(EveryKernel, OpensLikeTheSchoolbookCommitment) {
  const Code code{5, 9, 7};
  const auto rows = random_rows(code, 131);
  std::vector<std::uint32_t> all(code.n());
  for (std::uint32_t i = 0; i < all.size(); ++i) all[i] = i;
  const std::vector<std::vector<std::uint32_t>> choices = {{0}, {127}, {63, 64}, {0, 1}, {2, 3, 5, 40, 41, 42, 43, 127}, all};
  for (const auto& indices : choices) {
    const Opening expected = testing::reference_open(code, rows, kSeed, indices);
    each([&] {
      for (const Codewords codewords : {Codewords::kept, Codewords::recomputed}) {
        const Tree tree = commit(code, rows, codewords);
        EXPECT_EQ(tree.codewords(), codewords);
        const Opening opening = tree.open(indices);
        EXPECT_EQ(opening.rows, 131U);
        EXPECT_EQ(opening.columns, expected.columns);
        EXPECT_EQ(opening.salts, expected.salts);
        EXPECT_EQ(opening.path, expected.path);
        const Verdict verdict = check_opening(code, tree.root(), indices, opening);
        EXPECT_TRUE(verdict) << verdict.reason;
      }
    });
  }
}

TEST_F(EveryKernel, AgreesAtFullSize) {
  // Too large for the schoolbook: the passes of real codes, checked by opened columns against evaluation at their points.
  for (const Code& code :
       {Code{10, 151, 12}, Code{11, 302, 12}, Code{12, 151, 14}, Code{13, 3000, 15}, Code{14, 453, 16}, Code{8, 2912, 13}}) {
    const auto rows = random_rows(code, 9);
    std::vector<Digest> roots;
    each([&] {
      for (const std::size_t n_threads : {1UL, 2UL}) {
        set_threads(n_threads);
        const Tree tree = commit(code, rows);
        roots.push_back(tree.root());
        const auto n = static_cast<std::uint32_t>(code.n());
        const std::vector<std::uint32_t> indices = {0, 1, 2, 3, n / 4 + 5, n / 2 - 1, n - 2, n - 1};
        const Opening opening = tree.open(indices);
        for (std::size_t i = 0; i < indices.size(); ++i) {
          const std::vector<Fp> expected = testing::reference_column(code, rows, indices[i]);
          ASSERT_TRUE(std::ranges::equal(opening.column(i), expected))
              << ::testing::PrintToString(code) << " column " << indices[i];
        }
        EXPECT_TRUE(check_opening(code, tree.root(), indices, opening));
      }
    });
    for (const Digest& root : roots) EXPECT_EQ(root, roots[0]) << ::testing::PrintToString(code);
  }
}

/// Any columns of any code: a tree without codewords opens as one that has them.
TEST_F(EveryKernel, RecomputedCodewordsOpenAlike) {
  std::uint64_t random = 1;
  for (const Case& c : kCases) {
    const auto rows = random_rows(c.code, c.rows);
    for (const std::size_t share : {1UL, 3UL, 20UL}) {
      std::vector<std::uint32_t> indices;
      for (std::uint32_t i = 0; i < c.code.n(); ++i)
        if ((random = random * 6364136223846793005U + 1) >> 33 < (std::uint64_t{1} << 31) / share) indices.push_back(i);
      each([&] {
        const Opening kept = commit(c.code, rows).open(indices),
                      again = commit(c.code, rows, Codewords::recomputed).open(indices);
        EXPECT_EQ(again.columns, kept.columns) << ::testing::PrintToString(c.code) << ", " << c.rows << " rows";
        EXPECT_EQ(again.salts, kept.salts);
        EXPECT_EQ(again.path, kept.path);
      });
    }
  }
}

/// A row of integers stands for their remainders mod p.
template <class T>
void expect_widths_agree(const Code& code) {
  std::vector<std::vector<T>> integers(21, std::vector<T>(code.kd()));
  std::vector<std::vector<Fp>> rows(integers.size(), std::vector<Fp>(code.k()));
  std::vector<TableauRow> narrow;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    SeedStream stream(kSeed, "integers", i);
    stream.fill(std::span(rows[i]));
    for (std::size_t j = 0; j < code.kd(); ++j) {
      T& x = integers[i][j];
      x = static_cast<T>(stream.u64());
      if (j % 5 == 0) x = j % 2 == 0 ? std::numeric_limits<T>::min() : std::numeric_limits<T>::max();
      rows[i][j] = Fp::from_signed(x);
    }
    narrow.push_back({Symbols(integers[i].data()), rows[i].data() + code.kd()});
    if (i % 7 == 3) narrow.back().data = Symbols(rows[i].data());  // widths mixed in a tile
  }
  EXPECT_EQ(to_hex(Tree::commit(code, narrow, kSeed).root()), to_hex(commit(code, rows).root()));
}
TEST_F(EveryKernel, ReadsRowsOfAnyWidth) {
  for (const Code& code : {Code{2, 3, 4}, Code{6, 11, 8}, Code{8, 70, 10}})
    each([&] {
      expect_widths_agree<std::int16_t>(code);
      expect_widths_agree<std::int32_t>(code);
      expect_widths_agree<std::int64_t>(code);
    });
}

/// tree_bytes against what the tree and its making take from the block store (which counts blocks above a megabyte).
TEST_F(EveryKernel, TakesTheMemoryThatIsStated) {
  const Code code{12, 151, 14};
  const auto rows = random_rows(code, 200);
  set_threads(1);
  constexpr double kMega = 1 << 20;
  for (const Codewords codewords : {Codewords::kept, Codewords::recomputed}) {
    const TreeBytes stated = tree_bytes(code, rows.size(), codewords, 1);
    release_blocks();
    const std::size_t before = block_use().live;
    const Tree tree = commit(code, rows, codewords);
    EXPECT_NEAR(static_cast<double>(block_use().live - before) / kMega, static_cast<double>(stated.held) / kMega, 4);
    EXPECT_NEAR(static_cast<double>(block_use().most - before) / kMega, static_cast<double>(stated.held + stated.commit) / kMega,
                4);
    EXPECT_EQ(stated.open == 0, codewords == Codewords::kept);
    if (codewords == Codewords::recomputed) {
      EXPECT_LT(8 * stated.held, tree_bytes(code, rows.size(), Codewords::kept, 1).held);
    }
  }
}

TEST(Tree, RootOfASmallTableauIsFixed) {
  // Changing it changes the format: docs/protocol/commitments.md.
  const Code code{4, 3, 6};
  std::vector<std::vector<Fp>> rows(10, std::vector<Fp>(code.k()));
  for (std::size_t i = 0; i < rows.size(); ++i)
    for (std::size_t j = 0; j < code.k(); ++j) rows[i][j] = Fp(1000 * i + j);
  const Tree tree = Tree::commit(code, testing::tableau(code, rows), Digest{});
  EXPECT_EQ(to_hex(tree.root()), "4aa8c8b979358b042070e52719967b2b2799dd6a30c63709ecbc29c5992090cb");
}

TEST(Tree, SaltsHideEqualColumns) {
  const Code code{4, 3, 6};
  const std::vector<std::vector<Fp>> rows(3, std::vector<Fp>(code.k(), Fp(5)));
  const Digest other = hash(Bytes{9});
  EXPECT_NE(commit(code, rows).root(), Tree::commit(code, testing::tableau(code, rows), other).root());
}

}  // namespace
}  // namespace dsperse::crypto
