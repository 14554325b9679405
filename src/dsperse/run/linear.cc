#include "dsperse/run/linear.h"

#include <algorithm>
#include <array>
#include <limits>

#include "dsperse/quantize/window.h"
#include "dsperse/run/linear_rows.h"
#include "dsperse/run/scratch.h"

namespace dsperse::run {
namespace {

using quantize::Conv;
using quantize::Gemm;

/// Rows of a Gemm up to which dot products with unpacked weights win: weights are then read once or a few times.
constexpr std::int64_t kDotRows = 4, kDotRowsOnce = 64;
/// A padded image may have this many elements beyond four times its input and output.
constexpr std::int64_t kPaddingAllowance = 1 << 24;
/// Bytes of a band's copied rows: with the weights of a tile they stay in the second-level cache.
constexpr std::int64_t kBandBytes = 384 << 10;
/// Fewest pairs between two widenings for which factors stay in one plane.
constexpr std::int64_t kShortBlock = 8;
/// More pairs than a sum has, and far from overflow when multiplied.
constexpr std::int64_t kNoFlush = std::int64_t{1} << 40;
constexpr std::int64_t kTop = std::numeric_limits<std::int32_t>::max();

}  // namespace

Linear::Linear(const quantize::Program& program, const quantize::Op& op, const quantize::WeightValues& w, bool reuse)
    : weights_(&w) {
  set_geometry(program, op, reuse);
  set_bounds(program.tensors[quantize::op_inputs(op)[0]]);
  const bool depthwise = groups_ > 1 && group_in_ == 1 && group_out_ == 1;
  const bool by_lanes = groups_ > 1 && group_out_ < kLanes;
  const std::int64_t lanes_of_pixel = by_lanes ? ceil_div(o_, kLanes) * kLanes * ceil_div(group_in_, 2) : c_;
  if (ph_ * pw_ > (kPaddingAllowance + 4 * (h_ * w_ * c_ + oh_ * ow_ * o_)) / lanes_of_pixel) way_ = Way::direct;
  if (way_ == Way::panels && by_lanes) way_ = depthwise && narrow_ && !two_planes_ ? Way::taps : Way::lanes;
  if (way_ == Way::panels) pack_panels();
  if (way_ == Way::lanes) pack_lanes();
  if (way_ == Way::taps) pack_taps();
}

void Linear::set_geometry(const quantize::Program& program, const quantize::Op& op, bool reuse) {
  if (const auto* conv = std::get_if<Conv>(&op.body)) {
    const quantize::Shape &x = program.tensors[conv->x].shape, &y = program.tensors[conv->y].shape;
    n_ = x[0], h_ = x[1], w_ = x[2], c_ = x[3], oh_ = y[1], ow_ = y[2], o_ = y[3];
    groups_ = conv->groups, window_ = conv->window;
  } else {
    const Gemm& gemm = std::get<Gemm>(op.body);
    const quantize::Shape& shape = program.weights[gemm.w].shape;
    c_ = shape[1], o_ = shape[0];
    w_ = ow_ = quantize::elements(program.tensors[gemm.x].shape) / c_;
    if (w_ <= (reuse ? kDotRows : kDotRowsOnce)) way_ = Way::dots;
  }
  group_in_ = c_ / groups_, group_out_ = o_ / groups_;
  if (way_ == Way::panels && groups_ == 1) flatten_pixels();
  ph_ = (oh_ - 1) * window_.stride[0] + window_.dilation[0] * (window_.kernel[0] - 1) + 1;
  pw_ = (ow_ - 1) * window_.stride[1] + window_.dilation[1] * (window_.kernel[1] - 1) + 1;
}

/// A 1 x 1 window that never leaves its image sees no rows: all pixels are one column, of one image.
void Linear::flatten_pixels() {
  const auto& s = window_.stride;
  const bool inside = window_.pad_begin == std::array<std::int64_t, 2>{0, 0} && (oh_ - 1) * s[0] < h_ && (ow_ - 1) * s[1] < w_;
  if (window_.kernel != std::array<std::int64_t, 2>{1, 1} || !inside) return;
  if (oh_ != h_ || ow_ != w_) skip_ = {s[0], s[1], h_, w_, oh_, ow_};
  h_ = oh_ = n_ * oh_ * ow_;
  n_ = w_ = ow_ = 1;
  window_ = {};
}

/// How large sums become, and so how they are taken.
void Linear::set_bounds(const quantize::TensorSpec& x) {
  const quantize::WeightValues& w = *weights_;
  const Kernels& k = kernels();
  const auto inner = static_cast<std::int64_t>(w.narrow.size()) / o_;
  const std::int64_t lo = std::max<std::int64_t>(0, -x.lo), hi = std::max<std::int64_t>(0, x.hi);
  sum_bounds_.resize(static_cast<std::size_t>(o_));
  parallel_for(static_cast<std::size_t>(o_), grain_for(inner), [&](std::size_t begin, std::size_t end) {
    for (std::size_t o = begin; o < end; ++o) {
      std::int64_t positive = 0, negative = 0;
      k.signed_sums(w.narrow.data() + static_cast<std::int64_t>(o) * inner, inner, &positive, &negative);
      sum_bounds_[o] = std::max(positive * hi + negative * lo, positive * lo + negative * hi);
    }
  });
  narrow_ = *std::max_element(sum_bounds_.begin(), sum_bounds_.end()) <= kTop;
  std::int16_t w_low = 0, w_high = 0;
  k.extremes16(w.narrow.data(), static_cast<std::int64_t>(w.narrow.size()), &w_low, &w_high);
  const std::int64_t w_max = std::max<std::int64_t>({1, w_high, -std::int64_t{w_low}}),
                     x_max = std::max<std::int64_t>({1, lo, hi});
  two_planes_ = x.lo < -32768 || x.hi > 32767 || (!narrow_ && kTop / (2 * x_max * w_max) < kShortBlock);
  block_ = narrow_ ? kNoFlush : kTop / (2 * (two_planes_ ? 256 : x_max) * w_max);
}

/// Bands that stay in cache, unless the whole image does; at least `least_pixels` of output each.
void Linear::choose_bands(std::int64_t row_bytes, std::int64_t least_pixels) {
  const std::int64_t least = ceil_div(least_pixels, ow_),
                     fit = std::max<std::int64_t>(1, kBandBytes / std::max<std::int64_t>(1, row_bytes));
  band_rows_ = std::max(least, fit);
  if (band_rows_ >= oh_)
    band_rows_ = oh_;
  else
    band_rows_ = std::max(least, std::min(band_rows_, ceil_div(oh_, 4)));
}

std::int64_t Linear::input_rows(const Band& band) const {
  return (band.last_row - 1 - band.first_row) * window_.stride[0] + window_.dilation[0] * (window_.kernel[0] - 1) + 1;
}

void Linear::run(const quantize::IntTensor& x, const Sink& sink) const { run_all(x, {.sink = &sink}); }

std::uint64_t Linear::run(const quantize::IntTensor& x, const NarrowFinish& finish, std::int32_t* y) const {
  std::atomic<std::uint64_t> clamped{0};
  run_all(x, {.finish = &finish, .y = y, .clamped = &clamped});
  return clamped;
}

void Linear::run_all(const quantize::IntTensor& x, const Out& out) const {
  if (way_ == Way::dots) return run_dots(x, *out.sink);
  const std::int64_t bands = ceil_div(oh_, band_rows_);
  // A large window is clamped: the product only chooses how many bands go together.
  const std::int64_t window = std::min<std::int64_t>(window_.kernel[0], 1024) * std::min<std::int64_t>(window_.kernel[1], 1024);
  const std::int64_t macs = std::min<std::int64_t>(band_rows_ * ow_ * o_, kTaskMacs) * std::min(group_in_ * window, kTaskMacs);
  parallel_for(static_cast<std::size_t>(n_ * bands), grain_for(macs), [&](std::size_t begin, std::size_t end) {
    for (auto i = static_cast<std::int64_t>(begin); i < static_cast<std::int64_t>(end); ++i) {
      const std::int64_t first = i % bands * band_rows_;
      run_band({i / bands, first, std::min(first + band_rows_, oh_)}, x, out);
    }
  });
}

void Linear::run_band(const Band& band, const quantize::IntTensor& x, const Out& out) const {
  switch (way_) {
    case Way::panels:
      return run_panels(band, x, out);
    case Way::taps:
      return run_taps(band, x, out);
    case Way::lanes:
      return run_lanes(band, x, *out.sink);
    case Way::direct:
      return run_direct(band, x, *out.sink);
    case Way::dots:
      break;
  }
}

void Linear::run_dots(const quantize::IntTensor& x, const Sink& sink) const {
  constexpr std::int64_t kOutputs = 64, kRows = 4;
  const Kernels& k = kernels();
  const std::int64_t tiles = ceil_div(o_, kOutputs), plane_stride = ow_ * c_;
  const Scratch scratch(static_cast<std::size_t>(plane_stride * planes()) * sizeof(std::int16_t));
  auto* const buffer = scratch.as<std::int16_t>();
  for (int plane = 0; plane < planes(); ++plane)
    k.narrow(x.data(), plane_stride,
             !two_planes_ ? Plane::whole
             : plane == 0 ? Plane::high
                          : Plane::low,
             buffer + plane * plane_stride);
  parallel_for(static_cast<std::size_t>(tiles), grain_for(ow_ * kOutputs * c_), [&](std::size_t begin, std::size_t end) {
    alignas(64) std::array<std::int64_t, kRows * kOutputs> acc;
    for (auto i = static_cast<std::int64_t>(begin); i < static_cast<std::int64_t>(end); ++i)
      for (std::int64_t first = 0; first < ow_; first += kRows) {
        const std::int64_t o = i * kOutputs, outputs = std::min(kOutputs, o_ - o), m = std::min(kRows, ow_ - first);
        for (int plane = 0; plane < planes(); ++plane)
          k.dots(buffer + plane * plane_stride + first * c_, c_, static_cast<int>(m), weights_->narrow.data() + o * c_, c_,
                 outputs, c_, block_, plane == 0 ? Combine::set : Combine::append_low, acc.data(), kOutputs);
        for (std::int64_t r = 0; r < m; ++r) sink((first + r) * o_ + o, acc.data() + r * kOutputs, outputs);
      }
  });
}

/// Plain loops for windows that lie mostly outside of the image: a padded copy would be far larger than the data.
void Linear::run_direct(const Band& band, const quantize::IntTensor& x, const Sink& sink) const {
  for (std::int64_t oy = band.first_row; oy < band.last_row; ++oy)
    for (std::int64_t ox = 0; ox < ow_; ++ox) {
      const quantize::Taps ty = quantize::window_taps(window_, 0, oy, 0, h_), tx = quantize::window_taps(window_, 1, ox, 0, w_);
      for (std::int64_t o = 0; o < o_; ++o) {
        std::int64_t acc = 0;
        for (std::int64_t ky = ty.first; ky < ty.last; ++ky)
          for (std::int64_t kx = tx.first; kx < tx.last; ++kx) {
            const std::int64_t iy = oy * window_.stride[0] + ky * window_.dilation[0] - window_.pad_begin[0];
            const std::int64_t ix = ox * window_.stride[1] + kx * window_.dilation[1] - window_.pad_begin[1];
            const std::int32_t* const in = x.data() + ((band.image * h_ + iy) * w_ + ix) * c_ + o / group_out_ * group_in_;
            const std::int16_t* const w =
                weights_->narrow.data() + ((o * window_.kernel[0] + ky) * window_.kernel[1] + kx) * group_in_;
            for (std::int64_t i = 0; i < group_in_; ++i) acc += std::int64_t{in[i]} * w[i];
          }
        sink(((band.image * oh_ + oy) * ow_ + ox) * o_ + o, &acc, 1);
      }
    }
}

}  // namespace dsperse::run
