#include "dsperse/run/strided.h"

#include <algorithm>

namespace dsperse::run {

Strided strided(const quantize::Shape& axes, const std::vector<quantize::AxisMap>& maps, const quantize::Shape& letters) {
  Strided out{true, 0, std::vector<std::int64_t>(letters.size(), 0)};
  std::int64_t block = 1;
  for (std::size_t k = axes.size(); k-- > 0; block *= axes[k]) {
    std::int64_t low = maps[k].offset, high = maps[k].offset;
    for (const auto& [letter, coef] : maps[k].parts) {
      (coef < 0 ? low : high) += coef * (letters[letter] - 1);
      out.stride[letter] = coef * block;
    }
    if (low < 0 || high >= axes[k]) return {};
    out.base += maps[k].offset * block;
  }
  return out;
}

std::int64_t index_at(const quantize::Shape& axes, const std::vector<quantize::AxisMap>& maps,
                      const std::vector<std::int64_t>& letters) {
  std::int64_t flat = 0;
  for (std::size_t k = 0; k < axes.size(); ++k) {
    std::int64_t i = maps[k].offset;
    for (const auto& [letter, coef] : maps[k].parts) i += coef * letters[letter];
    if (i < 0 || i >= axes[k]) return -1;
    flat = flat * axes[k] + i;
  }
  return flat;
}

void Loops::merge() {
  const auto erase = [&](std::size_t k) {
    sizes.erase(sizes.begin() + static_cast<std::ptrdiff_t>(k));
    for (auto& s : strides) s.erase(s.begin() + static_cast<std::ptrdiff_t>(k));
  };
  for (std::size_t k = sizes.size(); k-- > 0;)
    if (sizes[k] == 1 && sizes.size() > 1) erase(k);
  for (std::size_t k = sizes.size(); k-- > 1;) {
    const bool one = std::all_of(strides.begin(), strides.end(), [&](const auto& s) { return s[k - 1] == s[k] * sizes[k]; });
    if (!one) continue;
    for (auto& s : strides) s[k - 1] = s[k];
    sizes[k - 1] *= sizes[k];
    erase(k);
  }
}

Walk::Walk(const Loops& loops, std::size_t inner, std::int64_t start)
    : loops_(loops), letters_(loops.sizes.size() - inner), at_(letters_, 0), offset_(loops.strides.size(), 0) {
  for (std::size_t k = letters_; k-- > 0; start /= loops.sizes[k]) {
    at_[k] = start % loops.sizes[k];
    for (std::size_t v = 0; v < offset_.size(); ++v) offset_[v] += at_[k] * loops.strides[v][k];
  }
}

void Walk::next() {
  for (std::size_t k = letters_; k-- > 0;) {
    for (std::size_t v = 0; v < offset_.size(); ++v) offset_[v] += loops_.strides[v][k];
    if (++at_[k] < loops_.sizes[k]) return;
    for (std::size_t v = 0; v < offset_.size(); ++v) offset_[v] -= loops_.sizes[k] * loops_.strides[v][k];
    at_[k] = 0;
  }
}

}  // namespace dsperse::run
