// Arithmetic of spatial windows along one axis: output sizes and the taps that hit the image.
//
// Interpreter, static checks and prover share it. Not here: data. Header only, no overflow for windows that check_program
// accepts. Tested by quantize/program_test.cc.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "dsperse/quantize/program.h"

namespace dsperse::quantize {

/// Taps [first, last) of a window: tap t of output position o reads input position o * stride + t * dilation - pad_begin.
struct Taps {
  std::int64_t first = 0, last = 0;
  [[nodiscard]] std::int64_t count() const { return last - first; }
};

/// Output positions along `axis` (0: H, 1: W) for `in` input positions; 0 if the window does not fit.
inline std::int64_t window_outputs(const Window& w, std::size_t axis, std::int64_t in) {
  const std::int64_t span = in + w.pad_begin[axis] + w.pad_end[axis] - w.dilation[axis] * (w.kernel[axis] - 1) - 1;
  return span < 0 ? 0 : span / w.stride[axis] + 1;
}

/// Taps of output position o that read a position in [low, high); count() <= 0: none.
inline Taps window_taps(const Window& w, std::size_t axis, std::int64_t o, std::int64_t low, std::int64_t high) {
  const std::int64_t start = o * w.stride[axis] - w.pad_begin[axis], d = w.dilation[axis];
  const std::int64_t first = start >= low ? 0 : (low - start + d - 1) / d;
  const std::int64_t last = start >= high ? 0 : (high - start + d - 1) / d;
  return {first, std::max(first, std::min(last, w.kernel[axis]))};
}

/// Taps of an average pool along one axis that count in its divisor (inside the declared padding, or inside the image).
inline Taps counted_taps(const AveragePool& p, std::size_t axis, std::int64_t o, std::int64_t in) {
  if (!p.count_include_pad) return window_taps(p.window, axis, o, 0, in);
  return window_taps(p.window, axis, o, -p.window.pad_begin[axis], in + p.counted_pad_end[axis]);
}

}  // namespace dsperse::quantize
