#include "dsperse/quantize/move.h"

#include <algorithm>
#include <cstdlib>
#include <limits>

#include "dsperse/quantize/limits.h"
#include "dsperse/quantize/move_lines.h"

namespace dsperse::quantize {
namespace {

constexpr std::int64_t kHole = SeparableMap::kHole;

std::vector<std::int64_t> strides(const Shape& axes) {
  std::vector<std::int64_t> s(axes.size(), 1);
  for (std::size_t k = axes.size(); k-- > 1;) s[k - 1] = s[k] * axes[k];
  return s;
}

/// Part of y: begin[k] <= position on axis k < end[k].
struct Region {
  std::vector<std::int64_t> begin, end;
};

/// visit(flat index, positions) over a region in order.
template <class Visit>
void each(const Region& r, const std::vector<std::int64_t>& stride, Visit visit) {
  std::vector<std::int64_t> at = r.begin;
  std::int64_t flat = 0;
  for (std::size_t k = 0; k < at.size(); ++k) flat += at[k] * stride[k];
  while (true) {
    visit(flat, at);
    std::size_t k = at.size();
    while (k-- > 0) {
      flat += stride[k];
      if (++at[k] < r.end[k]) break;
      flat -= (at[k] - r.begin[k]) * stride[k];
      at[k] = r.begin[k];
    }
    if (k == SIZE_MAX) return;
  }
}

std::optional<SeparableMap> separate_region(const Region& r, const std::vector<std::int64_t>& stride,
                                            const std::vector<std::int64_t>& index) {
  std::int64_t first = -1;
  std::vector<std::int64_t> corner;
  each(r, stride, [&](std::int64_t flat, const auto& at) {
    if (first < 0 && index[static_cast<std::size_t>(flat)] >= 0) first = flat, corner = at;
  });
  SeparableMap map;
  if (first < 0) {
    for (std::size_t k = 0; k < r.begin.size(); ++k)
      map.along.emplace_back(static_cast<std::size_t>(r.end[k] - r.begin[k]), kHole);
    return map;
  }
  map.base = index[static_cast<std::size_t>(first)];
  for (std::size_t k = 0; k < r.begin.size(); ++k) {
    auto& f = map.along.emplace_back();
    for (std::int64_t i = r.begin[k]; i < r.end[k]; ++i) {
      const std::int64_t v = index[static_cast<std::size_t>(first + (i - corner[k]) * stride[k])];
      f.push_back(v < 0 ? kHole : v - map.base);
    }
  }
  bool fits = true;
  each(r, stride, [&](std::int64_t flat, const auto& at) {
    std::int64_t want = map.base;
    for (std::size_t k = 0; k < at.size() && want >= 0; ++k) {
      const std::int64_t v = map.along[k][static_cast<std::size_t>(at[k] - r.begin[k])];
      want = v == kHole ? kHole : want + v;
    }
    const std::int64_t have = index[static_cast<std::size_t>(flat)];
    fits = fits && (have < 0 ? want == kHole : want == have);
  });
  if (!fits) return std::nullopt;
  return map;
}

class Finder {
 public:
  Finder(const Shape& axes, const std::vector<std::int64_t>& index, const std::vector<MoveSource>& sources)
      : axes_(axes), stride_(strides(axes)), index_(index), sources_(sources) {
    std::int64_t end = 0;
    for (const auto& s : sources) ends_.push_back(end += elements(s.axes));
  }

  Result<Rearrange> run() {
    Region all{std::vector<std::int64_t>(axes_.size(), 0), axes_};
    out_.y_axes = axes_;
    const auto map = separate_region(all, stride_, index_);
    if (map && in_one_source(all)) {
      std::vector<Line> lines;
      for (const auto& f : map->along) lines.push_back(refined_line(f));
      out_.y_axes.clear();
      for (const auto& line : lines) out_.y_axes.insert(out_.y_axes.end(), line.letters.begin(), line.letters.end());
      if (out_.y_axes.size() > kMaxAxes) return too_many();
      DSPERSE_CHECK_OK(emit(map->base, lines));
    } else {
      DSPERSE_CHECK_OK(cut(all));
    }
    if (out_.pieces.empty()) return fail(ErrorKind::unsupported, "the result holds none of its input's data");
    return std::move(out_);
  }

 private:
  static std::unexpected<Error> too_many() {
    return fail(ErrorKind::unsupported, "the data is moved in more than " + std::to_string(kMaxPieces) + " regular pieces");
  }

  [[nodiscard]] std::size_t source_of(std::int64_t i) const {
    return ends_.size() == 1 ? 0 : static_cast<std::size_t>(std::upper_bound(ends_.begin(), ends_.end(), i) - ends_.begin());
  }

  bool in_one_source(const Region& r) const {
    std::int64_t low = std::numeric_limits<std::int64_t>::max(), high = -1;
    each(r, stride_, [&](std::int64_t flat, const auto&) {
      const std::int64_t i = index_[static_cast<std::size_t>(flat)];
      if (i >= 0) low = std::min(low, i), high = std::max(high, i);
    });
    return high < 0 || source_of(low) == source_of(high);
  }

  /// First position of every group of slices along axis k: neighbours in a group read the same source (where both read any); by
  /// steps: with the same holes, one constant step apart.
  std::vector<std::int64_t> groups(const Region& r, std::size_t k, bool by_steps) const {
    struct Step {
      bool known = false, broken = false;
      std::int64_t by = 0;
    };
    std::vector<Step> steps(static_cast<std::size_t>(r.end[k] - r.begin[k]));
    each(r, stride_, [&](std::int64_t flat, const auto& at) {
      if (at[k] == r.begin[k]) return;
      Step& s = steps[static_cast<std::size_t>(at[k] - r.begin[k])];
      const std::int64_t a = index_[static_cast<std::size_t>(flat - stride_[k])], b = index_[static_cast<std::size_t>(flat)];
      if (by_steps && (a < 0) != (b < 0)) s.broken = true;
      if (a < 0 || b < 0) return;
      if (source_of(a) != source_of(b) || (by_steps && s.known && s.by != b - a)) s.broken = true;
      s.known = by_steps, s.by = b - a;
    });
    std::vector<std::int64_t> first{r.begin[k]};
    Step group;
    for (std::size_t i = 1; i < steps.size(); ++i) {
      if (steps[i].broken || (group.known && steps[i].known && group.by != steps[i].by)) {
        first.push_back(r.begin[k] + static_cast<std::int64_t>(i));
        group = {};
      } else if (steps[i].known) {
        group = steps[i];
      }
    }
    return first;
  }

  Status cut(const Region& r) {
    const bool alone = in_one_source(r);
    if (alone) {
      if (const auto map = separate_region(r, stride_, index_)) {
        std::vector<Line> lines;
        for (std::size_t k = 0; k < axes_.size(); ++k) {
          std::vector<std::int64_t> f(static_cast<std::size_t>(axes_[k]), kHole);
          std::copy(map->along[k].begin(), map->along[k].end(), f.begin() + r.begin[k]);
          lines.push_back(plain_line(f));
        }
        return emit(map->base, lines);
      }
    }
    std::size_t axis = axes_.size();
    std::vector<std::int64_t> best;
    const auto look = [&](bool by_steps) {
      for (std::size_t k = 0; k < axes_.size(); ++k) {
        auto first = groups(r, k, by_steps);
        if (first.size() > 1 && (axis == axes_.size() || first.size() < best.size())) axis = k, best = std::move(first);
      }
    };
    if (!alone) look(false);  // sources apart first
    if (axis == axes_.size()) look(true);
    if (axis == axes_.size()) return fail(ErrorKind::internal, "a movement has no cut");
    if (best.size() > 4 * kMaxPieces) return too_many();  // some may be holes
    for (std::size_t g = 0; g < best.size(); ++g) {
      Region part = r;
      part.begin[axis] = best[g];
      part.end[axis] = g + 1 < best.size() ? best[g + 1] : r.end[axis];
      DSPERSE_CHECK_OK(cut(part));
    }
    return {};
  }

  /// One piece for each combination of the lines' parts.
  Status emit(std::int64_t base, const std::vector<Line>& lines) {
    std::size_t count = 1;
    for (const auto& line : lines) {
      count *= line.parts.size();
      if (count > kMaxPieces) return too_many();
    }
    for (std::size_t i = 0; i < count; ++i) {
      MovedBox box;
      box.at = base;
      std::size_t rest = i;
      for (const auto& line : lines) {
        const LinePart& part = line.parts[rest % line.parts.size()];
        rest /= line.parts.size();
        box.at += part.at;
        box.runs.insert(box.runs.end(), part.runs.begin(), part.runs.end());
      }
      const std::size_t s = source_of(box.at);
      box.at -= s == 0 ? 0 : ends_[s - 1];
      DSPERSE_CHECK_OK(add(box, sources_[s]));
    }
    return {};
  }

  /// The box as a piece; where its ends cannot be said, in single positions along its shortest part.
  Status add(const MovedBox& box, const MoveSource& source) {
    if (out_.pieces.size() >= kMaxPieces) return too_many();
    if (auto piece = express(box, out_.y_axes, source)) {
      out_.pieces.push_back(*std::move(piece));
      return {};
    }
    std::size_t shortest = box.runs.size();
    for (std::size_t l = 0; l < box.runs.size(); ++l) {
      const Run& run = box.runs[l];
      if (run.length == 1 || run.length == out_.y_axes[l]) continue;
      if (shortest == box.runs.size() || run.length < box.runs[shortest].length) shortest = l;
    }
    if (shortest == box.runs.size())
      return fail(ErrorKind::unsupported, "the data is moved in a way that is too irregular for a tensor of this size");
    const Run run = box.runs[shortest];
    if (run.length > static_cast<std::int64_t>(kMaxPieces)) return too_many();
    for (std::int64_t i = 0; i < run.length; ++i) {
      MovedBox one = box;
      one.runs[shortest] = {run.begin + i, 1, 0};
      one.at = box.at + i * run.step;
      DSPERSE_CHECK_OK(add(one, source));
    }
    return {};
  }

  const Shape axes_;
  const std::vector<std::int64_t> stride_;
  const std::vector<std::int64_t>& index_;
  const std::vector<MoveSource>& sources_;
  std::vector<std::int64_t> ends_;
  Rearrange out_;
};

}  // namespace

std::optional<SeparableMap> separate(const Shape& axes, const std::vector<std::int64_t>& index) {
  return separate_region({std::vector<std::int64_t>(axes.size(), 0), axes}, strides(axes), index);
}

Result<Rearrange> find_pieces(const Shape& axes, const std::vector<std::int64_t>& index, const std::vector<MoveSource>& sources) {
  Shape plain;
  for (const auto d : axes)
    if (d > 1) plain.push_back(d);
  if (plain.empty()) plain.push_back(1);
  return Finder(plain, index, sources).run();
}

std::optional<View> find_view(const Shape& shape, const std::vector<std::int64_t>& place) {
  const auto map = separate(shape, place);
  if (!map) return std::nullopt;
  // Every axis in factors of one step each; the innermost factor is as long as the first step lasts.
  View view{shape, {}, {}};
  std::vector<std::int64_t> step;
  for (const auto& f : map->along) {
    Shape factors;
    std::vector<std::int64_t> own;
    for (std::size_t size = 1; size < f.size();) {
      if (f[0] == kHole || f[size] == kHole || f[size] <= f[0]) return std::nullopt;
      const std::int64_t by = f[size] - f[0];
      std::size_t n = 2;
      while (n * size < f.size() && f[n * size] == f[0] + static_cast<std::int64_t>(n) * by) ++n;
      if (f.size() % (n * size) != 0) return std::nullopt;
      factors.insert(factors.begin(), static_cast<std::int64_t>(n));
      own.insert(own.begin(), by);
      size *= n;
    }
    view.factors.insert(view.factors.end(), factors.begin(), factors.end());
    step.insert(step.end(), own.begin(), own.end());
  }
  for (std::uint32_t k = 0; k < step.size(); ++k) view.order.push_back(k);
  std::sort(view.order.begin(), view.order.end(), [&](auto a, auto b) { return step[a] > step[b]; });
  if (storage_index(view) != place) return std::nullopt;
  return view;
}

}  // namespace dsperse::quantize
