#include "dsperse/relation/rounding.h"

#include <algorithm>

namespace dsperse::relation {

std::int64_t limb_width(std::int64_t bits, std::uint32_t limb_bits, std::uint32_t limb) {
  return std::clamp<std::int64_t>(bits - static_cast<std::int64_t>(limb_bits) * limb, 0, limb_bits);
}

std::uint32_t limb_count(const std::vector<std::int32_t>& bits, std::uint32_t limb_bits) {
  const std::int32_t most = *std::max_element(bits.begin(), bits.end());
  return most <= 0 ? 0 : (static_cast<std::uint32_t>(most) + limb_bits - 1) / limb_bits;
}

std::int32_t top_width(std::int32_t shift, std::uint32_t top_bits) {
  return std::clamp<std::int32_t>(shift, 0, static_cast<std::int32_t>(top_bits));
}

std::vector<std::int32_t> low_bits(const std::vector<std::int32_t>& shifts, std::uint32_t top_bits) {
  std::vector<std::int32_t> out;
  for (const std::int32_t s : shifts) out.push_back(std::max(s, 0) - top_width(s, top_bits));
  return out;
}

std::int64_t limb_width(const Requantization& r, std::size_t entry, std::uint32_t limb) {
  return limb_width(std::max(r.shifts[entry], 0) - top_width(r, entry), r.limb_bits, limb);
}

std::int32_t top_width(const Requantization& r, std::size_t entry) { return top_width(r.shifts[entry], r.top_bits); }

Saturation saturation(std::int64_t v_max, std::int64_t middle, std::int64_t block) {
  const std::int64_t steps = (v_max + block - 1) / block;
  return {steps, v_max + steps * block + 8 * middle + 1};
}

std::int64_t saturating_offset(std::int64_t v, std::int64_t v_max, std::int64_t middle, std::int64_t block) {
  const std::int64_t big = saturation(v_max, middle, block).big;
  if (v >= -middle && v < middle) return 0;
  return v >= middle ? big - (v - middle) / block * block : (-1 - v - middle) / block * block - big;
}

std::int64_t remainder_part(const Requantization& r, const Tensor& part, std::size_t entry, std::int64_t acc) {
  const std::int32_t s = r.shifts[entry], w = top_width(r, entry);
  const auto a = static_cast<std::int64_t>(static_cast<std::uint64_t>(acc) + (s > 0 ? std::uint64_t{1} << (s - 1) : 0));
  const auto bits = [a](std::int64_t first, std::int64_t width) {
    return width == 0 ? 0 : (a >> first) & ((std::int64_t{1} << width) - 1);
  };
  if (part.kind == Kind::limb) return bits(std::int64_t{r.limb_bits} * part.step, limb_width(r, entry, part.step));
  const std::int64_t v = s > 0 ? a >> s : static_cast<std::int64_t>(static_cast<std::uint64_t>(a) << -s);
  const auto offset = static_cast<std::uint64_t>(saturating_offset(v, r.v_max, r.middle, r.block));
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(bits(std::max(s, 0) - w, w)) - (offset << w));
}

}  // namespace dsperse::relation
