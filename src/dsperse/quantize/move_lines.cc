#include "dsperse/quantize/move_lines.h"

#include <algorithm>
#include <cstdlib>

#include "dsperse/quantize/limits.h"

namespace dsperse::quantize {
namespace {

constexpr std::int64_t kHole = SeparableMap::kHole;

/// f(a size + r) = outer(a) + inner(r), holes included.
struct Folded {
  std::vector<std::int64_t> outer, inner;
};

std::optional<Folded> folded(const std::vector<std::int64_t>& f, std::size_t size) {
  const auto first = static_cast<std::size_t>(std::find_if(f.begin(), f.end(), [](auto v) { return v != kHole; }) - f.begin());
  if (first == f.size()) return std::nullopt;
  Folded out;
  const std::size_t row = first / size * size, column = first % size;
  for (std::size_t r = 0; r < size; ++r) out.inner.push_back(f[row + r] == kHole ? kHole : f[row + r] - f[first]);
  for (std::size_t a = 0; a < f.size(); a += size) {
    out.outer.push_back(f[a + column]);
    for (std::size_t r = 0; r < size; ++r) {
      const bool hole = f[a + column] == kHole || out.inner[r] == kHole;
      if (f[a + r] != (hole ? kHole : f[a + column] + out.inner[r])) return std::nullopt;
    }
  }
  return out;
}

/// Strides of axes, largest first, each a multiple of the next; the last is 1.
class Strides {
 public:
  explicit Strides(std::int64_t n) : n_(n) { s_.push_back(1); }
  void insert(std::int64_t s) {
    if (s <= 1 || s >= n_ || n_ % s != 0) return;
    for (const auto t : s_)
      if (t == s || (t % s != 0 && s % t != 0)) return;
    s_.insert(std::lower_bound(s_.begin(), s_.end(), s, std::greater<>()), s);
  }
  void insert_axes(const Shape& axes) {
    std::int64_t s = 1;
    for (std::size_t k = axes.size(); k-- > 0;) insert(s *= axes[k]);
  }
  [[nodiscard]] const std::vector<std::int64_t>& values() const { return s_; }
  [[nodiscard]] std::int64_t size(std::size_t k) const { return (k == 0 ? n_ : s_[k - 1]) / s_[k]; }

 private:
  std::int64_t n_;
  std::vector<std::int64_t> s_;
};

/// Along one axis, the letters of the map and where the box lies: in range exactly for the box?
bool says_the_box(const AxisMap& m, std::int64_t size, const MovedBox& box, const Shape& letters) {
  std::int64_t low = m.offset, high = m.offset;  // over all values of all letters
  for (const auto& [l, c] : m.parts) (c > 0 ? high : low) += c * (letters[l] - 1);
  for (const auto& [l, c] : m.parts) {
    const std::int64_t span = c * (letters[l] - 1);
    const std::int64_t others_low = low - std::min<std::int64_t>(span, 0), others_high = high - std::max<std::int64_t>(span, 0);
    const auto inside = [&](std::int64_t v) { return others_low + c * v >= 0 && others_high + c * v < size; };
    const auto outside = [&](std::int64_t v) { return others_high + c * v < 0 || others_low + c * v >= size; };
    const std::int64_t begin = box.runs[l].begin, end = begin + box.runs[l].length;
    if (!inside(begin) || !inside(end - 1)) return false;
    if ((begin > 0 && !outside(begin - 1)) || (end < letters[l] && !outside(end))) return false;
  }
  return true;
}

struct Candidate {
  Rearrange::Piece piece;
  std::int64_t cost = 0;
};

std::optional<Candidate> candidate(const MovedBox& box, const Shape& letters, const MoveSource& source, const Strides& strides) {
  Candidate out{{source.id, {}, {}}, 0};
  for (std::uint32_t l = 0; l < letters.size(); ++l)  // one position: an axis of one entry holds it
    if (box.runs[l].length == 1 && letters[l] > 1) {
      out.piece.x_axes.push_back(1);
      out.piece.maps.push_back({-box.runs[l].begin, {{l, 1}}});
      out.cost += letters[l];
    }
  const std::size_t pins = out.piece.maps.size();
  const auto& s = strides.values();
  for (std::size_t k = 0; k < s.size(); ++k) {
    out.piece.x_axes.push_back(strides.size(k));
    out.piece.maps.push_back({box.at / s[k] % strides.size(k), {}});
  }
  for (std::uint32_t l = 0; l < letters.size(); ++l) {
    const Run& run = box.runs[l];
    if (run.length == 1) continue;
    if (run.step == 0) {
      if (run.length != letters[l]) return std::nullopt;
      continue;
    }
    std::size_t k = 0;
    while (run.step % s[k] != 0) ++k;
    AxisMap& m = out.piece.maps[pins + k];
    m.parts.emplace_back(l, run.step / s[k]);
    m.offset -= run.step / s[k] * run.begin;
  }
  for (std::size_t k = pins; k < out.piece.maps.size(); ++k) {
    const AxisMap& m = out.piece.maps[k];
    if (!says_the_box(m, out.piece.x_axes[k], box, letters)) return std::nullopt;
    std::int64_t joint = 1;
    for (const auto& part : m.parts) joint *= letters[part.first];
    if (m.parts.size() > 1 && joint > kMaxJointLetters) return std::nullopt;
    out.cost += joint + out.piece.x_axes[k];
  }
  if (out.piece.x_axes.size() > kMaxAxes) return std::nullopt;
  return out;
}

}  // namespace

Line plain_line(const std::vector<std::int64_t>& f) {
  // The longest runs of one step; neighbours share an end, which the longer one keeps.
  const std::size_t n = f.size();
  std::vector<std::pair<std::size_t, std::size_t>> runs;  // first, last
  const auto step_at = [&](std::size_t i) { return f[i] == kHole || f[i + 1] == kHole ? kHole : f[i + 1] - f[i]; };
  for (std::size_t i = 0; i + 1 < n;) {
    const std::int64_t step = step_at(i);
    std::size_t last = i + 1;
    while (last + 1 < n && step_at(last) == step) ++last;
    // One value repeated is a run only along the whole axis.
    if (step != kHole && (step != 0 || (i == 0 && last + 1 == n))) runs.emplace_back(i, last);
    i = last;
  }
  std::stable_sort(runs.begin(), runs.end(),
                   [](const auto& a, const auto& b) { return a.second - a.first > b.second - b.first; });
  Line line{{static_cast<std::int64_t>(n)}, {}};
  std::vector<bool> taken(n, false);
  const auto add = [&](std::size_t first, std::size_t last) {
    const auto length = static_cast<std::int64_t>(last - first + 1);
    line.parts.push_back({f[first], {{static_cast<std::int64_t>(first), length, length == 1 ? 0 : f[first + 1] - f[first]}}});
    std::fill(taken.begin() + static_cast<std::ptrdiff_t>(first), taken.begin() + static_cast<std::ptrdiff_t>(last) + 1, true);
  };
  for (auto [first, last] : runs) {
    if (taken[first]) ++first;
    if (taken[last]) --last;
    if (first < last) add(first, last);
  }
  for (std::size_t i = 0; i < n; ++i)
    if (!taken[i] && f[i] != kHole) add(i, i);
  return line;
}

Line refined_line(const std::vector<std::int64_t>& f) {
  Line best = plain_line(f);
  for (std::size_t size = 2; size < f.size() && best.parts.size() > 1; ++size) {
    if (f.size() % size != 0) continue;
    const auto parts = folded(f, size);
    if (!parts) continue;
    const Line outer = refined_line(parts->outer), inner = refined_line(parts->inner);
    if (outer.parts.size() * inner.parts.size() >= best.parts.size()) continue;
    best = outer;
    best.letters.insert(best.letters.end(), inner.letters.begin(), inner.letters.end());
    best.parts.clear();
    for (const auto& o : outer.parts)
      for (const auto& i : inner.parts) {
        LinePart part{o.at + i.at, o.runs};
        part.runs.insert(part.runs.end(), i.runs.begin(), i.runs.end());
        best.parts.push_back(std::move(part));
      }
  }
  return best;
}

std::optional<Rearrange::Piece> express(const MovedBox& box, const Shape& letters, const MoveSource& source) {
  const std::int64_t n = elements(source.axes);
  const auto insert_letters = [&](Strides& s, bool ends) {
    std::vector<std::int64_t> steps;
    for (const Run& run : box.runs)
      if (run.length > 1 && run.step != 0) {
        steps.push_back(std::abs(run.step));
        if (ends) steps.push_back(std::abs(run.step) * run.length);
      }
    std::sort(steps.begin(), steps.end());
    for (const auto step : steps) s.insert(step);
  };
  std::vector<Strides> choices(4, Strides(n));
  choices[0].insert_axes(source.axes);  // as it lies
  choices[1].insert_axes(source.axes);  // as it lies, its axes split
  insert_letters(choices[1], true);
  insert_letters(choices[2], false);  // as it is read
  insert_letters(choices[3], true);
  choices.emplace_back(n);  // flat
  std::optional<Candidate> best;
  for (const auto& s : choices) {
    auto c = candidate(box, letters, source, s);
    if (c && (!best || c->cost < best->cost)) best = std::move(c);
  }
  if (!best) return std::nullopt;
  return std::move(best->piece);
}

}  // namespace dsperse::quantize
