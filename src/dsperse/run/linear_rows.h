// What the ways of linear.h share: sizes of tasks, planes of factors, rows of a padded image. Included by linear*.cc alone.
#pragma once

#include <algorithm>
#include <cstdint>

#include "dsperse/base/parallel.h"
#include "dsperse/run/linear.h"

namespace dsperse::run {

/// Multiply-adds of one parallel task, about 20 microseconds.
inline constexpr std::int64_t kTaskMacs = 1 << 20;

inline std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

inline std::size_t grain_for(std::int64_t macs_of_one) {
  return static_cast<std::size_t>(std::max<std::int64_t>(1, kTaskMacs / std::max<std::int64_t>(1, macs_of_one)));
}

inline std::int32_t pair_of(std::int64_t low, std::int64_t high) {
  return static_cast<std::int32_t>((static_cast<std::uint32_t>(high) << 16) | (static_cast<std::uint32_t>(low) & 0xFFFFU));
}

inline std::int64_t plane_of(std::int32_t x, Plane plane) {
  switch (plane) {
    case Plane::high:
      return x >> 8;
    case Plane::low:
      return x & 255;
    case Plane::whole:
      break;
  }
  return x;
}

/// Writes rows [first, last) of the padded image, each of pw pixels of `pixel` elements: zeros, then fill(plane, offset of the
/// input row, pixels, out), then zeros.
template <class T, class Fill>
void Linear::pad_rows(std::int64_t image, std::int64_t first, std::int64_t last, std::int64_t pixel, T* buffer,
                      std::int64_t plane_stride, const Fill& fill) const {
  const std::int64_t left = window_.pad_begin[1], copied = std::clamp<std::int64_t>(pw_ - left, 0, w_);
  const std::int64_t row = pw_ * pixel, before = std::min(left, pw_) * pixel;
  parallel_for(static_cast<std::size_t>(last - first), grain_for(row * 16), [&](std::size_t begin, std::size_t end) {
    for (auto i = static_cast<std::int64_t>(begin); i < static_cast<std::int64_t>(end); ++i)
      for (int plane = 0; plane < planes(); ++plane) {
        T* const out = buffer + plane * plane_stride + i * row;
        const std::int64_t iy = first + i - window_.pad_begin[0];
        if (iy < 0 || iy >= h_) {
          std::fill(out, out + row, T{0});
          continue;
        }
        std::fill(out, out + before, T{0});
        if (copied > 0)
          fill(two_planes_ ? (plane == 0 ? Plane::high : Plane::low) : Plane::whole, (image * h_ + iy) * w_ * c_, copied,
               out + before);
        std::fill(out + before + copied * pixel, out + row, T{0});
      }
  });
}

}  // namespace dsperse::run
