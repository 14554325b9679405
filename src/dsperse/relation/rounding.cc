#include "dsperse/relation/rounding.h"

#include <algorithm>

namespace dsperse::relation {

std::int64_t limb_width(std::int64_t shift, std::uint32_t limb_bits, std::uint32_t limb) {
  return std::clamp<std::int64_t>(shift - static_cast<std::int64_t>(limb_bits) * limb, 0, limb_bits);
}

std::uint32_t limb_count(const std::vector<std::int32_t>& shifts, std::uint32_t limb_bits) {
  const std::int32_t most = *std::max_element(shifts.begin(), shifts.end());
  return most <= 0 ? 0 : (static_cast<std::uint32_t>(most) + limb_bits - 1) / limb_bits;
}

Saturation saturation(std::int64_t v_max, std::int64_t c) {
  const std::int64_t steps = (v_max + c - 1) / c;
  return {steps, v_max + steps * c + 8 * c + 1};
}

std::int64_t saturating_offset(std::int64_t v, std::int64_t v_max, std::int64_t c) {
  const std::int64_t big = saturation(v_max, c).big;
  if (v >= -c && v < c) return 0;
  if (v >= c) return big - (v / c - 1) * c;
  const std::int64_t below = (-v + c - 1) / c;  // -floor(v / c)
  return -(big - (below - 2) * c);
}

}  // namespace dsperse::relation
