// A view as loops: which elements of a tensor the inner letter of a site or product reads, the outer letters being fixed.
//
// Private to the prover's half of this room. Tested by ops/ops_test.cc through its users.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "dsperse/relation/relation.h"

namespace dsperse::relation {

/// Row-major strides of axes.
inline std::vector<std::int64_t> strides(const Shape& axes) {
  std::vector<std::int64_t> out(axes.size(), 1);
  for (std::size_t k = axes.size(); k-- > 1;) out[k - 1] = out[k] * axes[k];
  return out;
}

/// Refers to the view, which must outlive it.
struct Cursor {
  explicit Cursor(const View& view) : axes(view.axes), maps(view.maps), stride(strides(view.axes)) {}
  const Shape& axes;
  const std::vector<AxisMap>& maps;
  std::vector<std::int64_t> stride;

  struct Run {
    std::int64_t first = 0, last = 0;  ///< of the inner letter
    std::int64_t base = 0, step = 0;   ///< flat index = base + j * step
  };
  /// The inner letter's values that are in range, the others being `at`.
  [[nodiscard]] Run run(const std::vector<std::int64_t>& at, std::uint32_t inner, std::int64_t n) const {
    Run r{0, n, 0, 0};
    for (std::size_t k = 0; k < maps.size(); ++k) {
      std::int64_t index = maps[k].offset, coef = 0;
      for (const auto& [letter, c] : maps[k].parts) {
        if (letter == inner)
          coef = c;
        else
          index += c * at[letter];
      }
      if (coef == 0) {
        if (index < 0 || index >= axes[k]) return {};
      } else if (coef > 0) {
        r.first = std::max(r.first, index >= 0 ? 0 : (-index + coef - 1) / coef);
        r.last = std::min(r.last, index >= axes[k] ? 0 : (axes[k] - 1 - index) / coef + 1);
      } else {
        while (r.first < r.last && index + coef * r.first >= axes[k]) ++r.first;
        while (r.first < r.last && index + coef * (r.last - 1) < 0) --r.last;
      }
      r.base += index * stride[k];
      r.step += coef * stride[k];
    }
    if (r.first >= r.last) return {};
    return r;
  }
};

/// Advances the letters listed (last fastest); false after the last assignment.
inline bool advance(std::vector<std::int64_t>& at, const std::vector<std::uint32_t>& letters, const Shape& sizes) {
  for (std::size_t i = letters.size(); i-- > 0;) {
    if (++at[letters[i]] < sizes[letters[i]]) return true;
    at[letters[i]] = 0;
  }
  return false;
}

}  // namespace dsperse::relation
