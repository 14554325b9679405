// Random movements of many kinds: the pieces that are found, evaluated by their definition, move exactly what was asked.
#include "dsperse/quantize/move.h"

#include <gtest/gtest.h>

#include <array>
#include <functional>
#include <numeric>
#include <random>

#include "dsperse/quantize/limits.h"
#include "dsperse/quantize/testing/programs.h"

namespace dsperse::quantize {
namespace {

using Index = std::vector<std::int64_t>;
using Rng = std::mt19937_64;

std::int64_t number(Rng& rng, std::int64_t low, std::int64_t high) {
  return std::uniform_int_distribution<std::int64_t>(low, high)(rng);
}

/// Positions of a row major index.
Index positions(std::int64_t i, const Shape& axes) {
  Index at(axes.size());
  for (std::size_t k = axes.size(); k-- > 0; i /= axes[k]) at[k] = i % axes[k];
  return at;
}

std::int64_t flat(const Index& at, const Shape& axes) {
  std::int64_t i = 0;
  for (std::size_t k = 0; k < axes.size(); ++k) i = i * axes[k] + at[k];
  return i;
}

/// What the pieces move, by the definition in program.h; kMany where pieces overlap.
constexpr std::int64_t kMany = -2;
Index moved(const Rearrange& r, const std::vector<MoveSource>& sources) {
  Index first{0}, out;
  for (const auto& s : sources) first.push_back(first.back() + elements(s.axes));
  for (std::int64_t i = 0; i < elements(r.y_axes); ++i) {
    const Index letters = positions(i, r.y_axes);
    std::int64_t found = -1;
    for (const auto& p : r.pieces) {
      Index at;
      bool in = true;
      for (std::size_t k = 0; k < p.maps.size(); ++k) {
        at.push_back(p.maps[k].offset);
        for (const auto& [l, c] : p.maps[k].parts) at.back() += c * letters[l];
        in = in && at.back() >= 0 && at.back() < p.x_axes[k];
      }
      if (in) found = found == -1 ? first[p.x] + flat(at, p.x_axes) : kMany;
    }
    out.push_back(found);
  }
  return out;
}

/// A program of this movement alone passes check_program, and every letter is read at most once in a piece.
void expect_sound(Rearrange r, const std::vector<MoveSource>& sources, const std::string& what) {
  testing::Builder b;
  std::vector<TensorId> ids;
  for (const auto& s : sources) ids.push_back(b.input({elements(s.axes)}));
  for (auto& p : r.pieces) {
    p.x = ids[p.x];
    std::vector<int> seen(r.y_axes.size(), 0);
    for (const auto& m : p.maps)
      for (const auto& part : m.parts) EXPECT_EQ(seen[part.first]++, 0) << what;
  }
  const std::int64_t n = elements(r.y_axes);
  b.rearrange(r, {n}, -2047, 2047);
  const auto checked = check_program(b.done());
  EXPECT_TRUE(checked) << what << ": " << checked.error().text();
}

/// Finds pieces and expects them to be right; returns how many.
std::size_t expect_found(const Shape& axes, const Index& index, const std::vector<MoveSource>& sources, const std::string& what) {
  const auto r = find_pieces(axes, index, sources);
  if (!r) {
    ADD_FAILURE() << what << ": " << r.error().text();
    return 0;
  }
  EXPECT_EQ(moved(*r, sources), index) << what;
  expect_sound(*r, sources, what);
  return r->pieces.size();
}

/// index of y[at] = x[from(at)], a hole where from() leaves x.
Index map_of(const Shape& y, const Shape& x, const std::function<Index(const Index&)>& from) {
  Index out;
  for (std::int64_t i = 0; i < elements(y); ++i) {
    const Index at = from(positions(i, y));
    bool in = true;
    for (std::size_t k = 0; k < x.size(); ++k) in = in && at[k] >= 0 && at[k] < x[k];
    out.push_back(in ? flat(at, x) : -1);
  }
  return out;
}

TEST(FindPieces, AxisByAxis) {
  Rng rng(1);
  const Shape x{3, 4, 6};
  const std::vector<MoveSource> from{{0, x}};
  const auto count = [&](const Shape& y, const std::function<Index(const Index&)>& f, const std::string& what) {
    return expect_found(y, map_of(y, x, f), from, what);
  };
  EXPECT_EQ(count({3, 4, 6}, [](const Index& a) { return a; }, "copy"), 1U);
  EXPECT_EQ(count({3, 4, 3}, [](const Index& a) { return Index{a[0], a[1], 2 * a[2] + 1}; }, "strided"), 1U);
  EXPECT_EQ(count({3, 4, 6}, [](const Index& a) { return Index{a[0], 3 - a[1], 5 - a[2]}; }, "reversed"), 1U);
  EXPECT_EQ(count({2, 2, 2}, [](const Index& a) { return Index{2 - 2 * a[0], a[1] + 1, 4 - 3 * a[2]}; }, "cropped"), 1U);
  EXPECT_EQ(count({5, 6, 9}, [](const Index& a) { return Index{a[0] - 1, a[1] - 1, a[2] - 3}; }, "padded"), 1U);
  EXPECT_EQ(count({3, 4}, [](const Index& a) { return Index{a[0], a[1], 2}; }, "one column"), 1U);
  EXPECT_EQ(count({3, 7, 4, 6}, [](const Index& a) { return Index{a[0], a[2], a[3]}; }, "repeated"), 1U);
  EXPECT_EQ(count({9, 4, 12}, [](const Index& a) { return Index{a[0] % 3, a[1], a[2] % 6}; }, "tiled"), 1U);
  EXPECT_EQ(count({6, 8, 18}, [](const Index& a) { return Index{a[0] / 2, a[1] / 2, a[2] / 3}; }, "nearest"), 1U);
  EXPECT_EQ(
      count(
          {6, 4, 18}, [](const Index& a) { return Index{a[0] % 2 == 0 ? a[0] / 2 : -1, a[1], a[2] % 3 == 0 ? a[2] / 3 : -1}; },
          "spread"),
      1U);
  EXPECT_EQ(count({3, 4, 6}, [](const Index& a) { return Index{(a[0] + 1) % 3, a[1], (a[2] + 4) % 6}; }, "rolled"), 4U);
  EXPECT_EQ(count(
                {3, 4, 10},
                [](const Index& a) {
                  return Index{a[0], a[1], a[2] < 2 ? 2 - a[2] : a[2] > 7 ? 12 - a[2] : a[2] - 2};
                },
                "reflected"),
            5U);
  EXPECT_EQ(
      count({3, 6, 6}, [](const Index& a) { return Index{a[0], std::clamp<std::int64_t>(a[1] - 1, 0, 3), a[2]}; }, "edges"), 3U);
  EXPECT_EQ(count(
                {3, 4, 4}, [](const Index& a) { return Index{a[0], a[1], Index{5, 0, 0, 2}[static_cast<std::size_t>(a[2])]}; },
                "gathered"),
            2U);
  EXPECT_LE(count({3, 5, 6}, [](const Index& a) { return Index{a[0], a[1] * 3 / 5, a[2]}; }, "uneven"), 5U);
}

TEST(FindPieces, AcrossAxes) {
  const Shape x{2, 12, 3, 5};
  const std::vector<MoveSource> from{{0, x}};
  // Depth to space, both orders, as a copy into row major order.
  const Shape y{2, 3, 6, 10};
  for (const bool crd : {false, true})
    EXPECT_EQ(expect_found(y,
                           map_of(y, x,
                                  [&](const Index& a) {
                                    const std::int64_t b = a[2] % 2 * 2 + a[3] % 2;
                                    return Index{a[0], crd ? a[1] * 4 + b : b * 3 + a[1], a[2] / 2, a[3] / 2};
                                  }),
                           from, "depth to space"),
              1U);
  // The source's axes are unknown or of no use.
  const std::vector<MoveSource> plain{{0, {360}}}, misleading{{0, {24, 15}}};
  for (const auto& sources : {plain, misleading, from}) {
    Index turned;
    for (std::int64_t i = 0; i < 360; ++i) turned.push_back(i % 10 * 36 + i / 10);
    EXPECT_EQ(expect_found({36, 10}, turned, sources, "turned"), 1U);
    Index windows;  // overlapping
    for (std::int64_t i = 0; i < 8 * 5; ++i) windows.push_back(i / 5 * 3 + i % 5);
    EXPECT_EQ(expect_found({8, 5}, windows, sources, "windows"), 1U);
    Index diagonal;
    for (std::int64_t i = 0; i < 15; ++i) diagonal.push_back(i * 16);
    EXPECT_EQ(expect_found({15}, diagonal, sources, "diagonal"), 1U);
  }
}

TEST(FindPieces, SeveralSources) {
  const std::vector<MoveSource> from{{0, {2, 3, 4}}, {1, {2, 5, 4}}, {2, {2, 1, 4}}};
  Index joined;
  for (std::int64_t i = 0; i < 2 * 9 * 4; ++i) {
    const std::int64_t r = i / 36, c = i / 4 % 9, k = i % 4;
    joined.push_back(c < 3 ? r * 12 + c * 4 + k : c < 8 ? 24 + r * 20 + (c - 3) * 4 + k : 64 + r * 4 + k);
  }
  EXPECT_EQ(expect_found({2, 9, 4}, joined, from, "joined"), 3U);
  Index stacked(72);  // one after the other: the index goes on, the source does not
  std::iota(stacked.begin(), stacked.end(), 0);
  expect_found({72}, stacked, from, "stacked");
  Index picked{3, -1, 70, 24, 25, 26, 1, 0};
  expect_found({8}, picked, from, "picked");
  expect_found({2, 4}, picked, from, "picked");
}

TEST(FindPieces, Irregular) {
  const std::vector<MoveSource> from{{0, {4, 6}}};
  Index triangle;
  for (std::int64_t i = 0; i < 24; ++i) triangle.push_back(i % 6 < i / 6 ? -1 : i);
  expect_found({4, 6}, triangle, from, "triangle");
  Index reversed;  // the first lengths[r] entries of each row
  for (std::int64_t i = 0; i < 24; ++i) {
    const std::int64_t r = i / 6, c = i % 6, n = Index{6, 3, 1, 4}[static_cast<std::size_t>(r)];
    reversed.push_back(r * 6 + (c < n ? n - 1 - c : c));
  }
  expect_found({4, 6}, reversed, from, "reversed");
  Rng rng(4);
  for (int i = 0; i < 200; ++i) {  // any map at all
    Index any;
    for (int k = 0; k < 24; ++k) any.push_back(std::max<std::int64_t>(-1, number(rng, -5, 23)));
    if (*std::max_element(any.begin(), any.end()) < 0) continue;
    const std::array<Shape, 3> axes{Shape{24}, {4, 6}, {2, 3, 4}};
    expect_found(axes[static_cast<std::size_t>(i % 3)], any, from, "any");
  }
}

TEST(FindPieces, RandomComposites) {
  Rng rng(9);
  std::size_t most = 0;
  for (int round = 0; round < 3000; ++round) {
    // Axis by axis one of many 1-D maps; then the result's axes turned, and the source's axes turned.
    const std::size_t rank = static_cast<std::size_t>(number(rng, 1, 4));
    Shape x, y;
    std::vector<Index> f;
    for (std::size_t k = 0; k < rank; ++k) {
      const std::int64_t n = number(rng, 1, 6);
      Index line;
      switch (number(rng, 0, 8)) {
        case 0:
          for (std::int64_t i = 0; i < n; ++i) line.push_back(i);
          break;
        case 1:
          for (std::int64_t i = n; i-- > 0;) line.push_back(i);
          break;
        case 2:
          for (std::int64_t i = 0, m = n * number(rng, 1, 3); i < m; ++i) line.push_back(i % n);
          break;
        case 3: {
          const std::int64_t times = number(rng, 1, 3);
          for (std::int64_t i = 0; i < n * times; ++i) line.push_back(i / times);
          break;
        }
        case 4: {
          const std::int64_t times = number(rng, 1, 3);
          for (std::int64_t i = 0; i < n * times; ++i) line.push_back(i % times == 0 ? i / times : -1);
          break;
        }
        case 5:
          for (std::int64_t i = -number(rng, 0, 2), end = n + number(rng, 0, 2); i < end; ++i) line.push_back(i < n ? i : -1);
          for (auto& v : line) v = std::max<std::int64_t>(v, -1);
          break;
        case 6:
          for (std::int64_t i = number(rng, 0, n - 1), step = number(rng, 1, 2); i < n; i += step) line.push_back(i);
          break;
        case 7:
          for (std::int64_t i = 0, m = number(rng, 1, 4); i < m; ++i) line.push_back(number(rng, 0, n - 1));
          break;
        default:
          line.assign(static_cast<std::size_t>(number(rng, 1, 3)), number(rng, 0, n - 1));
      }
      if (*std::max_element(line.begin(), line.end()) < 0) line[0] = 0;
      x.push_back(n), y.push_back(static_cast<std::int64_t>(line.size()));
      f.push_back(std::move(line));
    }
    std::vector<std::size_t> order(rank), stored(rank);
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::iota(stored.begin(), stored.end(), std::size_t{0});
    std::shuffle(order.begin(), order.end(), rng);
    std::shuffle(stored.begin(), stored.end(), rng);
    Shape turned, lies;
    for (const auto k : order) turned.push_back(y[k]);
    for (const auto k : stored) lies.push_back(x[k]);
    const Index index = map_of(turned, lies, [&](const Index& at) {
      Index from(rank), out(rank);
      for (std::size_t k = 0; k < rank; ++k) from[order[k]] = f[order[k]][static_cast<std::size_t>(at[k])];
      for (std::size_t k = 0; k < rank; ++k) out[k] = from[stored[k]];
      return out;
    });
    const auto r = find_pieces(turned, index, {{0, lies}});
    if (!r) {
      EXPECT_NE(r.error().text().find("256"), std::string::npos) << r.error().text();
      continue;
    }
    most = std::max(most, r->pieces.size());
    ASSERT_EQ(moved(*r, {{0, lies}}), index) << round;
    expect_sound(*r, {{0, lies}}, std::to_string(round));
  }
  EXPECT_GT(most, 8U);
}

TEST(FindPieces, Refusals) {
  Rng rng(3);
  Index any(1000);
  for (auto& v : any) v = number(rng, 0, 999);
  EXPECT_NE(find_pieces({1000}, any, {{0, {1000}}}).error().text().find("more than 256"), std::string::npos);
  EXPECT_NE(find_pieces({10, 100}, any, {{0, {1000}}}).error().text().find("more than 256"), std::string::npos);
  EXPECT_NE(find_pieces({3}, {-1, -1, -1}, {{0, {3}}}).error().text().find("none of its input"), std::string::npos);
}

TEST(FindPieces, LongAxesAreCheap) {
  // An image of 224 x 224 doubled and padded: no letters are read together.
  const Shape x{224, 224, 3}, y{448, 448, 3};
  Index index(static_cast<std::size_t>(elements(y)));
  for (std::int64_t i = 0; i < elements(y); ++i) {
    const Index at = positions(i, y);
    index[static_cast<std::size_t>(i)] = flat({at[0] / 2, at[1] / 2, at[2]}, x);
  }
  const auto r = find_pieces(y, index, {{0, x}});
  ASSERT_TRUE(r);
  ASSERT_EQ(r->pieces.size(), 1U);
  EXPECT_EQ(r->y_axes, (Shape{224, 2, 224, 2, 3}));
  for (const auto& m : r->pieces[0].maps) EXPECT_EQ(m.parts.size(), 1U);
}

TEST(FindView, WhereNothingNeedMove) {
  Rng rng(7);
  for (int round = 0; round < 500; ++round) {
    Shape shape;
    for (std::int64_t k = number(rng, 0, 4); k > 0; --k) shape.push_back(number(rng, 1, 6));
    // Any order of a refinement of the axes.
    Shape factors;
    for (const auto d : shape) {
      std::int64_t rest = d;
      for (const std::int64_t q : {2, 3, 2, 5})
        if (rest % q == 0 && rest > 1 && number(rng, 0, 1) == 0) factors.push_back(q), rest /= q;
      factors.push_back(rest);
    }
    std::vector<std::uint32_t> order(factors.size());
    std::iota(order.begin(), order.end(), 0U);
    std::shuffle(order.begin(), order.end(), rng);
    const auto place = storage_index(stored_as(factors, order));
    const auto view = find_view(shape, place);
    ASSERT_TRUE(view) << round;
    EXPECT_EQ(storage_index(*view), place);
    EXPECT_EQ(view->shape, shape);
    if (shape == factors) {
      EXPECT_EQ(*view, stored_as(shape, order));
    }
    auto other = place;
    if (other.size() < 3) continue;
    std::swap(other[0], other[1]);
    if (const auto v = find_view(shape, other)) {
      EXPECT_EQ(storage_index(*v), other);
    }
    other = place;
    other[0] = other[1];
    EXPECT_FALSE(find_view(shape, other));
  }
}

}  // namespace
}  // namespace dsperse::quantize
