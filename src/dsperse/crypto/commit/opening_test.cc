// check_opening on honest and hostile openings, leaf formats against the official hasher, path lengths, evaluate_word.
#include "dsperse/crypto/commit/opening.h"

#include <gtest/gtest.h>

#include <functional>
#include <random>

#include "dsperse/crypto/commit/leaf.h"
#include "dsperse/crypto/commit/testing/reference.h"
#include "dsperse/crypto/hash/hash.h"

namespace dsperse::crypto {
namespace {

const Digest kSeed = hash(Bytes{7});

struct Fixture {
  Code code{4, 6, 6};
  std::vector<std::vector<Fp>> rows;
  std::vector<std::uint32_t> indices{3, 8, 9, 40, 63};
  Digest root;
  Opening opening;

  explicit Fixture(std::size_t n_rows = 20) {
    rows.resize(n_rows, std::vector<Fp>(code.k()));
    for (std::size_t i = 0; i < n_rows; ++i) SeedStream(kSeed, "row", i).fill(std::span(rows[i]));
    root = testing::reference_levels(code, rows, kSeed).back()[0];
    opening = testing::reference_open(code, rows, kSeed, indices);
  }
  [[nodiscard]] std::string reason() const { return check_opening(code, root, indices, opening).reason; }
};

TEST(Leaf, MatchesTheOfficialHasher) {
  std::vector<Fp> columns(40 * 700);
  SeedStream(kSeed, "columns").fill(std::span(columns));
  std::vector<Digest> salts(40);
  for (std::size_t i = 0; i < salts.size(); ++i) salts[i] = testing::reference_salt(kSeed, i);
  for (const std::size_t rows :
       {0UL, 1UL, 7UL, 8UL, 9UL, 119UL, 120UL, 121UL, 247UL, 248UL, 249UL, 376UL, 377UL, 505UL, 640UL, 700UL}) {
    for (const std::size_t count : {1UL, 15UL, 16UL, 17UL, 40UL}) {
      std::vector<Digest> out(count);
      hash_leaves(rows, columns, salts, out);
      for (std::size_t i = 0; i < count; ++i)
        ASSERT_EQ(out[i], testing::reference_leaf(salts[i], std::span(columns).subspan(i * rows, rows)))
            << rows << " rows, leaf " << i;
    }
  }
}
TEST(Leaf, NodesMatchTheOfficialHasher) {
  std::vector<Digest> in(34), out(17);
  for (std::size_t i = 0; i < in.size(); ++i) in[i] = testing::reference_salt(kSeed, i);
  hash_nodes(in, out);
  for (std::size_t i = 0; i < out.size(); ++i) EXPECT_EQ(out[i], testing::reference_node(in[2 * i], in[2 * i + 1]));
}

TEST(CheckOpening, AcceptsHonestOpenings) {
  for (const std::size_t rows : {0UL, 1UL, 20UL, 121UL}) {
    Fixture f(rows);
    EXPECT_EQ(f.reason(), "") << rows;
  }
  Fixture f;
  for (const std::vector<std::uint32_t>& indices :
       std::vector<std::vector<std::uint32_t>>{{0}, {63}, {0, 1}, {1, 2}, {31, 32}, {0, 63}}) {
    f.indices = indices;
    f.opening = testing::reference_open(f.code, f.rows, kSeed, indices);
    EXPECT_EQ(f.reason(), "");
  }
}

TEST(CheckOpening, EveryByteIsBound) {
  Fixture f;
  const auto expect_rejected = [&](const char* what) { EXPECT_EQ(f.reason(), "Merkle root") << what; };
  for (Fp& x : f.opening.columns) {
    const Fp kept = x;
    x += Fp(1);
    expect_rejected("column element");
    x = kept;
  }
  for (Digest& d : f.opening.salts)
    for (std::uint8_t& byte : d) {
      byte ^= 0x10;
      expect_rejected("salt");
      byte ^= 0x10;
    }
  for (Digest& d : f.opening.path)
    for (std::uint8_t& byte : d) {
      byte ^= 1;
      expect_rejected("path");
      byte ^= 1;
    }
  f.root[31] ^= 0x80;
  expect_rejected("root");
  f.root[31] ^= 0x80;
  EXPECT_EQ(f.reason(), "");
}

TEST(CheckOpening, RejectsOtherIndices) {
  for (std::size_t i = 0; i < 5; ++i) {
    for (const std::uint32_t other : {0U, 2U, 10U, 39U, 41U, 62U}) {
      Fixture f;
      f.indices[i] = other;
      EXPECT_NE(f.reason(), "") << "index " << i << " as " << other;
    }
  }
}

TEST(CheckOpening, RejectsHostileShapes) {
  const std::vector<std::pair<const char*, std::function<void(Fixture&)>>> attacks = {
      {"opening shape", [](Fixture& f) { f.opening.salts.pop_back(); }},
      {"opening shape", [](Fixture& f) { f.opening.salts.emplace_back(); }},
      {"opening shape", [](Fixture& f) { f.opening.salts.clear(); }},
      {"opening shape", [](Fixture& f) { f.opening.columns.pop_back(); }},
      {"opening shape", [](Fixture& f) { f.opening.columns.clear(); }},
      {"opening shape", [](Fixture& f) { f.opening.columns.resize(f.opening.columns.size() + 5); }},
      {"opening shape", [](Fixture& f) { f.opening.rows = 0; }},
      {"opening shape", [](Fixture& f) { f.opening.rows = SIZE_MAX; }},
      {"opening shape", [](Fixture& f) { f.opening.rows = SIZE_MAX / 5 + 21; }},  // times 5 wraps to 100
      {"opening shape", [](Fixture& f) { f.indices.pop_back(); }},
      {"no opened columns", [](Fixture& f) { f.indices.clear(); }},
      {"column indices", [](Fixture& f) { f.indices[4] = 64; }},
      {"column indices", [](Fixture& f) { f.indices[4] = UINT32_MAX; }},
      {"column indices", [](Fixture& f) { f.indices[1] = 3; }},
      {"column indices", [](Fixture& f) { std::swap(f.indices[0], f.indices[1]); }},
      {"element not canonical", [](Fixture& f) { f.opening.columns[3] = Fp(f.opening.columns[3].v + kP); }},
      {"element not canonical", [](Fixture& f) { f.opening.columns.back() = Fp(~0ULL); }},
      {"Merkle path too short", [](Fixture& f) { f.opening.path.pop_back(); }},
      {"Merkle path too short", [](Fixture& f) { f.opening.path.clear(); }},
      {"Merkle path too long", [](Fixture& f) { f.opening.path.emplace_back(); }},
      {"Merkle root", [](Fixture& f) { std::swap(f.opening.path[0], f.opening.path[1]); }},
      {"Merkle root", [](Fixture& f) { std::swap(f.opening.salts[0], f.opening.salts[1]); }},
  };
  for (std::size_t i = 0; i < attacks.size(); ++i) {
    Fixture f;
    f.opening.columns[3] = Fp(0);  // so that + p still fits a word
    f.rows.clear();
    if (attacks[i].first != std::string("element not canonical")) f = Fixture();
    attacks[i].second(f);
    EXPECT_EQ(f.reason(), attacks[i].first) << "attack " << i;
  }
}

TEST(CheckOpening, BindsTheNumberOfRows) {
  // 17 rows and the same column with a zero 18th row have the same words, but not the same leaf.
  Fixture f(17);
  Opening longer = f.opening;
  longer.rows = 18;
  longer.columns.clear();
  for (std::size_t i = 0; i < f.indices.size(); ++i) {
    const auto column = f.opening.column(i);
    longer.columns.insert(longer.columns.end(), column.begin(), column.end());
    longer.columns.emplace_back();
  }
  f.opening = longer;
  EXPECT_EQ(f.reason(), "Merkle root");
}

TEST(CheckOpening, DoesNotTakeANodeForALeaf) {
  // A tree one level shorter whose "leaves" are the children's digests as column words.
  Fixture f;
  const auto levels = testing::reference_levels(f.code, f.rows, kSeed);
  Opening forged;
  forged.rows = 8;
  f.code.log_n = 5;
  f.indices = {0};
  forged.salts.resize(1);
  for (const Digest& child : {levels[0][0], levels[0][1]})
    for (std::size_t w = 0; w < 4; ++w) {
      ByteReader r(ByteView(child).subspan(8 * w, 8));
      forged.columns.push_back(Fp::from_u64(r.u64()));
    }
  for (std::size_t l = 1; l < 6; ++l) forged.path.push_back(levels[l][1]);
  f.opening = forged;
  EXPECT_EQ(f.reason(), "Merkle root");
}

TEST(PathLength, CountsWhatAnOpeningHolds) {
  std::mt19937 random(5);
  Fixture f;
  for (int i = 0; i < 50; ++i) {
    std::vector<std::uint32_t> indices;
    for (std::uint32_t j = 0; j < f.code.n(); ++j)
      if (random() % 64 < static_cast<unsigned>(i) + 1) indices.push_back(j);
    const std::vector<std::vector<Fp>> no_rows;
    EXPECT_EQ(path_length(f.code.log_n, indices), testing::reference_open(f.code, no_rows, kSeed, indices).path.size());
  }
  EXPECT_EQ(path_length(0, std::vector<std::uint32_t>{0}), 0U);
  EXPECT_EQ(path_length(20, std::vector<std::uint32_t>{77}), 20U);
}

template <int D>
void expect_evaluations(const Code& code, std::size_t length, const std::vector<std::uint32_t>& indices) {
  SeedStream stream(kSeed, "word");
  std::vector<Ext<D>> word(length);
  for (auto& x : word) x = stream.ext<D>();
  const std::vector<Ext<D>> values = evaluate_word<D>(code, word, indices);
  ASSERT_EQ(values.size(), indices.size());
  for (std::size_t i = 0; i < indices.size(); ++i) {
    const Fp x = column_point(code, indices[i]);
    Ext<D> expected;
    for (std::size_t j = length; j-- > 0;) expected = expected * x + word[j];
    ASSERT_EQ(values[i], expected) << "k = " << length << ", index " << indices[i];
  }
}
TEST(EvaluateWord, MatchesHorner) {
  std::mt19937 random(6);
  for (const Code& code :
       {Code{0, 0, 0}, Code{2, 1, 3}, Code{4, 3, 6}, Code{6, 0, 6}, Code{6, 30, 9}, Code{8, 700, 10}, Code{10, 151, 12}}) {
    for (const std::size_t t : {1UL, 2UL, 3UL, 40UL, 151UL}) {
      std::vector<std::uint32_t> indices;
      for (std::size_t i = 0; i < std::min(t, code.n()); ++i) {
        std::uint32_t j = static_cast<std::uint32_t>(random() % code.n());
        while (std::find(indices.begin(), indices.end(), j) != indices.end()) j = static_cast<std::uint32_t>((j + 1) % code.n());
        indices.push_back(j);
      }
      expect_evaluations<2>(code, code.k(), indices);
      expect_evaluations<3>(code, code.k(), indices);
    }
  }
  expect_evaluations<2>(Code{4, 3, 6}, 0, {1, 5});
  expect_evaluations<2>(Code{4, 3, 6}, 64, {1, 5, 6, 7, 8, 33});
  expect_evaluations<2>(Code{4, 3, 6}, 1, {0, 1, 2, 3, 4});
}

}  // namespace
}  // namespace dsperse::crypto
