// Rearrange: each piece is a walk over a box of letters with one stride per letter; letters that step as one are merged, and the
// innermost letter is copied as a run.
//
// An axis map with one letter bounds that letter once and for all. An axis map with several letters is checked position by
// position; the innermost letter's interval is computed, not tested element by element.
#include <algorithm>
#include <vector>

#include "dsperse/base/parallel.h"
#include "dsperse/run/op_runner.h"

namespace dsperse::run {
namespace {

/// Letters l with low <= l < high.
struct Interval {
  std::int64_t low = 0, high = 0;
  /// Keeps the letters with 0 <= offset + coef l < size.
  void keep(std::int64_t offset, std::int64_t coef, std::int64_t size) {
    if (coef == 0) {
      if (offset < 0 || offset >= size) high = low;
      return;
    }
    const auto ceil_div = [](std::int64_t a, std::int64_t b) { return a >= 0 ? (a + b - 1) / b : -(-a / b); };
    low = std::max(low, coef > 0 ? ceil_div(-offset, coef) : ceil_div(offset - size + 1, -coef));
    high = std::min(high, coef > 0 ? ceil_div(size - offset, coef) : ceil_div(offset + 1, -coef));
  }
};

struct Letter {
  Interval range;
  std::int64_t x_stride = 0, y_stride = 0;
  std::vector<std::int64_t> check;  ///< coefficient in each map that has several letters
};

struct Walk {
  quantize::TensorId x = 0;
  std::int64_t x_base = 0, y_base = 0;
  std::vector<Letter> letters;             ///< outermost first, at least one
  std::vector<std::int64_t> offset, size;  ///< of each map that has several letters
  bool empty = false;
  [[nodiscard]] std::int64_t outer() const {
    std::int64_t n = 1;
    for (std::size_t k = 0; k + 1 < letters.size(); ++k) n *= letters[k].range.high - letters[k].range.low;
    return n;
  }
};

Walk make_walk(const quantize::Rearrange& op, const quantize::Rearrange::Piece& piece) {
  Walk walk;
  walk.x = piece.x;
  std::int64_t stride = 1;
  walk.letters.resize(op.y_axes.size());
  for (std::size_t l = op.y_axes.size(); l-- > 0; stride *= op.y_axes[l]) {
    walk.letters[l].range = {0, op.y_axes[l]};
    walk.letters[l].y_stride = stride;
  }
  stride = 1;
  for (std::size_t k = piece.maps.size(); k-- > 0; stride *= piece.x_axes[k]) {
    const quantize::AxisMap& map = piece.maps[k];
    walk.x_base += map.offset * stride;
    for (const auto& [letter, coef] : map.parts) walk.letters[letter].x_stride += coef * stride;
    if (map.parts.size() == 1) walk.letters[map.parts[0].first].range.keep(map.offset, map.parts[0].second, piece.x_axes[k]);
    if (map.parts.size() > 1) {
      for (Letter& letter : walk.letters) letter.check.push_back(0);
      for (const auto& [letter, coef] : map.parts) walk.letters[letter].check.back() = coef;
      walk.offset.push_back(map.offset);
      walk.size.push_back(piece.x_axes[k]);
    }
  }
  // Letters start at zero; those with one value vanish; neighbours that step as one merge.
  std::vector<Letter> kept;
  for (Letter letter : walk.letters) {
    const std::int64_t low = letter.range.low, n = letter.range.high - low;
    if (n <= 0) walk.empty = true;
    walk.x_base += low * letter.x_stride;
    walk.y_base += low * letter.y_stride;
    for (std::size_t c = 0; c < walk.offset.size(); ++c) walk.offset[c] += low * letter.check[c];
    letter.range = {0, n};
    if (n == 1) continue;
    if (!kept.empty() && walk.offset.empty() && kept.back().x_stride == n * letter.x_stride &&
        kept.back().y_stride == n * letter.y_stride) {
      letter.range.high = n * kept.back().range.high;
      kept.back() = letter;
    } else {
      kept.push_back(letter);
    }
  }
  if (kept.empty()) kept.push_back({{0, 1}, 1, 1, std::vector<std::int64_t>(walk.offset.size(), 0)});
  walk.letters = std::move(kept);
  return walk;
}

class RearrangeRunner final : public OpRunner {
 public:
  RearrangeRunner(const quantize::Program& program, const quantize::Rearrange& op) : y_(op.y), fill_(op.fill) {
    std::int64_t covered = 0;
    for (const auto& piece : op.pieces) {
      Walk walk = make_walk(op, piece);
      if (walk.empty) continue;
      if (walk.offset.empty()) covered += walk.outer() * walk.letters.back().range.high;
      walks_.push_back(std::move(walk));
    }
    full_ = covered == quantize::elements(program.tensors[op.y].shape);
  }

  std::uint64_t run(quantize::TensorStore& trace) const override {
    if (!full_) std::fill(trace[y_].begin(), trace[y_].end(), static_cast<std::int32_t>(fill_));
    for (const Walk& walk : walks_) {
      const std::int64_t run = walk.letters.back().range.high;
      if (walk.letters.size() == 1 && walk.offset.empty() && walk.letters[0].x_stride == 1 && walk.letters[0].y_stride == 1) {
        std::copy_n(trace[walk.x].data() + walk.x_base, run, trace[y_].data() + walk.y_base);
        continue;
      }
      parallel_for(static_cast<std::size_t>(walk.outer()), static_cast<std::size_t>(1 + 16384 / run),
                   [&](std::size_t begin, std::size_t end) {
                     walk_range(walk, trace[walk.x].data(), trace[y_].data(), static_cast<std::int64_t>(begin),
                                static_cast<std::int64_t>(end));
                   });
    }
    return 0;
  }

 private:
  static void walk_range(const Walk& walk, const std::int32_t* x, std::int32_t* y, std::int64_t begin, std::int64_t end) {
    const std::size_t last = walk.letters.size() - 1;
    const Letter& inner = walk.letters[last];
    std::vector<std::int64_t> at(last, 0);
    std::int64_t rest = begin, from = walk.x_base, to = walk.y_base;
    for (std::size_t k = last; k-- > 0; rest /= walk.letters[k].range.high) {
      at[k] = rest % walk.letters[k].range.high;
      from += at[k] * walk.letters[k].x_stride;
      to += at[k] * walk.letters[k].y_stride;
    }
    for (std::int64_t i = begin; i < end; ++i) {
      Interval range = inner.range;
      for (std::size_t c = 0; c < walk.offset.size(); ++c) {
        std::int64_t offset = walk.offset[c];
        for (std::size_t k = 0; k < last; ++k) offset += at[k] * walk.letters[k].check[c];
        range.keep(offset, inner.check[c], walk.size[c]);
      }
      copy_run(x + from, inner.x_stride, y + to, inner.y_stride, range);
      for (std::size_t k = last; k-- > 0;) {
        from += walk.letters[k].x_stride;
        to += walk.letters[k].y_stride;
        if (++at[k] < walk.letters[k].range.high) break;
        from -= at[k] * walk.letters[k].x_stride;
        to -= at[k] * walk.letters[k].y_stride;
        at[k] = 0;
      }
    }
  }

  static void copy_run(const std::int32_t* x, std::int64_t x_stride, std::int32_t* y, std::int64_t y_stride, Interval range) {
    if (range.low >= range.high) return;
    if (x_stride == 1 && y_stride == 1) {
      std::copy(x + range.low, x + range.high, y + range.low);
    } else {
      for (std::int64_t j = range.low; j < range.high; ++j) y[j * y_stride] = x[j * x_stride];
    }
  }

  quantize::TensorId y_;
  std::int64_t fill_;
  bool full_ = false;
  std::vector<Walk> walks_;
};

}  // namespace

std::unique_ptr<OpRunner> make_rearrange(const quantize::Program& program, const quantize::Rearrange& op) {
  return std::make_unique<RearrangeRunner>(program, op);
}

}  // namespace dsperse::run
