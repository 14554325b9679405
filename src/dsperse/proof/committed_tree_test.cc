// Rows of committed trees: values at their addresses whatever their width and place, views where a row is one stretch.
#include "dsperse/proof/committed_tree.h"

#include <gtest/gtest.h>

#include <random>

#include "dsperse/crypto/hash/hash.h"
#include "dsperse/proof/testing/harness.h"

namespace dsperse::proof {
namespace {

using crypto::Code;
using crypto::Fp;
using crypto::Symbols;
using crypto::Width;
using testing::test_seed;

/// Vectors of random values in three widths.
struct Vectors {
  std::vector<quantize::Shape> shapes;
  std::vector<std::vector<std::int16_t>> narrow;
  std::vector<std::vector<std::int32_t>> normal;
  std::vector<std::vector<std::int64_t>> wide;
  std::vector<std::uint32_t> ids;

  explicit Vectors(std::vector<quantize::Shape> s)
      : shapes(std::move(s)), narrow(shapes.size()), normal(narrow.size()), wide(narrow.size()) {
    std::mt19937_64 rng(5);
    for (std::uint32_t v = 0; v < shapes.size(); ++v) {
      ids.push_back(v);
      for (std::int64_t i = 0; i < quantize::elements(shapes[v]); ++i) {
        const auto x = static_cast<std::int64_t>(rng());
        if (v % 3 == 0) narrow[v].push_back(static_cast<std::int16_t>(x));
        if (v % 3 == 1) normal[v].push_back(static_cast<std::int32_t>(x));
        if (v % 3 == 2) wide[v].push_back(x >> 2);
      }
    }
  }
  [[nodiscard]] relation::IntView view(std::uint32_t v) const {
    if (v % 3 == 0) return relation::IntView(std::span(narrow[v]));
    if (v % 3 == 1) return relation::IntView(std::span(normal[v]));
    return relation::IntView(std::span(wide[v]));
  }
  [[nodiscard]] CommittedTree commit(const Code& code, Storage storage,
                                     crypto::Codewords codewords = crypto::Codewords::kept) const {
    return commit_vectors(code, shapes, ids, [&](std::uint32_t v) { return view(v); }, test_seed(3), storage, codewords);
  }
};

const std::vector<std::vector<quantize::Shape>> kShapes = {
    {{1}}, {{16}}, {{64, 16}}, {{3, 5, 7}, {100}, {1, 1}}, {{12, 52}, {300}, {40, 33}, {2, 2}, {16, 16}, {1000}}};

TEST(CommittedTree, RowsHoldTheValuesAtTheirAddresses) {
  for (const auto& shapes : kShapes)
    for (const Code& code : {Code{4, 3, 6}, Code{6, 9, 8}}) {
      const Vectors vectors(shapes);
      std::vector<Fp> expected;
      std::uint64_t at = 0;
      for (std::uint32_t v = 0; v < shapes.size(); ++v) {
        const Placed p = Placed::plan(shapes[v], at, code.c);
        at = p.end();
        expected.resize(at);
        for (std::uint64_t i = 0; i < p.elements(); ++i) expected[p.address(i)] = Fp::from_signed(vectors.view(v).at(i));
      }
      for (const Storage storage : {Storage::viewed, Storage::copied}) {
        const CommittedTree tree = vectors.commit(code, storage);
        ASSERT_EQ(tree.rows.size(), (at + code.kd() - 1) / code.kd());
        expected.resize(tree.rows.size() * code.kd());
        for (std::size_t row = 0; row < tree.rows.size(); ++row) {
          std::vector<Fp> pads(code.r);
          crypto::SeedStream(test_seed(3), "pad", row).fill(std::span(pads));
          for (std::size_t i = 0; i < code.k(); ++i)
            EXPECT_TRUE(tree.at(row, i) == (i < code.kd() ? expected[row * code.kd() + i] : pads[i - code.kd()]))
                << "row " << row << ", " << i;
        }
      }
    }
}

TEST(CommittedTree, OneStretchOfAVectorIsNotCopied) {
  const Vectors vectors({{64, 16}, {5}, {64, 16}});
  const Code code{4, 3, 6};
  const CommittedTree viewed = vectors.commit(code, Storage::viewed), copied = vectors.commit(code, Storage::copied);
  EXPECT_EQ(viewed.rows[0].data.data, vectors.narrow[0].data());
  EXPECT_EQ(viewed.rows[63].data.data, vectors.narrow[0].data() + 1008);
  EXPECT_EQ(viewed.rows[64].data.width, Width::i32) << "five elements and zeros: as narrow as they are";
  EXPECT_EQ(viewed.rows[65].data.data, vectors.wide[2].data());
  EXPECT_EQ(copied.rows[0].data.width, Width::i16);
  EXPECT_NE(copied.rows[0].data.data, vectors.narrow[0].data());
  EXPECT_EQ(viewed.tree->root(), copied.tree->root());
}

TEST(CommittedTree, TheRootIsTheRowsAlone) {
  const Vectors vectors(kShapes.back());
  const Code code{6, 9, 8};
  const CommittedTree a = vectors.commit(code, Storage::viewed),
                      b = vectors.commit(code, Storage::copied, crypto::Codewords::recomputed);
  EXPECT_EQ(a.tree->root(), b.tree->root());
  const std::vector<std::uint32_t> columns{0, 1, 77, 200, 255};
  EXPECT_EQ(a.tree->open(columns).columns, b.tree->open(columns).columns);
}

TEST(CommittedTree, AReplacedRowIsAnother) {
  const Vectors vectors({{64, 16}});
  const Code code{4, 3, 6};
  CommittedTree tree = vectors.commit(code, Storage::viewed);
  const std::vector<Fp> row(code.k(), Fp(9));
  const Fp before = tree.at(1, 0);
  tree.replace(2, row);
  for (std::size_t i = 0; i < code.k(); ++i) EXPECT_TRUE(tree.at(2, i) == Fp(9));
  EXPECT_TRUE(tree.at(1, 0) == before);
}

}  // namespace
}  // namespace dsperse::proof
